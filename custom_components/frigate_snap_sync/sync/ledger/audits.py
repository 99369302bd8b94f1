"""Audits: samples of what should lie at a destination."""

import sqlite3

from ...storage.base import StoredFile


def sample(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    now: float,
    interval: float,
    size: int,
) -> list[tuple[int, StoredFile]]:
    """Return a random sample of verified copies if an audit is due, else nothing.

    What was missed once is not looked for again.
    """
    due = connection.execute(
        "SELECT 1 FROM destinations WHERE id = ? AND last_audit <= ?",
        (destination_id, now - interval),
    ).fetchone()
    if due is None:
        return []
    # Places in the history of all destinations, for it may be too long to look
    # through; so more of them than are wanted.
    first, last, destinations = connection.execute(
        "SELECT (SELECT MIN(id) FROM uploads), (SELECT MAX(id) FROM uploads),"
        " (SELECT COUNT(*) FROM destinations)"
    ).fetchone()
    if first is None:
        return []
    rows = connection.execute(
        "WITH RECURSIVE places (n, place) AS (SELECT 1, ?1 + ABS(RANDOM()) % ?2"
        " UNION ALL SELECT n + 1, ?1 + ABS(RANDOM()) % ?2 FROM places WHERE n < ?3)"
        " SELECT DISTINCT uploads.id AS id, path, size FROM places CROSS JOIN uploads"
        " ON uploads.id = place WHERE destination_id = ?4 AND state = 'verified'"
        " AND is_missed = 0 LIMIT ?5",
        (first, last - first + 1, size * destinations, destination_id, size),
    )
    return [(row["id"], StoredFile(path=row["path"], size=row["size"])) for row in rows]


def end(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    now: float,
    interval: float,
) -> None:
    """Note that an audit has looked at all of its sample, if one was due."""
    connection.execute(
        "UPDATE destinations SET last_audit = ? WHERE id = ? AND last_audit <= ?",
        (now, destination_id, now - interval),
    )


def note_missed(
    connection: sqlite3.Connection, upload_id: int, *, now: float, loss_after: float
) -> bool:
    """Keep in mind that a copy vanished or changed, so that it is reported once.

    One that arrived after `loss_after` is a loss, which the owner is to acknowledge;
    an older one may have been cleared away. Returns whether it was still to be there.
    """
    return bool(
        connection.execute(
            "UPDATE uploads SET is_missed = 1, missed_at = ?,"
            " is_acknowledged = finished < ?"
            " WHERE id = ? AND state = 'verified' AND is_missed = 0",
            (now, loss_after, upload_id),
        ).rowcount
    )
