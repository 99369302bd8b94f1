"""Live files that began with a first sign: they get an item when its review comes."""

import sqlite3

from ..model.item import Media
from .items import base_of


def adopt(
    connection: sqlite3.Connection,
    hint_id: str,
    review_id: str,
    destination_id: str,
    *,
    base: str,
    short_id: str,
    begins: float,
) -> None:
    """Give what grows at a destination since a sign to the review that followed.

    It keeps its path; `base` is what the item's other files are called there. What it
    shows before the recording `begins` (Frigate's clock) is nothing of the review, and
    keeps it from nothing.
    """
    item = connection.execute(
        "SELECT id FROM items WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    if item is None:
        return
    base = base_of(connection, item["id"], destination_id, base, short_id=short_id)
    rows = connection.execute(
        "SELECT id FROM live_files INDEXED BY live_files_of_item WHERE item_id IS NULL"
        " AND destination_id = ? AND hint = ? AND state = 'growing' ORDER BY number",
        (destination_id, hint_id),
    ).fetchall()
    for row in rows:
        connection.execute(
            "UPDATE live_files SET item_id = ?1, hint = NULL, base = ?2, begins = ?3,"
            " number = 1 + (SELECT COALESCE(MAX(number), 0) FROM live_files"
            "  WHERE item_id = ?1 AND destination_id = ?4) WHERE id = ?5",
            (item["id"], base, begins, destination_id, row["id"]),
        )
