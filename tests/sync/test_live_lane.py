"""What a live lane sends of a film whose keyframes are far apart."""

import asyncio
import time
from types import SimpleNamespace
from typing import cast, override

import pytest

from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.growing import GrowingFile
from custom_components.frigate_snap_sync.sync.ledger.live_files import LiveFile
from custom_components.frigate_snap_sync.sync.live.film import Chunk, Film
from custom_components.frigate_snap_sync.sync.live.lane import LiveLane
from custom_components.frigate_snap_sync.sync.live.target import LiveTarget
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.support.live_progress import LiveProgress
from custom_components.frigate_snap_sync.sync.support.outage_log import OutageLog

from ..waiting import LONG, until
from .fakes import FakeDestination

SIZE = 100
MOST = 10 * SIZE
"""Bytes of a film that are kept: ten pictures."""


class Held(GrowingFile):
    """A file whose writes take until they are let through."""

    def __init__(self) -> None:
        """Let them through."""
        self.may = asyncio.Event()
        self.may.set()
        self.numbers: list[int] = []
        """Of the pictures that came."""
        self.fault: Exception | None = None
        self.closed = 0
        """How often it was closed."""
        self.waiting = 0
        """Writes that are under way."""

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        self.waiting += 1
        try:
            await self.may.wait()
        finally:
            self.waiting -= 1
        if self.fault is not None:
            raise self.fault
        for begin in range(0, len(data), SIZE):
            self.numbers.append(int(data[begin : begin + SIZE]))

    @override
    async def close(self) -> int:
        self.closed += 1
        return len(self.numbers) * SIZE


