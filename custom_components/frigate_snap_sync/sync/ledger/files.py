"""Files: what is to be fetched from Frigate, and what lies in the spool."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..items import Item, Media, Rank, UploadState
from .items import FileState, item_of
from .uploads import finish


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchJob:
    """A file that is due to be fetched. `attempts` counts the failed ones."""

    file_id: int
    item: Item
    start: int
    end: int
    attempts: int


def next_fetches(
    connection: sqlite3.Connection,
    *,
    now: float,
    exclude: Collection[int],
    limit: int,
) -> list[FetchJob]:
    """Return the files that are due, in the order of work."""
    rows = connection.execute(
        "SELECT items.*, files.id AS file_id, files.start AS first,"
        " files.end AS last, files.attempts AS attempts"
        " FROM files JOIN items ON items.id = files.item_id"
        " WHERE files.state = 'wanted' AND files.due <= ?"
        " ORDER BY files.rank, files.due LIMIT ?",
        (now, limit + len(exclude)),
    )
    jobs = [
        FetchJob(
            file_id=row["file_id"],
            item=item_of(row),
            start=row["first"] or 0,
            end=row["last"] or 0,
            attempts=row["attempts"],
        )
        for row in rows
        if row["file_id"] not in exclude
    ]
    return jobs[:limit]


def next_due(connection: sqlite3.Connection, *, after: float) -> float | None:
    """Return when the next file that is not due yet will be, or None."""
    due = connection.execute(
        "SELECT MIN(due) FROM files WHERE state = 'wanted' AND due > ?", (after,)
    ).fetchone()[0]
    return None if due is None else float(due)


def fetched(
    connection: sqlite3.Connection,
    file_id: int,
    *,
    spool_name: str,
    size: int,
    sha256: str,
) -> list[str]:
    """Note that the spool has the file; return the destinations that wait for it.

    An empty list means that nobody does any more: the spool may let it go.
    """
    waiting = _make_ready(connection, file_id)
    if waiting:
        connection.execute(
            "UPDATE files SET state = ?, error = NULL, spool_name = ?, size = ?,"
            " sha256 = ? WHERE id = ?",
            (FileState.SPOOLED, spool_name, size, sha256, file_id),
        )
    else:
        connection.execute(
            "UPDATE files SET state = ? WHERE id = ?", (FileState.RELEASED, file_id)
        )
    return waiting


def postpone(
    connection: sqlite3.Connection, file_id: int, *, due: float, error: str
) -> None:
    """Note a failed try and when the next one is due."""
    connection.execute(
        "UPDATE files SET attempts = attempts + 1, due = ?, error = ? WHERE id = ?",
        (due, error, file_id),
    )


def lost(connection: sqlite3.Connection, file_id: int, *, now: float) -> bool:
    """Note that the spool no longer has the file; return whether it is fetched again.

    Frigate keeps no live snapshots: such a file ends as `dropped`.
    """
    row = connection.execute(
        "SELECT rank FROM files WHERE id = ?", (file_id,)
    ).fetchone()
    if row["rank"] == Rank.LIVE_SNAPSHOT:
        finish(
            connection,
            file_id,
            UploadState.DROPPED,
            "Its bytes were lost from the spool",
            now=now,
        )
        return False
    connection.execute("UPDATE uploads SET is_ready = 0 WHERE file_id = ?", (file_id,))
    connection.execute(
        "UPDATE files SET state = ?, spool_name = NULL, due = ? WHERE id = ?",
        (FileState.WANTED, now, file_id),
    )
    return True


def held_cameras(connection: sqlite3.Connection) -> set[str]:
    """Return the cameras of which live snapshots are held."""
    rows = connection.execute(
        "SELECT DISTINCT camera FROM files JOIN items ON items.id = files.item_id"
        " WHERE files.state = 'held'"
    )
    return {row["camera"] for row in rows}


def let_go(connection: sqlite3.Connection, camera: str) -> set[str]:
    """Make a camera's held snapshots ready; return the destinations they wait for."""
    waiting: set[str] = set()
    for file_id in _held(connection, camera):
        waiting.update(_make_ready(connection, file_id))
        connection.execute(
            "UPDATE files SET state = ? WHERE id = ?", (FileState.SPOOLED, file_id)
        )
    return waiting


def skip_held(connection: sqlite3.Connection, camera: str, *, now: float) -> list[str]:
    """Skip a camera's held snapshots; return the spool names to remove."""
    reason = "Snapshots were switched off in Frigate"
    return [
        name
        for file_id in _held(connection, camera)
        if (name := finish(connection, file_id, UploadState.SKIPPED, reason, now=now))
    ]


def spool_names(connection: sqlite3.Connection) -> set[str]:
    """Return the names that the spool should hold."""
    rows = connection.execute(
        "SELECT spool_name FROM files WHERE spool_name IS NOT NULL"
    )
    return {row["spool_name"] for row in rows}


def _held(connection: sqlite3.Connection, camera: str) -> list[int]:
    rows = connection.execute(
        "SELECT files.id FROM files JOIN items ON items.id = files.item_id"
        " WHERE files.state = 'held' AND items.camera = ? AND items.media = ?",
        (camera, Media.LIVE_SNAPSHOTS),
    )
    return [row["id"] for row in rows]


def _make_ready(connection: sqlite3.Connection, file_id: int) -> list[str]:
    rows = connection.execute(
        "UPDATE uploads SET is_ready = 1 WHERE file_id = ? AND state = 'pending'"
        " RETURNING destination_id",
        (file_id,),
    ).fetchall()
    return [row["destination_id"] for row in rows]
