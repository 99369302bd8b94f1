"""Live film of a time when a destination was not to get any."""

from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.sync.model.engine_options import (
    EngineOptions,
    LiveFootage,
)

from ..harness.frigate import live
from ..waiting import until
from .conftest import Bench, setup
from .fakes import FakeDestination
from .live_film import START, Camera
from .test_live import LIVE, QUICK, arrived, films


@pytest.fixture
def camera(bench: Bench, nas: FakeDestination, cloud: FakeDestination) -> Camera:
    """Return a camera whose alerts may be sent live, with what was before them."""
    nas.can = cloud.can = Capabilities(append=True)
    bench.timing = QUICK
    bench.frigate.live = {"front_door": LiveSource(stream="front_door")}
    bench.options = EngineOptions(
        live_footage=LiveFootage.ALERTS,
        padding_before=60,
        padding_after=0,
        upload_during_review=False,
    )
    return Camera(bench.frigate)


async def _shown(destination: FakeDestination, most: int, camera: Camera) -> None:
    """Wait until a destination has film, and see that it begins behind so much."""
    await until(lambda: films(destination))
    name = films(destination)[0]
    await camera.show(20)
    await until(lambda: len(live.moments(destination.files[name])) > 20)
    content = destination.files[name]
    first = camera.sent.index(content.removeprefix(live.beginning())[:500])
    assert first >= most


async def test_what_was_in_a_closed_time_stays_here(
    bench: Bench, camera: Camera, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Opened in mid-review, a destination gets what happens from then on."""
    await bench.start(
        setup(nas, selection=LIVE), setup(cloud, name="cloud", selection=LIVE)
    )
    await bench.engine.set_closed(["cloud"], since=time.time() - 60)
    bench.review("new", start=time.time() - 1)
    await camera.show(25)
    await arrived(nas, camera)
    before = len(camera.sent)
    await bench.engine.set_closed([], since=time.time())
    await camera.show(30)
    await _shown(cloud, before, camera)
    assert live.moments(nas.files[films(nas)[0]])[0] == START


async def test_what_was_before_a_destination_was_added_stays_here(
    bench: Bench, camera: Camera, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It gets what happens from then on."""
    engine = await bench.start(setup(nas, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.show(25)
    await arrived(nas, camera)
    before = len(camera.sent)
    await engine.apply_destinations(
        [setup(nas, selection=LIVE), setup(cloud, name="cloud", selection=LIVE)]
    )
    await camera.show(30)
    await _shown(cloud, before, camera)


async def test_an_opening_is_looked_at_at_once(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Not only when something is heard, or a second is over."""
    bench.timing = replace(QUICK, live_look=1e6)
    await bench.start(setup(nas, selection=LIVE))
    await bench.engine.set_closed(["nas"], since=time.time() - 60)
    bench.review("new", start=time.time() - 1)
    await bench.at_rest()
    assert not camera.is_watched
    await bench.engine.set_closed([], since=time.time() - 2)
    await camera.show(15)
    await until(lambda: films(nas))
