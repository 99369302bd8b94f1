"""Probes: the file that a test of a destination may have left there."""

import sqlite3


def begin(connection: sqlite3.Connection, destination_id: str, *, name: str) -> str:
    """Keep the name of a probe about to be made; return the one to use.

    That is the name of an earlier one which was not seen to be removed.
    """
    connection.execute(
        "UPDATE destinations SET probe = COALESCE(probe, ?) WHERE id = ?",
        (name, destination_id),
    )
    return left(connection, destination_id) or name


def left(connection: sqlite3.Connection, destination_id: str) -> str | None:
    """Return the name of a probe that may lie at the destination."""
    row = connection.execute(
        "SELECT probe FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    return None if row is None else row["probe"]


def removed(connection: sqlite3.Connection, destination_id: str) -> None:
    """Note that no probe lies at the destination."""
    connection.execute(
        "UPDATE destinations SET probe = NULL WHERE id = ?", (destination_id,)
    )
