"""Reviews, tracked objects and recordings that Frigate lists."""

from datetime import UTC, datetime
import json
import threading

import pytest

from custom_components.frigate_snap_sync.frigate import listings
from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateUnreachable,
    MediaGone,
    NotFrigate,
)
from custom_components.frigate_snap_sync.frigate.models import Review, Segment, Severity

from .conftest import SteadyClock
from .recorded import VERSIONS, reply
from .server import FakeServer, abort, as_bytes, as_json, page
from .test_client import collect, event_row, recorded_id

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
    """All of them, also those that were looked at."""
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
