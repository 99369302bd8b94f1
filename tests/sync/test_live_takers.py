"""Film that can leave is watched before film that no destination takes now."""

import asyncio
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.sending.worker import Worker

from ..waiting import until
from .conftest import Bench, setup
from .fakes import FakeDestination
from .live_film import Camera
from .test_live import LIVE, QUICK, arrived, camera, films

__all__ = ["camera"]

YARD = "1764000000.5-zzz999"


@pytest.fixture
def yard(bench: Bench, camera: Camera) -> Camera:
    """Return a second camera, where only one can be watched."""
    bench.options = replace(bench.options, live_taps=1)
    bench.frigate.live["back-yard_2"] = LiveSource(stream="yard")
    return Camera(bench.frigate, "yard")


def only(camera: str) -> Selection:
    """Return a selection of the film of that camera."""
    return Selection(cameras=frozenset({camera}), live_footage=True)


async def _start(bench: Bench, nas: FakeDestination, cloud: FakeDestination) -> None:
    """Let one destination take one camera, and the other the other."""
    nas.can = cloud.can = Capabilities(append=True)
    await bench.start(
        setup(nas, selection=only("front_door")),
        setup(cloud, name="cloud", selection=only("back-yard_2")),
    )


async def _both(bench: Bench) -> None:
    """Let reviews of both cameras begin, the first one first."""
    bench.review("new", start=time.time() - 1)
    await bench.at_rest()
    bench.review("new", camera="back-yard_2", source_id=YARD, start=time.time() - 1)


@pytest.mark.parametrize("cause", ["closed", "paused", "away"])
async def test_who_takes_no_film_keeps_no_other_camera_from_being_seen(
    bench: Bench,
    camera: Camera,
    yard: Camera,
    nas: FakeDestination,
    cloud: FakeDestination,
    cause: str,
) -> None:
    """Be it closed, paused, or away; what can leave is watched instead."""
    await _start(bench, nas, cloud)
    await bench.heard()
    match cause:
        case "closed":
            await bench.engine.set_closed(["nas"], since=time.time() - 60)
        case "paused":
            await bench.engine.set_sending("nas", False)
        case _:
            nas.error = Unreachable("away")
            bench.live_snapshot()
            await until(lambda: bench.status.destinations["nas"].connected is False)
    await _both(bench)
    await yard.show(5)
    await arrived(cloud, yard)
    assert not camera.is_watched
    assert films(nas) == []


async def test_film_goes_while_another_destination_is_closed(
    bench: Bench, camera: Camera, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """The end is reported late, as always: the whole reaches to that of the film."""
    nas.can = cloud.can = Capabilities(append=True)
    await bench.start(
        setup(nas, selection=LIVE), setup(cloud, name="cloud", selection=LIVE)
    )
    await bench.heard()
    start = time.time() - 10
    await bench.engine.set_closed(["cloud"], since=start - 60)
    source_id = bench.review("new", start=start)
    await camera.show(5)
    await arrived(nas, camera)
    bench.review("end", source_id=source_id, start=start, end=start + 3)
    await bench.settled()
    await until(lambda: films(nas) == [])
    assert len(nas.media) == 1
    assert not cloud.media


async def test_a_destination_that_is_away_is_waited_for(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """If there is no other: what is before it is back leaves with it."""
    nas.can = Capabilities(append=True)
    await bench.start(setup(nas, selection=LIVE))
    await bench.heard()
    nas.error = Unreachable("away")
    bench.live_snapshot()
    await until(lambda: bench.status.destinations["nas"].connected is False)
    bench.review("new", start=time.time() - 1)
    await camera.show(5)
    assert camera.is_watched


async def detected(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> tuple[float, str, Worker]:
    """Let a detection's film leave for a destination with a budget.

    Returns its start, its id, and the destination's worker.
    """
    bench.timing = replace(QUICK, budget_flush=0.01)
    bench.options = replace(bench.options, live_footage=LiveFootage.ALL)
    nas.can = Capabilities(append=True)
    await bench.start(replace(setup(nas, selection=LIVE), volume_budget=10_000_000))
    await bench.heard()
    start = time.time() - 1
    source_id = bench.review("new", severity="detection", start=start)
    await camera.show(5)
    await arrived(nas, camera)
    return start, source_id, bench.engine._pool.workers["nas"]  # noqa: SLF001


async def test_a_detection_that_becomes_an_alert_has_what_its_budget_keeps_for_alerts(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Be it that its film was leaving when so much was used, or not yet."""
    start, source_id, worker = await detected(bench, camera, nas)
    bench.review("update", source_id=source_id, start=start)
    await bench.at_rest()
    await asyncio.sleep(0.1)
    worker.budget.count(8_500_000)
    await camera.show(20)
    await arrived(nas, camera)
    assert len(films(nas)) == 1


async def test_a_detection_leaves_no_more_when_its_budget_is_for_alerts(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Nor is it watched, until it becomes an alert."""
    start, source_id, worker = await detected(bench, camera, nas)
    worker.budget.count(8_500_000)
    await until(lambda: not camera.is_watched)
    bench.review("update", source_id=source_id, start=start)
    camera = Camera(bench.frigate)
    await camera.show(12)
    await until(lambda: len(films(nas)) == 2)
