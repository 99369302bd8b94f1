"""Exposure: since when something is not protected that should be."""

import sqlite3


def unprotected_since(connection: sqlite3.Connection) -> float | None:
    """Return when the upload was to leave that has been missing longest, None if none.

    What waits for a destination that its owner has paused is missing only while
    no destination at all has it, be it as a part, or as much of it as Frigate gives.
    What a budget holds back is reported by the budget, and what a person asked for by
    name is never late.
    """
    (expected_at,) = connection.execute(
        "SELECT MIN(expected_at) FROM destinations CROSS JOIN uploads"
        " ON destination_id = destinations.id WHERE state = 'pending'"
        " AND uploads.hold IS NULL AND uploads.is_asked = 0"
        " AND (destinations.sending = 1 OR NOT EXISTS (SELECT 1 FROM uploads AS other"
        " WHERE other.file_id = uploads.file_id"
        " AND other.state IN ('verified', 'superseded', 'incomplete')))"
    ).fetchone()
    return None if expected_at is None else float(expected_at)
