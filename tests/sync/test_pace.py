"""A clip that trickles gives way while others wait, and comes after them."""

import asyncio
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.sync.fetching import pace
from custom_components.frigate_snap_sync.sync.fetching.pace import (
    GaveWay,
    Pace,
    giving_way,
)
from custom_components.frigate_snap_sync.sync.model.limits import Limits

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FakeDestination, Write

SLOW = replace(FAST, slow_after=0.2)


class Trickle:
    """Lets clips come a few bytes at a time, those of the reviews in `slow`.

    Their lengths tell them apart.
    """

    def __init__(self, bench: Bench, *slow: int) -> None:
        """Take the place of the usual clips."""
        self.slow = set(slow)
        self.began: list[int] = []
        self.ended: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.pieces = 10_000
        bench.frigate.film = self.write

    async def write(self, seconds: float, write: Write) -> int:
        """Write a clip."""
        length = int(seconds)
        self.began.append(length)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for number in range(self.pieces):
                if length not in self.slow:
                    break
                await write(CLIP[number * 16 : number * 16 + 16])
                await asyncio.sleep(0.02)
            else:
                number += 1
            sent = number * 16
            await write(CLIP[sent:])
        finally:
            self.at_once -= 1
        self.ended.append(length)
        return len(CLIP)


def ended(bench: Bench, length: int, severity: str = "alert") -> None:
    """Let a review of that length end, which tells its clip from others."""
    end = float(int(time.time()) - 60)
    # Padding is added at both ends.
    start = end - length + 10
    bench.review(
        "end", source_id=f"{start}-a{length}", start=start, end=end, severity=severity
    )


async def test_an_alert_does_not_wait_behind_a_detection_that_trickles(
    bench: Bench, nas: FakeDestination
) -> None:
    """The detection is taken up after all others, and has not failed meanwhile."""
    bench.timing = SLOW
    trickle = Trickle(bench, 40)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    ended(bench, 40, "detection")
    await until(lambda: trickle.began == [40])
    for length in (41, 42):
        ended(bench, length)
    ended(bench, 43, "detection")
    await until(lambda: len(nas.media) == 3)
    trickle.slow.clear()
    await until(lambda: len(nas.media) == 4)
    assert trickle.began == [40, 41, 42, 43, 40]
    assert trickle.most_at_once == 1
    assert await bench.settled() == {"verified": 4}


async def test_a_clip_that_trickles_is_let_be_while_nobody_waits(
    bench: Bench, nas: FakeDestination
) -> None:
    """What Frigate gives slowly is better than nothing; stills go beside it."""
    bench.timing = SLOW
    trickle = Trickle(bench, 40)
    trickle.pieces = 40
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    ended(bench, 40)
    await until(lambda: trickle.began == [40])
    await asyncio.sleep(0.3)
    bench.tracked_object()
    await until(lambda: len(nas.media) == 2)
    assert trickle.began == [40]
    assert await bench.settled() == {"verified": 2}


async def test_when_all_trickle_each_gives_way_once(
    bench: Bench, nas: FakeDestination
) -> None:
    """A slow link to Frigate must not keep everything from arriving."""
    bench.timing = SLOW
    trickle = Trickle(bench, 40, 41, 42)
    trickle.pieces = 40
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    for length in (40, 41, 42):
        ended(bench, length)
    await until(lambda: len(nas.media) == 3)
    assert sorted(trickle.ended) == [40, 41, 42]
    assert len(trickle.began) <= 5
    assert await bench.settled() == {"verified": 3}


async def test_not_all_give_way_in_a_row(bench: Bench, nas: FakeDestination) -> None:
    """New ones may come all the time."""
    bench.limits = Limits(slow_clips=1)
    bench.timing = SLOW
    trickle = Trickle(bench, *range(40, 50))
    trickle.pieces = 30
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    ended(bench, 40)
    await until(lambda: trickle.began == [40])
    ended(bench, 41)
    await until(lambda: trickle.began == [40, 41])
    ended(bench, 42)
    await until(lambda: trickle.ended)
    assert trickle.ended == [41]


async def test_it_still_comes_last_after_a_restart(
    bench: Bench, nas: FakeDestination
) -> None:
    """The ledger remembers it."""
    bench.timing = SLOW
    trickle = Trickle(bench, 40, 41)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    ended(bench, 40, "alert")
    await until(lambda: trickle.began == [40])
    ended(bench, 41, "detection")
    await until(lambda: trickle.began == [40, 41])
    await bench.stop()
    trickle.slow.clear()
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 2)
    assert trickle.began == [40, 41, 41, 40]


async def test_pace() -> None:
    """It counts only once it has been measured for long enough."""
    one = Pace(rate=1000, seconds=0.1)
    assert not one.is_slow
    await asyncio.sleep(0.11)
    assert one.is_slow
    one.add(101)
    assert not one.is_slow
    await asyncio.sleep(0.11)
    assert one.is_slow
    one.add(99)
    assert one.is_slow


async def test_what_the_block_raises_comes_through() -> None:
    """Only what was cut short for its pace has given way."""

    async def nobody() -> bool:
        return False

    async def somebody() -> bool:
        return True

    one = Pace(rate=1000, seconds=0.05)
    with pytest.raises(TimeoutError, match="its own"):
        async with giving_way(one, somebody):
            raise TimeoutError("its own")
    async with giving_way(one, nobody):
        await asyncio.sleep(0.1)
    assert one.is_slow
    with pytest.raises(GaveWay):
        async with giving_way(one, somebody):
            await asyncio.sleep(10)
    assert pace.Pace(rate=1, seconds=30).step == 3
