"""What Frigate has reported and shown of reviews: when, and whether it ever did."""

import sqlite3

from ..model.item import Media


def hear(connection: sqlite3.Connection, review_id: str, moment: float) -> None:
    """Note that Frigate reported or showed a review at a moment (our clock)."""
    connection.execute(
        "UPDATE items SET heard_at = ?1 WHERE media = ?2 AND source_id = ?3"
        " AND COALESCE(heard_at, 0) < ?1",
        (moment, Media.RECORDINGS, review_id),
    )


def heard_at(connection: sqlite3.Connection, review_id: str) -> float:
    """Return when Frigate last reported a review, or its API showed it (our clock)."""
    (moment,) = connection.execute(
        "SELECT COALESCE(heard_at, reported_at) FROM items"
        " WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    return float(moment)


def confirm(connection: sqlite3.Connection, review_id: str, *, now: float) -> None:
    """Note that Frigate's API shows a review."""
    connection.execute(
        "UPDATE items SET is_confirmed = 1 WHERE media = ? AND source_id = ?"
        " AND is_confirmed = 0",
        (Media.RECORDINGS, review_id),
    )
    hear(connection, review_id, now)


def is_confirmed(connection: sqlite3.Connection, review_id: str) -> bool:
    """Tell whether Frigate's API has ever shown a review."""
    (is_confirmed,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM items WHERE media = ? AND source_id = ?"
        " AND is_confirmed = 1)",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    return bool(is_confirmed)


def had_footage(connection: sqlite3.Connection, review_id: str) -> bool:
    """Tell whether Frigate ever showed footage of a review, or gave some."""
    (had,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM files JOIN items ON items.id = item_id"
        " WHERE media = ? AND source_id = ?"
        " AND (files.size IS NOT NULL OR shown IS NOT NULL))",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    return bool(had)
