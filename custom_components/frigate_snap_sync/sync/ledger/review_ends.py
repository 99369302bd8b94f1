"""What the end of a review changes in what was planned while it went on."""

from collections.abc import Sequence
import sqlite3

from ..model.item import Item, Media, UploadState
from ..model.transition import NOTHING, Transition
from .items import plan, review
from .outcomes import count, finish, note_counted

BEYOND_THE_END = "The review had ended before it"

_PLANNED = """
SELECT files.id AS file_id, files.start AS first FROM files
JOIN items ON items.id = item_id
WHERE media = ? AND source_id = ? AND is_open = 1
    AND files.state IN ('wanted', 'spooled') AND files.end > ?
"""

_PLANNED_UNTIL = """COALESCE((SELECT MAX(files.end) FROM files
    WHERE item_id = items.id AND role = 'whole'), items.end)"""


def guess(connection: sqlite3.Connection, review_id: str) -> None:
    """Note that Frigate has lost a review: its end, planned next, will be a guess."""
    connection.execute(
        "UPDATE items SET is_end_guessed = 1 WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    )


def guessed(
    connection: sqlite3.Connection, review_ids: Sequence[str]
) -> dict[str, float]:
    """Return which of these reviews have a guessed end, and up to where each is planned."""
    found: dict[str, float] = {}
    for review_id in review_ids:
        row = connection.execute(
            f"SELECT {_PLANNED_UNTIL} AS until FROM items"  # noqa: S608
            " WHERE media = ? AND source_id = ? AND is_end_guessed = 1",
            (Media.RECORDINGS, review_id),
        ).fetchone()
        if row is not None and row["until"] is not None:
            found[review_id] = float(row["until"])
    return found


def reopen(
    connection: sqlite3.Connection, review_id: str, *, end: float | None
) -> tuple[Item, bool] | None:
    """Open a review again if its end was a guess, and a wrong one.

    So it is if Frigate says that it is active (`end` is None), or ended later than was
    planned. Returns what is known of it, and whether it is open now.
    """
    row = connection.execute(
        "UPDATE items SET is_open = 1, end = NULL, is_end_guessed = 0"  # noqa: S608
        " WHERE media = ?1 AND source_id = ?2 AND is_end_guessed = 1"
        f" AND (?3 IS NULL OR {_PLANNED_UNTIL} < ?3) RETURNING id",
        (Media.RECORDINGS, review_id, end),
    ).fetchone()
    if row is not None:
        note_counted(connection, row["id"])
    return review(connection, review_id)


def cut_off(
    connection: sqlite3.Connection, review_id: str, *, end: int, now: float
) -> Transition:
    """Skip what was planned beyond a review's end and has not arrived yet.

    `end` is where its footage ends (Frigate's clock). A file that begins before it
    and was not fetched yet becomes shorter.
    """
    ended = NOTHING
    for row in connection.execute(
        _PLANNED, (Media.RECORDINGS, review_id, end)
    ).fetchall():
        if row["first"] >= end:
            state, reason = UploadState.SKIPPED, BEYOND_THE_END
            ended += finish(connection, row["file_id"], state, reason, now=now)
        else:
            connection.execute(
                "UPDATE files SET end = ? WHERE id = ? AND state = 'wanted'",
                (end, row["file_id"]),
            )
    return ended


def give_up(
    connection: sqlite3.Connection, review_id: str, reason: str, *, now: float
) -> Transition:
    """Skip what was planned of a running review and has not been fetched."""
    ended = NOTHING
    for row in connection.execute(
        "SELECT files.id AS file_id FROM files JOIN items ON items.id = item_id"
        " WHERE media = ? AND source_id = ? AND is_open = 1"
        " AND files.state = 'wanted'",
        (Media.RECORDINGS, review_id),
    ).fetchall():
        state = UploadState.SKIPPED
        ended += finish(connection, row["file_id"], state, reason, now=now)
    return ended


def hurry(connection: sqlite3.Connection, review_id: str, *, now: float) -> bool:
    """Ask at once for what Frigate has of a review's parts; return if there are any.

    Once of each: one that was asked for so already is tried again in its own time.
    """
    return bool(
        connection.execute(
            "UPDATE files SET as_is = 1, due = MIN(due, ?) WHERE state = 'wanted'"
            " AND role = 'part' AND as_is = 0 AND item_id = (SELECT id FROM items"
            " WHERE media = ? AND source_id = ?)",
            (now, Media.RECORDINGS, review_id),
        ).rowcount
    )


def close(connection: sqlite3.Connection, item: Item) -> bool:
    """Keep that a review has ended within the last half hour that was planned of it.

    Returns False, and keeps nothing, if there has been nothing in any of them: then
    one more tells whether that is a loss.
    """
    rows = connection.execute(
        "SELECT DISTINCT item_id, destination_id FROM uploads WHERE role = 'whole'"
        " AND state != 'skipped' AND item_id IN"
        " (SELECT id FROM items WHERE media = ? AND source_id = ? AND is_open = 1)",
        (Media.RECORDINGS, item.source_id),
    ).fetchall()
    if not rows or not plan(connection, item, ()):
        return False
    for row in rows:
        count(connection, row["item_id"], row["destination_id"])
    return True
