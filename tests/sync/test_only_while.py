"""A destination that is open only while something holds: what it gets, and from when on."""

import asyncio
from dataclasses import replace
from math import inf
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import closed_periods, milestones
from custom_components.frigate_snap_sync.sync.model.footage_ranges import FootageRange
from custom_components.frigate_snap_sync.sync.model.openings import (
    ONLY_WHILE,
    begin_of,
    for_range,
    split,
)
from custom_components.frigate_snap_sync.sync.model.plans import UploadPlan
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason

from ..waiting import promptly
from .conftest import Bench, setup, until
from .fakes import FakeDestination
from .test_catch_up import review, tracked


async def was_closed(
    bench: Bench, begin: float, end: float | None, destination_id: str = "nas"
) -> None:
    """Let a destination have been closed for a while (our clock)."""
    ledger = bench.engine._ledger  # noqa: SLF001

    def note(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO closed_periods VALUES (?, ?, ?)", (destination_id, begin, end)
        )

    await ledger.run(note)


def plan(destination_id: str) -> UploadPlan:
    """Return an upload."""
    return UploadPlan(destination_id=destination_id, path="a.mp4")


def test_footage_is_cut_where_someone_opens() -> None:
    """Each gets what is from its moment on; what none takes is left out."""
    uploads = [plan("nas"), plan("cloud")]
    openings = {"nas": 10.5, "cloud": 30.0}
    assert begin_of(uploads, openings) == 10.5
    ranges = split([FootageRange(0, 40), FootageRange(40, 50)], uploads, openings)
    assert ranges == [
        FootageRange(11, 30),
        FootageRange(30, 40),
        FootageRange(40, 50),
    ]
    first, second = for_range(uploads, openings, ranges[0])
    assert (first.state, second.state, second.reason) == (
        "pending",
        "skipped",
        ONLY_WHILE,
    )
    assert for_range(uploads, openings, ranges[1]) == tuple(uploads)
    # One that is always open makes the whole be there, in two pieces.
    assert split([FootageRange(0, 40)], uploads, {"nas": 10.5}) == [
        FootageRange(0, 11),
        FootageRange(11, 40),
    ]
    assert begin_of(uploads, {"nas": inf, "cloud": inf}) == inf
    assert begin_of([], {}) == inf


@pytest.mark.parametrize(
    ("start", "until", "opening"),
    [
        # Long before, and while it was open: the padding before it is cut.
        (5, 8, None),
        (25, 30, 20),
        # Closed at the start, opened before the end.
        (15, 22, 20),
        (10, 20, 20),
        # Closed all the time.
        (12, 19, inf),
        (60, 90, inf),
        # Closed in the middle: it began open, so it is taken whole.
        (45, 70, 40),
        # Closed, open for no time, closed again.
        (32, 39, inf),
        (32, 45, 40),
    ],
)
def test_from_when_on(
    connection: sqlite3.Connection, start: float, until: float, opening: float | None
) -> None:
    """The start counts, and the moment of opening after it."""
    for begin, end in ((10, 20), (30, 35), (35, 40), (50, None)):
        connection.execute(
            "INSERT INTO closed_periods VALUES ('nas', ?, ?)", (begin, end)
        )
    found = closed_periods.openings(connection, start, until)
    assert found == ({} if opening is None else {"nas": opening})


def test_a_picture_may_be_of_any_moment(connection: sqlite3.Connection) -> None:
    """One that was surely taken while it was open is wanted, whatever came before."""
    connection.execute("INSERT INTO closed_periods VALUES ('nas', 10, 20)")

    def taken(start: float, picture: tuple[float, float]) -> bool:
        return not closed_periods.openings(connection, start, start, picture=picture)

    assert taken(5, (5, 30))
    assert not taken(15, (15, 30))
    assert taken(15, (21, 21))
    assert not taken(15, (17, 17))


def test_a_start(connection: sqlite3.Connection) -> None:
    """Closed before and after is closed between; what was not seen counts as open."""
    closed_periods.set_closed(connection, ["nas", "cloud"], now=100)
    milestones.keep_moment(connection, milestones.WRITTEN, 160)
    closed_periods.begin(connection, ["nas"], now=500)
    assert closed_periods.closed(connection) == {"nas"}
    assert closed_periods.openings(connection, 300, 300) == {"nas": inf, "cloud": 160}
    assert closed_periods.openings(connection, 150, 155) == {"nas": inf, "cloud": inf}
    # A machine whose clock begins years behind: closed is closed.
    closed_periods.begin(connection, ["nas"], now=50)
    assert closed_periods.openings(connection, 60, 60) == {"nas": inf}
    assert closed_periods.set_closed(connection, [], now=600)
    assert not closed_periods.set_closed(connection, [], now=700)
    assert closed_periods.openings(connection, 650, 650) == {"nas": 600, "cloud": 160}


