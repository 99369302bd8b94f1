"""Uploads: one file at one destination, from pending to a final state."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..items import Item, Rank, Role
from ..naming import path_key
from .items import free_path, item_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadJob:
    """An upload whose file lies in the spool.

    `temporary` is the name that an earlier try may have left at the destination.
    """

    upload_id: int
    file_id: int
    item: Item
    role: Role
    rank: Rank
    path: str
    spool_name: str
    size: int
    sha256: str
    attempts: int
    temporary: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Litter:
    """What is to be removed at a destination: a superseded file, or a rest of it."""

    upload_id: int
    path: str
    temporary: str | None


def next_uploads(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    ranks: Collection[Rank],
    now: float,
    exclude: Collection[int],
    limit: int,
) -> list[UploadJob]:
    """Return the uploads of these neighboring ranks that are ready, in order."""
    rows = connection.execute(
        "SELECT items.*, uploads.id AS upload_id, file_id, uploads.role AS role,"
        " uploads.rank AS rank, path, spool_name, files.size AS size, sha256,"
        " uploads.attempts AS attempts, temporary"
        " FROM uploads JOIN files ON files.id = file_id"
        " JOIN items ON items.id = uploads.item_id"
        " WHERE destination_id = ? AND uploads.state = 'pending' AND is_ready = 1"
        " AND uploads.rank BETWEEN ? AND ? AND retry_at <= ?"
        " ORDER BY uploads.rank, uploads.id LIMIT ?",
        (destination_id, min(ranks), max(ranks), now, limit + len(exclude)),
    )
    jobs = [
        UploadJob(
            upload_id=row["upload_id"],
            file_id=row["file_id"],
            item=item_of(row),
            role=Role(row["role"]),
            rank=Rank(row["rank"]),
            path=row["path"],
            spool_name=row["spool_name"],
            size=row["size"],
            sha256=row["sha256"],
            attempts=row["attempts"],
            temporary=row["temporary"],
        )
        for row in rows
        if row["upload_id"] not in exclude
    ]
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
    """Note why a try failed and when the next one may begin.

    What is no longer wanted is not tried again; its rest is to be removed.
    """
    connection.execute(
        "UPDATE uploads SET retry_at = ?, reason = ?,"
        " is_litter = state != 'pending' AND temporary IS NOT NULL WHERE id = ?",
        (retry_at, reason, upload_id),
    )


def rename(
    connection: sqlite3.Connection,
    job: UploadJob,
    destination_id: str,
    *,
    taken: Collection[str],
) -> str:
    """Give an upload another name than those that something else has; return it."""
    path = free_path(
        connection, destination_id, job.path, job.item.short_id, taken=taken
    )
    connection.execute(
        "UPDATE uploads SET path = ?, path_key = ? WHERE id = ?",
        (path, path_key(path), job.upload_id),
    )
    return path


def waiting(connection: sqlite3.Connection, file_id: int) -> list[tuple[str, str]]:
    """Return the destinations that wait for a whole, each with its path there."""
    rows = connection.execute(
        "SELECT destination_id, path FROM uploads WHERE file_id = ?"
        " AND state = 'pending' AND role = 'whole'",
        (file_id,),
    )
    return [(row["destination_id"], row["path"]) for row in rows]


def destinations_of(connection: sqlite3.Connection, file_id: int) -> list[str]:
    """Return the destinations that wait for a file."""
    rows = connection.execute(
        "SELECT destination_id FROM uploads WHERE file_id = ? AND state = 'pending'",
        (file_id,),
    )
    return [row["destination_id"] for row in rows]


def pending_items(
    connection: sqlite3.Connection, destination_id: str
) -> list[tuple[int, Item]]:
    """Return a destination's pending uploads, each with its item."""
    rows = connection.execute(
        "SELECT items.*, uploads.id AS upload_id FROM uploads"
        " JOIN items ON items.id = item_id"
        " WHERE destination_id = ? AND state = 'pending'",
        (destination_id,),
    )
    return [(row["upload_id"], item_of(row)) for row in rows]


def next_litter(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    exclude: Collection[int],
) -> Litter | None:
    """Return one upload of which something is to be removed at the destination."""
    rows = connection.execute(
        "SELECT id AS upload_id, path, temporary FROM uploads"
        " WHERE destination_id = ? AND is_litter = 1 ORDER BY id LIMIT ?",
        (destination_id, 1 + len(exclude)),
    )
    return next(
        (Litter(**row) for row in rows if row["upload_id"] not in exclude), None
    )


def removed(connection: sqlite3.Connection, upload_id: int) -> None:
    """Note that nothing of an upload lies at the destination any more."""
    connection.execute(
        "UPDATE uploads SET is_litter = 0, temporary = NULL WHERE id = ?", (upload_id,)
    )
