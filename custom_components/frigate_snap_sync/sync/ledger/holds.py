"""Setbacks: files that wait for something other than time."""

from collections.abc import Collection
import json
import sqlite3


def wanted_with(
    connection: sqlite3.Connection, *, error: str, ids: Collection[int]
) -> set[int]:
    """Return the files to fetch whose last try failed so, and those among `ids`."""
    rows = connection.execute(
        "SELECT id FROM files WHERE state = 'wanted'"
        " AND (error = ? OR id IN (SELECT value FROM json_each(?)))",
        (error, json.dumps(list(ids))),
    )
    return {row["id"] for row in rows}


def hold(
    connection: sqlite3.Connection, camera: str, *, due: float, error: str
) -> None:
    """Let a camera's files wait until then; that is no failed try of theirs."""
    connection.execute(
        "UPDATE files SET due = ?1, error = ?2 WHERE state = 'wanted' AND due < ?1"
        " AND (SELECT camera FROM items WHERE items.id = item_id) = ?3",
        (due, error, camera),
    )


def try_now(
    connection: sqlite3.Connection, *, beginning: str, but: str, now: float
) -> None:
    """Let files be fetched now whose last try failed for a reason that begins so.

    Not those whose whole reason is `but`.
    """
    connection.execute(
        "UPDATE files SET due = ?1 WHERE state = 'wanted' AND due > ?1"
        " AND SUBSTR(error, 1, LENGTH(?2)) = ?2 AND error != ?3",
        (now, beginning, but),
    )
