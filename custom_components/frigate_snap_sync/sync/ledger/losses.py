"""Losses: what a destination will never get, or has lost, until that is acknowledged.

Of an incomplete recording known footage is missing; it is a loss until the whole
has arrived after all.
"""

import sqlite3
from typing import Final

from ..model.status import Loss, Losses
from . import closed_periods, milestones, off_periods

NAMED: Final = 5
"""How many are named; the others are counted."""
MESSAGES_LOST: Final = "messages_lost"
"""The moment when live snapshots were lost before they could be kept."""
MISSING: Final = "missing"
"""The cause of a loss that an audit has found."""
IMAGES_TOO_LARGE: Final = "images_too_large"
"""The moment when live snapshots were too large to be kept."""

# In the words of the index, which SQLite would not use by itself.
_LOST: Final = (
    "uploads INDEXED BY losses WHERE is_acknowledged = 0"
    " AND (role = 'whole' AND state IN ('gone', 'dropped', 'incomplete')"
    " OR is_missed = 1)"
    # A part that vanished, whose seconds its whole has.
    " AND state != 'superseded'"
)
_WHEN: Final = "COALESCE(missed_at, finished)"
"""When it was lost: a copy that vanished had arrived before."""


def losses(connection: sqlite3.Connection) -> Losses:
    """Return what was lost at the destinations that there are."""
    count, until = connection.execute(
        f"SELECT COUNT(*), MAX({_WHEN}) FROM {_LOST}"  # noqa: S608
        " AND destination_id IN (SELECT id FROM destinations)"
    ).fetchone()
    newest = connection.execute(
        "SELECT destination_id, path, state, is_missed, COALESCE(reason,"  # noqa: S608
        " (SELECT error FROM files WHERE files.id = file_id)) AS reason"
        f" FROM {_LOST} AND destination_id IN (SELECT id FROM destinations)"
        f" ORDER BY {_WHEN} DESC LIMIT ?",
        (NAMED,),
    )
    images = {
        row["name"]: row["moment"]
        for row in connection.execute(
            "SELECT name, moment FROM milestones WHERE name IN (?, ?)",
            (MESSAGES_LOST, IMAGES_TOO_LARGE),
        )
    }
    moments = [until] if count else []
    moments += images.values()
    return Losses(
        count=count,
        newest=tuple(
            Loss(
                destination_id=row["destination_id"],
                path=row["path"],
                cause=MISSING if row["is_missed"] else row["state"],
                reason="It is no longer there, or not as it was"
                if row["is_missed"]
                else row["reason"] or "",
            )
            for row in newest
        ),
        messages=MESSAGES_LOST in images,
        large_images=IMAGES_TOO_LARGE in images,
        until=max(moments, default=0.0),
    )


def keep_missed(connection: sqlite3.Connection, name: str, *, now: float) -> None:
    """Keep that images were lost just now, unless none is to be copied anywhere."""
    open_ = {row["id"] for row in connection.execute("SELECT id FROM destinations")}
    open_ -= set(closed_periods.closed(connection))
    if open_ and not off_periods.was_off(connection, now):
        milestones.keep_moment(connection, name, now)


def acknowledge(connection: sqlite3.Connection, *, until: float) -> None:
    """Note that the owner knows of what was lost until then."""
    connection.execute(
        "UPDATE uploads SET is_acknowledged = 1 WHERE id IN"  # noqa: S608
        f" (SELECT id FROM {_LOST}"
        f" AND {_WHEN} <= ?)",
        (until,),
    )
    connection.execute(
        "DELETE FROM milestones WHERE name IN (?, ?) AND moment <= ?",
        (MESSAGES_LOST, IMAGES_TOO_LARGE, until),
    )
