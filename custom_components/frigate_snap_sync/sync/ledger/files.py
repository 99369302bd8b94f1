"""Files: what is to be fetched from Frigate, and what lies in the spool."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
import sqlite3

from ..coverage import Coverage
from ..items import Item, Media, Rank, Role, UploadState
from ..spans import Spans
from . import footage
from .items import FilePlan, FileState, UploadPlan, add_to, item_of, suffix_of
from .outcomes import finish
from .uploads import waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchJob:
    """A file that is due to be fetched. `attempts` counts the failed ones.

    `over` is when what it shows was over, by our clock.

    `is_settled`: nobody waits for it, but all would take it (`incomplete`). `as_is`:
    what lies on Frigate's disk is enough.
    """

    file_id: int
    item: Item
    role: Role
    rank: Rank
    start: int
    end: int
    attempts: int
    is_settled: bool
    as_is: bool = False
    over: float = 0


_TURNS = (
    # Footage of the last hour, but for wholes of detections: it must not wait behind
    # what may be days of older footage.
    f"fresh_files WHERE files.over >= :fresh AND rank <= {Rank.ALERT_CLIP:d}"
    " AND gave_way = 0",
    "wanted_files WHERE gave_way = 0",
    "wanted_files WHERE gave_way = 1",
)


def next_fetches(
    connection: sqlite3.Connection,
    *,
    now: float,
    ranks: Collection[Rank],
    exclude: Collection[int],
    limit: int,
    fresh_for: float = 0,
) -> list[FetchJob]:
    """Return the files of these neighboring ranks that are due, in order.

    What shows the last `fresh_for` seconds goes first, and what gave way last.
    """
    values = {
        "now": now,
        "first": min(ranks),
        "last": max(ranks),
        "limit": limit + len(exclude),
        "fresh": now - fresh_for,
    }
    jobs: dict[int, FetchJob] = {}
    for turn in _TURNS:
        for row in connection.execute(
            "SELECT items.*, turn.id AS file_id, turn.start AS first,"  # noqa: S608
            " turn.end AS last, turn.attempts AS attempts, role, as_is, over,"
            " turn.rank AS rank, NOT EXISTS (SELECT 1 FROM uploads WHERE"
            " file_id = turn.id AND state = 'pending') AS is_settled FROM"
            " (SELECT * FROM files INDEXED BY"
            f" {turn} AND state = 'wanted' AND due <= :now"
            " AND rank BETWEEN :first AND :last ORDER BY rank, due LIMIT :limit)"
            " AS turn JOIN items ON items.id = item_id ORDER BY turn.rank, turn.due",
            values,
        ):
            if row["file_id"] not in exclude:
                jobs.setdefault(row["file_id"], _job(row))
        if len(jobs) >= limit:
            break
    return list(jobs.values())[:limit]


def _job(row: sqlite3.Row) -> FetchJob:
    return FetchJob(
        file_id=row["file_id"],
        item=item_of(row),
        role=Role(row["role"]),
        rank=Rank(row["rank"]),
        start=row["first"] or 0,
        end=row["last"] or 0,
        attempts=row["attempts"],
        is_settled=bool(row["is_settled"]),
        as_is=bool(row["as_is"]),
        over=row["over"],
    )


def is_any_due(
    connection: sqlite3.Connection,
    *,
    now: float,
    ranks: Collection[Rank],
    exclude: Collection[int],
) -> bool:
    """Tell whether a file of these neighboring ranks is due that has not given way."""
    rows = connection.execute(
        "SELECT id FROM files WHERE state = 'wanted' AND gave_way = 0"
        " AND rank BETWEEN ? AND ? AND due <= ? LIMIT ?",
        (min(ranks), max(ranks), now, 1 + len(exclude)),
    )
    return any(row["id"] not in exclude for row in rows)


def give_way(connection: sqlite3.Connection, file_id: int) -> None:
    """Let a file that came too slowly be fetched after all others."""
    connection.execute("UPDATE files SET gave_way = 1 WHERE id = ?", (file_id,))


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
    coverage: Coverage | None = None,
    now: float = 0,
) -> list[str]:
    """Note that the spool has the file; return the destinations that wait for it.

    `coverage` tells which seconds a clip holds. An empty list means that nobody does any more: the spool may let it go. Who
    had only a beginning waits from `now` on.
    """
    connection.execute(
        "UPDATE uploads SET state = 'pending', planned = MAX(planned, ?),"
        " clean_up = NULL, finished = NULL WHERE file_id = ? AND state = 'incomplete'",
        (now, file_id),
    )
    if coverage is not None:
        footage.fetched(connection, file_id, coverage)
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
    connection: sqlite3.Connection,
    file_id: int,
    *,
    due: float,
    error: str,
    shown: Spans = (),
) -> None:
    """Note a failed try, when the next one is due, and what it showed of footage."""
    footage.saw(connection, file_id, shown)
    connection.execute(
        "UPDATE files SET attempts = attempts + 1, due = ?, error = ? WHERE id = ?",
        (due, error, file_id),
    )


class Loss(StrEnum):
    """What becomes of a file that the spool no longer has."""

    FETCHED_AGAIN = "it is fetched from Frigate again"
    FINAL = "it is lost"
    NO_LOSS = "nobody waits for it any more"


def lost(
    connection: sqlite3.Connection, file_id: int, spool_name: str, *, now: float
) -> Loss:
    """Note that the spool no longer has the file whole; return what becomes of it.

    Frigate keeps no live snapshots: such a file ends as `dropped`.
    """
    row = connection.execute(
        "SELECT rank, EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'pending') AS needed FROM files WHERE id = ? AND spool_name = ?",
        (file_id, spool_name),
    ).fetchone()
    if row is None or not row["needed"]:
        return Loss.NO_LOSS
    if row["rank"] == Rank.LIVE_SNAPSHOT:
        reason = "Its bytes were lost from the spool"
        finish(connection, file_id, UploadState.DROPPED, reason, now=now)
        return Loss.FINAL
    want_again(connection, file_id, due=now)
    return Loss.FETCHED_AGAIN


def lost_names(
    connection: sqlite3.Connection, names: Collection[str], *, now: float
) -> None:
    """Note that the spool lost these files while nobody looked."""
    for name in names:
        for row in connection.execute(
            "SELECT id FROM files WHERE spool_name = ?", (name,)
        ).fetchall():
            lost(connection, row["id"], name, now=now)


def want_again(connection: sqlite3.Connection, file_id: int, *, due: float) -> None:
    """Let a file be fetched from Frigate once more."""
    connection.execute("UPDATE uploads SET is_ready = 0 WHERE file_id = ?", (file_id,))
    connection.execute(
        "UPDATE files SET state = ?, spool_name = NULL, due = ? WHERE id = ?",
        (FileState.WANTED, due, file_id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A clip in the spool, which Frigate can give again."""

    file_id: int
    spool_name: str


