"""Live files in the ledger: named before their first byte, gone once the whole is there."""

from dataclasses import replace
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    items,
    live_files,
    pruning,
    retention,
)
from custom_components.frigate_snap_sync.sync.ledger.live_files import LiveFile
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.naming import path_key
from custom_components.frigate_snap_sync.sync.model.plans import UploadPlan
from custom_components.frigate_snap_sync.sync.model.spans import Spans

from .samples import ITEM
from .test_superseding import Range, Recording, stretch, upload

REVIEW = replace(ITEM, end=None)


def begin(
    connection: sqlite3.Connection,
    *,
    destination: str = "nas",
    start: float = 1000,
    pieces: int | None = None,
) -> LiveFile:
    """Let a live file begin."""
    file = live_files.begin(
        connection,
        ITEM.source_id,
        destination,
        base="2026/door-abc123.mp4",
        short_id=ITEM.short_id,
        start=start,
        pieces=pieces,
    )
    assert file is not None
    return file


def left(connection: sqlite3.Connection, destination: str = "nas") -> tuple[str, ...]:
    """Return what is to be removed there next."""
    found = live_files.next_leftover(connection, destination, exclude=())
    return () if found is None else found.paths


def states(connection: sqlite3.Connection) -> list[str]:
    """Return the states of all live files."""
    rows = connection.execute("SELECT state FROM live_files ORDER BY id")
    return [row["state"] for row in rows]


def test_names(connection: sqlite3.Connection) -> None:
    """Each is new, and the item's other files are called alike."""
    items.remember_open(connection, REVIEW)
    assert begin(connection).path == "2026/door-abc123-live01.mp4"
    assert begin(connection).path == "2026/door-abc123-live02.mp4"
    assert begin(connection, destination="cloud").path == "2026/door-abc123-live01.mp4"
    plan = UploadPlan(destination_id="nas", path="2026/door-with-more-abc123.mp4")
    row = connection.execute("SELECT id FROM items").fetchone()
    base, path = items.names(connection, row["id"], plan, "part001", "abc123")
    assert base == "2026/door-abc123.mp4"
    assert path == "2026/door-abc123-part001.mp4"
    _, path = items.names(connection, row["id"], plan, "live02", "abc123")
    assert path == "2026/door-abc123-live02-abc123.mp4"


def test_the_name_of_what_was_planned_before(connection: sqlite3.Connection) -> None:
    """A part may have left first."""
    items.remember_open(connection, REVIEW)
    items.add_files(connection, REVIEW, (stretch(Role.PART, 1, (995, 1010)),))
    assert begin(connection).path == "a/b-live01.mp4"


def test_nothing_begins_of_what_is_not_known(connection: sqlite3.Connection) -> None:
    """Neither of an unknown review, nor for a destination that was removed."""
    assert (
        live_files.begin(connection, "?", "nas", base="a.mp4", short_id="a", start=0)
        is None
    )
    items.remember_open(connection, REVIEW)
    destinations.keep_destinations(connection, ["cloud"], now=0)
    assert (
        live_files.begin(
            connection, ITEM.source_id, "nas", base="a.mp4", short_id="a", start=0
        )
        is None
    )


def test_one_without_a_picture_is_removed(connection: sqlite3.Connection) -> None:
    """It may lie there all the same: its answer got lost."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    assert left(connection) == ()
    live_files.ended(connection, file.id, held=(), size=0)
    assert left(connection) == (file.path,)
    live_files.removed(connection, file.id)
    assert left(connection) == ()


def test_a_file_of_somebody_is_never_removed(connection: sqlite3.Connection) -> None:
    """Its name is not tried again either."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.taken(connection, file.id)
    assert left(connection) == ()
    assert begin(connection).path.endswith("live02.mp4")


