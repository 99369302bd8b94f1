"""Uploads: one file at one destination, from pending to a final state."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..items import Media, Rank, UploadState


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadJob:
    """An upload whose file lies in the spool.

    `temporary` is the name that an earlier try may have left at the destination.
    """

    upload_id: int
    file_id: int
    path: str
    spool_name: str
    size: int
    attempts: int
    temporary: str | None


def next_uploads(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    stills: bool,
    now: float,
    exclude: Collection[int],
    limit: int,
) -> list[UploadJob]:
    """Return the uploads that are ready, stills or clips, in the order of work."""
    first, last = (
        (Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT)
        if stills
        else (Rank.ALERT_CLIP, Rank.DETECTION_CLIP)
    )
    rows = connection.execute(
        "SELECT uploads.id AS upload_id, file_id, path, spool_name, files.size AS size,"
        " uploads.attempts AS attempts, temporary"
        " FROM uploads JOIN files ON files.id = file_id"
        " WHERE destination_id = ? AND uploads.state = 'pending' AND is_ready = 1"
        " AND uploads.rank BETWEEN ? AND ? AND retry_at <= ?"
        " ORDER BY uploads.rank, uploads.id LIMIT ?",
        (destination_id, first, last, now, limit + len(exclude)),
    )
    jobs = [UploadJob(**row) for row in rows if row["upload_id"] not in exclude]
    return jobs[:limit]


def next_retry(
    connection: sqlite3.Connection, destination_id: str, *, after: float
) -> float | None:
    """Return when the next upload that waits for its retry may be tried, or None."""
    moment = connection.execute(
        "SELECT MIN(retry_at) FROM uploads WHERE destination_id = ?"
        " AND state = 'pending' AND is_ready = 1 AND retry_at > ?",
        (destination_id, after),
    ).fetchone()[0]
    return None if moment is None else float(moment)


def started(connection: sqlite3.Connection, upload_id: int, *, temporary: str) -> None:
    """Note the temporary name of a try that is about to begin."""
    connection.execute(
        "UPDATE uploads SET temporary = ?, attempts = attempts + 1 WHERE id = ?",
        (temporary, upload_id),
    )


def failed(
    connection: sqlite3.Connection, upload_id: int, *, retry_at: float, reason: str
) -> None:
    """Note why a try failed and when the next one may begin."""
    connection.execute(
        "UPDATE uploads SET retry_at = ?, reason = ? WHERE id = ?",
        (retry_at, reason, upload_id),
    )


def verified(
    connection: sqlite3.Connection, upload_id: int, *, size: int, now: float
) -> str | None:
    """Note that a copy arrived whole, and count it.

    Returns the spool name that nobody needs any more, if so.
    """
    row = connection.execute(
        "UPDATE uploads SET state = ?, reason = NULL, temporary = NULL, size = ?,"
        " finished = ? WHERE id = ? AND state = 'pending'"
        " RETURNING item_id, file_id, destination_id",
        (UploadState.VERIFIED, size, now, upload_id),
    ).fetchone()
    if row is None:
        return None  # The destination was removed meanwhile.
    connection.execute(
        "UPDATE destinations SET data_uploaded = data_uploaded + ?, last_upload = ?"
        " WHERE id = ?",
        (size, now, row["destination_id"]),
    )
    connection.execute(
        "UPDATE cameras SET last_upload = ?"
        " WHERE name = (SELECT camera FROM items WHERE id = ?)",
        (now, row["item_id"]),
    )
    _count(connection, row["item_id"], row["destination_id"])
    return release(connection, row["file_id"])


def finish(
    connection: sqlite3.Connection,
    file_id: int,
    state: UploadState,
    reason: str,
    *,
    now: float,
) -> str | None:
    """End a file's pending uploads in another state than verified.

    Returns the spool name that nobody needs any more, if so.
    """
    rows = connection.execute(
        "UPDATE uploads SET state = ?, reason = ?, finished = ?"
        " WHERE file_id = ? AND state = 'pending' RETURNING item_id, destination_id",
        (state, reason, now, file_id),
    ).fetchall()
    for row in rows:
        _count(connection, row["item_id"], row["destination_id"])
    return release(connection, file_id)


def finish_without_footage(
    connection: sqlite3.Connection, file_id: int, reason: str, *, now: float
) -> str | None:
    """End a file's pending uploads since Frigate has no footage of it.

    A piece of a longer recording is skipped, unless no piece has any footage.
    Returns the spool name that nobody needs any more, if so.
    """
    (item_id, pieces) = connection.execute(
        "SELECT item_id, (SELECT COUNT(*) FROM files AS f"
        " WHERE f.item_id = files.item_id) FROM files WHERE id = ?",
        (file_id,),
    ).fetchone()
    if pieces == 1:
        return finish(connection, file_id, UploadState.GONE, reason, now=now)
    name = finish(connection, file_id, UploadState.SKIPPED, reason, now=now)
    connection.execute(
        "UPDATE uploads SET state = 'gone' WHERE item_id = ?1 AND destination_id IN"
        " (SELECT destination_id FROM uploads WHERE item_id = ?1"
        " GROUP BY destination_id HAVING MIN(state) = 'skipped'"
        " AND MAX(state) = 'skipped')",
        (item_id,),
    )
    return name


def cancel(
    connection: sqlite3.Connection, destination_id: str, *, now: float
) -> list[str]:
    """Cancel a removed destination's pending uploads; return spool names to remove."""
    rows = connection.execute(
        "UPDATE uploads SET state = ?, reason = ?, finished = ?"
        " WHERE destination_id = ? AND state = 'pending' RETURNING item_id, file_id",
        (UploadState.CANCELLED, "The destination was removed", now, destination_id),
    ).fetchall()
    for item_id in {row["item_id"] for row in rows}:
        _count_for_camera(connection, item_id)
    names = (release(connection, row["file_id"]) for row in rows)
    return [name for name in names if name]


