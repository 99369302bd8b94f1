"""Counters and switches of the destinations, the cameras and the Frigate."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor
import sqlite3
from typing import Final

from ..items import UploadState
from ..status import CameraStatus, DestinationStatus, LastError, Losses
from . import exposure, losses, outcomes

SINCE: Final = "since"
"""The moment when the entry was made."""
RESTORED: Final = "restored"
"""When the ledger began again with less than it had known."""
CAUGHT_UP: Final = "caught_up"
"""Up to when all that Frigate's API shows is known."""
LAST_REVIEW: Final = "last_review"
"""When Frigate told of a review last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the ledger knows of the status; the engine adds what is live."""

    capture: bool = True
    cameras: Mapping[str, CameraStatus] = field(default_factory=dict)
    destinations: Mapping[str, DestinationStatus] = field(default_factory=dict)
    unprotected_since: float | None = None
    """When the upload was to leave that has been missing longest."""
    losses: Losses = field(default_factory=Losses)
    last_review: datetime | None = None
    """When Frigate told of a review last."""
    since: datetime | None = None
    """When the entry was made."""


def summary(connection: sqlite3.Connection) -> Summary:
    """Return all counters; what waits is not among them.

    Its cost grows with what waits and what has failed, not with what has arrived.
    """
    failed = dict(
        connection.execute(
            "SELECT destination_id, COUNT(*) FROM uploads"
            " WHERE state IN ('gone', 'dropped', 'incomplete') GROUP BY destination_id"
        ).fetchall()
    )
    moments = dict(connection.execute("SELECT name, moment FROM moments").fetchall())
    destinations = {
        row["id"]: DestinationStatus(
            sending=bool(row["sending"]),
            snapshots_uploaded=row["snapshots_uploaded"],
            recordings_uploaded=row["recordings_uploaded"],
            data_uploaded=row["data_uploaded"],
            failed_uploads=failed.get(row["id"], 0),
            last_upload=_moment(row["last_upload"]),
            last_error=_last_error(row),
        )
        for row in connection.execute("SELECT * FROM destinations")
    }
    cameras = {
        row["name"]: CameraStatus(
            name=row["name"],
            snapshots_uploaded=row["snapshots_uploaded"],
            recordings_uploaded=row["recordings_uploaded"],
            last_upload=_moment(row["last_upload"]),
        )
        for row in connection.execute("SELECT * FROM cameras WHERE is_shown = 1")
    }
    return Summary(
        capture=capture_on(connection),
        cameras=cameras,
        destinations=destinations,
        unprotected_since=exposure.unprotected_since(connection),
        losses=losses.losses(connection),
        last_review=_moment(moments.get(LAST_REVIEW)),
        since=_moment(moments.get(SINCE)),
    )


