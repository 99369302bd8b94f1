"""Tracked objects whose end is still to be heard of."""

from collections.abc import Iterable
from dataclasses import dataclass
import sqlite3
from typing import Final

from ..model.item import Media

MOST: Final = 1000
"""More than any Frigate tracks at once; beyond these only MQTT and catching up help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """An object: when it was heard of last, and known to be tracked (our clock)."""

    heard_at: float
    tracked_at: float | None


def remember(
    connection: sqlite3.Connection,
    ids: Iterable[str],
    *,
    now: float,
    is_tracked: bool = False,
) -> None:
    """Note that these were heard of, and with `is_tracked` that they are there.

    Nothing is noted of those whose picture is an item.
    """
    for object_id in ids:
        connection.execute(
            "INSERT INTO tracked_objects (id, heard_at, tracked_at) SELECT ?1, ?2, ?3"
            " WHERE NOT EXISTS (SELECT 1 FROM items"
            " WHERE media = ?4 AND source_id = ?1)"
            " AND ((SELECT COUNT(*) FROM tracked_objects) < ?5"
            " OR EXISTS (SELECT 1 FROM tracked_objects WHERE id = ?1))"
            " ON CONFLICT (id) DO UPDATE SET heard_at = MAX(heard_at, excluded.heard_at),"
            " tracked_at = MAX(COALESCE(tracked_at, excluded.tracked_at),"
            " COALESCE(excluded.tracked_at, tracked_at))",
            (object_id, now, now if is_tracked else None, Media.SNAPSHOTS, MOST),
        )


def remembered(connection: sqlite3.Connection) -> dict[str, Remembered]:
    """Return the objects, those first that were heard of the longest ago."""
    rows = connection.execute(
        "SELECT id, heard_at, tracked_at FROM tracked_objects ORDER BY heard_at"
    )
    return {
        row["id"]: Remembered(heard_at=row["heard_at"], tracked_at=row["tracked_at"])
        for row in rows
    }


def tracked_at(connection: sqlite3.Connection, object_id: str) -> float | None:
    """Return when an object was known to be tracked last, None if it never was."""
    row = connection.execute(
        "SELECT tracked_at FROM tracked_objects WHERE id = ?", (object_id,)
    ).fetchone()
    return row["tracked_at"] if row else None


def forget(connection: sqlite3.Connection, object_id: str) -> None:
    """Note that nothing more is to be heard of an object."""
    connection.execute("DELETE FROM tracked_objects WHERE id = ?", (object_id,))
