"""The simulated Frigate says and answers what recorded ones did."""

from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
import json
from pathlib import Path
import threading
from typing import Any

import av
import pytest

from .frigate import Frigate, MqttLink, Review, SettableClock, TrackedObject
from .frigate.answers import Answer
from .frigate.api import Api
from .processes import free_port

RECORDED = Path(__file__).parents[1] / "fixtures" / "recorded"
VERSIONS = ("0.16.4", "0.17.2", "0.18.0")
NOW = 1795336634.5


def _recorded_messages(version: str, file: str) -> list[tuple[str, Any]]:
    lines = (RECORDED / version / f"mqtt-{file}.jsonl").read_text().splitlines()
    messages = [json.loads(line) for line in lines]
    return [
        (message["topic"].removeprefix("frigate/"), message["payload"])
        for message in messages
        if "payload" in message
    ]


def _recorded_answer(version: str, name: str) -> dict[str, Any]:
    path = RECORDED / version / "http" / f"{name}.json"
    answer: dict[str, Any] = json.loads(path.read_text())
    return answer


def _keys(value: object, path: str = "") -> set[str]:
    """Return every key of a document, at any depth, with the way to it."""
    if isinstance(value, dict):
        return {f"{path}.{key}" for key in value}.union(
            *(_keys(inner, f"{path}.{key}") for key, inner in value.items())
        )
    if isinstance(value, list) and value:
        return _keys(value[0], f"{path}[]")
    return set()


class Recorder:
    """A Frigate whose clock is set by hand, and what it has published."""

    def __init__(self, version: str) -> None:
        """Connect it."""
        self.now = NOW
        self.frigate = Frigate(version=version, clock=lambda: self.now, seed=1)
        self.messages: list[tuple[str, bytes]] = []
        self.frigate.publish = self._publish
        self.frigate.connect()
        self.api = Api(self.frigate, None)

    def _publish(self, topic: str, payload: bytes, _retain: bool) -> None:
        self.messages.append((topic.removeprefix("frigate/"), payload))

    def visit(self) -> tuple[TrackedObject, Review]:
        """Let a person come, stay for 8 seconds, and go; the review ends."""
        tracked = self.frigate.begin_object("front_door")
        self.now += 0.8
        self.frigate.confirm_object(tracked)
        review = self.frigate.begin_review([tracked])
        assert review is not None
        for _ in range(10):
            self.now += 0.7
            self.frigate.update_object(tracked, zones=["porch"])
            self.frigate.see_activity(review, tracked)
        self.frigate.end_object(tracked)
        self.frigate.end_review(review)
        return tracked, review

    async def get(self, path: str, **query: str) -> Answer:
        """Ask its API."""
        return await self.api.answer("GET", path, query, b"", None)


@pytest.fixture(params=VERSIONS)
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """Return a Frigate of each recorded version."""
    return Recorder(request.param)


def _documents(messages: list[tuple[str, Any]], topic: str) -> Iterator[dict[str, Any]]:
    for name, payload in messages:
        if name == topic:
            yield json.loads(payload)


def test_states_at_connect(recorder: Recorder) -> None:
    """The topics and values at a connect are the recorded ones."""
    version = recorder.frigate.version.text
    recorded = {
        topic: payload
        for topic, payload in _recorded_messages(version, "startup-and-alert")
        if topic.startswith("front_door/") and topic.endswith("/state")
    }
    own = {
        topic: payload.decode()
        for topic, payload in recorder.messages
        if topic.startswith("front_door/") and topic.endswith("/state")
    }
    assert own == recorded
    assert recorder.messages[-1] == ("available", b"online")


@pytest.mark.parametrize("topic", ["events", "reviews"])
@pytest.mark.parametrize("kind", ["new", "end"])
def test_message_shapes(recorder: Recorder, topic: str, kind: str) -> None:
    """Messages of objects and reviews have the recorded fields, no more, no less."""
    recorder.visit()
    version = recorder.frigate.version.text
    recorded, own = (
        [one for one in _documents(messages, topic) if one["type"] == kind]
        for messages in (
            _recorded_messages(version, "startup-and-alert"),
            recorder.messages,
        )
    )
    assert _keys(own[-1]) == _keys(recorded[-1])


