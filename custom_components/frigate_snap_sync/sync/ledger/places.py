"""Places: where a destination is, and what lies where it was before.

An owner may set up a destination to be elsewhere. What was verified at its former place
stays there, and is no copy at the new one until it is found there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import sqlite3

from ...storage.base import StoredFile
from . import milestones, uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A destination that is elsewhere now.

    `copies` are no longer counted, `unfinished` are the names of what tries may have
    left at the former place.
    """

    copies: int
    unfinished: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerCopy:
    """A copy at a former place, which may lie at the present one as well."""

    upload_id: int
    former_id: str
    path_key: str
    stored: StoredFile


def settle(
    connection: sqlite3.Connection, destination_id: str, place: str, *, now: float
) -> Move | None:
    """Keep where a destination is; return what that changes, None if it was there.

    What lies at the former place counts no longer, and is neither looked at nor
    removed. What waits goes to the new place as if nothing had been tried. If the
    destination was at this place before, what it had there counts again.
    """
    row = connection.execute(
        "SELECT place FROM destinations WHERE id = ?", (destination_id,)
    ).fetchone()
    if row is None or row["place"] == place:
        return None
    connection.execute(
        "UPDATE destinations SET place = ? WHERE id = ?", (place, destination_id)
    )
    if row["place"] is None:
        return None
    connection.execute(
        "UPDATE destinations SET placed = ?, probe = NULL WHERE id = ?",
        (now, destination_id),
    )
    connection.execute(
        "DELETE FROM drill_files WHERE destination_id = ?", (destination_id,)
    )
    unfinished = _begin_again(connection, destination_id)
    copies = _leave(connection, destination_id, row["place"])
    _return(connection, destination_id, place)
    # All that lies elsewhere may lie here as well.
    connection.execute(
        "UPDATE former_places SET looked = '' WHERE destination_id = ?",
        (destination_id,),
    )
    return Move(copies=copies, unfinished=unfinished)


def to_look_for(
    connection: sqlite3.Connection, destination_id: str, *, limit: int
) -> Sequence[FormerCopy]:
    """Return the next copies at former places that may lie at the present one."""
    found: list[FormerCopy] = []
    for place in connection.execute(
        "SELECT id, looked FROM former_places WHERE destination_id = ? ORDER BY id",
        (destination_id,),
    ).fetchall():
        rows = connection.execute(
            "SELECT id, path, path_key, size FROM uploads"
            " WHERE destination_id = ? AND path_key > ? AND state = 'verified'"
            " ORDER BY path_key LIMIT ?",
            (place["id"], place["looked"], limit - len(found)),
        )
        found += [
            FormerCopy(
                upload_id=row["id"],
                former_id=place["id"],
                path_key=row["path_key"],
                stored=StoredFile(path=row["path"], size=row["size"]),
            )
            for row in rows
        ]
    return found


def looked_for(
    connection: sqlite3.Connection,
    destination_id: str,
    copy: FormerCopy,
    *,
    is_there: bool,
) -> bool:
    """Note that a copy was looked for; return whether it counts at this place now.

    Not if another upload has its name or its file there.
    """
    connection.execute(
        "UPDATE former_places SET looked = ? WHERE id = ?",
        (copy.path_key, copy.former_id),
    )
    return is_there and bool(
        connection.execute(
            "UPDATE OR IGNORE uploads SET destination_id = ?, was_found = 1,"
            " is_missed = 0 WHERE id = ? AND destination_id = ? AND state = 'verified'",
            (destination_id, copy.upload_id, copy.former_id),
        ).rowcount
    )


def begun(connection: sqlite3.Connection, destination_id: str) -> float:
    """Return since when it is known what a destination has under our names.

    That is since it is there, and where it is: an earlier one, of this entry or another,
    may have been at the same place.
    """
    row = connection.execute(
        "SELECT MAX(since, placed) AS begun FROM destinations WHERE id = ?",
        (destination_id,),
    ).fetchone()
    made = milestones.moment(connection, milestones.SINCE, default=0.0)
    return made if row is None else max(made, float(row["begun"]))


def _begin_again(
    connection: sqlite3.Connection, destination_id: str
) -> tuple[str, ...]:
    """Forget all tries of what waits; return the names of what they may have left.

    Also of what is given up already, and was to be removed.
    """
    names = tuple(uploads.unfinished(connection, destination_id))
    for which in (
        "state = 'pending'",
        "clean_up IS NOT NULL AND clean_up = 'temporary'",
    ):
        connection.execute(
            "UPDATE uploads SET temporary = NULL, tried_size = NULL,"  # noqa: S608
            " tried_sha256 = NULL, attempts = 0, retry_at = 0, clean_up = NULL"
            f" WHERE destination_id = ? AND {which}",
            (destination_id,),
        )
    # A superseded file stays where it is; what a later try of it has begun does not.
    connection.execute(
        "UPDATE uploads SET temporary = NULL WHERE destination_id = ?"
        " AND clean_up IS NOT NULL AND temporary IS NOT NULL",
        (destination_id,),
    )
    return names


def _leave(connection: sqlite3.Connection, destination_id: str, place: str) -> int:
    """Let what lies at the former place be no longer the destination's.

    Returns how many copies that are.
    """
    former = f"{destination_id}@{place}"
    connection.execute(
        "INSERT OR IGNORE INTO former_places (id, destination_id, place) VALUES (?, ?, ?)",
        (former, destination_id, place),
    )
    # Its copies keep no item in mind for longer than those of a removed one.
    connection.execute(
        "INSERT OR IGNORE INTO removed_destinations VALUES (?)", (former,)
    )
    (copies,) = connection.execute(
        "SELECT COUNT(*) FROM uploads WHERE destination_id = ? AND state = 'verified'",
        (destination_id,),
    ).fetchone()
    for table, lies in _LYING.items():
        # What else was known of the same name there is older.
        connection.execute(
            f"DELETE FROM {table} WHERE destination_id = ?1 AND path_key IN"  # noqa: S608
            f" (SELECT path_key FROM {table} WHERE destination_id = ?2 AND {lies})",
            (former, destination_id),
        )
    connection.execute(
        "DELETE FROM uploads WHERE destination_id = ?1 AND file_id IN"  # noqa: S608
        f" (SELECT file_id FROM uploads WHERE destination_id = ?2 AND {_LYING['uploads']})",
        (former, destination_id),
    )
    for table, lies in _LYING.items():
        connection.execute(
            f"UPDATE {table} SET destination_id = ? WHERE destination_id = ? AND {lies}",  # noqa: S608
            (former, destination_id),
        )
    return int(copies)


def _return(connection: sqlite3.Connection, destination_id: str, place: str) -> None:
    """Let what a destination had at this place before count again."""
    former = f"{destination_id}@{place}"
    for table in _LYING:
        connection.execute(
            f"UPDATE OR IGNORE {table} SET destination_id = ? WHERE destination_id = ?",  # noqa: S608
            (destination_id, former),
        )
    connection.execute("DELETE FROM former_places WHERE id = ?", (former,))


_LYING = {
    "uploads": "(state = 'verified' OR (clean_up IS NOT NULL AND clean_up != 'temporary'))",
    "live_files": "(state != 'over' OR clean_up = 1)",
}
"""What may lie at a place, and is known by its name there."""
