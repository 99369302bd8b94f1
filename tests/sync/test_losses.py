"""What was lost for ever is shown until its owner knows."""

import asyncio
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.messages import MAX_IMAGE_BYTES
from custom_components.frigate_snap_sync.sync.engine import SpoolError
from custom_components.frigate_snap_sync.sync.ledger import losses as ledger_losses
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason
from custom_components.frigate_snap_sync.sync.spool.spool import SpoolFile

from ..waiting import LONG
from .conftest import Bench, setup, until
from .fakes import IMAGE, FakeDestination, camera
from .faults import Step
from .test_protection_shown import quick, shows, start

__all__ = ["quick"]


# Losses


def lose(bench: Bench, source_id: str = "1000.5-abc123") -> None:
    """Let a review have ended of which Frigate has no footage."""
    bench.frigate.footage = lambda camera, after, before: []
    bench.review("end", source_id=source_id, start=1000.0, end=1010.0, known=True)


async def acknowledge(bench: Bench) -> None:
    """Let the owner acknowledge what is shown."""
    await bench.engine.acknowledge_losses(bench.status.losses.until)


async def test_something_is_gone(bench: Bench, nas: FakeDestination) -> None:
    """A risk at once, until the owner knows of it; a running outage is shown, too."""
    await start(bench, nas)
    lose(bench)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    losses = bench.status.losses
    assert losses.count == 1
    assert losses.newest[0].destination_id == "nas"
    assert losses.newest[0].path.endswith("abc123.mp4")
    assert losses.newest[0].reason
    since = bench.status.since
    bench.engine.handle_mqtt_connection(False)
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_AWAY, Reason.ITEMS_LOST))
    assert bench.status.since == since
    bench.engine.handle_mqtt_connection(True)
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await acknowledge(bench)
    assert shows(bench, Protection.PROTECTED)()
    assert bench.status.destinations["nas"].failed_uploads == 1
    # The next one is another loss.
    lose(bench, "1.5-other")
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    assert bench.status.losses.count == 1
    assert "other" in bench.status.losses.newest[0].path


async def test_what_was_acknowledged_is_lost_once_more(
    bench: Bench, nas: FakeDestination
) -> None:
    """Tried again in vain: it is shown to the owner again."""
    await start(bench, nas)
    lose(bench)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await acknowledge(bench)
    assert await bench.engine.retry_failed() == 1
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))


async def test_what_is_lost_later_is_not_acknowledged(
    bench: Bench, nas: FakeDestination
) -> None:
    """Only what was shown is."""
    await start(bench, nas)
    lose(bench)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    shown = bench.status.losses.until
    lose(bench, "1.5-other")
    await until(lambda: bench.status.losses.count == 2)
    await bench.engine.acknowledge_losses(shown)
    assert bench.status.losses.count == 1
    assert "other" in bench.status.losses.newest[0].path


async def test_something_was_dropped(bench: Bench, nas: FakeDestination) -> None:
    """For want of space in the spool."""
    bench.limits = Limits(spool_reserve=0)
    bench.options = replace(bench.options, spool_limit=2 * len(IMAGE) + 100)
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    for number in range(3):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: Reason.ITEMS_LOST in bench.status.reasons)
    assert bench.status.protection is Protection.PAUSED
    await bench.engine.set_sending("nas", True)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))


async def test_messages_were_lost(bench: Bench, nas: FakeDestination) -> None:
    """Images that could not be kept exist nowhere else: shown after a restart, too."""
    bench.limits = Limits(message_bytes=3 * len(IMAGE))
    await start(bench, nas)
    for number in range(5):
        bench.live_snapshot(label=f"l{number}")
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await until(lambda: not bench.engine._inbox.lost_images)  # noqa: SLF001
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.protection is Protection.AT_RISK
    assert bench.status.losses.messages
    assert not bench.status.losses.count
    bench.publish("stats", "{}")
    await acknowledge(bench)
    await until(shows(bench, Protection.PROTECTED))


