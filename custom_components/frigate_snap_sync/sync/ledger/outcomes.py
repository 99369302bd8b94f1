"""How uploads end: counted, superseding parts, letting go of the spool."""

from collections.abc import Collection
import sqlite3
from typing import Final

from ..model.budget import HELD_BACK
from ..model.item import Media, Role, UploadState
from ..model.plans import FileState
from ..model.retention import EARLIEST
from ..model.spans import Spans
from ..model.transition import Transition
from . import budgets, footage, traffic, upload_events, uploads
from .superseding import supersede

_ARRIVED = {UploadState.VERIFIED, UploadState.EXPIRED}
_SETTLED = {*_ARRIVED, UploadState.SKIPPED}
"""Pieces that are there, or were, and those that never had footage."""

CLEAN_UP_TRY: Final = (
    "clean_up = IIF(COALESCE(temporary, tried_sha256) IS NULL, NULL, 'temporary')"
)
"""In an UPDATE of uploads that end: what their last try left is to be removed."""


def verified(
    connection: sqlite3.Connection,
    upload_id: int,
    *,
    size: int,
    now: float,
    keep_parts: bool = False,
) -> Transition:
    """Note that a copy arrived whole, count it, and supersede its item's parts.

    Also one that was given up meanwhile: it is there, whatever was thought of it. With
    `keep_parts`, where nothing is deleted, the parts that lie there stay verified.
    """
    arrival = Transition(events=upload_events.arrival(connection, upload_id, size=size))
    row = connection.execute(
        "UPDATE uploads SET state = ?1, reason = NULL, temporary = NULL,"
        " clean_up = NULL, size = ?2, finished = ?3,"
        # One from before a clock was set ages from now on.
        " aged_from = CASE WHEN item_start < ?5 THEN ?3 ELSE item_start END,"
        # Of the clip that was sent: the spool may have another one by now.
        " held = (SELECT held FROM files WHERE id = file_id"
        " AND (tried_sha256 IS NULL OR sha256 = tried_sha256)) WHERE id = ?4"
        " AND state NOT IN ('verified', 'superseded', 'expired')"
        # Of a destination that is still there the owner cancelled it.
        " AND (state != 'cancelled' OR destination_id IN (SELECT id FROM destinations))"
        " RETURNING item_id, file_id, destination_id, role",
        (UploadState.VERIFIED, size, now, upload_id, EARLIEST),
    ).fetchone()
    if row is None:
        # Its whole arrived, or the destination was removed, while it was sent.
        connection.execute(
            "UPDATE uploads SET temporary = NULL,"
            " clean_up = IIF(state = 'superseded', 'file', NULL)"
            " WHERE id = ?",
            (upload_id,),
        )
        return arrival
    connection.execute(
        "UPDATE destinations SET data_uploaded = data_uploaded + ?, last_upload = ?"
        " WHERE id = ?",
        (size, now, row["destination_id"]),
    )
    traffic.note(connection, row["destination_id"], size, now=now)
    if row["role"] == Role.WHOLE:
        _note_for_camera(connection, row["file_id"], now=now)
    freed = [release(connection, row["file_id"], now=now)]
    if row["role"] == Role.INCOMPLETE:
        _settle_for_less(connection, row["file_id"], row["destination_id"], now=now)
    if row["role"] == Role.WHOLE:
        whose = row["item_id"], row["destination_id"]
        count(connection, *whose)
        going = supersede(connection, *whose, now=now, keep_parts=keep_parts)
        freed += [release(connection, file_id, now=now) for file_id in going]
    return arrival + Transition(tuple(name for name in freed if name))


def _note_for_camera(
    connection: sqlite3.Connection, file_id: int, *, now: float
) -> None:
    """Note when a picture or a recording first arrived anywhere.

    Each change is a line in Activity: live snapshots and parts, of which there are many,
    make none, and a second destination makes no second one.
    """
    connection.execute(
        "UPDATE cameras SET last_upload = ?1 WHERE name = (SELECT camera FROM items"
        " JOIN files ON item_id = items.id WHERE files.id = ?2 AND media != ?3)"
        " AND (SELECT COUNT(*) FROM uploads WHERE file_id = ?2"
        " AND state IN ('verified', 'expired')) = 1",
        (now, file_id, Media.LIVE_SNAPSHOTS),
    )


