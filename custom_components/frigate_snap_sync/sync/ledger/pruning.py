"""The history: items that are over, and how they are forgotten."""

import sqlite3

from . import review_objects

_OVER = """
SELECT id FROM items INDEXED BY forgettable_items
    WHERE reported_at < ?1 AND is_open = 0 AND copies = 0
    AND NOT EXISTS
        (SELECT 1 FROM files WHERE item_id = items.id AND state != 'released')
    AND NOT EXISTS
        (SELECT 1 FROM uploads WHERE item_id = items.id
            AND (state = 'pending' OR clean_up IS NOT NULL
                AND destination_id IN (SELECT id FROM destinations)))
    AND NOT EXISTS
        (SELECT 1 FROM live_files WHERE item_id = items.id
            AND (state != 'over' OR clean_up = 1)
            AND destination_id IN (SELECT id FROM destinations))
    ORDER BY reported_at LIMIT ?2
"""


def forget_copies(connection: sqlite3.Connection, *, before: float, limit: int) -> int:
    """Forget the copies at removed destinations whose age counts from before then.

    Returns how many, `limit` at most.
    """
    removed = connection.execute("SELECT id FROM removed_destinations").fetchall()
    count = 0
    for row in removed:
        count += connection.execute(
            "UPDATE uploads SET state = 'cancelled',"
            " reason = 'The destination was removed' WHERE id IN"
            " (SELECT id FROM uploads INDEXED BY aged_uploads"
            " WHERE destination_id = ? AND state = 'verified' AND aged_from < ?"
            " ORDER BY aged_from LIMIT ?)",
            (row["id"], before, limit - count),
        ).rowcount
    return count


def prune(connection: sqlite3.Connection, *, before: float, limit: int) -> int:
    """Forget the oldest items that were reported before then and are over.

    Nothing of them lies anywhere, nothing waits for them, and nothing of them is to be
    removed at a destination that there still is.
    Returns how many, `limit` at most. When destinations were closed before then is
    forgotten as well.
    """
    connection.execute("DELETE FROM closed_periods WHERE end < ?", (before,))
    over = [(row["id"],) for row in connection.execute(_OVER, (before, limit))]
    review_objects.forget(connection, over)
    connection.executemany("DELETE FROM live_files WHERE item_id = ?", over)
    connection.executemany("DELETE FROM uploads WHERE item_id = ?", over)
    connection.executemany("DELETE FROM files WHERE item_id = ?", over)
    connection.executemany("DELETE FROM items WHERE id = ?", over)
    return len(over)