class Shelf(FakeDestination):
    """Has one such file."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.can = Capabilities(append=True)
        self.file = Held()

    @override
    async def grow(self, path: str) -> GrowingFile:
        return self.file


class Target:
    """Where film goes, with neither ledger nor worker behind it."""

    id = name = "nas"
    is_open = is_allowed = True
    is_hint = False
    item = SimpleNamespace(source_id="review")

    def __init__(self) -> None:
        """Send to a shelf."""
        self.destination = Shelf()
        self.services = SimpleNamespace(limits=Limits(), live_progress=LiveProgress())

    def count(self, size: int) -> None:
        """Count nothing."""

    async def begin(self, first: Chunk, **_: object) -> LiveFile:
        """Return a name."""
        return cast(LiveFile, SimpleNamespace(id=1, path="live01.mp4"))

    async def own(self, file: LiveFile) -> None:
        """Keep nothing."""

    async def end(self, file: LiveFile, **_: object) -> None:
        """Keep nothing."""


class Counted(Film):
    """A film that counts how often it is read."""

    reads = 0

    @override
    def after(self, number: int) -> list[Chunk]:
        self.reads += 1
        return super().after(number)


def following(
    target: Target, film: Film, *, live_retry: float = 1, live_tick: float = 0.01
) -> asyncio.Task[None]:
    """Let a lane bring a film there."""
    timing = Timing(live_tick=live_tick, live_behind=60, live_retry=live_retry)
    lane = LiveLane(
        cast(LiveTarget, target),
        film,
        timing=timing,
        since=0.0,
        is_recorded=True,
        outage=cast(OutageLog, SimpleNamespace(over=lambda: None)),
    )
    return asyncio.create_task(lane.run())


def show(film: Film, number: int, *, is_keyframe: bool = False, ago: float = 0) -> None:
    """Let a picture come, a second after the one before it; so many seconds ago."""
    film.add(
        Chunk(
            number=number,
            take=1,
            init=b"",
            data=f"{number:0{SIZE}}".encode(),
            is_keyframe=is_keyframe,
            arrived=asyncio.get_running_loop().time() - ago,
            moment=float(number),
            seconds=float(number),
        )
    )


async def test_a_hole_ends_with_a_keyframe() -> None:
    """A lane that was too late for all that fits behind a keyframe waits for one.

    One that is in time misses nothing, however far apart the keyframes are.
    """
    film, late, prompt = Film(most_bytes=MOST), Target(), Target()
    lanes = [following(target, film) for target in (late, prompt)]

    async def come(first: int, end: int) -> None:
        async with asyncio.timeout(LONG):
            await _come(first, end)

    async def _come(first: int, end: int) -> None:
        for number in range(first, end):
            show(film, number, is_keyframe=number in (1, 60))
            while number not in prompt.destination.file.numbers:
                await asyncio.sleep(0.005)

    await come(1, 4)
    await until(lambda: late.destination.file.numbers == [1, 2, 3])
    late.destination.file.may.clear()
    await come(4, 50)
    late.destination.file.may.set()
    await come(50, 60)
    await asyncio.sleep(0.1)
    before = list(late.destination.file.numbers)
    await come(60, 63)
    await until(lambda: 62 in late.destination.file.numbers)
    # Behind the hole comes the keyframe, and nothing that needs what is missing.
    assert before == list(range(1, len(before) + 1))
    assert len(before) < 10
    assert late.destination.file.numbers == [*before, 60, 61, 62]
    spans = late.services.live_progress.until("review", ("nas",), 1.0)
    assert spans < 10
    assert prompt.destination.file.numbers == list(range(1, 63))
    for lane in lanes:
        lane.cancel()
    await asyncio.wait(lanes)


async def test_what_can_not_be_shown_is_passed_over_at_once() -> None:
    """After a lost connection hundreds of pictures may lie before the next keyframe."""
    film, target = Counted(most_bytes=1000 * SIZE), Target()
    file = target.destination.file
    lane = following(target, film, live_retry=0.01)
    show(film, 1, is_keyframe=True)
    await until(lambda: file.numbers == [1])
    file.fault = Unreachable("lost")
    show(film, 2)
    await asyncio.sleep(0.05)
    show(film, 3)
    await until(lambda: file.closed)
    for number in range(4, 500):
        show(film, number)
    show(film, 500, is_keyframe=True)
    file.fault = None
    await until(lambda: file.numbers == [1, 500])
    assert film.reads < 50
    lane.cancel()
    await asyncio.wait({lane})


async def test_what_waits_already_is_not_gathered() -> None:
    """Behind a long write there is much to be sent: one after the other at once."""
    film, target = Film(most_bytes=1000 * SIZE), Target()
    numbers = target.destination.file.numbers
    lane = following(target, film, live_tick=1)
    show(film, 1, is_keyframe=True)
    await until(lambda: numbers == [1])
    begun = time.monotonic()
    for number in range(2, 9):
        show(film, number, ago=20 - number)
    await until(lambda: numbers == list(range(1, 9)))
    assert time.monotonic() - begun < 4
    lane.cancel()
    await asyncio.wait({lane})


@pytest.mark.parametrize("append", [True, False])
async def test_how_long_a_destination_that_keeps_up_may_take(append: bool) -> None:
    """Pieces may be late by their own length."""
    target = Target()
    target.destination.can = Capabilities(append=append)
    lane = LiveLane(
        cast(LiveTarget, target),
        Film(most_bytes=MOST),
        timing=Timing(live_behind=1.5, live_piece=2),
        since=0.0,
        is_recorded=True,
        outage=cast(OutageLog, SimpleNamespace(over=lambda: None)),
    )
    assert not lane.keeps_up
    for ago, does in ((1, True), (4, not append), (6, False)):
        lane._sent_at = time.monotonic() - ago  # noqa: SLF001
        assert lane.keeps_up == does


async def _held_after_one() -> tuple[Film, Target, asyncio.Task[None]]:
    """Let a lane bring one picture; what follows waits at the destination."""
    film, target = Film(most_bytes=MOST), Target()
    lane = following(target, film)
    show(film, 1, is_keyframe=True)
    await until(lambda: target.destination.file.numbers == [1])
    target.destination.file.may.clear()
    return film, target, lane


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_a_lane_that_is_ended_while_it_ends_its_file(is_allowed: bool) -> None:
    """No write is left alone, and the file is closed; at once if no film may leave."""
    film, target, lane = await _held_after_one()
    file = target.destination.file
    show(film, 2)
    await until(lambda: file.waiting)
    target.is_allowed = is_allowed
    begun = time.monotonic()
    lane.cancel()
    await asyncio.sleep(0.02)
    lane.cancel()
    if is_allowed:
        file.may.set()
    await until(lambda: file.closed)
    assert time.monotonic() - begun < 1
    assert file.waiting == 0
    file.may.set()
    await asyncio.wait({lane})
    assert file.closed == 1
    assert file.numbers == ([1, 2] if is_allowed else [1])


async def test_a_lane_that_is_ended_while_its_writes_are_under_way() -> None:
    """What is on its way arrives, though the lane waited for it when it was ended."""
    film, target, lane = await _held_after_one()
    file = target.destination.file
    for number in (2, 3):
        show(film, number)
        await until(lambda: file.waiting == number - 1)  # noqa: B023
    # It waits for the first of them, with a third at hand.
    show(film, 4)
    await asyncio.sleep(0.05)
    lane.cancel()
    await asyncio.sleep(0.02)
    file.may.set()
    await asyncio.wait({lane})
    assert file.numbers == [1, 2, 3]
    assert file.closed == 1