def test_a_month(connection: sqlite3.Connection) -> None:
    """Armed each night, with restarts by night and by day: what is taken, hour by hour."""
    hour, month = 3600.0, 1_793_491_200.0

    def at(day: int, hours: float) -> float:
        return month + day * 24 * hour + hours * hour

    def restart(day: int, hours: float, *, pause: float, closed: list[str]) -> None:
        milestones.keep_moment(connection, milestones.WRITTEN, at(day, hours))
        closed_periods.begin(connection, closed, now=at(day, hours + pause))

    closed_periods.begin(connection, ["nas"], now=at(0, 0))
    for day in range(30):
        if day:
            if day % 5 == 0:
                restart(day, 3, pause=0.2, closed=[])
            closed_periods.set_closed(connection, ["nas"], now=at(day, 6))
        if day % 7 == 0:
            restart(day, 12, pause=1, closed=["nas"])
        if day == 10:
            # Armed while Home Assistant was off: what was not seen counts as open.
            restart(day, 20, pause=3, closed=[])
        else:
            closed_periods.set_closed(connection, [], now=at(day, 22))

    def taken(begin: float, seconds: float) -> float | None:
        """Return from when on something is taken, None for nothing."""
        found = closed_periods.openings(connection, begin, begin + seconds)
        opening = found.get("nas", -inf)
        return None if opening == inf else max(opening, begin)

    for day in range(30):
        armed = 20 if day == 10 else 22
        for hours in range(24):
            begin = at(day, hours + 0.5)
            is_open = hours >= armed or (day > 0 and hours < 6)
            assert taken(begin, 60) == (begin if is_open else None), (day, hours)
        # What begins before is taken from then on; what has begun, to its end.
        assert taken(at(day, armed) - 30, 60) == at(day, armed)
        if day:
            assert taken(at(day, 6) - 30, 60) == at(day, 6) - 30


