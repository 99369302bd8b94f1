"""Ends of reviews that Frigate never had, and of which it shows no footage."""

from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateError,
    FrigateServerError,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.models import Review
from custom_components.frigate_snap_sync.sync.engine import EngineOptions

from ..waiting import LONG
from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination


@pytest.fixture(autouse=True)
def nothing_recorded(bench: Bench) -> None:
    """Let Frigate have no footage, and be long from giving up what it should have."""
    bench.timing = replace(FAST, missing_after=0.2, gone_after=100 * LONG)
    bench.frigate.footage = lambda camera, after, before: []


async def test_it_is_skipped_soon(bench: Bench, nas: FakeDestination) -> None:
    """Nothing is pending for ten minutes because anybody can publish one."""
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    assert await bench.settled() == {"skipped": 1}
    (row,) = await bench.uploads()
    assert row.reason == "Frigate knows no such review"
    assert not bench.uploaded


async def test_its_parts_end_with_it(bench: Bench, nas: FakeDestination) -> None:
    """One that claims to have been cut off has some."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("end", start=time.time() - 20, end=time.time())
    states = await bench.settled()
    assert states.keys() == {"skipped"}
    assert states["skipped"] > 1


async def test_not_at_once(bench: Bench, nas: FakeDestination) -> None:
    """For a minute after the report Frigate is not even asked."""
    bench.timing = replace(bench.timing, least_patience=LONG)
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(bench.frigate.looks) > 5)
    assert not bench.frigate.reviews_asked
    assert (await bench.uploads())[0].state == "pending"


async def test_one_that_frigate_knows(bench: Bench, nas: FakeDestination) -> None:
    """Its footage may still come: that it is Frigate's is asked once."""
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50, known=True)
    await until(lambda: bench.frigate.reviews_asked)
    looks = len(bench.frigate.looks)
    await until(lambda: len(bench.frigate.looks) > looks + 5)
    assert len(bench.frigate.reviews_asked) == 1
    assert (await bench.uploads())[0].state == "pending"
    bench.frigate.footage = None
    assert await bench.settled() == {"verified": 1}


@pytest.mark.parametrize(
    "error",
    [FrigateServerError("HTTP status 500", status=500), FrigateUnreachable("no route")],
)
async def test_no_answer_tells_nothing(
    bench: Bench, nas: FakeDestination, error: FrigateError
) -> None:
    """It waits until Frigate says whether it has the review."""
    asked: list[str] = []

    async def fail(review_id: str) -> Review | None:
        asked.append(review_id)
        raise error

    bench.frigate.review = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(asked) > 2)
    assert (await bench.uploads())[0].state == "pending"
    bench.frigate.footage = None
    assert await bench.settled() == {"verified": 1}


async def test_what_is_recorded_is_not_asked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """A review with footage costs Frigate nothing more."""
    bench.frigate.footage = None
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    assert await bench.settled() == {"verified": 1}
    assert not bench.frigate.reviews_asked
