"""Live files that began with a first sign: they get an item when its review comes."""

from collections.abc import Mapping
import sqlite3

from ..model.item import Media
from ..model.spans import NONE, Spans, from_text, union
from .items import base_of
from .superseding import reach_live, supersede_live


def name_of(camera: str, moment: float, word: str) -> str:
    """Return what stands for the review of a sign until that is known."""
    return f"{camera}/{moment:.6f}-{word}"


def camera_of(hint: str) -> str:
    """Return the camera of a sign."""
    return hint.rpartition("/")[0]


def moment_of(hint: str) -> float:
    """Return when a sign came, by Frigate's clock."""
    return float(hint.rpartition("/")[2].rpartition("-")[0])


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
    """Give what left for a destination since a sign to the review that followed.

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
        " AND destination_id = ? AND hint = ? AND state IN ('growing', 'kept')"
        " ORDER BY number",
        (destination_id, hint_id),
    ).fetchall()
    for row in rows:
        connection.execute(
            "UPDATE live_files SET item_id = ?1, hint = NULL, base = ?2, begins = ?3,"
            " number = 1 + (SELECT COALESCE(MAX(number), 0) FROM live_files"
            "  WHERE item_id = ?1 AND destination_id = ?4) WHERE id = ?5",
            (item["id"], base, begins, destination_id, row["id"]),
        )
    if rows:
        reach_live(connection, item["id"])
        supersede_live(connection, item["id"], destination_id)


def settle(
    connection: sqlite3.Connection,
    hint_id: str,
    review_id: str,
    *,
    bases: Mapping[str, str],
    short_id: str,
    begins: float,
) -> None:
    """Give what left with a sign to its review at these destinations, by their bases.

    What lies elsewhere is unwanted. Nothing is done if there is no such review.
    """
    is_known = connection.execute(
        "SELECT 1 FROM items WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    if not is_known:
        return
    for destination_id, base in bases.items():
        adopt(
            connection,
            hint_id,
            review_id,
            destination_id,
            base=base,
            short_id=short_id,
            begins=begins,
        )
    drop(connection, hint_id)


def drop(
    connection: sqlite3.Connection, hint_id: str, destination_id: str | None = None
) -> None:
    """Note that no review wants what left with a sign: it is to be removed.

    At one destination, or at all. What still grows is, when it ends.
    """
    connection.execute(
        "UPDATE live_files SET hint = NULL, clean_up = IIF(state = 'kept', 1, clean_up),"
        " state = IIF(state = 'kept', 'over', state)"
        " WHERE item_id IS NULL AND hint = ?1"
        " AND (?2 IS NULL OR destination_id = ?2)",
        (hint_id, destination_id),
    )


def unsettled(
    connection: sqlite3.Connection,
) -> dict[str, dict[str, Spans | None]]:
    """Return the signs whose film lies at destinations and has no review yet.

    With what it shows at each in all, None as long as that is not known of each file.
    """
    found: dict[str, dict[str, Spans | None]] = {}
    for row in connection.execute(
        "SELECT hint, destination_id, held FROM live_files INDEXED BY live_files_of_item"
        " WHERE item_id IS NULL AND hint IS NOT NULL AND state IN ('growing', 'kept')"
        " ORDER BY id"
    ):
        films = found.setdefault(row["hint"], {})
        known = films.setdefault(row["destination_id"], NONE)
        is_whole = known is not None and row["held"] is not None
        films[row["destination_id"]] = (
            union(known or NONE, from_text(row["held"])) if is_whole else None
        )
    return found
