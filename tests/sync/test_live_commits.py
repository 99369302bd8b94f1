"""How often film that leaves makes the ledger flush Home Assistant's disk."""

import asyncio
from dataclasses import replace
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.storage.base import Capabilities

from ..waiting import until
from .conftest import Bench, setup
from .fakes import FakeDestination
from .live_film import Camera
from .test_live import LIVE, camera, films

__all__ = ["camera"]

_SECONDS = 11


async def _commits(bench: Bench, seconds: float, camera: Camera | None) -> int:
    """Let a camera show ten pictures a second; return how often was committed."""
    found = 0
    connection = sqlite3.connect(bench.folder / "ledger" / "one.db")
    try:
        before = connection.execute("PRAGMA data_version").fetchone()
        end = time.monotonic() + seconds
        shown = 0
        while (left := end - time.monotonic()) > 0:
            if camera is not None and shown < (seconds - left) * 10:
                await camera.show(1)
                shown += 1
            await asyncio.sleep(0.01)
            now = connection.execute("PRAGMA data_version").fetchone()
            found += now != before
            before = now
    finally:
        connection.close()
    return found


@pytest.mark.parametrize("is_film", [True, False])
async def test_film_makes_few_commits(
    bench: Bench,
    camera: Camera,
    nas: FakeDestination,
    cloud: FakeDestination,
    is_film: bool,
) -> None:
    """At most one in ten seconds, with a budget or not, be it a file, pieces or stills."""
    nas.can = Capabilities(append=True)
    budget = 1 << 40
    await bench.start(
        replace(setup(nas, selection=LIVE), volume_budget=budget),
        setup(cloud, name="cloud", selection=LIVE),
    )
    await bench.heard()
    where = "front_door" if is_film else "back-yard_2"
    bench.review("new", camera=where, start=time.time() - 1)
    if is_film:
        await camera.show(25)
    await until(lambda: films(nas) and films(cloud))
    await bench.at_rest()
    before = len(cloud.pieces)
    assert await _commits(bench, _SECONDS, camera if is_film else None) <= 1
    assert len(cloud.pieces) - before >= _SECONDS // 2 - 1
    sent = sum(len(data) for data in nas.files.values())
    await bench.stop()
    with sqlite3.connect(bench.folder / "ledger" / "one.db") as connection:
        spent = dict(connection.execute("SELECT destination_id, bytes FROM spent"))
    assert spent["nas"] >= sent
    assert spent["cloud"] > 0
