"""A job of the ledger is one transaction: done wholly or not at all, and flushed."""

import asyncio
from dataclasses import replace
from pathlib import Path
import sqlite3
import threading
from typing import Never

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    LedgerError,
    items,
    schema,
)

from ..waiting import LONG, promptly, until
from .ledgers import Pause, remember
from .samples import ITEM


async def test_what_was_told_is_there_after_a_restart(path: Path) -> None:
    """Also while a review is active."""
    running = replace(ITEM, end=None)
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(items.remember_open, running)
    await ledger.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.run(items.review, ITEM.source_id) == (running, True)
    assert await ledger.run(items.open_reviews) == [running]
    await ledger.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_a_failing_job_changes_nothing(path: Path) -> None:
    """A job is one transaction."""

    def fail(connection: sqlite3.Connection) -> Never:
        items.remember_open(connection, ITEM)
        raise RuntimeError("in the middle")

    ledger = Ledger(path)
    await ledger.open()
    with pytest.raises(RuntimeError):
        await ledger.run(fail)
    assert await ledger.run(items.open_reviews) == []
    await ledger.close()


async def test_a_job_once_begun_is_finished(path: Path) -> None:
    """Also if no destination waits for it any more."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)
        items.remember_open(connection, ITEM)

    ledger = Ledger(path)
    await ledger.open()
    task = asyncio.create_task(ledger.run(slow))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    go_on.set()
    assert len(await ledger.run(items.open_reviews)) == 1
    with pytest.raises(asyncio.CancelledError):
        await task
    await ledger.close()


async def test_jobs_that_wait_share_a_commit(path: Path) -> None:
    """A flush of the disk takes longer than all of them."""
    ledger = Ledger(path)
    await ledger.open()
    pause = Pause()
    assert await pause.gather(ledger, *map(remember, range(50))) == list(range(50))
    # That of the pause, and that of the fifty.
    assert pause.statements.count("COMMIT") == 2
    assert len(await ledger.run(items.open_reviews)) == 50
    await ledger.close()


async def test_a_job_that_fails_leaves_those_beside_it_alone(path: Path) -> None:
    """Each is done wholly or not at all, for itself."""

    def fail(connection: sqlite3.Connection) -> Never:
        remember(9)(connection)
        raise RuntimeError("in the middle")

    ledger = Ledger(path)
    await ledger.open()
    one, error, other = await Pause().gather(ledger, remember(1), fail, remember(2))
    assert (one, other) == (1, 2)
    assert isinstance(error, RuntimeError)
    reviews = await ledger.run(items.open_reviews)
    assert [review.source_id for review in reviews] == ["2", "1"]
    await ledger.close()


async def test_nobody_is_told_of_success_that_was_undone(path: Path) -> None:
    """SQLite undoes all that shares a transaction where a disk is at its end."""

    def give_up(connection: sqlite3.Connection) -> Never:
        connection.rollback()
        raise sqlite3.OperationalError("database or disk is full")

    ledger = Ledger(path)
    await ledger.open()
    results = await Pause().gather(ledger, remember(1), give_up, remember(2))
    assert [type(each) for each in results] == [LedgerError] * 3
    assert await ledger.run(items.open_reviews) == []
    assert await ledger.run(remember(1)) == 1
    await ledger.close()


async def test_each_commit_is_flushed(path: Path) -> None:
    """In WAL mode SQLite does so at FULL alone: NORMAL loses the last ones."""
    ledger = Ledger(path)
    await ledger.open()
    pragma = (
        "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous"
    )
    found = await ledger.run(lambda connection: connection.execute(pragma).fetchone())
    assert tuple(found) == ("wal", 2)
    await ledger.close()


async def test_a_disk_that_hangs_holds_up_no_stop(path: Path) -> None:
    """What was begun is finished by itself, and the file closed after it."""
    ledger = Ledger(path, close_timeout=0.1)
    await ledger.open()
    pause = Pause()
    job = asyncio.create_task(ledger.run(pause.job))
    await asyncio.to_thread(pause.begun.wait, LONG)
    async with promptly():
        await ledger.close()
    pause.over.set()
    await job
    await until(lambda: not path.with_name("one.db-wal").exists())
    # Its thread ends a moment after the file is closed.
    await until(
        lambda: (
            not any(
                thread.name.startswith("frigate_snap_sync")
                for thread in threading.enumerate()
            )
        )
    )


async def test_a_job_that_nobody_waits_for_is_left_out(path: Path) -> None:
    """One that has not begun when its caller is cancelled; others go on."""
    ledger = Ledger(path)
    await ledger.open()
    pause = Pause()
    held = asyncio.create_task(ledger.run(pause.job))
    await asyncio.to_thread(pause.begun.wait, LONG)
    cancelled = asyncio.create_task(ledger.run(remember(1)))
    other = asyncio.create_task(ledger.run(remember(2)))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    pause.over.set()
    async with promptly():
        await held
        assert await other == 2
    reviews = await ledger.run(items.open_reviews)
    assert [review.source_id for review in reviews] == ["2"]
    await ledger.close()


async def test_sqlite_s_errors_have_one_class(path: Path) -> None:
    """Whoever calls needs to know only one."""

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM nowhere")

    ledger = Ledger(path)
    await ledger.open()
    with pytest.raises(LedgerError, match="nowhere"):
        await ledger.run(fail)
    await ledger.close()
