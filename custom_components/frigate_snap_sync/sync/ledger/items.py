"""Items, and what is planned of them: files to fetch and uploads to make."""

from collections.abc import Collection, Sequence
import json
from math import inf
import sqlite3

from ...frigate.models import Severity
from ...storage.names import REFUSED
from ..model.item import Item, Media, Role, UploadState
from ..model.naming import alternatives, differs_in_labels_only, numbered, path_key
from ..model.plans import FilePlan, FileState, Progress, UploadPlan, part_suffix
from . import budgets, review_objects, tracked_objects
from .review_reports import hear
from .superseding import reach_live, reach_parts


def review(connection: sqlite3.Connection, review_id: str) -> tuple[Item, bool] | None:
    """Return what is known of a review, and whether it is still open."""
    row = connection.execute(
        "SELECT * FROM items WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    ).fetchone()
    return None if row is None else (item_of(row), bool(row["is_open"]))


def reported_at(connection: sqlite3.Connection, item: Item) -> float:
    """Return when an item was reported, by the clock as it is now.

    What was read earlier may be a time of a clock that has been set since.
    """
    row = connection.execute(
        "SELECT reported_at FROM items WHERE media = ? AND source_id = ?",
        (item.media, item.source_id),
    ).fetchone()
    return item.reported_at if row is None else float(row["reported_at"])


def is_known(connection: sqlite3.Connection, item: Item) -> bool:
    """Tell whether the ledger has the item."""
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM items WHERE media = ? AND source_id = ?)",
            (item.media, item.source_id),
        ).fetchone()[0]
    )


def known(
    connection: sqlite3.Connection, media: Media, source_ids: Sequence[str]
) -> dict[str, bool]:
    """Return which of these items the ledger has, and whether each is still open."""
    found: dict[str, bool] = {}
    for source_id in source_ids:
        row = connection.execute(
            "SELECT is_open FROM items WHERE media = ? AND source_id = ?",
            (media, source_id),
        ).fetchone()
        if row is not None:
            found[source_id] = bool(row["is_open"])
    return found


def remember_open(
    connection: sqlite3.Connection, item: Item, *, heard_at: float | None = None
) -> None:
    """Keep an active review; nothing if it is known to have ended.

    `heard_at` is when the last of it was reported (our clock): None if nothing was.
    """
    item_id = _save(connection, item, is_open=True)
    if item_id is not None:
        hear(connection, item.source_id, heard_at or item.reported_at)
        # It may have become an alert.
        budgets.settle_item(connection, item_id, now=item.reported_at)


def plan(
    connection: sqlite3.Connection, item: Item, files: tuple[FilePlan, ...]
) -> bool:
    """Keep an item that has ended, with its files and uploads.

    Returns False, and keeps nothing, if it was planned before.
    """
    if item.media is Media.SNAPSHOTS:
        tracked_objects.forget(connection, item.source_id)
    item_id = _save(connection, item, is_open=False)
    if item_id is None:
        return False
    budgets.settle_item(connection, item_id, now=item.reported_at)
    add_to(connection, item_id, item, files)
    if item.media is Media.RECORDINGS:
        reach_parts(connection, item_id)
        reach_live(connection, item_id)
    return True


def add_files(
    connection: sqlite3.Connection, item: Item, files: tuple[FilePlan, ...]
) -> None:
    """Keep files of an active review; nothing if it has ended meanwhile."""
    row = connection.execute(
        "SELECT id FROM items WHERE media = ? AND source_id = ? AND is_open = 1",
        (item.media, item.source_id),
    ).fetchone()
    if row is not None:
        add_to(connection, row["id"], item, files)


def progress(
    connection: sqlite3.Connection, review_id: str, *, end: float = inf
) -> Progress:
    """Return how far the parts and pieces go that were planned of a review.

    What begins only at its `end`, which was not known then, counts no more.
    """
    rows = {
        row["role"]: (row["last"], row["until"])
        for row in connection.execute(
            "SELECT role, MAX(number) AS last,"
            " MAX(files.end) FILTER (WHERE files.start < ?) AS until FROM files"
            " JOIN items ON items.id = item_id WHERE media = ? AND source_id = ?"
            " GROUP BY role",
            (end, Media.RECORDINGS, review_id),
        )
    }
    parts, parts_end = rows.get(Role.PART, (0, None))
    pieces, pieces_end = rows.get(Role.WHOLE, (0, None))
    return Progress(
        parts=parts, parts_end=parts_end, pieces=pieces, pieces_end=pieces_end
    )


def takers(connection: sqlite3.Connection, review_id: str) -> set[str]:
    """Return the destinations for which anything of a review was planned."""
    rows = connection.execute(
        "SELECT DISTINCT destination_id FROM uploads JOIN items ON items.id = item_id"
        " WHERE media = ? AND source_id = ?",
        (Media.RECORDINGS, review_id),
    )
    return {row["destination_id"] for row in rows}


def open_reviews(connection: sqlite3.Connection) -> list[Item]:
    """Return the reviews without an end, the newest first, at most 1,000.

    Behind a thousand of which no end came, a new one must not wait.
    """
    rows = connection.execute(
        "SELECT * FROM items WHERE is_open = 1 ORDER BY id DESC LIMIT 1000"
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
        reported_at=row["reported_at"],
        pictured=row["pictured"],
    )


