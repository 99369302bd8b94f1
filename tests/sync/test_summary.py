"""Summaries: what was uploaded in some time, added up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
import sqlite3
import time
from zoneinfo import ZoneInfo

import pytest

from custom_components.frigate_snap_sync.sync.ledger import summaries
from custom_components.frigate_snap_sync.sync.model.item import Item, Media
from custom_components.frigate_snap_sync.sync.model.summary import (
    Counts,
    Summary,
    SummaryRow,
    days_of,
)

from .conftest import Bench, setup, until
from .fakes import FULL_IMAGE, FakeDestination
from .ledgers import with_copies
from .samples import LIVE, RECORDING

BERLIN = ZoneInfo("Europe/Berlin")


def row(**changes: object) -> SummaryRow:
    """Return a row with one copy of seven bytes."""
    values: dict[str, object] = {
        "day": "2026-11-22",
        "camera": "front_door",
        "media": "recording",
        "labels": ("person",),
        "destination_id": "nas",
        "counts": Counts(copies=1, bytes=7),
    }
    return SummaryRow(**(values | changes))  # type: ignore[arg-type]


def test_sums() -> None:
    """Each key gets its share; a row with two labels counts for both, once in all."""
    summary = Summary(
        rows=(
            row(labels=("car", "person"), counts=Counts(copies=2, bytes=14, failed=1)),
            row(day="2026-11-23", counts=Counts(parts=3, part_bytes=9)),
        )
    )
    assert summary.total == Counts(copies=2, bytes=14, parts=3, part_bytes=9, failed=1)
    assert summary.by(lambda each: each.labels) == {
        "car": Counts(copies=2, bytes=14, failed=1),
        "person": summary.total,
    }
    assert list(summary.by(lambda each: (each.day,))) == ["2026-11-22", "2026-11-23"]
    assert Summary().total == Counts()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # Within a day; over a midnight; the longest and the shortest day of a year.
        ("2026-11-22T09:00", "2026-11-22T10:00", [("2026-11-22", 1)]),
        (
            "2026-11-22T23:00",
            "2026-11-24T01:00",
            [("2026-11-22", 1), ("2026-11-23", 24), ("2026-11-24", 1)],
        ),
        ("2026-10-25T00:00", "2026-10-26T00:00", [("2026-10-25", 25)]),
        ("2026-03-29T00:00", "2026-03-30T00:00", [("2026-03-29", 23)]),
        ("2026-11-22T10:00", "2026-11-22T10:00", []),
    ],
)
def test_days(start: str, end: str, expected: list[tuple[str, int]]) -> None:
    """A day is one of the owner's time zone, with as many hours as it has there."""
    found = days_of(
        datetime.fromisoformat(start).replace(tzinfo=BERLIN).astimezone(UTC),
        datetime.fromisoformat(end).replace(tzinfo=BERLIN).astimezone(UTC),
        BERLIN,
    )
    assert [
        (day.isoformat(), (until - begin) / 3600) for day, begin, until in found
    ] == expected


def keep(
    connection: sqlite3.Connection,
    item: Item,
    *files: tuple[str, str, int | None],
    destination: str = "nas",
) -> None:
    """Keep an item whose files have a role, a state and a size at a destination."""
    item_id = connection.execute(
        "INSERT INTO items (media, source_id, camera, label, labels, zones, start,"
        " reported_at, is_open) VALUES (?, ?, ?, ?, ?, '[]', ?, 0, 0)"
        " ON CONFLICT (media, source_id) DO UPDATE SET is_open = 0 RETURNING id",
        (
            item.media,
            item.source_id,
            item.camera,
            item.label,
            json.dumps(sorted(item.labels)),
            item.start,
        ),
    ).fetchone()[0]
    for number, (role, state, size) in enumerate(files):
        file_id = connection.execute(
            "INSERT INTO files (item_id, role, number, rank, state, due)"
            " VALUES (?, ?, ?, 0, 'released', 0) RETURNING id",
            (item_id, f"{role}", number + 100 * (destination != "nas")),
        ).fetchone()[0]
        connection.execute(
            "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
            " path_key, state, rank, expected_at, size, item_start)"
            " VALUES (?1, ?2, ?3, ?4, '', ?2, ?2, ?5, 0, 0, ?6, ?7)",
            (item_id, file_id, destination, role, state, size, item.start),
        )