def test_order_of_a_visit(recorder: Recorder) -> None:
    """The picture comes first, the review's end last."""
    del recorder.messages[:]
    recorder.visit()
    kinds = [
        json.loads(payload)["type"] if topic in {"events", "reviews"} else topic
        for topic, payload in recorder.messages
    ]
    assert kinds[:4] == [
        "front_door/person/snapshot",
        "new",
        "new",
        "front_door/review_status",
    ]
    assert kinds[-3:] == ["end", "end", "front_door/review_status"]


def test_manual_event_begins_with_an_update(recorder: Recorder) -> None:
    """A manual event has no `new`, and no message of an object."""
    del recorder.messages[:]
    recorder.frigate.create_manual_event(
        "front_door", "doorbell", duration=10, sub_label="bell"
    )
    assert [topic for topic, _ in recorder.messages][0] == "reviews"
    assert not list(_documents(recorder.messages, "events"))
    (own,) = _documents(recorder.messages, "reviews")
    version = recorder.frigate.version.text
    messages = _recorded_messages(version, "manual-event-update-first")
    recorded = next(_documents(messages, "reviews"))
    assert own["type"] == recorded["type"] == "update"
    assert own["after"]["data"]["objects"] == recorded["after"]["data"]["objects"]
    assert _keys(own) == _keys(recorded)


def test_forced_end_of_an_endless_event(recorder: Recorder) -> None:
    """OFF comes before the forced end, which has an impossible end time."""
    recorder.frigate.create_manual_event("front_door", "alarm", duration=None)
    del recorder.messages[:]
    recorder.frigate.handle_message("frigate/front_door/recordings/set", b"OFF")
    assert recorder.messages[0] == ("front_door/recordings/state", b"OFF")
    (end,) = _documents(recorder.messages, "reviews")
    version = recorder.frigate.version.text
    messages = _recorded_messages(version, "manual-event-indefinite-forced-end")
    recorded = [one for one in _documents(messages, "reviews") if one["type"] == "end"]
    assert end["after"]["end_time"] == recorded[0]["after"]["end_time"]


def test_commands_come_back_as_they_were(recorder: Recorder) -> None:
    """A client that sends `on` makes the state `on`."""
    recorder.frigate.handle_message("frigate/front_door/snapshots/set", b"on")
    assert recorder.messages[-1] == ("front_door/snapshots/state", b"on")
    assert recorder.frigate.cameras["front_door"].snapshots


def test_recordings_state_lies_after_a_reconnect(recorder: Recorder) -> None:
    """ON is published although it is off; `camera_activity` tells the truth."""
    recorder.frigate.handle_message("frigate/front_door/recordings/set", b"OFF")
    recorder.frigate.disconnect()
    del recorder.messages[:]
    recorder.frigate.connect()
    assert ("front_door/recordings/state", b"ON") in recorder.messages
    recorder.frigate.handle_message("frigate/onConnect", b"")
    (activity,) = _documents(recorder.messages, "camera_activity")
    assert activity["front_door"]["config"]["record"] is False
    version = recorder.frigate.version.text
    messages = _recorded_messages(version, "camera-activity-reply")
    recorded = next(_documents(messages, "camera_activity"))
    assert _keys(activity) == _keys(recorded)


async def test_rows_over_http(recorder: Recorder) -> None:
    """Rows of objects and reviews have the recorded fields."""
    tracked, review = recorder.visit()
    version = recorder.frigate.version.text
    for path, name in (
        (f"/api/review/{review.id}", "review-by-id"),
        ("/api/review", "review-list"),
        (f"/api/events/{tracked.id}", "event-by-id"),
        ("/api/events", "events"),
    ):
        answer = await recorder.get(path)
        assert answer.status == 200
        recorded = _recorded_answer(version, name)["json"]
        assert _keys(json.loads(answer.body)) == _keys(recorded), name


