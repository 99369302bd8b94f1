"""Files that lie in the spool: held, lost, or to give way."""

from collections.abc import Collection
from enum import StrEnum
import sqlite3

from ..model.item import Media, UploadState
from ..model.plans import FileState
from ..model.rank import Rank
from ..model.transition import NOTHING, Transition
from . import budgets, uploads
from .outcomes import finish


class Loss(StrEnum):
    """What becomes of a file that the spool no longer has."""

    FETCHED_AGAIN = "it is fetched from Frigate again"
    FINAL = "it is lost"
    NO_LOSS = "no destination waits for it any more"


def lost(
    connection: sqlite3.Connection, file_id: int, spool_name: str, *, now: float
) -> tuple[Loss, Transition]:
    """Note that the spool no longer has the file whole; return what becomes of it.

    Frigate keeps no live snapshots: such a file ends as `dropped`.
    """
    row = connection.execute(
        "SELECT rank, EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'pending') AS needed FROM files WHERE id = ? AND spool_name = ?",
        (file_id, spool_name),
    ).fetchone()
    if row is None or not row["needed"]:
        return Loss.NO_LOSS, NOTHING
    if row["rank"] == Rank.LIVE_SNAPSHOT:
        reason = "Its bytes were lost from the spool"
        ended = finish(connection, file_id, UploadState.DROPPED, reason, now=now)
        return Loss.FINAL, ended
    return Loss.FETCHED_AGAIN, want_again(connection, file_id, due=now)


def lost_names(
    connection: sqlite3.Connection, names: Collection[str], *, now: float
) -> Transition:
    """Note that the spool lost these files while it was not watched."""
    ended = NOTHING
    for name in names:
        for row in connection.execute(
            "SELECT id FROM files WHERE spool_name = ?", (name,)
        ).fetchall():
            _, transition = lost(connection, row["id"], name, now=now)
            ended += transition
    return ended


def want_again(
    connection: sqlite3.Connection, file_id: int, *, due: float
) -> Transition:
    """Let a file be fetched from Frigate once more."""
    (spool_name,) = connection.execute(
        "SELECT spool_name FROM files WHERE id = ?", (file_id,)
    ).fetchone()
    connection.execute(
        # What lay there ready might have left: no budget has cost it.
        "UPDATE uploads SET was_held = was_held AND NOT is_ready, is_ready = 0"
        " WHERE file_id = ?",
        (file_id,),
    )
    connection.execute(
        "UPDATE files SET state = ?, spool_name = NULL, due = ? WHERE id = ?",
        (FileState.WANTED, due, file_id),
    )
    budgets.settle_file(connection, file_id, now=due)
    return NOTHING if spool_name is None else Transition((spool_name,))


def next_to_give_way(
    connection: sqlite3.Connection,
    *,
    keep_for: Collection[str],
    exclude: Collection[int] = (),
) -> int | None:
    """Return the id of the clip that gives way first: the oldest detection.

    Clips that one of the destinations `keep_for` waits for don't give way, nor do
    the files of `exclude`.
    """
    marks, files = ", ".join("?" * len(keep_for)), ", ".join("?" * len(exclude))
    row = connection.execute(
        "SELECT id FROM files WHERE spool_name IS NOT NULL"  # noqa: S608
        " AND rank > ? AND NOT EXISTS (SELECT 1 FROM uploads"
        " WHERE file_id = files.id AND state = 'pending' AND hold IS NULL"
        f" AND destination_id IN ({marks})) AND id NOT IN ({files})"
        " ORDER BY rank DESC, id LIMIT 1",
        (Rank.SNAPSHOT, *keep_for, *exclude),
    ).fetchone()
    return None if row is None else int(row["id"])


def last_to_be_sent(
    connection: sqlite3.Connection, *, before: float, exclude: Collection[int]
) -> int | None:
    """Return the id of the clip that was over `before` and is sent after all others.

    The files of `exclude` don't count.
    """
    marks = ", ".join("?" * len(exclude))
    row = connection.execute(
        "SELECT id FROM files WHERE spool_name IS NOT NULL"  # noqa: S608
        f" AND rank > ? AND ended_at < ? AND id NOT IN ({marks})"
        " ORDER BY rank DESC, id DESC LIMIT 1",
        (Rank.SNAPSHOT, before, *exclude),
    ).fetchone()
    return None if row is None else int(row["id"])


def oldest_still(
    connection: sqlite3.Connection, *, exclude: Collection[int] = ()
) -> tuple[int, Rank] | None:
    """Return the still that gives way when there are no clips to do so: its id and rank.

    The files of `exclude` don't.
    """
    marks = ", ".join("?" * len(exclude))
    row = connection.execute(
        "SELECT id, rank FROM files WHERE spool_name IS NOT NULL"  # noqa: S608
        f" AND id NOT IN ({marks}) ORDER BY rank DESC, id LIMIT 1",
        tuple(exclude),
    ).fetchone()
    return None if row is None else (int(row["id"]), Rank(row["rank"]))


def held_cameras(connection: sqlite3.Connection) -> set[str]:
    """Return the cameras of which live snapshots are held."""
    rows = connection.execute(
        "SELECT DISTINCT camera FROM files JOIN items ON items.id = files.item_id"
        " WHERE files.state = 'held'"
    )
    return {row["camera"] for row in rows}


def release_held(connection: sqlite3.Connection, camera: str) -> set[str]:
    """Make a camera's held snapshots ready; return the destinations they wait for."""
    waiting: set[str] = set()
    for file_id in _held(connection, camera):
        waiting.update(uploads.make_ready(connection, file_id))
        connection.execute(
            "UPDATE files SET state = ? WHERE id = ?", (FileState.SPOOLED, file_id)
        )
    return waiting


def skip_held(
    connection: sqlite3.Connection, camera: str, reason: str, *, now: float
) -> Transition:
    """Skip a camera's held snapshots."""
    ended = NOTHING
    for file_id in _held(connection, camera):
        ended += finish(connection, file_id, UploadState.SKIPPED, reason, now=now)
    return ended


def is_spooled(connection: sqlite3.Connection, spool_name: str) -> bool:
    """Tell whether the ledger knows a file of the spool."""
    row = connection.execute(
        "SELECT 1 FROM files WHERE spool_name = ?", (spool_name,)
    ).fetchone()
    return row is not None


def spool_names(connection: sqlite3.Connection) -> set[str]:
    """Return the names that the spool should hold."""
    rows = connection.execute(
        "SELECT spool_name FROM files WHERE spool_name IS NOT NULL"
    )
    return {row["spool_name"] for row in rows}


def _held(connection: sqlite3.Connection, camera: str) -> list[int]:
    rows = connection.execute(
        "SELECT files.id FROM files CROSS JOIN items ON items.id = files.item_id"
        " WHERE files.state = 'held' AND items.camera = ? AND items.media = ?",
        (camera, Media.LIVE_SNAPSHOTS),
    )
    return [row["id"] for row in rows]
