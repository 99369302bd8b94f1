"""Uploads: one file at one destination, from pending to a final state."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..items import Item, Media, Rank, Role, UploadState
from ..status import UploadEvent
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


def verified(
    connection: sqlite3.Connection, upload_id: int, *, size: int, now: float
) -> list[str]:
    """Note that a copy arrived whole, count it, and supersede its item's parts.

    Returns the spool names that nobody needs any more.
    """
    row = connection.execute(
        "UPDATE uploads SET state = ?, reason = NULL, temporary = NULL, size = ?,"
        " finished = ? WHERE id = ? AND state = 'pending'"
        " RETURNING item_id, file_id, destination_id, role",
        (UploadState.VERIFIED, size, now, upload_id),
    ).fetchone()
    if row is None:
        # Its whole arrived, or the destination was removed, while it was sent.
        connection.execute(
            "UPDATE uploads SET temporary = NULL, is_litter = state = 'superseded'"
            " WHERE id = ?",
            (upload_id,),
        )
        return []
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
    freed = [release(connection, row["file_id"])]
    if row["role"] == Role.INCOMPLETE:
        _settle_for_less(connection, row["file_id"], row["destination_id"], now=now)
    if row["role"] == Role.WHOLE:
        _count(connection, row["item_id"], row["destination_id"])
        freed += _supersede(connection, row["item_id"], row["destination_id"], now=now)
    return [name for name in freed if name]


def rename(connection: sqlite3.Connection, job: UploadJob, destination_id: str) -> str:
    """Give an upload another name, for something else has it; return that."""
    path = free_path(connection, destination_id, job.path, job.item.short_id)
    connection.execute(
        "UPDATE uploads SET path = ? WHERE id = ?", (path, job.upload_id)
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


def failed_events(connection: sqlite3.Connection, file_id: int) -> list[UploadEvent]:
    """Return what to tell of a file that has just ended without being verified."""
    rows = connection.execute(
        "SELECT items.*, destination_id, path, reason FROM uploads"
        " JOIN items ON items.id = item_id WHERE file_id = ? AND role = 'whole'"
        " AND state IN ('gone', 'dropped')",
        (file_id,),
    )
    return [
        event(item_of(row), row["destination_id"], row["path"], reason=row["reason"])
        for row in rows
    ]


def event(
    item: Item,
    destination_id: str,
    path: str,
    *,
    size: int | None = None,
    reason: str | None = None,
) -> UploadEvent:
    """Return what to tell of an upload that ended, verified if there is no reason."""
    return UploadEvent(
        destination_id=destination_id,
        verified=reason is None,
        media=item.media.kind,
        camera=item.camera,
        item_id=item.source_id,
        path=path,
        size=size,
        reason=reason,
    )


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


def skip(
    connection: sqlite3.Connection, upload_ids: Collection[int], reason: str, now: float
) -> list[str]:
    """Skip pending uploads; return the spool names that nobody needs any more."""
    freed: list[str] = []
    for upload_id in upload_ids:
        row = connection.execute(
            "UPDATE uploads SET state = 'skipped', reason = ?, finished = ?,"
            " is_litter = temporary IS NOT NULL"
            " WHERE id = ? AND state = 'pending' RETURNING file_id",
            (reason, now, upload_id),
        ).fetchone()
        if row and (name := release(connection, row["file_id"])):
            freed.append(name)
    return freed


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


def finish(
    connection: sqlite3.Connection,
    file_id: int,
    state: UploadState,
    reason: str,
    *,
    now: float,
) -> list[str]:
    """End a file's pending uploads in another state than verified.

    Returns the spool names that nobody needs any more.
    """
    rows = connection.execute(
        "UPDATE uploads SET state = ?, reason = ?, finished = ?,"
        " is_litter = temporary IS NOT NULL"
        " WHERE file_id = ? AND state = 'pending'"
        " RETURNING item_id, destination_id, role",
        (state, reason, now, file_id),
    ).fetchall()
    freed = [release(connection, file_id)]
    for row in rows:
        if row["role"] == Role.WHOLE:
            item_id, destination_id = row["item_id"], row["destination_id"]
            _count(connection, item_id, destination_id)
            freed += _supersede(connection, item_id, destination_id, now=now)
    return [name for name in freed if name]


def finish_without_footage(
    connection: sqlite3.Connection, file_id: int, reason: str, *, now: float
) -> list[str]:
    """End a file's pending uploads since Frigate has no footage of it.

    A part, or a piece of a longer recording, is skipped; a recording of which no
    piece has any footage is gone.
    Returns the spool names that nobody needs any more.
    """
    (item_id, role, wholes) = connection.execute(
        "SELECT item_id, role, (SELECT COUNT(*) FROM files AS f WHERE f.item_id ="
        " files.item_id AND f.role = 'whole') FROM files WHERE id = ?",
        (file_id,),
    ).fetchone()
    is_only = role == Role.WHOLE and wholes == 1
    state = UploadState.GONE if is_only else UploadState.SKIPPED
    freed = finish(connection, file_id, state, reason, now=now)
    connection.execute(
        "UPDATE uploads SET state = 'gone' WHERE item_id = ?1 AND role = 'whole'"
        " AND (SELECT is_open FROM items WHERE id = ?1) = 0 AND destination_id IN"
        " (SELECT destination_id FROM uploads WHERE item_id = ?1 AND role = 'whole'"
        " GROUP BY destination_id HAVING MIN(state) = 'skipped'"
        " AND MAX(state) = 'skipped')",
        (item_id,),
    )
    return freed


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


def _settle_for_less(
    connection: sqlite3.Connection, file_id: int, destination_id: str, *, now: float
) -> None:
    """Note that a destination has the longest playable piece of a whole."""
    connection.execute(
        "UPDATE uploads SET state = ?, finished = ? WHERE destination_id = ?"
        " AND state = 'pending' AND is_ready = 0 AND file_id ="
        " (SELECT whole.id FROM files JOIN files AS whole ON whole.item_id ="
        " files.item_id AND whole.role = 'whole' AND whole.number = files.number"
        " WHERE files.id = ?)",
        (UploadState.INCOMPLETE, now, destination_id, file_id),
    )


def _supersede(
    connection: sqlite3.Connection, item_id: int, destination_id: str, *, now: float
) -> list[str | None]:
    """Supersede the parts whose footage the destination has in whole pieces.

    Returns spool names, None among them.
    """
    until = _covered_until(connection, item_id, destination_id)
    if until is None:
        return []
    rows = connection.execute(
        "UPDATE uploads SET state = 'superseded', finished = ?,"
        # One that is being sent right now is looked at when that ends.
        " is_litter = state = 'verified'"
        " WHERE item_id = ? AND destination_id = ? AND role IN ('part', 'incomplete')"
        " AND state IN ('pending', 'verified')"
        " AND file_id IN (SELECT id FROM files WHERE item_id = ? AND end <= ?)"
        " RETURNING file_id",
        (now, item_id, destination_id, item_id, until),
    ).fetchall()
    return [release(connection, row["file_id"]) for row in rows]


def _covered_until(
    connection: sqlite3.Connection, item_id: int, destination_id: str
) -> float | None:
    """Return up to where a destination has the whole, None if nowhere.

    Once all pieces of an ended review are there, parts that reach beyond its
    end are covered as well: they show nothing that belongs to it.
    """
    until: float | None = None
    found = False
    for row in connection.execute(
        "SELECT uploads.state AS state, files.end AS until FROM uploads"
        " JOIN files ON files.id = file_id WHERE uploads.item_id = ?"
        " AND destination_id = ? AND uploads.role = 'whole' ORDER BY number",
        (item_id, destination_id),
    ):
        if row["state"] not in (UploadState.VERIFIED, UploadState.SKIPPED):
            return until if found else None
        found = found or row["state"] == UploadState.VERIFIED
        until = row["until"]
    if not found:
        return None
    return until if _is_open(connection, item_id) else float("inf")


def _is_open(connection: sqlite3.Connection, item_id: int) -> bool:
    row = connection.execute("SELECT is_open FROM items WHERE id = ?", (item_id,))
    return bool(row.fetchone()[0])


def _count(connection: sqlite3.Connection, item_id: int, destination_id: str) -> None:
    """Count an item for a destination, and for its camera, once it has all of it."""
    if _is_open(connection, item_id):
        return  # More pieces will come.
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
        "SELECT DISTINCT state FROM uploads WHERE item_id = ?1 AND role = 'whole'"
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


FAILED = (UploadState.GONE, UploadState.INCOMPLETE, UploadState.DROPPED)


def retry_failed(connection: sqlite3.Connection, *, now: float) -> int:
    """Let failed uploads be tried anew; return how many.

    Live snapshots are not among them: Frigate keeps none.
    """
    rows = connection.execute(
        "UPDATE uploads SET state = 'pending', reason = NULL, is_ready = 0,"
        " retry_at = 0, planned = ?, finished = NULL"
        " WHERE state IN ('gone', 'incomplete', 'dropped') AND role = 'whole'"
        " AND rank != ? AND destination_id IN (SELECT id FROM destinations)"
        # A review that Frigate had lost has no range to ask for.
        " AND (rank = ? OR file_id IN (SELECT id FROM files WHERE end IS NOT NULL))"
        " RETURNING file_id",
        (now, Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT),
    ).fetchall()
    connection.executemany(
        "UPDATE files SET state = 'wanted', due = ?, attempts = 0 WHERE id = ?",
        [(now, file_id) for file_id in {row["file_id"] for row in rows}],
    )
    return len(rows)