def _save(connection: sqlite3.Connection, item: Item, *, is_open: bool) -> int | None:
    """Insert the item or bring an open one up to date; return its row's id."""
    row = connection.execute(
        "INSERT INTO items (media, source_id, camera, label, labels, zones, severity,"
        " start, end, reported_at, pictured, is_open)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (media, source_id) DO UPDATE SET labels = excluded.labels,"
        " zones = excluded.zones, severity = excluded.severity, end = excluded.end,"
        " reported_at = excluded.reported_at, is_open = excluded.is_open"
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
            item.reported_at,
            item.pictured,
            is_open,
        ),
    ).fetchone()
    if row is None:
        return None
    review_objects.remember(connection, item)
    return int(row["id"])


def add_to(
    connection: sqlite3.Connection,
    item_id: int,
    item: Item,
    files: tuple[FilePlan, ...],
) -> list[int]:
    """Keep files of an item, whose row is `item_id`, with their uploads.

    Returns the ids of the files.
    """
    ids: list[int] = []
    for file in files:
        rank = item.rank(file.role)
        ended_at = next(
            each
            for each in (file.ended_at, item.end, item.reported_at)
            if each is not None
        )
        # A destination may have been removed since this was planned.
        uploads = [upload for upload in file.uploads if _exists(connection, upload)]
        state = file.state if uploads else FileState.RELEASED
        number, suffix = _free_number(connection, item_id, file)
        file_id = connection.execute(
            "INSERT INTO files (item_id, role, number, rank, start, end, state, due,"
            " ended_at, as_is, had_footage, spool_name, size, sha256)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item_id,
                file.role,
                number,
                rank,
                file.start,
                file.end,
                state,
                file.due,
                ended_at,
                file.as_is,
                file.had_footage,
                file.spool_name if uploads else None,
                file.size,
                file.sha256,
            ),
        ).lastrowid
        assert file_id is not None  # A row was inserted.
        ids.append(file_id)
        for upload in uploads:
            base, path = names(connection, item_id, upload, suffix, item.short_id)
            connection.execute(
                "INSERT INTO uploads (item_id, file_id, destination_id, role, base,"
                " path, path_key, state, reason, rank, ended_at, is_ready, expected_at,"
                " finished, item_start, is_asked)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    item_id,
                    file_id,
                    upload.destination_id,
                    file.role,
                    base,
                    path,
                    path_key(path),
                    upload.state,
                    upload.reason,
                    rank,
                    ended_at,
                    file.state is FileState.SPOOLED,
                    # When it is to leave: nothing of it waits before.
                    file.due if file.state is FileState.WANTED else item.reported_at,
                    None if upload.state is UploadState.PENDING else item.reported_at,
                    item.start,
                    upload.is_asked,
                ),
            )
        budgets.settle_file(connection, file_id, now=max(file.due, item.reported_at))
    return ids


def _free_number(
    connection: sqlite3.Connection, item_id: int, file: FilePlan
) -> tuple[int, str]:
    """Return a file's number and suffix: others for a part whose number is taken.

    It was planned before another part of the item was added.
    """
    if file.role is not Role.PART:
        return file.number, file.suffix
    (is_taken, last) = connection.execute(
        "SELECT COALESCE(MAX(number = ?), 0), MAX(number) FROM files"
        " WHERE item_id = ? AND role = 'part'",
        (file.number, item_id),
    ).fetchone()
    if not is_taken:
        return file.number, file.suffix
    return last + 1, part_suffix(last + 1)


def _exists(connection: sqlite3.Connection, upload: UploadPlan) -> bool:
    row = connection.execute(
        "SELECT 1 FROM destinations WHERE id = ?", (upload.destination_id,)
    ).fetchone()
    return row is not None


def names(
    connection: sqlite3.Connection,
    item_id: int,
    upload: UploadPlan,
    suffix: str,
    short_id: str,
) -> tuple[str, str]:
    """Return an item's name at a destination, computed once, and its file's own.

    `suffix` is the file's.
    """
    base = base_of(
        connection, item_id, upload.destination_id, upload.path, short_id=short_id
    )
    wanted = numbered(base, suffix) if suffix else base
    return base, free_path(connection, upload.destination_id, wanted, short_id)


def base_of(
    connection: sqlite3.Connection,
    item_id: int,
    destination_id: str,
    wanted: str,
    *,
    short_id: str,
) -> str:
    """Return an item's name at a destination: `wanted`, unless it has one already.

    A default name that it has at another destination is taken over: labels that
    became known meanwhile give it no second one.
    """
    rows = connection.execute(
        "SELECT base, destination_id FROM"
        " (SELECT base, destination_id FROM uploads WHERE item_id = ?1"
        " UNION SELECT base, destination_id FROM live_files WHERE item_id = ?1)"
        " ORDER BY destination_id = ?2 DESC",
        (item_id, destination_id),
    )
    for row in rows:
        base = str(row["base"])
        if row["destination_id"] == destination_id or differs_in_labels_only(
            base, wanted, f"-{REFUSED.sub('_', short_id)}.mp4"
        ):
            return base
    return wanted


def free_path(
    connection: sqlite3.Connection,
    destination_id: str,
    wanted: str,
    short_id: str,
    *,
    taken: Collection[str] = (),
) -> str:
    """Return the wanted path, or another one if it is `taken` or a file of ours has it."""
    keys = {path_key(path) for path in taken}
    for path in alternatives(wanted, short_id):
        key = path_key(path)
        if key in keys:
            continue
        ours = connection.execute(
            "SELECT 1 FROM uploads WHERE destination_id = ?1 AND path_key = ?2"
            " UNION ALL SELECT 1 FROM live_files"
            " WHERE destination_id = ?1 AND path_key = ?2",
            (destination_id, key),
        ).fetchone()
        if ours is None:
            return path
    raise AssertionError("alternatives never end")
