"""What Frigate's messages say of reviews."""

import json

import pytest

from custom_components.frigate_snap_sync.frigate.messages import (
    MAX_JSON_BYTES,
    MalformedMessage,
    MessageKind,
    ReviewMessage,
)
from custom_components.frigate_snap_sync.frigate.models import Severity

from .test_messages import OBJECT, REVIEW, say, say_object


def say_review(kind: object = "new", **changes: object) -> ReviewMessage:
    """Parse a review with some fields changed; `...` leaves one out."""
    after = {key: value for key, value in (REVIEW | changes).items() if value != ...}
    message = say("reviews", {"type": kind, "before": REVIEW, "after": after})
    assert isinstance(message, ReviewMessage)
    return message


# Reviews


@pytest.mark.parametrize("kind", list(MessageKind))
def test_review_kinds(kind: MessageKind) -> None:
    """All three may be the first message."""
    assert say_review(kind).kind is kind


@pytest.mark.parametrize("kind", ["genai", "", "END", "merge"])
def test_review_kinds_that_say_nothing(kind: str) -> None:
    """A description by a language model comes with widened times."""
    assert say("reviews", {"type": kind, "before": REVIEW, "after": REVIEW}) is None
    assert say("events", {"type": kind, "before": OBJECT, "after": OBJECT}) is None


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        (None, None),
        (1795336640, 1795336640.0),
        (1795336640.25, 1795336640.25),
        (REVIEW["start_time"], REVIEW["start_time"]),
        (REVIEW["start_time"] - 1, REVIEW["start_time"]),
        (9223372036854775807, None),
        (float("nan"), None),
        (float("inf"), None),
        (-1, None),
        (10**400, None),
        (True, None),
        ("1795336640", None),
        ([], None),
    ],
)
def test_review_end_time(sent: object, end: float | None) -> None:
    """Whatever can't be the end counts as not known."""
    review = say_review("end", end_time=sent).review

    assert review.end_time == end
    assert review.ended is (sent is not None)


def test_an_object_ends_before_it_began() -> None:
    """Frigate's clock was set back while it was there: it has ended all the same."""
    tracked = say_object("end", start_time=1795336640.5, end_time=1795336600).object

    assert tracked.end_time == tracked.start_time == 1795336640.5


@pytest.mark.parametrize("field", ["id", "camera", "start_time"])
@pytest.mark.parametrize(
    "value",
    [..., None, "", " ", True, [], {}, -1, float("nan"), 10**30, "a\nb", "a" * 129],
)
def test_review_without_what_it_needs(field: str, value: object) -> None:
    """Without id, camera and start there is no review."""
    with pytest.raises(MalformedMessage, match=field.partition("_")[0]):
        say_review(**{field: value})


@pytest.mark.parametrize(
    ("sent", "severity"),
    [
        ("alert", Severity.ALERT),
        ("detection", Severity.DETECTION),
        ("significant_motion", Severity.DETECTION),
        (None, Severity.DETECTION),
        ([], Severity.DETECTION),
        (..., Severity.DETECTION),
    ],
)
def test_review_severity(sent: object, severity: Severity) -> None:
    """An unknown severity is the lesser of the two."""
    assert say_review(severity=sent).review.severity is severity


@pytest.mark.parametrize("data", [..., None, [], "text", {}])
def test_review_without_data(data: object) -> None:
    """Keys come and go between releases."""
    review = say_review(data=data).review

    assert review.labels == frozenset()
    assert review.zones == frozenset()


def test_review_labels() -> None:
    """What Frigate adds to a label is cut off; the rest comes along."""
    data = {
        "objects": ["person-verified", "doorbell: bell", "traffic light", "car", 7, ""],
        "sub_labels": ["Anna"],
        "audio": ["bark", None],
        "zones": ["porch", "a\x00b", "Straße", ["x"]],
        "verified_objects": ["person"],
        "metadata": {"title": "…"},
    }
    review = say_review(data=data).review

    assert review.labels == {
        "person",
        "doorbell",
        "traffic light",
        "car",
        "Anna",
        "bark",
    }
    assert review.zones == {"porch", "ab", "Straße"}


@pytest.mark.parametrize("label", ["-verified", ": bell"])
def test_review_label_that_is_all_addition(label: str) -> None:
    """A label is never cut to nothing."""
    assert say_review(data={"objects": [label]}).review.labels == {label}


def test_review_labels_are_bounded() -> None:
    """A message can't fill the ledger."""
    many = [f"label {number}" for number in range(5000)]
    review = say_review(
        data={"objects": many, "zones": many, "audio": [*many, "x" * 129]}
    ).review

    assert len(review.labels) == 64
    assert len(review.zones) == 64


@pytest.mark.parametrize(
    ("sent", "detections"),
    [
        (["1.5-a", "1.5-b", "1.5-a"], {"1.5-a", "1.5-b"}),
        (["1.5-a", None, 7, "", "x" * 129, "a\nb", ["c"]], {"1.5-a"}),
        (None, set()),
        ("1.5-a", set()),
        ({"1.5-a": "person"}, set()),
    ],
)
def test_review_detections(sent: object, detections: set[str]) -> None:
    """The ids of its objects, as far as they can be ids."""
    assert say_review(data={"detections": sent}).review.detections == detections


def test_review_detections_are_bounded() -> None:
    """A message can't make us ask for thousands of objects."""
    many = [f"1.5-{number}" for number in range(5000)]
    assert len(say_review(data={"detections": many}).review.detections) == 256


def test_review_id_that_storage_can_not_carry() -> None:
    """A lone surrogate is valid JSON, but no valid text."""
    payload = json.dumps({"type": "new", "after": REVIEW | {"id": "\ud800"}})
    with pytest.raises(MalformedMessage, match="id of a review"):
        say("reviews", payload.encode())


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not JSON"),
        (b"[]", "message is no object"),
        (b"null", "message is no object"),
        (b"{}", "type is missing"),
        (b'{"type": 1}', "type is missing"),
        (b'{"type": "new"}', "review is no object"),
        (b'{"type": "new", "after": null}', "review is no object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"type": ' + b"9" * 5000 + b"}", "not JSON"),
        (json.dumps({"type": "new"}).encode("utf-16"), "not UTF-8"),
        (b" " * (MAX_JSON_BYTES + 1), "bytes of JSON"),
    ],
)
def test_reviews_that_are_none(payload: bytes, reason: str) -> None:
    """The reason says what is wrong."""
    with pytest.raises(MalformedMessage, match=reason):
        say("reviews", payload)
