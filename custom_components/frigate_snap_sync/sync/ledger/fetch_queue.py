"""Files that are to be fetched from Frigate, and when."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..model.coverage import Coverage
from ..model.item import Item, Role
from ..model.plans import FileState, Hold
from ..model.rank import Rank
from ..model.spans import Spans
from . import budgets, footage, uploads
from .items import item_of
from .superseding import reach_parts
from .turns import first_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchJob:
    """A file that is due to be fetched. `attempts` counts the failed ones.

    `ended_at` is when what it shows was over, by our clock.

    `is_settled`: no destination waits for it, but all would take it (`incomplete`). `as_is`:
    what lies on Frigate's disk is enough. `is_held_back`: no destination may have it now.
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
    ended_at: float = 0
    is_held_back: bool = False


_TURNS = (
    # Footage of the last hour, but for wholes of detections: it must not wait behind
    # what may be days of older footage.
    f"fresh_files WHERE files.ended_at >= :fresh AND rank <= {Rank.ALERT_CLIP:d}"
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
    return first_jobs(
        connection,
        (
            "SELECT items.*, turn.id AS file_id, turn.start AS first,"  # noqa: S608
            " turn.end AS last, turn.attempts AS attempts, role, as_is, ended_at, hold,"
            " turn.rank AS rank, NOT EXISTS (SELECT 1 FROM uploads WHERE"
            " file_id = turn.id AND state = 'pending') AS is_settled FROM"
            " (SELECT * FROM files INDEXED BY"
            f" {turn} AND state = 'wanted' AND due <= :now"
            " AND rank BETWEEN :first AND :last ORDER BY rank, due LIMIT :limit)"
            " AS turn JOIN items ON items.id = item_id ORDER BY turn.rank, turn.due"
            for turn in _TURNS
        ),
        ranks=ranks,
        now=now,
        exclude=exclude,
        limit=limit,
        fresh_for=fresh_for,
        key="file_id",
        job=_job,
    )


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
        ended_at=row["ended_at"],
        is_held_back=row["hold"] == Hold.BUDGET,
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
    end: int | None = None,
    now: float = 0,
) -> list[str]:
    """Note that the spool has the file; return the destinations that wait for it.

    `coverage` tells which seconds a clip holds, `end` up to where it was asked for: the
    end of its review may have changed that meanwhile. An empty list means that none
    does any more: the spool may release it. Who had only a beginning waits from `now` on.
    """
    connection.execute(
        "UPDATE uploads SET state = 'pending', expected_at = MAX(expected_at, ?),"
        " clean_up = NULL, finished = NULL WHERE file_id = ? AND state = 'incomplete'",
        (now, file_id),
    )
    if coverage is not None:
        footage.fetched(connection, file_id, coverage)
    waiting = uploads.make_ready(connection, file_id)
    # Who began to send it while it was downloaded sends just this.
    connection.execute(
        "UPDATE uploads SET tried_size = ?, tried_sha256 = ? WHERE file_id = ?"
        " AND state = 'pending' AND temporary IS NOT NULL AND tried_sha256 IS NULL",
        (size, sha256, file_id),
    )
    if waiting:
        connection.execute(
            "UPDATE files SET state = ?, error = NULL, hold = NULL, spool_name = ?, size = ?,"
            " sha256 = ? WHERE id = ?",
            (FileState.SPOOLED, spool_name, size, sha256, file_id),
        )
    elif uploads.destinations_of(connection, file_id):
        # Their budgets were used up while it came.
        budgets.hold_fetched(connection, file_id, now=now)
    else:
        connection.execute(
            "UPDATE files SET state = ? WHERE id = ?", (FileState.RELEASED, file_id)
        )
    if end is not None:
        _was_asked_until(connection, file_id, end)
    return waiting


def _was_asked_until(connection: sqlite3.Connection, file_id: int, end: int) -> None:
    row = connection.execute(
        "UPDATE files SET end = ? WHERE id = ? RETURNING item_id, role", (end, file_id)
    ).fetchone()
    if row["role"] == Role.PART:
        reach_parts(connection, row["item_id"])


def postpone(
    connection: sqlite3.Connection,
    file_id: int,
    *,
    due: float,
    error: str,
    shown: Spans = (),
    too_large_for: int | None = None,
    is_late: bool = True,
) -> None:
    """Note a failed try, when the next one is due, and what it showed of footage.

    `too_large_for` is the spool's limit that a clip did not fit into. What `is_late`
    waits since it was to leave, else it is expected at the next try.
    """
    footage.saw(connection, file_id, shown)
    connection.execute(
        "UPDATE files SET attempts = attempts + 1, due = ?, error = ?,"
        " hold = IIF(hold = 'budget', hold, ?), hold_limit = ? WHERE id = ?",
        (
            due,
            error,
            None if too_large_for is None else Hold.TOO_LARGE,
            too_large_for,
            file_id,
        ),
    )
    if not is_late:
        connection.execute(
            "UPDATE uploads SET expected_at = MAX(expected_at, ?) WHERE file_id = ?"
            " AND state = 'pending'",
            (due, file_id),
        )
