"""Budgets: how much each destination was sent in a month, and what waits for that."""

from collections.abc import Collection, Set as AbstractSet
from dataclasses import dataclass
import json
import sqlite3
from typing import Final

from ...frigate.models import Severity
from ..model.budget import HELD_BACK, Sendable, kind_of
from ..model.item import Media, Role
from ..model.plans import FileState, Hold
from ..model.transition import NOTHING, Transition

_LOOK: Final = 86400.0
"""Seconds after which Frigate is asked whether it still has what is held back."""

UNHELD: Final = (
    "error = IIF(hold = 'budget', NULL, error), hold = IIF(hold = 'budget', NULL, hold)"
)
"""In an UPDATE of files that are wanted again: what held them back before is over.

`settle_file` then holds back again what must be.
"""

_MONTHS: Final = 24
"""How many are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a destination was sent in a month."""

    month: str
    bytes: int


def spend(
    connection: sqlite3.Connection,
    destination_id: str,
    size: int,
    *,
    month: str,
    is_sure: bool,
) -> Spent:
    """Count bytes that were sent; return the sum of the month that it is now.

    `month` is that of our clock. Unless `is_sure`, a month before the newest one that
    is known does not count: a machine without a clock of its own begins years behind.
    Where it is sure, what was counted in later months belongs to this one.
    """
    (newest,) = connection.execute(
        "SELECT MAX(month) FROM spent WHERE destination_id = ?", (destination_id,)
    ).fetchone()
    if newest is not None and newest > month:
        if is_sure:
            (later,) = connection.execute(
                "SELECT SUM(bytes) FROM spent WHERE destination_id = ? AND month > ?",
                (destination_id, month),
            ).fetchone()
            size += later
            connection.execute(
                "DELETE FROM spent WHERE destination_id = ? AND month > ?",
                (destination_id, month),
            )
        else:
            month = newest
    (total,) = connection.execute(
        "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT (destination_id, month)"
        " DO UPDATE SET bytes = bytes + excluded.bytes RETURNING bytes",
        (destination_id, month, size),
    ).fetchone()
    connection.execute(
        "DELETE FROM spent WHERE destination_id = ?1 AND month NOT IN (SELECT month"
        " FROM spent WHERE destination_id = ?1 ORDER BY month DESC LIMIT ?2)",
        (destination_id, _MONTHS),
    )
    return Spent(month=month, bytes=int(total))


def hold_back(
    connection: sqlite3.Connection,
    destination_id: str,
    kinds: AbstractSet[Sendable],
    *,
    now: float,
    exclude: Collection[int] = (),
) -> Transition | None:
    """Hold back what is of these kinds at a destination, and release all else.

    Uploads that are on their way (`exclude`) continue. Returns None if that was so
    already.
    """
    wanted = json.dumps(sorted(kinds)) if kinds else None
    changed = connection.execute(
        "UPDATE destinations SET held_back = ?1 WHERE id = ?2 AND held_back IS NOT ?1",
        (wanted, destination_id),
    ).rowcount
    if not changed:
        return None
    rows = connection.execute(
        f"{_UPLOADS} AND destination_id = ?", (destination_id,)
    ).fetchall()
    return _settle(connection, rows, now=now, exclude=exclude)


def settle_item(
    connection: sqlite3.Connection, item_id: int, *, now: float
) -> Transition:
    """Hold back what of an item may not be sent now, and release the rest."""
    if not _is_any_held(connection):
        return NOTHING
    rows = connection.execute(
        f"{_UPLOADS} AND uploads.item_id = ?", (item_id,)
    ).fetchall()
    return _settle(connection, rows, now=now)


def settle_file(
    connection: sqlite3.Connection, file_id: int, *, now: float
) -> Transition:
    """Hold back a file that may not be sent now, or release it."""
    if not _is_any_held(connection):
        return NOTHING
    rows = connection.execute(f"{_UPLOADS} AND file_id = ?", (file_id,)).fetchall()
    return _settle(connection, rows, now=now)


