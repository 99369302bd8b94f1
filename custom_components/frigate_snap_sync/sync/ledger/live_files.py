"""Live files: film that leaves while it happens, and what becomes of it.

They are no uploads: they count nowhere and raise no event, and nothing waits for them.
Their names are in the ledger before their first byte is at the destination.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
import sqlite3

from ...storage.names import TemporaryForm, temporary_name
from ..model.item import Media
from ..model.naming import numbered, path_key, retried
from ..model.spans import Spans, to_text
from .clock import newest
from .items import base_of, free_path
from .superseding import reach_live, supersede_live

_SHOWN_AFTER_END = 5
"""Seconds in which film surely ends whose review has."""

_UNWANTED = "(item_id IS NULL AND hint IS NULL)"
"""It left with a sign, and no review wants it."""


class LiveState(StrEnum):
    """Where a live file is."""

    GROWING = "growing"
    """It is being sent."""
    KEPT = "kept"
    """What is there is there: it is never taken up again."""
    SUPERSEDED = "superseded"
    """It is to be removed, if the whole that replaced it is still there."""
    OVER = "over"
    """It is to be removed: it shows nothing, say. Or its name alone is still known."""
    EXPIRED = "expired"
    """It is to be removed: its retention is over."""
    SPARED = "spared"
    """It had expired, but is to stay: it is kept again if anything of it is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """A live file at a destination; `path` is that of all its pieces if it has some."""

    id: int
    path: str


def piece_path(path: str, number: int) -> str:
    """Return the path of a piece of a live file."""
    return numbered(path, f"{number:04}")


def live_temporary(path: str, form: TemporaryForm) -> str:
    """Return the name that a piece may have until it is complete.

    It follows from its path, so that whoever removes the piece knows it, too.
    """
    return temporary_name(path, path.rpartition("/")[2], form)


def begin(
    connection: sqlite3.Connection,
    review_id: str,
    destination_id: str,
    *,
    base: str,
    short_id: str,
    start: float,
    ahead: float = 0.0,
    pieces: int | None = None,
    extension: str | None = None,
    may_be_taken: bool = False,
    is_hint: bool = False,
) -> LiveFile | None:
    """Keep that a live file begins; None if there is no such review or destination.

    If `is_hint`, the review is not known yet.

    `base` is what the item's files are called there, unless it has a name already;
    `start` is from when on it shows something by Frigate's clock, which is so many
    seconds `ahead` of ours. With `pieces` it is
    kept as pieces, so many at most for now. They have the item's `extension` or another.
    A name that `may_be_taken`, which can't be seen there, is not used.
    """
    row = connection.execute(
        "SELECT (SELECT id FROM items WHERE media = ?2 AND source_id = ?3) AS id"
        " FROM destinations WHERE id = ?1",
        (destination_id, Media.RECORDINGS, review_id),
    ).fetchone()
    if row is None or (row["id"] is None and not is_hint):
        return None
    hint = review_id if row["id"] is None else None
    (last,) = connection.execute(
        "SELECT COALESCE(MAX(number), 0) FROM live_files INDEXED BY live_files_of_item"
        " WHERE item_id IS ? AND destination_id = ? AND hint IS ?",
        (row["id"], destination_id, hint),
    ).fetchone()
    number = last + 1
    if hint is None:
        base = base_of(connection, row["id"], destination_id, base, short_id=short_id)
    name = retried(base) if may_be_taken else base
    wanted = numbered(name, f"live{number:02}")
    if extension is not None:
        wanted = f"{wanted.rpartition('.')[0]}.{extension}"
    path = free_path(connection, destination_id, wanted, short_id)
    cursor = connection.execute(
        "INSERT INTO live_files (item_id, hint, destination_id, number, base, path,"
        " path_key, pieces, start, ahead, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row["id"],
            hint,
            destination_id,
            number,
            base,
            path,
            path_key(path),
            pieces,
            start,
            ahead,
            LiveState.GROWING,
        ),
    )
    assert cursor.lastrowid is not None
    return LiveFile(id=cursor.lastrowid, path=path)


def reserve(connection: sqlite3.Connection, live_id: int, *, pieces: int) -> None:
    """Keep that a live file may have so many pieces."""
    connection.execute(
        "UPDATE live_files SET pieces = ? WHERE id = ?", (pieces, live_id)
    )


