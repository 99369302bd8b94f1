"""What Frigate never had is no loss; what it has lost is one."""

import asyncio
from dataclasses import replace
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateUnreachable,
    MediaGone,
    MediaNeverThere,
)
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import (
    items as ledger_items,
    review_reports,
)

from ..waiting import LONG
from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination

NEVER = MediaNeverThere("A snapshot: Snapshot not available")


@pytest.fixture(autouse=True)
def nothing_recorded(bench: Bench) -> None:
    """Let Frigate have no footage, and let that be known at once."""
    bench.timing = replace(FAST, gone_after=0, missing_after=0)
    bench.frigate.footage = lambda camera, after, before: []


async def age_items(bench: Bench, seconds: float) -> None:
    """Let all items have been reported earlier, and the destinations been there."""

    def age(connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE items SET reported_at = reported_at - ?1, heard_at = heard_at - ?1",
            (seconds,),
        )
        connection.execute("UPDATE destinations SET since = since - ?", (seconds,))

    await bench.engine._ledger.run(age)  # noqa: SLF001


@pytest.mark.parametrize(
    ("known", "state", "reason"),
    [
        (False, "skipped", "Frigate knows no such review"),
        (True, "gone", "Frigate's recordings show nothing for this time"),
    ],
)
async def test_the_end_of_a_review(
    bench: Bench, nas: FakeDestination, known: bool, state: str, reason: str
) -> None:
    """Anybody may publish one; of Frigate's own it is a loss that nothing was recorded."""
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50, known=known)
    await bench.settled()
    (row,) = await bench.uploads()
    assert (row.state, row.reason) == (state, reason)
    await until(lambda: bench.status.destinations["nas"].failed_uploads == known)
    await until(lambda: len(bench.uploaded) == known)


async def test_a_long_review_of_a_stranger(bench: Bench, nas: FakeDestination) -> None:
    """None of its half hours is a loss."""
    await bench.start(setup(nas))
    now = time.time()
    bench.review("end", start=now - 5400, end=now - 10)
    await until(lambda: bench.uploads(state="skipped"))
    assert set(await bench.settled()) == {"skipped"}


async def test_nobody_knows_any_more_whose_it_was(
    bench: Bench, nas: FakeDestination
) -> None:
    """What we were told of long ago Frigate may have had, and deleted."""
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await bench.pending(1)
    await age_items(bench, 7200)
    bench.frigate.error = None
    bench.publish("available", "online")
    assert await bench.settled() == {"gone": 1}


@pytest.mark.parametrize(
    "error",
    [FrigateServerError("HTTP status 500", status=500), FrigateUnreachable("no route")],
)
async def test_whose_it_was_can_not_be_found_out_yet(
    bench: Bench, nas: FakeDestination, error: Exception
) -> None:
    """Then it is asked for again, and ends neither way."""
    review, asked = bench.frigate.review, []

    async def fail(review_id: str) -> None:
        asked.append(review_id)
        raise error

    bench.frigate.review = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(asked) > 2)
    assert (await bench.uploads())[0].state == "pending"
    bench.frigate.review = review  # type: ignore[method-assign]
    assert await bench.settled() == {"skipped": 1}


@pytest.mark.parametrize(("minutes", "state"), [(1, "skipped"), (120, "gone")])
async def test_a_review_that_goes_on_and_is_not_known(
    bench: Bench, nas: FakeDestination, minutes: int, state: str
) -> None:
    """A stranger's `new`; of one that is older nobody knows any more."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new")
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await age_items(bench, minutes * 60)
    bench.publish("available", "online")
    await until(lambda: bench.uploads(state=state))
    assert await bench.settled() == {state: 1}
    await until(lambda: len(bench.uploaded) == (state == "gone"))


async def test_what_was_planned_of_a_review_that_is_not_known(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its parts and half hours are asked for no longer, and are no loss."""
    bench.options = EngineOptions(part_length=10)
    bench.timing = replace(FAST, missing_after=2)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    review = bench.review("new", start=time.time() - 45)

    async def planned() -> int:
        return len(await bench.uploads(state="pending"))

    async def are_planned() -> bool:
        return await planned() >= 2

    await until(are_planned)
    await bench.at_rest()
    count = await planned()
    await age_items(bench, 60)
    bench.publish("available", "online")
    states = await bench.settled()
    # More may be planned as time moves on.
    assert states.keys() == {"skipped"}
    assert states["skipped"] >= count
    assert {row.item_id for row in await bench.uploads()} == {review}
    await until(lambda: not bench.status.pending_uploads)
    assert not bench.status.losses.count
    assert not bench.uploaded


