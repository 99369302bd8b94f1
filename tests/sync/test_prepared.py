"""Unfinished files that the destination itself names: known before they begin."""

import asyncio
from dataclasses import replace
import sqlite3
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import uploads
from custom_components.frigate_snap_sync.sync.sending.clean_up import discard_all
from custom_components.frigate_snap_sync.sync.sending.unfinished import left_unfinished

from ..waiting import LONG
from .conftest import Bench, setup, until
from .fakes import IMAGE, FakeDestination


class Numbered(FakeDestination):
    """Gives each upload a number, and holds what began until it shall forget it."""

    def __init__(self) -> None:
        """Begin with number 1."""
        super().__init__()
        self.unfinished: set[str] = set()
        self.prepared: list[str] = []
        self.refusal: StorageError | None = None
        self.discarded: list[str] = []

    @override
    async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
        if self.refusal is not None:
            raise self.refusal
        handle = f"{path}?{len(self.prepared)}"
        self.prepared.append(handle)
        self.unfinished.add(handle)
        return handle

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if ".jpg?" not in temporary:
            return await super().put(path, source, temporary=temporary)
        assert temporary in self.unfinished
        await self.gate.wait()
        stored = await super().put(path, source, temporary=temporary)
        self.unfinished.remove(temporary)
        return stored

    @override
    async def discard(self, temporary: str) -> None:
        self._check()
        self.discarded.append(temporary)
        self.unfinished.discard(temporary)


async def test_a_crash_leaves_nothing_unknown(bench: Bench) -> None:
    """The next start ends what had begun, and begins again."""
    numbered = Numbered()
    await bench.start(setup(numbered))
    await until(lambda: numbered.connects)
    numbered.gate.clear()
    bench.live_snapshot()
    await until(lambda: numbered.unfinished)
    (lost,) = numbered.unfinished
    await bench.stop()
    numbered.gate.set()
    await bench.start(setup(numbered))
    await until(lambda: numbered.media)
    assert await bench.settled() == {"verified": 1}
    assert list(numbered.media.values()) == [IMAGE]
    assert lost in numbered.discarded
    assert not numbered.unfinished


async def test_a_refused_beginning_is_a_failed_try(
    bench: Bench, impatient: None
) -> None:
    """Nothing is sent for it, and it is tried again."""
    numbered = Numbered()
    numbered.refusal = PermissionDenied("no")
    await bench.start(setup(numbered))
    bench.live_snapshot()
    await until(lambda: bench.status.destinations["nas"].last_error is not None)
    assert not numbered.media
    numbered.refusal = None
    await until(lambda: numbered.media)
    assert not numbered.unfinished


async def test_what_can_not_be_noted_is_ended(bench: Bench) -> None:
    """Nothing else knows of it; it is begun again when the ledger works."""

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    numbered = Numbered()
    bench.faults.jobs[uploads.prepared] = fail
    await bench.start(setup(numbered))
    bench.live_snapshot()
    await until(lambda: numbered.discarded)
    del bench.faults.jobs[uploads.prepared]
    await until(lambda: numbered.media)
    assert set(numbered.prepared[:-1]) <= set(numbered.discarded)
    assert not numbered.unfinished


async def test_the_removal_of_a_destination_ends_what_had_begun(bench: Bench) -> None:
    """Nothing would look for it later; another destination is not held up by that."""
    numbered, other = Numbered(), FakeDestination()
    numbered.gate.clear()
    await bench.start(setup(numbered))
    bench.live_snapshot()
    await until(lambda: numbered.unfinished)
    await bench.engine.apply_destinations([replace(setup(other), id="other")])
    await until(lambda: not numbered.unfinished)
    await until(lambda: numbered.closes >= 2)
    assert not numbered.media


@pytest.mark.parametrize("state", ["skipped", "gone", "dropped", "superseded"])
async def test_what_was_given_up_before_the_removal(bench: Bench, state: str) -> None:
    """It is still unfinished there, whatever became of its upload."""
    numbered = Numbered()
    await bench.start(setup(numbered))
    await until(lambda: numbered.connects)
    numbered.gate.clear()
    bench.live_snapshot()
    await until(lambda: numbered.unfinished)
    numbered.error = Unreachable("away")
    run = bench.engine._ledger.run  # noqa: SLF001

    def give_up(connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE uploads SET state = ?1, clean_up ="
            " IIF(?1 = 'superseded', 'file', 'temporary')",
            (state,),
        )

    await run(give_up)
    (handle,) = numbered.unfinished
    replacement = FakeDestination()
    numbered.error = None
    await bench.engine.apply_destinations([replace(setup(replacement), id="other")])
    await until(lambda: not numbered.unfinished)
    assert handle in numbered.discarded


async def test_a_superseded_file_of_a_destination_that_moves(bench: Bench) -> None:
    """What a later try of it has begun ends at the former place."""
    here, there = Numbered(), Numbered()
    await bench.start(replace(setup(here), place="a"))
    await until(lambda: here.connects)
    here.gate.clear()
    bench.live_snapshot()
    await until(lambda: here.unfinished)
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE uploads SET state = 'superseded', clean_up = 'file'"
        )
    )
    await bench.engine.apply_destinations([replace(setup(there), place="b")])
    await until(lambda: not here.unfinished)
    assert not there.discarded


async def test_killed_while_it_begins(bench: Bench) -> None:
    """Its name is known by then only as the destination says it before it begins."""

    class Silent(Numbered):
        @override
        def unprepared(self, path: str, source: Source, *, temporary: str) -> str:
            return f"{path}?any"

        @override
        async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
            self.unfinished.add(f"{path}?any")
            await asyncio.Event().wait()
            raise AssertionError

    silent = Silent()
    await bench.start(setup(silent))
    bench.live_snapshot()
    await until(lambda: silent.unfinished)
    await bench.engine.apply_destinations([])
    await until(lambda: not silent.unfinished)


async def test_the_removal_of_all(bench: Bench) -> None:
    """What the ledger knows when it is about to be deleted."""
    numbered, other = Numbered(), FakeDestination()
    await bench.start(setup(numbered), setup(other, name="other"))
    await until(lambda: numbered.connects)
    numbered.gate.clear()
    bench.live_snapshot()
    await until(
        lambda: (
            numbered.unfinished
            and bench.status.destinations["other"].live_snapshots_uploaded
        )
    )
    await bench.stop()
    numbered.gate.set()
    path = bench.folder / "ledger" / "one.db"
    left = await left_unfinished(path, ["nas", "other", "unknown"])
    assert set(left) == {"nas"}
    await left["nas"].discard(numbered)
    assert not numbered.unfinished
    path.write_bytes(b"no database")
    assert not await left_unfinished(path, ["nas"])


async def test_a_removed_destination_that_is_away_is_left() -> None:
    """One that refuses is asked for the rest, one that is not there is not."""

    class Refusing(Numbered):
        @override
        async def discard(self, temporary: str) -> None:
            self.discarded.append(temporary)
            raise PermissionDenied("no")

    refusing = Refusing()
    await discard_all(refusing, ["a", "b"])
    assert refusing.discarded == ["a", "b"]
    assert refusing.closes == 1
    away = Numbered()
    away.error = Unreachable("away")
    async with asyncio.timeout(LONG):
        await discard_all(away, ["a", "b"])
    assert away.closes == 1