def own(connection: sqlite3.Connection, live_id: int) -> None:
    """Note that what lies under its name is ours: it was made new, or seen to be free."""
    connection.execute("UPDATE live_files SET is_ours = 1 WHERE id = ?", (live_id,))


def ended(
    connection: sqlite3.Connection,
    live_id: int,
    *,
    held: Spans,
    is_certain: bool = True,
    size: int,
    is_ours: bool = True,
    is_unanswered: bool = False,
    pieces: int | None = None,
    keep: bool = False,
) -> None:
    """Note that a live file grows no more, the seconds that it shows, and its pieces.

    Unless that `is_certain` it is looked at, as one that a crash ended. If
    it `is_unanswered`, the destination may yet carry out a request for it.

    One that shows nothing is to be removed if it `is_ours`; a single file that may not
    be, for the answer to its making got lost, only if it is empty. So is one to be
    removed whose whole has come meanwhile, unless all is to be kept there. And so is
    one that began with a sign of which it is known that no review wants it.
    """
    state = LiveState.KEPT if held and is_ours else LiveState.OVER
    row = connection.execute(
        f"UPDATE live_files SET state = IIF({_UNWANTED}, 'over', ?), held = ?,"  # noqa: S608
        " ended_by = ?, size = ?, is_ours = ?, is_unanswered = ?,"
        " pieces = IIF(pieces IS NULL, NULL, COALESCE(?, pieces)),"
        f" clean_up = ? AND ({_UNWANTED} OR ?)"
        " WHERE id = ? AND state = 'growing' RETURNING item_id, destination_id",
        (
            state,
            to_text(held) if is_certain else None,
            None if is_certain else held[-1][1],
            size,
            is_ours,
            is_unanswered,
            pieces,
            (is_ours or pieces is None) and pieces != 0,
            not held,
            live_id,
        ),
    ).fetchone()
    if row is None or row["item_id"] is None:
        return
    reach_live(connection, row["item_id"])
    if not keep:
        supersede_live(connection, row["item_id"], row["destination_id"])


def taken(connection: sqlite3.Connection, live_id: int) -> None:
    """Note that a file with this name is never touched, nor the name tried again.

    It is not ours, or lies where nothing is removed.
    """
    connection.execute(
        "UPDATE live_files SET state = 'over', clean_up = 0 WHERE id = ?", (live_id,)
    )


