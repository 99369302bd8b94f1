"""Retention: which copies a destination has held for long enough."""

from collections.abc import Iterator
from dataclasses import dataclass
import sqlite3

_FOREVER = 1e18
"""Later than any item begins: with a limit of size alone the age does not matter."""

_STORED = """
SELECT uploads.id AS id, path, uploads.size AS size, uploads.item_start AS start
    FROM uploads INDEXED BY stored_uploads JOIN items ON items.id = uploads.item_id
    WHERE uploads.destination_id = ?1 AND uploads.state = 'verified'
    AND uploads.item_start < ?2 AND items.is_open = 0
    -- Parts, and what would be the only copy, stay while anything of the item waits
    -- elsewhere; while it waits here, everything does.
    AND NOT EXISTS (SELECT 1 FROM uploads AS waiting
        WHERE waiting.item_id = uploads.item_id AND waiting.state = 'pending'
        AND (waiting.destination_id = ?1 OR uploads.role = 'part'
            OR NOT EXISTS (SELECT 1 FROM uploads AS other
                WHERE other.file_id = uploads.file_id AND other.state = 'verified'
                AND other.is_missed = 0 AND other.destination_id != ?1)))
    ORDER BY uploads.item_start, uploads.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A copy whose time is over: its upload, path and bytes, and its item's start."""

    upload_id: int
    path: str
    size: int
    start: float


def clock(connection: sqlite3.Connection, destination_id: str) -> float | None:
    """Return the time by which ages were judged last.

    Before the first time, when the newest copy began; None where there is none.
    """
    row = connection.execute(
        "SELECT retention_clock FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    if row is not None and row["retention_clock"] is not None:
        return float(row["retention_clock"])
    (newest,) = connection.execute(
        "SELECT MAX(item_start) FROM uploads INDEXED BY stored_uploads"
        " WHERE destination_id = ? AND state = 'verified'",
        (destination_id,),
    ).fetchone()
    return None if newest is None else float(newest)


def keep_clock(
    connection: sqlite3.Connection, destination_id: str, *, now: float
) -> None:
    """Keep the time by which ages are judged."""
    connection.execute(
        "UPDATE destinations SET retention_clock = ? WHERE id = ?",
        (now, destination_id),
    )


def expired(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    before: float | None,
    most: int | None,
) -> Iterator[Expired]:
    """Yield the copies whose time is over, the oldest first.

    Those of items that began `before` then, and the oldest until no more than `most`
    bytes are left; None for no such limit.
    """
    row = connection.execute(
        "SELECT stored_bytes FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    excess = 0 if row is None or most is None else row["stored_bytes"] - most
    if excess <= 0 and before is None:
        return
    until = _FOREVER if excess > 0 else before
    for copy in connection.execute(_STORED, (destination_id, until)):
        if excess <= 0 and (before is None or copy["start"] >= before):
            return
        excess -= copy["size"]
        yield Expired(
            upload_id=copy["id"],
            path=copy["path"],
            size=copy["size"],
            start=copy["start"],
        )


def expire(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    before: float | None,
    most: int | None,
    at_once: int,
    now: float,
) -> int:
    """Let the oldest copies expire whose time is over; return how many.

    They are to be removed at the destination. No more than `at_once` wait for that:
    where nothing can be removed, nothing more expires.
    """
    (waiting,) = connection.execute(
        "SELECT COUNT(*) FROM (SELECT 1 FROM uploads WHERE destination_id = ?"
        " AND clean_up IS NOT NULL LIMIT ?)",
        (destination_id, at_once),
    ).fetchone()
    copies = expired(connection, destination_id, before=before, most=most)
    ids = [copy.upload_id for copy, _ in zip(copies, range(at_once - waiting))]  # noqa: B905 - as many as may be
    connection.executemany(
        "UPDATE uploads SET state = 'expired', finished = ?, clean_up = 'file',"
        " reason = 'Its retention is over' WHERE id = ?",
        [(now, upload_id) for upload_id in ids],
    )
    return len(ids)


def is_folder_used(
    connection: sqlite3.Connection, destination_id: str, folder_key: str
) -> bool:
    """Tell whether anything of ours lies, or is to lie, below a folder.

    `folder_key` is what `path_key` makes of its path.
    """
    (is_used,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM uploads WHERE destination_id = ?1"
        # All names that begin with the folder and a slash: `0` comes after that.
        " AND path_key > ?2 || '/' AND path_key < ?2 || '0'"
        " AND (state IN ('pending', 'verified') OR clean_up IS NOT NULL))",
        (destination_id, folder_key),
    ).fetchone()
    return bool(is_used)
