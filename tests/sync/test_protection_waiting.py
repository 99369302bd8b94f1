"""What waits, since when, and what of it puts the protection at risk."""

from dataclasses import replace
import time

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason

from .conftest import Bench, until
from .fakes import FULL_IMAGE, FakeDestination
from .test_protection_shown import patient, quick, shows, start

__all__ = ["quick"]


# What waits


async def test_what_is_late(bench: Bench, nas: FakeDestination) -> None:
    """It waits since it was to leave; what is on its way does not count."""
    patient(bench, 900)
    bench.timing = replace(bench.timing, late=0.3)
    await start(bench, nas)
    nas.gate.clear()
    before = time.time()
    seen = len(bench.statuses)
    bench.live_snapshot()
    await until(lambda: nas.files)
    await until(shows(bench, Protection.CATCHING_UP, Reason.ITEM_LATE))
    assert time.time() - before > 0.3
    assert {each.pending_uploads for each in bench.statuses[seen:-1]} <= {0}
    assert bench.status.pending_uploads == 1
    assert bench.status.destinations["nas"].pending_uploads == 1
    assert bench.status.oldest_pending is not None
    assert 0 <= bench.status.oldest_pending.timestamp() - before < 0.3
    nas.gate.set()
    await until(shows(bench, Protection.PROTECTED))
    assert bench.status.pending_uploads == 0
    assert bench.status.oldest_pending is None


async def test_what_happened_long_ago_waits_only_since_it_is_known(
    bench: Bench, nas: FakeDestination
) -> None:
    """A catch-up over two days is not two days late."""
    patient(bench, 900)
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    before = time.time()
    bench.review("end", start=before - 172_800, end=before - 172_700)
    await until(lambda: bench.status.pending_uploads == 1)
    assert bench.status.oldest_pending is not None
    assert bench.status.oldest_pending.timestamp() >= before


async def test_what_waits_for_a_known_reason_counts_at_once(
    bench: Bench, nas: FakeDestination
) -> None:
    """A pause, a failing destination, a Frigate that is away."""
    patient(bench, 900)
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await until(lambda: bench.status.pending_uploads == 1)
    await bench.engine.set_sending("nas", True)
    await until(lambda: bench.status.pending_uploads == 0)
    bench.frigate.error = FrigateUnreachable("no route")
    await until(lambda: bench.status.frigate_connected is False)
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.pending_uploads == 1)
    bench.frigate.error = None
    await until(lambda: len(nas.media) == 2)
    await until(lambda: bench.status.pending_uploads == 0)
    nas.error = Unreachable("no route")
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: bench.status.pending_uploads == 1)


async def test_a_still_scene_in_an_active_review(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate may keep only what moves: a part of which it has nothing is not late."""
    patient(bench, 900)
    bench.timing = replace(bench.timing, late=2, part_patience=0.2, review_pause=0.02)
    bench.options = replace(bench.options, upload_during_review=True, part_length=10)
    begun = time.time() - 30
    moving = [Segment(start_time=begun - 6, end_time=begun + 8)]
    looks: list[float] = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        found = [each for each in moving if after < each.end_time]
        if not found:
            looks.append(time.monotonic())
        return [each for each in found if before > each.start_time]

    bench.frigate.footage = footage
    await start(bench, nas)
    bench.review("new", start=begun)
    await until(lambda: len(nas.media) == 1)
    await until(lambda: looks and looks[-1] - looks[0] > 2 * bench.timing.late)
    # Frigate's disk passes it.
    now = time.time()
    moving.append(Segment(start_time=now, end_time=now + 3600))

    async def is_skipped() -> bool:
        return "skipped" in [row.state for row in await bench.uploads()]

    await until(is_skipped)
    assert not any(Reason.ITEM_LATE in each.reasons for each in bench.statuses)


async def test_a_review_with_parts_changes_nothing_of_it(
    bench: Bench, nas: FakeDestination
) -> None:
    """What leaves as planned is no news: for automations, nor for the recorder."""
    bench.options = replace(bench.options, upload_during_review=True, part_length=10)
    await start(bench, nas)
    seen = len(bench.statuses)
    start_time = time.time() - 45
    review = bench.review("new", start=start_time)
    bench.live_snapshot()
    await until(lambda: len(nas.media) >= 3)
    bench.review("end", source_id=review, start=start_time, end=time.time() - 1)
    await until(lambda: any(name.endswith("abc123.mp4") for name in nas.media))
    await bench.settled()
    await bench.engine.set_capture(True)
    later = bench.statuses[seen:]
    assert len(later) > 1
    assert {
        (
            each.protection,
            each.reasons,
            each.since,
            each.pending_uploads,
            each.oldest_pending,
            *(one.pending_uploads for one in each.destinations.values()),
        )
        for each in later
    } == {(Protection.PROTECTED, (), bench.statuses[seen - 1].since, 0, None, 0)}


async def test_a_clock_that_was_set_back(bench: Bench, nas: FakeDestination) -> None:
    """What was planned by the old time waits all the same."""
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await until(lambda: bench.status.pending_uploads == 1)
    nas.gate.clear()
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE uploads SET expected_at = expected_at + 7200"
        )
    )
    await bench.engine.set_sending("nas", True)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    nas.gate.set()
    await until(shows(bench, Protection.PROTECTED))