async def test_nothing_goes_to_a_closed_destination(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Everything is skipped there, with the reason, and goes to the others."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await was_closed(bench, time.time() - 500, None)
    bench.live_snapshot()
    bench.tracked_object()
    bench.review("end", end=time.time() - 60)
    assert await bench.settled() == {"skipped": 3, "verified": 3}
    assert len(cloud.media) == 3
    assert not nas.media
    rows = await bench.uploads(state="skipped")
    assert {(row.destination_id, row.reason) for row in rows} == {("nas", ONLY_WHILE)}
    # A whole in one piece: no destination has it cut.
    assert len(bench.frigate.clips) == 1


async def test_nothing_is_fetched_for_closed_destinations(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nor kept in the spool, nor counted as a review of which nothing arrived."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(setup(nas))
    await was_closed(bench, time.time() - 500, None)
    start = time.time() - 40
    running = bench.review("new", start=start)
    bench.live_snapshot()
    bench.tracked_object()
    await bench.at_rest()
    bench.review("end", source_id=running, start=start, end=start + 30)
    assert await bench.settled() == {"skipped": 3}
    assert not bench.frigate.clips
    assert not bench.frigate.snapshots
    assert not bench.spooled()
    assert not bench.status.losses


async def test_armed_in_mid_review(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Footage from then on, as parts and as a piece of the whole; the others get all."""
    bench.options = EngineOptions(part_length=10, padding_before=5, padding_after=5)
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    now = float(int(time.time()))
    start = now - 100
    await was_closed(bench, start - 500, now - 60)
    running = bench.review("new", start=start)
    await until(lambda: len(nas.media) >= 1)
    bench.review("end", source_id=running, start=start, end=now - 5)
    await bench.settled()
    async with promptly():
        while await bench.uploads(state="pending"):
            await asyncio.sleep(0.01)
    asked = [(begin, end) for _, begin, end in bench.frigate.clips]
    assert (start - 5, now - 60) in asked
    assert any(begin == now - 60 and end >= now for begin, end in asked)
    rows = [
        row
        for row in await bench.uploads(destination_id="nas")
        if "part" not in row.path
    ]
    assert sorted((row.path[-7:], row.state) for row in rows) == [
        ("-01.mp4", "skipped"),
        ("-02.mp4", "verified"),
    ]
    ledger = bench.engine._ledger  # noqa: SLF001
    (earliest,) = await ledger.run(
        lambda connection: connection.execute(
            "SELECT MIN(files.start) FROM uploads JOIN files ON files.id = file_id"
            " WHERE destination_id = 'nas' AND uploads.state != 'skipped'"
        ).fetchone()
    )
    assert earliest == now - 60
    rows = [
        row
        for row in await bench.uploads(destination_id="cloud")
        if "part" not in row.path
    ]
    assert {row.state for row in rows} == {"verified"}
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)


async def test_opened_while_a_review_runs(bench: Bench, nas: FakeDestination) -> None:
    """Its parts leave from that moment on, without a message of Frigate."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(setup(nas))
    await bench.engine.set_closed(["nas"], since=time.time() - 500)
    bench.review("new", start=time.time() - 200)
    await bench.at_rest()
    assert bench.status.destinations["nas"].closed
    assert not bench.frigate.clips
    opened = time.time() - 20
    await bench.engine.set_closed([], since=opened)
    await until(lambda: nas.media)
    assert all(begin >= opened for _, begin, _ in bench.frigate.clips)


async def test_disarmed_in_mid_review(bench: Bench, nas: FakeDestination) -> None:
    """What began while it was open is sent whole: a thief may know the code."""
    await bench.start(setup(nas))
    now = float(int(time.time()))
    await was_closed(bench, now - 80, None)
    bench.review("end", start=now - 100, end=now - 60)
    assert await bench.settled() == {"verified": 1}
    assert bench.frigate.clips == [("front_door", now - 105, now - 55)]


async def test_catching_up_knows_when_it_was_closed(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also after a restart, and for what was missed meanwhile."""
    await bench.start(setup(nas))
    ledger = bench.engine._ledger  # noqa: SLF001
    await ledger.run(milestones.keep_moment, milestones.SINCE, time.time() - 90000)
    await ledger.run(milestones.keep_moment, milestones.CAUGHT_UP, time.time() - 80000)
    await ledger.run(
        lambda connection: connection.execute(
            "UPDATE destinations SET since = ?", (time.time() - 90000,)
        )
    )
    await was_closed(bench, time.time() - 5000, time.time() - 2000)
    await bench.stop()
    for name, start in (("closed", -4000), ("open", -1000)):
        found = review(name, start, start + 60)
        bench.frigate.known_reviews[found.id] = found
        bench.frigate.known_objects.append(tracked(f"{name}-t", start, start + 60))
    await bench.start(setup(nas))
    async with promptly():
        while len(await bench.uploads()) < 4:
            await asyncio.sleep(0.01)
    assert await bench.settled() == {"skipped": 2, "verified": 2}
    rows = await bench.uploads(state="skipped")
    assert all("closed" in row.item_id for row in rows)
    # Nor does a person who asks for that time get it: it was not wanted.
    await bench.engine.catch_up(80000)
    assert await bench.settled() == {"skipped": 2, "verified": 2}


async def test_it_is_shown_as_paused(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Only if it is closed everywhere, or paused by hand where it is not."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await bench.heard()
    await bench.engine.set_closed(["nas"], since=time.time())
    assert bench.status.protection is Protection.PROTECTED
    await bench.engine.set_closed(["nas", "cloud"], since=time.time())
    assert bench.status.protection is Protection.PAUSED
    assert bench.status.reasons == (Reason.ONLY_WHILE,)
    await bench.engine.set_closed(["nas"], since=time.time())
    await bench.engine.set_sending("cloud", False)
    assert bench.status.protection is Protection.PAUSED
    assert bench.status.reasons == (Reason.SENDING_OFF, Reason.ONLY_WHILE)
    await bench.engine.set_closed([], since=time.time())
    assert bench.status.protection is Protection.PROTECTED


async def test_what_waits_is_sent_all_the_same(
    bench: Bench, nas: FakeDestination
) -> None:
    """An item of a time when it was open leaves, however late."""
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.pending(1)
    await bench.engine.set_closed(["nas"], since=time.time())
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"verified": 1}


async def test_a_removed_destination_leaves_no_periods(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """And a changed one keeps them: what was at home stays there."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await bench.engine.set_closed(["nas", "cloud"], since=time.time())
    changed = replace(setup(cloud, name="cloud"), volume_budget=1 << 30)
    await bench.engine.apply_destinations([changed])
    ledger = bench.engine._ledger  # noqa: SLF001
    assert await ledger.run(closed_periods.closed) == {"cloud"}
