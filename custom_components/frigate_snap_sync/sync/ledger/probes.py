"""Probes: what a test of a destination may have left there."""

import json
import sqlite3
from typing import Final

from ...storage.leftovers import Leftovers
from ...storage.names import TemporaryForm

MOST: Final = 100
"""Files, and folders, that are remembered; of more the newest."""


def begin(
    connection: sqlite3.Connection, destination_id: str, *, made: Leftovers
) -> Leftovers:
    """Keep what a test is about to make; return what earlier ones may have left."""
    earlier = left(connection, destination_id)
    keep(connection, destination_id, left=(earlier - made) | made)
    return earlier


def left(connection: sqlite3.Connection, destination_id: str) -> Leftovers:
    """Return what tests may have left at the destination."""
    row = connection.execute(
        "SELECT probe FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    if row is None or row["probe"] is None:
        return Leftovers()
    kept = json.loads(row["probe"])
    return Leftovers(files=tuple(kept["files"]), folders=tuple(kept["folders"]))


def keep(
    connection: sqlite3.Connection, destination_id: str, *, left: Leftovers
) -> None:
    """Keep what tests have left at the destination, in place of what was known."""
    kept = {"files": left.files[-MOST:], "folders": left.folders[-MOST:]}
    connection.execute(
        "UPDATE destinations SET probe = ? WHERE id = ?",
        (json.dumps(kept) if left else None, destination_id),
    )


def form(connection: sqlite3.Connection, destination_id: str) -> TemporaryForm | None:
    """Return the form of temporary names that a test has found since the set-up."""
    row = connection.execute(
        "SELECT temporary_form FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    if row is None or row["temporary_form"] is None:
        return None
    return TemporaryForm(row["temporary_form"])


def keep_form(
    connection: sqlite3.Connection, destination_id: str, *, form: TemporaryForm | None
) -> None:
    """Keep that form; None: that of the set-up counts again."""
    connection.execute(
        "UPDATE destinations SET temporary_form = ? WHERE id = ?",
        (form, destination_id),
    )
