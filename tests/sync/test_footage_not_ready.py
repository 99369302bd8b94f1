"""What Frigate does not have yet is asked for again, until it has it or never will."""

from dataclasses import replace
import logging
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    MediaBroken,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import Segment

from ..films import film
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, GONE, FakeDestination


async def test_a_clip_that_is_not_ready_is_asked_for_again(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused, empty, truncated, short, hanging; one line in the log."""
    caplog.set_level(logging.INFO)
    bench.frigate.clip_faults = [
        MediaNotReady("400"),
        b"",
        CLIP[:-100],
        MediaBroken("nothing for 60 s"),
        FrigateUnreachable("reset"),
        CLIP,
    ]
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: list(nas.media.values()) == [CLIP])
    assert caplog.text.count("is asked for again") == 1
    await until(lambda: len(bench.spooled()) == 0)


async def test_a_short_clip_is_asked_for_again(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's recordings show more than the clip has."""
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=before - 60, end_time=before)
    ]
    bench.frigate.clip_faults = [CLIP, CLIP]
    await bench.start(setup(nas))
    now = time.time()
    bench.review("end", start=now - 200, end=now - 100)
    await until(lambda: list(nas.media.values()) == [film(60)])
    assert len(bench.frigate.clips) == 3


async def test_the_last_seconds_are_waited_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's disk has a moment only some 15 s after it."""
    bench.timing = replace(FAST, tail_patience=60)
    now = time.time()
    seen = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        seen.append(camera)
        end = now - 20 if len(seen) < 3 else now - 5
        return [Segment(start_time=now - 40, end_time=end)]

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("end", start=now - 40, end=now - 10)
    await until(lambda: len(nas.media) == 1)
    assert len(seen) == 3
    assert len(bench.frigate.clips) == 1


async def test_gone_when_frigate_shows_that_it_has_nothing(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Not before ten minutes after the end, and then not asked for any more."""
    asked: list[float] = []

    def nothing(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(after)
        return []

    bench.frigate.footage = nothing
    await bench.start(setup(nas))
    now = time.time()
    ids = {"1.5-old": (now - 700, now - 650), "2.5-new": (now - 70, now - 60)}
    for source_id, (start, end) in ids.items():
        bench.review("end", source_id=source_id, start=start, end=end, known=True)
    await until(lambda: "Frigate has no recording of 1.5-old" in caplog.text)
    await until(lambda: len([after for after in asked if after > now - 100]) >= 3)
    counts = (await bench.engine.diagnostics())["counts"]["uploads"]
    assert counts == {"gone": 1, "pending": 1}
    assert not bench.frigate.clips


async def test_a_snapshot_that_frigate_lacks_is_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """A 404 just after the end may be a race; later it is the truth."""
    bench.frigate.snapshot_faults = [GONE, GONE, MediaBroken("no JPEG")]
    await bench.start(setup(nas))
    now = time.time()
    bench.tracked_object(source_id="1.5-new", start_time=now - 5, end_time=now)
    await until(lambda: len(nas.media) == 1)
    bench.frigate.snapshot_faults = [GONE]
    bench.tracked_object(source_id="2.5-old", start_time=now - 95, end_time=now - 90)
    await until(lambda: len(bench.frigate.snapshots) == 5)
    await bench.pending(0)


async def test_a_long_recording_is_kept_in_pieces(
    bench: Bench, nas: FakeDestination
) -> None:
    """One item; a half hour without footage is not asked for, and it counts once."""
    start = float(int(time.time()) - 5500)
    there = [
        Segment(start_time=start + at, end_time=start + at + 15) for at in (0, 5e3)
    ]
    bench.frigate.footage = lambda camera, after, before: [
        each for each in there if each.end_time > after and each.start_time < before
    ]
    await bench.start(setup(nas))
    bench.review("end", source_id="1.5-abc", start=start, end=start + 5400)
    await until(lambda: len(nas.media) == 2)
    assert await bench.settled() == {"verified": 2}
    tails = sorted(path[-10:] for path in nas.history)
    assert tails == ["abc-01.mp4", "abc-02.mp4"]
    asked = sorted(
        (begin - start, end - start) for _, begin, end in bench.frigate.clips
    )
    assert asked == [
        (0, 15),
        (5000, 5015),
    ]
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert bench.status.cameras["front_door"].recordings_uploaded == 1


async def test_a_long_recording_without_any_footage_is_gone(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and not for each of its half hours."""
    bench.frigate.footage = lambda camera, after, before: []
    bench.timing = replace(FAST, gone_after=0)
    await bench.start(setup(nas))
    now = time.time()
    bench.review("end", start=now - 5500, end=now - 100, known=True)
    await until(lambda: "Frigate has no recording" in caplog.text)
    counts = await bench.settled()
    assert counts == {"gone": 1}
    assert not bench.frigate.clips
    assert bench.status.destinations["nas"].recordings_uploaded == 0
