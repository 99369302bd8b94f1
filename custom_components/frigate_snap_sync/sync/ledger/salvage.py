"""Salvage: the pieces that Frigate can give of a file that it can't give whole.

Of a whole the longest beginning becomes a file of its own, and of a part it takes the
part's place. What lies behind what can't be played leaves as further parts.
"""

from dataclasses import dataclass
from math import ceil, floor
import sqlite3
from typing import Final

from ..model.coverage import Coverage
from ..model.footage_ranges import FootageRange, as_parts
from ..model.item import Role
from ..model.plans import FilePlan, FileState, UploadPlan, part_suffix, suffix_of
from ..model.spans import Spans, missing, union, within
from . import backfill, budgets, fetch_queue, footage, outcomes, retries, uploads
from .fetch_queue import FetchJob
from .items import add_to

SHORTEST = 5
"""Seconds below which a piece is not worth asking for."""

NOTHING_PLAYS = "Nothing of it plays"
"""So begins why a part was skipped of which none will ever leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was had of a file's range, and lies in the spool.

    `shown` is what Frigate's recordings show of all of that range.
    """

    start: int
    end: int
    spool_name: str
    size: int
    sha256: str
    coverage: Coverage
    shown: Spans


def of_whole(
    connection: sqlite3.Connection,
    job: FetchJob,
    piece: Salvaged,
    *,
    again: float,
    reason: str,
    too_large_for: int | None = None,
    now: float,
) -> list[str]:
    """Plan the pieces of a whole that can be had; try the whole `again` later.

    Returns the destinations that wait for the one in the spool. `reason` is why the
    whole can't be had, `too_large_for` the spool's limit that it did not fit into.
    """
    row = connection.execute(
        "SELECT item_id, number, ended_at, (SELECT COUNT(*) FROM files AS f WHERE f.item_id ="
        " files.item_id AND f.role = 'whole') AS pieces FROM files WHERE id = ?",
        (job.file_id,),
    ).fetchone()
    earlier = connection.execute(
        "SELECT *, ? AS pieces FROM files WHERE item_id = ? AND role = ? AND number = ?",
        (row["pieces"], row["item_id"], Role.INCOMPLETE, row["number"]),
    ).fetchone()
    fetch_queue.postpone(
        connection,
        job.file_id,
        due=again,
        error=reason,
        shown=piece.shown,
        too_large_for=too_large_for,
    )
    takers = _takers(connection, job.file_id)
    if earlier is not None:
        _settle(connection, job.file_id, earlier["id"], now=now)
        waiting = _give(connection, job, earlier, piece, takers, now=now)
    else:
        plan = FilePlan(
            state=FileState.SPOOLED,
            role=Role.INCOMPLETE,
            number=row["number"],
            suffix=suffix_of(Role.INCOMPLETE, row["number"], pieces=row["pieces"]),
            start=piece.start,
            end=piece.end,
            ended_at=row["ended_at"],
            spool_name=piece.spool_name,
            size=piece.size,
            sha256=piece.sha256,
            uploads=takers,
        )
        (file_id,) = add_to(connection, row["item_id"], job.item, (plan,))
        footage.fetched(connection, file_id, piece.coverage)
        budgets.settle_file(connection, file_id, now=now)
        waiting = uploads.takers_of(connection, file_id)
    _plan_rest(connection, job, piece, takers, now=now)
    return waiting


_HAD: Final = "('verified', 'superseded', 'expired')"
"""The states of a piece that is at its destination, or was."""


def _settle(
    connection: sqlite3.Connection, file_id: int, earlier: int, *, now: float
) -> None:
    """Note of a whole who has no more than its earlier piece."""
    connection.execute(
        "UPDATE uploads SET state = 'incomplete', finished = ?,"  # noqa: S608
        f" {outcomes.CLEAN_UP_TRY} WHERE file_id = ?"
        " AND state = 'pending' AND destination_id IN (SELECT destination_id"
        f" FROM uploads WHERE file_id = ? AND state IN {_HAD})",
        (now, file_id, earlier),
    )


def _give(
    connection: sqlite3.Connection,
    job: FetchJob,
    earlier: sqlite3.Row,
    piece: Salvaged,
    takers: tuple[UploadPlan, ...],
    *,
    now: float,
) -> list[str]:
    """Let a piece be that of earlier, for those who neither have nor wait for that.

    They joined when there was a whole, or it could not be had when they were to get it.
    Returns the destinations that wait for the one in the spool.
    """
    file_id = earlier["id"]
    states = {
        row["destination_id"]: row["state"]
        for row in connection.execute(
            f"SELECT destination_id, IIF(state IN {_HAD}, 'had', state) AS state"  # noqa: S608
            " FROM uploads WHERE file_id = ?",
            (file_id,),
        )
    }
    lacking = [
        taker
        for taker in takers
        if states.get(taker.destination_id) not in ("had", "pending")
    ]
    if not lacking:
        return []
    for taker in lacking:
        if taker.destination_id not in states:
            item_id = earlier["item_id"]
            backfill.add(connection, item_id, job.item, taker, earlier, now=now)
            continue
        connection.execute(
            f"UPDATE uploads SET expected_at = ?, {retries.AGAIN}"  # noqa: S608
            " WHERE file_id = ? AND destination_id = ?",
            (now, file_id, taker.destination_id),
        )
    if "had" not in states.values() and earlier["state"] != FileState.SPOOLED:
        connection.execute(
            "UPDATE files SET start = ?, end = ? WHERE id = ?",
            (piece.start, piece.end, file_id),
        )
    retries.want(connection, file_id, now=now)
    if earlier["state"] == FileState.SPOOLED:
        return []  # It is there for others.
    return fetch_queue.fetched(
        connection,
        file_id,
        spool_name=piece.spool_name,
        size=piece.size,
        sha256=piece.sha256,
        coverage=piece.coverage,
        now=now,
    )


