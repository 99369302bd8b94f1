"""Reviews that somebody cuts off: what is on Frigate's disk leaves at once.

Recordings are switched off first, and the recorder is carried away next.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from math import ceil
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Segment, Severity
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import items as ledger_items
from custom_components.frigate_snap_sync.sync.model.footage_ranges import Bounds
from custom_components.frigate_snap_sync.sync.model.item import Item, Media
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.plans import Progress
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.planning.planner import Planner

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .faults import Job, RunJob
from .test_long_reviews import names
from .test_stale_reviews import known

PATIENT = replace(
    FAST,
    settle=600,
    part_settle=600,
    part_tail=600,
    tail_patience=600,
    tail_attempts=1_000_000,
    off_settle=600,
    review_pause=0.02,
)
"""What is not sent at once never is, as long as a test lasts."""


@pytest.fixture
def nas(bench: Bench) -> FakeDestination:
    """Return a destination, of an engine that uploads during reviews."""
    bench.options = EngineOptions(part_length=10)
    bench.timing = PATIENT
    return FakeDestination()


def on_disk(bench: Bench, start: float, until: Callable[[], float]) -> None:
    """Let Frigate have footage from 5 s before a start up to a moment."""

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        row = Segment(start_time=start - 5, end_time=until())
        return [row] if row.end_time > after and row.start_time < before else []

    bench.frigate.footage = footage


async def begun(
    bench: Bench, nas: FakeDestination, seconds: float
) -> tuple[str, float]:
    """Let a review have begun so long ago, of which no part was due yet."""
    start = time.time() - seconds
    on_disk(bench, start, lambda: start + seconds - 3)
    review = known(bench, start)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", source_id=review, start=start)
    return review, start


async def test_recordings_are_switched_off_and_the_review_ends(
    bench: Bench, nas: FakeDestination
) -> None:
    """As Frigate 0.16 and newer say it: first the switch, at once the end."""
    review, start = await begun(bench, nas, 8)
    bench.publish("front_door/recordings/state", "OFF")
    now = time.time()
    bench.review("end", source_id=review, start=start, end=now)
    await until(lambda: names(nas) == ["-part001.mp4"])
    ((_, begin, end),) = bench.frigate.clips
    assert begin == int(start - 5)
    assert end >= now
    # The whole comes once Frigate has thrown away what it had not moved.
    await bench.pending(1)
    (whole,) = await bench.uploads(state="pending")
    assert whole.path.endswith("abc123.mp4")


async def test_the_whole_waits_for_no_tail_either(
    bench: Bench, nas: FakeDestination
) -> None:
    """With recordings off nothing more will come to Frigate's disk."""
    bench.options = EngineOptions(upload_during_review=False)
    bench.timing = replace(PATIENT, off_settle=0.05)
    review, start = await begun(bench, nas, 8)
    bench.publish("front_door/recordings/state", "OFF")
    bench.review("end", source_id=review, start=start, end=time.time())
    await until(lambda: names(nas) == [".mp4"])
    assert await bench.settled() == {"verified": 1}


async def test_recordings_are_switched_off_long_before_the_end(
    bench: Bench, nas: FakeDestination
) -> None:
    """As Frigate 0.14 and 0.15 say it."""
    _, start = await begun(bench, nas, 8)
    off = time.time()
    bench.publish("front_door/recordings/state", "OFF")
    await until(lambda: names(nas) == ["-part001.mp4"])
    ((_, begin, end),) = bench.frigate.clips
    assert begin == int(start - 5)
    assert off <= end <= off + 5
    assert len(await bench.uploads()) == 1


async def test_recordings_are_switched_off_once_more(
    bench: Bench, nas: FakeDestination
) -> None:
    """In the next review: what counts is the moment of that, not of the first time."""
    first, start = await begun(bench, nas, 8)
    bench.publish("front_door/recordings/state", "OFF")
    await until(lambda: names(nas) == ["-part001.mp4"])
    bench.review("end", source_id=first, start=start, end=time.time())
    await bench.pending(1)
    # As if that had been a while ago.
    bench.engine._parts.intake.running._off["front_door"] -= 100  # noqa: SLF001
    bench.publish("front_door/recordings/state", "ON")
    off = time.time()
    bench.publish("front_door/recordings/state", "OFF")
    start = off - 9
    on_disk(bench, start, lambda: off)
    bench.review("new", source_id=known(bench, start), start=start)
    await until(lambda: len(names(nas)) == 2)
    _, begin, end = bench.frigate.clips[-1]
    assert begin == int(start - 5)
    assert off <= end <= off + 5