def end_all(connection: sqlite3.Connection, *, now: float) -> int:
    """Note that nothing grows any more: we were ended. Return how many there were.

    It is not known until when they show something: until `now` at the latest, and no
    longer than their reviews. Nothing is known of that if anything happened later than
    `now`: the clock is behind. What may be someone else's is left alone, unless it is
    empty. What left with a sign stays until it is known whether a review followed.
    """
    latest = now if newest(connection) <= now else None
    rows = connection.execute(
        f"UPDATE live_files SET state = IIF(is_ours AND NOT {_UNWANTED},"  # noqa: S608
        f" 'kept', 'over'), clean_up = IIF(is_ours, {_UNWANTED}, pieces IS NULL),"
        " is_unanswered = 1,"
        " ended_by = MIN(?1 + ahead, COALESCE((SELECT MAX(MAX(files.end),"
        " MAX(items.reported_at) + ahead) + ?2 FROM items JOIN files ON files.item_id ="
        " items.id WHERE items.id = live_files.item_id AND is_open = 0"
        " AND role = 'whole'), ?1 + ahead)) WHERE state = 'growing'"
        " RETURNING item_id, destination_id",
        (latest, _SHOWN_AFTER_END),
    ).fetchall()
    known = [row for row in rows if row["item_id"] is not None]
    for item_id in dict.fromkeys(row["item_id"] for row in known):
        reach_live(connection, item_id)
    # Their wholes may have come before what ended them was kept.
    for item_id, destination_id in dict.fromkeys(tuple(row) for row in known):
        supersede_live(connection, item_id, destination_id)
    return len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A live file of which it is not known what it shows: it is to be looked at.

    `pieces` is how many it may lie there in, None of a single file. If
    it `is_unanswered`, the destination may yet carry out a request for it.
    """

    id: int
    path: str
    pieces: int | None
    is_unanswered: bool


def next_cut_off(
    connection: sqlite3.Connection, destination_id: str, *, exclude: Collection[int]
) -> CutOff | None:
    """Return a live file at a destination of which it is not known what it shows."""
    rows = connection.execute(
        "SELECT id, path, pieces, is_unanswered"
        " FROM live_files INDEXED BY cut_off_live_files"
        " WHERE destination_id = ? AND state = 'kept' AND held IS NULL AND is_ours = 1"
        " ORDER BY start",
        (destination_id,),
    )
    for row in rows:
        if row["id"] not in exclude:
            return CutOff(
                id=row["id"],
                path=row["path"],
                pieces=row["pieces"],
                is_unanswered=bool(row["is_unanswered"]),
            )
    return None


def looked_at(
    connection: sqlite3.Connection,
    live_id: int,
    *,
    seconds: float | None,
    size: int,
    pieces: int | None = None,
    keep: bool = False,
) -> None:
    """Note what lies there of a live file that was looked at.

    It shows no more than so many `seconds`, of which some may be missing. With 0 nothing
    of it plays: it is to be removed. None if that is unknown: then it may show all
    until we were there again. `pieces` and `keep` are as of `ended`.
    """
    row = connection.execute(
        "SELECT item_id, destination_id, start, ended_by FROM live_files"
        " WHERE id = ? AND state = 'kept' AND held IS NULL",
        (live_id,),
    ).fetchone()
    if row is None:
        return
    connection.execute(
        "UPDATE live_files SET held = ?1, size = ?2, pieces = COALESCE(?3, pieces),"
        " state = IIF(?4, 'over', state), clean_up = ?4 WHERE id = ?5",
        (
            to_text(_bounded(row["start"], row["ended_by"], seconds)),
            size,
            pieces,
            seconds == 0,
            live_id,
        ),
    )
    reach_live(connection, row["item_id"])
    if not keep:
        supersede_live(connection, row["item_id"], row["destination_id"])


def _bounded(start: float, ended_by: float | None, seconds: float | None) -> Spans:
    """Return what a file shows at most that began then, and ended by that time."""
    ends = [] if seconds is None else [start + seconds]
    if ended_by is not None and ended_by > start:
        # Else no clock was set when we were there again.
        ends.append(ended_by)
    end = min(ends, default=start)
    return ((start, end),) if end > start else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLeftover:
    """A live file that is to be removed: its names at the destination.

    `is_pieces` tells whether it lies there in pieces, each of which may have been cut
    off under its temporary name. One that `is_spared` stays if it is still there, whole
    if it has its `size`. One of which it is not certain that it `is_ours` is
    only to be removed if it is empty. If it `is_unanswered`, the destination may yet
    carry out a request for it.
    """

    id: int
    paths: tuple[str, ...]
    is_pieces: bool
    is_ours: bool
    is_unanswered: bool = False
    size: int = 0
    is_spared: bool = False


def next_leftover(
    connection: sqlite3.Connection, destination_id: str, *, exclude: Collection[int]
) -> LiveLeftover | None:
    """Return a live file that is to be removed at a destination."""
    rows = connection.execute(
        "SELECT id, path, pieces, is_ours, is_unanswered, size, state"
        " FROM live_files INDEXED BY live_clean_ups"
        " WHERE destination_id = ? AND clean_up = 1 ORDER BY id LIMIT ?",
        (destination_id, 1 + len(exclude)),
    )
    for row in rows:
        if row["id"] not in exclude:
            numbers = range(1, (row["pieces"] or 0) + 1)
            return LiveLeftover(
                id=row["id"],
                is_pieces=row["pieces"] is not None,
                is_ours=bool(row["is_ours"]),
                is_unanswered=bool(row["is_unanswered"]),
                size=row["size"],
                is_spared=row["state"] == LiveState.SPARED,
                paths=(row["path"],)
                if row["pieces"] is None
                else tuple(piece_path(row["path"], number) for number in numbers),
            )
    return None


def removed(connection: sqlite3.Connection, live_id: int) -> None:
    """Forget a live file that was removed."""
    connection.execute("DELETE FROM live_files WHERE id = ?", (live_id,))