def next_to_give_way(
    connection: sqlite3.Connection,
    *,
    keep_for: Collection[str],
    exclude: Collection[int] = (),
) -> Spooled | None:
    """Return the clip that gives way first: the oldest detection.

    Clips that one of the destinations `keep_for` waits for don't give way, nor do
    the files of `exclude`.
    """
    marks, files = ", ".join("?" * len(keep_for)), ", ".join("?" * len(exclude))
    row = connection.execute(
        "SELECT id AS file_id, spool_name FROM files WHERE spool_name IS NOT NULL"  # noqa: S608
        " AND rank > ? AND NOT EXISTS (SELECT 1 FROM uploads"
        " WHERE file_id = files.id AND state = 'pending'"
        f" AND destination_id IN ({marks})) AND id NOT IN ({files})"
        " ORDER BY rank DESC, id LIMIT 1",
        (Rank.SNAPSHOT, *keep_for, *exclude),
    ).fetchone()
    return None if row is None else Spooled(**row)


def last_to_be_sent(
    connection: sqlite3.Connection, *, before: float, exclude: Collection[int]
) -> Spooled | None:
    """Return the clip that was over `before` a moment and is sent after all others.

    The files of `exclude` don't count.
    """
    marks = ", ".join("?" * len(exclude))
    row = connection.execute(
        "SELECT id AS file_id, spool_name FROM files WHERE spool_name IS NOT NULL"  # noqa: S608
        f" AND rank > ? AND over < ? AND id NOT IN ({marks})"
        " ORDER BY rank DESC, id DESC LIMIT 1",
        (Rank.SNAPSHOT, before, *exclude),
    ).fetchone()
    return None if row is None else Spooled(**row)


