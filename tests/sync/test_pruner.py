"""The ledger forgets what is long over, and never looks through all its history."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    cameras,
    destinations,
    items,
    milestones,
    outcomes,
    schema,
    status_summary,
    uploads,
)
from custom_components.frigate_snap_sync.sync.ledger.pruning import prune
from custom_components.frigate_snap_sync.sync.model.item import UploadState
from custom_components.frigate_snap_sync.sync.model.status import CancelFilter
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.pruner import Pruner

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .faults import Job, RunJob
from .ledgers import fetch, job, wanted
from .samples import ITEM
from .services import unopened
from .test_catch_up import review as seen, show

DAY = 86400.0


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty ledger in memory, with a camera and a destination."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    schema.migrate(connection)
    cameras.see_camera(connection, "front_door")
    destinations.keep_destinations(connection, ["nas"], now=0)
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, number: int) -> None:
    """Plan a recording that was told of at that time; its file gets that id."""
    item = replace(ITEM, source_id=str(number), reported_at=number)
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
    assert prune(connection, before=4, limit=2) == 0, "copies lie there"
    connection.execute("UPDATE uploads SET state = 'expired'")
    assert prune(connection, before=4, limit=2) == 2
    assert known(connection) == [3, 4, 5]
    assert prune(connection, before=4, limit=2) == 1
    assert prune(connection, before=4, limit=2) == 0
    assert known(connection) == [4, 5]
    for table in ("files", "uploads"):
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608
        assert count == 2
    summary = status_summary.summary(connection)
    assert summary.destinations["nas"].recordings_uploaded == 5


def test_what_is_not_over_is_kept(connection: sqlite3.Connection) -> None:
    """Whether it waits, goes on, is asked for daily or must be removed somewhere."""
    plan(connection, 1)
    items.remember_open(
        connection, replace(ITEM, source_id="2", reported_at=2, end=None)
    )
    plan(connection, 3)
    fetch(connection, 2)
    outcomes.verified(connection, job(connection, "nas").upload_id, size=7, now=3)
    connection.execute(
        "UPDATE uploads SET state = 'superseded', clean_up = 'file'"
        " WHERE path = '3.mp4'"
    )
    plan(connection, 4)
    connection.execute("UPDATE uploads SET state = 'incomplete' WHERE path = '4.mp4'")
    plan(connection, 5)
    outcomes.finish(connection, 4, UploadState.GONE, "no footage", now=5)
    assert prune(connection, before=9, limit=9) == 1
    assert known(connection) == [1, 2, 3, 4]


@pytest.mark.parametrize("is_late", [True, False])
def test_leftovers_at_a_removed_destination(
    connection: sqlite3.Connection, is_late: bool
) -> None:
    """Nobody will ever remove it; also if a copy fails after the removal."""
    plan(connection, 1)
    fetch(connection, 1)
    upload_id = job(connection, "nas").upload_id
    uploads.started(connection, upload_id, temporary="t.part")
    if not is_late:
        uploads.failed(connection, upload_id, retry_at=5, reason="no")
        outcomes.skip(connection, [upload_id], "not wanted", now=5)
        assert uploads.next_leftover(connection, "nas", exclude=())
        assert prune(connection, before=9, limit=9) == 0
    destinations.keep_destinations(connection, ["cloud"], now=5)
    uploads.failed(connection, upload_id, retry_at=5, reason="closed")
    assert prune(connection, before=9, limit=9) == 1


def test_what_a_destination_that_is_long_gone_would_take(
    connection: sqlite3.Connection,
) -> None:
    """Frigate is asked for it no longer, and it is forgotten."""
    plan(connection, 1)
    connection.execute("UPDATE uploads SET state = 'incomplete'")
    connection.execute("DELETE FROM destinations")
    destinations.keep_destinations(connection, ["cloud"], now=5)
    assert prune(connection, before=9, limit=9) == 1


@pytest.mark.parametrize(
    ("keep", "look_back", "caught_up"),
    [(90, 0, 0), (0, 90, 0), (0, 0, 90)],
    ids=["kept so long", "catching up looks so far", "not caught up for so long"],
)
async def test_how_long_what_is_over_is_kept(
    tmp_path: Path,
    keep: int,
    look_back: int,
    caught_up: int,
) -> None:
    """Each of these limits holds alone (days)."""
    now = time.time()
    ledger = Ledger(tmp_path / "one.db")
    await ledger.open()
    await ledger.run(
        milestones.keep_moment, milestones.CAUGHT_UP, now - caught_up * DAY
    )
    for days in (80, 100):
        item = replace(ITEM, source_id=str(days), reported_at=now - days * DAY)
        await ledger.run(items.plan, item, ())
    services = unopened(ledger=ledger, timing=Timing(keep=keep * DAY))
    assert await Pruner(services, look_back=look_back * DAY).prune() == 1
    assert await ledger.run(known) == [80]
    await ledger.close()


async def test_the_engine_forgets_what_catching_up_can_not_ask_about(
    bench: Bench,
) -> None:
    """It would be sent once more."""
    bench.timing = replace(bench.timing, keep=-60.0, prune=0.02)
    pruned = []

    def note(connection: sqlite3.Connection, **kwargs: Any) -> int:
        pruned.append(prune(connection, **kwargs))
        return pruned[-1]

    bench.faults.jobs[prune] = note
    bench.options = replace(bench.options, look_back=0)
    nas = FakeDestination()
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: nas.media)
    await bench.settled()
    seen = len(pruned)
    await until(lambda: len(pruned) >= seen + 2)
    assert len(await bench.uploads()) == 1
    await bench.engine._ledger.run(  # noqa: SLF001
        sqlite3.Connection.execute, "UPDATE uploads SET state = 'expired'"
    )
    seen = len(pruned)
    await until(lambda: len(pruned) >= seen + 2)
    assert len(await bench.uploads()) == 1
    await bench.stop()
    bench.timing = replace(bench.timing, prune_margin=-60.0)
    await bench.start(setup(nas))

    async def is_forgotten() -> bool:
        return not await bench.uploads()

    await until(is_forgotten)
    assert bench.status.destinations["nas"].live_snapshots_uploaded == 1


_GROWING = ("items", "files", "uploads")
_SMALL = frozenset(re.findall(r"CREATE INDEX (\w+)[^;]*WHERE", schema.TABLES)) - {
    "failed_uploads"
}
"""Indexes of what waits, which is little."""
_ASKED_FOR = ("counts_by_state", "list_uploads")
"""Jobs that a person asks for; they look through all."""
_OF_FAILED = ("summary", "retry_failed", "keep_destinations", "cancel")
"""Jobs that may look through what failed, which is remembered for long."""


def scans(connection: sqlite3.Connection, statement: str) -> list[tuple[str, str]]:
    """Return the growing tables that a statement looks through, and by which index."""
    tables = {alias: table for table, alias in re.findall(r"(\w+) AS (\w+)", statement)}
    found: list[tuple[str, str]] = []
    for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
        step = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row[3])
        if step and (table := tables.get(step[1], step[1])) in _GROWING:
            found.append((table, step[2] or ""))
    return found


def test_what_looks_through_a_table_is_found(connection: sqlite3.Connection) -> None:
    """Whatever name it goes by."""
    for statement, expected in (
        ("SELECT * FROM files", [("files", "")]),
        ("SELECT f.error FROM files AS f", [("files", "")]),
        (
            "SELECT * FROM uploads WHERE state = 'verified'",
            [("uploads", "aged_uploads")],
        ),
        ("SELECT id FROM files WHERE state = 'held'", [("files", "held_files")]),
        ("SELECT * FROM files AS f WHERE id = 1", []),
    ):
        assert scans(connection, statement) == expected


async def test_no_job_looks_through_the_history(bench: Bench) -> None:
    """Its cost would grow with every upload; what waits may be looked through."""
    statements: set[tuple[str, str]] = set()

    async def traced(job: Job, run: RunJob) -> Any:
        def trace(
            connection: sqlite3.Connection, /, *args: object, **kw: object
        ) -> object:
            name = job.__name__
            connection.set_trace_callback(lambda each: statements.add((name, each)))
            return job(connection, *args, **kw)

        return await run(trace)

    bench.faults.run = traced
    bench.timing = replace(FAST, audit=0, probe=0.05, retention=0.05, prune=0.05)
    nas, cloud = FakeDestination(), FakeDestination()
    await bench.start(
        replace(setup(nas), retention_days=1000, retention_size=1 << 40, place="a")
    )
    bench.live_snapshot()
    bench.tracked_object()
    start = time.time() - 30
    review = bench.review("new", start=start)
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: len(nas.media) == 3)
    await bench.engine.catch_up()
    show(bench, replace(seen("visit", -30, -1), id=review))
    await bench.engine.apply_destinations([setup(nas), setup(cloud, name="cloud")])
    assert await bench.engine.catch_up(look_back=60) == 1
    await until(lambda: len(cloud.media) == 1)
    await bench.engine.retry_failed()
    await bench.engine.requests.upload_review(review)
    await bench.engine.requests.upload_range("front_door", start - 60, start, "nas")
    await bench.engine.requests.cancel(CancelFilter(destination_id="nas"))
    await bench.engine.test_destination("nas")
    await bench.engine.drills.run("front_door")
    now = datetime.now(UTC)
    await bench.engine.summaries.of(now - timedelta(days=1), now)
    await bench.settled()
    await bench.engine.apply_destinations([replace(setup(nas), place="b")])
    await bench.stop()
    connection = sqlite3.connect(bench.folder / "ledger" / "one.db")
    looked_at = 0
    for job_name, statement in statements:
        if job_name in _ASKED_FOR:
            continue
        if not re.match("SELECT|UPDATE|DELETE|INSERT|WITH", statement):
            continue
        looked_at += 1
        # So SQLite prints it, but can't read it.
        readable = re.sub(r"\bInf\b", "9e999", statement)
        for table, index in scans(connection, readable):
            may_be_seen = index in _SMALL or (
                index == "failed_uploads" and job_name in _OF_FAILED
            )
            assert may_be_seen, f"{job_name} looks through {table}: {statement}"
    connection.close()
    assert looked_at > 30
    names = {name for name, _ in statements}
    assert {"expire", "clock", "prune", "settle", "to_look_for"} <= names
