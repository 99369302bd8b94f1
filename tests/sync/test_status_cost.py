"""What a status costs: it is asked for after every upload, for years."""

import sqlite3

from custom_components.frigate_snap_sync.sync.ledger import schema, status_summary

COPIES = 20_000


def _steps(copies: int) -> int:
    """Return the steps of SQLite's machine, in hundreds, that a status takes."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    connection.execute("INSERT INTO destinations (id, since) VALUES ('nas', 0)")
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO items (id, media, source_id, camera, label, labels, zones, start,"
        " reported_at, is_open) SELECT i, 'recordings', i, 'front_door', 'person', '[]',"
        " '[]', i, 0, 0 FROM n",
        (copies,),
    )
    connection.executescript(
        "INSERT INTO files (id, item_id, role, number, rank, state, due)"
        " SELECT id, id, 'whole', 1, 0, 'released', 0 FROM items;"
        "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
        " path_key, state, rank, expected_at, size, item_start, finished) SELECT id, id,"
        " 'nas', 'whole', '', id, id, 'verified', 0, 0, 7, start, start FROM items;"
        "UPDATE uploads SET state = 'gone' WHERE id % 1000 = 1;"
    )
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    connection.set_progress_handler(count, 100)
    assert status_summary.summary(connection).losses.count == copies // 1000
    connection.close()
    return steps


def test_it_does_not_grow_with_what_has_arrived() -> None:
    """Twenty losses among twenty thousand copies cost as those twenty alone."""
    assert _steps(COPIES) < COPIES / 100
