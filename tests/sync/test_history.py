"""The ledger forgets what is long over, and never looks through all its history."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
import re
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.sync import history
from custom_components.frigate_snap_sync.sync.items import UploadState
from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    counters,
    items,
    outcomes,
    schema,
)
from custom_components.frigate_snap_sync.sync.ledger.history import prune

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .test_ledger import ITEM, fetch, job, wanted


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty ledger in memory, with a camera and a destination."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    schema.migrate(connection)
    counters.see_camera(connection, "front_door")
    counters.keep_destinations(connection, ["nas"], now=0)
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, number: int) -> None:
    """Plan a recording that was told of at that time; its file gets that id."""
    item = replace(ITEM, source_id=str(number), told=number)
    items.plan(connection, item, (wanted("nas", path=f"{number}.mp4"),))


def upload(connection: sqlite3.Connection, number: int) -> None:
    """Bring a recording to its end."""
    fetch(connection, number)
    outcomes.verified(connection, job(connection, "nas").upload_id, size=7, now=number)


def known(connection: sqlite3.Connection) -> list[int]:
    """Return the items that the ledger knows."""
    found = connection.execute("SELECT source_id FROM items ORDER BY id")
    return [int(row["source_id"]) for row in found]


def test_what_is_over_is_forgotten_the_oldest_first(
    connection: sqlite3.Connection,
) -> None:
    """With its files and uploads; counters stay."""
    for number in range(1, 6):
        plan(connection, number)
        upload(connection, number)
    assert prune(connection, before=4, limit=2) == 2
    assert known(connection) == [3, 4, 5]
    assert prune(connection, before=4, limit=2) == 1
    assert prune(connection, before=4, limit=2) == 0
    assert known(connection) == [4, 5]
    for table in ("files", "uploads"):
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608
        assert count == 2
    summary = counters.summary(connection)
    assert summary.destinations["nas"].recordings_uploaded == 5


def test_what_is_not_over_is_kept(connection: sqlite3.Connection) -> None:
    """Whether it waits, goes on, is asked for daily or must be removed somewhere."""
    plan(connection, 1)
    items.remember_open(connection, replace(ITEM, source_id="2", told=2, end=None))
    plan(connection, 3)
    fetch(connection, 2)
    outcomes.verified(connection, job(connection, "nas").upload_id, size=7, now=3)
    connection.execute("UPDATE uploads SET is_litter = 1 WHERE path = '3.mp4'")
    plan(connection, 4)
    connection.execute("UPDATE uploads SET state = 'incomplete' WHERE path = '4.mp4'")
    plan(connection, 5)
    outcomes.finish(connection, 4, UploadState.GONE, "no footage", now=5)
    assert prune(connection, before=9, limit=9) == 1
    assert known(connection) == [1, 2, 3, 4]


async def test_the_engine_forgets_what_catching_up_can_not_ask_about(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be sent once more."""
    monkeypatch.setattr(history, "KEEP", -60.0)
    monkeypatch.setattr(history, "INTERVAL", 0.02)
    bench.options = replace(bench.options, look_back=0)
    nas = FakeDestination()
    engine = await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: nas.media)
    await bench.settled()
    await asyncio.sleep(0.1)
    assert len(await engine.list_uploads()) == 1
    monkeypatch.setattr(history, "MARGIN", -60.0)
    async with asyncio.timeout(5):
        while await engine.list_uploads():
            await asyncio.sleep(0.01)
    assert bench.status.destinations["nas"].snapshots_uploaded == 1


_GROWING = ("items", "files", "uploads")
_SMALL = frozenset(
    re.findall(r"CREATE INDEX (\w+)[^;]*WHERE", "".join(schema.MIGRATIONS))
)
"""Indexes of what waits, which is little."""


async def test_no_job_looks_through_the_history(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cost would grow with every upload; what waits may be looked through."""
    statements: set[str] = set()
    run = Ledger.run

    async def traced(ledger: Ledger, job, *args, **kwargs):  # type: ignore[no-untyped-def]
        def trace(
            connection: sqlite3.Connection, /, *args: object, **kw: object
        ) -> object:
            if job.__name__ not in ("counts_by_state", "list_uploads"):
                connection.set_trace_callback(statements.add)
            else:
                connection.set_trace_callback(None)
            return job(connection, *args, **kw)

        return await run(ledger, trace, *args, **kwargs)

    monkeypatch.setattr(Ledger, "run", traced)
    bench.timing = replace(FAST, audit=0, probe=0.05)
    nas = FakeDestination()
    await bench.start(setup(nas))
    bench.live_snapshot()
    bench.tracked_object()
    start = time.time() - 30
    review = bench.review("new", start=start)
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: len(nas.media) == 3)
    await bench.engine.catch_up()
    await bench.engine.retry_failed()
    await bench.engine.test_destination("nas")
    await bench.settled()
    await bench.stop()
    # So SQLite prints it, but can't read it.
    statements = {re.sub(r"\bInf\b", "9e999", each) for each in statements}
    connection = sqlite3.connect(bench.folder / "ledger" / "one.db")
    plans = {
        statement: [
            row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
        for statement in statements
        if re.match("SELECT|UPDATE|DELETE|INSERT|WITH", statement)
    }
    connection.close()
    assert len(plans) > 30
    for statement, steps in plans.items():
        for step in steps:
            scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
            if scan is None or scan[1] not in _GROWING:
                continue
            assert scan[2] in _SMALL, f"{step} in {statement}"