@pytest.mark.parametrize("is_recorded", [True, False])
async def test_a_review_of_a_stranger_that_goes_on(
    bench: Bench, nas: FakeDestination, is_recorded: bool
) -> None:
    """The camera's footage is of that time, but shows no loss: what is left is copied.

    If Frigate has lost that, it is a loss.
    """
    bench.frigate.footage = None
    bench.options = EngineOptions(part_length=10)
    bench.timing = replace(FAST, gone_after=0, missing_after=0.5)
    await bench.start(setup(nas))
    bench.review("new", start=time.time() - 20)
    await until(lambda: [path for path in nas.media if "-part" in path])
    await bench.at_rest()
    if not is_recorded:
        bench.frigate.footage = lambda camera, after, before: []
        bench.frigate.clip_faults = [MediaGone("No recordings")] * 99
    await age_items(bench, 120)
    bench.publish("available", "online")
    if is_recorded:
        await until(lambda: [path for path in nas.media if "-part" not in path])
        assert "gone" not in await bench.settled()
        assert not bench.status.losses
    else:
        await until(lambda: bench.uploads(state="gone"))
        await until(lambda: bench.status.losses.count == 1)


async def confirmed(bench: Bench, nas: FakeDestination) -> tuple[str, float]:
    """Let Frigate's API show an active review; return its id and when it began."""
    await bench.start(setup(nas))
    start = time.time() - 20
    review = bench.review("new", start=start, known=True)

    async def is_confirmed() -> bool:
        return await bench.engine._ledger.run(  # noqa: SLF001
            review_reports.is_confirmed, review
        )

    await until(is_confirmed)
    return review, start


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize("has_part", [True, False])
async def test_a_review_that_was_active_and_is_lost(
    bench: Bench, nas: FakeDestination, has_part: bool, is_recorded: bool
) -> None:
    """Frigate's API has shown it: what is recorded of it leaves, else it is a loss."""
    if has_part:
        bench.frigate.footage = None
        bench.options = EngineOptions(part_length=10)
    else:
        bench.options = EngineOptions(upload_during_review=False)
    review, _ = await confirmed(bench, nas)
    if has_part:
        await until(lambda: [path for path in nas.media if "-part" in path])
    await bench.at_rest()
    bench.frigate.footage = None if is_recorded else lambda camera, after, before: []
    if not is_recorded:
        bench.frigate.clip_faults = [MediaGone("No recordings")] * 99
    del bench.frigate.known_reviews[review]
    await age_items(bench, 120)
    bench.publish("available", "online")
    if is_recorded:
        await until(lambda: [path for path in nas.media if "-part" not in path])
        assert "gone" not in await bench.settled()
        assert not bench.status.losses
        return
    await until(lambda: bench.uploads(state="gone"))
    await until(lambda: bench.status.losses.count == 1)

    # It has a range, so that it may be asked for again.
    bench.frigate.footage = None
    bench.frigate.clip_faults = []
    assert await bench.engine.retry_failed() == 1
    await until(lambda: [path for path in nas.media if "-part" not in path])
    await until(lambda: not bench.status.losses.count)


async def heard_at(bench: Bench, review: str) -> float:
    """Return when a review was heard of last, when all that was said is kept."""
    await bench.at_rest()
    return await bench.engine._ledger.run(  # noqa: SLF001
        review_reports.heard_at, review
    )


async def test_what_was_reported_until_then_leaves(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's updates and its API show how long it was active at least."""
    bench.frigate.footage = None
    bench.options = EngineOptions(upload_during_review=False)
    bench.timing = replace(FAST, missing_after=1)
    await bench.start(setup(nas))
    start = time.time() - 1
    review = bench.review("new", start=start, known=True)
    await until(lambda: bench.frigate.reviews_asked)
    known_at = await heard_at(bench, review)
    bench.review("update", source_id=review, start=start)
    updated_at = await heard_at(bench, review)
    assert updated_at > known_at
    bench.engine._open_reviews.check()  # noqa: SLF001
    while (shown_at := await heard_at(bench, review)) == updated_at:
        await asyncio.sleep(0.01)

    del bench.frigate.known_reviews[review]
    await age_items(bench, 1.5)
    bench.engine._open_reviews.check()  # noqa: SLF001
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}
    ((_, begun, over),) = bench.frigate.clips
    assert begun <= start
    assert over >= shown_at - 2


