"""The cameras that were seen, with their counters."""

from collections.abc import Collection
import sqlite3


def shown_cameras(connection: sqlite3.Connection) -> set[str]:
    """Return the cameras of the configurations that Frigate gave lately."""
    rows = connection.execute("SELECT name FROM cameras WHERE is_shown = 1")
    return {row["name"] for row in rows}


def see_camera(connection: sqlite3.Connection, name: str) -> None:
    """Show a camera that Frigate has just named."""
    connection.execute(
        "INSERT INTO cameras (name) VALUES (?) ON CONFLICT (name)"
        " DO UPDATE SET is_shown = 1, absent_since = NULL",
        (name,),
    )


def see_config(
    connection: sqlite3.Connection,
    names: Collection[str],
    *,
    now: float,
    absence: float,
) -> None:
    """Show the cameras of Frigate's configuration, and hide the long absent ones.

    A configuration without any camera says nothing: Frigate's safe mode.
    """
    if not names:
        return
    for name in names:
        see_camera(connection, name)
    known = connection.execute("SELECT name FROM cameras WHERE is_shown = 1")
    for name in {row["name"] for row in known}.difference(names):
        connection.execute(
            "UPDATE cameras SET absent_since = COALESCE(absent_since, ?1),"
            " is_shown = COALESCE(absent_since, ?1) > ?1 - ?2 WHERE name = ?3",
            (now, absence, name),
        )


def forget_camera(connection: sqlite3.Connection, name: str) -> None:
    """Drop a camera and its counters; it comes back when Frigate tells of it."""
    connection.execute("DELETE FROM cameras WHERE name = ?", (name,))
    connection.execute("DELETE FROM drills WHERE camera = ?", (name,))
