"""Failed uploads, tried again because someone asks for it."""

import sqlite3

from ..model.rank import Rank
from . import budgets


def retry_failed(connection: sqlite3.Connection, *, now: float, limit: int = -1) -> int:
    """Let failed uploads be tried again; return how many, `limit` at most.

    Live snapshots are not among them: Frigate keeps none. What failed after
    `now` is not either, so that one may repeat this until there are none.
    """
    retried = _retry(
        connection,
        f"SELECT id FROM uploads WHERE {_FAILED} LIMIT ?4",  # noqa: S608
        (now, Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT, limit),
    )
    return len(retried)


def retry_item(
    connection: sqlite3.Connection, item_id: int, *, now: float
) -> list[str]:
    """Let an item's failed uploads be tried again; return their destinations."""
    return _retry(
        connection,
        f"SELECT id FROM uploads WHERE item_id = ?4 AND {_FAILED}",  # noqa: S608
        (now, Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT, item_id),
    )


_FAILED = (
    "state IN ('gone', 'dropped', 'incomplete')"
    " AND role = 'whole' AND rank != ?2"
    " AND destination_id IN (SELECT id FROM destinations) AND finished <= ?1"
    # One that an earlier version gave up has no range to ask for.
    " AND (rank = ?3 OR (SELECT end FROM files WHERE id = file_id) IS NOT NULL)"
)


def _retry(
    connection: sqlite3.Connection,
    ids: str,
    parameters: tuple[float, Rank, Rank, int],
) -> list[str]:
    rows = connection.execute(
        "UPDATE uploads SET state = 'pending', reason = NULL, clean_up = NULL,"  # noqa: S608
        " retry_at = 0, expected_at = ?1, finished = NULL, is_acknowledged = 0,"
        # The spool may hold the file for another destination.
        " is_ready = EXISTS (SELECT 1 FROM files WHERE id = file_id"
        " AND state = 'spooled')"
        f" WHERE id IN ({ids}) RETURNING file_id, destination_id",
        parameters,
    ).fetchall()
    now = parameters[0]
    for file_id in {row["file_id"] for row in rows}:
        connection.execute(
            "UPDATE files SET state = 'wanted', due = ?, attempts = 0 WHERE id = ?"
            " AND state IN ('released', 'wanted')",
            (now, file_id),
        )
        budgets.settle_file(connection, file_id, now=now)
    return [row["destination_id"] for row in rows]
