"""Destinations that come, change and go; and the spool they share."""

import asyncio
from dataclasses import replace
import threading
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    StorageError,
    Unreachable,
    Unusable,
)
from custom_components.frigate_snap_sync.sync.ledger import (
    destinations as ledger_destinations,
    spooled_files,
    uploads,
)
from custom_components.frigate_snap_sync.sync.ledger.spooled_files import Loss
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.spool.spool import SpoolFile

from .conftest import Bench, setup, until
from .fakes import IMAGE, FakeDestination
from .faults import Held, Step


class Line(FakeDestination):
    """Connects by itself with every request, and knows whether it is connected."""

    def __init__(self) -> None:
        """Start apart; closing may take its time."""
        super().__init__()
        self.is_connected = False
        self.closing = 0.0

    @override
    def _check(self) -> None:
        self.is_connected = True
        super()._check()

    @override
    async def close(self) -> None:
        self.is_connected = False
        await super().close()
        await asyncio.sleep(self.closing)


@pytest.fixture
def nas() -> Line:
    """Return a destination."""
    return Line()


def own_tasks() -> list[str]:
    """Return the names of the engine's running tasks."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("frigate_snap_sync")]


def own_threads() -> list[str]:
    """Return the names of the ledgers' threads."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("frigate_snap_sync")]


async def pause(bench: Bench, *, is_paused: bool = True) -> None:
    """Pause the destination, or let it go on."""
    await bench.engine.set_sending("nas", not is_paused)


async def test_a_change_that_meets_the_stop(bench: Bench, nas: Line) -> None:
    """No worker and no connection is left behind, whichever comes first."""
    nas.closing = 0.1
    other, late = Line(), Line()
    engine = await bench.start(setup(nas), setup(other, name="other"))
    await until(lambda: nas.connects and other.connects)
    change = asyncio.create_task(
        engine.apply_destinations([setup(late), setup(other, name="other")])
    )
    await until(lambda: nas.closes)
    await engine.stop()
    await change
    await until(lambda: not own_tasks())
    assert not any(each.is_connected for each in (nas, other, late))


async def test_a_change_after_the_stop_does_nothing(bench: Bench, nas: Line) -> None:
    """Home Assistant may still be about to reload a subentry."""
    engine = await bench.start()
    await engine.stop()
    await engine.apply_destinations([setup(nas)])
    await bench.threads.at_rest()
    assert not own_tasks()
    assert not nas.is_connected


async def test_a_switch_that_is_turned_in_the_middle_of_a_change(
    bench: Bench, nas: Line
) -> None:
    """The worker that starts then does as the switch shows."""
    await bench.start(setup(nas))
    for enabled in (False, True):
        held = bench.faults.run = Held(uploads.awaited_items)
        changed = replace(setup(nas), name=f"attic {enabled}")
        change = asyncio.create_task(bench.engine.apply_destinations([changed]))
        await held.reached.wait()
        await bench.engine.set_sending("nas", enabled)
        held.may.set()
        await change
        bench.live_snapshot(image=IMAGE[:-2] + bytes([enabled]) + IMAGE[-2:])
        await bench.at_rest()
        assert len(nas.media) == (2 if enabled else 0)
    assert bench.status.destinations["nas"].sending


async def test_settings_that_can_not_be_read_for_a_while(
    bench: Bench, nas: Line
) -> None:
    """A downgrade, say: what waits goes on waiting, with what comes meanwhile."""
    await bench.start(setup(nas))
    await pause(bench)
    bench.live_snapshot(label="before")
    await bench.spooled_in_ledger(1)
    unreadable = Line()
    unreadable.error = Unusable("can't be read")
    other = FakeDestination()
    await bench.engine.apply_destinations(
        [replace(setup(unreadable), selection=None), setup(other, name="other")]
    )
    await bench.engine.set_sending("nas", True)
    bench.live_snapshot(label="meanwhile")
    bench.live_snapshot(label="meanwhile", camera="back-yard_2")
    await until(lambda: len(other.media) == 2)
    await bench.pending(3)
    front = Selection(cameras=frozenset({"front_door"}))
    await bench.engine.apply_destinations([setup(nas, selection=front)])
    assert await bench.settled() == {"verified": 4, "skipped": 1}
    assert len(nas.media) == 2
    (skipped,) = await bench.uploads(state="skipped")
    assert (skipped.camera, skipped.reason) == (
        "back-yard_2",
        "No longer selected for this destination",
    )


@pytest.mark.parametrize("dead", ["spool", "ledger"])
async def test_a_change_that_hangs_on_a_dead_disk_delays_no_stop(
    bench: Bench, nas: Line, dead: str
) -> None:
    """Stopping takes five seconds at the most, and nothing goes on after it."""
    hangs, released = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        assert released.wait(30)

    late = Line()
    engine = await bench.start(setup(nas))
    await pause(bench)
    bench.live_snapshot()
    await bench.spooled_in_ledger(1)
    if dead == "spool":
        bench.faults.remove = lambda _: asyncio.to_thread(hang)
    else:
        bench.faults.jobs[ledger_destinations.keep_destinations] = lambda *_, **__: (
            hang()
        )
    change = asyncio.create_task(engine.apply_destinations([setup(late, name="late")]))
    try:
        await until(hangs.is_set)
        began = time.monotonic()
        await engine.stop()
        assert time.monotonic() - began < 5
        await asyncio.wait_for(change, 1)
    finally:
        released.set()
    await until(lambda: not own_threads())
    assert not own_tasks()
    assert not late.is_connected