async def test_config_over_http(recorder: Recorder) -> None:
    """Every field of the configuration exists in recorded ones."""
    answer = await recorder.get("/api/config")
    recorded = _recorded_answer(recorder.frigate.version.text, "config")["json"]
    own = {key for key in _keys(json.loads(answer.body)) if ".zones" not in key}
    assert own - {".safe_mode"} <= _keys(recorded)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/version", "version"),
        ("/api/review/1000000000.123456-abcdef", "review-by-id-not-found"),
        ("/api/events/1000000000.123456-abcdef", "event-by-id-not-found"),
        (
            "/api/events/1000000000.123456-abcdef/snapshot.jpg",
            "event-snapshot-not-found",
        ),
        ("/api/no/such/route", "unknown-route"),
        ("/api/front_door/start/1000/end/2000/clip.mp4", "clip-no-recordings"),
        ("/api/nowhere/start/1000/end/2000/clip.mp4", "clip-unknown-camera"),
        ("/api/front_door/recordings", "recordings-none"),
    ],
)
async def test_same_answer_as_recorded(
    recorder: Recorder, path: str, name: str
) -> None:
    """What has one answer only is answered with the recorded one."""
    recorded = _recorded_answer(recorder.frigate.version.text, name)
    answer = await recorder.get(path)
    assert answer.status == recorded["status"]
    assert answer.content_type == recorded["headers"]["content-type"]
    if "json" in recorded:
        assert json.loads(answer.body) == recorded["json"]
    else:
        assert answer.body.decode() == recorded.get("text", "")


async def test_bad_number(recorder: Recorder) -> None:
    """A time that is no number is refused with the recorded status."""
    recorded = _recorded_answer(recorder.frigate.version.text, "clip-bad-number")
    answer = await recorder.get("/api/front_door/start/abc/end/1795336644/clip.mp4")
    assert answer.status == recorded["status"] == 422


async def test_reviewed_ones_are_hidden_up_to_0_16(recorder: Recorder) -> None:
    """The meaning of `reviewed` changed in 0.17."""
    _, review = recorder.visit()
    review.reviewed = True
    by_default = json.loads((await recorder.get("/api/review")).body)
    asked_for = json.loads((await recorder.get("/api/review", reviewed="1")).body)
    assert [row["id"] for row in asked_for] == [review.id]
    assert len(by_default) == (0 if recorder.frigate.version.minor <= 16 else 1)


async def test_footage_grows(recorder: Recorder) -> None:
    """A moment is served 10 to 17 s later, by whole segments."""
    start, end = int(NOW), int(NOW) + 20
    path = f"/api/front_door/start/{start}/end/{end}/clip.mp4"
    sizes = []
    for wait in (0, 10, 17, 27, 60):
        recorder.now = NOW + wait
        sizes.append(len((await recorder.get(path)).body))
    assert sizes == sorted(sizes)
    recorder.now = NOW + 37
    whole = await recorder.get(path)
    assert len(whole.body) == sizes[-1]
    assert whole.chunked
    with av.open(BytesIO(whole.body), "r") as container:
        frames = len(list(container.decode(video=0)))
    # A clip begins at the keyframe before.
    assert 20 * 5 <= frames <= 22 * 5


async def test_clips_are_always_the_same(recorder: Recorder) -> None:
    """The same range gives the same bytes, from another Frigate as well."""
    path = f"/api/front_door/start/{NOW - 60}/end/{NOW - 31.5}/clip.mp4"
    other = Recorder(recorder.frigate.version.text)
    first, second = await recorder.get(path), await other.get(path)
    assert first.body == second.body
    # The last box is the index that ffmpeg writes at an orderly end.
    size = int.from_bytes(first.body[-4:])
    assert first.body[-size:][4:8] == b"mfra"


