"""Frigate loses footage of which parts have arrived: they are the evidence then."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    MediaBroken,
)
from custom_components.frigate_snap_sync.frigate.models import Segment, Segments
from custom_components.frigate_snap_sync.sync.model.engine_options import EngineOptions
from custom_components.frigate_snap_sync.sync.model.limits import Limits

from ..films import film
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FakeDestination, Write
from .test_catch_up import age
from .test_incomplete import names

HALF_HOUR = 1800


@pytest.fixture
def nas(bench: Bench) -> FakeDestination:
    """Return a destination that gets parts of ten seconds."""
    bench.options = EngineOptions(part_length=10)
    bench.timing = replace(
        FAST, review_pause=0.02, first_retry=0.02, longest_retry=0.02, gone_after=0.3
    )
    return FakeDestination()


def every_second(camera: str, after: float, before: float) -> list[Segment]:
    """Return footage of all of the time."""
    return [Segment(start_time=after, end_time=before)]


def since(moment: float) -> Callable[[str, float, float], list[Segment]]:
    """Return footage that is left from a moment on."""

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        begin = max(after, moment)
        return [Segment(start_time=begin, end_time=before)] if begin < before else []

    return footage


async def give_parts(bench: Bench, nas: FakeDestination, *, start: float) -> str:
    """Let two parts of a running review arrive; return its id."""
    bench.frigate.footage = every_second
    await bench.start(setup(nas))
    review = bench.review("new", start=start)
    await until(lambda: {"-part001.mp4", "-part002.mp4"} <= set(names(nas)))
    return review


async def test_parts_stay_when_their_half_hour_is_lost(
    bench: Bench, nas: FakeDestination
) -> None:
    """The second half hour replaces nothing of the first, which is gone."""
    start = time.time() - 31 * 60 + 25
    bench.frigate.clock_offset = HALF_HOUR
    review = await give_parts(bench, nas, start=start)
    parts = set(names(nas))
    await bench.stop()
    bench.frigate.clock_offset = -300
    bench.frigate.footage = since(int(start - 5) + HALF_HOUR)
    bench.frigate.error = FrigateUnreachable("starting")
    await bench.start(setup(nas))
    bench.review("end", source_id=review, start=start, end=start + 1900)
    bench.frigate.error = None
    await until(lambda: "-02.mp4" in names(nas))
    await bench.settled()
    assert parts <= set(names(nas))
    (lost,) = await bench.uploads(state="gone")
    assert lost.path.endswith("-01.mp4")
    await until(lambda: bench.status.destinations["nas"].failed_uploads == 1)
    assert [event.path for event in bench.uploaded if not event.verified] == [lost.path]
    # Frigate's disk is back.
    bench.frigate.footage = every_second
    await bench.engine.retry_failed()
    await until(lambda: names(nas) == ["-01.mp4", "-02.mp4"])


@pytest.mark.parametrize("look_back", [None, 3600.0])
async def test_catching_up_asks_again_for_what_was_lost(
    bench: Bench, nas: FakeDestination, look_back: float | None
) -> None:
    """A person asks for it; by itself nothing is asked for over and over."""
    await age(bench, nas, hours=1)
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    end = time.time() - 20
    bench.review("end", start=end - 10, end=end, known=True)
    assert await bench.settled() == {"gone": 1}
    bench.frigate.footage = every_second
    assert await bench.engine._catch_up.catch_up() == 0  # noqa: SLF001
    assert await bench.engine.catch_up(look_back) == 1
    await until(lambda: names(nas) == [".mp4"])


@pytest.mark.parametrize("left", [3, 15])
async def test_a_whole_with_less_than_the_parts_is_incomplete(
    bench: Bench, nas: FakeDestination, left: float
) -> None:
    """Of half a minute Frigate has some seconds left, and gives these whole."""
    start = time.time() - 30
    review = await give_parts(bench, nas, start=start)
    parts = set(names(nas))
    end = time.time() - 1
    bench.frigate.footage = since(int(end) + 5 - left)
    bench.review("end", source_id=review, start=start, end=end)
    await until(lambda: "-incomplete.mp4" in names(nas))
    await bench.settled()
    assert parts <= set(names(nas))
    (row,) = await bench.uploads(state="incomplete")
    assert row.reason is not None
    assert "s left of" in row.reason
    assert not await bench.uploads(state="superseded")
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 0)
    # What comes back later replaces all of it.
    bench.frigate.footage = every_second
    await bench.engine.retry_failed()
    await until(lambda: names(nas) == [".mp4"])


@pytest.mark.parametrize("is_large", [False, True])
async def test_what_is_left_comes_in_pieces_if_it_is_broken_or_too_large(
    bench: Bench, nas: FakeDestination, *, is_large: bool
) -> None:
    """Frigate has lost the first seconds, and of the others not all come as one."""
    start = time.time() - 30
    review = await give_parts(bench, nas, start=start)
    parts = set(names(nas))
    await bench.stop()
    if is_large:
        bench.options = replace(bench.options, spool_limit=int(2.5 * len(CLIP)))
        bench.limits = Limits(spool_reserve=len(CLIP), smallest_clip=len(CLIP) // 2)
    end = time.time() - 1
    left, broken = int(end) + 5 - 25, int(end) - 5

    async def answer(seconds: float, write: Write) -> int | None:
        _, first, last = bench.frigate.clips[-1]
        if is_large and last - max(first, left) > 13:
            await write(bytes(2 * len(CLIP)))
        elif not is_large and first <= broken < last:
            raise MediaBroken("a file is missing")
        return None

    def by_seconds(camera: str, after: float, before: float) -> list[Segment]:
        first = max(int(after), left)
        return [
            Segment(start_time=second, end_time=second + 1)
            for second in range(first, int(before))
        ]

    bench.frigate.footage = by_seconds
    bench.frigate.film = answer
    await bench.start(setup(nas))
    bench.review("end", source_id=review, start=start, end=end)
    await until(lambda: "-incomplete.mp4" in names(nas))
    await until(lambda: len(set(names(nas)) - parts) > 1, seconds=5)
    counts = await bench.settled()
    assert parts <= set(names(nas))
    assert "gone" not in counts
    assert "superseded" not in counts
    (row,) = await bench.uploads(state="incomplete")
    assert "s left of" in (row.reason or "")


async def test_a_clip_that_ends_early_replaces_no_part(
    bench: Bench, nas: FakeDestination
) -> None:
    """A segment is missing on Frigate's disk, and its recordings still show it."""
    start = time.time() - 30
    review = await give_parts(bench, nas, start=start)
    parts = set(names(nas))
    whole = []

    async def short(seconds: float, write: Write) -> int | None:
        if seconds < 30:
            return None
        whole.append(seconds)
        data = film(seconds - 10)
        await write(data)
        return len(data)

    bench.frigate.film = short
    bench.review("end", source_id=review, start=start, end=time.time() + 10)
    await until(lambda: "-incomplete.mp4" in names(nas))
    assert len(whole) >= 3
    assert parts <= set(names(nas))