def of_other(
    connection: sqlite3.Connection, job: FetchJob, piece: Salvaged, *, now: float
) -> list[str]:
    """Take what can be had of a part, or of an incomplete file, for the file itself.

    Returns the destinations that wait for it.
    """
    (size,) = connection.execute(
        "SELECT size FROM files WHERE id = ?", (job.file_id,)
    ).fetchone()
    takers = _takers(connection, job.file_id)
    # What was fetched before may lie somewhere as it was: its range stays then, so that
    # no whole replaces that which lacks some of it.
    is_first = size is None
    if is_first:
        connection.execute(
            "UPDATE files SET start = ? WHERE id = ?", (piece.start, job.file_id)
        )
    waiting = fetch_queue.fetched(
        connection,
        job.file_id,
        spool_name=piece.spool_name,
        size=piece.size,
        sha256=piece.sha256,
        coverage=piece.coverage,
        end=piece.end if is_first else None,
        now=now,
    )
    footage.saw(connection, job.file_id, piece.shown)
    _plan_rest(connection, job, piece, takers, now=now)
    return waiting


def _takers(connection: sqlite3.Connection, file_id: int) -> tuple[UploadPlan, ...]:
    """Return what would bring another piece of a file to those who wait for it."""
    rows = connection.execute(
        "SELECT destination_id, base, is_asked FROM uploads WHERE file_id = ?"
        " AND state = 'pending'",
        (file_id,),
    )
    return tuple(
        UploadPlan(
            destination_id=row["destination_id"],
            path=row["base"],
            is_asked=bool(row["is_asked"]),
        )
        for row in rows
    )


def _plan_rest(
    connection: sqlite3.Connection,
    job: FetchJob,
    piece: Salvaged,
    takers: tuple[UploadPlan, ...],
    *,
    now: float,
) -> None:
    """Plan parts of what is shown behind a piece, for those who get no other of it."""
    item_id, ended_at = connection.execute(
        "SELECT item_id, ended_at FROM files WHERE id = ?", (job.file_id,)
    ).fetchone()
    (number,) = connection.execute(
        "SELECT COALESCE(MAX(number), 0) FROM files WHERE item_id = ?"
        " AND role = 'part'",
        (item_id,),
    ).fetchone()
    behind = within(piece.shown, piece.start, job.end)
    lacking = {
        taker: missing(behind, _planned(connection, item_id, taker, job, piece))
        for taker in takers
    }
    ranges = [
        part
        for start, end in union(*lacking.values())
        if end - start >= SHORTEST
        for part in as_parts(floor(start), min(ceil(end), job.end))
    ]
    plans = [
        FilePlan(
            state=FileState.WANTED,
            role=Role.PART,
            number=count,
            suffix=part_suffix(count),
            start=part.start,
            end=part.end,
            due=now,
            ended_at=ended_at - (job.end - part.end),
            uploads=tuple(taker for taker in takers if _lies_in(part, lacking[taker])),
        )
        for count, part in enumerate(ranges, start=number + 1)
    ]
    add_to(connection, item_id, job.item, tuple(plans))


def _lies_in(part: FootageRange, spans: Spans) -> bool:
    return bool(within(spans, part.start, part.end))


def _planned(
    connection: sqlite3.Connection,
    item_id: int,
    taker: UploadPlan,
    job: FetchJob,
    piece: Salvaged,
) -> Spans:
    """Return for which of an item's time a destination has, or gets, another piece.

    Or was to get one of which nothing plays. A piece holds all that is shown of its
    range, or it would have been none.
    """
    rows = connection.execute(
        "SELECT start, files.end, spool_name IS ? AND uploads.state = 'pending' AS is_this"
        " FROM files JOIN uploads ON file_id = files.id"
        " WHERE files.item_id = ? AND files.role IN ('part', 'incomplete')"
        " AND destination_id = ? AND (uploads.state IN ('pending', 'verified')"
        " OR uploads.state = 'skipped' AND uploads.reason LIKE ?)"
        " AND files.id != ? AND is_missed = 0",
        (
            piece.spool_name,
            item_id,
            taker.destination_id,
            f"{NOTHING_PLAYS}%",
            job.file_id,
        ),
    ).fetchall()
    own = [] if job.role is Role.WHOLE else [(piece.start, piece.end)]
    this = piece.start, piece.end
    return union(
        own, (this if row["is_this"] else (row["start"], row["end"]) for row in rows)
    )
