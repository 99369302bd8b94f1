"""Milestones: moments that must outlast a restart."""

from collections.abc import Mapping
import sqlite3
from typing import Final

SINCE: Final = "since"
"""The moment when the entry was made."""
RESTORED: Final = "restored"
"""When the ledger began again with less than it had known."""
UNSETTLED: Final = "unsettled"
"""When that was noticed, until the spool was opened."""
CAUGHT_UP: Final = "caught_up"
"""Up to when all that Frigate's API shows is known."""
WRITTEN: Final = "written"
"""When the ledger was last seen to take what is written."""
LAST_REVIEW: Final = "last_review"
"""When Frigate last reported a review that a destination wants."""
FIRST_REVIEW: Final = "first_review"
"""When it reported the first such review after the last upload."""


def moment(connection: sqlite3.Connection, name: str, *, default: float) -> float:
    """Return a moment that was kept; keep the default if there was none."""
    connection.execute(
        "INSERT OR IGNORE INTO milestones VALUES (?, ?)", (name, default)
    )
    (kept,) = connection.execute(
        "SELECT moment FROM milestones WHERE name = ?", (name,)
    ).fetchone()
    return float(kept)


def keep_moment(connection: sqlite3.Connection, name: str, moment: float) -> None:
    """Keep a moment."""
    connection.execute(
        "INSERT INTO milestones VALUES (?, ?) ON CONFLICT (name)"
        " DO UPDATE SET moment = excluded.moment",
        (name, moment),
    )


def is_kept(connection: sqlite3.Connection, name: str) -> bool:
    """Tell whether a moment of this name is kept."""
    found = connection.execute("SELECT 1 FROM milestones WHERE name = ?", (name,))
    return found.fetchone() is not None


def forget(connection: sqlite3.Connection, name: str) -> None:
    """Keep a moment no more."""
    connection.execute("DELETE FROM milestones WHERE name = ?", (name,))


def keep_review(connection: sqlite3.Connection, moment: float) -> None:
    """Keep that a review which a destination wants was reported at a moment."""
    keep_moment(connection, LAST_REVIEW, moment)
    connection.execute(
        "INSERT INTO milestones VALUES (?1, ?2) ON CONFLICT (name)"
        " DO UPDATE SET moment = excluded.moment"
        " WHERE moment <= (SELECT MAX(last_upload) FROM destinations)",
        (FIRST_REVIEW, moment),
    )


def keep_caught_up(
    connection: sqlite3.Connection, moment: float, *, is_sure: bool
) -> None:
    """Keep up to when all that Frigate's API shows is known.

    An earlier one than is known counts only if our clock `is_sure`: without one a
    machine begins years behind, and nothing would be lost but all compared again.
    """
    connection.execute(
        "INSERT INTO milestones VALUES (?1, ?2) ON CONFLICT (name)"
        " DO UPDATE SET moment = IIF(?3, ?2, MAX(moment, ?2))",
        (CAUGHT_UP, moment, is_sure),
    )


def moments(connection: sqlite3.Connection, prefix: str) -> dict[str, float]:
    """Return the moments whose names begin so, by the rest of their names."""
    return dict(
        connection.execute(
            "SELECT SUBSTR(name, LENGTH(?1) + 1), moment FROM milestones"
            " WHERE SUBSTR(name, 1, LENGTH(?1)) = ?1",
            (prefix,),
        ).fetchall()
    )


def only_moments(
    connection: sqlite3.Connection, prefix: str, new: Mapping[str, float]
) -> dict[str, float]:
    """Keep moments in place of others whose names begin so; return them.

    One of a name that is kept already stays as it was.
    """
    known = moments(connection, prefix)
    connection.executemany(
        "DELETE FROM milestones WHERE name = ?",
        [(prefix + name,) for name in known.keys() - new.keys()],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO milestones VALUES (?, ?)",
        [(prefix + name, moment) for name, moment in new.items()],
    )
    return moments(connection, prefix)
