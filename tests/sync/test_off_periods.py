"""The Frigate's switch: the time while it is off stays at home, to the second."""

from dataclasses import replace
from datetime import UTC
from functools import partial
import math
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    items,
    off_periods,
    schema,
)
from custom_components.frigate_snap_sync.sync.model.footage_ranges import (
    Bounds,
    FootageRange,
)
from custom_components.frigate_snap_sync.sync.model.item import Item, Media
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.plans import Progress
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.planning.planner import Planner

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .ledgers import wanted
from .samples import ITEM
from .test_catch_up import age, ids, show, tracked


async def switch_off(bench: Bench, begin: float, end: float) -> None:
    """Let the owner have switched off for a while (our clock)."""
    ledger = bench.engine._ledger  # noqa: SLF001
    await ledger.run(off_periods.set_capture, False, now=begin)
    await ledger.run(off_periods.set_capture, True, now=end)


@pytest.mark.parametrize("part_length", [10, None])
def test_a_running_review_is_at_its_end_where_capture_was_switched_off(
    part_length: int | None,
) -> None:
    """There is nothing more to look for, however long it goes on."""
    planner = Planner(
        time_zone=UTC,
        padding_before=5,
        padding_after=5,
        part_length=part_length,
        timing=Timing(),
        limits=Limits(),
    )
    planner.set_destinations([setup(FakeDestination())])
    now = time.time()
    review = Item(
        media=Media.RECORDINGS,
        source_id="1.5-abc123",
        camera="front_door",
        label="",
        labels=frozenset({"person"}),
        zones=frozenset(),
        severity=Severity.ALERT,
        start=now - 100,
        end=None,
        reported_at=now - 100,
    )
    plan = partial(planner.running, review, known=Progress(), clock_offset=0)
    files, again = plan(bounds=Bounds())
    assert again is not None
    assert again > now
    # What is on Frigate's disk, and what will be.
    assert len(files) == (0 if part_length is None else 2)
    files, again = plan(bounds=Bounds(end=now - 50))
    assert again is None
    assert all(file.end <= now - 50 for file in files if file.end)


@pytest.mark.parametrize("offset", [0.0, 120.0])
@pytest.mark.parametrize(
    ("off", "expected"),
    [
        # In the middle of the review: all from there on.
        ((30.5, 40.0), (-5, 30)),
        # In the seconds after it that would go with it.
        ((63.5, 70.0), (-5, 63)),
        # In those before it.
        ((-60.0, -1.5), (-1, 65)),
        # On both sides.
        ((-3.5, -2.5), (-2, 65)),
        # Far away.
        ((-500.0, -400.0), (-5, 65)),
    ],
)
async def test_footage_of_off_time_is_not_asked_for(
    bench: Bench,
    nas: FakeDestination,
    off: tuple[float, float],
    expected: tuple[int, int],
    offset: float,
) -> None:
    """Neither that of the review, nor that around it; whosever clock is right."""
    bench.frigate.clock_offset = offset
    await bench.start(setup(nas))
    start = float(int(time.time()) - 200)
    await switch_off(bench, start + offset + off[0], start + offset + off[1])
    bench.review("end", start=start, end=start + 60)
    await until(lambda: bench.frigate.clips)
    assert await bench.settled() == {"verified": 1}
    first, last = expected
    assert bench.frigate.clips == [("front_door", start + first, start + last)]


