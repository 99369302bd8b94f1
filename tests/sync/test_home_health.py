"""What fails at home: noted by whoever meets it, over when it works again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import errno
import logging
from pathlib import Path
import sqlite3

import pytest

from custom_components.frigate_snap_sync.cause import Cause
from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.sync.ledger import LedgerError, LedgerRefusal
from custom_components.frigate_snap_sync.sync.model.errors import SpoolError, SpoolFull
from custom_components.frigate_snap_sync.sync.support import home_health
from custom_components.frigate_snap_sync.sync.support.home_health import (
    HomeHealth,
    is_disk_full,
    newest_cause,
    note_success,
)
from custom_components.frigate_snap_sync.sync.support.outage_log import OutageLog
from custom_components.frigate_snap_sync.sync.support.signals import Signals
from custom_components.frigate_snap_sync.sync.support.tasks import cancel, supervise

from ..waiting import until

_LOGGER = logging.getLogger(__name__)


@dataclass
class Machine:
    """A clock and a disk as the test says."""

    now: float = 1000.0
    free: int = 1 << 30


@pytest.fixture
def machine() -> Machine:
    """Return a machine without trouble."""
    return Machine()


@pytest.fixture
def changes() -> list[None]:
    """Return what is told of changes."""
    return []


@pytest.fixture
async def health(tmp_path: Path, changes: list[None], machine: Machine) -> HomeHealth:
    """Return the health of an engine, of which the test's task is one."""
    signals = Signals()
    signals.status_changed.subscribe(lambda: changes.append(None))
    health = HomeHealth(
        folders=(tmp_path,),
        signals=signals,
        steady=lambda: machine.now,
        free_space=lambda _: machine.free,
    )
    health.enter()
    return health


def caused(error: Exception, cause: Exception) -> Exception:
    """Return the error with its cause, as `raise … from …` makes it."""
    error.__cause__ = cause
    return error


@contextmanager
def from_sqlite(code: int) -> Iterator[sqlite3.OperationalError]:
    """Give an error of SQLite's with a code, as the library sets it."""
    error = sqlite3.OperationalError("?")
    error.sqlite_errorcode = code
    yield error


def test_is_disk_full() -> None:
    """By the cause, wherever it lies in the chain; a limit of ours is no disk."""
    for number in (errno.ENOSPC, errno.EDQUOT):
        assert is_disk_full(caused(SpoolError("?"), OSError(number, "?")))
    assert not is_disk_full(caused(SpoolError("?"), OSError(errno.EROFS, "?")))
    with from_sqlite(sqlite3.SQLITE_FULL) as error:
        assert is_disk_full(caused(LedgerError("?"), error))
    with from_sqlite(sqlite3.SQLITE_IOERR) as error:
        assert not is_disk_full(caused(LedgerError("?"), error))
        assert is_disk_full(
            caused(LedgerError("?"), caused(error, OSError(errno.ENOSPC, "?")))
        )
    assert is_disk_full(LedgerError("Ledger one.db: database or disk is full"))
    assert not is_disk_full(SpoolFull("The spool has reached its limit"))
    assert not is_disk_full(None)


async def test_trouble_is_noted(health: HomeHealth, changes: list[None]) -> None:
    """Once, and taken back with the next success; both are news."""
    trouble = OutageLog(_LOGGER, "Work")
    trouble.report(LedgerError("disk I/O error"))
    trouble.report(LedgerError("disk I/O error"))
    assert health.ledger_failing
    assert not health.disk_full
    assert list(map(str, health.errors())) == ["disk I/O error"]
    assert len(changes) == 1
    trouble.over()
    trouble.over()
    assert not health.ledger_failing
    assert not health.errors()
    assert len(changes) == 2


@pytest.mark.parametrize(
    "error",
    [
        FrigateUnreachable("no route"),
        LedgerRefusal("NOT NULL constraint failed"),
        SpoolFull("The spool has reached its limit"),
    ],
)
async def test_what_is_no_trouble_at_home(health: HomeHealth, error: Exception) -> None:
    """Frigate, one odd value, and our own limit."""
    OutageLog(_LOGGER, "Work").report(error)
    assert not health.ledger_failing
    assert not health.disk_full


