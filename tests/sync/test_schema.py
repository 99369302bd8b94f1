"""Ledgers of earlier versions: each is brought to the newest one and used."""

from pathlib import Path
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import schema

from .conftest import Bench, setup
from .fakes import FakeDestination

LEDGERS = Path(__file__).parents[1] / "fixtures" / "ledgers"


def columns(connection: sqlite3.Connection) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of all tables."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {
        table: sorted(
            (name, kind)
            for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
        )
        for (table,) in tables.fetchall()
    }


def indexes(connection: sqlite3.Connection) -> dict[str, str]:
    """Return how the indexes and triggers were made, by their names."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_schema"
        " WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    )
    return {name: " ".join(sql.split()) for name, sql in rows}


@pytest.mark.parametrize("dump", sorted(LEDGERS.iterdir()), ids=lambda path: path.stem)
async def test_an_old_ledger_is_used(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, dump: Path
) -> None:
    """A running engine of that version wrote it: with a queue, and an open review."""
    path = bench.folder / "ledger" / "one.db"
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(dump.read_text())
    (version,) = old.execute("PRAGMA user_version").fetchone()
    verified, pending = old.execute(
        "SELECT COUNT(*) FILTER (WHERE state = 'verified'),"
        " COUNT(*) FILTER (WHERE state = 'pending') FROM uploads"
    ).fetchone()
    old.close()
    assert version == int(dump.stem.removeprefix("schema-")) < schema.VERSION
    assert pending

    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await bench.pending(0)
    assert len(cloud.media) == pending
    counts = (await bench.engine.diagnostics())["counts"]
    assert counts["uploads"]["verified"] == verified + pending
    await bench.stop()

    new = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(new)
    migrated = sqlite3.connect(path)
    assert migrated.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert columns(migrated) == columns(new)
    assert indexes(migrated) == indexes(new)
    migrated.close()
    new.close()
