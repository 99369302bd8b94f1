"""Uploads as a person may ask for them."""

from datetime import UTC, datetime
import sqlite3

from ..model.status import UploadFilter, UploadRow
from .items import item_of


def list_uploads(
    connection: sqlite3.Connection, wanted: UploadFilter
) -> list[UploadRow]:
    """Return the newest uploads that fit."""
    rows = connection.execute(
        "SELECT items.*, uploads.state AS state, uploads.role AS role, path,"
        " COALESCE(former.destination_id, uploads.destination_id) AS destination_id,"
        " uploads.size AS size, uploads.attempts AS attempts, finished,"
        # What waits for Frigate, or has no more of it, is explained by the last try.
        " CASE WHEN former.id IS NOT NULL"
        " THEN 'It lies where the destination was before'"
        " WHEN uploads.state IN ('pending', 'incomplete') AND is_ready = 0"
        " THEN COALESCE(error, reason) ELSE reason END AS reason"
        " FROM uploads JOIN items ON items.id = uploads.item_id"
        " JOIN files ON files.id = file_id"
        " LEFT JOIN former_places AS former ON former.id = uploads.destination_id"
        " WHERE (?1 IS NULL OR camera = ?1) AND (?2 IS NULL"
        " OR uploads.destination_id = ?2 OR former.destination_id = ?2)"
        " AND (?3 IS NULL OR media = ?3) AND (?4 IS NULL OR uploads.state = ?4)"
        " AND (?5 IS NULL OR items.start >= ?5) AND (?6 IS NULL OR items.start < ?6)"
        " AND (?7 IS NULL OR source_id = ?7)"
        " ORDER BY uploads.id DESC LIMIT ?8",
        (
            wanted.camera,
            wanted.destination_id,
            wanted.media,
            wanted.state,
            None if wanted.after is None else wanted.after.timestamp(),
            None if wanted.before is None else wanted.before.timestamp(),
            wanted.item_id,
            wanted.limit,
        ),
    )
    return [_row(row) for row in rows]


def _row(row: sqlite3.Row) -> UploadRow:
    item = item_of(row)
    finished: float | None = row["finished"]
    return UploadRow(
        destination_id=row["destination_id"],
        media=item.media.kind,
        camera=item.camera,
        item_id=item.source_id,
        label=item.label or ", ".join(sorted(item.labels)),
        state=row["state"],
        role=row["role"],
        path=row["path"],
        size=row["size"],
        attempts=row["attempts"],
        start=datetime.fromtimestamp(item.start, UTC),
        finished=None if finished is None else datetime.fromtimestamp(finished, UTC),
        reason=row["reason"],
    )
