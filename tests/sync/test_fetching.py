"""Asking Frigate for footage: late, wrong or slow answers cost nothing and nobody."""

import asyncio
from dataclasses import replace
from itertools import pairwise
import logging
import sqlite3
import time
import tracemalloc
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateTimeout,
    FrigateUnreachable,
    MediaNotReady,
    UnreadableRows,
)
from custom_components.frigate_snap_sync.frigate.models import Review, Segment, Severity
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import fetch_queue
from custom_components.frigate_snap_sync.sync.model.errors import SpoolError
from custom_components.frigate_snap_sync.sync.model.footage_ranges import Bounds
from custom_components.frigate_snap_sync.sync.model.item import recording_item
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.plans import Progress
from custom_components.frigate_snap_sync.sync.model.rank import Rank
from custom_components.frigate_snap_sync.sync.planning.planner import Planner
from custom_components.frigate_snap_sync.sync.spool.spool import SpoolFile

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, CLIP_SECONDS, FULL_IMAGE, FakeDestination, Write
from .faults import Step
from .test_own_failures import Trouble


async def test_a_long_review_that_has_just_ended_is_not_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's disk may be late; when we first heard of the review says nothing."""
    asked = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(before)
        begin = before - CLIP_SECONDS
        return [Segment(start_time=begin, end_time=before)] if len(asked) > 2 else []

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    start = time.time() - 660
    review = f"{start}-abc123"
    bench.frigate.known_reviews[review] = Review(
        id=review,
        camera="front_door",
        start_time=start,
        end_time=None,
        severity=Severity.ALERT,
        labels=frozenset({"person"}),
        zones=frozenset(),
    )
    bench.review("new", source_id=review, start=start)
    await bench.settled()
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE items SET reported_at = reported_at - 660"
        )
    )
    bench.review("end", source_id=review, start=start, end=time.time())
    await until(lambda: list(nas.media.values()) == [CLIP])
    assert await bench.settled() == {"verified": 1}


async def test_footage_that_can_not_be_read_is_not_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """A newer Frigate may show it in another form; it arrives when that is known."""
    bench.timing = replace(FAST, gone_after=0, missing_after=0)
    asked = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(before)
        if len(asked) < 3:
            raise UnreadableRows("/api/front_door/recordings answers nothing readable")
        return [Segment(start_time=before - CLIP_SECONDS, end_time=before)]

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 30)
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


