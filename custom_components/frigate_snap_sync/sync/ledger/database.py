"""The SQLite file, its thread and its transactions."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
import logging
from pathlib import Path
import sqlite3
import time
from typing import Concatenate

from . import schema

_LOGGER = logging.getLogger(__name__)


class LedgerError(Exception):
    """The ledger can't be read or written; the text says why."""


class Ledger:
    """The door to the SQLite file.

    All work runs in one thread of the ledger's own, one job after the other;
    a job is a function that takes the connection, and is one transaction: when
    the awaited call returns, it is on disk. The jobs are the functions of this
    room's other modules, one module a table.
    """

    def __init__(self, path: Path) -> None:
        """Keep the path; nothing is opened before `open`."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="frigate_snap_sync")
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self.was_damaged = False
        """Whether the file could not be read, and this is a new one."""

    async def open(self) -> None:
        """Open the file; make it, or bring it to the newest version, if needed.

        A file that SQLite can't read is set aside beside the new one.
        Raises LedgerError when that doesn't help, or a newer version wrote it.
        """
        await self._call(self._open)

    async def close(self) -> None:
        """Finish the jobs that were begun and close the file, for good."""
        if not self._closed:
            self._closed = True
            await self._call(self._close)
            await asyncio.to_thread(self._thread.shutdown)

    async def run[**P, T](
        self,
        job: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `job(connection, …)` as one transaction and return its result.

        A job once begun is finished even if the caller is cancelled.
        Raises LedgerError.
        """
        return await self._call(lambda: self._transaction(job, *args, **kwargs))

    async def _call[T](self, function: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                return function()
            except sqlite3.Error as err:
                raise LedgerError(f"Ledger {self._path.name}: {err}") from err

        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, guarded)
        except RuntimeError as err:
            if not self._closed:
                raise
            raise LedgerError(f"Ledger {self._path.name} is closed") from err

    def _transaction[**P, T](
        self,
        job: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if self._connection is None:
            raise LedgerError(f"Ledger {self._path.name} is not open")
        with _transaction(self._connection):
            return job(self._connection, *args, **kwargs)

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise LedgerError(f"Ledger {self._path}: {err}") from err
        try:
            self._connection = _connect(self._path)
        except sqlite3.OperationalError:
            raise  # A locked file or a full disk: the file itself is sound.
        except sqlite3.DatabaseError as err:
            aside = self._set_aside()
            self.was_damaged = True
            _LOGGER.error(
                "The ledger could not be read (%s) and was set aside as %s; "
                "what it knew of pending uploads is lost",
                err,
                aside,
            )
            self._connection = _connect(self._path)

    def _set_aside(self) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._path.with_name(f"{self._path.name}.corrupt-{stamp}")
        for ending in ("", "-wal", "-shm"):
            file = self._path.with_name(self._path.name + ending)
            if file.exists():
                file.rename(aside.with_name(aside.name + ending))
        return aside.name

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: what was told must also survive a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)  # noqa: TRY301
        try:
            schema.migrate(connection)
        except ValueError as err:
            raise LedgerError(f"Ledger {path.name}: {err}") from err
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
