"""Reviews that Frigate had lost, and names again: they lasted longer than was planned."""

from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Review
from custom_components.frigate_snap_sync.sync.ledger import items as ledger_items

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .test_incomplete import names
from .test_unknown_items import age_items, confirmed


async def is_open(bench: Bench, review: Review) -> bool:
    """Tell whether a review is open, once all that was said is kept."""
    await bench.at_rest()
    known = await bench.engine._ledger.run(  # noqa: SLF001
        ledger_items.review, review.id
    )
    assert known is not None
    return known[1]


async def lost(bench: Bench, nas: FakeDestination) -> Review:
    """Let Frigate lose a review, and what it was heard of leave; return the review."""
    bench.timing = replace(FAST, missing_after=0, review_pause=0.02)
    review_id, _ = await confirmed(bench, nas)
    await bench.at_rest()
    review = bench.frigate.known_reviews.pop(review_id)
    await age_items(bench, 120)
    bench.publish("available", "online")
    await until(lambda: names(nas) == [".mp4"])
    await bench.settled()
    assert not await is_open(bench, review)
    return review


@pytest.mark.parametrize("by_message", [True, False])
async def test_it_has_ended_later(
    bench: Bench, nas: FakeDestination, by_message: bool
) -> None:
    """The rest follows, once, as a further piece of the same name; the first stays.

    It is one recording all the same.
    """
    review = await lost(bench, nas)
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    (first,) = nas.media
    end = time.time()
    for _ in range(2):
        if by_message:
            bench.review("end", source_id=review.id, start=review.start_time, end=end)
        else:
            again = replace(review, ended=True, end_time=end)
            bench.frigate.known_reviews[review.id] = again
            await bench.engine.catch_up()
        await until(lambda: names(nas) == ["-02.mp4", ".mp4"])
        assert await bench.settled() == {"verified": 2}
        assert not await is_open(bench, review)
    await bench.engine.set_capture(True)
    assert bench.status.destinations["nas"].recordings_uploaded == 1
    assert set(nas.media) == {first, first.replace(".mp4", "-02.mp4")}
    (_, begun, middle), (_, rest, over) = bench.frigate.clips
    assert begun <= review.start_time < middle == rest < end <= over


async def test_a_destination_that_was_added_since(
    bench: Bench, nas: FakeDestination
) -> None:
    """It gets nothing of before, the rest of a review neither."""
    review = await lost(bench, nas)
    again = replace(review, ended=True, end_time=time.time())
    cloud = FakeDestination()
    await bench.engine.apply_destinations([setup(nas), setup(cloud, name="cloud")])
    bench.frigate.known_reviews[review.id] = again
    await bench.engine.catch_up()
    await until(lambda: names(nas) == ["-02.mp4", ".mp4"])
    assert await bench.settled() == {"verified": 2}
    assert not cloud.media


@pytest.mark.parametrize("by_message", [True, False])
async def test_it_is_active_again(
    bench: Bench, nas: FakeDestination, by_message: bool
) -> None:
    """It is open, so that its parts leave, and the rest at its end."""
    review = await lost(bench, nas)
    bench.frigate.known_reviews[review.id] = review
    if by_message:
        bench.review("update", source_id=review.id, start=review.start_time)
    else:
        await bench.engine.catch_up()
    assert await is_open(bench, review)
    end = time.time()
    bench.review("end", source_id=review.id, start=review.start_time, end=end)
    await until(lambda: names(nas) == ["-02.mp4", ".mp4"])
    assert not await is_open(bench, review)


async def test_what_was_planned_holds_it(bench: Bench, nas: FakeDestination) -> None:
    """An end within that is no news, by whomever."""
    review = await lost(bench, nas)
    end = bench.frigate.clips[-1][2] - 0.5
    bench.review("end", source_id=review.id, start=review.start_time, end=end)
    again = replace(review, ended=True, end_time=end)
    bench.frigate.known_reviews[review.id] = again
    await bench.engine.catch_up()
    assert not await is_open(bench, review)
    assert await bench.settled() == {"verified": 1}


async def test_a_later_end_of_another(bench: Bench, nas: FakeDestination) -> None:
    """Of a review whose end Frigate named a second one changes nothing."""
    review_id, start = await confirmed(bench, nas)
    review = bench.frigate.known_reviews[review_id]
    end = time.time() - 15
    bench.review("end", source_id=review_id, start=start, end=end)
    await until(lambda: names(nas) == [".mp4"])
    bench.review("end", source_id=review_id, start=start, end=end + 12)
    bench.review("update", source_id=review_id, start=start)
    bench.frigate.known_reviews[review_id] = replace(
        review, ended=True, end_time=end + 12
    )
    await bench.engine.catch_up()
    assert not await is_open(bench, review)
    assert await bench.settled() == {"verified": 1}