async def test_the_parts_of_a_whole_with_rows_that_can_not_be_read_stay(
    bench: Bench, nas: FakeDestination
) -> None:
    """It may be as long as what can be read, and show something else."""
    start = time.time() - 30
    review = await give_parts(bench, nas, start=start)
    parts = set(names(nas))
    bench.frigate.footage = lambda camera, after, before: Segments(
        every_second(camera, after, before), left_out=1
    )
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: ".mp4" in names(nas))
    counts = await bench.settled()
    assert parts <= set(names(nas))
    assert "superseded" not in counts
    assert "incomplete" not in counts


async def test_the_parts_of_a_whole_that_can_not_be_measured_stay(
    bench: Bench, nas: FakeDestination
) -> None:
    """One GOP of a single segment: it may lack its end, and it may not."""
    start = time.time() - 30
    review = await give_parts(bench, nas, start=start)
    parts = set(names(nas))

    def one_segment(camera: str, after: float, before: float) -> list[Segment]:
        return [Segment(start_time=after - 90, end_time=before + 10)]

    async def unclear(seconds: float, write: Write) -> int:
        data = film(seconds + 20, gop=1000)
        await write(data)
        return len(data)

    bench.frigate.footage = one_segment
    bench.frigate.film = unclear
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: ".mp4" in names(nas))
    counts = await bench.settled()
    await asyncio.sleep(0.3)  # They would be removed by now.
    assert parts <= set(names(nas))
    assert "incomplete" not in counts
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