def skip(
    connection: sqlite3.Connection, upload_ids: Collection[int], reason: str, now: float
) -> Transition:
    """Skip uploads that are pending, and wholes that are still requested."""
    freed: list[str] = []
    for upload_id in upload_ids:
        row = connection.execute(
            "UPDATE uploads SET state = 'skipped', reason = ?, finished = ?,"  # noqa: S608
            f" {CLEAN_UP_TRY}"
            " WHERE id = ? AND state IN ('pending', 'incomplete') RETURNING file_id",
            (reason, now, upload_id),
        ).fetchone()
        if row and (name := release(connection, row["file_id"], now=now)):
            freed.append(name)
    return Transition(tuple(freed))


def finish(
    connection: sqlite3.Connection,
    file_id: int,
    state: UploadState,
    reason: str,
    *,
    now: float,
    is_missing: bool = False,
) -> Transition:
    """End a file's pending uploads in another state than verified.

    What `is_missing` at Frigate, and might have left before if a budget had not held it
    back, is skipped for that.
    """
    rows = connection.execute(
        "UPDATE uploads SET state = IIF(was_held AND ?6, 'skipped', ?1),"  # noqa: S608
        " reason = IIF(was_held AND ?6, ?5, ?2), finished = ?3,"
        f" {CLEAN_UP_TRY}"
        " WHERE file_id = ?4 AND state = 'pending'"
        " RETURNING item_id, destination_id, role",
        (state, reason, now, file_id, HELD_BACK, is_missing),
    ).fetchall()
    freed = release(connection, file_id, now=now, is_final=True)
    for row in rows:
        if row["role"] == Role.WHOLE:
            item_id, destination_id = row["item_id"], row["destination_id"]
            count(connection, item_id, destination_id)
    ended = [row["destination_id"] for row in rows]
    return Transition(
        (freed,) if freed else (), upload_events.losses(connection, file_id, ended)
    )


def finish_without_footage(
    connection: sqlite3.Connection,
    file_id: int,
    reason: str,
    *,
    shown: Spans = (),
    now: float,
) -> Transition:
    """End a file's pending uploads since Frigate has no footage of it.

    A part is skipped, and so is a piece of a longer recording that never had any. A
    recording of which no piece has footage is gone, and so is a piece that Frigate
    has lost: its recordings showed some before, or film of it arrived live.
    """
    footage.saw(connection, file_id, shown)
    (item_id, role, had_footage, wholes) = connection.execute(
        "SELECT item_id, role, had_footage, (SELECT COUNT(*) FROM files AS f"
        " WHERE f.item_id = files.item_id AND f.role = 'whole')"
        " FROM files WHERE id = ?",
        (file_id,),
    ).fetchone()
    is_loss = (
        wholes == 1
        or had_footage
        or bool(footage.known(connection, file_id))
        or bool(footage.live(connection, file_id))
    )
    is_gone = role == Role.WHOLE and is_loss
    state = UploadState.GONE if is_gone else UploadState.SKIPPED
    ended = uploads.destinations_of(connection, file_id)
    freed = finish(connection, file_id, state, reason, now=now, is_missing=True).freed
    if is_gone:
        _keep_incomplete(connection, file_id, ended)
    if role == Role.WHOLE:
        # Only where something ended now: who no longer wants it has lost nothing.
        connection.executemany(
            "UPDATE uploads SET state = 'gone' WHERE item_id = ?1 AND role = 'whole'"
            " AND destination_id = ?2 AND reason IS NOT 'only_while'"
            " AND (SELECT is_open FROM items WHERE id = ?1) = 0"
            " AND NOT EXISTS (SELECT 1 FROM uploads WHERE item_id = ?1"
            # What came before may lie where the destination was then.
            " AND role = 'whole' AND (destination_id = ?2 OR destination_id IN"
            " (SELECT id FROM former_places WHERE destination_id = ?2))"
            " AND (state != 'skipped' OR reason = ?3))",
            [(item_id, destination_id, HELD_BACK) for destination_id in ended],
        )
    return Transition(freed, upload_events.losses(connection, file_id, ended))


