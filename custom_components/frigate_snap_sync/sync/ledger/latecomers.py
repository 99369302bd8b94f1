"""Latecomers: destinations that get an item long after it was over."""

from collections.abc import Collection
from dataclasses import dataclass
import sqlite3

from ..items import Item, Media, Rank, Role
from ..naming import numbered
from .items import FilePlan, FileState, UploadPlan, add_to, free_path, item_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An item that is over, who has uploads of it, and whether it has files."""

    item_id: int
    item: Item
    destinations: Collection[str]
    has_files: bool


def known(connection: sqlite3.Connection, media: Media, source_id: str) -> Known | None:
    """Return what is known of an item, None if it is not, or is not over."""
    row = connection.execute(
        "SELECT * FROM items WHERE media = ? AND source_id = ? AND is_open = 0",
        (media, source_id),
    ).fetchone()
    if row is None:
        return None
    destinations = connection.execute(
        "SELECT DISTINCT destination_id FROM uploads WHERE item_id = ?", (row["id"],)
    )
    (has_files,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM files WHERE item_id = ?)", (row["id"],)
    ).fetchone()
    return Known(
        item_id=row["id"],
        item=item_of(row),
        destinations=frozenset(each["destination_id"] for each in destinations),
        has_files=bool(has_files),
    )


def plan(
    connection: sqlite3.Connection, known: Known, files: tuple[FilePlan, ...]
) -> None:
    """Keep the first files of an item that nobody wanted before."""
    add_to(connection, known.item_id, known.item, files)


def join(
    connection: sqlite3.Connection,
    known: Known,
    uploads: tuple[UploadPlan, ...],
    *,
    now: float,
) -> int:
    """Keep more uploads of an item's files, which are fetched again if need be.

    Of what could not be had whole the longest piece is among them. Returns how
    many uploads there are.
    """
    # One may have been removed since this was planned.
    present = {row["id"] for row in connection.execute("SELECT id FROM destinations")}
    uploads = tuple(each for each in uploads if each.destination_id in present)
    if not uploads:
        return 0
    files = connection.execute(
        "SELECT id, role, number, rank, state, (SELECT COUNT(*) FROM files AS f"
        " WHERE f.item_id = ?1 AND f.role = 'whole') AS pieces FROM files"
        # A review that Frigate had lost has no range to ask for.
        " WHERE item_id = ?1 AND (end IS NOT NULL OR rank = ?2) AND (role = 'whole'"
        " OR role = 'incomplete' AND EXISTS (SELECT 1 FROM files AS f JOIN uploads"
        " ON file_id = f.id WHERE f.item_id = ?1 AND f.role = 'whole'"
        " AND f.number = files.number AND uploads.state = 'incomplete'))",
        (known.item_id, Rank.SNAPSHOT),
    ).fetchall()
    for file in files:
        connection.execute(
            "UPDATE files SET attempts = 0, due = ?1,"
            " state = CASE state WHEN 'released' THEN 'wanted' ELSE state END"
            " WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM uploads"
            " WHERE file_id = ?2 AND state = 'pending')",
            (now, file["id"]),
        )
        for upload in uploads:
            _add(connection, known, upload, file, now=now)
    return len(files) * len(uploads)


def _add(
    connection: sqlite3.Connection,
    known: Known,
    upload: UploadPlan,
    file: sqlite3.Row,
    *,
    now: float,
) -> None:
    suffix = _suffix(file)
    wanted = numbered(upload.path, suffix) if suffix else upload.path
    connection.execute(
        "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
        " state, rank, is_ready, planned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            known.item_id,
            file["id"],
            upload.destination_id,
            file["role"],
            upload.path,
            free_path(connection, upload.destination_id, wanted, known.item.short_id),
            upload.state,
            file["rank"],
            file["state"] == FileState.SPOOLED,
            now,
        ),
    )


def _suffix(file: sqlite3.Row) -> str:
    """Return what tells a file from the others of its item."""
    number = "" if file["pieces"] == 1 else f"{file['number']:02}"
    if file["role"] == Role.WHOLE:
        return number
    return f"{number}-incomplete" if number else "incomplete"
