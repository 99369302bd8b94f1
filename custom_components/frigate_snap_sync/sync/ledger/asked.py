"""Uploads that a person asked for, or no longer wants."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
import sqlite3

from ..model.item import Role, UploadState
from ..model.plans import FilePlan, FileState, UploadPlan
from ..model.status import CancelFilter
from ..model.transition import Transition
from . import backfill, outcomes, retries
from .backfill import Known

CANCELLED_BY_OWNER = "Cancelled with the action cancel_uploads"

_OVER = "('cancelled', 'skipped', 'gone', 'dropped', 'incomplete')"
"""The states of what did not arrive whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a recording: its seconds by Frigate's clock, and whether it is here."""

    number: int
    start: int
    end: int
    is_spooled: bool


def lacking(
    connection: sqlite3.Connection, item_id: int, destination_ids: Collection[str]
) -> list[Piece]:
    """Return the pieces that one of these destinations neither has nor waits for."""
    marks = ", ".join("(?)" for _ in destination_ids)
    rows = connection.execute(
        "SELECT number, start, end, state FROM files WHERE item_id = ?"  # noqa: S608
        " AND role = 'whole' AND end IS NOT NULL"
        f" AND EXISTS (SELECT 1 FROM (VALUES {marks}) AS wanting"
        " WHERE NOT EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        f" AND destination_id = wanting.column1 AND state NOT IN {_OVER}))"
        " ORDER BY number",
        (item_id, *destination_ids),
    )
    return [
        Piece(
            number=row["number"],
            start=row["start"],
            end=row["end"],
            is_spooled=row["state"] == FileState.SPOOLED,
        )
        for row in rows
    ]


def give(
    connection: sqlite3.Connection,
    known: Known,
    *,
    files: tuple[FilePlan, ...],
    uploads: tuple[UploadPlan, ...],
    numbers: Collection[int],
    now: float,
) -> list[int]:
    """Plan new `files` of an item, and let destinations have what they lack of it.

    `uploads` are theirs, `numbers` the known pieces that can be had. Returns the
    seconds of each upload that waits now and did not before.
    """
    earlier = _waiting(connection, known.item_id)
    if files:
        backfill.plan(connection, known, files)
        # Another call may have planned them meanwhile, for its destinations alone.
        numbers = {*numbers, *(file.number for file in files)}
    backfill.join(connection, known, uploads, now=now, numbers=numbers)
    for upload in uploads if numbers else ():
        _again(connection, known.item_id, upload.destination_id, numbers, now=now)
    waiting = _waiting(connection, known.item_id)
    return [seconds for id_, seconds in waiting.items() if id_ not in earlier]


def _waiting(connection: sqlite3.Connection, item_id: int) -> dict[int, int]:
    rows = connection.execute(
        "SELECT uploads.id AS id, COALESCE(files.end - files.start, 0) AS seconds"
        " FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.item_id = ? AND uploads.state = 'pending'",
        (item_id,),
    )
    return {row["id"]: row["seconds"] for row in rows}


def _again(
    connection: sqlite3.Connection,
    item_id: int,
    destination_id: str,
    numbers: Collection[int],
    *,
    now: float,
) -> None:
    """Let those pieces wait again that a destination did not get."""
    marks = ", ".join("?" * len(numbers))
    rows = connection.execute(
        f"UPDATE uploads SET expected_at = ?, is_asked = 1, {retries.AGAIN}"  # noqa: S608
        f" WHERE item_id = ? AND destination_id = ? AND role = ? AND state IN {_OVER}"
        " AND file_id IN (SELECT id FROM files WHERE item_id = ? AND role = 'whole'"
        f" AND end IS NOT NULL AND number IN ({marks})) RETURNING file_id",
        (now, item_id, destination_id, Role.WHOLE, item_id, *numbers),
    ).fetchall()
    for row in rows:
        retries.want(connection, row["file_id"], now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """How many uploads were cancelled, whose, and what that frees."""

    count: int
    destination_ids: Sequence[str]
    transition: Transition


def cancel(
    connection: sqlite3.Connection, wanted: CancelFilter, *, now: float
) -> Cancelled:
    """Cancel what waits, and what is still to be completed, as far as it fits."""
    states = {
        # In the words of the indexes, or SQLite would look through the history.
        UploadState.PENDING: "state = 'pending'",
        UploadState.INCOMPLETE: "state IN ('gone', 'dropped', 'incomplete')"
        " AND state = 'incomplete'",
    }
    rows: list[sqlite3.Row] = []
    for state, condition in states.items():
        if wanted.state in (None, state):
            rows += connection.execute(
                "UPDATE uploads SET state = 'cancelled', reason = ?1, finished = ?2,"  # noqa: S608
                f" {outcomes.CLEAN_UP_TRY}"
                " WHERE id IN (SELECT uploads.id FROM destinations"
                " JOIN uploads ON destination_id = destinations.id"
                " JOIN items ON items.id = item_id"
                f" WHERE uploads.{condition.replace(' AND ', ' AND uploads.')}"
                " AND (?3 IS NULL OR source_id = ?3)"
                " AND (?4 IS NULL OR destination_id = ?4))"
                " RETURNING item_id, file_id, destination_id",
                (CANCELLED_BY_OWNER, now, wanted.item_id, wanted.destination_id),
            ).fetchall()
    for item_id in {row["item_id"] for row in rows}:
        outcomes.count_for_camera(connection, item_id)
    freed = [
        name
        for file_id in {row["file_id"] for row in rows}
        if (name := outcomes.release(connection, file_id, now=now))
    ]
    return Cancelled(
        count=len(rows),
        destination_ids=sorted({row["destination_id"] for row in rows}),
        transition=Transition(tuple(freed)),
    )
