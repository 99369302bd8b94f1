"""Which file is the ledger: the one used last, or the copy that a backup brought back."""

from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum, StrEnum
import logging
import os
from pathlib import Path
import shutil
import sqlite3
import time
from typing import Final

from ...private_files import (
    make_private,
    make_private_folder,
    private_opener,
    put_in_place,
)
from ..model.errors import LedgerError, words_of
from ..support.set_aside import name_aside
from . import generations, milestones, schema
from .backup import copied_generation, copy_of, is_sound
from .generations import GenerationFile

_LOGGER = logging.getLogger(__name__)


_ASIDE: Final = "corrupt"
_KEPT: Final = 3
"""How many ledgers that were set aside stay: they are as large as the ledger was."""
_LOST: Final = "what it knew of pending uploads is lost"
_ENDINGS: Final = ("", "-wal", "-shm")
"""The file itself, and what SQLite makes beside it."""


class Origin(StrEnum):
    """Where what the ledger knows comes from."""

    OWN = "own"
    """From the last start, or it is the first one."""
    SET_BACK = "set_back"
    """From an earlier time: a restore brought the file back."""
    COPY = "copy"
    """From the copy of a backup."""
    NOWHERE = "nowhere"
    """It could not be read, or was missing, and there was no copy."""
    UNSETTLED = "unsettled"
    """From the last start, at which it was not its own and the spool was not opened."""


class Check(IntEnum):
    """How a file is looked at before it is used."""

    NONE = 0
    TABLES = 1
    """It was not closed in order."""
    ALL = 2
    """It was found damaged while in use, or a restore brought it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open ledger, and what it is."""

    connection: sqlite3.Connection
    origin: Origin


def suspect_mark(path: Path) -> Path:
    """Return the name of the mark that a ledger is to be looked at as a whole."""
    return path.with_name(f"{path.name}.suspect")


def open_ledger(path: Path, file: GenerationFile | None) -> Opened:
    """Open the ledger at `path`, or what there is instead of it. Blocks.

    `file` is where its newest generation is kept, if anywhere. Raises LedgerError
    or sqlite3.Error when there is nothing to be had.
    """
    try:
        make_private_folder(path.parent)
        for own in path.parent.glob(f"{path.name}*"):
            make_private(own)
    except OSError as err:
        raise LedgerError(f"Ledger {path}: {err}", said=words_of(err)) from err
    opened = _choose(path, file)
    if opened.origin is not Origin.OWN:
        # Before its number says that it is the newest: who acts on it may be killed.
        milestones.keep_moment(opened.connection, milestones.UNSETTLED, time.time())
    elif milestones.is_kept(opened.connection, milestones.UNSETTLED):
        opened = Opened(connection=opened.connection, origin=Origin.UNSETTLED)
    number = generations.begin(opened.connection, after=(file and file.read()) or 0)
    if file is not None:
        file.write(number)
    with suppress(OSError):  # Then it is just looked at once more.
        suspect_mark(path).unlink(missing_ok=True)
    return opened


