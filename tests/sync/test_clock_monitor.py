"""The machine's clock is set: nothing sleeps until the old time, nothing looks old."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import Review, Segment, Severity
from custom_components.frigate_snap_sync.storage.errors import Rejected, Unreachable
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    LedgerError,
    clock as ledger_clock,
    items as ledger_items,
    milestones,
    tracked_objects,
)
from custom_components.frigate_snap_sync.sync.ledger.clock import ClockJump
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.monitoring.clock_monitor import (
    ClockMonitor,
    steady_time,
)

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP_SECONDS, FULL_IMAGE, IMAGE, FakeDestination
from .test_half_hours import there_since

HOUR = 3600.0
YEARS = 6 * 365 * 24 * HOUR


class Machine:
    """A machine with a clock that can be set, and one that can't."""

    def __init__(self) -> None:
        """Take some time."""
        self.steady, self.ahead = 500.0, 1_795_336_633.0
        self.jumps: list[ClockJump] = []
        self.failures = 0
        self.watch = ClockMonitor(
            timing=Timing(),
            on_jump=self.note,
            wall=lambda: self.steady + self.ahead,
            steady=lambda: self.steady,
        )

    async def note(self, jump: ClockJump) -> None:
        """Note a jump, unless it is to fail."""
        if self.failures:
            self.failures -= 1
            raise LedgerError("the disk is full")
        self.jumps.append(jump)


async def test_a_clock_that_is_slewed_is_followed() -> None:
    """NTP lets it run slower or faster for hours."""
    machine = Machine()
    for _ in range(1000):
        machine.steady += 2
        machine.ahead += 0.1
        await machine.watch.look()
    assert not machine.jumps
    assert machine.watch.is_steady


async def test_a_clock_that_is_set() -> None:
    """What was written before is known by the times of the old clock."""
    machine = Machine()
    since = machine.steady + machine.ahead
    machine.steady += 100
    machine.ahead += YEARS
    assert not machine.watch.is_steady
    await machine.watch.look()
    await machine.watch.look()
    machine.steady += 10
    machine.ahead -= HOUR
    await machine.watch.look()
    assert machine.jumps == [
        ClockJump(since=since, before=since + 100, after=since + 100 + YEARS),
        ClockJump(
            since=since + YEARS,
            before=since + 110 + YEARS,
            after=since + 110 + YEARS - HOUR,
        ),
    ]
    assert [jump.seconds for jump in machine.jumps] == [YEARS, -HOUR]
    assert not machine.watch.is_steady
    machine.steady += 61
    assert machine.watch.is_steady


async def test_a_jump_that_could_not_be_followed_is_noticed_again() -> None:
    """With what was added to it meanwhile."""
    machine = Machine()
    machine.failures = 1
    machine.ahead += HOUR
    with pytest.raises(LedgerError):
        await machine.watch.look()
    machine.ahead += HOUR
    await machine.watch.look()
    assert [jump.seconds for jump in machine.jumps] == [2 * HOUR]


async def test_patience_with_what_is_to_come_counts_from_the_start() -> None:
    """The clock was ahead at an earlier run, or is behind until it is set."""
    machine = Machine()
    start = machine.steady + machine.ahead
    machine.steady += 1000
    for moment, begins in (
        (start - HOUR, start - HOUR),
        (start + 1000, start + 1000),
        # It may have been set back a little: too little for a jump.
        (start + 1001, start + 1001),
        (start + HOUR, start),
    ):
        assert machine.watch.counted_from(moment) == begins
    machine.ahead += HOUR
    await machine.watch.look()
    assert machine.watch.counted_from(start + HOUR) == start + HOUR


def test_the_steady_clock_is_never_set() -> None:
    """It counts on."""
    first = steady_time()
    assert first <= steady_time() < first + 60


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets the clock of this machine, forward or back."""
    ahead, real = 0.0, time.time

    def by(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    return by


async def followed(bench: Bench) -> None:
    """Wait until the engine has followed a clock that was set."""
    clock = bench.engine._parts.clock  # noqa: SLF001
    await until(lambda: clock._jumped_at > float("-inf"))  # noqa: SLF001
    await until(lambda: clock.is_steady)


CHANGES = pytest.mark.parametrize("seconds", [YEARS, 5 * HOUR, -5 * HOUR, -YEARS])


@CHANGES
async def test_a_file_that_is_asked_for_again(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Its next try does not wait for the old time."""
    bench.timing = replace(FAST, first_retry=2, longest_retry=2)
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.uploads(state="pending"))
    set_clock(seconds)
    bench.frigate.footage = None
    bench.frigate.clock_offset = seconds
    await until(lambda: nas.media)


