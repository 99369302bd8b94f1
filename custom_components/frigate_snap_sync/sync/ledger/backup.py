"""The copy for Home Assistant's backups: made while the ledger is in use."""

from contextlib import closing, suppress
import os
from pathlib import Path
import sqlite3
from threading import Event

from ...private_files import private_opener, put_in_place
from . import generations, schema

_PAGES = 256
"""Pages that are copied between two looks at whether anybody still waits."""


class Abandoned(Exception):
    """The copy is waited for no longer."""


def copy_of(path: Path) -> Path:
    """Return where the copy of a ledger lies."""
    return path.with_name(f"{path.name}.backup")


def make_copy(path: Path, abandoned: Event) -> None:
    """Copy the ledger as it is at this moment, whole and durable. Blocks.

    It uses a connection of its own, so that the ledger's thread keeps working meanwhile;
    in WAL mode a reader holds up no writer. Raises sqlite3.Error, OSError or
    `Abandoned`; then an earlier copy stays.
    """
    target = copy_of(path)
    new = target.with_name(f"{target.name}.new")

    def look(*_: object) -> None:
        if abandoned.is_set():
            raise Abandoned

    try:
        new.unlink(missing_ok=True)
        os.close(private_opener(str(new), os.O_RDWR | os.O_CREAT | os.O_EXCL))
        with (
            closing(_open_for_reading(path)) as source,
            closing(sqlite3.connect(new, isolation_level=None)) as copy,
        ):
            # One transaction, or each commit meanwhile would let it begin again.
            source.execute("BEGIN")
            source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_PAGES, progress=look)
            # A file on its own, without a second one for what was written last.
            copy.execute("PRAGMA journal_mode = DELETE")
        put_in_place(new, target, check=look)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def copied_generation(path: Path) -> int | None:
    """Return the number of the ledger's copy, None if there is none. Blocks."""
    if not copy_of(path).exists():
        return None
    with suppress(sqlite3.Error), closing(_open_for_reading(copy_of(path))) as copy:
        return generations.generation(copy)
    return None


def is_sound(path: Path) -> bool:
    """Tell whether the ledger's copy can be used. Reads all of it; blocks."""
    with suppress(sqlite3.Error), closing(_open_for_reading(copy_of(path))) as copy:
        (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        (version,) = copy.execute("PRAGMA user_version").fetchone()
        return bool(found == "ok" and version <= schema.VERSION)
    return False


def _open_for_reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None
    )
