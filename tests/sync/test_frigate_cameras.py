"""Which cameras Frigate has: their switches, strangers, and messages of others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.models import FrigateConfig

from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination, camera


class Config:
    """Counts how often Frigate's configuration is read, and can delay it."""

    def __init__(self, bench: Bench) -> None:
        """Come between the engine and Frigate."""
        self.reads = 0
        self.answered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_safe_mode = False
        self._read: Callable[[], Awaitable[FrigateConfig]] = bench.frigate.config
        bench.frigate.config = self.read  # type: ignore[method-assign]

    async def read(self) -> FrigateConfig:
        """Answer as Frigate did when it was asked."""
        self.reads += 1
        config = await self._read()
        self.answered.set()
        await self.gate.wait()
        if self.is_safe_mode:
            cameras = {"dummy": camera("dummy")}
            return replace(config, cameras=cameras, safe_mode=True)
        return config


@pytest.fixture
def config(bench: Bench) -> Config:
    """Return the switch for Frigate's configuration."""
    return Config(bench)


async def test_switches_are_bounded(bench: Bench, nas: FakeDestination) -> None:
    """Anybody may publish states of cameras that don't exist."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    for number in range(1500):
        bench.publish(f"bogus{number}/snapshots/state", "ON", retain=True)
    bench.frigate.cameras["front_door"] = camera("front_door", snapshots=False)
    bench.publish("front_door/snapshots/state", "OFF")
    bench.live_snapshot()
    bench.live_snapshot(camera="back-yard_2")
    await until(lambda: len(nas.media) == 1)
    assert len(bench.engine._monitor.cameras._switches) <= 500  # noqa: SLF001
    await until(lambda: bench.status.cameras["front_door"].snapshots_enabled is False)
    assert len(bench.status.cameras) == 2


async def test_told_activity_is_bounded(bench: Bench, nas: FakeDestination) -> None:
    """Known cameras are still believed, and new ones of the configuration learned."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)

    def tell(**switches: bool) -> None:
        bench.publish(
            "camera_activity",
            {
                name: {"config": {"snapshots": on, "record": True}}
                for name, on in switches.items()
            },
        )

    for turn in range(3):
        tell(**{f"bogus{turn}-{number}": True for number in range(400)})
    tell(front_door=False)
    await until(lambda: bench.status.cameras["front_door"].snapshots_enabled is False)
    cameras = bench.engine._monitor.cameras  # noqa: SLF001
    assert len(cameras._switches) == 500  # noqa: SLF001

    bench.frigate.cameras |= {f"c{number}": camera(f"c{number}") for number in range(9)}
    bench.publish("available", "online")
    await until(lambda: "c8" in bench.status.cameras)
    assert cameras.is_on("c8", "recordings") is True
    assert cameras.is_on("bogus0-0", "recordings") is None
    assert len(cameras._switches) == 22  # noqa: SLF001


