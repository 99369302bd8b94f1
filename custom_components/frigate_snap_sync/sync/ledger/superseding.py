"""Superseding: which parts and live files a destination no longer needs.

Frigate reports the end of a review late (its longest default cut-off is two minutes),
and until then parts leave. So the whole reaches as far as they do.
"""

from dataclasses import dataclass
from math import ceil, inf
import sqlite3

from ...storage.base import StoredFile
from ..model.coverage import lacks
from ..model.item import UploadState
from ..model.spans import Spans, from_text, missing, total, union, within
from .footage import known_of_item

_REACH = 180
"""Seconds by which a whole is made longer, at most, to hold what parts and film show.

What lies further out stays beside it: the end of the review may be wrong.
"""

_REACTION = 1
"""Seconds in which film ends whose review has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wholes:
    """What a destination has of an item's recording."""

    held: Spans
    """The seconds that verified copies hold for certain."""
    looked: Spans
    """The ranges that they were asked for."""
    known: Spans
    """What Frigate ever showed of the item."""


def reach_parts(connection: sqlite3.Connection, item_id: int) -> None:
    """Let the last whole of a recording reach to the end of the parts that leave.

    Those that were fetched count, unless all their uploads were given up. Nothing if
    the whole was fetched already: then what it lacks stays beside it. So does what
    lies behind a time while capture was off, or a destination closed that gets it.
    """
    if (last := _last_whole(connection, item_id)) is None:
        return
    ahead = last["end"] - last["ended_at"]
    for (until,) in connection.execute(
        "SELECT part.end FROM files AS part WHERE part.item_id = ?"
        " AND part.role = 'part' AND part.size IS NOT NULL AND part.end > ?"
        " AND part.end <= ? AND EXISTS (SELECT 1 FROM uploads WHERE file_id = part.id"
        # What is being sent may arrive although it was given up.
        " AND (state IN ('pending', 'verified') OR clean_up IS NOT NULL))"
        " ORDER BY part.end DESC",
        (item_id, last["end"], last["end"] + _REACH),
    ).fetchall():
        begin = last["end"] - ahead
        if not _was_closed(connection, last["id"], begin, until - ahead):
            _lengthen(connection, last, until)
            return


def reach_live(connection: sqlite3.Connection, item_id: int) -> None:
    """Let the last whole of a recording reach to the end of the film that left live.

    As to the end of parts. Film that still leaves shows all until the end was reported,
    and film that a crash ended all until the next start.
    """
    if (last := _last_whole(connection, item_id)) is None:
        return
    until = float(last["end"])
    for live in connection.execute(
        "SELECT state, held, ahead, ended_by FROM live_files INDEXED BY live_files_of_item"
        " WHERE item_id = ? AND state IN ('growing', 'kept') AND is_ours = 1",
        (item_id,),
    ).fetchall():
        ends = [end for _, end in from_text(live["held"])]
        if live["state"] == "growing":
            ends = [last["reported_at"] + live["ahead"] + _REACTION]
        elif live["held"] is None and live["ended_by"] is not None:
            # A crash ended it: it may show all until we were there again.
            ends = [live["ended_by"]]
        reached = max((end for end in ends if end <= last["end"] + _REACH), default=0.0)
        begin, end = last["end"] - live["ahead"], reached - live["ahead"]
        if reached > until and not _was_closed(connection, last["id"], begin, end):
            until = reached
    longer = ceil(until) - last["end"]
    if longer > 0:
        _lengthen(connection, last, ceil(until), later=longer)


def _last_whole(connection: sqlite3.Connection, item_id: int) -> sqlite3.Row | None:
    """Return the last whole of a recording that has ended, if it can become longer."""
    last: sqlite3.Row | None = connection.execute(
        "SELECT files.id AS id, state, files.end AS end, ended_at, reported_at"
        " FROM files JOIN items ON items.id = item_id"
        " WHERE item_id = ? AND role = 'whole' AND files.end IS NOT NULL"
        " AND is_open = 0 ORDER BY number DESC LIMIT 1",
        (item_id,),
    ).fetchone()
    return last if last is not None and last["state"] == "wanted" else None


def _lengthen(
    connection: sqlite3.Connection, last: sqlite3.Row, until: float, later: float = 0
) -> None:
    """Let a whole end later, and be fetched so many seconds `later`."""
    connection.execute(
        "UPDATE files SET end = ?, ended_at = ended_at + ?, due = due + ? WHERE id = ?",
        (until, until - last["end"], later, last["id"]),
    )


