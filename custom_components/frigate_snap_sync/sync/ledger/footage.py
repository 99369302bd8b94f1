"""Footage: which seconds of an item Frigate ever showed, and who holds which."""

import sqlite3

from ..model.coverage import Coverage
from ..model.item import Media
from ..model.spans import Spans, from_text, to_text, union, within


def known(connection: sqlite3.Connection, file_id: int) -> Spans:
    """Return what is known to have been footage in a file's range.

    That is what Frigate's recordings ever showed for any file of its item.
    """
    item_id = _item_of(connection, file_id)
    return _in_range(connection, file_id, known_of_item(connection, item_id))


def live(connection: sqlite3.Connection, file_id: int) -> Spans:
    """Return what film of a file's range left while it happened."""
    rows = connection.execute(
        "SELECT held FROM live_files WHERE item_id = ? AND held IS NOT NULL",
        (_item_of(connection, file_id),),
    )
    held = union(*(from_text(row["held"]) for row in rows))
    return _in_range(connection, file_id, held)


def _item_of(connection: sqlite3.Connection, file_id: int) -> int:
    (item_id,) = connection.execute(
        "SELECT item_id FROM files WHERE id = ?", (file_id,)
    ).fetchone()
    return int(item_id)


def _in_range(connection: sqlite3.Connection, file_id: int, spans: Spans) -> Spans:
    row = connection.execute(
        "SELECT start, end FROM files WHERE id = ?", (file_id,)
    ).fetchone()
    return () if row["start"] is None else within(spans, row["start"], row["end"])


def known_of_item(connection: sqlite3.Connection, item_id: int) -> Spans:
    """Return what is known to have been footage of an item."""
    rows = connection.execute(
        "SELECT shown FROM files WHERE item_id = ? AND shown IS NOT NULL", (item_id,)
    )
    return union(*(from_text(row["shown"]) for row in rows))


def known_of_review(connection: sqlite3.Connection, review_id: str) -> Spans:
    """Return what is known to have been footage of a review."""
    row = connection.execute(
        "SELECT id FROM items WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    return () if row is None else known_of_item(connection, row["id"])


def saw(connection: sqlite3.Connection, file_id: int, shown: Spans) -> None:
    """Note what Frigate's recordings showed of a file's range; it only grows."""
    if not shown:
        return
    (before,) = connection.execute(
        "SELECT shown FROM files WHERE id = ?", (file_id,)
    ).fetchone()
    connection.execute(
        "UPDATE files SET shown = ? WHERE id = ?",
        (to_text(union(from_text(before), shown)), file_id),
    )


def fetched(connection: sqlite3.Connection, file_id: int, coverage: Coverage) -> None:
    """Note what the clip in the spool holds."""
    saw(connection, file_id, coverage.shown)
    connection.execute(
        "UPDATE files SET held = ? WHERE id = ?", (to_text(coverage.least), file_id)
    )
