"""Copies that are over, at real servers: what others put there stays."""

from dataclasses import replace

import pytest

from ..sync.conftest import Bench, bench
from ..sync.fakes import FakeDestination
from ..sync.test_retention import filled, keeping
from ..waiting import until
from .places import Ceph, Place
from .webdav_places import WebdavApache

__all__ = ["bench"]

OLD = {"a/old.mp4": 40.0, "b/old.mp4": 41.0}
NEW = {"c/new.mp4": 1.0}
THEIRS = {
    *("older.mp4", "a/.hidden", "a/old.mp4.bak", "a/old", "b/old.mp4.d/x"),
    "b/below/older.mp4",
}


@pytest.mark.parametrize(
    "place",
    [(Ceph, False), (WebdavApache, False)],
    ids=["ceph", "webdav-apache"],
    indirect=True,
)
async def test_foreign_files_stay(place: Place, bench: Bench) -> None:
    """Whatever they are called, and also where they lie among ours."""
    for path in (*OLD, *NEW, *THEIRS):
        place.plant(path, b".....")
    before = FakeDestination()
    await filled(bench, before, OLD | NEW)
    there = replace(keeping(before, days=30), destination=place.destination)
    await bench.start(there)
    await until(lambda: place.paths().isdisjoint(OLD))
    await bench.at_rest()
    await bench.stop()
    assert place.paths() == {*NEW, *THEIRS}
    for path in (*NEW, *THEIRS):
        assert place.content(path) == b"....."
