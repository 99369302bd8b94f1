"""Traffic: how much each destination was sent of late."""

import sqlite3
from typing import Final

HOURS: Final = 72
"""How far back it is known."""


def note(
    connection: sqlite3.Connection, destination_id: str, size: int, *, now: float
) -> None:
    """Note that a destination got `size` bytes; forget what is too long ago."""
    hour = int(now // 3600)
    added = connection.execute(
        "INSERT INTO traffic VALUES (?, ?, ?) ON CONFLICT (destination_id, hour)"
        " DO UPDATE SET bytes = bytes + excluded.bytes RETURNING bytes",
        (destination_id, hour, size),
    ).fetchone()
    if added["bytes"] == size:  # The first of its hour.
        connection.execute("DELETE FROM traffic WHERE hour <= ?", (hour - HOURS,))


def of_three_days(connection: sqlite3.Connection, *, now: float) -> dict[str, int]:
    """Return the bytes that each destination was sent in the last three days."""
    rows = connection.execute(
        "SELECT destination_id, SUM(bytes) AS bytes FROM traffic WHERE hour > ?"
        " GROUP BY destination_id",
        (int(now // 3600) - HOURS,),
    )
    return {row["destination_id"]: row["bytes"] for row in rows}
