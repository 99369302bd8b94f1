"""Uploads: one file at one destination, from pending to a final state."""

from collections.abc import Collection
from dataclasses import dataclass, replace
import sqlite3

from ...storage.base import StoredFile
from ...storage.read_back import Content
from ..model.item import Item, Role
from ..model.naming import path_key, retried
from ..model.plans import ToRemove
from ..model.rank import Rank
from .items import free_path, item_of
from .turns import first_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadJob:
    """An upload whose file lies in the spool, or is on its way into it.

    `temporary` is the name that an earlier try may have left at the destination,
    and `tried` what it sent.
    """

    upload_id: int
    file_id: int
    item: Item
    role: Role
    rank: Rank
    path: str
    spool_name: str
    content: Content
    attempts: int
    temporary: str | None
    tried: Content | None
    is_downloading: bool = False
    """Its file still comes from Frigate: there is no `spool_name` or hash yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something of an upload that is to be removed at its destination.

    `tried` is what the last try sent: if that lies there, the file is a copy. `since`
    is when it ended (epoch seconds), if that is known. One that `was_found` where its
    destination is now may be another file of the same name and size. A copy that has
    expired, or was missed once, has lain there for long: it is only removed while it has
    the size that is `expected`.
    """

    upload_id: int
    path: str
    temporary: str | None
    tried: Content | None
    what: ToRemove
    since: float | None = None
    was_found: bool = False
    expected: StoredFile | None = None
    """What must lie there, if it is looked at first."""


_TURNS = (
    # As with fetching: fresh footage must not wait behind what may be days of it.
    f"fresh_uploads WHERE ended_at >= :fresh AND rank <= {Rank.ALERT_CLIP:d}",
    "ready_uploads WHERE TRUE",
)


def next_uploads(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    ranks: Collection[Rank],
    now: float,
    exclude: Collection[int],
    limit: int,
    fresh_for: float = 0,
) -> list[UploadJob]:
    """Return the uploads of these neighboring ranks that are ready, in order.

    What shows the last `fresh_for` seconds goes first.
    """
    return first_jobs(
        connection,
        (
            "SELECT items.*, turn.id AS upload_id, file_id, turn.role AS role,"  # noqa: S608
            " turn.rank AS rank, path, spool_name, files.size AS size, sha256,"
            " turn.attempts AS attempts, temporary, tried_size, tried_sha256"
            f" FROM (SELECT * FROM uploads INDEXED BY {turn}"
            " AND destination_id = :destination AND state = 'pending' AND is_ready = 1"
            " AND rank BETWEEN :first AND :last AND retry_at <= :now"
            " ORDER BY rank, id LIMIT :limit) AS turn"
            " JOIN files ON files.id = file_id"
            " JOIN items ON items.id = turn.item_id"
            " ORDER BY turn.rank, turn.id"
            for turn in _TURNS
        ),
        ranks=ranks,
        now=now,
        exclude=exclude,
        limit=limit,
        fresh_for=fresh_for,
        key="upload_id",
        job=_job,
        destination=destination_id,
    )


def _job(row: sqlite3.Row) -> UploadJob:
    return UploadJob(
        upload_id=row["upload_id"],
        file_id=row["file_id"],
        item=item_of(row),
        role=Role(row["role"]),
        rank=Rank(row["rank"]),
        path=row["path"],
        spool_name=row["spool_name"],
        content=Content(size=row["size"], sha256=row["sha256"]),
        attempts=row["attempts"],
        temporary=row["temporary"],
        tried=_tried(row),
    )


def next_downloading(
    connection: sqlite3.Connection,
    destination_id: str,
    file_ids: Collection[int],
    *,
    ranks: Collection[Rank],
    exclude: Collection[int],
) -> UploadJob | None:
    """Return the first upload of files that are being downloaded, if it is its first try."""
    rows = [
        connection.execute(
            "SELECT items.*, uploads.id AS upload_id, file_id, uploads.role AS role,"
            " uploads.rank AS rank, path, attempts, temporary, tried_size,"
            " tried_sha256, '' AS spool_name, 0 AS size, '' AS sha256"
            " FROM uploads JOIN items ON items.id = item_id WHERE file_id = ?"
            " AND destination_id = ? AND state = 'pending' AND is_ready = 0"
            " AND hold IS NULL AND attempts = 0 AND temporary IS NULL",
            (file_id, destination_id),
        ).fetchone()
        for file_id in file_ids
    ]
    jobs = [replace(_job(row), is_downloading=True) for row in rows if row is not None]
    return min(
        (job for job in jobs if job.rank in ranks and job.upload_id not in exclude),
        key=lambda job: (job.rank, job.upload_id),
        default=None,
    )


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