async def test_what_is_published_while_the_configuration_is_read(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """Frigate then says what is configured, not what is live: it is asked again."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.frigate.cameras["front_door"] = camera("front_door", recordings=False)
    config.gate.clear()
    config.answered.clear()
    bench.engine.handle_mqtt_connection(False)
    bench.engine.handle_mqtt_connection(True)
    await config.answered.wait()
    bench.publish("front_door/recordings/state", "ON", retain=True)
    bench.publish("available", "online", retain=True)
    await bench.settled()
    config.gate.set()
    await until(lambda: bench.status.cameras["front_door"].recordings_enabled is False)


async def test_safe_mode_says_nothing_about_cameras(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """None is hidden, and no image is thrown away: Frigate will be back."""
    bench.timing = replace(FAST, camera_absence=0.05)
    await bench.start(setup(nas))
    await until(lambda: len(bench.status.cameras) == 2)
    config.is_safe_mode = True
    for number in range(3):
        reads = config.reads
        bench.publish("available", "online")
        await until(lambda reads=reads: config.reads > reads)  # type: ignore[misc]
        if number == 0:
            bench.frigate.cameras["late"] = camera("late")
            bench.live_snapshot(camera="late")
        await asyncio.sleep(0.06)
    assert {"front_door", "back-yard_2"} <= set(bench.status.cameras)
    assert len(bench.spooled()) == 1
    config.is_safe_mode = False
    bench.publish("available", "online")
    await until(lambda: list(nas.media.values()) == [IMAGE])


async def test_why_an_image_was_not_sent(bench: Bench, nas: FakeDestination) -> None:
    """The owner can tell a camera that is off from one that Frigate lacks."""
    bench.frigate.error = FrigateUnreachable("no route")
    bench.frigate.cameras["front_door"] = camera("front_door", snapshots=False)
    await bench.start(setup(nas))
    bench.live_snapshot()
    bench.live_snapshot(camera="elsewhere", image=FULL_IMAGE)
    await bench.pending(2)
    bench.frigate.error = None
    bench.publish("available", "online")
    assert await bench.settled() == {"skipped": 2}
    rows = await bench.uploads()
    assert {row.camera: row.reason for row in rows} == {
        "front_door": "Snapshots were switched off in Frigate",
        "elsewhere": "Frigate has no such camera",
    }


async def test_a_forgotten_camera_is_shown_when_frigate_has_it(
    bench: Bench, nas: FakeDestination
) -> None:
    """With its first word, also if it had been heard of before; counted again."""
    await bench.start(setup(nas))
    await until(lambda: "front_door" in bench.status.cameras)
    bench.live_snapshot()
    await until(lambda: bench.status.cameras["front_door"].snapshots_uploaded == 1)
    assert bench.status.cameras["front_door"].display_name == "front_door"
    front_door = bench.frigate.cameras.pop("front_door")
    bench.publish("available", "online")
    await until(lambda: bench.status.cameras["front_door"].snapshots_enabled is None)
    assert bench.status.cameras["front_door"].display_name is None
    await bench.engine.forget_camera("front_door")
    assert "front_door" not in bench.status.cameras
    bench.frigate.cameras["front_door"] = replace(front_door, friendly_name="Tor")
    bench.publish("front_door/snapshots/state", "ON")
    await until(lambda: "front_door" in bench.status.cameras)
    assert bench.status.cameras["front_door"].display_name == "Tor"
    assert bench.status.cameras["front_door"].snapshots_uploaded == 0
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: len(nas.media) == 2)


@pytest.mark.parametrize("change", ["removed", "disabled"])
async def test_a_camera_out_of_use_has_no_switches(
    bench: Bench, nas: FakeDestination, change: str
) -> None:
    """Whatever MQTT still says of them: retained states outlive a camera."""
    await bench.start(setup(nas))
    await until(lambda: "front_door" in bench.status.cameras)
    assert bench.status.cameras["front_door"].recordings_enabled is True
    front_door = bench.frigate.cameras.pop("front_door")
    if change == "disabled":
        bench.frigate.cameras["front_door"] = replace(front_door, enabled=False)
    bench.publish("front_door/snapshots/state", "ON", retain=True)
    bench.publish("front_door/recordings/state", "ON", retain=True)
    bench.publish("available", "online")

    def switches() -> set[bool | None]:
        status = bench.status.cameras["front_door"]
        return {status.snapshots_enabled, status.recordings_enabled}

    await until(lambda: switches() == {None})
    assert bench.status.cameras["back-yard_2"].recordings_enabled is True
    bench.frigate.cameras["front_door"] = front_door
    bench.publish("available", "online")
    await until(lambda: switches() == {True})


async def test_another_frigate_behind_our_prefix(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """Its prefix is `frigate/garage`: its cameras' images are not ours."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    for number in range(5):
        image = IMAGE[:-2] + bytes([number]) * 20 + IMAGE[-2:]
        bench.publish("garage/gate_cam/person/snapshot", image)
        bench.publish("garage/gate_cam/snapshots/state", "ON")
        bench.publish("garage/snapshots/state", "ON")
        await bench.settled()
    assert set(bench.status.cameras) == {"front_door", "back-yard_2"}
    rows = await bench.uploads()
    assert {(row.state, row.reason) for row in rows} == {
        ("skipped", "Frigate has no such camera")
    }
    assert not nas.media
    assert not bench.spooled()
    assert config.reads <= 3


async def test_a_review_of_another_camera_shows_none(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """Anybody may publish one; Frigate was asked, and has no such camera."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    reads = config.reads
    bench.review("new", camera="elsewhere")
    await until(lambda: config.reads > reads)
    await bench.settled()
    bench.live_snapshot()
    await until(lambda: bench.status.cameras["front_door"].snapshots_uploaded == 1)
    assert set(bench.status.cameras) == {"front_door", "back-yard_2"}


async def test_images_of_known_cameras_leave_while_frigate_s_api_is_away(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its MQTT may work: the cameras of its last configuration are believed."""
    await bench.start(setup(nas))
    await until(lambda: len(bench.status.cameras) == 2)
    await bench.stop()
    bench.frigate.error = FrigateAuthFailed("The user name or the password is wrong")
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_login_refused)
    for name in ("front_door", "elsewhere"):
        bench.publish(f"{name}/snapshots/state", "ON", retain=True)
    bench.live_snapshot(camera="elsewhere", image=FULL_IMAGE)
    bench.live_snapshot()
    await until(lambda: list(nas.media.values()) == [IMAGE])
    await until(lambda: len(bench.spooled()) == 1)  # The other one's is held.
    assert set(bench.status.cameras) == {"front_door", "back-yard_2"}


async def test_images_of_an_unknown_camera_are_no_reason_to_ask_on_and_on(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """Frigate was asked, and it has no such camera."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    reads = config.reads
    for number in range(15):
        bench.live_snapshot(camera="elsewhere", label=f"l{number}")
        await asyncio.sleep(0.05)
    assert await bench.settled() == {"skipped": 15}
    assert config.reads - reads <= 3


async def test_bogus_switches_leave_room_for_real_ones(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """Images of Frigate's cameras must not be held for ever because of them."""
    config.gate.clear()
    await bench.start(setup(nas))
    await config.answered.wait()
    for number in range(600):
        bench.publish(f"bogus{number}/snapshots/state", "ON", retain=True)
    await bench.settled()
    config.gate.set()
    bench.live_snapshot()
    await until(lambda: list(nas.media.values()) == [IMAGE])


async def test_a_new_camera_s_image_is_kept_until_the_configuration_was_read(
    bench: Bench, nas: FakeDestination, config: Config
) -> None:
    """What was read before Frigate's start says nothing about it."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.settled()
    bench.frigate.cameras["late"] = camera("late")
    config.answered.clear()
    config.gate.clear()
    bench.publish("available", "online")
    await config.answered.wait()
    bench.live_snapshot(camera="late")
    await until(bench.spooled)
    await bench.at_rest()
    config.gate.set()
    await until(lambda: list(nas.media.values()) == [IMAGE])