def counts_by_state(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Return the number of files and uploads per state (reads the whole history)."""
    count_files = "SELECT state, COUNT(*) FROM files GROUP BY state"
    count_uploads = "SELECT state, COUNT(*) FROM uploads GROUP BY state"
    return {
        "files": dict(connection.execute(count_files).fetchall()),
        "uploads": dict(connection.execute(count_uploads).fetchall()),
    }


def keep_destinations(
    connection: sqlite3.Connection, ids: Collection[str], *, now: float
) -> list[str]:
    """Make these the destinations; cancel the uploads of the others.

    Returns the spool names that nobody needs any more.
    """
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
    freed: list[str] = []
    for destination_id in known.difference(ids):
        freed += outcomes.cancel(connection, destination_id, now=now)
        connection.execute("DELETE FROM destinations WHERE id = ?", (destination_id,))
        connection.execute(
            "DELETE FROM traffic WHERE destination_id = ?", (destination_id,)
        )
    return freed


def sending_destinations(connection: sqlite3.Connection) -> set[str]:
    """Return the destinations that are not paused."""
    rows = connection.execute("SELECT id FROM destinations WHERE sending = 1")
    return {row["id"] for row in rows}


def since(connection: sqlite3.Connection) -> dict[str, float]:
    """Return since when each destination is there: nothing older goes to it unasked."""
    rows = connection.execute("SELECT id, since FROM destinations")
    return {row["id"]: row["since"] for row in rows}


def moment(connection: sqlite3.Connection, name: str, *, default: float) -> float:
    """Return a moment that was kept; keep the default if there was none."""
    connection.execute("INSERT OR IGNORE INTO moments VALUES (?, ?)", (name, default))
    (kept,) = connection.execute(
        "SELECT moment FROM moments WHERE name = ?", (name,)
    ).fetchone()
    return float(kept)


def keep_moment(connection: sqlite3.Connection, name: str, moment: float) -> None:
    """Keep a moment."""
    connection.execute(
        "INSERT INTO moments VALUES (?, ?) ON CONFLICT (name)"
        " DO UPDATE SET moment = excluded.moment",
        (name, moment),
    )


def keep_caught_up(
    connection: sqlite3.Connection, moment: float, *, is_sure: bool
) -> None:
    """Keep up to when all that Frigate's API shows is known.

    An earlier one than is known counts only if our clock `is_sure`: without one a
    machine begins years behind, and nothing would be lost but all compared again.
    """
    connection.execute(
        "INSERT INTO moments VALUES (?1, ?2) ON CONFLICT (name)"
        " DO UPDATE SET moment = IIF(?3, ?2, MAX(moment, ?2))",
        (CAUGHT_UP, moment, is_sure),
    )


def only_moment(
    connection: sqlite3.Connection, prefix: str, name: str, moment: float
) -> float:
    """Keep a moment in place of others whose names begin so; return it.

    One of that name stays as it was.
    """
    connection.execute(
        "DELETE FROM moments WHERE SUBSTR(name, 1, LENGTH(?1)) = ?1 AND name != ?2",
        (prefix, prefix + name),
    )
    connection.execute(
        "INSERT OR IGNORE INTO moments VALUES (?, ?)", (prefix + name, moment)
    )
    (kept,) = connection.execute(
        "SELECT moment FROM moments WHERE name = ?", (prefix + name,)
    ).fetchone()
    return float(kept)


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


def _last_error(row: sqlite3.Row) -> LastError | None:
    if row["last_error"] is None:
        return None
    return LastError(
        code=row["last_error"],
        text=row["last_error_text"],
        file=row["last_error_file"],
        time=datetime.fromtimestamp(row["last_error_at"], UTC),
    )


def capture_on(connection: sqlite3.Connection) -> bool:
    """Return the Frigate's `capture` switch."""
    off = connection.execute("SELECT 1 FROM off_periods WHERE end IS NULL").fetchone()
    return off is None


def set_capture(
    connection: sqlite3.Connection,
    enabled: bool,
    *,
    now: float,
    clock_offset: float = 0,
) -> None:
    """Keep the Frigate's `capture` switch, and since when it is off.

    `clock_offset` is our clock less Frigate's, in seconds: what was planned with
    some padding ends where the switch goes off.
    """
    if enabled:
        connection.execute("UPDATE off_periods SET end = ? WHERE end IS NULL", (now,))
    elif capture_on(connection):
        connection.execute("INSERT INTO off_periods (start) VALUES (?)", (now,))
        _cut_wanted(connection, floor(now - clock_offset), now=now)


def _cut_wanted(connection: sqlite3.Connection, end: int, *, now: float) -> None:
    """Let no file that is still to be fetched reach beyond a second of Frigate's."""
    for file in connection.execute(
        "SELECT id, start FROM files WHERE state = 'wanted' AND end > ?", (end,)
    ).fetchall():
        if file["start"] < end:
            connection.execute(
                "UPDATE files SET end = ? WHERE id = ?", (end, file["id"])
            )
        else:
            outcomes.finish(
                connection,
                file["id"],
                UploadState.SKIPPED,
                "Capture was switched off",
                now=now,
            )


def on_around(
    connection: sqlite3.Connection, moment: float
) -> tuple[float, float] | None:
    """Return the time around a moment in which capture was on; None: they were off.

    All by our clock. Ends are infinite where it was never off.
    """
    if was_off(connection, moment):
        return None
    begin, end = connection.execute(
        "SELECT (SELECT MAX(end) FROM off_periods WHERE end <= ?1),"
        " (SELECT MIN(start) FROM off_periods WHERE start > ?1)",
        (moment,),
    ).fetchone()
    return (
        float("-inf") if begin is None else float(begin),
        float("inf") if end is None else float(end),
    )


def was_off(connection: sqlite3.Connection, moment: float) -> bool:
    """Tell whether `capture` was switched off then (by our clock)."""
    return was_off_within(connection, moment, moment)


def was_off_within(connection: sqlite3.Connection, start: float, end: float) -> bool:
    """Tell whether `capture` was off at any moment from start to end (our clock)."""
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM off_periods"
            " WHERE start <= ?2 AND (end IS NULL OR end > ?1))",
            (start, end),
        ).fetchone()[0]
    )


def shown_cameras(connection: sqlite3.Connection) -> set[str]:
    """Return the cameras of the configurations that Frigate gave lately."""
    rows = connection.execute("SELECT name FROM cameras WHERE is_shown = 1")
    return {row["name"] for row in rows}


def see_camera(connection: sqlite3.Connection, name: str) -> None:
    """Show a camera that Frigate has just told of."""
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


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
