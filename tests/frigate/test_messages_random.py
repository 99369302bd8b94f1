"""Anybody may write anything to a broker: nothing of it may do harm."""

from collections.abc import Iterator
import json
import math
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from custom_components.frigate_snap_sync.frigate.messages import (
    Availability,
    CameraActivity,
    CameraSwitch,
    LiveSnapshotMessage,
    MalformedMessage,
    Message,
    ObjectMessage,
    ReviewMessage,
    parse,
)

from .recorded import VERSIONS, messages, sessions, topic_prefix

PREFIX = "frigate"
EXAMPLES = 2_000


def _corpus() -> list[tuple[str, bytes]]:
    """Return recorded messages, some of each topic in each version."""
    corpus: dict[tuple[str, int], tuple[str, bytes]] = {}
    for version in VERSIONS:
        for session in sessions(version):
            prefix = topic_prefix(version, session)
            for raw in messages(version, session):
                topic = raw.topic.removeprefix(f"{prefix}/")
                if parse(PREFIX, f"{PREFIX}/{topic}", raw.payload, retain=False):
                    corpus.setdefault(
                        (topic, len(raw.payload) // 700), (topic, raw.payload)
                    )
    return sorted(corpus.values())


CORPUS = _corpus()
JSON_CORPUS = [
    (topic, json.loads(payload)) for topic, payload in CORPUS if payload[:1] == b"{"
]

odd_numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 2**63 - 1, 10**300, 1e308, math.nan, math.inf, -math.inf]),
)
odd_texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "..", "../../etc", "a/b", "a\0b", "x" * 5000, "\ud800", "ON"]),
)
odd_values = st.recursive(
    st.one_of(st.none(), st.booleans(), odd_numbers, odd_texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=10), inner, max_size=4),
    ),
    max_leaves=6,
)
words = st.one_of(
    st.sampled_from(["front_door", "person", "traffic light", "", "..", "$SYS", "ä"]),
    st.text(max_size=20),
)
topics = st.one_of(
    st.sampled_from(["reviews", "events", "available", "camera_activity"]),
    st.builds("{}/snapshots/state".format, words),
    st.builds("{}/recordings/state".format, words),
    st.builds("{}/{}/snapshot".format, words, words),
    st.builds("{}/{}/{}/snapshot".format, words, words, words),
    st.sampled_from([topic for topic, _ in CORPUS]),
    st.text(max_size=40),
)


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in a document with each of its keys."""
    if isinstance(document, dict | list):
        keys = list(document) if isinstance(document, dict) else range(len(document))
        for key in keys:
            yield document, key
            yield from _places(document[key])


@st.composite
def changed_documents(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a recorded JSON message of which some values are others, or gone."""
    topic, document = draw(st.sampled_from(JSON_CORPUS))
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        if draw(st.booleans()):
            container[key] = draw(odd_values)
        else:
            del container[key]
    return topic, json.dumps(document).encode()


@st.composite
def changed_bytes(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a recorded message of which some bytes are others, or gone."""
    topic, payload = draw(st.sampled_from(CORPUS))
    data = bytearray(payload)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        data[start : start + length] = draw(st.binary(max_size=8))
    return topic, bytes(data)


random_messages = st.tuples(
    topics,
    st.one_of(
        st.binary(max_size=200),
        odd_values.map(lambda value: json.dumps(value).encode()),
        st.builds(
            lambda kind, after: json.dumps({"type": kind, "after": after}).encode(),
            st.sampled_from(["new", "update", "end", "genai"]),
            odd_values,
        ),
    ),
)


def _check_text(*texts: str | None) -> None:
    for text in texts:
        if text is not None:
            assert 0 < len(text) <= 128
            assert text.encode().decode() == text
            assert text.isprintable()


def _check_times(start: float, end: float | None) -> None:
    assert isinstance(start, float)
    assert 0 <= start <= 32_503_680_000
    if end is not None:
        assert isinstance(end, float)
        assert start <= end <= 32_503_680_000


def _check(message: Message) -> None:
    """What comes out is bounded and safe to store."""
    match message:
        case ReviewMessage(review=review):
            _check_text(review.id, review.camera, *review.labels, *review.zones)
            _check_times(review.start_time, review.end_time)
            assert len(review.labels) <= 64
            assert len(review.zones) <= 64
        case ObjectMessage(object=tracked):
            _check_text(tracked.id, tracked.camera, tracked.label, tracked.sub_label)
            _check_text(*tracked.zones)
            _check_times(tracked.start_time, tracked.end_time)
            assert len(tracked.zones) <= 64
            assert isinstance(tracked.has_snapshot, bool)
            assert isinstance(tracked.false_positive, bool)
        case LiveSnapshotMessage():
            _check_text(message.camera, message.label)
            assert message.image
        case CameraSwitch():
            _check_text(message.camera)
            assert message.on in {True, False, None}
        case Availability():
            assert isinstance(message.online, bool)
        case CameraActivity():
            for name, camera in message.cameras.items():
                _check_text(name)
                assert isinstance(camera.snapshots_enabled, bool)
                assert isinstance(camera.recordings_enabled, bool)


def check_parsed(topic: str, payload: bytes, *, retain: bool) -> None:
    """Fail if this is neither refused as malformed nor understood as something sane."""
    try:
        parsed = parse(PREFIX, f"{PREFIX}/{topic}", payload, retain=retain)
    except MalformedMessage:
        return
    if parsed is not None:
        _check(parsed)


@given(
    message=st.one_of(random_messages, changed_documents(), changed_bytes()),
    retain=st.booleans(),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_anything_may_come(message: tuple[str, bytes], retain: bool) -> None:
    """Nothing but `MalformedMessage` is raised, and what is understood is sane."""
    check_parsed(*message, retain=retain)


def test_the_corpus_is_not_thin() -> None:
    """There is something to mutate on every topic."""
    kinds = {
        type(parse(PREFIX, f"{PREFIX}/{topic}", payload, retain=False))
        for topic, payload in CORPUS
    }
    assert kinds == {
        ReviewMessage,
        ObjectMessage,
        LiveSnapshotMessage,
        CameraSwitch,
        Availability,
        CameraActivity,
    }
    assert len(JSON_CORPUS) >= 10
