"""What is no longer to lie at a destination is removed, whatever resists."""

import asyncio
from dataclasses import replace
from itertools import pairwise
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Rejected,
    StorageError,
)
from custom_components.frigate_snap_sync.sync.ledger import items
from custom_components.frigate_snap_sync.sync.model.limits import Limits

from .conftest import FAST, Bench, setup, until
from .fakes import IMAGE, FakeDestination
from .ledgers import wanted
from .samples import ITEM


class Stubborn(FakeDestination):
    """Refuses to delete some files, for a while."""

    def __init__(self, *names: str) -> None:
        """Hold these."""
        super().__init__()
        self.held = set(names)
        self.refusal: StorageError = Rejected("Device or resource busy")
        self.tried: list[str] = []
        self.refused: list[str] = []
        self.refused_at: list[float] = []

    @override
    async def delete(self, path: str) -> None:
        self.tried.append(path)
        if path in self.held:
            self.refused.append(path)
            self.refused_at.append(time.monotonic())
            raise self.refusal
        await super().delete(path)


async def superseded(bench: Bench, nas: FakeDestination, count: int) -> None:
    """Let files lie there that were superseded, named by their numbers."""
    for number in range(count):
        item = replace(ITEM, source_id=str(number))
        name = f"{number}.mp4"
        nas.files[name] = b"a part"
        await bench.engine._ledger.run(  # noqa: SLF001
            items.plan, item, (wanted("nas", path=name),)
        )
    for statement in (
        "UPDATE files SET state = 'released'",
        "UPDATE uploads SET state = 'superseded', clean_up = 'file'",
    ):
        await bench.engine._ledger.run(sqlite3.Connection.execute, statement)  # noqa: SLF001
    bench.engine._pool.wake(["nas"])  # noqa: SLF001


@pytest.mark.parametrize(
    "refusal", [Rejected("Device or resource busy"), PermissionDenied("Immutable")]
)
async def test_a_file_that_can_not_be_deleted(
    bench: Bench, refusal: StorageError
) -> None:
    """It holds up no other, is tried again after a while, and not before."""
    bench.timing = replace(FAST, longest_retry=0.4)
    nas = Stubborn("0.mp4")
    nas.refusal = refusal
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 5)
    await until(lambda: set(nas.media) == {"0.mp4"})
    assert nas.tried[:5] == [f"{number}.mp4" for number in range(5)]
    bench.engine._pool.wake(["nas"])  # noqa: SLF001
    await until(lambda: bench.status.destinations["nas"].last_error)
    await until(lambda: len(nas.refused_at) >= 3)
    for before, after in pairwise(nas.refused_at):
        assert after - before >= bench.timing.longest_retry
    # Nor does it keep anything from being sent.
    assert bench.status.destinations["nas"].failing_since is None
    nas.held.clear()
    await until(lambda: not nas.media)


async def test_many_files_that_can_not_be_deleted(bench: Bench) -> None:
    """Those that resist are kept in mind, but not without end."""
    bench.limits = Limits(stuck_leftovers=2)
    bench.timing = replace(FAST, longest_retry=0.5)
    nas = Stubborn("0.mp4", "1.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 3)
    await until(lambda: nas.refused[:2] == ["0.mp4", "1.mp4"])
    await bench.at_rest()
    assert set(nas.media) == {"0.mp4", "1.mp4", "2.mp4"}
    nas.held.clear()
    await until(lambda: not nas.media)


async def test_what_was_removed_is_noted(bench: Bench) -> None:
    """It is removed once, and not looked for again, also after a restart."""
    nas = FakeDestination()
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 3)

    async def noted() -> bool:
        rows = await bench.engine._ledger.run(  # noqa: SLF001
            lambda connection: connection.execute(
                "SELECT COUNT(*) FROM uploads WHERE clean_up IS NOT NULL"
            ).fetchone()
        )
        return tuple(rows) == (0,)

    async with asyncio.timeout(5):
        while not await noted():
            await asyncio.sleep(0.01)
    await bench.stop()
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: IMAGE in nas.media.values())
    names = [path for path in nas.deleted if path.endswith(".mp4")]
    assert sorted(names) == ["0.mp4", "1.mp4", "2.mp4"]
