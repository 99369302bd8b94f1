"""The ledger's file: its versions, its damage, and who else has it open."""

import errno
from pathlib import Path
import sqlite3
from typing import Never

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    LedgerError,
    Origin,
    destinations,
    items,
    milestones,
)

from .ledgers import remember
from .samples import ITEM


@pytest.mark.parametrize("garbage", [b"not a database" * 100, b"\0" * 8192])
async def test_a_damaged_file_is_set_aside(
    path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """With a word about it; nothing is thrown away."""
    path.parent.mkdir()
    path.write_bytes(garbage)
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(items.remember_open, ITEM)
    await ledger.close()
    (aside,) = path.parent.glob("one.db.corrupt-*")
    assert aside.read_bytes() == garbage
    assert "set aside" in caplog.text


async def damaged(path: Path) -> None:
    """Make a ledger whose items can't be read, closed in order."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(remember(1))
    root, size = await ledger.run(
        lambda connection: connection.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size"
            " WHERE name = 'items'"
        ).fetchone()
    )
    await ledger.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


async def test_damage_that_is_found_in_use_is_mended_at_the_next_start(
    path: Path,
) -> None:
    """A start does not read all of a sound file: that may be long."""
    await damaged(path)
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.origin is Origin.OWN
    with pytest.raises(LedgerError, match="malformed"):
        await ledger.run(items.open_reviews)
    await ledger.close()
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.origin is Origin.NOWHERE
    assert await ledger.run(items.open_reviews) == []
    await ledger.run(milestones.forget, milestones.UNSETTLED)
    await ledger.close()
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.origin is Origin.OWN
    await ledger.close()


async def test_an_index_that_lost_something_is_made_anew(path: Path) -> None:
    """Its table still has it; nothing is lost, and nothing set aside."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(remember(1))
    await ledger.close()
    connection = sqlite3.connect(path, isolation_level=None)
    index = "open_items"
    (sql,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = ?", (index,)
    ).fetchone()
    connection.execute("PRAGMA writable_schema = ON")
    change = "UPDATE sqlite_master SET sql = ? WHERE name = ?"
    connection.execute(change, (sql.replace("is_open = 1", "is_open = 9"), index))
    connection.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"REINDEX {index}")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(change, (sql, index))
    connection.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.run(items.open_reviews) == []
    await ledger.close()
    path.with_name("one.db.suspect").touch()
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.origin is Origin.OWN
    assert len(await ledger.run(items.open_reviews)) == 1
    await ledger.close()
    assert not path.with_name("one.db.suspect").exists()


async def test_damage_on_a_disk_that_can_not_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the one class of error that everybody knows how to take."""
    await damaged(path)
    ledger = Ledger(path)
    await ledger.open()

    def refuse(path: Path, *args: object, **kwargs: object) -> Never:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(LedgerError, match="malformed"):
        await ledger.run(items.open_reviews)
    await ledger.close()
    monkeypatch.undo()
    path.with_name("one.db-wal").touch()
    monkeypatch.setattr(Path, "rename", refuse)
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match="Read-only"):
        await ledger.open()
    await ledger.close()


async def test_a_ledger_that_was_not_closed_is_looked_at_as_a_whole(
    path: Path,
) -> None:
    """The power failed, and who knows what the disk made of it."""
    await damaged(path)
    path.with_name("one.db-wal").touch()
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.origin is Origin.NOWHERE
    await ledger.close()


async def test_a_newer_ledger_is_left_alone(path: Path) -> None:
    """Its owner went back to an older version."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match="newer version"):
        await ledger.open()
    await ledger.close()
    assert list(path.parent.iterdir()) == [path]


async def test_a_ledger_that_can_not_be_made(path: Path) -> None:
    """A file where its folder should be; and one that is not open."""
    path.parent.write_text("in the way")
    ledger = Ledger(path)
    with pytest.raises(LedgerError):
        await ledger.open()
    with pytest.raises(LedgerError, match="not open"):
        await ledger.run(items.open_reviews)
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.run(items.open_reviews)


async def test_a_locked_file_is_not_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be set aside."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.close()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("PRAGMA journal_mode = DELETE")
    blocker.execute("BEGIN EXCLUSIVE")
    other = Ledger(path)
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **kw: connect(*a, **(kw | {"timeout": 0}))
    )
    with pytest.raises(LedgerError, match="locked"):
        await other.open()
    await other.close()
    blocker.close()
    assert not list(path.parent.glob("*corrupt*"))


async def test_a_ledger_from_before_the_first_release_is_set_aside(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No release wrote one; it must not stop the integration from starting."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE items (id)")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.run(destinations.since) == {}
    assert ledger.origin is Origin.NOWHERE
    await ledger.close()
    assert len(list(path.parent.glob("one.db.corrupt-*"))) == 1
    assert caplog.text.count("never released") == 1


async def test_of_damaged_ledgers_the_newest_stay(path: Path) -> None:
    """Each is as large as the ledger was; two may be set aside in one second."""
    path.parent.mkdir()
    for year in (2019, 2020, 2021):
        for ending in ("", "-wal", "-shm"):
            path.with_name(f"one.db.corrupt-{year}1122-101112{ending}").touch()
    path.with_name("one.db.backup.new").touch()
    for number in range(2):
        path.write_bytes(b"%d, not a database" % number)
        ledger = Ledger(path)
        await ledger.open()
        await ledger.close()
    kept = sorted(path.parent.glob("one.db.corrupt-*"))
    assert [file.name[-15:] for file in kept[:3]] == [
        "20211122-101112",
        "1122-101112-shm",
        "1122-101112-wal",
    ]
    assert [file.read_bytes() for file in kept[3:]] == [
        b"0, not a database",
        b"1, not a database",
    ]
    assert path.with_name("one.db.backup.new").exists()
