"""Audits: samples of what should lie at a destination."""

from collections.abc import Collection
import sqlite3

from ...storage.base import StoredFile


def begin(
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
        "UPDATE destinations SET last_audit = ? WHERE id = ? AND last_audit <= ?",
        (now, destination_id, now - interval),
    ).rowcount
    if not due:
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


def note_missed(
    connection: sqlite3.Connection, upload_ids: Collection[int], *, loss_after: float
) -> None:
    """Keep in mind that copies vanished or changed, so that it is told once.

    Those that arrived after `loss_after` are losses, which the owner is to
    acknowledge; older ones may have been cleared away.
    """
    connection.executemany(
        "UPDATE uploads SET is_missed = 1, is_acknowledged = finished < ?"
        " WHERE id = ? AND state = 'verified'",
        [(loss_after, upload_id) for upload_id in upload_ids],
    )