def _keep_incomplete(
    connection: sqlite3.Connection, file_id: int, destination_ids: Collection[str]
) -> None:
    """Note of a whole that is gone who has a piece of it: that is not less now."""
    connection.executemany(
        "UPDATE uploads SET state = 'incomplete' WHERE file_id = ?1"
        " AND destination_id = ?2 AND state = 'gone' AND EXISTS (SELECT 1 FROM files"
        " JOIN files AS piece ON piece.item_id = files.item_id"
        " AND piece.role = 'incomplete' AND piece.number = files.number"
        " JOIN uploads AS arrived ON arrived.file_id = piece.id"
        " WHERE files.id = ?1 AND arrived.destination_id = ?2"
        " AND arrived.state = 'verified' AND arrived.is_missed = 0)",
        [(file_id, destination_id) for destination_id in destination_ids],
    )


def cancel(
    connection: sqlite3.Connection, destination_id: str, *, now: float
) -> Transition:
    """Cancel what a removed destination would still get.

    That is what is pending, and the wholes of which it has only a beginning.
    """
    rows = connection.execute(
        "UPDATE uploads SET state = ?1, reason = ?2, finished = ?3,"  # noqa: S608
        f" {CLEAN_UP_TRY} WHERE id IN"
        " (SELECT id FROM uploads WHERE destination_id = ?4 AND state = 'pending'"
        # In the words of the index on what failed, or SQLite would not use it.
        " UNION ALL SELECT id FROM uploads WHERE destination_id = ?4 AND state IN"
        " ('gone', 'dropped', 'incomplete') AND state = 'incomplete')"
        " RETURNING item_id, file_id",
        (UploadState.CANCELLED, "The destination was removed", now, destination_id),
    ).fetchall()
    for item_id in {row["item_id"] for row in rows}:
        count_for_camera(connection, item_id)
    names = (release(connection, row["file_id"], now=now) for row in rows)
    return Transition(tuple(name for name in names if name))


def release(
    connection: sqlite3.Connection,
    file_id: int,
    *,
    now: float,
    is_final: bool = False,
) -> str | None:
    """Let a file go that no upload waits for; return its spool name if it had one.

    A whole of which a destination has only a beginning stays wanted, unless it
    `is_final` that it can't be had.
    """
    row = connection.execute(
        "SELECT spool_name,"
        " EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'pending') AS needed,"
        " EXISTS (SELECT 1 FROM uploads WHERE file_id = files.id"
        " AND state = 'incomplete') AS would_be_taken FROM files WHERE id = ?",
        (file_id,),
    ).fetchone()
    if row["needed"]:
        # Who is held back does not keep it in the spool.
        freed = budgets.settle_file(connection, file_id, now=now).freed
        return freed[0] if freed else None
    is_wanted = row["would_be_taken"] and not is_final
    connection.execute(
        # What was released already can't be had any more.
        f"UPDATE files SET state = ?, spool_name = NULL, {budgets.UNHELD}"  # noqa: S608
        " WHERE id = ? AND state != 'released'",
        (FileState.WANTED if is_wanted else FileState.RELEASED, file_id),
    )
    if is_wanted:
        budgets.settle_file(connection, file_id, now=now)
    name: str | None = row["spool_name"]
    return name


def _settle_for_less(
    connection: sqlite3.Connection, file_id: int, destination_id: str, *, now: float
) -> None:
    """Note that a destination has the longest playable piece of a whole."""
    connection.execute(
        "UPDATE uploads SET state = ?, finished = ?,"  # noqa: S608
        f" {CLEAN_UP_TRY}"
        " WHERE destination_id = ? AND state = 'pending' AND is_ready = 0"
        " AND file_id ="
        " (SELECT whole.id FROM files JOIN files AS whole ON whole.item_id ="
        " files.item_id AND whole.role = 'whole' AND whole.number = files.number"
        " WHERE files.id = ?)",
        (UploadState.INCOMPLETE, now, destination_id, file_id),
    )