async def test_0_14_makes_plain_files() -> None:
    """The oldest version answers with whole files, and an error without footage."""
    recorder = Recorder("0.14.1")
    answer = await recorder.get(
        f"/api/front_door/start/{int(NOW) - 60}/end/{int(NOW) - 40}/clip.mp4"
    )
    assert not answer.chunked
    assert b"moof" not in answer.body
    with av.open(BytesIO(answer.body), "r") as container:
        assert container.duration is not None
    answer = await recorder.get("/api/front_door/start/1000/end/2000/clip.mp4")
    assert answer.status == 500
    answer = await recorder.get("/api/front_door/start/1000/end/2000.5/clip.mp4")
    assert answer.status == 404


async def test_summary_of_the_recordings(recorder: Recorder) -> None:
    """By UTC's days and hours, in the recorded form; what was lost is not in it."""
    recorder.visit()
    recorder.now = NOW + 3600 * 30
    footage = recorder.frigate.cameras["front_door"].footage
    footage.lose(NOW + 3600 * 2, NOW + 3600 * 25)
    path = "/api/front_door/recordings/summary"
    days = json.loads((await recorder.get(path, timezone="utc")).body)
    version = recorder.frigate.version.text
    assert _keys(days) == _keys(_recorded_answer(version, "recordings-summary")["json"])
    assert [day["day"] for day in days] == ["2026-11-23", "2026-11-22"]
    assert [[hour["hour"] for hour in day["hours"]] for day in days] == [
        ["14", "13", "12", "11", "10", "09"],
        ["10", "09", "08", "07"],
    ]
    assert days[1]["hours"][1]["duration"] == 3600
    assert days[1]["events"] == 1
    answer = await recorder.get("/api/nowhere/recordings/summary", timezone="utc")
    assert json.loads(answer.body) == []


def test_recordings_that_were_off_are_missing() -> None:
    """What was not yet moved when recordings went off is lost."""
    recorder = Recorder("0.17.2")
    frigate = recorder.frigate
    footage = frigate.cameras["front_door"].footage
    frigate.set_switch("front_door", "recordings", on=False)
    recorder.now += 30
    frigate.set_switch("front_door", "recordings", on=True)
    recorder.now += 60
    starts = [
        segment.start
        for segment in footage.segments(NOW - 60, NOW + 60, now=recorder.now)
    ]
    gaps = {later - earlier for earlier, later in pairwise(starts)}
    assert max(gaps) >= 30
    assert starts[-1] > NOW + 30


def test_killed_and_started_again() -> None:
    """Nothing is said of the end, which is then the moment of the start."""
    recorder = Recorder("0.17.2")
    tracked = recorder.frigate.begin_object("front_door")
    recorder.frigate.confirm_object(tracked)
    review = recorder.frigate.begin_review([tracked])
    assert review is not None
    del recorder.messages[:]
    recorder.frigate.kill()
    recorder.now += 10
    recorder.frigate.start_again()
    recorder.frigate.connect()
    assert not list(_documents(recorder.messages, "reviews"))
    assert review.end == NOW + 10


async def test_no_broker(socket_enabled: None) -> None:
    """A link that reaches no broker gives up, and leaves no thread behind."""
    link = MqttLink(Frigate(), "127.0.0.1", free_port())
    with pytest.raises(TimeoutError):
        await link.start(timeout=0.2)
    assert "paho" not in " ".join(one.name for one in threading.enumerate())


def test_the_clock_is_set_forward_and_back() -> None:
    """Forward leaves a hole; back records a part of it, and loses nothing."""
    clock = SettableClock()
    frigate = Frigate(("front_door",), clock=clock, history=600)
    footage = frigate.cameras["front_door"].footage
    begin = int(clock()) - 100

    def held() -> set[int]:
        return footage.seconds(begin, begin + 4000, now=clock())

    before = held()
    frigate.set_clock(2000)
    assert before <= held()
    assert not held() & set(range(begin + 110, begin + 2080))
    frigate.set_clock(2100)
    ahead = held()
    assert ahead >= before
    frigate.set_clock(1000)
    assert held() >= ahead
    assert footage.doubtful == [
        (pytest.approx(begin + 1100, abs=2), pytest.approx(begin + 2100, abs=2))
    ]
