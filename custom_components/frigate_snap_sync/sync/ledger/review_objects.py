"""Which tracked objects a review names: so pictures and recordings belong together."""

from collections.abc import Sequence
import sqlite3

from ..model.item import Item, Media
from ..model.review_rules import new_objects


def remember(connection: sqlite3.Connection, item: Item) -> None:
    """Keep the objects that a review has named so far, up to a limit."""
    if not item.object_ids:
        return
    known = objects_of(connection, item)
    connection.executemany(
        "INSERT INTO review_objects (object_id, review_id) VALUES (?, ?)",
        [
            (object_id, item.source_id)
            for object_id in new_objects(known, item.object_ids)
        ],
    )


def forget(connection: sqlite3.Connection, item_ids: Sequence[tuple[int]]) -> None:
    """Forget those of the reviews among these items, before the items go."""
    connection.executemany(
        "DELETE FROM review_objects WHERE review_id ="
        " (SELECT source_id FROM items WHERE id = ? AND media = 'recordings')",
        item_ids,
    )


def review_of(connection: sqlite3.Connection, item: Item) -> str | None:
    """Return the id of the review that an item shows; None if none is known."""
    if item.media is Media.RECORDINGS:
        return item.review_id
    row = connection.execute(
        "SELECT MIN(review_id) AS id FROM review_objects WHERE object_id = ?",
        (item.source_id,),
    ).fetchone()
    found: str | None = row["id"]
    return found


def objects_of(connection: sqlite3.Connection, item: Item) -> tuple[str, ...]:
    """Return the ids of the tracked objects that an item shows, sorted."""
    match item.media:
        case Media.LIVE_SNAPSHOTS:
            return ()
        case Media.SNAPSHOTS:
            return (item.source_id,)
    rows = connection.execute(
        "SELECT object_id FROM review_objects WHERE review_id = ? ORDER BY object_id",
        (item.source_id,),
    )
    return tuple(row["object_id"] for row in rows)
