"""Latecomers: destinations that get an item long after it was over."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..model.item import Item, Media, Role
from ..model.naming import path_key
from ..model.plans import FilePlan, FileState, Progress, UploadPlan, suffix_of
from ..model.rank import Rank
from . import budgets
from .items import add_to, item_of, names

_LACKING = """
SELECT id, role, number, rank, ended_at, state, start, end,
    (SELECT COUNT(*) FROM files AS other
        WHERE other.item_id = ?1 AND other.role = 'whole') AS pieces
FROM files AS file WHERE item_id = ?1
    AND (role IN ('whole', 'incomplete') OR role = 'part' AND EXISTS
        (SELECT 1 FROM files AS piece WHERE piece.item_id = ?1
            AND piece.role = 'incomplete' AND piece.end < file.end))
    -- One that an earlier version gave up has no range to ask for.
    AND (end IS NOT NULL OR rank = ?3)
    AND NOT EXISTS
        (SELECT 1 FROM files AS whole JOIN uploads ON file_id = whole.id
            WHERE whole.item_id = ?1 AND whole.role = 'whole'
            AND IIF(file.role = 'part', whole.start < file.end
                AND whole.end > file.start, whole.number = file.number)
            AND (destination_id = ?2
                OR file.role != 'whole' AND uploads.state = 'verified'))
    -- It may have got that part while the review ran.
    AND NOT EXISTS (SELECT 1 FROM uploads
        WHERE file_id = file.id AND destination_id = ?2)
    -- It may have been removed since this was planned.
    AND EXISTS (SELECT 1 FROM destinations WHERE destinations.id = ?2)
"""
"""The wholes that a destination lacks, with the pieces of those that none has whole:
their beginnings, and the parts behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An item that is over, and how far its wholes go."""

    item_id: int
    item: Item
    progress: Progress


def known(connection: sqlite3.Connection, media: Media, source_id: str) -> Known | None:
    """Return what is known of an item, None if it is not, or is not over."""
    row = connection.execute(
        "SELECT * FROM items WHERE media = ? AND source_id = ? AND is_open = 0",
        (media, source_id),
    ).fetchone()
    if row is None:
        return None
    return Known(
        item_id=row["id"], item=item_of(row), progress=_progress(connection, row["id"])
    )


def plan(
    connection: sqlite3.Connection, known: Known, files: tuple[FilePlan, ...]
) -> None:
    """Keep files of an item that no destination wanted when it was over.

    Unless others have planned some since that was known: theirs count.
    """
    if _progress(connection, known.item_id).pieces == known.progress.pieces:
        add_to(connection, known.item_id, known.item, files)


def join(
    connection: sqlite3.Connection,
    known: Known,
    uploads: tuple[UploadPlan, ...],
    *,
    now: float,
    numbers: Collection[int] | None = None,
) -> int:
    """Keep uploads of those of an item's files that the destinations lack.

    Such a file is fetched again if need be. Of what could not be had whole the
    longest piece is among them, and what lies behind it. With `numbers` only those of
    these wholes. Returns how many uploads there are.
    """
    count = 0
    for upload in uploads:
        lacking = connection.execute(
            _LACKING, (known.item_id, upload.destination_id, Rank.SNAPSHOT)
        ).fetchall()
        for file in lacking if numbers is None else _among(lacking, numbers):
            connection.execute(
                f"UPDATE files SET attempts = 0, due = ?1, {budgets.UNHELD},"  # noqa: S608
                " state = CASE state WHEN 'released' THEN 'wanted' ELSE state END"
                " WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM uploads"
                " WHERE file_id = ?2 AND state = 'pending')",
                (now, file["id"]),
            )
            add(connection, known.item_id, known.item, upload, file, now=now)
            budgets.settle_file(connection, file["id"], now=now)
            count += 1
    return count


def _among(lacking: list[sqlite3.Row], numbers: Collection[int]) -> list[sqlite3.Row]:
    """Return what is of the wholes with these numbers, or of their time."""
    ranges = [
        (file["start"], file["end"])
        for file in lacking
        if file["role"] == Role.WHOLE and file["number"] in numbers
    ]
    return [
        file
        for file in lacking
        if (
            any(start < file["end"] and end > file["start"] for start, end in ranges)
            if file["role"] == Role.PART
            else file["number"] in numbers
        )
    ]


def _progress(connection: sqlite3.Connection, item_id: int) -> Progress:
    pieces, until = connection.execute(
        "SELECT COALESCE(MAX(number), 0), MAX(end) FROM files"
        " WHERE item_id = ? AND role = 'whole'",
        (item_id,),
    ).fetchone()
    return Progress(pieces=pieces, pieces_end=until)


def add(
    connection: sqlite3.Connection,
    item_id: int,
    item: Item,
    upload: UploadPlan,
    file: sqlite3.Row,
    *,
    now: float,
) -> None:
    """Keep an upload of a file of an item; `file` has the columns of `_LACKING`."""
    suffix = suffix_of(Role(file["role"]), file["number"], pieces=file["pieces"])
    base, path = names(connection, item_id, upload, suffix, item.short_id)
    connection.execute(
        "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
        " path_key, state, rank, ended_at, is_ready, item_start, expected_at, is_asked)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            item_id,
            file["id"],
            upload.destination_id,
            file["role"],
            base,
            path,
            path_key(path),
            upload.state,
            file["rank"],
            file["ended_at"],
            file["state"] == FileState.SPOOLED,
            item.start,
            now,
            upload.is_asked,
        ),
    )