def _was_closed(
    connection: sqlite3.Connection, file_id: int, begin: float, end: float
) -> bool:
    """Tell whether a file may not show a time (our clock): it was closed.

    Capture was off, or a destination closed; but not one that gets nothing of the file.
    """
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM off_periods WHERE start < ?3"
            " AND (end IS NULL OR end > ?2)) OR EXISTS (SELECT 1 FROM closed_periods"
            " JOIN uploads USING (destination_id) WHERE file_id = ?1"
            " AND uploads.state != 'skipped' AND start < ?3"
            " AND (end IS NULL OR end > ?2))",
            (file_id, begin, end),
        ).fetchone()[0]
    )


def supersede(
    connection: sqlite3.Connection,
    item_id: int,
    destination_id: str,
    *,
    now: float,
    keep_parts: bool = False,
) -> list[int]:
    """Supersede the parts whose seconds the destination has in whole pieces.

    With `keep_parts` only those that have not arrived: what lies there stays there, and
    is what it was.

    Returns the ids of their files.
    """
    wholes = _wholes(connection, item_id, destination_id)
    if not wholes.looked:
        return []
    if not keep_parts:
        supersede_live(connection, item_id, destination_id, wholes)
    rows = connection.execute(
        "SELECT uploads.id AS id, file_id, uploads.state AS state, start, files.end,"
        " shown FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.item_id = ? AND destination_id = ?"
        " AND uploads.role IN ('part', 'incomplete')"
        " AND uploads.state IN ('pending', 'verified') AND files.end IS NOT NULL",
        (item_id, destination_id),
    ).fetchall()
    going = [
        row
        for row in rows
        if _is_held(row, wholes)
        and not (keep_parts and row["state"] == UploadState.VERIFIED)
    ]
    connection.executemany(
        "UPDATE uploads SET state = 'superseded', finished = ?,"
        # A killed try may have left something too. What is being sent right now is
        # looked at when that ends.
        " clean_up = IIF(state = 'verified' OR temporary IS NOT NULL, 'file', NULL)"
        " WHERE id = ?",
        [(now, row["id"]) for row in going],
    )
    return [row["file_id"] for row in going]


def replacing(
    connection: sqlite3.Connection, upload_id: int
) -> list[tuple[int, StoredFile]]:
    """Return the wholes that should lie there in the place of a superseded copy.

    Each by its upload.
    """
    rows = connection.execute(
        "SELECT whole.id AS id, whole.path AS path, whole.size AS size FROM uploads"
        " JOIN files ON files.id = uploads.file_id"
        " JOIN uploads AS whole ON whole.item_id = uploads.item_id"
        " AND whole.destination_id = uploads.destination_id"
        " JOIN files AS piece ON piece.id = whole.file_id"
        " WHERE uploads.id = ? AND uploads.state = 'superseded'"
        " AND uploads.role IN ('part', 'incomplete')"
        " AND whole.role = 'whole' AND whole.state = 'verified'"
        " AND whole.is_missed = 0 AND piece.start < files.end AND piece.end > files.start",
        (upload_id,),
    )
    return [(row["id"], StoredFile(path=row["path"], size=row["size"])) for row in rows]


def reinstate(connection: sqlite3.Connection, upload_id: int) -> bool:
    """Let a superseded copy be spared if what replaced it vanished; did it?

    A whole that was expired since is no such: what it replaced is older. A file whose
    last try's answer was lost is looked for, and is a copy if it is what was sent.
    """
    row = connection.execute(
        "SELECT uploads.item_id AS item_id, destination_id, 'verified' AS state,"
        " start, files.end, shown FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.id = ? AND uploads.state = 'superseded'"
        " AND EXISTS (SELECT 1 FROM uploads AS whole"
        " WHERE whole.item_id = uploads.item_id AND whole.role = 'whole'"
        " AND whole.destination_id = uploads.destination_id AND whole.is_missed = 1)",
        (upload_id,),
    ).fetchone()
    if row is None or _is_held(
        row, _wholes(connection, row["item_id"], row["destination_id"])
    ):
        return False
    connection.execute(
        "UPDATE uploads SET clean_up = IIF(size IS NULL, 'temporary', 'spared'),"
        " state = IIF(size IS NULL, 'skipped', state),"
        " reason = IIF(size IS NULL, 'What replaced it is gone', reason) WHERE id = ?",
        (upload_id,),
    )
    return True


def supersede_live(
    connection: sqlite3.Connection,
    item_id: int,
    destination_id: str,
    wholes: _Wholes | None = None,
) -> None:
    """Let the live files go whose seconds the destination has in whole pieces.

    All of them: what they show beside the recording is nowhere else.
    """
    rows = connection.execute(
        "SELECT id, start, held, ended_by, begins FROM live_files INDEXED BY live_files_of_item"
        " WHERE item_id = ? AND destination_id = ? AND state = 'kept'",
        (item_id, destination_id),
    ).fetchall()
    if not rows:
        return
    wholes = wholes or _wholes(connection, item_id, destination_id)
    if not wholes.looked:
        return
    connection.executemany(
        "UPDATE live_files SET state = IIF(is_ours, 'superseded', 'over'),"
        " clean_up = is_ours WHERE id = ?",
        [(row["id"],) for row in rows if is_live_held(row, wholes.held)],
    )