async def test_images_that_wait_at_the_end_are_lost(
    bench: Bench, nas: FakeDestination
) -> None:
    """The spool took none: after a stop of Home Assistant it shows as a loss."""
    await start(bench, nas)

    async def refuse(_: Step) -> SpoolFile:
        raise SpoolError("read-only")

    bench.faults.store = refuse
    bench.live_snapshot()
    bench.review("new")
    await until(lambda: Reason.LEDGER_FAILING in bench.status.reasons)
    assert not bench.status.losses
    await bench.stop()
    bench.faults.store = None
    await bench.start(setup(nas))
    assert bench.status.protection is Protection.AT_RISK
    assert bench.status.losses.messages
    await bench.stop()
    await bench.start(setup(nas))
    await acknowledge(bench)
    assert not bench.status.losses


@pytest.mark.parametrize("size", [Limits().payload_bytes + 1, MAX_IMAGE_BYTES + 1])
async def test_an_image_was_too_large(
    bench: Bench, nas: FakeDestination, size: int
) -> None:
    """Whoever refuses it, the inbox or its reader: reported after a restart too."""
    await start(bench, nas)
    bench.live_snapshot(image=bytes(size))
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await until(lambda: not bench.engine._inbox.large_images)  # noqa: SLF001
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.protection is Protection.AT_RISK
    assert bench.status.losses.large_images
    assert not bench.status.losses.messages
    bench.publish("stats", "{}")
    await acknowledge(bench)
    await until(shows(bench, Protection.PROTECTED))
    assert not bench.status.losses


@pytest.mark.parametrize("size", [Limits().payload_bytes + 1, MAX_IMAGE_BYTES + 1])
@pytest.mark.parametrize(
    "why", ["snapshots off", "stranger", "capture off", "not selected", "other camera"]
)
async def test_an_image_that_nobody_wants_is_no_loss(
    bench: Bench, nas: FakeDestination, size: int, why: str
) -> None:
    """However large it is: it would not have been copied."""
    name = "front_door"
    selection = {
        "not selected": Selection(media=frozenset({Media.RECORDINGS})),
        "other camera": Selection(cameras=frozenset({"back-yard_2"})),
    }.get(why)
    if why == "snapshots off":
        bench.frigate.cameras[name] = camera(name, snapshots=False)
    await bench.start(setup(nas, selection=selection))
    bench.publish("stats", "{}")
    await until(lambda: bench.status.frigate_connected)
    if why == "stranger":
        name = "elsewhere"
        bench.live_snapshot(camera=name)
        await until(
            lambda: bench.engine._monitor.cameras.is_stranger(name)  # noqa: SLF001
        )
    if why == "capture off":
        await bench.engine.set_capture(False)
    bench.live_snapshot(camera=name, image=bytes(size))
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await until(lambda: not bench.engine._inbox.large_images)  # noqa: SLF001
    await bench.at_rest()
    assert not bench.status.losses
    assert not await bench.engine._ledger.run(ledger_losses.losses)  # noqa: SLF001


async def test_other_messages_that_were_lost_are_caught_up(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate is asked what was missed, at once."""
    bench.limits = Limits(messages=2)
    await start(bench, nas)
    await until(lambda: bench.frigate.windows)
    asked = len(bench.frigate.windows)
    for number in range(5):
        bench.review("end", source_id=f"{number}.5-abc", end=time.time() - 50)
    await until(lambda: len(bench.frigate.windows) > asked)
    assert not bench.status.losses


@pytest.mark.parametrize(
    ("age", "is_loss"), [(0.0, True), (2 * 86400.0, True), (4 * 86400.0, False)]
)
async def test_a_copy_vanished(
    bench: Bench, nas: FakeDestination, age: float, is_loss: bool
) -> None:
    """What arrived only lately was not cleared away by its owner."""
    bench.timing = replace(bench.timing, audit=0, probe=0.05)
    await start(bench, nas)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await bench.settled()
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE uploads SET finished = finished - ?", (age,)
        )
    )
    nas.files.clear()

    async def missed() -> bool:
        rows = await bench.engine._ledger.run(  # noqa: SLF001
            lambda connection: connection.execute(
                "SELECT is_missed FROM uploads"
            ).fetchall()
        )
        return bool(rows[0]["is_missed"])

    async with asyncio.timeout(LONG):
        while not await missed():
            await asyncio.sleep(0.01)
    await bench.engine.set_capture(True)
    if not is_loss:
        assert shows(bench, Protection.PROTECTED)()
        return
    assert shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST)()
    await acknowledge(bench)
    assert shows(bench, Protection.PROTECTED)()