def _choose(path: Path, file: GenerationFile | None) -> Opened:
    copied = copied_generation(path)
    newest = None if file is None else file.read()
    if not path.exists() and copied is None and newest is None:
        return Opened(connection=_connect(path, Check.NONE), origin=Origin.OWN)
    found = _try(path, _check_of(path))
    own = found.generation
    if file is None:
        newest = own
    is_set_back = own is not None and generations.is_set_back(own=own, newest=newest)
    if generations.is_copy_better(own=own, copied=copied, newest=newest) and is_sound(
        path
    ):
        found.close()
        aside = _set_aside(path)
        _LOGGER.warning(
            "The ledger can't be used: %s. It was set aside as %s, and the copy that"
            " was made for a backup takes its place",
            found.trouble or "a restore brought back an earlier one",
            aside,
        )
        _install_copy(path)
        return Opened(connection=_connect(path, Check.NONE), origin=Origin.COPY)
    if is_set_back:
        found.close()
        found = _try(path, Check.ALL)
    if found.connection is not None:
        origin = Origin.SET_BACK if is_set_back else Origin.OWN
        return Opened(connection=found.connection, origin=origin)
    is_missing = not path.exists()
    aside = _set_aside(path)
    if is_missing:
        _LOGGER.error("The ledger is missing; %s", _LOST)
    else:
        _LOGGER.error(
            "The ledger could not be read (%s) and was set aside as %s; %s",
            found.trouble,
            aside,
            _LOST,
        )
    return Opened(connection=_connect(path, Check.NONE), origin=Origin.NOWHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A ledger that was opened, with its number; or why it can't be read."""

    connection: sqlite3.Connection | None = None
    generation: int | None = None
    trouble: str = ""

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


def _check_of(path: Path) -> Check:
    if suspect_mark(path).exists():
        return Check.ALL
    # SQLite removes it when it closes a file in order.
    wal = path.with_name(f"{path.name}-wal")
    return Check.TABLES if wal.exists() else Check.NONE


def _try(path: Path, check: Check) -> _Found:
    """Open a ledger that may be damaged."""
    if not path.exists():
        return _Found(trouble="it is missing")
    try:
        connection = _connect(path, check)
    except sqlite3.OperationalError:
        raise  # A locked file or a full disk: the file itself is sound.
    except (sqlite3.DatabaseError, schema.TooOld) as err:
        return _Found(trouble=str(err))
    try:
        number = generations.generation(connection)
    except sqlite3.DatabaseError as err:
        connection.close()
        return _Found(trouble=str(err))
    return _Found(connection=connection, generation=number)


def _connect(path: Path, check: Check) -> sqlite3.Connection:
    try:
        # What SQLite makes beside the file has its mode.
        os.close(private_opener(str(path), os.O_RDWR | os.O_CREAT))
    except OSError as err:
        raise LedgerError(f"Ledger {path}: {err}", said=words_of(err)) from err
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: what was reported must also survive a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _look_through(connection, check)
        try:
            schema.migrate(connection)
        except ValueError as err:
            raise LedgerError(
                f"Ledger {path.name}: {err}", hint="newer_schema"
            ) from err
    except BaseException:
        connection.close()
        raise
    return connection


def _look_through(connection: sqlite3.Connection, check: Check) -> None:
    """Raise DatabaseError if the file is damaged, as far as it is looked at."""
    if check is Check.NONE:
        return
    pragma = "quick_check"
    if check is Check.ALL:
        # What an index has lost its table still has.
        connection.execute("REINDEX")
        pragma = "integrity_check"
    (found,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _set_aside(path: Path) -> str:
    """Move a ledger out of the way, with what SQLite made beside it.

    Of those that were set aside before only the newest stay.
    """
    _remove_set_aside(path, keep=_KEPT - 1)
    aside = name_aside(path, _ASIDE)
    for ending in _ENDINGS:
        file = path.with_name(path.name + ending)
        if file.exists():
            try:
                file.rename(aside.with_name(aside.name + ending))
            except OSError as err:
                raise LedgerError(
                    f"Ledger {file.name}: {err}", said=words_of(err)
                ) from err
    return aside.name


def _remove_set_aside(path: Path, *, keep: int) -> None:
    """Remove the ledgers that were set aside, but for the newest."""
    names = {
        file.name.removesuffix("-wal").removesuffix("-shm")
        for file in path.parent.glob(f"{path.name}.{_ASIDE}-*")
    }
    for name in sorted(names)[: max(0, len(names) - keep)]:
        for ending in _ENDINGS:
            with suppress(OSError):  # Then it is removed the next time.
                path.with_name(name + ending).unlink(missing_ok=True)


def _install_copy(path: Path) -> None:
    """Put the copy in the ledger's place, whole or not at all; it stays as well."""
    new = path.with_name(f"{path.name}.restored")
    try:
        with (
            copy_of(path).open("rb") as source,
            open(new, "wb", opener=private_opener) as target,
        ):
            shutil.copyfileobj(source, target)
        put_in_place(new, path)
    except OSError as err:
        raise LedgerError(f"Ledger {path.name}: {err}", said=words_of(err)) from err
