"""The SQLite file, its thread and its transactions."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
import sqlite3
from threading import Event
from typing import Any, Concatenate, Final, cast

from ..model.errors import LedgerError, LedgerRefusal, words_of
from . import generations
from .backup import make_copy
from .generations import GenerationFile
from .opening import Origin, open_ledger, suspect_mark

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REFUSALS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)


CLOSE_TIMEOUT: Final = 1.25
"""Seconds that closing waits for jobs which were begun."""

MAX_JOBS: Final = 100
"""Jobs that share a commit at most, so that the first need not wait long."""


class _Call[T]:
    """A job, and who waits for its result."""

    def __init__(self, job: Callable[[sqlite3.Connection], T]) -> None:
        self.future: Future[T] = Future()
        self.error: Exception | None = None
        self._job = job
        self._result: T | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Do it; the caller does not know yet."""
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
    are the functions of this folder's other modules.
    """

    def __init__(
        self,
        path: Path,
        *,
        generation_path: Path | None = None,
        close_timeout: float = CLOSE_TIMEOUT,
        copy: Callable[[Path, Event], None] = make_copy,
    ) -> None:
        """Keep the paths; nothing is opened before `open`.

        `generation_path` is where the newest generation is kept, outside of backups.
        `close_timeout` are the seconds for the jobs that were begun when it is closed.
        `copy` makes the copy for a backup, until its event is set.
        """
        self.path = path
        self._generation_file = (
            None if generation_path is None else GenerationFile(generation_path)
        )
        self._close_timeout = close_timeout
        self._copy = copy
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="frigate_snap_sync")
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._waiting: deque[_Call[Any]] = deque()
        self.origin = Origin.OWN

    async def open(self) -> None:
        """Open the file; make it, or bring it to the newest version, if needed.

        A file that SQLite can't read is set aside; the copy of a backup takes its
        place, or a new one. All of it is looked at if it was not closed in order, or
        was found damaged while in use.
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
        await asyncio.wait({asyncio.wrap_future(closing)}, timeout=self._close_timeout)
        self._thread.shutdown(wait=closing.done())
        if closing.done():
            closing.result()

    async def back_up(self) -> None:
        """Copy the ledger for a backup, without holding anybody up.

        Ends when it is cancelled. Raises LedgerError.
        """
        abandoned = Event()
        try:
            await asyncio.to_thread(self._copy, self.path, abandoned)
        except (sqlite3.Error, OSError) as err:
            raise LedgerError(
                f"Copying ledger {self.path.name}: {err}", said=words_of(err)
            ) from err
        finally:
            abandoned.set()

    async def end_backup(self) -> None:
        """Note that a backup is over: what it holds is from before. Raises LedgerError."""
        number = await self.run(generations.begin, after=0)
        await asyncio.to_thread(self._keep_generation, number)

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
            raise LedgerError(f"Ledger {self.path.name} is closed")
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
            raise LedgerError(f"Ledger {self.path.name} is not open")
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
                with suppress(OSError):  # Then it is found again.
                    suspect_mark(self.path).touch()
            kind = LedgerRefusal if isinstance(err, _REFUSALS) else LedgerError
            raise kind(f"Ledger {self.path.name}: {err}", said=words_of(err)) from err

    def _open(self) -> None:
        opened = open_ledger(self.path, self._generation_file)
        self._connection, self.origin = opened.connection, opened.origin

    def _close(self) -> None:
        if self._connection is None:
            return
        with suppress(sqlite3.Error):  # Then a restore is not noticed by it.
            self._keep_generation(generations.begin(self._connection, after=0))
        self._connection.close()
        self._connection = None

    def _keep_generation(self, number: int) -> None:
        if self._generation_file is not None:
            self._generation_file.write(number)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
