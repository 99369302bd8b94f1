"""When destinations were closed, because an entity had another state than chosen."""

from collections.abc import Collection
from math import inf
import sqlite3

from . import milestones


def begin(
    connection: sqlite3.Connection, wanted: Collection[str], *, now: float
) -> None:
    """Note which destinations, and no others, are closed at a start.

    One that was, and is, was closed meanwhile. Of another one it is not known when it was
    opened: what was not seen counts as open.
    """
    (seen,) = connection.execute(
        "SELECT COALESCE(MAX(moment), ?2) FROM milestones WHERE name = ?1",
        (milestones.WRITTEN, now),
    ).fetchone()
    for destination_id in closed(connection).difference(wanted):
        _open(connection, destination_id, now=min(seen, now))
    set_closed(connection, wanted, now=now)
    # The clock may show a time before that: they are closed all the same.
    connection.execute(
        "UPDATE closed_periods SET start = MIN(start, ?) WHERE end IS NULL", (now,)
    )


def set_closed(
    connection: sqlite3.Connection, wanted: Collection[str], *, now: float
) -> bool:
    """Note that these destinations alone are closed from now on; is that new?"""
    known = closed(connection)
    for destination_id in known.difference(wanted):
        _open(connection, destination_id, now=now)
    for destination_id in set(wanted) - known:
        _close(connection, destination_id, now=now)
    return known != set(wanted)


def closed(connection: sqlite3.Connection) -> set[str]:
    """Return the destinations that are closed now."""
    rows = connection.execute(
        "SELECT destination_id FROM closed_periods WHERE end IS NULL"
    )
    return {row["destination_id"] for row in rows}


def openings(
    connection: sqlite3.Connection,
    start: float,
    until: float,
    *,
    picture: tuple[float, float] | None = None,
) -> dict[str, float]:
    """Return from when on destinations take what was from `start` to `until`.

    Those that were closed shortly before, at or after the start, by our clock; infinity
    for those that take nothing. Who was open at the start takes all from the last closed
    time before it on. A `picture` may be of any moment of the time given: it is taken
    if none of that was closed, whatever was at the start.
    """
    rows = connection.execute(
        "SELECT destination_id, start, end FROM closed_periods WHERE start <= ?"
        " ORDER BY destination_id, start",
        (until,),
    ).fetchall()
    periods: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        end = inf if row["end"] is None else row["end"]
        periods.setdefault(row["destination_id"], []).append((row["start"], end))
    found: dict[str, float] = {}
    for destination_id, times in periods.items():
        begin = _open_from(times, start, until)
        if picture is not None:
            was_closed = any(a <= picture[1] and b > picture[0] for a, b in times)
            begin = inf if begin > start and was_closed else -inf
        if begin > -inf:
            found[destination_id] = begin
    return found


def _open_from(periods: list[tuple[float, float]], start: float, until: float) -> float:
    """Return from when on what begins at `start` is taken; periods are in order."""
    moment = -inf
    for begin, end in periods:
        if begin <= max(start, moment):
            moment = max(moment, end)
    return moment if moment <= until else inf


def _close(connection: sqlite3.Connection, destination_id: str, *, now: float) -> None:
    connection.execute(
        "INSERT INTO closed_periods (destination_id, start) VALUES (?, ?)",
        (destination_id, now),
    )


def _open(connection: sqlite3.Connection, destination_id: str, *, now: float) -> None:
    connection.execute(
        "UPDATE closed_periods SET end = MAX(start, ?)"
        " WHERE destination_id = ? AND end IS NULL",
        (now, destination_id),
    )
