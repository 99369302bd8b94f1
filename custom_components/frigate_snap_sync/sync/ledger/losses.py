"""Losses: what a destination will never get, or has lost, until that is acknowledged.

Of an incomplete recording known footage is missing; it is a loss until the whole
has arrived after all.
"""

import sqlite3
from typing import Final

from ..model.status import Loss, Losses

NAMED: Final = 5
"""How many are named; the others are counted."""
MESSAGES_LOST: Final = "messages_lost"
"""The moment when live snapshots were lost before they could be kept."""

# In the words of the index, or SQLite would not use it.
_LOST: Final = (
    "is_acknowledged = 0"
    " AND (role = 'whole' AND state IN ('gone', 'dropped', 'incomplete')"
    " OR is_missed = 1)"
)


def losses(connection: sqlite3.Connection) -> Losses:
    """Return what was lost at the destinations that there are."""
    count, until = connection.execute(
        f"SELECT COUNT(*), MAX(finished) FROM uploads WHERE {_LOST}"  # noqa: S608
        " AND destination_id IN (SELECT id FROM destinations)"
    ).fetchone()
    newest = connection.execute(
        "SELECT destination_id, path, is_missed, COALESCE(reason,"  # noqa: S608
        " (SELECT error FROM files WHERE files.id = file_id)) AS reason FROM uploads"
        f" WHERE {_LOST} AND destination_id IN (SELECT id FROM destinations)"
        " ORDER BY finished DESC LIMIT ?",
        (NAMED,),
    )
    messages = connection.execute(
        "SELECT moment FROM milestones WHERE name = ?", (MESSAGES_LOST,)
    ).fetchone()
    moments = [until] if count else []
    moments += [messages["moment"]] if messages is not None else []
    return Losses(
        count=count,
        newest=tuple(
            Loss(
                destination_id=row["destination_id"],
                path=row["path"],
                reason="It is no longer there, or not as it was"
                if row["is_missed"]
                else row["reason"] or "",
            )
            for row in newest
        ),
        messages=messages is not None,
        until=max(moments, default=0.0),
    )


def acknowledge(connection: sqlite3.Connection, *, until: float) -> None:
    """Note that the owner knows of what was lost until then."""
    connection.execute(
        f"UPDATE uploads SET is_acknowledged = 1 WHERE {_LOST}"  # noqa: S608
        " AND finished <= ?",
        (until,),
    )
    connection.execute(
        "DELETE FROM milestones WHERE name = ? AND moment <= ?", (MESSAGES_LOST, until)
    )
