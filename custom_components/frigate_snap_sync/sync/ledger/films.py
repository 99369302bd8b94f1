"""Live film as it is browsed: each file that grew, and each piece, plays alone."""

from collections.abc import Collection
import json
import sqlite3
from typing import Final

from ..model.item import Item, Media, Role
from ..model.spans import Spans, from_text
from ..model.stored import Copy, FileKey, MediaFile, film_number
from .live_files import LiveState, piece_path
from .superseding import is_live_held

LIES: Final = "is_ours = 1 AND state IN ('growing', 'kept') AND (pieces IS NULL OR held IS NOT NULL)"
"""There is something of it that plays. How many pieces there are is known at the end."""

_STILL: Final = ".jpg"


def files_of(
    connection: sqlite3.Connection,
    item_id: int,
    item: Item,
    among: Collection[str],
    *,
    but: Spans,
) -> list[MediaFile]:
    """Return the live film of an item that lies there, the last first.

    But none of which all seconds are shown by others; what grows shows new ones.
    What several destinations have under one number shows the same, more or less; the
    longest is described.
    """
    rows = connection.execute(
        "SELECT number, path, pieces, state, start, held, ended_by, begins, size"  # noqa: S608
        " FROM live_files"
        f" INDEXED BY live_files_of_item WHERE item_id = ? AND {LIES}"
        " AND destination_id IN (SELECT value FROM json_each(?))"
        " ORDER BY number DESC, size",
        (item_id, json.dumps(sorted(among))),
    )
    found: dict[FileKey, MediaFile] = {}
    for row in rows:
        if row["state"] == LiveState.KEPT and is_live_held(row, but):
            continue
        pieces = [None] if row["pieces"] is None else range(row["pieces"], 0, -1)
        for piece in pieces:
            file = _file_of(row, item, piece)
            found[file.key] = file
    return list(found.values())


def copies(
    connection: sqlite3.Connection, key: FileKey, *, among: Collection[str]
) -> list[Copy]:
    """Return where a live file, or a piece of one, lies."""
    number, piece = key.film
    rows = connection.execute(
        "SELECT destination_id, path, pieces, live_files.state AS state"  # noqa: S608
        " FROM items JOIN live_files INDEXED BY live_files_of_item"
        " ON item_id = items.id WHERE media = ? AND source_id = ? AND number = ?"
        f" AND {LIES}",
        (key.media, key.source_id, number),
    )
    return [
        Copy(
            destination_id=row["destination_id"],
            path=row["path"] if piece is None else piece_path(row["path"], piece),
            size=None,
            is_growing=row["state"] == "growing",
        )
        for row in rows
        if row["destination_id"] in among
        and row["path"].endswith(_STILL) == key.is_still
        and (row["pieces"] is None) == (piece is None)
        and (piece or 0) <= (row["pieces"] or 0)
    ]


def _file_of(row: sqlite3.Row, item: Item, piece: int | None) -> MediaFile:
    key = FileKey(
        media=Media.RECORDINGS,
        source_id=item.source_id,
        role=Role.LIVE,
        number=film_number(row["number"], piece),
        is_still=row["path"].endswith(_STILL),
    )
    held = from_text(row["held"])
    # Of pieces it is known what all of them show.
    end = None if piece is not None or not held else held[-1][1]
    return MediaFile(
        key=key,
        camera=item.camera,
        labels=item.shown_labels,
        severity=item.severity,
        start=row["start"],
        end=end,
        size=None if piece is not None else row["size"] or None,
        thumbnail=key if key.is_still else None,
    )