def replacing_live(
    connection: sqlite3.Connection, live_id: int, *, young: tuple[float, float]
) -> list[tuple[int, StoredFile]]:
    """Return the wholes that should lie there in the place of a superseded live file.

    Each by its upload; but those that were verified in the `young` time.
    """
    live = _superseded_live(connection, live_id)
    if live is None or not (spans := _shown_by(live)):
        return []
    rows = connection.execute(
        "SELECT uploads.id AS id, path, uploads.size AS size FROM uploads"
        " JOIN files ON files.id = file_id WHERE uploads.item_id = ?"
        " AND destination_id = ? AND uploads.role = 'whole'"
        " AND uploads.state = 'verified' AND is_missed = 0"
        " AND files.start < ? AND files.end > ? AND NOT finished BETWEEN ? AND ?",
        (live["item_id"], live["destination_id"], spans[-1][1], spans[0][0], *young),
    )
    return [(row["id"], StoredFile(path=row["path"], size=row["size"])) for row in rows]


def reinstate_live(connection: sqlite3.Connection, live_id: int) -> bool:
    """Let a superseded live file stay after all if what replaced it vanished; does it?

    As of a copy, a whole that was expired since is no such. Of its pieces some may be
    gone: then it is not known what it shows, as if a crash had ended it.
    """
    live = _superseded_live(connection, live_id)
    if live is None:
        return False
    item = live["item_id"], live["destination_id"]
    (is_missed,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM uploads WHERE item_id = ?"
        " AND destination_id = ? AND role = 'whole' AND is_missed = 1)",
        item,
    ).fetchone()
    if not is_missed or is_live_held(live, _wholes(connection, *item).held):
        return False
    connection.execute(
        "UPDATE live_files SET state = 'kept', clean_up = 0,"
        " ended_by = IIF(pieces IS NULL, ended_by, ?),"
        " held = IIF(pieces IS NULL, held, NULL) WHERE id = ?",
        (_shown_by(live)[-1][1], live_id),
    )
    return True


def _superseded_live(
    connection: sqlite3.Connection, live_id: int
) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM live_files WHERE id = ? AND state = 'superseded'", (live_id,)
    ).fetchone()
    return row


def _shown_by(live: sqlite3.Row) -> Spans:
    """Return all that a live file may show."""
    if live["held"] is None and live["ended_by"] is not None:
        # A crash ended it: it may show all until then.
        return ((live["start"], max(live["start"], live["ended_by"])),)
    return from_text(live["held"])


def is_live_held(live: sqlite3.Row, held: Spans) -> bool:
    """Tell whether all that a live file may show is among the seconds that are held.

    Its row has `start`, `held`, `ended_by` and `begins`.
    """
    spans = _shown_by(live)
    if live["begins"] is not None and total(spans) > 0:
        # It began with a sign of what came: before its item it is no film of that.
        spans = within(spans, live["begins"], inf)
        if not spans:
            return True
    # No span may be lacking altogether, however short it is.
    return total(spans) > 0 and not any(
        lacks(held, each) for each in (spans, *((span,) for span in spans))
    )


def _wholes(
    connection: sqlite3.Connection, item_id: int, destination_id: str
) -> _Wholes:
    rows = connection.execute(
        "SELECT uploads.held AS held, files.start AS start, files.end AS end"
        " FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.item_id = ? AND destination_id = ? AND uploads.state = ?"
        # What an audit did not find there holds nothing.
        " AND is_missed = 0 AND uploads.role = 'whole' AND files.end IS NOT NULL",
        (item_id, destination_id, UploadState.VERIFIED),
    ).fetchall()
    return _Wholes(
        held=union(*(from_text(row["held"]) for row in rows)),
        looked=union((row["start"], row["end"]) for row in rows),
        known=known_of_item(connection, item_id),
    )


def _is_held(part: sqlite3.Row, wholes: _Wholes) -> bool:
    """Tell whether all that a part shows lies there in whole pieces."""
    begin, end = float(part["start"]), float(part["end"])
    asked = ((begin, end),)
    if part["shown"] is not None:
        wanted = within(from_text(part["shown"]), begin, end)
    elif part["state"] == UploadState.VERIFIED:
        wanted = asked
    else:
        # It was not fetched yet: the whole has what Frigate showed of that time.
        wanted = within(wholes.known, begin, end)
    return not missing(asked, wholes.looked) and not lacks(wholes.held, wanted)
