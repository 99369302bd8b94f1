"""The Frigate's switch: the time while it is off stays at home, to the second."""

from datetime import UTC
from functools import partial
import math
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync import policy
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.items import Item, Media
from custom_components.frigate_snap_sync.sync.ledger import counters, schema
from custom_components.frigate_snap_sync.sync.ledger.items import Progress
from custom_components.frigate_snap_sync.sync.planner import Planner
from custom_components.frigate_snap_sync.sync.policy import Bounds, FootageRange, Timing

from .conftest import Bench, setup, until
from .fakes import FakeDestination


@pytest.fixture
def nas() -> FakeDestination:
    """Return a destination."""
    return FakeDestination()


async def switch_off(bench: Bench, begin: float, end: float) -> None:
    """Let the owner have switched off for a while (our clock)."""
    ledger = bench.engine._ledger  # noqa: SLF001
    await ledger.run(counters.set_capture, False, now=begin)
    await ledger.run(counters.set_capture, True, now=end)


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
        told=now - 100,
    )
    plan = partial(planner.running, review, known=Progress(), clock_offset=0)
    files, again = plan(bounds=Bounds())
    assert again is not None
    assert again > now
    assert len(files) == (0 if part_length is None else 1)
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
    bench: Bench, nas: FakeDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long review ends with the piece in which the switch went off."""
    monkeypatch.setattr(policy, "PIECE_SECONDS", 40)
    monkeypatch.setattr(policy, "_REST", 2)
    await bench.start(setup(nas))
    start = float(int(time.time()) - 400)
    await switch_off(bench, start + 55, start + 100)
    bench.review("end", start=start, end=start + 150)
    await until(lambda: len(nas.media) == 2)
    assert await bench.settled() == {"verified": 2}
    asked = [(begin - start, end - start) for _, begin, end in bench.frigate.clips]
    assert asked == [(-5, 35), (35, 55)]


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
        assert counters.on_around(connection, 5) == (-math.inf, math.inf)
        for begin, end in ((10, 20), (30, 40), (50, None)):
            counters.set_capture(connection, False, now=begin)
            if end is not None:
                counters.set_capture(connection, True, now=end)
        assert counters.on_around(connection, 5) == (-math.inf, 10)
        assert counters.on_around(connection, 20) == (20, 30)
        assert counters.on_around(connection, 25) == (20, 30)
        assert counters.on_around(connection, 45) == (40, 50)
    connection.close()
