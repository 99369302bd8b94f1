"""What has arrived of the items of some time, and what has not, added up."""

from collections.abc import Collection, Iterator
import json
import sqlite3

from ..model.item import Media
from ..model.summary import Counts, SummaryRow

ARRIVED = (
    "SELECT camera, media, label, labels, ?1 AS destination_id,"
    " COUNT(DISTINCT CASE WHEN role = 'whole' THEN item_id END) AS copies,"
    " TOTAL(CASE WHEN role = 'whole' THEN size END) AS bytes,"
    " COUNT(CASE WHEN role != 'whole' THEN 1 END) AS parts,"
    " TOTAL(CASE WHEN role != 'whole' THEN size END) AS part_bytes, 0 AS failed"
    " FROM (SELECT item_id, role, size FROM uploads WHERE state = 'verified'"
    " AND destination_id = ?1 AND item_start >= ?2 AND item_start < ?3 UNION ALL"
    " SELECT item_id, role, size FROM uploads WHERE state = 'expired'"
    " AND destination_id = ?1 AND item_start >= ?2 AND item_start < ?3)"
    " JOIN items ON items.id = item_id GROUP BY camera, media, label, labels"
)
FAILED = (
    "SELECT camera, media, label, labels, destination_id, 0 AS copies, 0 AS bytes,"
    " 0 AS parts, 0 AS part_bytes, COUNT(*) AS failed FROM uploads"
    " JOIN items ON items.id = item_id"
    # In the words of the index on what failed.
    " WHERE uploads.state IN ('gone', 'dropped', 'incomplete') AND role = 'whole'"
    " AND destination_id = ?1 AND item_start >= ?2 AND item_start < ?3"
    " GROUP BY camera, media, label, labels"
)


def destinations(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of all destinations."""
    rows = connection.execute("SELECT id FROM destinations ORDER BY id")
    return [row["id"] for row in rows]


def of_day(
    connection: sqlite3.Connection,
    destination_ids: Collection[str],
    *,
    day: str,
    start: float,
    end: float,
    camera: str | None = None,
) -> list[SummaryRow]:
    """Return what these destinations have of the items that began in that time.

    What retention has deleted since is among it. Times are seconds since 1970.
    """
    return [
        row
        for destination_id in destination_ids
        for query in (ARRIVED, FAILED)
        for row in _rows(connection, query, day, (destination_id, start, end))
        if camera in (None, row.camera)
    ]


def _rows(
    connection: sqlite3.Connection,
    query: str,
    day: str,
    values: tuple[str, float, float],
) -> Iterator[SummaryRow]:
    for row in connection.execute(query, values):
        labels = set(json.loads(row["labels"]))
        if row["label"]:
            labels.add(row["label"])
        yield SummaryRow(
            day=day,
            camera=row["camera"],
            media=Media(row["media"]).kind,
            labels=tuple(sorted(labels)),
            destination_id=row["destination_id"],
            counts=Counts(
                copies=row["copies"],
                bytes=int(row["bytes"]),
                parts=row["parts"],
                part_bytes=int(row["part_bytes"]),
                failed=row["failed"],
            ),
        )