@pytest.mark.parametrize("is_alone", [True, False])
async def test_an_image_in_flight_while_its_destination_is_removed(
    bench: Bench, nas: Line, is_alone: bool
) -> None:
    """Nothing waits for ever, and after a restart nothing is left in the spool."""
    stored, gate = asyncio.Event(), asyncio.Event()

    async def slowly(store: Step) -> SpoolFile:
        file: SpoolFile = await store()
        stored.set()
        await gate.wait()
        return file

    bench.faults.store = slowly
    cloud = Line()
    rest = [] if is_alone else [setup(cloud, name="cloud")]
    await bench.start(setup(nas), *rest)
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    await stored.wait()
    await bench.engine.apply_destinations(rest)
    gate.set()
    counts = await bench.settled()
    assert counts == ({} if is_alone else {"verified": 1})
    assert len(cloud.media) == (not is_alone)
    assert not nas.media
    await bench.pending(0)
    await bench.stop()
    await bench.start(*rest)
    await bench.settled()
    assert not bench.spooled()


async def test_a_test_of_an_unknown_destination(bench: Bench, nas: Line) -> None:
    """Its device may live a moment longer than its subentry."""
    await bench.start(setup(nas))
    with pytest.raises(StorageError, match="no longer in use"):
        await bench.engine.test_destination("gone")


async def test_what_is_no_longer_selected_is_not_sent(bench: Bench, nas: Line) -> None:
    """The owner narrowed the selection: what waits is skipped, the rest arrives."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await pause(bench)
    bench.live_snapshot()
    bench.live_snapshot(camera="back-yard_2")
    await bench.spooled_in_ledger(2)
    selection = Selection(cameras=frozenset({"back-yard_2"}))
    await bench.engine.apply_destinations([setup(nas, selection=selection)])
    assert len(bench.spooled()) == 1
    await pause(bench, is_paused=False)
    assert await bench.settled() == {"skipped": 1, "verified": 1}
    assert ["back-yard_2" in path for path in nas.media] == [True]
    (row,) = await bench.uploads(state="skipped")
    assert row.camera == "front_door"
    assert row.reason == "No longer selected for this destination"


async def test_what_waits_is_fetched_again_although_its_destination_is_paused(
    bench: Bench, nas: Line
) -> None:
    """Frigate may not have it any more when the destination goes on."""
    await bench.start(setup(nas))
    await pause(bench)
    bench.review("end", start=1000.0, end=1010.0)
    await bench.spooled_in_ledger(1)
    await bench.stop()
    for name in bench.spooled():
        (bench.folder / "spool" / name).unlink()
    await bench.start(setup(nas))
    await until(lambda: len(bench.frigate.clips) == 2)
    await bench.spooled_in_ledger(1)
    assert not nas.media
    assert len(bench.spooled()) == 1


async def test_a_loss_is_that_of_one_file_in_the_spool(bench: Bench, nas: Line) -> None:
    """Whoever held the old name must not take the new file away."""
    await bench.start(setup(nas))
    await pause(bench)
    bench.review("end", start=1000.0, end=1010.0)
    await bench.spooled_in_ledger(1)
    ledger = bench.engine._ledger  # noqa: SLF001
    (name,) = bench.spooled()
    (file_id,) = await ledger.run(
        lambda connection: connection.execute("SELECT id FROM files").fetchone()
    )
    loss, _ = await ledger.run(spooled_files.lost, file_id, "old.mp4", now=0.0)
    assert loss is Loss.NO_LOSS
    await bench.spooled_in_ledger(1)
    assert await ledger.run(spooled_files.spool_names) == {name}
    loss, transition = await ledger.run(spooled_files.lost, file_id, name, now=0.0)
    assert loss is Loss.FETCHED_AGAIN
    assert transition.freed == (name,)
    assert await ledger.run(spooled_files.spool_names) == set()


async def test_a_folder_in_the_spool_is_left_alone(bench: Bench, nas: Line) -> None:
    """A NAS puts its own where it likes."""
    folder = bench.folder / "spool" / "@eaDir"
    folder.mkdir(parents=True)
    (folder / "thumb").write_bytes(b"of somebody else")
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: list(nas.media.values()) == [IMAGE])
    assert (folder / "thumb").exists()


async def test_a_removed_destination_s_copy_that_fails_late(
    bench: Bench, nas: Line
) -> None:
    """What is under way ends with the destination, without a word of it later."""
    gate = asyncio.Event()

    async def hang(path: str, source: Source, *, temporary: str) -> StoredFile:
        await gate.wait()
        raise Unreachable("closed")

    nas.put = hang  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.live_snapshot()
    await bench.pending(1)
    await bench.engine.apply_destinations([])
    gate.set()
    await bench.at_rest()
    assert await bench.settled() == {"cancelled": 1}
    assert not bench.status.destinations
    assert not nas.is_connected


@pytest.mark.parametrize("is_stop", [True, False])
async def test_a_test_of_a_destination_that_goes_meanwhile(
    bench: Bench, nas: Line, is_stop: bool
) -> None:
    """The owner is told, and no connection is left."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    nas.gate.clear()
    test = asyncio.create_task(bench.engine.test_destination("nas"))
    await until(lambda: nas.files)
    if is_stop:
        await bench.stop()
    else:
        await bench.engine.apply_destinations([])
    with pytest.raises(StorageError):
        await test
    await bench.threads.at_rest()
    assert not nas.is_connected
    assert not own_tasks() or not is_stop


async def test_an_image_that_is_written_when_its_destination_is_removed(
    bench: Bench, nas: Line
) -> None:
    """Nobody waits for it any more: it takes no room."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)

    async def slowly(store: Step) -> SpoolFile:
        file: SpoolFile = await store()
        await bench.engine.apply_destinations([])
        return file

    bench.faults.store = slowly
    bench.live_snapshot()
    await bench.settled()
    assert not bench.spooled()
    assert bench.engine._services.spool.used == 0  # noqa: SLF001