async def test_a_review_that_begins_in_off_time_is_skipped(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also if it goes on after it."""
    await bench.start(setup(nas))
    start = time.time() - 200
    await switch_off(bench, start - 10, start + 10)
    bench.review("end", start=start, end=start + 60)
    assert await bench.settled() == {"skipped": 1}
    assert not bench.frigate.clips


async def test_parts_end_where_capture_was_switched_off(
    bench: Bench, nas: FakeDestination
) -> None:
    """A review that goes on is cut like one that has ended."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    start = float(int(time.time()) - 200)
    await switch_off(bench, start + 24.5, start + 100)
    review = bench.review("new", start=start)
    await until(lambda: nas.media)
    bench.review("end", source_id=review, start=start, end=start + 150)
    await until(lambda: [path for path in nas.media if "-part" not in path])
    await bench.settled()
    assert max(end for _, _, end in bench.frigate.clips) <= start + 24
    assert (("front_door", start - 5, start + 24)) in bench.frigate.clips


async def test_half_hours_of_off_time_are_not_planned(
    bench: Bench, nas: FakeDestination
) -> None:
    """A long review ends with the piece in which the switch went off."""
    bench.limits = Limits(piece=40, piece_remainder=2)
    await bench.start(setup(nas))
    start = float(int(time.time()) - 400)
    await switch_off(bench, start + 55, start + 100)
    bench.review("end", start=start, end=start + 150)
    await until(lambda: len(nas.media) == 2)
    assert await bench.settled() == {"verified": 2}
    asked = [(begin - start, end - start) for _, begin, end in bench.frigate.clips]
    assert asked == [(-5, 35), (35, 55)]


@pytest.mark.parametrize("offset", [0.0, 120.0])
@pytest.mark.parametrize(
    ("off", "taken", "state"),
    [
        # Off a second after the object came, and back on before it left.
        ((1.0, 40.0), None, "skipped"),
        # Off when it came, in its middle, at its end; or all the time.
        ((-10.0, 1.0), None, "skipped"),
        ((20.0, 21.0), None, "skipped"),
        ((59.0, 100.0), None, "skipped"),
        ((-10.0, 100.0), None, "skipped"),
        # Before and after it.
        ((-10.0, -1.0), None, "verified"),
        ((60.5, 100.0), None, "verified"),
        # Frigate tells when the picture was taken.
        ((1.0, 40.0), 0.5, "verified"),
        ((1.0, 40.0), 40.5, "verified"),
        ((-10.0, 1.0), 2.0, "verified"),
        ((1.0, 40.0), 2.0, "skipped"),
        ((1.0, 40.0), 39.0, "skipped"),
        # What can't be the moment says nothing.
        ((1.0, 40.0), -30.0, "skipped"),
        ((1.0, 40.0), 100.0, "skipped"),
        ((1.0, 40.0), "soon", "skipped"),
    ],
)
async def test_a_picture_of_off_time_stays_at_home(
    bench: Bench,
    nas: FakeDestination,
    off: tuple[float, float],
    taken: float | str | None,
    state: str,
    offset: float,
) -> None:
    """Any moment of the object's time may be in it, unless Frigate tells which."""
    bench.frigate.clock_offset = offset
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    start = time.time() - 200
    await switch_off(bench, start + offset + off[0], start + offset + off[1])
    moment = start + taken if isinstance(taken, float) else taken
    snapshot = {"frame_time": moment, "score": 0.9}
    bench.tracked_object(start_time=start, end_time=start + 60, snapshot=snapshot)
    assert await bench.settled() == {state: 1}
    assert bool(nas.media) is bool(bench.frigate.snapshots) is (state == "verified")


async def test_a_picture_while_the_switch_is_still_off(
    bench: Bench, nas: FakeDestination
) -> None:
    """The object had been there before; it leaves while nothing may be sent."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    start = time.time() - 1
    await bench.engine.set_capture(False)
    bench.tracked_object(start_time=start, end_time=time.time() + 600)
    assert await bench.settled() == {"skipped": 1}
    assert not bench.frigate.snapshots


async def test_catching_up_keeps_pictures_of_off_time_at_home(
    bench: Bench, nas: FakeDestination
) -> None:
    """Rows of Frigate's API tell the moment only from 0.18 on."""
    await age(bench, nas, hours=2)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    now = time.time()
    await switch_off(bench, now - 300, now - 200)
    allowed = tracked("allowed", -400, -100)
    show(
        bench,
        tracked("through", -400, -100),
        tracked("before", -400, -301),
        replace(allowed, pictured=allowed.start_time + 5),
    )
    await bench.engine.catch_up()
    assert await bench.settled() == {"skipped": 1, "verified": 2}
    assert ids(nas) == {"before", "allowed"}


async def test_a_later_destination_gets_no_picture_of_off_time(
    bench: Bench, nas: FakeDestination
) -> None:
    """Not even if that time is asked for; others that were allowed it gets."""
    await age(bench, nas, hours=2)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    now = time.time()
    await switch_off(bench, now - 300, now - 200)
    late = tracked("late", -250, -100)
    show(
        bench,
        tracked("through", -400, -100),
        replace(late, pictured=late.start_time + 100),
    )
    await bench.engine.catch_up()
    assert await bench.settled() == {"skipped": 1, "verified": 1}
    cloud = FakeDestination()
    await bench.engine.apply_destinations([setup(nas), setup(cloud, name="cloud")])
    assert await bench.engine.catch_up(look_back=3600) == 1
    await until(lambda: ids(cloud) == {"late"})
    assert await bench.settled() == {"skipped": 1, "verified": 2}


@pytest.mark.parametrize("offset", [0.0, 120.0])
async def test_what_was_planned_ends_where_the_switch_goes_off(
    bench: Bench, nas: FakeDestination, offset: float
) -> None:
    """Its padding reaches into a time that was still to come."""
    bench.frigate.clock_offset = offset
    bench.timing = replace(FAST, settle=1.5)
    bench.options = EngineOptions(upload_during_review=False, padding_after=60)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    now = float(int(time.time() - offset))
    bench.review("end", start=now - 60, end=now)
    await bench.pending(1)
    await bench.engine.set_capture(False)
    await until(lambda: nas.media)
    ((_, first, last),) = bench.frigate.clips
    assert first == now - 65
    assert now - 1 <= last <= time.time() - offset
    assert await bench.settled() == {"verified": 1}


def test_files_that_begin_after_the_switch_are_skipped() -> None:
    """And those that end before it stay as they are."""
    with sqlite3.connect(":memory:", isolation_level=None) as connection:
        connection.row_factory = sqlite3.Row
        schema.migrate(connection)
        destinations.keep_destinations(connection, ["nas"], now=0)
        for number, footage in enumerate([(10, 90), (90, 110), (100, 130)]):
            file = replace(wanted("nas"), start=footage[0], end=footage[1])
            item = replace(ITEM, source_id=f"{number}-a", reported_at=130.5)
            items.plan(connection, item, (file,))
        # Heard of by a clock that has been set back since.
        late = replace(wanted("nas"), start=100, end=130)
        items.plan(
            connection, replace(ITEM, source_id="3-a", reported_at=4000), (late,)
        )
        off_periods.set_capture(connection, False, now=130.7, clock_offset=30)
        rows = connection.execute(
            "SELECT start, end, files.state, uploads.state FROM files"
            " JOIN uploads ON file_id = files.id ORDER BY files.id"
        )
        assert [tuple(row) for row in rows] == [
            (10, 90, "wanted", "pending"),
            (90, 100, "wanted", "pending"),
            (100, 130, "released", "skipped"),
            (100, 130, "wanted", "pending"),
        ]
    connection.close()


def test_bounds_cut_whole_seconds() -> None:
    """Rather one second too few than a part of one too many."""
    footage = FootageRange(100, 200)
    assert Bounds().cut(footage) == footage
    assert Bounds(50, 250).cut(footage) == footage
    assert Bounds(100, 200).cut(footage) == footage
    assert Bounds(120.1, 180.9).cut(footage) == FootageRange(121, 180)
    assert Bounds(start=150).cut(footage) == FootageRange(150, 200)
    assert Bounds(end=150.5).cut(footage) == FootageRange(100, 150)
    assert Bounds(start=200).cut(footage) is None
    assert Bounds(end=100.9).cut(footage) is None
    assert Bounds(150.2, 150.8).cut(footage) is None


def test_the_time_around_a_moment_without_an_off_period() -> None:
    """Up to the nearest ones; without limit where there are none."""
    with sqlite3.connect(":memory:", isolation_level=None) as connection:
        connection.row_factory = sqlite3.Row
        schema.migrate(connection)
        assert off_periods.on_around(connection, 5) == (-math.inf, math.inf)
        for begin, end in ((10, 20), (30, 40), (50, None)):
            off_periods.set_capture(connection, False, now=begin)
            if end is not None:
                off_periods.set_capture(connection, True, now=end)
        assert off_periods.on_around(connection, 5) == (-math.inf, 10)
        assert off_periods.on_around(connection, 20) == (20, 30)
        assert off_periods.on_around(connection, 25) == (20, 30)
        assert off_periods.on_around(connection, 45) == (40, 50)
    connection.close()