def retry_now(connection: sqlite3.Connection, destination_id: str) -> None:
    """Let nothing wait for its retry any more."""
    connection.execute(
        "UPDATE uploads SET retry_at = 0 WHERE destination_id = ?"
        " AND state = 'pending' AND is_ready = 1 AND retry_at > 0",
        (destination_id,),
    )


def started(connection: sqlite3.Connection, upload_id: int, *, temporary: str) -> None:
    """Note the temporary name of a try that is about to begin, and what it sends."""
    connection.execute(
        "UPDATE uploads SET temporary = ?, attempts = attempts + 1,"
        " (tried_size, tried_sha256) ="
        " (SELECT files.size, sha256 FROM files WHERE files.id = file_id)"
        " WHERE id = ?",
        (temporary, upload_id),
    )


def prepared(connection: sqlite3.Connection, upload_id: int, *, temporary: str) -> None:
    """Note the name by which the destination knows the try that has begun."""
    connection.execute(
        "UPDATE uploads SET temporary = ? WHERE id = ?", (temporary, upload_id)
    )


def failed(
    connection: sqlite3.Connection, upload_id: int, *, retry_at: float, reason: str
) -> None:
    """Note why a try failed and when the next one may begin.

    What is no longer wanted is not tried again; what the try left is to be removed.
    """
    connection.execute(
        "UPDATE uploads SET retry_at = ?, reason = IIF(state = 'pending', ?, reason),"
        " clean_up = CASE WHEN state = 'pending' OR temporary IS NULL THEN NULL"
        " WHEN state = 'superseded' THEN ? ELSE ? END WHERE id = ?",
        (retry_at, reason, ToRemove.FILE, ToRemove.TEMPORARY, upload_id),
    )


