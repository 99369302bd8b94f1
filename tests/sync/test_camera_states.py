"""The switches of Frigate's cameras are followed, and cameras come and go."""

import asyncio
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import FrigateConfig

from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination, camera


async def test_live_snapshots_follow_the_camera_s_switch(
    bench: Bench, nas: FakeDestination
) -> None:
    """ON, OFF, unreadable, ON again; the recordings' switch doesn't matter."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish("front_door/snapshots/state", "OFF", retain=True)
    bench.live_snapshot(label="a")
    bench.publish("front_door/snapshots/state", "on")
    bench.live_snapshot(label="b")
    bench.publish("front_door/snapshots/state", "ON")
    bench.frigate.cameras["front_door"] = camera("front_door", recordings=False)
    bench.publish("front_door/recordings/state", "OFF")
    bench.live_snapshot(label="c")
    bench.tracked_object()
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(nas.media) == 3)
    assert [path for path in nas.history if "-live-snapshot-" in path][0].count(
        "-c-"
    ) == 1
    await until(lambda: bench.status.cameras["front_door"].recordings_enabled is False)
    assert bench.status.cameras["front_door"].snapshots_enabled is True


async def test_a_retained_image_is_no_item(bench: Bench, nas: FakeDestination) -> None:
    """Its age is unknown."""
    await bench.start(setup(nas))
    bench.publish("front_door/person/snapshot", IMAGE, retain=True)
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: len(nas.media) == 1)
    assert list(nas.media.values()) == [FULL_IMAGE]


@pytest.mark.parametrize("is_on", [True, False])
async def test_an_image_is_held_while_the_switch_is_unknown(
    bench: Bench, nas: FakeDestination, is_on: bool
) -> None:
    """It is safe in the spool, also through a restart, until Frigate is asked."""
    bench.frigate.error = FrigateUnreachable("no route")
    bench.frigate.cameras["front_door"] = camera("front_door", snapshots=is_on)
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(bench.spooled)
    await bench.pending(1)
    await bench.stop()
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected is False)
    await bench.at_rest()
    assert not nas.history
    bench.frigate.error = None
    bench.engine.handle_mqtt_connection(False)
    bench.engine.handle_mqtt_connection(True)
    await until(lambda: not bench.spooled())
    assert len(nas.media) == is_on
    await bench.pending(0)


async def test_a_held_image_of_a_camera_that_frigate_lacks_is_skipped(
    bench: Bench, nas: FakeDestination
) -> None:
    """A topic anybody can write to is no camera."""
    await bench.start(setup(nas))
    bench.live_snapshot(camera="elsewhere")
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await until(lambda: not bench.spooled())
    await bench.pending(0)


async def test_camera_activity_tells_live_states(
    bench: Bench, nas: FakeDestination
) -> None:
    """Whoever asked for it: the reply is true where the states may not be."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish(
        "camera_activity",
        {"front_door": {"config": {"snapshots": False, "record": False}}},
    )
    await until(lambda: bench.status.cameras["front_door"].snapshots_enabled is False)
    bench.live_snapshot()
    bench.live_snapshot(camera="back-yard_2")
    await until(lambda: len(nas.media) == 1)
    assert "back-yard_2" in nas.history[0]


async def test_states_are_true_after_frigate_reconnected(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate then publishes what is configured, not what is live: ask it."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish("available", "offline")
    await until(lambda: bench.status.frigate_connected is False)
    bench.frigate.cameras["front_door"] = camera("front_door", recordings=False)
    bench.publish("front_door/recordings/state", "ON")
    bench.publish("available", "online")
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.cameras["front_door"].recordings_enabled is False)


async def test_cameras_come_and_go(bench: Bench, nas: FakeDestination) -> None:
    """Shown at the first word, hidden after a day of configurations without it."""
    bench.timing = replace(FAST, camera_absence=0.3)
    read, reads = bench.frigate.config, 0

    async def count() -> FrigateConfig:
        nonlocal reads
        config = await read()
        reads += 1
        return config

    async def read_again() -> None:
        before = reads
        bench.publish("available", "online")
        await until(lambda: reads > before)
        await bench.at_rest()

    bench.frigate.config = count  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: len(bench.status.cameras) == 2)
    bench.publish("new_one/snapshots/state", "ON", retain=True)
    bench.frigate.cameras["late"] = camera("late")
    bench.publish("late/snapshots/state", "ON")
    await until(lambda: "late" in bench.status.cameras)
    assert "new_one" not in bench.status.cameras
    bench.publish("bad name!/snapshots/state", "ON")
    bench.frigate.cameras = {}
    await read_again()
    await asyncio.sleep(0.4)  # They are missing for longer than that.
    await read_again()
    assert len(bench.status.cameras) == 3
    bench.frigate.cameras = {"late": camera("late")}
    await read_again()
    assert len(bench.status.cameras) == 3
    await asyncio.sleep(0.4)
    bench.publish("available", "online")
    await until(lambda: set(bench.status.cameras) == {"late"})
    await bench.engine.forget_camera("late")
    assert not bench.status.cameras
