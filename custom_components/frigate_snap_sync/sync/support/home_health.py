"""The health of our own house: the ledger, Home Assistant's disk, the engine's tasks.

Every part of the engine notes here what it could not write or read, so that the
protection need not ask each of them. A task belongs to one engine: `supervise`
tells it which, and `OutageLog` notes failures and successes of the present task.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
import errno
from pathlib import Path
import shutil
import sqlite3
import time
from typing import Final, TypeIs
from weakref import WeakKeyDictionary

from ...cause import Cause
from ..model.errors import LedgerError, LedgerRefusal, SpoolError, SpoolFull
from ..model.status import EngineStatus
from .signals import Signals

LEAST_SPACE: Final = 512 << 10
"""Free bytes below which Home Assistant's disk is as good as full."""
_MEMORY: Final = ((SpoolError, 330.0), (LedgerError, 90.0))
"""Seconds after which a failure that did not come again is over, though its task was
not seen to succeed: what the spool has no space for is tried again within five
minutes, and the ledger is written to every minute."""
_STEADY: Final = 300.0
"""Seconds that a task must run for its crash to be over."""

_SQLITE_FULL: Final = "database or disk is full"
"""SQLite's text for SQLITE_FULL, which outlives the exception's cause."""

_CURRENT: ContextVar[HomeHealth | None] = ContextVar("home_health", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    error: LedgerError | SpoolError
    at: float


@dataclass(slots=True, kw_only=True)
class _Crash:
    since: float
    last: float


def free_space(folder: Path) -> int:
    """Return the free bytes of a folder's disk; blocks, and may raise OSError."""
    return shutil.disk_usage(folder).free


class HomeHealth:
    """What fails at home; a signal tells when that may have changed."""

    def __init__(
        self,
        *,
        folders: tuple[Path, ...],
        signals: Signals,
        steady: Callable[[], float] = time.monotonic,
        free_space: Callable[[Path], int] = free_space,
    ) -> None:
        """Keep where ledger and spool lie.

        `steady` is a clock that never jumps, in seconds; `free_space` returns the
        free bytes of a folder's disk, and may raise OSError.
        """
        self._folders = folders
        self._signals = signals
        self._steady = steady
        self._free_space = free_space
        self._failures: WeakKeyDictionary[
            asyncio.Task[object], dict[Hashable, _Failure]
        ] = WeakKeyDictionary()
        self._crashes: dict[str, _Crash] = {}
        self._space_is_out = False

    def enter(self) -> None:
        """Let the present task, and those that it starts, note failures here."""
        _CURRENT.set(self)

    def failed(self, source: Hashable, error: Exception) -> None:
        """Note that the present task could not use ledger or spool; ignore the rest."""
        task = asyncio.current_task()
        if task is None or not _is_ours(error):
            return
        failures = self._failures.setdefault(task, {})
        is_news = source not in failures
        failures[source] = _Failure(error=error, at=self._steady())
        if is_news:
            self._signals.status_changed()

    def worked(self, source: Hashable) -> None:
        """Note that what the present task could not do works again."""
        task = asyncio.current_task()
        failures = {} if task is None else self._failures.get(task, {})
        if source in failures:
            del failures[source]
            self._signals.status_changed()

    def crashed(self, name: str) -> None:
        """Note that a part of the engine ended by a bug; it is started again."""
        now = self._steady()
        crash = self._crashes.setdefault(name, _Crash(since=now, last=now))
        crash.last = now
        self._signals.status_changed()

    async def look(self) -> None:
        """See whether there is any space left on Home Assistant's disk."""
        was_out = self._space_is_out
        self._space_is_out = await asyncio.to_thread(self._look)
        if self._space_is_out != was_out:
            self._signals.status_changed()

    async def watch(self, every: float) -> None:
        """Look at the space every so many seconds, until cancelled.

        A full disk is to be shown at once, and not when something fails on it.
        """
        while True:
            await self.look()
            await asyncio.sleep(every)

    def _look(self) -> bool:
        """Tell whether a folder's disk has next to no space. Blocks."""
        for folder in self._folders:
            try:
                if self._free_space(folder) < LEAST_SPACE:
                    return True
            except OSError:
                continue  # What is wrong with it shows as soon as it is written to.
        return False

    @property
    def disk_full(self) -> bool:
        """Tell whether Home Assistant's disk has no space for ledger or spool."""
        return self._space_is_out or any(map(is_disk_full, self.errors()))

    @property
    def ledger_failing(self) -> bool:
        """Tell whether ledger or spool can't be used, for another reason."""
        return any(not is_disk_full(error) for error in self.errors())

    def crashed_for(self) -> float | None:
        """Return for how many seconds some part has been crashing, None if none."""
        now = self._steady()
        self._crashes = {
            name: crash
            for name, crash in self._crashes.items()
            if now - crash.last < _STEADY
        }
        since = min((crash.since for crash in self._crashes.values()), default=None)
        return None if since is None else now - since

    def errors(self) -> list[LedgerError | SpoolError]:
        """Return what fails, the newest last."""
        now = self._steady()
        current = [
            failure
            for task, failures in self._failures.items()
            if not task.done()
            for failure in failures.values()
            if now - failure.at < _memory_of(failure.error)
        ]
        return [each.error for each in sorted(current, key=lambda each: each.at)]


def newest_cause(
    errors: Sequence[LedgerError | SpoolError], *, disk_full: bool
) -> Cause | None:
    """Return why there is no space, or why ledger or spool can't be used otherwise."""
    fitting = (err for err in reversed(errors) if is_disk_full(err) is disk_full)
    newest = next(fitting, None)
    return None if newest is None else Cause.of(newest)


def could_not_start(error: LedgerError | SpoolError) -> EngineStatus:
    """Return the status of an engine that did not start, for want of its home."""
    is_full = is_disk_full(error)
    return EngineStatus(
        disk_full=is_full,
        ledger_failing=not is_full,
        home_error=str(error),
        disk_cause=newest_cause([error], disk_full=True),
        ledger_cause=newest_cause([error], disk_full=False),
    )


def note_failure(source: Hashable, error: Exception) -> None:
    """Note a failure of the present task, if it is one of an engine's."""
    if (health := _CURRENT.get()) is not None:
        health.failed(source, error)


def note_success(source: Hashable) -> None:
    """Note a success of the present task, if it is one of an engine's."""
    if (health := _CURRENT.get()) is not None:
        health.worked(source)


def is_disk_full(error: BaseException | None) -> bool:
    """Tell whether an error of ledger or spool comes from a disk without space."""
    while error is not None:
        if isinstance(error, sqlite3.Error):
            # The low byte is the primary code.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            is_full = code == sqlite3.SQLITE_FULL
        elif isinstance(error, OSError):
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        else:
            is_full = isinstance(error, LedgerError) and _SQLITE_FULL in str(error)
        if is_full:
            return True
        error = error.__cause__
    return False


def _is_ours(error: Exception) -> TypeIs[LedgerError | SpoolError]:
    """Tell whether an error says that ledger or spool can't be used."""
    # The spool's own limit is not the disk's; a refusal is about one value.
    return isinstance(error, LedgerError | SpoolError) and not isinstance(
        error, LedgerRefusal | SpoolFull
    )


def _memory_of(error: Exception) -> float:
    return next(seconds for cause, seconds in _MEMORY if isinstance(error, cause))