def hold_fetched(connection: sqlite3.Connection, file_id: int, *, now: float) -> None:
    """Let a file wait that came when none of those who want it may have it.

    It is not asked for again at once, whatever holds them back.
    """
    settle_file(connection, file_id, now=now)
    connection.execute(
        "UPDATE files SET hold = ?, error = ?, due = MAX(due, ?) WHERE id = ?"
        " AND state = 'wanted' AND NOT EXISTS (SELECT 1 FROM uploads"
        " WHERE file_id = files.id AND state = 'pending' AND hold IS NULL)",
        (Hold.BUDGET, HELD_BACK, now + _LOOK, file_id),
    )


_UPLOADS: Final = (
    "SELECT uploads.id AS id, file_id, uploads.hold AS hold, media,"
    " uploads.role AS role, severity, held_back FROM uploads"
    " JOIN items ON items.id = uploads.item_id"
    " JOIN destinations ON destinations.id = destination_id"
    " WHERE uploads.state IN ('pending', 'incomplete')"
)


def _is_any_held(connection: sqlite3.Connection) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM destinations WHERE held_back IS NOT NULL)"
    )
    return bool(row.fetchone()[0])


def _settle(
    connection: sqlite3.Connection,
    rows: Collection[sqlite3.Row],
    *,
    now: float,
    exclude: Collection[int] = (),
) -> Transition:
    files: dict[int, None] = {}
    for row in rows:
        if row["id"] in exclude:
            continue
        is_held = row["held_back"] is not None and _kind(row) in json.loads(
            row["held_back"]
        )
        if is_held != (row["hold"] is not None):
            connection.execute(
                "UPDATE uploads SET hold = ?2, was_held = was_held OR ?2 IS NOT NULL,"
                # Late is what does not leave although it may.
                " expected_at = IIF(?2 IS NULL AND state = 'pending', MAX(expected_at, ?3),"
                " expected_at) WHERE id = ?1",
                (row["id"], Hold.BUDGET if is_held else None, now),
            )
        if is_held or row["hold"] is not None:
            files[row["file_id"]] = None
    freed = [
        settled for id_ in files if (settled := _settle_file(connection, id_, now))
    ]
    return Transition(tuple(freed))


def _kind(row: sqlite3.Row) -> Sendable:
    severity = None if row["severity"] is None else Severity(row["severity"])
    return kind_of(Media(row["media"]), Role(row["role"]), severity)


def _settle_file(
    connection: sqlite3.Connection, file_id: int, now: float
) -> str | None:
    """Let a file wait unfetched while all who want it are held back, or release it.

    Returns the name of what is to be removed from the spool, if anything is.
    """
    connection.execute(
        "UPDATE uploads SET is_ready = hold IS NULL AND (SELECT state FROM files"
        " WHERE id = file_id) = 'spooled' WHERE file_id = ? AND state = 'pending'",
        (file_id,),
    )
    file = connection.execute(
        "SELECT state, hold, spool_name,"
        " EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'pending' AND hold IS NULL) AS is_needed,"
        " EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'incomplete' AND hold IS NULL) AS would_be_taken"
        " FROM files WHERE id = ?",
        (file_id,),
    ).fetchone()
    state, is_held = FileState(file["state"]), file["hold"] == Hold.BUDGET
    is_wanted = file["is_needed"] or file["would_be_taken"]
    if state is FileState.WANTED and is_wanted and is_held:
        connection.execute(
            "UPDATE files SET hold = NULL, error = NULL, due = ? WHERE id = ?",
            (now, file_id),
        )
    elif (state is FileState.WANTED and not is_wanted and not is_held) or (
        state is FileState.SPOOLED and not file["is_needed"]
    ):
        connection.execute(
            "UPDATE files SET state = ?, spool_name = NULL, hold = ?, hold_limit = NULL,"
            " error = ?, due = ? WHERE id = ?",
            (FileState.WANTED, Hold.BUDGET, HELD_BACK, now + _LOOK, file_id),
        )
        name: str | None = file["spool_name"]
        return name
    return None
