"""Failed uploads, tried again because someone asks for it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
import json
import sqlite3
from typing import Final

from ..model.rank import Rank
from ..model.selection import Selection, wants
from . import budgets
from .items import item_of


def retry_failed(
    connection: sqlite3.Connection,
    *,
    selections: Mapping[str, Selection | None],
    now: float,
    limit: int | None = None,
) -> int:
    """Let failed uploads be tried again; return how many, `limit` at most.

    Live snapshots are not among them: Frigate keeps none. What failed after
    `now` is not either, so that one may repeat this until there are none. Nor is what
    the destinations no longer select, unless a person asked for it.
    """
    failed = _wanted(connection, _FAILED, selections, now=now)
    return len(_retry(connection, islice(failed, limit), now=now))


def retry_item(
    connection: sqlite3.Connection,
    item_id: int,
    *,
    selections: Mapping[str, Selection | None],
    now: float,
) -> list[str]:
    """Let an item's failed uploads be tried again; return their destinations."""
    of_item = f"{_FAILED} AND item_id = :item"
    failed = _wanted(connection, of_item, selections, now=now, item=item_id)
    return _retry(connection, failed, now=now)


_FAILED: Final = (
    "uploads.state IN ('gone', 'dropped', 'incomplete')"
    " AND role = 'whole' AND rank != :live_snapshot"
    " AND destination_id IN (SELECT id FROM destinations) AND finished <= :now"
    # One that an earlier version gave up has no range to ask for.
    " AND (rank = :snapshot OR (SELECT end FROM files WHERE id = file_id) IS NOT NULL)"
)


def _wanted(
    connection: sqlite3.Connection,
    failed: str,
    selections: Mapping[str, Selection | None],
    **values: float,
) -> Iterator[int]:
    """Yield the ids of those failed uploads that are wanted."""
    for row in connection.execute(
        "SELECT items.*, uploads.id AS upload_id, destination_id, is_asked"  # noqa: S608
        f" FROM uploads JOIN items ON items.id = item_id WHERE {failed}",
        {
            "live_snapshot": Rank.LIVE_SNAPSHOT,
            "snapshot": Rank.SNAPSHOT,
            **values,
        },
    ):
        selection = selections.get(row["destination_id"])
        if row["is_asked"] or wants(selection, item_of(row)):
            yield row["upload_id"]


AGAIN: Final = (
    "state = 'pending', reason = NULL, clean_up = NULL, retry_at = 0, finished = NULL,"
    # Of what is incomplete again its owner knows.
    " is_acknowledged = is_acknowledged AND state = 'incomplete',"
    " hold = NULL, was_held = 0,"
    # The spool may hold the file for another destination.
    " is_ready = EXISTS (SELECT 1 FROM files WHERE id = file_id AND state = 'spooled')"
)
"""In an UPDATE of uploads that ended, and wait again; then the file is wanted."""


def want(connection: sqlite3.Connection, file_id: int, *, now: float) -> None:
    """Let a file be fetched that the spool has not, unless a budget holds it back."""
    connection.execute(
        "UPDATE files SET state = 'wanted', due = ?, attempts = 0,"  # noqa: S608
        f" {budgets.UNHELD} WHERE id = ? AND state IN ('released', 'wanted')",
        (now, file_id),
    )
    budgets.settle_file(connection, file_id, now=now)


def _retry(
    connection: sqlite3.Connection, ids: Iterable[int], *, now: float
) -> list[str]:
    rows = connection.execute(
        f"UPDATE uploads SET expected_at = ?1, {AGAIN}"  # noqa: S608
        " WHERE id IN (SELECT value FROM json_each(?2))"
        " RETURNING file_id, destination_id",
        (now, json.dumps(list(ids))),
    ).fetchall()
    for file_id in {row["file_id"] for row in rows}:
        want(connection, file_id, now=now)
    return [row["destination_id"] for row in rows]
