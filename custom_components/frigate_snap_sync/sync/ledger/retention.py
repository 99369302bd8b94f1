"""Retention: which copies a destination has held for long enough."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
import sqlite3

from ..model.retention import EARLIEST
from ..model.status import ExpiredCopies, ExpiredCopy

_FOREVER = 1e18
"""Later than any time: with a limit of size alone the age does not matter."""

_STORED = """
SELECT uploads.id AS id, path, uploads.size AS size, uploads.item_start AS start,
    aged_from
    FROM uploads INDEXED BY aged_uploads JOIN items ON items.id = uploads.item_id
    WHERE uploads.destination_id = ?1 AND uploads.state = 'verified'
    AND uploads.aged_from < ?2 AND items.is_open = 0
    AND items.is_protected = 0
    -- Parts, and what would be the only copy, stay while anything of the item waits
    -- elsewhere; while it waits here, everything does.
    AND NOT EXISTS (SELECT 1 FROM uploads AS waiting
        WHERE waiting.item_id = uploads.item_id AND waiting.state = 'pending'
        AND (waiting.destination_id = ?1 OR uploads.role = 'part'
            OR NOT EXISTS (SELECT 1 FROM uploads AS other
                WHERE other.file_id = uploads.file_id AND other.state = 'verified'
                AND other.is_missed = 0 AND other.destination_id != ?1
                AND other.destination_id IN (SELECT id FROM destinations))))
    ORDER BY uploads.aged_from, uploads.id
"""


_LIVE = """
SELECT live_files.id AS id, path, COALESCE(size, 0) AS size, live_files.start AS start,
    MAX(live_files.start, live_files.start - ahead) AS aged_from
    FROM live_files INDEXED BY kept_live_files LEFT JOIN items ON items.id = item_id
    WHERE destination_id = ?1 AND live_files.state = 'kept'
    AND live_files.start < ?2
    AND MAX(live_files.start, live_files.start - ahead) < ?2
    AND MAX(live_files.start, live_files.start - ahead) >= ?3
    AND (item_id IS NULL OR items.is_open = 0 AND items.is_protected = 0)
    AND NOT EXISTS (SELECT 1 FROM uploads
        WHERE uploads.item_id = live_files.item_id AND uploads.state = 'pending')
    ORDER BY aged_from, live_files.id