@pytest.mark.parametrize(
    ("held", "whole", "stays"),
    [
        # All of it.
        (((996, 1020),), ((995, 1026),), False),
        # It began with the first sign, and ended when the end was reported.
        (((980, 1070),), ((995, 1026),), False),
        # Frigate lost some.
        (((996, 1020),), ((995, 1005), (1012, 1026)), True),
        # Of what it shows nothing is there.
        (((1000, 1001.5),), ((1010, 1026),), True),
        # With a gap of its own.
        (((996, 1002), (1015, 1025)), ((995, 1003), (1013, 1026)), False),
    ],
)
def test_the_whole_supersedes_what_it_holds(
    connection: sqlite3.Connection, held: Spans, whole: Spans, stays: bool
) -> None:
    """And nothing else: what it lacks may be nowhere else."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=held, size=7)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    assert left(connection) == ()
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),), held=whole)
    assert left(connection) == (() if stays else (file.path,))
    assert states(connection) == ["kept" if stays else "over"]


def test_a_film_that_ends_after_its_whole_has_come(
    connection: sqlite3.Connection,
) -> None:
    """What still grows is never removed; then it is at once."""
    items.remember_open(connection, REVIEW)
    file, kept = begin(connection), begin(connection)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert left(connection) == ()
    live_files.ended(connection, file.id, held=((996, 1020),), size=7)
    assert left(connection) == (file.path,)
    live_files.ended(connection, kept.id, held=((996, 1020),), size=7, keep=True)
    assert states(connection) == ["over", "kept"]


def test_where_all_is_kept_live_files_stay(connection: sqlite3.Connection) -> None:
    """As parts do."""
    from custom_components.frigate_snap_sync.sync.ledger import outcomes  # noqa: PLC0415

    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=((996, 1020),), size=7)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    connection.execute("UPDATE files SET held = '[[995, 1026]]'")
    (upload_id,) = connection.execute("SELECT id FROM uploads").fetchone()
    outcomes.verified(connection, upload_id, size=7, now=60, keep_parts=True)
    assert left(connection) == ()


PIECES: list[Range] = [(1000, 2800), (2800, 4600)]


def test_each_half_hour_supersedes_its_own(connection: sqlite3.Connection) -> None:
    """Also while the review goes on."""
    items.remember_open(connection, REVIEW)
    first, second = begin(connection), begin(connection)
    live_files.ended(connection, first.id, held=((1000, 2799),), size=7)
    live_files.ended(connection, second.id, held=((2799, 4600),), size=7)
    plans = [stretch(Role.WHOLE, n, piece) for n, piece in enumerate(PIECES, 1)]
    items.add_files(connection, REVIEW, tuple(plans))
    upload(connection, Role.WHOLE, 1, shown=((1000, 2800),))
    assert states(connection) == ["over", "kept"]
    upload(connection, Role.WHOLE, 2, shown=((2800, 4600),))
    assert states(connection) == ["over", "over"]


def test_what_a_crash_ended(connection: sqlite3.Connection) -> None:
    """It is not known until when it shows something: all since its begin must be there."""
    items.remember_open(connection, REVIEW)
    begin(connection, start=1010)
    assert live_files.end_all(connection) == 1
    assert states(connection) == ["kept"]
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),), held=((995, 1015),))
    assert states(connection) == ["kept"]
    connection.execute("UPDATE uploads SET state = 'pending'")
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["over"]


def test_pieces_go_together(connection: sqlite3.Connection) -> None:
    """All that may lie there, also those that were only reserved."""
    items.remember_open(connection, REVIEW)
    file = begin(connection, pieces=2)
    live_files.reserve(connection, file.id, pieces=3)
    live_files.ended(connection, file.id, held=(), size=0)
    assert left(connection) == (
        "2026/door-abc123-live01-0001.mp4",
        "2026/door-abc123-live01-0002.mp4",
        "2026/door-abc123-live01-0003.mp4",
    )


def test_they_count_nowhere(connection: sqlite3.Connection) -> None:
    """Neither as copies nor as bytes: they are no more than a beginning."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=((1000, 1010),), size=7000)
    row = connection.execute(
        "SELECT stored_bytes, data_uploaded, recordings_uploaded FROM destinations"
        " WHERE id = 'nas'"
    ).fetchone()
    assert tuple(row) == (0, 0, 0)
    assert connection.execute("SELECT copies FROM items").fetchone()[0] == 0


def test_retention_and_the_end_of_history(connection: sqlite3.Connection) -> None:
    """One that stays keeps its item known, until its time is over."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=((1000, 1010),), size=7)
    assert live_files.expire(connection, "nas", before=2000) == 0, "it is open"
    items.plan(connection, ITEM, ())
    assert pruning.prune(connection, before=1e9, limit=10) == 0
    assert live_files.expire(connection, "nas", before=900) == 0
    assert live_files.expire(connection, "nas", before=2000) == 1
    assert left(connection) == (file.path,)
    assert pruning.prune(connection, before=1e9, limit=10) == 0
    live_files.removed(connection, file.id)
    live_files.taken(connection, begin(connection).id)
    assert pruning.prune(connection, before=1e9, limit=10) == 1
    assert states(connection) == []


def test_its_folder_is_in_use(connection: sqlite3.Connection) -> None:
    """Until nothing of ours lies there."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    assert retention.is_folder_used(connection, "nas", path_key("2026"))
    assert not retention.is_folder_used(connection, "cloud", path_key("2026"))
    live_files.removed(connection, file.id)
    assert not retention.is_folder_used(connection, "nas", path_key("2026"))


def test_a_removed_destination_keeps_what_lies_there(
    connection: sqlite3.Connection,
) -> None:
    """It is not ours to know any more."""
    items.remember_open(connection, REVIEW)
    begin(connection)
    destinations.keep_destinations(connection, ["cloud"], now=0)
    assert states(connection) == []


def test_parts_go_as_before(connection: sqlite3.Connection) -> None:
    """Live files beside them change nothing."""
    recording = Recording(
        connection, parts=[(995, 1010)], pieces=[(995, 1026)], end=1026
    )
    begin(connection)
    recording.arrive(1, shown=((995, 1026),))
    assert recording.parts == []
