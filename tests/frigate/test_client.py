"""The client against recorded answers of real Frigates."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
import json
import threading
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate import listings
from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateUnreachable,
    MediaBroken,
    MediaGone,
    MediaNeverThere,
    MediaNotReady,
    NotFrigate,
    UnsupportedVersion,
)
from custom_components.frigate_snap_sync.frigate.models import Review, Segment, Severity
from custom_components.frigate_snap_sync.frigate.version import FrigateVersion

from .conftest import MakeClient, SteadyClock
from .recorded import VERSIONS, Reply, media, reply
from .server import FakeServer, abort, as_bytes, as_json, page

CLIP = "/api/front_door/start/{}/end/{}/clip.mp4"


def collect() -> tuple[list[bytes], Callable[[bytes], Awaitable[None]]]:
    """Return a list and what fills it."""
    pieces: list[bytes] = []

    async def write(piece: bytes) -> None:
        pieces.append(piece)

    return pieces, write


def recorded_id(version: str, name: str) -> str:
    """Return the id that a recorded request asked for."""
    return reply(version, name).path.split("/")[3]


def recorded_range(version: str) -> tuple[int, int]:
    """Return start and end of the recorded clip."""
    parts = reply(version, "clip-finished-review").path.split("/")
    return int(parts[4]), int(parts[6])


# What Frigate tells


@pytest.mark.parametrize("version", VERSIONS)
async def test_version(server: FakeServer, client: FrigateClient, version: str) -> None:
    """Each release says which it is."""
    server.record(version)

    assert await client.version() == FrigateVersion.parse(version)


@pytest.mark.parametrize("text", ["0.13.2-abc", "0.12.0"])
async def test_version_that_is_too_old(
    server: FakeServer, client: FrigateClient, text: str
) -> None:
    """There were no reviews before 0.14."""
    server.answer("/api/version", as_bytes(text.encode(), "text/plain"))

    with pytest.raises(UnsupportedVersion, match=text):
        await client.version()


@pytest.mark.parametrize("body", [b"", b"dev", b"\xff\xfe", b'"0.17.2"', b"OK"])
async def test_version_of_something_else(
    server: FakeServer, client: FrigateClient, body: bytes
) -> None:
    """Many things answer to `/api/version`."""
    server.answer("/api/version", as_bytes(body, "text/plain"))

    with pytest.raises(NotFrigate):
        await client.version()


@pytest.mark.parametrize("version", VERSIONS)
async def test_config(server: FakeServer, client: FrigateClient, version: str) -> None:
    """Prefix, cameras, and the live values of their switches."""
    server.record(version)
    config = await client.config()

    assert config.mqtt_enabled
    assert config.topic_prefix == "frigate"
    assert not config.safe_mode
    assert set(config.cameras) == {"front_door", "back-yard_2"}
    assert all(camera.recordings_enabled for camera in config.cameras.values())
    assert all(camera.snapshots_enabled for camera in config.cameras.values())
    assert all(camera.enabled for camera in config.cameras.values())

    server.record(version, "config-prefix-with-slash")
    assert (await client.config()).topic_prefix == "home/nvr"

    server.record(version, "config-record-really-off")
    cameras = (await client.config()).cameras
    assert cameras["front_door"].recordings_enabled
    assert not cameras["back-yard_2"].recordings_enabled


async def test_config_in_unusual_states(
    server: FakeServer, client: FrigateClient
) -> None:
    """MQTT off, safe mode, names that can't be."""
    document: dict[str, Any] = json.loads(reply("0.17.2", "config").body)
    document["mqtt"]["enabled"] = False
    document["safe_mode"] = True
    document["cameras"]["a\nb"] = document["cameras"]["front_door"]
    document["cameras"]["odd"] = None
    document["cameras"]["front_door"]["enabled"] = False
    document["cameras"]["front_door"]["friendly_name"] = "Haustür"
    document["cameras"]["back-yard_2"]["friendly_name"] = "a\nb"
    server.answer("/api/config", as_json(document))

    config = await client.config()

    assert not config.mqtt_enabled
    assert config.safe_mode
    assert set(config.cameras) == {"front_door", "back-yard_2"}
    assert not config.cameras["front_door"].enabled
    assert config.cameras["back-yard_2"].enabled
    assert config.cameras["front_door"].friendly_name == "Haustür"
    assert config.cameras["back-yard_2"].friendly_name is None


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"mqtt": {}, "cameras": {}},
        {"mqtt": {"topic_prefix": ""}, "cameras": {}},
        {"mqtt": {"topic_prefix": "frigate"}},
        {"mqtt": None, "cameras": {}},
    ],
)
async def test_config_of_something_else(
    server: FakeServer, client: FrigateClient, document: object
) -> None:
    """It must be one of Frigate's."""
    server.answer("/api/config", as_json(document))

    with pytest.raises(NotFrigate, match="/api/config is not Frigate's"):
        await client.config()