def release(connection: sqlite3.Connection, file_id: int) -> str | None:
    """Let a file go that no upload waits for; return its spool name if it had one."""
    row = connection.execute(
        "SELECT spool_name, EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'pending') AS needed FROM files WHERE id = ?",
        (file_id,),
    ).fetchone()
    if row["needed"]:
        return None
    connection.execute(
        "UPDATE files SET state = 'released', spool_name = NULL WHERE id = ?",
        (file_id,),
    )
    name: str | None = row["spool_name"]
    return name


def _count(connection: sqlite3.Connection, item_id: int, destination_id: str) -> None:
    """Count an item for a destination, and for its camera, once it has all of it."""
    states = _states(connection, item_id, destination_id)
    if _is_complete(states):
        connection.execute(
            "UPDATE destinations SET snapshots_uploaded = snapshots_uploaded + ?,"
            " recordings_uploaded = recordings_uploaded + ? WHERE id = ?",
            (*_increments(connection, item_id), destination_id),
        )
        _count_for_camera(connection, item_id)


def _count_for_camera(connection: sqlite3.Connection, item_id: int) -> None:
    states = _states(connection, item_id, None) - {UploadState.CANCELLED}
    if not _is_complete(states):
        return
    changed = connection.execute(
        "UPDATE items SET counted = 1 WHERE id = ? AND counted = 0", (item_id,)
    ).rowcount
    if changed:
        connection.execute(
            "UPDATE cameras SET snapshots_uploaded = snapshots_uploaded + ?,"
            " recordings_uploaded = recordings_uploaded + ?"
            " WHERE name = (SELECT camera FROM items WHERE id = ?)",
            (*_increments(connection, item_id), item_id),
        )


def _is_complete(states: set[str]) -> bool:
    """Tell whether all pieces are there (a piece without footage is skipped)."""
    return UploadState.VERIFIED in states and states <= {
        UploadState.VERIFIED,
        UploadState.SKIPPED,
    }


def _states(
    connection: sqlite3.Connection, item_id: int, destination_id: str | None
) -> set[str]:
    rows = connection.execute(
        "SELECT DISTINCT state FROM uploads WHERE item_id = ?1"
        " AND (?2 IS NULL OR destination_id = ?2)",
        (item_id, destination_id),
    )
    return {row["state"] for row in rows}


def _increments(connection: sqlite3.Connection, item_id: int) -> tuple[int, int]:
    """Return what an item adds to the snapshots and to the recordings."""
    (media,) = connection.execute(
        "SELECT media FROM items WHERE id = ?", (item_id,)
    ).fetchone()
    return (0, 1) if media == Media.RECORDINGS else (1, 0)
