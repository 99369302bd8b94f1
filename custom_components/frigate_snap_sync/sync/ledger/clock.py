"""The ledger's times after the clock was set, and at a start with a doubtful clock."""

from collections.abc import Iterator
from dataclasses import dataclass
import sqlite3

from .milestones import CAUGHT_UP, SINCE

_NEW = 3.0
"""Seconds before a jump was noticed in which the new clock may have been read."""
_AHEAD = 60.0
"""How far ahead what is planned may lie."""
_DAY = 86400.0

_WRITTEN = (
    ("items", "reported_at", "TRUE"),
    ("items", "heard_at", "TRUE"),
    ("files", "ended_at", "state = 'wanted'"),
    ("uploads", "ended_at", "state = 'pending'"),
    ("uploads", "expected_at", "state = 'pending'"),
    # In the words of the index on what failed, or SQLite would not use it.
    ("uploads", "finished", "state IN ('gone', 'dropped', 'incomplete')"),
    ("uploads", "aged_from", "state = 'verified'"),
    ("uploads", "missed_at", "is_missed = 1 AND is_acknowledged = 0"),
    ("destinations", "last_upload", "TRUE"),
    ("destinations", "last_audit", "TRUE"),
    ("destinations", "last_error_at", "TRUE"),
    ("cameras", "last_upload", "TRUE"),
    ("cameras", "absent_since", "TRUE"),
    ("tracked_objects", "heard_at", "TRUE"),
    ("tracked_objects", "tracked_at", "TRUE"),
    ("off_periods", "start", "TRUE"),
    ("off_periods", "end", "TRUE"),
    ("closed_periods", "start", "TRUE"),
    ("closed_periods", "end", "TRUE"),
    ("milestones", "moment", f"name NOT IN ('{SINCE}', '{CAUGHT_UP}')"),
)
"""Where the ledger says when something was: table, column, rows that matter."""

_SINCE = (
    ("destinations", "since", "TRUE"),
    ("destinations", "placed", "TRUE"),
    ("milestones", "moment", f"name = '{SINCE}'"),
)
"""From when on all is wanted: a later one loses, an earlier one sends history."""

_PAST = (
    ("items", "heard_at", "is_open = 1"),
    ("files", "ended_at", "state = 'wanted'"),
    ("uploads", "ended_at", "state = 'pending'"),
    ("uploads", "expected_at", "state = 'pending'"),
    ("tracked_objects", "heard_at", "TRUE"),
    ("tracked_objects", "tracked_at", "TRUE"),
)
"""What patience is counted from: never later than a start. What is over stays as it is.

So does when an item was reported: who was there then gets it, and it shows a clock that
is behind. `ClockMonitor.counted_from` bounds that patience.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """The clock was set: it showed `before`, and shows `after` at the same moment.

    `since` is what it showed, before that, when the engine started: what was written
    from then on has the old clock's times. All are epoch seconds.
    """

    since: float
    before: float
    after: float

    @property
    def seconds(self) -> float:
        """Return by how much it was set forward; negative: back."""
        return self.after - self.before


def jumped(
    connection: sqlite3.Connection, jump: ClockJump, *, was_wrong: bool, longest: float
) -> None:
    """Bring the times in line with a clock that was set.

    `was_wrong` tells whether that brought it nearer to Frigate's: a machine that was
    halted shows the same jump, but nothing it wrote was wrong. Whatever waits is
    tried again after `longest` seconds at most.
    """
    columns = [*_WRITTEN]
    if jump.seconds < 0 or was_wrong:
        columns += _SINCE
    if jump.seconds < 0:
        # An earlier one only lets more be compared.
        columns.append(("milestones", "moment", f"name = '{CAUGHT_UP}'"))
    for table, column, rows in columns:
        for where, values in _of_the_old_clock(jump):
            connection.execute(
                f"UPDATE {table} SET {column} = {column} + ?"  # noqa: S608
                f" WHERE {rows} AND {column} {where}",
                (jump.seconds, *values),
            )
    by = max(0.0, -jump.seconds)
    _bring_forward(connection, "files", now=jump.after, by=by, longest=longest)
    _bring_forward(connection, "uploads", now=jump.after, by=by, longest=longest)


def newest(connection: sqlite3.Connection) -> float:
    """Return the latest moment at which the ledger says that something happened.

    If our clock shows an earlier one, it is behind, or was ahead.
    """
    (moment,) = connection.execute(
        "SELECT MAX((SELECT COALESCE(MAX(reported_at), 0) FROM items),"
        " (SELECT COALESCE(MAX(heard_at), 0) FROM items WHERE is_open = 1),"
        " (SELECT COALESCE(MAX(last_upload), 0) FROM destinations),"
        " (SELECT COALESCE(MAX(moment), 0) FROM milestones))"
    ).fetchone()
    return float(moment)


def begin(connection: sqlite3.Connection, *, now: float, longest: float) -> None:
    """Let nothing wait for a time that is far away, for the clock may have been set.

    A fetch may wait a day, an upload `longest` seconds. What happened before counts
    from now on if it looks later; should the clock be behind, a `ClockJump` that
    follows brings that forward, too.

    Capture that is off stays off, also if the clock shows a time before it was
    switched: a machine without one that runs on begins years behind.
    """
    by = max(0.0, newest(connection) - now)
    _bring_forward(connection, "files", now=now, by=by, longest=_DAY)
    _bring_forward(connection, "uploads", now=now, by=by, longest=longest)
    for table, column, rows in _PAST:
        connection.execute(
            f"UPDATE {table} SET {column} = ?1 WHERE {rows} AND {column} > ?1",  # noqa: S608
            (now,),
        )
    connection.execute(
        "INSERT INTO off_periods (start) SELECT ?1 WHERE"
        " EXISTS (SELECT 1 FROM off_periods WHERE end IS NULL AND start > ?1)"
        " AND NOT EXISTS (SELECT 1 FROM off_periods WHERE end IS NULL AND start <= ?1)",
        (now,),
    )


def _of_the_old_clock(
    jump: ClockJump,
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield conditions for what the old clock was read for, and their values.

    Nothing fits two of them, nor what a condition has changed one that follows.
    """
    if jump.seconds > 0:
        yield "BETWEEN ? AND ?", (jump.since, jump.before + _AHEAD)
        return
    # Later than now: whoever wrote it, it was by a clock that was ahead.
    until = jump.after - _NEW
    yield "BETWEEN ? AND ?", (jump.since, until)
    yield "> ?", (jump.after,)


_LATER = {
    "files": ("due", "wanted"),
    "uploads": ("retry_at", "pending"),
}
"""Where the ledger says when something is tried again: column, state of the rows."""


def _bring_forward(
    connection: sqlite3.Connection, table: str, *, now: float, by: float, longest: float
) -> None:
    """Let what is tried later be tried so much earlier, `longest` seconds off at most."""
    column, state = _LATER[table]
    connection.execute(
        f"UPDATE {table} SET {column} = MIN(MAX({column} - ?2, ?1), ?1 + ?3)"  # noqa: S608
        f" WHERE state = '{state}' AND {column} > ?1",
        (now, by, longest),
    )
