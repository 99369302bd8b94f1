"""What is no longer to lie at a destination is removed, whatever resists."""

import asyncio
from dataclasses import replace
import sqlite3
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import Rejected
from custom_components.frigate_snap_sync.sync import sweep
from custom_components.frigate_snap_sync.sync.ledger import items

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .test_ledger import ITEM, wanted


class Stubborn(FakeDestination):
    """Refuses to delete some files, for a while."""

    def __init__(self, *names: str) -> None:
        """Hold these."""
        super().__init__()
        self.held = set(names)
        self.refused: list[str] = []

    @override
    async def delete(self, path: str) -> None:
        if path in self.held:
            self.refused.append(path)
            raise Rejected("Device or resource busy")
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
    bench.engine._wake_workers(["nas"])  # noqa: SLF001


async def test_a_file_that_can_not_be_deleted(bench: Bench) -> None:
    """It holds up no other, is tried again after a while, and not before."""
    bench.timing = replace(FAST, longest_retry=0.4)
    nas = Stubborn("0.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 5)
    await until(lambda: set(nas.media) == {"0.mp4"}, seconds=0.3)
    bench.engine._wake_workers(["nas"])  # noqa: SLF001
    await until(lambda: bench.status.destinations["nas"].last_error)
    assert nas.refused == ["0.mp4"]
    nas.held.clear()
    await until(lambda: not nas.media)


async def test_many_files_that_can_not_be_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that resist are kept in mind, but not without end."""
    monkeypatch.setattr(sweep, "MOST_STUCK", 2)
    bench.timing = replace(FAST, longest_retry=0.5)
    nas = Stubborn("0.mp4", "1.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 3)
    await until(lambda: nas.refused == ["0.mp4", "1.mp4"])
    await asyncio.sleep(0.1)
    assert set(nas.media) == {"0.mp4", "1.mp4", "2.mp4"}
    nas.held.clear()
    await until(lambda: not nas.media)
