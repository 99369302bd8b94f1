"""What a fire drill leaves at a destination, and how that is removed."""

import asyncio
from dataclasses import replace
import sqlite3
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import Capabilities, Source
from custom_components.frigate_snap_sync.sync.model.drill import DrillCause, Outcome
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused

from .conftest import Bench, until
from .test_drill import Place, at, drill, nas, ready

__all__ = ["nas"]


async def test_what_is_refused_to_be_removed_is_not_forgotten(
    bench: Bench, nas: Place
) -> None:
    """A drill forgets its own files alone."""
    await ready(bench, ("nas", nas))
    nas.keeps = True
    await drill(bench)
    left = nas.drilled()
    nas.keeps = False
    nas.undeletable = set(left)
    assert (await drill(bench, "back-yard_2")).outcome is Outcome.PASSED
    assert nas.drilled() == left
    nas.undeletable = set()
    await drill(bench, "back-yard_2")
    assert not nas.drilled()


async def test_other_bytes_come_back(bench: Bench, nas: Place) -> None:
    """Of the very size that was sent."""
    await ready(bench, ("nas", nas))
    nas.damage = True
    result = at(await drill(bench), "nas")
    assert (result.cause, result.step) == (DrillCause.OTHER_BYTES, "read_back")
    assert not nas.drilled()


async def test_it_can_not_be_deleted(bench: Bench, nas: Place) -> None:
    """The next one removes it, once that works."""
    await ready(bench, ("nas", nas))
    nas.keeps = True
    result = at(await drill(bench), "nas")
    assert (result.cause, result.step) == (DrillCause.STILL_THERE, "delete")
    left = nas.drilled()
    assert len(left) == 2
    nas.keeps = False
    assert (await drill(bench)).outcome is Outcome.PASSED
    assert not nas.drilled()
    assert set(left) <= set(nas.deleted)


async def test_a_killed_drill(bench: Bench, nas: Place) -> None:
    """Its names were kept before they were used; nothing is doubled."""
    await ready(bench, ("nas", nas))
    nas.gate.clear()
    running = asyncio.create_task(bench.engine.drills.run("front_door"))
    await until(lambda: bool(nas.drilled()))
    unfinished = nas.drilled()
    await bench.stop()
    with pytest.raises(Refused) as caught:
        await running
    assert caught.value.code is Refusal.DRILL_INTERRUPTED
    # As after a kill, when not even the destination could clean up.
    nas.files[unfinished[0]] = b"half"
    nas.gate.set()
    await ready(bench, ("nas", nas))
    assert not bench.spooled()
    await until(lambda: not nas.drilled())
    assert nas.discarded == unfinished
    assert (await drill(bench)).outcome is Outcome.PASSED


async def test_a_start_leaves_a_drill_alone(bench: Bench, nas: Place) -> None:
    """What is looked at every few minutes is not what a running drill has sent."""
    bench.timing = replace(bench.timing, probe=0.05)
    await ready(bench, ("nas", nas))
    nas.gate.clear()
    running = asyncio.create_task(bench.engine.drills.run("front_door"))
    await until(lambda: bool(nas.drilled()))
    connects = nas.connects
    await until(lambda: nas.connects > connects + 2)
    assert nas.drilled()
    assert not nas.discarded
    nas.gate.set()
    ((done),) = await running
    assert done.outcome is Outcome.PASSED


async def test_a_destination_that_is_removed(bench: Bench, nas: Place) -> None:
    """What drills have left there is removed, as unfinished uploads are."""
    await ready(bench, ("nas", nas))
    nas.keeps = True
    await drill(bench)
    assert len(nas.drilled()) == 2
    nas.keeps = False
    await bench.engine.apply_destinations([])
    await until(lambda: not nas.drilled())


class Bucket(Place):
    """Names itself what is unfinished, as an object store does."""

    def __init__(self) -> None:
        """Begin with nothing unfinished."""
        super().__init__()
        self.can = Capabilities(uses_temporary=False)
        self.begun = 0
        self.unfinished: set[str] = set()

    @override
    async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
        self.begun += 1
        name = f"upload-{self.begun}.tmp"
        self.unfinished.add(name)
        return name

    @override
    async def discard(self, temporary: str) -> None:
        self.unfinished.discard(temporary)


async def test_a_killed_drill_of_an_object_store(bench: Bench) -> None:
    """What the server calls the unfinished file is known to the next one."""
    bucket = Bucket()
    await ready(bench, ("nas", bucket))
    bucket.gate.clear()
    running = asyncio.create_task(bench.engine.drills.run("front_door"))
    # By then the server's name for it is in the ledger.
    await until(lambda: bool(bucket.drilled()))
    await bench.stop()
    with pytest.raises(Refused):
        await running
    # As after a kill, when the server could not even hear of that.
    bucket.unfinished.add("upload-1.tmp")
    bucket.gate.set()
    await ready(bench, ("nas", bucket))
    await until(lambda: not bucket.unfinished)
    await drill(bench)
    assert bucket.unfinished == {"upload-2.tmp", "upload-3.tmp"}  # They are whole.


async def test_what_is_removed_is_forgotten(bench: Bench, nas: Place) -> None:
    """A camera with its last drill, a destination with what lies there."""
    await ready(bench, ("nas", nas))
    nas.keeps = True
    await drill(bench)
    tables = "SELECT (SELECT COUNT(*) FROM drills), (SELECT COUNT(*) FROM drill_files)"

    def rows(connection: sqlite3.Connection) -> tuple[int, int]:
        found: tuple[int, int] = tuple(connection.execute(tables).fetchone())
        return found

    ledger = bench.engine._ledger  # noqa: SLF001
    assert (await ledger.run(rows))[0] == 1
    assert (await ledger.run(rows))[1] > 0
    await bench.engine.forget_camera("front_door")
    await bench.engine.apply_destinations([])
    assert await ledger.run(rows) == (0, 0)
