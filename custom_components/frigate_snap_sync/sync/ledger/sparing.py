"""Sparing: what was to be removed, and is to stay after all.

Its removal may be under way, or done already and only the answer got lost. So it counts
as a copy again when it was seen to lie there.
"""

import sqlite3

from ..model.item import Media
from ..model.status import ProtectFilter

_SPARE = (
    "UPDATE uploads INDEXED BY clean_ups SET clean_up = 'spared'"
    " WHERE clean_up IS NOT NULL AND clean_up = 'file' AND state = 'expired'",
    "UPDATE live_files INDEXED BY live_clean_ups SET state = 'spared'"
    " WHERE clean_up = 1 AND state = 'expired'",
)
"""Let copies and live files be looked for whose time was over: they are not removed."""


def protect(
    connection: sqlite3.Connection, wanted: ProtectFilter, *, is_protected: bool
) -> int:
    """Let retention keep the copies of these items, or not; return how many items.

    Also those, and their live files, whose time is over already, as long as they were
    not removed.
    """
    count = _protect(connection, wanted, is_protected=is_protected)
    if is_protected:
        for spare in _SPARE:
            connection.execute(
                f"{spare} AND item_id IN (SELECT id FROM items"  # noqa: S608
                " INDEXED BY protected_items WHERE is_protected = 1)"
            )
    return count


def _protect(
    connection: sqlite3.Connection, wanted: ProtectFilter, *, is_protected: bool
) -> int:
    if wanted.item_id is not None:
        media = [media.value for media in Media]
        marks = ", ".join("?" * len(media))
        return connection.execute(
            f"UPDATE items SET is_protected = ? WHERE media IN ({marks})"  # noqa: S608
            " AND source_id = ?",
            (is_protected, *media, wanted.item_id),
        ).rowcount
    return connection.execute(
        "UPDATE items SET is_protected = ?1 WHERE camera = ?2 AND start < ?4"
        " AND (is_open = 1 OR MAX(start, COALESCE(end, start)) >= ?3)",
        (is_protected, wanted.camera, wanted.start, wanted.end),
    ).rowcount


def reconsider(connection: sqlite3.Connection, destination_id: str) -> None:
    """Let be judged again what is to be removed: the owner has set other limits."""
    for spare in _SPARE:
        connection.execute(f"{spare} AND destination_id = ?", (destination_id,))


def is_to_go(connection: sqlite3.Connection, upload_id: int) -> bool:
    """Tell whether a file is still to be removed, just before that is done."""
    (is_to_go,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM uploads WHERE id = ? AND clean_up = 'file')",
        (upload_id,),
    ).fetchone()
    return bool(is_to_go)


def spared(connection: sqlite3.Connection, upload_id: int, *, is_there: bool) -> None:
    """Note that a file was looked for: if it `is_there`, it is a copy again."""
    connection.execute(
        "UPDATE uploads SET state = IIF(?1, 'verified', state),"
        " reason = IIF(?1, NULL, reason), clean_up = NULL"
        " WHERE id = ?2 AND clean_up = 'spared'",
        (is_there, upload_id),
    )


def is_live_to_go(connection: sqlite3.Connection, live_id: int) -> bool:
    """Tell whether a live file is still to be removed, just before that is done."""
    (is_to_go,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM live_files WHERE id = ? AND clean_up = 1"
        " AND state != 'spared')",
        (live_id,),
    ).fetchone()
    return bool(is_to_go)


def live_spared(
    connection: sqlite3.Connection, live_id: int, *, is_whole: bool
) -> None:
    """Note that a live file is there still, though maybe not all of it.

    Then it is not known what it shows, as if a crash had ended it.
    """
    connection.execute(
        "UPDATE live_files SET state = 'kept', clean_up = 0, held = IIF(?, held, NULL)"
        " WHERE id = ? AND state = 'spared'",
        (is_whole, live_id),
    )