async def test_each_repair_has_its_own_cause(
    health: HomeHealth, machine: Machine
) -> None:
    """The newest of its kind, whatever else has failed since."""
    no_space = OSError(errno.ENOSPC, "?")
    for error in (
        caused(SpoolError("?", said="first"), no_space),
        caused(SpoolError("?", said="second"), no_space),
        LedgerError("?", said="locked"),
    ):
        machine.now += 1
        OutageLog(_LOGGER, "Work").report(error)
    errors = health.errors()
    of_disk = newest_cause(errors, disk_full=True)
    assert of_disk == Cause(code="spool_failing", said="second")
    of_ledger = newest_cause(errors, disk_full=False)
    assert of_ledger == Cause(code="ledger_failing", said="locked")
    assert newest_cause(errors[2:], disk_full=True) is None


async def test_a_success_elsewhere_ends_nothing(health: HomeHealth) -> None:
    """Reading may work where writing does not."""
    trouble, other = OutageLog(_LOGGER, "Work"), OutageLog(_LOGGER, "Other work")
    trouble.report(LedgerError("disk I/O error"))
    other.over()

    async def succeed() -> None:
        note_success(trouble)

    await asyncio.create_task(succeed())
    assert health.ledger_failing
    note_success(trouble)
    assert not health.ledger_failing


async def test_a_task_that_has_ended_fails_no_more(health: HomeHealth) -> None:
    """A destination that was removed, say."""

    async def fail() -> None:
        OutageLog(_LOGGER, "Work").report(SpoolError("Input/output error"))
        assert health.ledger_failing

    await asyncio.create_task(fail())
    assert not health.ledger_failing


async def test_a_failure_that_does_not_come_again(
    health: HomeHealth, machine: Machine
) -> None:
    """Its task may have nothing to do any more."""
    trouble = OutageLog(_LOGGER, "Work")
    trouble.report(LedgerError("disk I/O error"))
    machine.now += 80
    assert health.ledger_failing
    trouble.report(LedgerError("disk I/O error"))
    machine.now += 80
    assert health.ledger_failing
    machine.now += 11
    assert not health.ledger_failing


async def test_two_engines(health: HomeHealth, tmp_path: Path) -> None:
    """Each knows of its own."""
    other = HomeHealth(folders=(tmp_path,), signals=Signals())

    async def fail() -> None:
        OutageLog(_LOGGER, "Work").report(LedgerError("disk I/O error"))
        await asyncio.Event().wait()

    task = supervise("other", fail, health=other, pause=30)
    while not other.ledger_failing:
        await asyncio.sleep(0)
    assert not health.ledger_failing
    await cancel([task])


async def test_crashes(health: HomeHealth, machine: Machine) -> None:
    """Over when the part has run for five minutes; a row of them lasts all the while."""
    assert health.crashed_for() is None
    health.crashed("fetcher")
    machine.now += 200
    assert health.crashed_for() == 200
    health.crashed("fetcher")
    health.crashed("watch")
    machine.now += 299
    assert health.crashed_for() == 499
    machine.now += 1
    assert health.crashed_for() is None
    health.crashed("fetcher")
    assert health.crashed_for() == 0


@pytest.mark.parametrize(
    ("free", "is_full"), [(home_health.LEAST_SPACE - 1, True), (1 << 30, False)]
)
async def test_a_disk_that_nobody_writes_to(
    health: HomeHealth, machine: Machine, free: int, is_full: bool
) -> None:
    """It is looked at all the same."""
    assert not health.disk_full
    machine.free = free
    await health.look()
    assert health.disk_full is is_full


async def test_space_is_watched(
    health: HomeHealth, changes: list[None], machine: Machine
) -> None:
    """Whether anything is written or not: that it is out, and that there is some."""
    machine.free = home_health.LEAST_SPACE
    watching = asyncio.create_task(health.watch(0.01))
    machine.free -= 1
    await until(lambda: health.disk_full)
    assert len(changes) == 1
    machine.free += 1
    await until(lambda: not health.disk_full)
    assert len(changes) == 2
    watching.cancel()