"""
"""Live files that may be removed; while no clock was set, it can't be said which are old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A copy whose time is over: its upload, path and bytes, and its item's start.

    Of a live file (`is_live`) its own id and start.
    """

    id: int
    path: str
    size: int
    start: float
    is_live: bool = False


def clock(
    connection: sqlite3.Connection, destination_id: str, *, earliest: float = 0.0
) -> float | None:
    """Return the time by which ages were judged last.

    Before the first time, and where that was before the `earliest` one that a clock may
    show, from when on the newest copy or live file ages; None where there is none.
    """
    row = connection.execute(
        "SELECT retention_clock FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    if row is not None and row["retention_clock"] is not None:
        known = float(row["retention_clock"])
        if known >= earliest:
            return known
    (newest,) = connection.execute(
        "SELECT MAX(start) FROM (SELECT MAX(aged_from) AS start"
        " FROM uploads INDEXED BY aged_uploads"
        " WHERE destination_id = ?1 AND state = 'verified'"
        " UNION ALL SELECT MAX(start, start - ahead)"
        " FROM live_files INDEXED BY kept_live_files"
        " WHERE destination_id = ?1 AND state = 'kept')",
        (destination_id,),
    ).fetchone()
    return None if newest is None else float(newest)


def keep_clock(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    now: float,
    earliest: float = 0.0,
) -> None:
    """Keep the time by which ages are judged.

    A copy whose age would count from before the `earliest` time ages from now on: no
    clock was set when it came.
    """
    connection.execute(
        "UPDATE destinations SET retention_clock = ? WHERE id = ?",
        (now, destination_id),
    )
    connection.execute(
        "UPDATE uploads SET aged_from = ? WHERE id IN (SELECT id"
        " FROM uploads INDEXED BY aged_uploads WHERE destination_id = ?"
        " AND state = 'verified' AND aged_from < ?)",
        (now, destination_id, earliest),
    )


def expired(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    before: float | None,
    most: int | None,
) -> Iterator[Expired]:
    """Yield the copies whose time is over, the oldest first.

    Those whose age counts from `before` then, and the oldest until no more than `most`
    bytes are left; None for no such limit. Protected copies are not among them, nor
    counted: else they would leave no space for new ones. Live files are among them.
    """
    excess = 0
    if most is not None:
        excess = _stored_bytes(connection, destination_id) - most
    if excess > 0:
        excess -= _protected_bytes(connection, destination_id)
    if excess <= 0 and before is None:
        return
    until = _FOREVER if excess > 0 else before
    for aged_from, copy in merge(
        _found(connection.execute(_STORED, (destination_id, until)), is_live=False),
        _found(
            connection.execute(_LIVE, (destination_id, until, EARLIEST)), is_live=True
        ),
        key=lambda found: found[0],
    ):
        is_old = before is not None and aged_from < before
        if is_old or (excess > 0 and copy.size):
            excess -= copy.size
            yield copy
        elif excess <= 0:
            return


def _found(
    rows: Iterable[sqlite3.Row], *, is_live: bool
) -> Iterator[tuple[float, Expired]]:
    """Yield copies, and from when on their age counts."""
    for row in rows:
        yield (
            row["aged_from"],
            Expired(
                id=row["id"],
                path=row["path"],
                size=row["size"],
                start=row["start"],
                is_live=is_live,
            ),
        )


def _stored_bytes(connection: sqlite3.Connection, destination_id: str) -> int:
    """Return the bytes of all copies, and of live files that are not protected."""
    (size,) = connection.execute(
        "SELECT COALESCE((SELECT stored_bytes FROM destinations WHERE id = ?1), 0)"
        " + COALESCE((SELECT SUM(size)"
        " FROM live_files INDEXED BY kept_live_files LEFT JOIN items"
        " ON items.id = item_id WHERE destination_id = ?1"
        " AND live_files.state = 'kept' AND is_protected IS NOT 1), 0)",
        (destination_id,),
    ).fetchone()
    return int(size)


def _protected_bytes(connection: sqlite3.Connection, destination_id: str) -> int:
    (size,) = connection.execute(
        "SELECT COALESCE(SUM(uploads.size), 0) FROM items INDEXED BY protected_items"
        " CROSS JOIN uploads ON uploads.item_id = items.id"
        " WHERE is_protected = 1 AND destination_id = ? AND uploads.state = 'verified'",
        (destination_id,),
    ).fetchone()
    return int(size)


def expired_copies(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    before: float | None,
    most: int | None,
    limit: int,
) -> ExpiredCopies:
    """Return how much `expired` yields, and the first `limit` of it. Changes nothing."""
    rows: list[ExpiredCopy] = []
    count = size = 0
    for copy in expired(connection, destination_id, before=before, most=most):
        count, size = count + 1, size + copy.size
        if count <= limit:
            rows.append(ExpiredCopy(path=copy.path, size=copy.size, start=copy.start))
    return ExpiredCopies(rows=rows, count=count, size=size)


def expire(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    before: float | None,
    most: int | None,
    at_once: int,
    now: float,
) -> tuple[int, bool]:
    """Let the oldest copies expire whose time is over.

    They are to be removed at the destination. No more than `at_once` wait for that:
    where nothing can be removed, nothing more expires. Returns how many have expired,
    and whether there are more whose time is over.
    """
    (waiting,) = connection.execute(
        "SELECT COUNT(*) FROM (SELECT 1 FROM uploads WHERE destination_id = ?1"
        " AND clean_up IS NOT NULL UNION ALL"
        " SELECT 1 FROM live_files INDEXED BY live_clean_ups"
        " WHERE destination_id = ?1 AND clean_up = 1 LIMIT ?2)",
        (destination_id, at_once),
    ).fetchone()
    copies = expired(connection, destination_id, before=before, most=most)
    over = list(islice(copies, max(at_once - waiting, 0)))
    has_more = next(copies, None) is not None
    connection.executemany(
        "UPDATE uploads SET state = 'expired', finished = ?, clean_up = 'file',"
        " reason = 'Its retention is over' WHERE id = ?",
        [(now, copy.id) for copy in over if not copy.is_live],
    )
    connection.executemany(
        "UPDATE live_files SET state = 'expired', clean_up = 1 WHERE id = ?",
        [(copy.id,) for copy in over if copy.is_live],
    )
    return len(over), has_more


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
        " AND (state IN ('pending', 'verified') OR clean_up IS NOT NULL))"
        " OR EXISTS (SELECT 1 FROM live_files WHERE destination_id = ?1"
        " AND path_key > ?2 || '/' AND path_key < ?2 || '0'"
        " AND (state != 'over' OR clean_up = 1))",
        (destination_id, folder_key),
    ).fetchone()
    return bool(is_used)