def given_up(connection: sqlite3.Connection, upload_id: int) -> None:
    """Note that a file is not sent while it is downloaded: it will be when it is there.

    What is no longer wanted is not tried again; what the try left is to be removed.
    """
    connection.execute(
        "UPDATE uploads SET clean_up = CASE WHEN state = 'superseded' THEN ? ELSE ? END"
        " WHERE id = ? AND state != 'pending' AND temporary IS NOT NULL",
        (ToRemove.FILE, ToRemove.TEMPORARY, upload_id),
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


def rename_unseen(
    connection: sqlite3.Connection, job: UploadJob, destination_id: str
) -> str:
    """Give an upload a name that no file there can have, seen or not; return it."""
    path = free_path(connection, destination_id, retried(job.path), job.item.short_id)
    connection.execute(
        "UPDATE uploads SET path = ?, path_key = ? WHERE id = ?",
        (path, path_key(path), job.upload_id),
    )
    return path


def destinations_of(connection: sqlite3.Connection, file_id: int) -> list[str]:
    """Return the destinations that wait for a file."""
    rows = connection.execute(
        "SELECT destination_id FROM uploads WHERE file_id = ? AND state = 'pending'",
        (file_id,),
    )
    return [row["destination_id"] for row in rows]


def takers_of(connection: sqlite3.Connection, file_id: int) -> list[str]:
    """Return the destinations that wait for a file and may have it now."""
    rows = connection.execute(
        "SELECT destination_id FROM uploads WHERE file_id = ? AND state = 'pending'"
        " AND hold IS NULL",
        (file_id,),
    )
    return [row["destination_id"] for row in rows]


def awaited_items(
    connection: sqlite3.Connection, destination_id: str
) -> list[tuple[int, Item]]:
    """Return the uploads that a destination may still get, each with its item.

    Those are the pending ones, and the wholes of which it has only a beginning. What a
    person asked for is not among them.
    """
    rows = connection.execute(
        "SELECT items.*, awaited.id AS upload_id FROM"
        " (SELECT id, item_id, is_asked FROM uploads WHERE destination_id = ?1"
        " AND state = 'pending'"
        # In the words of the index on what failed, or SQLite would not use it.
        " UNION ALL SELECT id, item_id, is_asked FROM uploads WHERE destination_id = ?1"
        " AND state IN ('gone', 'dropped', 'incomplete') AND state = 'incomplete')"
        " AS awaited JOIN items ON items.id = item_id WHERE is_asked = 0",
        (destination_id,),
    )
    return [(row["upload_id"], item_of(row)) for row in rows]


def next_leftover(
    connection: sqlite3.Connection,
    destination_id: str,
    *,
    exclude: Collection[int],
) -> Leftover | None:
    """Return one upload of which something is to be removed at the destination."""
    rows = connection.execute(
        "SELECT id AS upload_id, path, temporary, clean_up,"
        " IIF(state = 'expired' OR is_missed OR clean_up = 'spared', uploads.size, NULL)"
        " AS expected, finished, was_found, IIF(was_found, uploads.size, tried_size) AS tried_size,"
        # What was sent while it was downloaded is known from then on.
        " IIF(was_found, COALESCE(tried_sha256, (SELECT sha256 FROM files WHERE"
        " files.id = file_id AND files.size = uploads.size)), tried_sha256)"
        " AS tried_sha256 FROM uploads"
        " WHERE destination_id = ? AND clean_up IS NOT NULL ORDER BY id LIMIT ?",
        (destination_id, 1 + len(exclude)),
    )
    return next(
        (
            Leftover(
                upload_id=row["upload_id"],
                path=row["path"],
                temporary=row["temporary"],
                tried=_tried(row),
                what=ToRemove(row["clean_up"]),
                since=row["finished"],
                was_found=bool(row["was_found"]),
                expected=None
                if row["expected"] is None
                else StoredFile(path=row["path"], size=row["expected"]),
            )
            for row in rows
            if row["upload_id"] not in exclude
        ),
        None,
    )


def unfinished(connection: sqlite3.Connection, destination_id: str) -> list[str]:
    """Return the names of what tries may have left at a destination, in any state."""
    rows = connection.execute(
        "SELECT temporary FROM uploads WHERE destination_id = ?1 AND temporary IS NOT NULL"
        " AND state = 'pending' UNION SELECT temporary FROM uploads"
        " WHERE destination_id = ?1 AND temporary IS NOT NULL AND clean_up IS NOT NULL",
        (destination_id,),
    )
    return [row["temporary"] for row in rows]


def forget_unfinished(connection: sqlite3.Connection, destination_id: str) -> list[str]:
    """Return what is unfinished at a removed destination, which no one else removes."""
    names = unfinished(connection, destination_id)
    connection.execute(
        "UPDATE uploads SET temporary = NULL,"
        # A whole file is no leftover of a try: it may be removed if that is undone.
        " clean_up = IIF(clean_up = 'temporary', NULL, clean_up)"
        " WHERE destination_id = ?"
        " AND clean_up IS NOT NULL AND (temporary IS NOT NULL OR state = 'cancelled')",
        (destination_id,),
    )
    return names


def removed(
    connection: sqlite3.Connection, upload_id: int, *, temporary: str | None
) -> None:
    """Note that nothing of an upload is to be removed any more.

    `temporary` is the name that was looked at: a new try may have another.
    """
    connection.execute(
        "UPDATE uploads SET clean_up = NULL, temporary = NULL"
        " WHERE id = ? AND temporary IS ?",
        (upload_id, temporary),
    )


def _tried(row: sqlite3.Row) -> Content | None:
    if row["tried_sha256"] is None:
        return None
    return Content(size=row["tried_size"], sha256=row["tried_sha256"])


def make_ready(connection: sqlite3.Connection, file_id: int) -> list[str]:
    """Note that the spool has a file; return the destinations that take it now."""
    rows = connection.execute(
        "UPDATE uploads SET is_ready = 1 WHERE file_id = ? AND state = 'pending'"
        " AND hold IS NULL RETURNING destination_id",
        (file_id,),
    ).fetchall()
    return [row["destination_id"] for row in rows]
