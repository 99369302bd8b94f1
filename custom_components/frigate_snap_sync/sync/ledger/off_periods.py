"""The switch Capture, and the times while it was off."""

from math import floor
import sqlite3

from ..model.item import UploadState
from . import outcomes


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
    """Let no file that is still to be fetched reach beyond a second of Frigate's.

    What was heard of in the future shows that the clock is behind: it stays.
    """
    for file in connection.execute(
        "SELECT files.id AS id, files.start AS start FROM files"
        " JOIN items ON items.id = files.item_id"
        " WHERE files.state = 'wanted' AND files.end > ? AND items.reported_at <= ?",
        (end, now),
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


def within(
    connection: sqlite3.Connection, start: float, end: float
) -> list[tuple[float, float]]:
    """Return when `capture` was off from start to end, in order (our clock)."""
    rows = connection.execute(
        "SELECT start, COALESCE(end, ?2) AS over FROM off_periods"
        " WHERE start < ?2 AND (end IS NULL OR end > ?1) ORDER BY start",
        (start, end),
    )
    return [(row["start"], row["over"]) for row in rows]
