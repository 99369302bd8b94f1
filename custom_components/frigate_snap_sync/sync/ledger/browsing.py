"""What lies at the destinations, by camera and time, and where each file lies."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
import json
from math import inf
import re
import sqlite3
from typing import Final

from ..model.coverage import lacks
from ..model.item import Item, Media, Role
from ..model.spans import union
from ..model.stored import Copy, FileKey, MediaFile, SearchWord
from . import films
from .items import item_of

MAX_DAYS: Final = 5000
"""Days of a camera that are listed."""

_MAX_LOOKED_AT: Final = 1000
"""Items of a camera among which a picture is looked for."""

_BEFORE: Final = 3.0
"""Seconds by which an image may come before the review that shows the same."""
_AFTER: Final = 5.0

_LIES: Final = (
    "(EXISTS (SELECT 1 FROM uploads WHERE item_id = items.id AND state = 'verified'"  # noqa: S608
    " AND destination_id IN (SELECT value FROM json_each(:among)))"
    " OR EXISTS (SELECT 1 FROM live_files INDEXED BY live_files_of_item"
    f" WHERE item_id = items.id AND {films.LIES}"
    " AND destination_id IN (SELECT value FROM json_each(:among))))"
)
"""A file of the item lies at one of the destinations."""


def cameras(connection: sqlite3.Connection, among: Collection[str]) -> list[str]:
    """Return the cameras of which something lies at these destinations, sorted."""
    found: list[str] = []
    name = ""
    while among:
        row = connection.execute(
            "SELECT MIN(camera) AS name FROM items INDEXED BY stored_items"
            " WHERE copies + films > 0 AND camera > ?",
            (name,),
        ).fetchone()
        if row["name"] is None:
            break
        name = row["name"]
        if newest(connection, name, among=among) is not None:
            found.append(name)
    return found


def newest(
    connection: sqlite3.Connection,
    camera: str,
    *,
    among: Collection[str],
    before: float = inf,
) -> float | None:
    """Return the start of the newest item of a camera that lies there."""
    row = connection.execute(
        "SELECT start FROM items INDEXED BY stored_items"  # noqa: S608
        f" WHERE camera = :camera AND copies + films > 0 AND start < :before AND {_LIES}"
        " ORDER BY start DESC LIMIT 1",
        {"camera": camera, "before": before, "among": _list(among)},
    ).fetchone()
    return None if row is None else float(row["start"])


def periods(
    connection: sqlite3.Connection,
    camera: str,
    begin_of: Callable[[float], float],
    *,
    among: Collection[str],
    since: float = -inf,
    until: float = inf,
) -> list[float]:
    """Return the periods in which something of a camera lies there, newest first.

    Each is given by its beginning: `begin_of` returns that of the one (a day, an hour)
    that a moment lies in. No more than `MAX_DAYS`.
    """
    found: list[float] = []
    while len(found) < MAX_DAYS:
        start = newest(connection, camera, among=among, before=until)
        if start is None or start < since:
            break
        # A clock that is set back must not make it endless.
        until = min(begin_of(start), start)
        found.append(until)
    return found


def files(
    connection: sqlite3.Connection,
    camera: str,
    *,
    among: Collection[str],
    since: float,
    until: float,
    limit: int,
) -> list[MediaFile]:
    """Return what lies there of a camera and began in that time, newest first.

    `limit` is that of items. Parts that wholes there reach over are not shown.
    """
    rows = connection.execute(
        "SELECT * FROM items INDEXED BY stored_items"  # noqa: S608
        " WHERE camera = :camera AND copies + films > 0 AND start >= :since AND start < :until"
        f" AND {_LIES} ORDER BY start DESC LIMIT :limit",
        {
            "camera": camera,
            "since": since,
            "until": until,
            "limit": limit,
            "among": _list(among),
        },
    )
    return [
        file
        for row in rows.fetchall()
        for file in _files_of(connection, row["id"], item_of(row), among)
    ]


def count(
    connection: sqlite3.Connection,
    camera: str,
    *,
    since: float,
    until: float,
) -> int:
    """Return how many items of a camera began in that time."""
    (found,) = connection.execute(
        "SELECT COUNT(*) FROM items INDEXED BY stored_items"
        " WHERE camera = ? AND copies + films > 0 AND start >= ? AND start < ?",
        (camera, since, until),
    ).fetchone()
    return int(found)


def newest_picture(
    connection: sqlite3.Connection, camera: str, *, among: Collection[str]
) -> FileKey | None:
    """Return the newest image of a camera that lies there.

    None is found of a camera that has had only recordings for long: that all of a
    camera is looked through for a small picture would hold up everything else.
    """
    row = connection.execute(
        "SELECT media, source_id FROM (SELECT id, media, source_id, start"  # noqa: S608
        " FROM items INDEXED BY stored_items WHERE camera = :camera AND copies + films > 0"
        " ORDER BY start DESC LIMIT :most) AS items WHERE media != 'recordings'"
        f" AND {_LIES} ORDER BY start DESC LIMIT 1",
        {"camera": camera, "among": _list(among), "most": _MAX_LOOKED_AT},
    ).fetchone()
    return None if row is None else _key_of(row)


def search(
    connection: sqlite3.Connection,
    words: Sequence[SearchWord],
    *,
    among: Collection[str],
    camera: str | None,
    is_video: bool | None,
    since: float,
    until: float,
    limit: int,
) -> list[MediaFile]:
    """Return what lies there and fits every word, newest first.

    `limit` is that of items. Where little fits, all of a camera is looked through.
    """
    names = [camera] if camera is not None else cameras(connection, among)
    values: dict[str, object] = {"since": since, "until": until, "limit": limit}
    values |= {"among": _list(among), "is_video": is_video}
    fits = ""
    for number, word in enumerate(words):
        # Lists are kept as JSON, which has only ASCII.
        values[f"word{number}"] = _pattern(word.text)
        values[f"json{number}"] = _pattern(json.dumps(word.text)[1:-1])
        values[f"cameras{number}"] = _list(word.cameras)
        values[f"severities{number}"] = _list(word.severities)
        fits += (
            f" AND (camera LIKE :word{number} ESCAPE '\\'"  # noqa: S608 - numbers only
            f" OR label LIKE :word{number} ESCAPE '\\'"
            f" OR labels LIKE :json{number} ESCAPE '\\'"
            f" OR zones LIKE :json{number} ESCAPE '\\'"
            f" OR severity LIKE :word{number} ESCAPE '\\'"
            f" OR camera IN (SELECT value FROM json_each(:cameras{number}))"
            f" OR severity IN (SELECT value FROM json_each(:severities{number})))"
        )
    found: list[sqlite3.Row] = []
    for name in names:
        found += connection.execute(
            "SELECT * FROM items INDEXED BY stored_items"  # noqa: S608 - names only
            " WHERE camera = :camera AND copies + films > 0 AND start >= :since"
            " AND start < :until"
            " AND (:is_video IS NULL OR (media = 'recordings') = :is_video)"
            f"{fits} AND {_LIES} ORDER BY start DESC LIMIT :limit",
            values | {"camera": name},
        )
    found.sort(key=lambda row: -float(row["start"]))
    return [
        file
        for row in found[:limit]
        for file in _files_of(connection, row["id"], item_of(row), among)
    ]


def copies(
    connection: sqlite3.Connection, key: FileKey, *, among: Collection[str]
) -> list[Copy]:
    """Return where a file lies."""
    if key.role is Role.LIVE:
        return films.copies(connection, key, among=among)
    rows = connection.execute(
        "SELECT destination_id, path, uploads.size AS size FROM items"
        " JOIN files ON files.item_id = items.id AND files.role = ?"
        " AND number = ?"
        " JOIN uploads ON file_id = files.id AND uploads.state = 'verified'"
        " WHERE media = ? AND source_id = ?",
        (key.role, key.number, key.media, key.source_id),
    )
    return [
        Copy(destination_id=row["destination_id"], path=row["path"], size=row["size"])
        for row in rows
        if row["destination_id"] in among
    ]


def _files_of(
    connection: sqlite3.Connection, item_id: int, item: Item, among: Collection[str]
) -> list[MediaFile]:
    """Return the files of an item that play, the last piece first.

    Parts and live film are shown as far as no whole reaches over them.
    """
    rows = connection.execute(
        "SELECT files.role AS role, number, files.start AS file_start,"
        " files.end AS file_end, MAX(uploads.size) AS size,"
        " (SELECT COUNT(*) FROM files AS f WHERE f.item_id = ?1 AND f.role = 'whole')"
        " AS pieces FROM uploads JOIN files ON files.id = file_id"
        " WHERE uploads.item_id = ?1 AND uploads.state = 'verified'"
        " AND destination_id IN (SELECT value FROM json_each(?2))"
        " GROUP BY files.id ORDER BY files.start DESC, number DESC",
        (item_id, _list(among)),
    ).fetchall()
    wholes = [row for row in rows if row["role"] == Role.WHOLE]
    numbers = {row["number"] for row in wholes}
    held = union(_range_of(row) for row in wholes)
    shown = [
        row
        for row in rows
        if row["role"] == Role.WHOLE
        or (row["role"] == Role.INCOMPLETE and row["number"] not in numbers)
        or (row["role"] == Role.PART and lacks(held, (_range_of(row),)))
    ]
    film = films.files_of(connection, item_id, item, among, but=held)
    thumbnail = _thumbnail(connection, item, among) if shown or film else None
    return [
        *(
            file if file.thumbnail else replace(file, thumbnail=thumbnail)
            for file in film
        ),
        *(_file_of(row, item, thumbnail) for row in shown),
    ]


def _range_of(row: sqlite3.Row) -> tuple[float, float]:
    return float(row["file_start"] or 0), float(row["file_end"] or 0)


def _file_of(row: sqlite3.Row, item: Item, thumbnail: FileKey | None) -> MediaFile:
    start, end = times_of(row, item)
    key = key_of(row, item)
    return MediaFile(
        key=key,
        camera=item.camera,
        labels=item.shown_labels,
        severity=item.severity,
        start=start,
        end=end,
        size=row["size"],
        thumbnail=thumbnail if item.media is Media.RECORDINGS else key,
    )


def key_of(row: sqlite3.Row, item: Item) -> FileKey:
    """Return the key of an item's file; `row` has its `role` and `number`."""
    return FileKey(
        media=item.media,
        source_id=item.source_id,
        role=Role(row["role"]),
        number=row["number"],
    )


