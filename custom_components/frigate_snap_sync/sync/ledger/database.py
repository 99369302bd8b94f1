"""The SQLite file, its thread and its transactions."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import partial
import logging
import os
from pathlib import Path
import sqlite3
import time
from typing import Any, Concatenate, Final, cast

from ..private_files import make_private, make_private_folder, private_opener
from . import schema

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REFUSALS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)

_LOGGER = logging.getLogger(__name__)


MAX_JOBS: Final = 100
"""Jobs that share a commit at most, so that the first need not wait long."""


CLOSE_TIMEOUT: Final = 1.25
"""Seconds for the jobs that were begun when the ledger is closed."""


class LedgerError(Exception):
    """The ledger can't be read or written; the text says why."""


class LedgerRefusal(LedgerError):
    """The ledger can't hold what it was given, and won't when it is asked again."""


class _Check(IntEnum):
    """How a file is looked at before it is used."""

    NONE = 0
    TABLES = 1
    """It was not closed in order."""
    ALL = 2
    """It was found damaged while in use."""


class _Call[T]:
    """A job, and who waits for its result."""

    def __init__(self, job: Callable[[sqlite3.Connection], T]) -> None:
        self.future: Future[T] = Future()
        self.error: Exception | None = None
        self._job = job
        self._result: T | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Do it; nobody is told yet."""
        self._result = self._job(connection)

    def tell(self) -> None:
        """Tell what came of it."""
        if self.error is None:
            self.future.set_result(cast(T, self._result))
        else:
            self.future.set_exception(self.error)


class Ledger:
    """The door to the SQLite file.

    All work runs in one thread of the ledger's own, one job after the other. A
    job is a function that takes the connection; it changes all that it wants to
    or nothing, and when the awaited call returns, it is on disk. Jobs that wait
    at the same time share one commit, since each costs the disk a flush. The jobs
    are the functions of this room's other modules.
    """

    def __init__(self, path: Path) -> None:
        """Keep the path; nothing is opened before `open`."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="frigate_snap_sync")
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._waiting: deque[_Call[Any]] = deque()
        self.was_replaced = False
        """Whether the file could not be used, and this is a new one."""

    async def open(self) -> None:
        """Open the file; make it, or bring it to the newest version, if needed.

        A file that SQLite can't read is set aside beside the new one. All of it is
        looked at if it was not closed in order, or was found damaged while in use.
        Raises LedgerError when that doesn't help, or a newer version wrote it.
        """
        await asyncio.wrap_future(self._thread.submit(self._guarded, self._open))

    async def close(self) -> None:
        """Finish the jobs that were begun and close the file, for good.

        Where a disk hangs it is not waited for; the thread ends with its job.
        """
        if self._closed:
            return
        self._closed = True
        closing = self._thread.submit(self._guarded, self._close)
        await asyncio.wait({asyncio.wrap_future(closing)}, timeout=CLOSE_TIMEOUT)
        self._thread.shutdown(wait=closing.done())
        if closing.done():
            closing.result()

    async def run[**P, T](
        self,
        job: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `job(connection, …)`, all or nothing of it, and return its result.

        A job once begun is finished even if the caller is cancelled.
        Raises LedgerError; LedgerRefusal where it is no use to try again.
        """
        if self._closed:
            raise LedgerError(f"Ledger {self._path.name} is closed")
        call = _Call(lambda connection: job(connection, *args, **kwargs))
        self._waiting.append(call)
        # One turn of the thread for each call: it does what is waiting by then.
        self._thread.submit(self._work)
        return await asyncio.wrap_future(call.future)

    def _work(self) -> None:
        """Do what waits, as one transaction, and tell those who wait."""
        calls = [
            call
            for _ in range(min(len(self._waiting), MAX_JOBS))
            if (call := self._waiting.popleft()).future.set_running_or_notify_cancel()
        ]
        if not calls:
            return
        try:
            self._guarded(partial(self._do, calls))
        except Exception as err:  # noqa: BLE001 - it is theirs who wait
            for call in calls:
                call.error = err
        for call in calls:
            call.tell()

    def _do(self, calls: Sequence[_Call[Any]]) -> None:
        """Run the calls and commit; raises when that does not succeed for all."""
        connection = self._connection
        if connection is None:
            raise LedgerError(f"Ledger {self._path.name} is not open")
        with _transaction(connection):
            for call in calls:
                connection.execute("SAVEPOINT job")
                try:
                    self._guarded(partial(call.run, connection))
                except Exception as err:
                    if not connection.in_transaction:
                        raise  # SQLite gave up all of it: a full disk, say.
                    connection.execute("ROLLBACK TO job")
                    call.error = err
                connection.execute("RELEASE job")

    def _guarded[T](self, function: Callable[[], T]) -> T:
        try:
            return function()
        except sqlite3.Error as err:
            if getattr(err, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                with suppress(OSError):  # Then it is found anew.
                    self._suspect.touch()
            kind = LedgerRefusal if isinstance(err, _REFUSALS) else LedgerError
            raise kind(f"Ledger {self._path.name}: {err}") from err

    def _open(self) -> None:
        try:
            make_private_folder(self._path.parent)
            for file in self._path.parent.glob(f"{self._path.name}*"):
                make_private(file)
        except OSError as err:
            raise LedgerError(f"Ledger {self._path}: {err}") from err
        wal = self._path.with_name(f"{self._path.name}-wal")
        # SQLite removes it when it closes a file in order.
        check = _Check.TABLES if wal.exists() else _Check.NONE
        if self._suspect.exists():
            check = _Check.ALL
        try:
            self._connection = _connect(self._path, check)
        except sqlite3.OperationalError:
            raise  # A locked file or a full disk: the file itself is sound.
        except (sqlite3.DatabaseError, schema.TooOld) as err:
            aside = self._set_aside()
            self.was_replaced = True
            _LOGGER.error(
                "The ledger could not be read (%s) and was set aside as %s; "
                "what it knew of pending uploads is lost",
                err,
                aside,
            )
            self._connection = _connect(self._path, _Check.NONE)
        with suppress(OSError):  # Then it is just looked at once more.
            self._suspect.unlink(missing_ok=True)

    @property
    def _suspect(self) -> Path:
        """The mark that the file is to be looked at as a whole."""
        return self._path.with_name(f"{self._path.name}.suspect")

    def _set_aside(self) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._path.with_name(f"{self._path.name}.corrupt-{stamp}")
        for ending in ("", "-wal", "-shm"):
            file = self._path.with_name(self._path.name + ending)
            if file.exists():
                try:
                    file.rename(aside.with_name(aside.name + ending))
                except OSError as err:
                    raise LedgerError(f"Ledger {file.name}: {err}") from err
        return aside.name

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(path: Path, check: _Check) -> sqlite3.Connection:
    try:
        # What SQLite makes beside the file has its mode.
        os.close(private_opener(str(path), os.O_RDWR | os.O_CREAT))
    except OSError as err:
        raise LedgerError(f"Ledger {path}: {err}") from err
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: what was told must also survive a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _look_through(connection, check)
        try:
            schema.migrate(connection)
        except ValueError as err:
            raise LedgerError(f"Ledger {path.name}: {err}") from err
    except BaseException:
        connection.close()
        raise
    return connection


def _look_through(connection: sqlite3.Connection, check: _Check) -> None:
    """Raise DatabaseError if the file is damaged, as far as it is looked at."""
    if check is _Check.NONE:
        return
    pragma = "quick_check"
    if check is _Check.ALL:
        # What an index has lost its table still has.
        connection.execute("REINDEX")
        pragma = "integrity_check"
    (found,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
