"""Spool and ledger show what cameras see: Home Assistant's user alone may read them."""

from collections.abc import Iterator
import os
from pathlib import Path
import stat

import pytest

from custom_components.frigate_snap_sync.sync.ledger import Ledger, items
from custom_components.frigate_snap_sync.sync.spool.spool import Spool

from .samples import ITEM


@pytest.fixture(autouse=True)
def _generous() -> Iterator[None]:
    """Let everything be readable by all that nobody thinks of."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return the permissions of a folder and of everything in it."""
    return {
        path.name: stat.filemode(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


async def test_a_new_spool(tmp_path: Path) -> None:
    """Also a file that is still being written."""
    spool = Spool(tmp_path / "cache" / "spool", limit=1 << 20)
    await spool.open([])
    kept = await spool.store(b"image", "jpg")
    async with spool.writer("mp4") as writer:
        assert modes(spool.folder) == {
            "spool": "drwx------",
            kept.name: "-rw-------",
            writer.path.name: "-rw-------",
        }


async def test_an_old_spool(tmp_path: Path) -> None:
    """It is closed to others at the next start, and so is what was set aside."""
    spool = Spool(tmp_path / "spool", limit=1 << 20)
    spool.folder.mkdir(mode=0o755)
    (spool.folder / "image.jpg").write_bytes(b"image")
    aside = tmp_path / "spool.unknown-20261122-101112"
    aside.mkdir(mode=0o755)
    await spool.open(["image.jpg"])
    assert modes(spool.folder) == {"spool": "drwx------", "image.jpg": "-rw-------"}
    assert modes(aside) == {aside.name: "drwx------"}


@pytest.mark.parametrize("is_old", [False, True])
async def test_the_ledger(tmp_path: Path, is_old: bool) -> None:
    """With the files that SQLite makes beside it, and what was set aside."""
    path = tmp_path / "ledger" / "one.db"
    expected = {"ledger": "drwx------"}
    if is_old:
        path.parent.mkdir(mode=0o755)
        for ending in ("", "-wal", "-shm", ".corrupt-20261122-101112"):
            path.with_name(path.name + ending).touch()
        expected["one.db.corrupt-20261122-101112"] = "-rw-------"
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(items.remember_open, ITEM)
    names = dict.fromkeys(("one.db", "one.db-wal", "one.db-shm"), "-rw-------")
    assert modes(path.parent) == expected | names
    await ledger.close()


async def test_a_ledger_that_takes_the_place_of_a_damaged_one(tmp_path: Path) -> None:
    """Both are closed to others."""
    path = tmp_path / "ledger" / "one.db"
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(items.remember_open, ITEM)
    found = modes(path.parent)
    assert found.pop("ledger") == "drwx------"
    assert set(found.values()) == {"-rw-------"}
    assert any("corrupt" in name for name in found)
    await ledger.close()