def times_of(row: sqlite3.Row, item: Item) -> tuple[float, float | None]:
    """Return when what a file shows began and ended.

    The only whole of a review shows that, and some seconds before and after it. `row`
    has `role`, `pieces` (how many wholes there are), `file_start` and `file_end`.
    """
    is_all = row["role"] != Role.PART and row["pieces"] <= 1
    if is_all or row["file_start"] is None:
        return item.start, item.end
    return float(row["file_start"]), float(row["file_end"])


def _thumbnail(
    connection: sqlite3.Connection, item: Item, among: Collection[str]
) -> FileKey | None:
    """Return a picture of what a recording shows, a small one first."""
    if item.media is not Media.RECORDINGS:
        return None
    end = item.start + 60 if item.end is None else item.end
    row = connection.execute(
        "SELECT media, source_id FROM items INDEXED BY stored_items"  # noqa: S608
        " WHERE camera = :camera AND copies + films > 0 AND start >= :since"
        " AND start <= :until AND media = 'live_snapshots'"
        f" AND {_LIES} ORDER BY start LIMIT 1",
        {
            "camera": item.camera,
            "since": item.start - _BEFORE,
            "until": end + _AFTER,
            "among": _list(among),
        },
    ).fetchone()
    if row is None:
        row = connection.execute(
            "SELECT media, source_id FROM review_objects"  # noqa: S608
            " JOIN items ON media = 'snapshots' AND source_id = object_id"
            f" WHERE review_id = :review AND copies + films > 0 AND {_LIES}"
            " ORDER BY start LIMIT 1",
            {"review": item.source_id, "among": _list(among)},
        ).fetchone()
    return None if row is None else _key_of(row)


def _key_of(row: sqlite3.Row) -> FileKey:
    return FileKey(media=Media(row["media"]), source_id=row["source_id"])


def _pattern(word: str) -> str:
    """Return the pattern by which SQLite finds a word anywhere in a text."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"


def _list(values: Collection[str]) -> str:
    return json.dumps(sorted(values))