def of_day(connection: sqlite3.Connection, **changes: object) -> list[SummaryRow]:
    """Return what there is of the first 2000 seconds since 1970."""
    values: dict[str, object] = {"day": "1970-01-01", "start": 0, "end": 2000}
    return summaries.of_day(
        connection,
        ["nas"],
        **(values | changes),  # type: ignore[arg-type]
    )


def test_what_counts(connection: sqlite3.Connection) -> None:
    """What has arrived, though retention deleted it since; parts, and losses, apart."""
    keep(
        connection,
        RECORDING,
        ("whole", "verified", 100),
        ("whole", "expired", 50),
        ("part", "verified", 7),
        ("part", "superseded", 9),
        ("whole", "gone", None),
        ("whole", "pending", None),
    )
    keep(connection, LIVE, ("whole", "verified", 5))
    keep(connection, RECORDING, ("whole", "verified", 1), destination="cloud")
    recording, live = sorted(
        _merged(of_day(connection)).items(), key=lambda each: each[0], reverse=True
    )
    assert recording == (
        "recording",
        Counts(copies=1, bytes=150, parts=1, part_bytes=7, failed=1),
    )
    assert live == ("live_snapshot", Counts(copies=1, bytes=5))
    assert {each.labels for each in of_day(connection)} == {("person",)}
    assert not of_day(connection, camera="attic")
    assert not of_day(connection, start=RECORDING.start + 1)
    assert not of_day(connection, end=RECORDING.start)
    assert _merged(of_day(connection, end=RECORDING.start + 0.1))


def _merged(rows: list[SummaryRow]) -> dict[str, Counts]:
    return Summary(rows=rows).by(lambda each: (each.media,))


def test_labels_of_a_recording(connection: sqlite3.Connection) -> None:
    """All of them."""
    item = replace(RECORDING, labels=frozenset({"person", "car"}))
    keep(connection, item, ("whole", "verified", 1))
    assert [each.labels for each in of_day(connection)] == [("car", "person")]


async def test_of_an_engine(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """What lies at two destinations counts for each."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    bench.tracked_object()
    await until(lambda: bool(nas.media and cloud.media))
    await bench.settled()
    now = datetime.now(UTC)
    week = now - timedelta(days=7)
    summary = await bench.engine.summaries.of(week, now)
    assert summary.total == Counts(copies=2, bytes=2 * len(FULL_IMAGE))
    one = await bench.engine.summaries.of(week, now, destination_id="cloud")
    assert [each.destination_id for each in one.rows] == ["cloud"]
    (found,) = one.rows
    assert (found.camera, found.media, found.labels) == (
        "front_door",
        "snapshot",
        ("person",),
    )
    none = await bench.engine.summaries.of(week, now, camera="back-yard_2")
    assert not none.rows
    early = await bench.engine.summaries.of(week, now - timedelta(days=1))
    assert not early.rows


COPIES: int = 500_000
DAYS: int = 90


def test_half_a_million() -> None:
    """A day takes the ledger's thread for no longer than a moment."""
    connection = with_copies(
        COPIES, media=Media.SNAPSHOTS, seconds=DAYS * 86400 / COPIES, counted=False
    )
    took = []
    found = Counts()
    for day in range(DAYS):
        begin = time.perf_counter()
        rows = summaries.of_day(
            connection,
            ["nas"],
            day=str(day),
            start=day * 86400,
            end=(day + 1) * 86400,
        )
        took.append(time.perf_counter() - begin)
        found += Summary(rows=rows).total
    assert found.copies >= COPIES - 1
    assert max(took) < 0.5
    assert sorted(took)[DAYS // 2] < 0.1
    plans = [
        step["detail"]
        for query in (summaries.ARRIVED, summaries.FAILED)
        for step in connection.execute(f"EXPLAIN QUERY PLAN {query}", ("nas", 0, 1))
    ]
    assert not [plan for plan in plans if plan.startswith("SCAN uploads")]
    connection.close()