async def test_a_clock_that_is_not_known_yet_cuts_nothing(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's may be minutes ahead of ours, and it does not answer yet."""
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    end = time.time() + 120
    bench.review("end", start=end - 60, end=end)
    await bench.pending(1)
    bench.frigate.clock_offset = -120.0
    bench.frigate.error = None
    bench.publish("available", "online")
    await until(lambda: len(nas.media) == 1)
    ((_, asked_start, asked_end),) = bench.frigate.clips
    assert asked_start <= end - 65 + 1
    assert asked_end >= end + 5


async def test_the_footage_after_the_end_is_waited_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """The padding is still to come when the end is told."""
    bench.timing = replace(FAST, tail_patience=60)
    bench.options = EngineOptions(padding_after=60, upload_during_review=False)
    now = time.time()
    asked = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(before)
        end = before if len(asked) > 2 else now - 5
        return [Segment(start_time=now - 40, end_time=end)]

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("end", start=now - 40, end=now - 10)
    await until(lambda: len(nas.media) == 1)
    assert len(asked) == 3
    ((_, _, end),) = bench.frigate.clips
    assert end >= now + 50


def test_a_review_of_three_days_is_covered() -> None:
    """Without a gap, by whole half hours; what is before and after it as well."""
    planner = Planner(
        time_zone=ZoneInfo("UTC"),
        padding_before=5,
        padding_after=5,
        part_length=None,
        timing=FAST,
        limits=Limits(),
    )
    planner.set_destinations([setup(FakeDestination())])
    start, end = 1_000_000.5, 1_000_000.5 + 72 * 3600
    review = Review(
        id="1.5-abc123",
        camera="front_door",
        start_time=start,
        end_time=end,
        ended=True,
        severity=Severity.ALERT,
        labels=frozenset(),
        zones=frozenset(),
    )
    plans = planner.recording(
        recording_item(review, reported_at=end),
        known=Progress(),
        bounds=Bounds(),
        clock_offset=0,
    )
    ranges = [(plan.start or 0, plan.end or 0) for plan in plans]
    assert ranges[0][0] <= start - 5
    assert ranges[-1][1] >= end + 5
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
    assert max(end - start for start, end in ranges) <= 1860
    assert len({upload.path for plan in plans for upload in plan.uploads}) == 1
    assert len({plan.suffix for plan in plans}) == len(plans)


async def test_a_file_that_falls_due_while_work_is_looked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """A slow disk under the ledger must not let it be missed."""
    look = fetch_queue.next_fetches
    delayed: list[float] = []

    def slowly(connection: sqlite3.Connection, **kwargs: Any) -> object:
        found = look(connection, **kwargs)
        (due,) = connection.execute(
            "SELECT MIN(due) FROM files WHERE state = 'wanted'"
        ).fetchone()
        if due and not found and not delayed and Rank.ALERT_CLIP in kwargs["ranks"]:
            time.sleep(max(due - time.time(), 0) + 0.01)
            delayed.append(due)
        return found

    bench.timing = replace(FAST, settle=0.2)
    bench.faults.jobs[look] = slowly
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    now = time.time()
    bench.review("end", start=now - 20, end=now)
    await until(lambda: delayed)
    await until(lambda: len(nas.media) == 1)


async def test_a_retry_that_falls_due_while_a_clip_hangs(
    bench: Bench, nas: FakeDestination
) -> None:
    """The lane that is free slept when there was none; it must hear of it."""
    bench.timing = replace(FAST, settle=0.2, first_retry=0.5)
    asked: list[str] = []

    async def late(object_id: str) -> bytes:
        asked.append(object_id)
        if len(asked) == 1:
            await asyncio.sleep(0.4)
            raise MediaNotReady("not yet")
        return FULL_IMAGE

    async def hang(seconds: float, write: Write) -> None:
        await asyncio.Event().wait()

    bench.frigate.snapshot = late  # type: ignore[assignment, method-assign]
    bench.frigate.film = hang
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.tracked_object()
    await until(lambda: asked)
    bench.review("end", start=time.time() - 100, end=time.time() - 50)
    await until(lambda: bench.frigate.clips)
    await until(lambda: list(nas.media.values()) == [FULL_IMAGE])


async def test_a_clip_that_hangs_holds_up_no_snapshot(
    bench: Bench, nas: FakeDestination
) -> None:
    """One request is kept free of long clips."""
    gate = asyncio.Event()
    hanging = []

    async def hang(seconds: float, write: Write) -> None:
        hanging.append(seconds)
        await gate.wait()

    bench.frigate.film = hang
    await bench.start(setup(nas))
    for number in range(3):
        bench.review("end", source_id=f"{number}.5-abc", end=time.time() - 50)
    await until(lambda: hanging)
    bench.tracked_object()
    await until(lambda: list(nas.media.values()) == [FULL_IMAGE])
    assert len(hanging) == 1
    gate.set()
    await until(lambda: len(nas.media) == 4)


async def test_a_full_disk_under_the_spool_is_no_reason_to_ask_frigate_on_and_on(
    bench: Bench,
    nas: FakeDestination,
) -> None:
    """The pauses grow; all arrives when there is room."""
    bench.timing = replace(FAST, first_retry=0.2, longest_retry=0.4)
    is_full = True
    asked: list[float] = []

    async def refuse(finish: Step) -> SpoolFile:
        asked.append(time.monotonic())
        if is_full:
            raise SpoolError("Spool: No space left on device")
        return cast(SpoolFile, await finish())

    bench.faults.finish = refuse
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(asked) >= 4)
    pauses = [after - before for before, after in pairwise(asked)]
    assert pauses[0] >= 0.2
    assert min(pauses[1:]) >= 0.4
    await until(lambda: not list((bench.folder / "spool").iterdir()))
    assert not list((bench.folder / "spool").iterdir())
    is_full = False
    await until(lambda: len(nas.media) == 1)


async def test_memory_does_not_grow_with_a_clip(
    bench: Bench, nas: FakeDestination
) -> None:
    """A clip of any size passes in pieces to the spool."""
    piece, count = bytes(1024 * 1024), 64
    peaks: list[int] = []

    async def large(seconds: float, write: Write) -> int:
        tracemalloc.start()
        try:
            for _ in range(count):
                await write(piece)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        return count * len(piece)

    bench.frigate.film = large
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: peaks)
    assert peaks[0] < count * len(piece) / 4


async def test_updates_of_objects_push_out_no_end_of_a_review(
    bench: Bench, nas: FakeDestination
) -> None:
    """They come many times a second, also while nothing can be written."""
    trouble = Trouble(bench)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    trouble.names = {"plan", "remember_open", "see_camera"}
    bench.live_snapshot()
    bench.review("end", end=time.time() - 50)
    await until(lambda: trouble.refused)
    tracked = {"id": "1.0-a", "camera": "front_door", "label": "person"}
    for _ in range(2100):
        bench.publish("events", {"type": "update", "before": {}, "after": tracked})
    trouble.names = set()
    await until(lambda: len(nas.media) == 2)


async def test_one_request_that_always_fails_makes_no_storm(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate tells its version, but not about the review that goes on."""
    asked: list[float] = []

    async def refuse(review_id: str) -> None:
        asked.append(time.monotonic())
        raise FrigateTimeout("No answer in time")

    bench.frigate.review = refuse  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new")
    await bench.settled()
    hinted = time.monotonic()
    bench.publish("available", "online")

    def later() -> list[float]:
        # The hint makes the first tries quick.
        return [each for each in asked if each > hinted + 2 * FAST.hint_pause]

    await until(lambda: len(later()) >= 4)
    assert later()[3] - later()[0] >= 3 * FAST.first_poll_retry
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)


async def test_a_full_disk_under_the_spool_is_told_once(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not with every try."""
    bench.timing = replace(FAST, first_retry=0.1, longest_retry=0.1)

    async def refuse(_: Step) -> SpoolFile:
        raise SpoolError("Spool: No space left on device")

    bench.faults.finish = refuse
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(bench.frigate.clips) >= 3)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
