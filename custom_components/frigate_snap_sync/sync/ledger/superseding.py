"""Superseding: which parts a destination no longer needs, since the whole is there."""

from dataclasses import dataclass
import sqlite3

from ..model.coverage import lacks
from ..model.item import UploadState
from ..model.spans import Spans, from_text, missing, union, within
from .footage import known_of_item

_BEYOND = 180.0
"""Seconds that parts may reach beyond the end of their review and still go with it.

Frigate tells of an end up to two minutes late (its longest default cut-off), and
until then parts are sent. What lies further out is kept: that end may be wrong.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wholes:
    """What a destination has of an item's recording."""

    held: Spans
    """The seconds that verified copies hold for certain."""
    looked: Spans
    """The ranges that they were asked for."""
    known: Spans
    """What Frigate ever showed of the item."""
    until: float | None
    """Where the recording ends, once all of it is planned."""


def supersede(
    connection: sqlite3.Connection, item_id: int, destination_id: str, *, now: float
) -> list[int]:
    """Supersede the parts whose seconds the destination has in whole pieces.

    Returns the ids of their files.
    """
    wholes = _wholes(connection, item_id, destination_id)
    if not wholes.looked:
        return []
    rows = connection.execute(
        "SELECT uploads.id AS id, file_id, uploads.state AS state, start, files.end,"
        " shown FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.item_id = ? AND destination_id = ?"
        " AND uploads.role IN ('part', 'incomplete')"
        " AND uploads.state IN ('pending', 'verified') AND files.end IS NOT NULL",
        (item_id, destination_id),
    ).fetchall()
    going = [row for row in rows if _is_held(row, wholes)]
    connection.executemany(
        "UPDATE uploads SET state = 'superseded', finished = ?,"
        # A killed try may have left something too. What is being sent right now is
        # looked at when that ends.
        " clean_up = IIF(state = 'verified' OR temporary IS NOT NULL, 'file', NULL)"
        " WHERE id = ?",
        [(now, row["id"]) for row in going],
    )
    return [row["file_id"] for row in going]


def _wholes(
    connection: sqlite3.Connection, item_id: int, destination_id: str
) -> _Wholes:
    rows = connection.execute(
        "SELECT uploads.state AS state, uploads.held AS held, files.start AS start,"
        " files.end AS end FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.item_id = ? AND destination_id = ?"
        " AND uploads.role = 'whole' AND files.end IS NOT NULL",
        (item_id, destination_id),
    ).fetchall()
    verified = [row for row in rows if row["state"] == UploadState.VERIFIED]
    is_open, start, end = connection.execute(
        "SELECT is_open, start, end FROM items WHERE id = ?", (item_id,)
    ).fetchone()
    last = max((row["end"] for row in rows), default=0)
    # Where uploads were switched off meanwhile the last piece ends before; of a
    # review that Frigate lost the end is unknown, and so is one that ended no later
    # than it began: Frigate's clock was set back.
    is_over = not is_open and end is not None and start < end <= last
    return _Wholes(
        held=union(*(from_text(row["held"]) for row in verified)),
        looked=union((row["start"], row["end"]) for row in verified),
        known=known_of_item(connection, item_id),
        until=float(last) if is_over else None,
    )


def _is_held(part: sqlite3.Row, wholes: _Wholes) -> bool:
    """Tell whether all that a part shows of the item lies there in whole pieces."""
    begin, end = float(part["start"]), float(part["end"])
    if wholes.until is not None and wholes.until < end <= wholes.until + _BEYOND:
        # It shows no more of the review. One that lies behind it goes with the last.
        end = wholes.until
        begin = min(begin, end - 1)
    asked = ((begin, end),)
    if part["shown"] is not None:
        wanted = within(from_text(part["shown"]), begin, end)
    elif part["state"] == UploadState.VERIFIED:
        wanted = asked
    else:
        # It was not fetched yet: the whole has what Frigate showed of that time.
        wanted = within(wholes.known, begin, end)
    return not missing(asked, wholes.looked) and not lacks(wholes.held, wanted)