@pytest.mark.parametrize("reports", [True, False])
async def test_what_is_still_reported_does_not_end(
    bench: Bench, nas: FakeDestination, reports: bool
) -> None:
    """Frigate's API does not know it, but its messages do."""
    bench.options = EngineOptions(upload_during_review=False)
    bench.timing = replace(FAST, missing_after=0.5)
    review, start = await confirmed(bench, nas)
    del bench.frigate.known_reviews[review]
    due = time.monotonic() + 2
    while time.monotonic() < due:
        if reports:
            bench.review("update", source_id=review, start=start)
        bench.publish("available", "online")
        await asyncio.sleep(0.05)
    await bench.at_rest()
    known = await bench.engine._ledger.run(  # noqa: SLF001
        ledger_items.review, review
    )
    assert known is not None
    assert known[1] == reports


async def test_what_is_planned_of_a_lost_review_leaves(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its parts reach behind the last report; none is cut off."""
    bench.frigate.footage = None
    bench.options = EngineOptions(part_length=5)
    bench.timing = replace(FAST, missing_after=0)
    review, _ = await confirmed(bench, nas)
    await bench.engine.set_sending("nas", False)
    ledger = bench.engine._ledger  # noqa: SLF001
    while (await ledger.run(ledger_items.progress, review)).parts < 3:
        await asyncio.sleep(0.01)
    await bench.at_rest()
    await ledger.run(
        lambda connection: connection.execute(
            "UPDATE items SET reported_at = start + 1, heard_at = start + 1"
        )
    )
    await ledger.run(
        lambda connection: connection.execute("UPDATE destinations SET since = 0")
    )
    del bench.frigate.known_reviews[review]
    bench.publish("available", "online")
    await until(lambda: bench.frigate.clips[-1][2] - bench.frigate.clips[-1][1] > 10)
    await bench.engine.set_sending("nas", True)
    await until(lambda: [path for path in nas.media if "-part" not in path])
    assert "skipped" not in await bench.settled()


async def test_one_answer_ends_no_review(bench: Bench, nas: FakeDestination) -> None:
    """Frigate does not know it for a moment: its database is put back."""
    bench.frigate.footage = None
    bench.options = EngineOptions(upload_during_review=False)
    bench.timing = replace(FAST, missing_after=LONG)
    review, start = await confirmed(bench, nas)
    await bench.at_rest()
    shown = bench.frigate.known_reviews.pop(review)
    await age_items(bench, 2 * LONG)
    bench.frigate.reviews_asked.clear()
    bench.publish("available", "online")
    await until(lambda: bench.frigate.reviews_asked)
    await bench.at_rest()
    bench.frigate.known_reviews[review] = shown
    bench.publish("available", "online")
    end = time.time()
    bench.review("end", source_id=review, start=start, end=end, known=True)
    assert await bench.settled() == {"verified": 1}
    ((_, begun, over),) = bench.frigate.clips
    assert begun <= start < end <= over


async def test_all_that_are_open_are_looked_at_now_and_then(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also where no part of them is planned: soon enough to know whose they are."""
    bench.timing = replace(bench.timing, catch_up=0.1)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new")
    await until(lambda: bench.uploads(state="skipped"))
    assert await bench.settled() == {"skipped": 1}
    assert not bench.status.losses


@pytest.mark.parametrize(
    ("error", "minutes", "state"),
    [(NEVER, 0, "skipped"), (NEVER, 120, "gone"), (MediaGone("gone"), 0, "gone")],
)
async def test_an_image(
    bench: Bench, nas: FakeDestination, error: MediaGone, minutes: int, state: str
) -> None:
    """A Frigate that crashed says that there is one, but never wrote it."""
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    bench.tracked_object()
    await bench.pending(1)
    await age_items(bench, minutes * 60)
    bench.frigate.snapshot_faults = [error]
    bench.frigate.error = None
    bench.publish("available", "online")
    assert await bench.settled() == {state: 1}
    (row,) = await bench.uploads()
    assert row.reason == str(error)


async def test_what_was_reported_at_a_time_to_come_is_a_loss(
    bench: Bench, nas: FakeDestination
) -> None:
    """The clock was ahead, or is behind: it is not known how long ago that was."""
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    bench.tracked_object()
    await bench.pending(1)
    await age_items(bench, -2 * 3600)
    bench.frigate.snapshot_faults = [NEVER] * 9
    bench.frigate.error = None
    bench.publish("available", "online")
    assert await bench.settled() == {"gone": 1}