@pytest.mark.parametrize("version", VERSIONS)
async def test_uptime(server: FakeServer, client: FrigateClient, version: str) -> None:
    """From the service's own count."""
    server.record(version)
    told = json.loads(reply(version, "stats").body)["service"]["uptime"]

    assert await client.uptime() == told


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"service": []},
        {"service": {"uptime": None}},
        {"service": {"uptime": True}},
        {"service": {"uptime": -5}},
        {"service": {"uptime": 10**400}},
        {"service": {"uptime": float("nan")}},
    ],
)
async def test_uptime_that_is_none(
    server: FakeServer, client: FrigateClient, document: object
) -> None:
    """The shape of the statistics varies."""
    server.answer("/api/stats", as_json(document))

    with pytest.raises(FrigateServerError, match="no uptime"):
        await client.uptime()


@pytest.mark.parametrize("version", VERSIONS)
async def test_camera_fps(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """As Frigate counts; a camera that it does not count sends nothing."""
    server.record(version)
    assert await client.camera_fps("front_door") == 5.0
    assert await client.camera_fps("garage") == 0.0


@pytest.mark.parametrize("fps", [None, 0, -1, True, float("nan"), "5"])
async def test_camera_that_sends_nothing(
    server: FakeServer, client: FrigateClient, fps: object
) -> None:
    """The shape of the statistics varies."""
    document = {"cameras": {"front_door": {"camera_fps": fps}}}
    server.answer("/api/stats", as_json(document))
    assert await client.camera_fps("front_door") == 0.0


@pytest.mark.parametrize(
    ("record", "keeps_everything"),
    [
        ({"continuous": {"days": 1.0}}, True),
        ({"continuous": {"days": 0.0}, "motion": {"days": 3.0}}, False),
        ({"retain": {"days": 3, "mode": "all"}}, True),
        ({"retain": {"days": 3, "mode": "motion"}}, False),
        ({"retain": {"days": 0.0, "mode": "all"}}, False),
        ({}, False),
        ({"continuous": None}, False),
    ],
)
async def test_what_is_kept(
    server: FakeServer,
    client: FrigateClient,
    record: dict[str, object],
    keeps_everything: bool,
) -> None:
    """Each version says it in its own way whether a quiet hour is kept."""
    document = json.loads(reply("0.17.2", "config").body)
    document["cameras"]["front_door"]["record"] = {"enabled": True, **record}
    server.answer("/api/config", as_json(document))
    camera = (await client.config()).cameras["front_door"]
    assert camera.keeps_everything is keeps_everything


# Reviews and tracked objects


@pytest.mark.parametrize("version", VERSIONS)
async def test_review(server: FakeServer, client: FrigateClient, version: str) -> None:
    """One that is there, one that is not."""
    server.record(version)

    review = await client.review(recorded_id(version, "review-by-id"))

    assert review is not None
    assert review.camera == "front_door"
    assert review.severity is Severity.ALERT
    assert review.labels == {"person"}
    assert review.ended
    assert review.end_time is not None
    assert await client.review("1000000000.123456-abcdef") is None


async def test_review_in_progress(server: FakeServer, client: FrigateClient) -> None:
    """It has no end; one that was cut off has an end that can't be."""
    server.record("0.17.2", "review-in-progress", "review-forced-end-manual")

    running = await client.review(recorded_id("0.17.2", "review-in-progress"))
    assert running is not None
    assert (running.end_time, running.ended) == (None, False)

    cut = await client.review(recorded_id("0.17.2", "review-forced-end-manual"))
    assert cut is not None
    assert (cut.end_time, cut.ended) == (None, True)


async def test_items_that_fit_no_route(
    server: FakeServer, client: FrigateClient
) -> None:
    """Nothing is asked for a name that leads elsewhere."""
    _, write = collect()
    assert await client.review("../config") is None
    assert await client.event("") is None
    assert await client.recordings("a/b", after=1, before=2) == []
    with pytest.raises(MediaGone):
        await client.snapshot("..")
    with pytest.raises(MediaGone):
        await client.clip("a/b", start=1, end=2, write=write)
    assert server.asked == []


async def test_review_that_is_none(server: FakeServer, client: FrigateClient) -> None:
    """An answer without what a review needs."""
    server.answer("/api/review/x", as_json({"id": "x"}))

    with pytest.raises(FrigateServerError, match="start_time of a review"):
        await client.review("x")


@pytest.mark.parametrize("version", VERSIONS)
async def test_reviews(server: FakeServer, client: FrigateClient, version: str) -> None:
    """All of them, also those that somebody has looked at."""
    server.record(version)
    rows = json.loads(reply(version, "review-list").body)

    reviews = await client.reviews(after=1795336000.5, before=1795340000)

    assert [review.id for review in reviews] == [row["id"] for row in rows]
    (asked,) = server.asked_for("/api/review")
    assert asked.query == (
        {"after": "1795336000.500000", "before": "1795340000.000000"}
        | ({"reviewed": "1"} if version == "0.16.4" else {})
    )
    assert asked.headers["X-Cache-Bypass"] == "1"


async def test_reviews_by_overlap(server: FakeServer, client: FrigateClient) -> None:
    """0.14 and 0.15 select otherwise, so more is asked for and the rest dropped."""
    row = json.loads(reply("0.16.4", "review-by-id").body)
    rows = [
        row | {"id": "before", "start_time": 800, "end_time": 1000},
        row | {"id": "into", "start_time": 900, "end_time": 1001},
        row | {"id": "within", "start_time": 1100, "end_time": 1200},
        row | {"id": "running", "start_time": 100, "end_time": None},
        row | {"id": "out of", "start_time": 1999, "end_time": 2500},
        row | {"id": "behind", "start_time": 2000, "end_time": 2500},
    ]
    server.answer("/api/version", as_bytes(b"0.15.2-abc", "text/plain"))
    server.answer("/api/review", as_json(rows))

    reviews = await client.reviews(after=1000, before=2000)

    assert [review.id for review in reviews] == ["into", "within", "running", "out of"]
    assert server.asked_for("/api/review")[0].query == {
        "after": "-85400.000000",
        "before": "88400.000000",
        "reviewed": "1",
    }


async def test_odd_rows_hide_no_others(
    server: FakeServer, client: FrigateClient
) -> None:
    """A row that can't be understood is left out."""
    row = json.loads(reply("0.17.2", "review-by-id").body)
    server.record("0.17.2", "version")
    server.answer("/api/review", as_json([None, row | {"camera": 7}, row, {}]))

    reviews = await client.reviews(after=0, before=3_000_000_000)

    assert [review.id for review in reviews] == [row["id"]]


async def test_many_rows_hold_nothing_up(
    server: FakeServer, client: FrigateClient
) -> None:
    """They are decoded and read apart from the event loop, which must not stall."""
    row = json.loads(reply("0.17.2", "review-by-id").body)
    body = as_json([row] * (4 * 1024 * 1024 // len(json.dumps(row)))).body
    server.record("0.17.2", "version")
    server.answer("/api/review", as_bytes(body, "application/json"))
    threads = set()

    def parse(value: object) -> Review:
        threads.add(threading.current_thread())
        return listings.review_row(value)

    reviews = await client._api.rows(parse, "review", params={})  # noqa: SLF001

    assert len(reviews) == body.count(b'"id"')
    assert await client.reviews(after=0, before=3_000_000_000) == reviews
    assert threads
    assert threading.current_thread() not in threads
    server.answer("/api/review", as_bytes(body[:-1], "application/json"))
    with pytest.raises(NotFrigate, match="/api/review answers not JSON"):
        await client.reviews(after=0, before=3_000_000_000)


@pytest.mark.parametrize("document", [{}, None, "text", 7])
async def test_rows_that_are_none(
    server: FakeServer, client: FrigateClient, document: object
) -> None:
    """A list is a list."""
    server.answer("/api/events", as_json(document))

    with pytest.raises(FrigateServerError, match="/api/events answers no list"):
        await client.events(after=1, before=2, limit=5)


async def test_version_is_asked_once(
    server: FakeServer, client: FrigateClient, clock: SteadyClock
) -> None:
    """It is asked again after an outage and after some minutes."""
    server.record("0.17.2")
    for _ in range(3):
        await client.reviews(after=1, before=2)
    assert len(server.asked_for("/api/version")) == 1

    server.answer("/api/stats", page(502))
    with pytest.raises(FrigateUnreachable, match="502"):
        await client.uptime()
    await client.reviews(after=1, before=2)
    assert len(server.asked_for("/api/version")) == 2

    server.fallback = abort
    with pytest.raises(FrigateUnreachable, match="closed without an answer"):
        await client.review("x")
    server.record("0.16.4", "version")
    await client.reviews(after=1, before=2)
    await client.reviews(after=1, before=2)
    assert len(server.asked_for("/api/version")) == 3
    assert server.asked_for("/api/review")[-1].query["reviewed"] == "1"

    clock.advance(301)
    await client.reviews(after=1, before=2)
    assert len(server.asked_for("/api/version")) == 4


@pytest.mark.parametrize("version", VERSIONS)
async def test_event(server: FakeServer, client: FrigateClient, version: str) -> None:
    """One that is there, one that is not."""
    server.record(version)

    event = await client.event(recorded_id(version, "event-by-id"))

    assert event is not None
    assert event.label == "person"
    assert event.zones == {"porch"}
    assert event.severity is Severity.ALERT
    assert event.has_snapshot
    assert await client.event("1000000000.123456-abcdef") is None


async def test_items_of_0_14_that_are_missing(
    server: FakeServer, client: FrigateClient
) -> None:
    """Frigate 0.14 says so in plain words, and calls them HTML."""
    server.fallback = as_bytes(b"Event not found", "text/html; charset=utf-8", 404)

    assert await client.event("1000000000.123456-abcdef") is None


@pytest.mark.parametrize("version", VERSIONS)
async def test_events(server: FakeServer, client: FrigateClient, version: str) -> None:
    """A list, without the thumbnails in it."""
    server.record(version)
    rows = json.loads(reply(version, "events").body)

    answered = await client.events(after=1.5, before=2.5, limit=len(rows) + 1)
    events = answered.objects

    assert answered.oldest is None
    assert [event.id for event in events] == [row["id"] for row in rows]
    assert {event.sub_label for event in events} == {None, "amazon", "bell"}
    assert {event.label for event in events} >= {"traffic light", "doorbell"}
    assert server.asked_for("/api/events")[0].query == {
        "after": "1.500000",
        "before": "2.500000",
        "limit": str(len(rows) + 1),
        "include_thumbnails": "0",
    }


async def test_a_full_page_of_events(server: FakeServer, client: FrigateClient) -> None:
    """Rows that can't be understood count, for behind them may be others."""
    row = event_row()
    rows = [row | {"start_time": 30}, row | {"start_time": 20, "camera": 7}, None]
    server.answer("/api/events", as_json(rows))

    answered = await client.events(after=1, before=40, limit=3)

    assert [event.start_time for event in answered.objects] == [30]
    assert answered.oldest == 20
    server.answer("/api/events", as_json([None, {}]))
    with pytest.raises(FrigateServerError, match="nothing readable"):
        await client.events(after=1, before=2, limit=2)


@pytest.mark.parametrize("version", VERSIONS)
async def test_recordings(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """What there is, oldest first; nothing, if there is nothing."""
    server.record(version, "recordings")
    rows = json.loads(reply(version, "recordings").body)

    segments = await client.recordings("front_door", after=1, before=2)

    assert segments == [
        Segment(
            start_time=row["start_time"],
            end_time=row["end_time"],
            size=round(row["segment_size"] * 1024 * 1024),
        )
        for row in rows
    ]
    server.record(version, "recordings-none")
    assert await client.recordings("front_door", after=1, before=2) == []
    server.record(version, "recordings-unknown-camera")
    assert await client.recordings("nowhere", after=1, before=2) == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_hours(server: FakeServer, client: FrigateClient, version: str) -> None:
    """In which footage begins, of all days, in UTC."""
    server.record(version, "recordings-summary")
    eight = int(datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp())

    assert await client.hours("front_door") == [eight]

    (asked,) = server.asked_for("/api/front_door/recordings/summary")
    assert asked.query == {"timezone": "utc"}
    later = {"day": "2026-11-23", "hours": [{"hour": "01"}, {"hour": "00"}]}
    server.answer(
        "/api/front_door/recordings/summary",
        as_json([later, json.loads(reply(version, "recordings-summary").body)[0]]),
    )
    assert await client.hours("front_door") == [
        eight,
        eight + 16 * 3600,
        eight + 17 * 3600,
    ]
    server.answer("/api/nowhere/recordings/summary", as_json([]))
    assert await client.hours("nowhere") == []
    assert await client.hours("a/b") == []


@pytest.mark.parametrize(
    "day",
    [
        None,
        {},
        {"day": "2026-11-22", "hours": None},
        {"day": "2026-11-22", "hours": [None]},
        {"day": "2026-11-22", "hours": [{"hour": "24"}]},
        {"day": None, "hours": [{"hour": "08"}]},
    ],
)
async def test_hours_that_are_odd(
    server: FakeServer, client: FrigateClient, day: object
) -> None:
    """Nothing may count as "no footage" that only can't be understood."""
    server.answer("/api/front_door/recordings/summary", as_json([day]))

    with pytest.raises(FrigateServerError, match="an odd day"):
        await client.hours("front_door")


async def test_recordings_that_are_odd(
    server: FakeServer, client: FrigateClient
) -> None:
    """They are sorted, and those that can't be are left out."""
    server.answer(
        "/api/front_door/recordings",
        as_json(
            [
                {"start_time": 20, "end_time": 30.5},
                {"start_time": 20, "end_time": 10},
                {"start_time": 10, "end_time": None},
                {"start_time": 10, "end_time": 20},
            ]
        ),
    )

    assert await client.recordings("front_door", after=1, before=99) == [
        Segment(start_time=10, end_time=20),
        Segment(start_time=20, end_time=30.5),
    ]


# Snapshots


@pytest.mark.parametrize("version", VERSIONS)
async def test_snapshot(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """The picture of an object that ended."""
    server.record(version)

    image = await client.snapshot(recorded_id(version, "event-snapshot"))

    assert image == media(version, "snapshot-full.jpg").read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
async def test_snapshot_of_nothing(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """The object is not known at all."""
    server.record(version)

    with pytest.raises(MediaNeverThere, match="Live frame not available"):
        await client.snapshot("1000000000.123456-abcdef")


LATEST = "/api/front_door/latest.jpg"


async def test_latest(server: FakeServer, client: FrigateClient) -> None:
    """The newest picture of a camera."""
    picture = media("0.17.2", "snapshot-full.jpg").read_bytes()
    server.answer(LATEST, as_bytes(picture, "image/jpeg"))
    assert await client.latest("front_door") == picture


def stand_in_picture() -> Reply:
    """Return what Frigate shows in place of a camera that is offline."""
    picture = media("0.17.2", "snapshot-full.jpg").read_bytes()
    answer = as_bytes(picture, "image/jpeg")
    answer.headers["x-frigate-offline"] = "true"
    return answer


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (as_json({"success": False, "message": "Camera not found"}, 404), MediaGone),
        (stand_in_picture(), MediaNotReady),
        (as_bytes(b"", "image/jpeg"), MediaNotReady),
        (as_bytes(b"\xff\xd8 no more", "image/jpeg"), MediaBroken),
        (page(), NotFrigate),
        (
            as_json({"success": False, "message": "Unable to get valid frame"}, 500),
            FrigateServerError,
        ),
    ],
)
async def test_no_latest(
    server: FakeServer, client: FrigateClient, answer: Reply, error: type[Exception]
) -> None:
    """An old picture, or one that says that there is none, is none."""
    server.answer(LATEST, answer)
    with pytest.raises(error):
        await client.latest("front_door")


SNAPSHOT = "/api/events/id/snapshot.jpg"
MISSING = as_json({"success": False, "message": "Live frame not available"}, 404)


def event_row(**changes: object) -> dict[str, Any]:
    """Return a recorded row with some fields changed."""
    row: dict[str, Any] = json.loads(reply("0.17.2", "event-by-id").body)
    return row | {"id": "id"} | changes


async def test_snapshot_between_end_and_database(
    server: FakeServer, client: FrigateClient
) -> None:
    """For a moment Frigate knows the object neither as running nor as ended."""
    server.answer(SNAPSHOT, MISSING)
    server.answer("/api/events/id", as_json(event_row(end_time=None)))
    with pytest.raises(MediaNotReady, match="Live frame not available"):
        await client.snapshot("id")

    server.answer(SNAPSHOT, MISSING, reply("0.17.2", "event-snapshot"))
    server.answer("/api/events/id", as_json(event_row()))
    assert await client.snapshot("id")

    server.answer(SNAPSHOT, MISSING)
    with pytest.raises(MediaNeverThere):
        await client.snapshot("id")

    server.asked.clear()
    server.answer("/api/events/id", as_json(event_row(has_snapshot=False)))
    with pytest.raises(MediaNeverThere):
        await client.snapshot("id")
    assert len(server.asked_for(SNAPSHOT)) == 1


async def test_snapshot_that_is_empty(
    server: FakeServer, client: FrigateClient
) -> None:
    """Asked for again later."""
    server.answer(SNAPSHOT, as_bytes(b"", "image/jpeg"))

    with pytest.raises(MediaNotReady, match="empty"):
        await client.snapshot("id")


# Clips


@pytest.mark.parametrize("version", VERSIONS)
async def test_clip(server: FakeServer, client: FrigateClient, version: str) -> None:
    """Asked for in whole seconds, and byte for byte what Frigate streams."""
    server.record(version)
    start, end = recorded_range(version)
    pieces, write = collect()

    size = await client.clip(
        "front_door", start=start + 0.7, end=end - 0.7, write=write
    )

    whole = media(version, "clip-complete.mp4").read_bytes()
    assert size == len(whole)
    assert b"".join(pieces) == whole


async def test_clip_of_many_pieces(server: FakeServer, client: FrigateClient) -> None:
    """Memory is bounded, however long it is."""
    server.record("0.17.2", "version")
    body = bytes(range(256)) * 4096 * 5 + b"rest"
    server.answer(CLIP.format(10, 20), as_bytes(body, "video/mp4"))
    pieces, write = collect()

    assert await client.clip("front_door", start=10, end=20, write=write) == len(body)
    assert b"".join(pieces) == body
    assert all(len(piece) <= 2 * 1024 * 1024 for piece in pieces)
    assert len(pieces) <= 6


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [
        (10.9, 20.1, (10, 21)),
        (10.0, 20.0, (10, 20)),
        (-3.5, 2.0, (0, 2)),
        (10.2, 10.3, (10, 11)),
        (10.0, 10.0, (10, 11)),
    ],
)
async def test_clip_times(
    server: FakeServer,
    client: FrigateClient,
    start: float,
    end: float,
    times: tuple[int, int],
) -> None:
    """Outwards to whole seconds, never empty, never before 1970."""
    server.record("0.17.2", "version")
    server.answer(CLIP.format(*times), as_bytes(b"film", "video/mp4"))
    _, write = collect()

    assert await client.clip("front_door", start=start, end=end, write=write) == 4


async def test_clip_of_0_14(server: FakeServer, client: FrigateClient) -> None:
    """0.14 keeps clips by their times, also half made ones: each time another."""
    server.answer("/api/version", as_bytes(b"0.14.1-abc", "text/plain"))
    server.fallback = as_bytes(b"film", "video/mp4")
    _, write = collect()

    for _ in range(2):
        assert await client.clip("front_door", start=10.5, end=19.5, write=write) == 4

    paths = [asked.path for asked in server.asked if asked.path.endswith("clip.mp4")]
    assert len(set(paths)) == 2
    for path in paths:
        *_, first, _, last, _ = path.split("/")
        assert first == "10.0"
        assert last.startswith("20.")
        assert len(last) == 9


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["clip-no-recordings", "clip-unknown-camera"])
async def test_clip_of_nothing(
    server: FakeServer, client: FrigateClient, version: str, name: str
) -> None:
    """0.16 answers nothing at all, later ones say so."""
    server.record(version, "version", name)
    _, _, camera, _, start, _, end, _ = reply(version, name).path.split("/")
    pieces, write = collect()

    with pytest.raises(MediaNotReady):
        await client.clip(camera, start=int(start), end=int(end), write=write)
    assert pieces == []


async def test_clip_of_nothing_in_0_14(
    server: FakeServer, client: FrigateClient
) -> None:
    """There it is an error of the server, and says nothing about later."""
    server.answer("/api/version", as_bytes(b"0.14.1-abc", "text/plain"))
    server.fallback = as_json(
        {"success": False, "message": "Could not create clip from recordings"}, 500
    )
    _, write = collect()

    with pytest.raises(MediaNotReady, match="Could not create clip"):
        await client.clip("front_door", start=1, end=2, write=write)


async def test_clip_that_frigate_does_not_have(
    server: FakeServer, client: FrigateClient
) -> None:
    """Only Frigate's own word counts."""
    server.record("0.17.2", "version")
    server.answer(CLIP.format(1, 2), as_json({"message": "Camera not found"}, 404))
    _, write = collect()

    with pytest.raises(MediaGone, match="Camera not found"):
        await client.clip("front_door", start=1, end=2, write=write)

    server.record("0.17.2", "unknown-route")
    server.answer(CLIP.format(1, 2), reply("0.17.2", "unknown-route"))
    with pytest.raises(FrigateServerError, match="404"):
        await client.clip("front_door", start=1, end=2, write=write)


async def test_clip_that_can_not_be_written(
    server: FakeServer, client: FrigateClient
) -> None:
    """What the writer raises is the writer's."""
    server.record("0.17.2")
    start, end = recorded_range("0.17.2")

    async def write(piece: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await client.clip("front_door", start=start, end=end, write=write)
    assert await client.version(), "the client goes on"


# Around it


async def test_base_path(socket_enabled: None, make_client: MakeClient) -> None:
    """A Frigate below a path, as behind a proxy."""
    server = await FakeServer(base_path="/nvr/one").start()
    try:
        server.record("0.18.0")
        client = make_client(server.url + "/")
        assert await client.version() == FrigateVersion(0, 18)
        assert (await client.config()).topic_prefix == "frigate"
        assert [asked.path for asked in server.asked] == [
            "/nvr/one/api/version",
            "/nvr/one/api/config",
        ]
    finally:
        await server.close()


async def test_names_with_odd_characters(
    server: FakeServer, client: FrigateClient
) -> None:
    """They arrive as they are."""
    server.answer("/api/a b?c%2Fd#é/recordings", as_json([]))

    assert await client.recordings("a b?c%2Fd#é", after=1, before=2) == []


async def test_clock_offset(server: FakeServer, client: FrigateClient) -> None:
    """The recorded server has this machine's clock."""
    assert client.clock_offset == 0.0
    server.record("0.17.2")
    for _ in range(5):
        await client.version()
    assert client.clock_offset != 0.0
    assert client.clock_offset == pytest.approx(0.0, abs=0.6)


async def test_clock_offset_of_a_kept_answer(
    server: FakeServer, client: FrigateClient
) -> None:
    """The `Date` of an answer that a cache has kept is an old one."""
    version = reply("0.17.2", "version")
    kept = replace(version, headers=version.headers | {"age": "3600"})
    server.answer("/api/version", kept)
    await client.version()
    assert client.clock_offset == 0.0