def oldest_still(
    connection: sqlite3.Connection, *, exclude: Collection[int] = ()
) -> Spooled | None:
    """Return the still that gives way when there are no clips to do so.

    The files of `exclude` don't.
    """
    marks = ", ".join("?" * len(exclude))
    row = connection.execute(
        "SELECT id AS file_id, spool_name FROM files WHERE spool_name IS NOT NULL"  # noqa: S608
        f" AND id NOT IN ({marks}) ORDER BY rank DESC, id LIMIT 1",
        tuple(exclude),
    ).fetchone()
    return None if row is None else Spooled(**row)


def salvaged(
    connection: sqlite3.Connection,
    job: FetchJob,
    *,
    end: int,
    spool_name: str,
    size: int,
    sha256: str,
    coverage: Coverage,
    again: float,
    reason: str,
    now: float,
) -> list[str]:
    """Plan the longest playable piece of a whole; try the whole `again` later.

    Returns the destinations that wait for it. `reason` is why the whole can't be
    had.
    """
    row = connection.execute(
        "SELECT item_id, number, over, (SELECT COUNT(*) FROM files AS f WHERE f.item_id ="
        " files.item_id AND f.role = 'whole') AS pieces,"
        " (SELECT id FROM files AS f WHERE f.item_id = files.item_id"
        " AND f.role = 'incomplete' AND f.number = files.number) AS earlier"
        " FROM files WHERE id = ?",
        (job.file_id,),
    ).fetchone()
    postpone(connection, job.file_id, due=again, error=reason, shown=coverage.shown)
    if row["earlier"] is not None:
        connection.execute(
            "UPDATE uploads SET state = 'incomplete', finished = ?,"
            " clean_up = IIF(COALESCE(temporary, tried_sha256) IS NULL, NULL, 'temporary') WHERE file_id = ?"
            " AND state = 'pending' AND destination_id IN (SELECT destination_id"
            " FROM uploads WHERE file_id = ? AND state = 'verified')",
            (now, job.file_id, row["earlier"]),
        )
        return []
    plan = FilePlan(
        state=FileState.SPOOLED,
        role=Role.INCOMPLETE,
        number=row["number"],
        suffix=suffix_of(Role.INCOMPLETE, row["number"], pieces=row["pieces"]),
        start=job.start,
        end=end,
        over=row["over"],
        spool_name=spool_name,
        size=size,
        sha256=sha256,
        uploads=tuple(
            UploadPlan(destination_id=destination_id, path=path)
            for destination_id, path in waiting(connection, job.file_id)
        ),
    )
    (file_id,) = add_to(connection, row["item_id"], job.item, (plan,))
    footage.fetched(connection, file_id, coverage)
    return [upload.destination_id for upload in plan.uploads]


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


def skip_held(
    connection: sqlite3.Connection, camera: str, reason: str, *, now: float
) -> list[str]:
    """Skip a camera's held snapshots; return the spool names to remove."""
    freed: list[str] = []
    for file_id in _held(connection, camera):
        freed += finish(connection, file_id, UploadState.SKIPPED, reason, now=now)
    return freed


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
