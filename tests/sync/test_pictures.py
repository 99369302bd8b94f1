"""Each picture that is to be kept is shown at once."""

import time

import pytest

from custom_components.frigate_snap_sync.sync.engine import Services
from custom_components.frigate_snap_sync.sync.model.status import Picture

from .conftest import Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination


@pytest.fixture
async def pictures(bench: Bench, nas: FakeDestination) -> list[Picture]:
    """Start an engine, and return the pictures that it shows."""
    engine = await bench.start(setup(nas))
    services: Services = engine._services  # noqa: SLF001
    found: list[Picture] = []
    services.signals.pictured.subscribe(found.append)
    return found


async def test_live_snapshots_and_snapshots(
    bench: Bench, pictures: list[Picture]
) -> None:
    """With the moment that each shows."""
    began = time.time()
    bench.live_snapshot()
    await until(lambda: len(pictures) == 1)
    assert (pictures[0].camera, pictures[0].image) == ("front_door", IMAGE)
    assert began <= pictures[0].moment.timestamp() <= time.time()
    bench.tracked_object(start_time=began - 50, end_time=began - 20)
    await until(lambda: len(pictures) == 2)
    assert (pictures[1].camera, pictures[1].image) == ("front_door", FULL_IMAGE)
    assert pictures[1].moment.timestamp() == pytest.approx(began - 20, abs=1)
    # The same image twice is one.
    bench.live_snapshot()
    await bench.at_rest()
    assert len(pictures) == 2


async def test_by_our_clock(bench: Bench, pictures: list[Picture]) -> None:
    """Frigate's may be another."""
    bench.frigate.clock_offset = 3600.0
    now = time.time()
    bench.tracked_object(start_time=now - 3650, end_time=now - 3620)
    await until(lambda: len(pictures) == 1)
    assert pictures[0].moment.timestamp() == pytest.approx(now - 20, abs=5)


async def test_what_stays_at_home_is_not_shown(
    bench: Bench, pictures: list[Picture]
) -> None:
    """Nor what a camera publishes whose snapshots are switched off."""
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_capture(False)
    bench.live_snapshot(label="dog")
    now = time.time()
    bench.tracked_object(start_time=now, end_time=now)
    await bench.at_rest()
    await bench.engine.set_capture(True)
    bench.publish("front_door/snapshots/state", "OFF", retain=True)
    bench.live_snapshot(label="cat")
    await bench.at_rest()
    assert not pictures