def test_no_part_is_planned_of_what_was_not_recorded() -> None:
    """However long the review goes on after recordings went off."""
    planner = Planner(
        time_zone=UTC,
        padding_before=5,
        padding_after=5,
        part_length=10,
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

    def plan(known: Progress) -> list[tuple[int, bool]]:
        files, again = planner.running(
            review,
            known=known,
            bounds=Bounds(),
            clock_offset=30,
            off_since=now - 20,
        )
        assert again is None
        return [(file.end or 0, file.as_is) for file in files]

    off = ceil(now - 20 - 30)
    assert plan(Progress())[-1][0] == off
    assert plan(Progress(parts=1, parts_end=off - 4)) == [(off, True)]
    assert plan(Progress(parts=2, parts_end=off)) == []


async def test_a_part_that_waits_is_not_waited_for_any_more(
    bench: Bench, nas: FakeDestination
) -> None:
    """It was planned before the recordings went off."""
    await begun(bench, nas, 14)
    await bench.pending(1)
    assert not bench.frigate.clips
    bench.publish("front_door/recordings/state", "OFF")
    await until(lambda: "-part001.mp4" in names(nas))


async def test_what_frigate_does_not_have_is_not_asked_for_all_the_time(
    bench: Bench, nas: FakeDestination
) -> None:
    """With recordings off a review is looked at again with every message of any other."""
    bench.timing = replace(PATIENT, part_retry=100)
    await begun(bench, nas, 8)
    bench.frigate.footage = lambda camera, after, before: []
    looked = asyncio.Event()

    async def watch(job: Job, run: RunJob) -> object:
        if job is ledger_items.open_reviews:
            looked.set()
        return await run(job)

    bench.faults.run = watch
    bench.publish("front_door/recordings/state", "OFF")
    await until(lambda: bench.frigate.looks)
    other = bench.review("new", camera="back-yard_2", start=time.time())
    for _ in range(20):
        looked.clear()
        bench.review("update", source_id=other, camera="back-yard_2")
        await until(looked.is_set)
        await bench.at_rest()
    assert len(bench.frigate.looks) <= 2


async def test_an_end_that_is_forced_while_recording_goes_on(
    bench: Bench, nas: FakeDestination
) -> None:
    """Alerts were switched off, or a manual event was ended: the whole will be whole."""
    review, start = await begun(bench, nas, 8)
    bench.review("end", source_id=review, start=start, end=time.time() - 0.02)
    await until(lambda: names(nas) == ["-part001.mp4"])
    await bench.pending(1)
    (whole,) = await bench.uploads(state="pending")
    assert whole.path.endswith("abc123.mp4")


async def test_an_end_as_always(bench: Bench, nas: FakeDestination) -> None:
    """It comes half a minute after the last activity: there is nothing to hurry for."""
    review, start = await begun(bench, nas, 8)
    bench.review("end", source_id=review, start=start, end=time.time() - 6)
    await bench.pending(1)
    (whole,) = await bench.uploads()
    assert whole.path.endswith("abc123.mp4")
    assert not bench.frigate.clips


async def test_no_part_of_what_the_owner_wants_none_of(
    bench: Bench, nas: FakeDestination
) -> None:
    """With the option off nothing but the whole is sent."""
    bench.options = EngineOptions(upload_during_review=False)
    review, start = await begun(bench, nas, 8)
    bench.review("end", source_id=review, start=start, end=time.time())
    await bench.pending(1)
    (whole,) = await bench.uploads()
    assert whole.path.endswith("abc123.mp4")


@pytest.mark.parametrize("has_all", [True, False])
async def test_no_part_of_what_has_left_live(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, has_all: bool
) -> None:
    """But the last moment, if film lacks that, and all of it where there is no film."""
    bench.options = EngineOptions(part_length=60)
    bench.timing = replace(PATIENT, part_settle=15)
    start = time.time() - 27
    on_disk(bench, start, time.time)
    review = known(bench, start)
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    bench.review("new", source_id=review, start=start)
    await until(lambda: names(nas) == names(cloud) == ["-part001.mp4"])
    ((_, _, first),) = bench.frigate.clips
    end = time.time()
    live = bench.engine._services.live_progress  # noqa: SLF001
    live.note(review, "nas", ((start - 5, end + 3 * has_all),))
    if not has_all:
        live.note(review, "cloud", ((start - 5, end),))
    bench.publish("front_door/recordings/state", "OFF")
    bench.review("end", source_id=review, start=start, end=end)
    await until(lambda: names(cloud) == ["-part001.mp4", "-part002.mp4"])
    await bench.at_rest()
    assert len(names(nas)) == (1 if has_all else 2)
    _, begin, last = bench.frigate.clips[-1]
    assert last >= end
    assert begin == first if has_all else begin >= end - 3


async def test_of_a_long_one_that_is_cut_off_the_last_ten_minutes(
    bench: Bench, nas: FakeDestination
) -> None:
    """That claims to have begun days ago, say: the end is what nobody has yet."""
    now = time.time()
    start = now - 5 * 86400
    on_disk(bench, start, lambda: now)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("end", start=start, end=time.time())
    await until(lambda: bench.frigate.clips)
    _, begin, end = bench.frigate.clips[0]
    assert now - 600 <= begin < end
    assert end - begin <= 600


async def test_after_an_outage_what_is_on_disk_leaves_at_once(
    bench: Bench, nas: FakeDestination
) -> None:
    """Only the youngest seconds are waited for, in a part of their own."""
    bench.timing = replace(PATIENT, part_settle=15)
    start = time.time() - 27
    on_disk(bench, start, lambda: start + 13)
    review = known(bench, start)
    await bench.start(setup(nas))
    bench.review("new", source_id=review, start=start)
    await until(lambda: names(nas) == ["-part001.mp4"])
    ((_, begin, end),) = bench.frigate.clips
    assert begin == int(start - 5)
    assert start + 10 <= end <= start + 14
