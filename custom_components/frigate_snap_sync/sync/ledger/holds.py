"""Holds: files that wait for something other than time."""

from collections.abc import Collection
import json
import sqlite3

from ..model.budget import HELD_BACK
from ..model.plans import Hold


def too_large(
    connection: sqlite3.Connection, *, limit: int, ids: Collection[int]
) -> set[int]:
    """Return the wanted files too large under this limit, and those among `ids`."""
    rows = connection.execute(
        "SELECT id FROM files WHERE state = 'wanted' AND (hold = ? AND hold_limit = ?"
        " OR id IN (SELECT value FROM json_each(?)))",
        (Hold.TOO_LARGE, limit, json.dumps(list(ids))),
    )
    return {row["id"] for row in rows}


def forbid(
    connection: sqlite3.Connection, camera: str, *, due: float, error: str
) -> None:
    """Let a camera's files wait until then; that is no failed try of theirs."""
    connection.execute(
        "UPDATE files SET due = ?1, error = ?2, hold = ?3, hold_limit = NULL"
        " WHERE state = 'wanted' AND due < ?1 AND hold IS NOT 'budget'"
        " AND (SELECT camera FROM items WHERE items.id = item_id) = ?4",
        (due, error, Hold.FORBIDDEN, camera),
    )


def look_again(connection: sqlite3.Connection, file_id: int, *, due: float) -> None:
    """Note when Frigate is to be asked again whether it still has what is held back."""
    connection.execute(
        "UPDATE files SET due = ?, error = ? WHERE id = ? AND hold = ?",
        (due, HELD_BACK, file_id, Hold.BUDGET),
    )


def try_forbidden(connection: sqlite3.Connection, *, now: float) -> None:
    """Let be asked for now what Frigate's user was not to have."""
    connection.execute(
        "UPDATE files SET due = ?1 WHERE state = 'wanted' AND due > ?1 AND hold = ?2",
        (now, Hold.FORBIDDEN),
    )


def try_too_large(connection: sqlite3.Connection, *, limit: int, now: float) -> None:
    """Let be asked for now what was too large under another limit than this."""
    connection.execute(
        "UPDATE files SET due = ?1 WHERE state = 'wanted' AND due > ?1 AND hold = ?2"
        " AND hold_limit != ?3",
        (now, Hold.TOO_LARGE, limit),
    )