def _is_open(connection: sqlite3.Connection, item_id: int) -> bool:
    row = connection.execute("SELECT is_open FROM items WHERE id = ?", (item_id,))
    return bool(row.fetchone()[0])


def count(connection: sqlite3.Connection, item_id: int, destination_id: str) -> None:
    """Count an item for a destination, and for its camera, once it has all of it."""
    if _is_open(connection, item_id):
        return  # More pieces will come.
    if not _is_complete(_states(connection, item_id, destination_id)):
        return
    connection.execute(
        "UPDATE destinations SET"
        " live_snapshots_uploaded = live_snapshots_uploaded + (?1 = 'live_snapshots'),"
        " snapshots_uploaded = snapshots_uploaded + (?1 = 'snapshots'),"
        " recordings_uploaded = recordings_uploaded + (?1 = 'recordings')"
        " WHERE id = ?2"
        # One that came in mid-review lacks the first pieces.
        " AND NOT EXISTS (SELECT 1 FROM files WHERE item_id = ?3 AND role = 'whole'"
        " AND NOT EXISTS (SELECT 1 FROM uploads"
        " WHERE file_id = files.id AND destination_id = ?2))"
        " AND NOT EXISTS (SELECT 1 FROM uploads WHERE item_id = ?3"
        " AND destination_id = ?2 AND was_counted = 1)",
        (_media(connection, item_id), destination_id, item_id),
    )
    count_for_camera(connection, item_id)


def note_counted(connection: sqlite3.Connection, item_id: int) -> None:
    """Note where an item was counted, before more of it is planned."""
    rows = connection.execute(
        "SELECT DISTINCT destination_id FROM uploads WHERE item_id = ?", (item_id,)
    ).fetchall()
    connection.executemany(
        "UPDATE uploads SET was_counted = 1 WHERE item_id = ? AND destination_id = ?",
        [
            (item_id, row["destination_id"])
            for row in rows
            if _is_complete(_states(connection, item_id, row["destination_id"]))
        ],
    )


def count_for_camera(connection: sqlite3.Connection, item_id: int) -> None:
    """Count an item for its camera once every destination that wants it has all of it."""
    states = _states(connection, item_id, None) - {UploadState.CANCELLED}
    if not _is_complete(states):
        return
    changed = connection.execute(
        "UPDATE items SET counted = 1 WHERE id = ? AND counted = 0", (item_id,)
    ).rowcount
    if changed:
        connection.execute(
            "UPDATE cameras SET"
            " snapshots_uploaded = snapshots_uploaded + (?1 != 'recordings'),"
            " recordings_uploaded = recordings_uploaded + (?1 = 'recordings')"
            " WHERE name = (SELECT camera FROM items WHERE id = ?2)",
            (_media(connection, item_id), item_id),
        )


def _is_complete(states: set[str]) -> bool:
    """Tell whether all pieces are there (a piece without footage is skipped)."""
    return bool(states & _ARRIVED) and states <= _SETTLED


def _states(
    connection: sqlite3.Connection, item_id: int, destination_id: str | None
) -> set[str]:
    rows = connection.execute(
        # What a budget has cost is no piece that never was.
        "SELECT DISTINCT IIF(reason = ?3, 'gone', state) AS state FROM uploads"
        " WHERE item_id = ?1 AND role = 'whole'"
        " AND (?2 IS NULL OR destination_id = ?2)",
        (item_id, destination_id, HELD_BACK),
    )
    return {row["state"] for row in rows}


def _media(connection: sqlite3.Connection, item_id: int) -> str:
    (media,) = connection.execute(
        "SELECT media FROM items WHERE id = ?", (item_id,)
    ).fetchone()
    return str(media)
