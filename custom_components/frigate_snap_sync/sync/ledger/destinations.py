"""The destinations: since when there are such, their switch and their last error."""

from collections.abc import Collection
import sqlite3

from ..model.status import LastError
from ..model.transition import NOTHING, Transition
from . import outcomes


def keep_destinations(
    connection: sqlite3.Connection, ids: Collection[str], *, now: float
) -> Transition:
    """Make these the destinations; cancel the uploads of the others."""
    known = {row["id"] for row in connection.execute("SELECT id FROM destinations")}
    known.update(
        row["destination_id"]
        for row in connection.execute(
            "SELECT destination_id FROM uploads WHERE state = 'pending' UNION"
            # In the words of the index on what failed, or SQLite would not use it.
            " SELECT destination_id FROM uploads WHERE state IN"
            " ('gone', 'dropped', 'incomplete') AND state = 'incomplete'"
        )
    )
    for destination_id in ids:
        connection.execute(
            "INSERT OR IGNORE INTO destinations (id, since) VALUES (?, ?)",
            (destination_id, now),
        )
        connection.execute(
            "DELETE FROM removed_destinations WHERE id = ?", (destination_id,)
        )
    ended = NOTHING
    for destination_id in known.difference(ids):
        ended += outcomes.cancel(connection, destination_id, now=now)
        connection.execute("DELETE FROM destinations WHERE id = ?", (destination_id,))
        connection.execute(
            "INSERT OR IGNORE INTO removed_destinations VALUES (?)", (destination_id,)
        )
        connection.execute(
            "DELETE FROM traffic WHERE destination_id = ?", (destination_id,)
        )
        connection.execute(
            "DELETE FROM live_files WHERE destination_id IN"
            " (SELECT id FROM former_places WHERE destination_id = ?)",
            (destination_id,),
        )
        # What lies there live stays, as copies do.
        for table in (
            "live_files",
            "spent",
            "closed_periods",
            "drill_files",
            "former_places",
        ):
            connection.execute(
                f"DELETE FROM {table} WHERE destination_id = ?",  # noqa: S608
                (destination_id,),
            )
    return ended


def sending_destinations(connection: sqlite3.Connection) -> set[str]:
    """Return the destinations that are not paused."""
    rows = connection.execute("SELECT id FROM destinations WHERE sending = 1")
    return {row["id"] for row in rows}


def since(connection: sqlite3.Connection) -> dict[str, float]:
    """Return since when each destination is there: nothing older goes to it unasked."""
    rows = connection.execute("SELECT id, since FROM destinations")
    return {row["id"]: row["since"] for row in rows}


def there_at(connection: sqlite3.Connection, moment: float) -> set[str]:
    """Return the destinations that were there then: later ones get nothing of before."""
    return {id_ for id_, since_ in since(connection).items() if since_ <= moment}


def set_sending(
    connection: sqlite3.Connection, destination_id: str, enabled: bool
) -> None:
    """Keep a destination's `sending` switch."""
    connection.execute(
        "UPDATE destinations SET sending = ? WHERE id = ?", (enabled, destination_id)
    )


def keep_error(
    connection: sqlite3.Connection, destination_id: str, error: LastError | None
) -> None:
    """Keep a destination's last error; None once it has worked since."""
    values = (
        (None, None, None, None)
        if error is None
        else (error.code, error.text, error.file, error.time.timestamp())
    )
    connection.execute(
        "UPDATE destinations SET last_error = ?, last_error_text = ?,"
        " last_error_file = ?, last_error_at = ? WHERE id = ?",
        (*values, destination_id),
    )