@CHANGES
async def test_a_file_that_is_sent_again(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """The same at a destination that refused it."""
    bench.timing = replace(FAST, first_retry=2, longest_retry=2)
    nas.faults = [Rejected("no such name")]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    await until(lambda: not nas.faults)
    set_clock(seconds)
    await until(lambda: nas.media)


@CHANGES
async def test_a_review_that_goes_on(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Its footage leaves as if nothing had happened."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    start = time.time() - 8
    bench.review("new", start=start)
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    set_clock(seconds)
    bench.frigate.clock_offset = seconds
    await until(lambda: [path for path in nas.media if "-part001" in path])
    rows = await bench.uploads()
    assert len(rows) <= 3  # Nothing was planned for the time that never was.


@pytest.mark.parametrize("seconds", [YEARS, 5 * HOUR])
async def test_what_is_young_is_not_given_up(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Before the jump is noticed, and after it, it looks years old."""
    bench.timing = replace(FAST, clock_check=0.5)
    asked: list[float] = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(before)
        return []

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 1, known=True)
    await until(lambda: asked)
    set_clock(seconds)
    bench.frigate.clock_offset = seconds
    count = len(asked)
    await until(lambda: len(asked) >= count + 10)
    await followed(bench)
    count = len(asked)
    await until(lambda: len(asked) >= count + 3)
    bench.frigate.footage = None
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


class Slow:
    """Holds an answer of Frigate until it is let through, once."""

    def __init__(self, answer: Callable[..., Awaitable[Any]]) -> None:
        """Hold this one."""
        self._answer = answer
        self.asked, self.release = asyncio.Event(), asyncio.Event()

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer late."""
        self.asked.set()
        await self.release.wait()
        return await self._answer(*args, **kwargs)


async def test_the_clock_is_set_while_a_clip_is_asked_for(
    bench: Bench, nas: FakeDestination, set_clock: Callable[[float], None]
) -> None:
    """What was read before it looks years old when Frigate answers at last."""
    bench.timing = replace(FAST, clock_check=0.05)
    await bench.start(setup(nas))
    slow = Slow(bench.frigate.recordings)
    bench.frigate.recordings = slow  # type: ignore[method-assign]
    bench.frigate.footage = lambda camera, after, before: []
    bench.review("end", end=time.time() - 1, known=True)
    await slow.asked.wait()
    set_clock(YEARS)
    bench.frigate.clock_offset = YEARS
    await followed(bench)
    slow.release.set()
    await until(lambda: len(bench.frigate.looks) > 3)
    bench.frigate.footage = None
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


async def test_the_clock_is_set_while_a_review_is_asked_for(
    bench: Bench, nas: FakeDestination, set_clock: Callable[[float], None]
) -> None:
    """Frigate did not know it yet."""
    bench.timing = replace(FAST, clock_check=0.05)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    slow = Slow(bench.frigate.review)
    bench.frigate.review = slow  # type: ignore[method-assign]
    review_id = bench.review("new", start=time.time() - 2)
    bench.publish("available", "online")
    await slow.asked.wait()
    set_clock(YEARS)
    bench.frigate.clock_offset = YEARS
    await followed(bench)
    slow.release.set()
    await bench.at_rest()
    known = await bench.engine._ledger.run(ledger_items.review, review_id)  # noqa: SLF001
    assert known is not None
    assert known[1], "it is still open"


async def test_frigates_clock_makes_nothing_look_old(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its host was without a clock: a review that has just ended ended years ago."""
    bench.timing = replace(FAST, least_patience=60)
    asked: list[float] = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(before)
        begin = before - CLIP_SECONDS
        return [Segment(start_time=begin, end_time=before)] if len(asked) > 3 else []

    bench.frigate.footage = footage
    bench.frigate.clock_offset = -YEARS  # It is right now; the review has old times.
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 1, known=True)
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


@CHANGES
async def test_what_happened_is_as_long_ago_as_it_was(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Nothing waits for years, or from a time to come."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    await until(lambda: bench.status.destinations["nas"].last_upload)
    nas.error = Unreachable("no route")
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: bench.status.destinations["nas"].failing_since)
    # A machine that was halted shows the same; Frigate's clock tells.
    bench.frigate.clock_offset = -seconds
    set_clock(seconds)
    await followed(bench)
    await bench.engine._collector.refresh()  # noqa: SLF001
    status, now = bench.status.destinations["nas"], time.time()
    for shown in (status.last_upload, status.failing_since):
        assert shown is not None
        assert 0 <= now - shown.timestamp() < 100

    def moments(connection: object) -> list[float]:
        return [
            row[0]
            for row in connection.execute(  # type: ignore[attr-defined]
                "SELECT reported_at FROM items UNION SELECT expected_at FROM uploads"
                " WHERE state = 'pending'"
            )
        ]

    for moment in await bench.engine._ledger.run(moments):  # noqa: SLF001
        assert -1 < now - moment < 100


@pytest.mark.parametrize("seconds", [5 * HOUR, -5 * HOUR])
async def test_capture_that_was_off_stays_so(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """What happened then stays at home, by whatever clock."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_capture(False)
    was_off = time.time()
    await asyncio.sleep(0.05)
    await bench.engine.set_capture(True)
    await asyncio.sleep(0.05)
    set_clock(seconds)
    bench.frigate.clock_offset = seconds
    await followed(bench)
    # By Frigate's clock, which was not set.
    bench.tracked_object(
        source_id="1.5-off", start_time=was_off + 0.01, end_time=was_off + 0.02
    )
    bench.tracked_object(source_id="2.5-on")
    await until(lambda: len(nas.media) == 1)
    await bench.pending(0)
    rows = {row.item_id: row.state for row in await bench.uploads()}
    assert rows == {"1.5-off": "skipped", "2.5-on": "verified"}


async def test_capture_stays_off_at_a_start_without_a_clock(
    bench: Bench, nas: FakeDestination, set_clock: Callable[[float], None]
) -> None:
    """The switch was thrown years later than it is now."""
    await bench.start(setup(nas))
    await bench.engine.set_capture(False)
    await bench.stop()
    set_clock(-YEARS)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    assert not bench.status.capture
    bench.live_snapshot()
    assert await bench.settled() == {"skipped": 1}
    set_clock(YEARS)
    await followed(bench)
    bench.live_snapshot(image=FULL_IMAGE)
    assert await bench.settled() == {"skipped": 2}
    await bench.engine.set_capture(True)
    await bench.engine._collector.refresh()  # noqa: SLF001
    assert bench.status.capture


SET_BACK = pytest.mark.parametrize("seconds", [-5 * HOUR, -YEARS])


async def start_set_back(
    bench: Bench, nas: FakeDestination, seconds: float, **timing: Any
) -> None:
    """Start with a clock that is right now, and was not at the last run."""
    bench.frigate.clock_offset = seconds
    bench.timing = replace(FAST, **timing)
    await bench.start(setup(nas))


@SET_BACK
async def test_a_start_with_a_clock_that_was_set_back(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """What was to be tried a while after the last stop is tried a while after the start."""
    bench.timing = replace(FAST, first_retry=2, longest_retry=2)
    cloud = FakeDestination()
    cloud.faults = [Rejected("no such name")]
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    bench.review("end", end=time.time() - 50, known=True)
    await until(lambda: bench.uploads(state="pending"))
    bench.live_snapshot()
    await until(lambda: not cloud.faults)
    await bench.stop()
    set_clock(seconds)
    bench.frigate.footage = None
    bench.frigate.clock_offset = seconds
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: len(nas.media) == 2)
    await until(lambda: IMAGE in cloud.media.values())


@SET_BACK
async def test_what_never_comes_is_given_up_after_a_start(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """It was reported by a clock that was ahead; the clock is right at the next start."""
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50, known=True)
    await until(lambda: bench.uploads(state="pending"))
    await bench.stop()
    set_clock(seconds)
    await start_set_back(bench, nas, seconds, gone_after=0.2, missing_after=0.2)
    ended = await bench.settled()
    assert ended == {"gone": 1}


@SET_BACK
async def test_an_open_review_ends_after_a_start(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Frigate does not know it any more."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    review_id = bench.review("new", start=time.time() - 2)

    async def is_open() -> bool:
        known = await bench.engine._ledger.run(ledger_items.review, review_id)  # noqa: SLF001
        return known is not None and known[1]

    await until(is_open)
    await bench.stop()
    set_clock(seconds)
    await start_set_back(bench, nas, seconds, missing_after=0.1)

    async def has_ended() -> bool:
        bench.publish("available", "online")
        return not await is_open()

    await until(has_ended)


@SET_BACK
async def test_a_remembered_object_is_forgotten_after_a_start(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Frigate kept no row of it."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.tracked_object("new", source_id="1.5-never", end_time=None)

    async def is_remembered() -> bool:
        return bool(await bench.engine._ledger.run(tracked_objects.remembered))  # noqa: SLF001

    await until(is_remembered)
    await bench.stop()
    set_clock(seconds)
    await start_set_back(bench, nas, seconds, missing_after=0.05)

    async def is_forgotten() -> bool:
        await bench.engine.catch_up()
        return not await is_remembered()

    await until(is_forgotten)


async def test_a_start_with_a_clock_that_is_behind(
    bench: Bench, nas: FakeDestination, set_clock: Callable[[float], None]
) -> None:
    """Patience counts from the start, also once the clock is right."""
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50, known=True)
    await until(lambda: bench.uploads(state="pending"))
    await bench.stop()
    set_clock(-YEARS)
    began = time.time()
    await bench.start(setup(nas))
    set_clock(YEARS)
    await followed(bench)

    def moments(connection: sqlite3.Connection) -> list[float]:
        (row,) = connection.execute(
            "SELECT reported_at, files.ended_at, uploads.ended_at"
            " FROM items JOIN files ON files.item_id = items.id"
            " JOIN uploads ON file_id = files.id"
        )
        return list(row)

    for moment in await bench.engine._ledger.run(moments):  # noqa: SLF001
        assert began + YEARS - 100 < moment <= time.time()


BEHIND = pytest.mark.parametrize("seconds", [-30, -5 * HOUR, -YEARS])


@BEHIND
async def test_capture_is_switched_off_after_a_start_with_a_clock_that_is_behind(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """What was to be fetched before still is, all of it."""
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    end = time.time() - 5
    bench.review("end", start=end - 10, end=end, known=True)
    await until(lambda: bench.uploads(state="pending"))
    await bench.stop()

    def ends(connection: sqlite3.Connection) -> list[float]:
        return [row["end"] for row in connection.execute("SELECT end FROM files")]

    set_clock(seconds)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    whole = await bench.engine._ledger.run(ends)  # noqa: SLF001
    await bench.engine.set_capture(False)
    assert [row.state for row in await bench.uploads()] == ["pending"]
    assert await bench.engine._ledger.run(ends) == whole  # noqa: SLF001
    set_clock(-seconds)
    await followed(bench)
    bench.frigate.error = bench.frigate.footage = None
    assert await bench.settled() == {"verified": 1}


@BEHIND
async def test_a_review_ends_after_a_start_with_a_clock_that_is_behind(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
) -> None:
    """Its footage was still to be looked for; who was there when it ended gets it."""
    bench.timing = replace(FAST, settle=600)
    bench.limits = Limits(piece=10, piece_remainder=1)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    end = time.time() - 5
    await there_since(bench, end - 5)
    review_id = bench.review("end", start=end - 35, end=end, known=True)

    async def has_ended() -> bool:
        known = await bench.engine._ledger.run(ledger_items.review, review_id)  # noqa: SLF001
        return known is not None and known[1] and known[0].end is not None

    await until(has_ended)
    await bench.stop()
    assert not nas.media
    set_clock(seconds)
    bench.frigate.clock_offset = seconds
    bench.timing = FAST
    await bench.start(setup(nas))
    await until(lambda: nas.media)
    assert list(await bench.settled()) == ["verified"]


@pytest.mark.parametrize("has_caught_up", [True, False])
@pytest.mark.parametrize("seconds", [-5 * HOUR, -YEARS])
async def test_catching_up_with_a_clock_that_was_set_back(
    bench: Bench,
    nas: FakeDestination,
    set_clock: Callable[[float], None],
    seconds: float,
    has_caught_up: bool,
) -> None:
    """Entry and destination are made hours later than it is now; all is found."""
    bench.frigate.error = None if has_caught_up else FrigateUnreachable("no route")
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected is has_caught_up)
    if has_caught_up:
        await until(lambda: bench.frigate.windows)
    bench.frigate.error = None
    await bench.stop()
    set_clock(seconds)
    bench.frigate.clock_offset = seconds
    end = time.time() - seconds  # Frigate's clock was not set.
    bench.frigate.known_reviews["1.5-missed"] = Review(
        id="1.5-missed",
        camera="front_door",
        start_time=end - 10,
        end_time=end - 1,
        severity=Severity.ALERT,
        labels=frozenset({"person"}),
        zones=frozenset(),
        ended=True,
    )
    await bench.start(setup(nas))
    await until(lambda: nas.media)


async def test_up_to_when_all_is_known(tmp_path: Path) -> None:
    """A clock that is years behind makes nobody compare years again."""
    ledger = Ledger(tmp_path / "one.db")
    await ledger.open()

    async def known() -> float:
        return await ledger.run(milestones.moment, milestones.CAUGHT_UP, default=0)

    for moment, is_sure, kept in ((50, True, 50), (20, False, 50), (30, True, 30)):
        await ledger.run(milestones.keep_caught_up, moment, is_sure=is_sure)
        assert await known() == kept
    await ledger.run(milestones.keep_caught_up, 90, is_sure=False)
    assert await known() == 90
    await ledger.close()


async def moments_after(
    tmp_path: Path, jump: ClockJump, *, was_wrong: bool, **moments: float
) -> dict[str, float]:
    """Return what becomes of moments when the clock is set."""
    ledger = Ledger(tmp_path / "one.db")
    await ledger.open()
    for name, moment in moments.items():
        await ledger.run(milestones.keep_moment, name, moment)
    await ledger.run(ledger_clock.jumped, jump, was_wrong=was_wrong, longest=300)
    after = {
        name: await ledger.run(milestones.moment, name, default=0) for name in moments
    }
    await ledger.close()
    return after


FORWARD = ClockJump(since=1000, before=2000, after=9000)
BACK = ClockJump(since=5000, before=9000, after=2000)


@pytest.mark.parametrize(
    ("jump", "was_wrong", "before", "after"),
    [
        # What the old clock wrote is moved; what is older was written by a right one.
        (
            FORWARD,
            True,
            {"last_review": 1500, "x": 900},
            {"last_review": 8500, "x": 900},
        ),
        # An earlier `caught_up` only lets more be compared.
        (FORWARD, True, {"caught_up": 1500}, {"caught_up": 1500}),
        (BACK, True, {"caught_up": 8000}, {"caught_up": 1000}),
        # An entry was made when the clock was wrong, or before the machine was halted.
        (FORWARD, True, {"since": 1500}, {"since": 8500}),
        (FORWARD, False, {"since": 1500}, {"since": 1500}),
        (FORWARD, True, {"since": 500}, {"since": 500}),
        # Nothing has been written at a time to come.
        (BACK, False, {"since": 8000}, {"since": 1000}),
        (BACK, False, {"last_review": 3000}, {"last_review": -4000}),
        (BACK, False, {"last_review": 1900}, {"last_review": 1900}),
    ],
)
async def test_what_is_moved(
    tmp_path: Path,
    jump: ClockJump,
    was_wrong: bool,
    before: dict[str, float],
    after: dict[str, float],
) -> None:
    """Each may err to one side alone."""
    assert await moments_after(tmp_path, jump, was_wrong=was_wrong, **before) == after
