"""The events of uploads that ended."""

from collections.abc import Collection
from dataclasses import replace
import sqlite3

from ..model.item import Item, Role, UploadState
from ..model.status import UploadEvent
from . import review_objects
from .browsing import key_of, times_of
from .items import item_of

_COLUMNS = (
    "SELECT items.*, destination_id, path, uploads.reason AS reason,"
    " uploads.state AS upload_state,"
    " files.role AS role, number, files.start AS file_start, files.end AS file_end,"
    " (SELECT COUNT(*) FROM files AS f WHERE f.item_id = items.id"
    " AND f.role = 'whole') AS pieces FROM uploads"
    " JOIN items ON items.id = uploads.item_id JOIN files ON files.id = file_id"
)


def arrival(
    connection: sqlite3.Connection, upload_id: int, *, size: int
) -> tuple[UploadEvent, ...]:
    """Return what to tell of a copy that arrived: of parts nothing."""
    row = connection.execute(
        f"{_COLUMNS} WHERE uploads.id = ? AND uploads.role != 'part'", (upload_id,)
    ).fetchone()
    if row is None:
        return ()
    is_whole = row["role"] == Role.WHOLE
    if is_whole:
        return (_of_row(connection, row, size=size),)
    reason, cause = "Frigate gives only some of it", UploadState.INCOMPLETE
    return (_of_row(connection, row, size=size, reason=reason, cause=cause),)


def losses(
    connection: sqlite3.Connection, file_id: int, destination_ids: Collection[str]
) -> tuple[UploadEvent, ...]:
    """Return what to tell these destinations' owner of a file that has just ended."""
    rows = connection.execute(
        f"{_COLUMNS} WHERE file_id = ? AND uploads.role = 'whole'"
        " AND uploads.state IN ('gone', 'dropped')",
        (file_id,),
    ).fetchall()
    return tuple(
        _of_row(connection, row, reason=row["reason"], cause=row["upload_state"])
        for row in rows
        if row["destination_id"] in destination_ids  # Others ended long ago.
    )


def event(
    item: Item,
    destination_id: str,
    path: str,
    *,
    size: int | None = None,
    reason: str | None = None,
    cause: str | None = None,
) -> UploadEvent:
    """Return what to tell of an upload that ended, verified if there is no cause."""
    return UploadEvent(
        destination_id=destination_id,
        verified=cause is None,
        media=item.media.kind,
        camera=item.camera,
        item_id=item.source_id,
        path=path,
        size=size,
        reason=reason,
        cause=cause,
        labels=item.shown_labels,
        severity=item.severity,
        zones=tuple(sorted(item.zones)),
        start=item.start,
        end=item.end,
        review_id=item.review_id,
        object_ids=tuple(sorted(item.object_ids)),
    )


def _of_row(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    *,
    size: int | None = None,
    reason: str | None = None,
    cause: str | None = None,
) -> UploadEvent:
    item = item_of(row)
    start, end = times_of(row, item)
    return replace(
        event(
            item,
            row["destination_id"],
            row["path"],
            size=size,
            reason=reason,
            cause=cause,
        ),
        start=start,
        end=end,
        review_id=review_objects.review_of(connection, item),
        object_ids=review_objects.objects_of(connection, item),
        file=None if size is None else key_of(row, item).name,
    )
