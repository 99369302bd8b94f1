"""Items, and what is planned of them: files to fetch and uploads to make."""

from dataclasses import dataclass
from enum import StrEnum
import json
import sqlite3

from ...frigate.models import Severity
from ..items import Item, Media, UploadState
from ..naming import alternatives


class FileState(StrEnum):
    """Where a file is."""

    WANTED = "wanted"
    """To be fetched from Frigate."""
    HELD = "held"
    """In the spool, until the camera's snapshots switch is known."""
    SPOOLED = "spooled"
    """In the spool, for the destinations that still wait for it."""
    RELEASED = "released"
    """No longer needed, or never to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """One file's way to one destination; `path` may get a suffix if it is taken."""

    destination_id: str
    path: str
    state: UploadState = UploadState.PENDING
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """One file of an item: what to ask Frigate for, or what lies in the spool.

    `start` and `end` are the range of a recording (epoch seconds of Frigate's
    clock), `due` is when to fetch it (ours).
    """

    state: FileState
    uploads: tuple[UploadPlan, ...]
    number: int = 1
    start: int | None = None
    end: int | None = None
    due: float = 0
    spool_name: str | None = None
    size: int | None = None
    sha256: str | None = None


def review(connection: sqlite3.Connection, review_id: str) -> tuple[Item, bool] | None:
    """Return what is known of a review, and whether it is still open."""
    row = connection.execute(
        "SELECT * FROM items WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    return None if row is None else (item_of(row), bool(row["is_open"]))


def is_known(connection: sqlite3.Connection, item: Item) -> bool:
    """Tell whether the ledger has the item."""
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM items WHERE media = ? AND source_id = ?)",
            (item.media, item.source_id),
        ).fetchone()[0]
    )


def remember_open(connection: sqlite3.Connection, item: Item) -> bool:
    """Keep a review that goes on; return False if it is known to have ended."""
    return _save(connection, item, is_open=True) is not None


def plan(
    connection: sqlite3.Connection, item: Item, files: tuple[FilePlan, ...]
) -> bool:
    """Keep an item that has ended, with its files and uploads.

    Returns False, and keeps nothing, if it was planned before.
    """
    item_id = _save(connection, item, is_open=False)
    if item_id is None:
        return False
    for file in files:
        file_id = connection.execute(
            "INSERT INTO files (item_id, number, rank, start, end, state, due,"
            " spool_name, size, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item_id,
                file.number,
                item.rank,
                file.start,
                file.end,
                file.state,
                file.due,
                file.spool_name,
                file.size,
                file.sha256,
            ),
        ).lastrowid
        for upload in file.uploads:
            connection.execute(
                "INSERT INTO uploads (item_id, file_id, destination_id, path, state,"
                " reason, rank, is_ready, finished) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    item_id,
                    file_id,
                    upload.destination_id,
                    _free_path(connection, upload, item.short_id),
                    upload.state,
                    upload.reason,
                    item.rank,
                    file.state is FileState.SPOOLED,
                    None if upload.state is UploadState.PENDING else item.told,
                ),
            )
    return True


def open_reviews(connection: sqlite3.Connection) -> list[Item]:
    """Return the reviews without an end, the oldest first, at most 1,000."""
    rows = connection.execute(
        "SELECT * FROM items WHERE is_open = 1 ORDER BY id LIMIT 1000"
    )
    return [item_of(row) for row in rows]


def item_of(row: sqlite3.Row) -> Item:
    """Return the item of a row of `items`."""
    return Item(
        media=Media(row["media"]),
        source_id=row["source_id"],
        camera=row["camera"],
        label=row["label"],
        labels=frozenset(json.loads(row["labels"])),
        zones=frozenset(json.loads(row["zones"])),
        severity=None if row["severity"] is None else Severity(row["severity"]),
        start=row["start"],
        end=row["end"],
        told=row["told"],
    )


def _save(connection: sqlite3.Connection, item: Item, *, is_open: bool) -> int | None:
    """Insert the item or bring an open one up to date; return its row's id."""
    row = connection.execute(
        "INSERT INTO items (media, source_id, camera, label, labels, zones, severity,"
        " start, end, told, is_open) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (media, source_id) DO UPDATE SET labels = excluded.labels,"
        " zones = excluded.zones, severity = excluded.severity, end = excluded.end,"
        " is_open = excluded.is_open"
        " WHERE items.is_open = 1 RETURNING id",
        (
            item.media,
            item.source_id,
            item.camera,
            item.label,
            json.dumps(sorted(item.labels)),
            json.dumps(sorted(item.zones)),
            item.severity,
            item.start,
            item.end,
            item.told,
            is_open,
        ),
    ).fetchone()
    return None if row is None else int(row["id"])


def _free_path(
    connection: sqlite3.Connection, upload: UploadPlan, short_id: str
) -> str:
    for path in alternatives(upload.path, short_id):
        taken = connection.execute(
            "SELECT 1 FROM uploads WHERE destination_id = ? AND path = ?",
            (upload.destination_id, path),
        ).fetchone()
        if taken is None:
            return path
    raise AssertionError("alternatives never end")
