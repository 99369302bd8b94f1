"""Live files in the ledger: named before their first byte, gone once the whole is there."""

from collections.abc import Callable
from dataclasses import replace
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    items,
    live_files,
    milestones,
    pruning,
    retention,
    review_reports,
)
from custom_components.frigate_snap_sync.sync.ledger.live_files import LiveFile
from custom_components.frigate_snap_sync.sync.model.item import Role, UploadState
from custom_components.frigate_snap_sync.sync.model.naming import path_key
from custom_components.frigate_snap_sync.sync.model.plans import UploadPlan
from custom_components.frigate_snap_sync.sync.model.retention import EARLIEST
from custom_components.frigate_snap_sync.sync.model.spans import Spans

from .samples import ITEM
from .test_superseding import Range, Recording, stretch, upload

REVIEW = replace(ITEM, end=None, reported_at=1001)


def begin(
    connection: sqlite3.Connection,
    *,
    destination: str = "nas",
    start: float = 1000,
    ahead: float = 0,
    pieces: int | None = None,
    is_ours: bool = True,
) -> LiveFile:
    """Let a live file begin."""
    file = live_files.begin(
        connection,
        ITEM.source_id,
        destination,
        base="2026/door-abc123.mp4",
        short_id=ITEM.short_id,
        start=start,
        ahead=ahead,
        pieces=pieces,
    )
    assert file is not None
    if is_ours:
        live_files.own(connection, file.id)
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
    """It is ours, and holds nothing."""
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


@pytest.mark.parametrize("pieces", [None, 10])
def test_what_may_be_somebody_s_is_looked_at(
    connection: sqlite3.Connection, pieces: int | None
) -> None:
    """It was not said that it was made new: the answer got lost, or we were killed.

    An empty file may go; of pieces it was seen before that there are none.
    """
    items.remember_open(connection, REVIEW)
    lost = begin(connection, is_ours=False, pieces=pieces)
    live_files.ended(
        connection, lost.id, held=(), size=0, is_ours=False, pieces=pieces and 0
    )
    begin(connection, is_ours=False, pieces=pieces)
    assert live_files.end_all(connection, now=1020) == 1
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["over", "over"]
    for _ in range(2 if pieces is None else 0):
        leftover = live_files.next_leftover(connection, "nas", exclude=())
        assert leftover is not None
        assert not leftover.is_ours
        live_files.taken(connection, leftover.id)
    assert left(connection) == ()
    assert begin(connection).path.endswith("live03.mp4")


@pytest.mark.parametrize(
    ("held", "whole", "stays"),
    [
        # All of it.
        (((996, 1020),), ((995, 1026),), False),
        # What it shows before the recording, or behind it, is nowhere else.
        (((980, 1020),), ((995, 1026),), True),
        (((996, 1029),), ((995, 1026),), True),
        (((994.5, 1027),), ((995, 1026),), False),
        # Another take, far behind, and one without anything of the recording.
        (((996, 1800),), ((995, 1026),), True),
        (((1018, 1019),), ((995, 1012),), True),
        # Pictures alone: each must be there.
        (((996, 997), (1005, 1006)), ((995, 1000), (1003, 1026)), False),
        (((996, 997), (1005, 1006)), ((995, 1000), (1010, 1026)), True),
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
    assert states(connection) == ["kept" if stays else "superseded"]


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
    assert states(connection) == ["superseded", "kept"]


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
    """Also while the review is active."""
    items.remember_open(connection, REVIEW)
    first, second = begin(connection), begin(connection)
    live_files.ended(connection, first.id, held=((1000, 2799),), size=7)
    live_files.ended(connection, second.id, held=((2799, 4600),), size=7)
    plans = [stretch(Role.WHOLE, n, piece) for n, piece in enumerate(PIECES, 1)]
    items.add_files(connection, REVIEW, tuple(plans))
    upload(connection, Role.WHOLE, 1, shown=((1000, 2800),))
    assert states(connection) == ["superseded", "kept"]
    upload(connection, Role.WHOLE, 2, shown=((2800, 4600),))
    assert states(connection) == ["superseded", "superseded"]


@pytest.mark.parametrize(
    ("began_again", "whole", "stays"),
    [
        (1020, ((995, 1026),), False),
        # Frigate had the newest seconds in its memory alone.
        (1020, ((995, 1012),), True),
        # Until then it may have shown something.
        (1060, ((995, 1026),), True),
        # This machine began without a clock.
        (900, ((995, 1026),), True),
    ],
)
def test_what_a_crash_ended(
    connection: sqlite3.Connection, began_again: float, whole: Spans, stays: bool
) -> None:
    """It is not known until when it shows something: all there may be must be there."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    assert live_files.end_all(connection, now=began_again) == 1
    assert states(connection) == ["kept"]
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=whole)
    assert states(connection) == ["kept" if stays else "superseded"]
    assert left(connection) == (() if stays else (file.path,))


def later(connection: sqlite3.Connection, moment: float) -> None:
    """Let the ledger have been written then."""
    milestones.keep_moment(connection, milestones.WRITTEN, moment)


def heard(connection: sqlite3.Connection, moment: float) -> None:
    """Let its review have been heard of then."""
    review_reports.hear(connection, ITEM.source_id, moment)


@pytest.mark.parametrize("happened", [later, heard])
@pytest.mark.parametrize("is_looked_at", [True, False])
def test_what_a_crash_ended_before_a_start_with_a_clock_that_is_behind(
    connection: sqlite3.Connection,
    is_looked_at: bool,
    happened: Callable[[sqlite3.Connection, float], None],
) -> None:
    """A machine without a clock begins with the time that it kept last.

    Frigate lost what it had in its memory alone: nothing else shows those seconds.
    """
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    happened(connection, 1040)
    live_files.end_all(connection, now=1010)
    if is_looked_at:
        live_files.looked_at(connection, file.id, seconds=41, size=7)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    assert whole_end(connection) == (1041 if is_looked_at else 1026)
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["kept"]
    assert left(connection) == ()


@pytest.mark.parametrize(("began_again", "end"), [(1060.5, 1061), (1300, 1026)])
def test_the_whole_reaches_to_the_start_after_a_crash(
    connection: sqlite3.Connection, began_again: float, end: int
) -> None:
    """Unless that was long after the review: then the film stays beside it."""
    items.remember_open(connection, REVIEW)
    begin(connection)
    live_files.end_all(connection, now=began_again)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    assert whole_end(connection) == end
    upload(connection, Role.WHOLE, 1, shown=((995, end),))
    assert states(connection) == ["kept" if end == 1026 else "superseded"]


def test_film_that_a_crash_ended_behind_the_end_of_its_review(
    connection: sqlite3.Connection,
) -> None:
    """It shows no more than a moment of what came after, whenever we are back."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    live_files.end_all(connection, now=5000)
    # 5 s behind what it was made longer for when the end was reported.
    assert whole_end(connection) == 1036
    upload(connection, Role.WHOLE, 1, shown=((995, 1036),))
    assert left(connection) == (file.path,)


def test_what_a_crash_ended_while_frigate_s_clock_was_ahead(
    connection: sqlite3.Connection,
) -> None:
    """Its seconds are those of Frigate's clock."""
    item = replace(ITEM, reported_at=940)
    items.remember_open(connection, replace(item, end=None))
    begin(connection, ahead=60)
    begin(connection, ahead=-60)
    live_files.end_all(connection, now=1010)
    items.plan(connection, item, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["kept", "kept"]
    connection.execute("UPDATE live_files SET state = 'growing'")
    live_files.end_all(connection, now=950)
    assert states(connection) == ["superseded", "kept"]


def test_an_end_that_was_not_kept(connection: sqlite3.Connection) -> None:
    """The ledger failed then, and the whole came: the next start looks."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    item = replace(ITEM, reported_at=1022)
    items.plan(connection, item, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    live_files.end_all(connection, now=1024)
    assert left(connection) == (file.path,)


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


def test_only_pieces_that_were_sent_are_removed(
    connection: sqlite3.Connection,
) -> None:
    """Under the names that were reserved beside them may be someone else's file."""
    items.remember_open(connection, REVIEW)
    file, none = begin(connection, pieces=10), begin(connection, pieces=10)
    live_files.ended(connection, file.id, held=(), size=0, pieces=2)
    live_files.ended(connection, none.id, held=(), size=0, pieces=0)
    assert len(left(connection)) == 2
    live_files.removed(connection, file.id)
    assert left(connection) == ()


def test_they_count_nowhere(connection: sqlite3.Connection) -> None:
    """As no copies, nor what was uploaded: they are no more than a beginning."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=((1000, 1010),), size=7000)
    row = connection.execute(
        "SELECT stored_bytes, data_uploaded, recordings_uploaded FROM destinations"
        " WHERE id = 'nas'"
    ).fetchone()
    assert tuple(row) == (0, 0, 0)
    assert connection.execute("SELECT copies FROM items").fetchone()[0] == 0


def expire(connection: sqlite3.Connection, *, before: float) -> int:
    """Let what began before then expire; return how much."""
    if before < EARLIEST:
        # No clock shows the times of these tests.
        before += EARLIEST
        connection.execute(
            "UPDATE live_files SET start = start + ?1 WHERE start < ?1", (EARLIEST,)
        )
    count, has_more = retention.expire(
        connection, "nas", before=before, most=None, at_once=9, now=before
    )
    assert not has_more
    return count


def test_retention_and_the_end_of_history(connection: sqlite3.Connection) -> None:
    """One that stays keeps its item known, until its time is over."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=((1000, 1010),), size=7)
    assert expire(connection, before=2000) == 0, "it is open"
    items.plan(connection, ITEM, ())
    assert pruning.prune(connection, before=1e9, limit=10) == 0
    assert expire(connection, before=900) == 0
    assert expire(connection, before=2000) == 1
    assert left(connection) == (file.path,)
    assert pruning.prune(connection, before=1e9, limit=10) == 0
    live_files.removed(connection, file.id)
    live_files.taken(connection, begin(connection).id)
    assert pruning.prune(connection, before=1e9, limit=10) == 1
    assert states(connection) == []


def test_live_files_stay_while_anything_of_their_item_waits(
    connection: sqlite3.Connection,
) -> None:
    """The recorder was stolen: the whole never comes. So do protected ones."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=((996, 1020),), size=7)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    assert expire(connection, before=9e8) == 0
    connection.execute("UPDATE uploads SET destination_id = 'cloud'")
    assert expire(connection, before=9e8) == 0
    connection.execute("UPDATE uploads SET state = 'gone'")
    connection.execute("UPDATE items SET is_protected = 1")
    assert expire(connection, before=9e8) == 0
    connection.execute("UPDATE items SET is_protected = 0")
    assert expire(connection, before=9e8) == 1


NOW = EARLIEST + 1e6


def old_film(connection: sqlite3.Connection, number: int, *, size: int = 100) -> str:
    """Let film stay there of a review that began so many seconds after `NOW`.

    Return its path.
    """
    start = NOW + number
    item = replace(ITEM, source_id=f"{number}-abc123", start=start, end=start + 9)
    items.plan(connection, item, ())
    file = live_files.begin(
        connection,
        item.source_id,
        "nas",
        base=f"{number}.mp4",
        short_id="abc123",
        start=start,
    )
    assert file is not None
    live_files.own(connection, file.id)
    live_files.ended(connection, file.id, held=((start, start + 9),), size=size)
    return file.path


def over(
    connection: sqlite3.Connection, *, most: int, before: float | None = None
) -> list[str]:
    """Return what is to be removed for its age or for the size of all."""
    found = retention.expired(connection, "nas", before=before, most=most)
    return [copy.path for copy in found]


def test_live_files_count_for_the_size_limit(connection: sqlite3.Connection) -> None:
    """The oldest go, among the copies, until no more is left than may be."""
    old, new = old_film(connection, 1), old_film(connection, 3)
    old_film(connection, 0, size=1000)
    connection.execute("UPDATE items SET is_protected = source_id = '0-abc123'")
    nothing = old_film(connection, -1, size=0)
    item = replace(ITEM, source_id="copy", start=NOW + 2, end=NOW + 8)
    items.plan(connection, item, (stretch(Role.WHOLE, 1, (995, 1026)),))
    (copy,) = connection.execute(
        "UPDATE uploads SET state = 'verified', size = 100, aged_from = ?"
        " RETURNING path",
        (NOW + 2,),
    ).fetchone()
    assert over(connection, most=300) == []
    assert over(connection, most=299) == [old]
    assert over(connection, most=200) == [old]
    assert over(connection, most=199) == [old, copy]
    assert over(connection, most=99) == [old, copy, new]
    assert over(connection, most=250, before=NOW) == [nothing, old]
    assert over(connection, most=250, before=NOW + 3) == [nothing, old, copy]
    assert over(connection, most=999, before=NOW + 9) == [nothing, old, copy, new]
    assert list(retention.expired(connection, "cloud", before=None, most=1)) == []
    preview = retention.expired_copies(connection, "nas", before=None, most=99, limit=1)
    assert (preview.count, preview.size, preview.rows[0].path) == (3, 300, old)
    assert left(connection) == ()
    for count in (2, 0):
        assert retention.expire(
            connection, "nas", before=None, most=150, at_once=2, now=NOW
        ) == (count, False)
    assert left(connection) == (old,)
    (state,) = connection.execute("SELECT state FROM uploads").fetchone()
    assert state == "expired"


def test_live_files_that_the_size_limit_spares(connection: sqlite3.Connection) -> None:
    """What waits for its whole, and what was made while no clock was set."""
    waiting, unset, by_ours = (old_film(connection, number) for number in (1, 2, 3))
    item = replace(ITEM, source_id="1-abc123", start=NOW + 1, end=NOW + 10)
    connection.execute("UPDATE items SET is_open = 1")
    items.add_files(connection, item, (stretch(Role.WHOLE, 1, (995, 1026)),))
    connection.execute("UPDATE items SET is_open = 0")
    for path, ahead in (unset, 0), (by_ours, 1000 - NOW):
        connection.execute(
            "UPDATE live_files SET start = 1000, ahead = ? WHERE path = ?",
            (ahead, path),
        )
    assert over(connection, most=1) == [by_ours]
    connection.execute("UPDATE uploads SET state = 'gone'")
    assert over(connection, most=1) == [by_ours, waiting]


def whole_end(connection: sqlite3.Connection) -> int:
    """Return where the whole ends."""
    row = connection.execute("SELECT end, due FROM files WHERE role = 'whole'")
    end, due = row.fetchone()
    assert due == end - 1026
    return int(end)


@pytest.mark.parametrize(
    ("held", "end"),
    [
        (((996, 1070.2),), 1071),
        (((996, 1010), (1100, 1206)), 1206),
        (((996, 1010), (1100, 1207)), 1026),
        (((996, 1070), (1100, 1207)), 1070),
        (((996, 1020),), 1026),
    ],
)
def test_the_whole_reaches_to_the_end_of_the_film(
    connection: sqlite3.Connection, held: Spans, end: int
) -> None:
    """Frigate reports the end late; what lies further out stays beside it."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    live_files.ended(connection, file.id, held=held, size=7)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    assert whole_end(connection) == end
    upload(connection, Role.WHOLE, 1, shown=((995, end),))
    assert states(connection) == ["kept" if held[-1][1] > end else "superseded"]


def test_the_whole_reaches_to_film_that_still_leaves(
    connection: sqlite3.Connection,
) -> None:
    """Until its end was reported; when it has ended it is known how far."""
    items.remember_open(connection, REVIEW)
    file = begin(connection, ahead=-10)
    item = replace(ITEM, reported_at=1080)
    items.plan(connection, item, (stretch(Role.WHOLE, 1, (995, 1026)),))
    assert whole_end(connection) == 1071
    live_files.ended(connection, file.id, held=((996, 1072.5),), size=7)
    assert whole_end(connection) == 1073
    upload(connection, Role.WHOLE, 1, shown=((995, 1073),))
    assert left(connection) == (file.path,)


def whole_for(connection: sqlite3.Connection, **states: UploadState | None) -> None:
    """Plan the whole for these destinations."""
    uploads = tuple(
        UploadPlan(destination_id=destination, path="a/b.mp4", state=state)
        for destination, state in states.items()
        if state is not None
    )
    whole = replace(stretch(Role.WHOLE, 1, (995, 1026)), uploads=uploads)
    items.plan(connection, ITEM, (whole,))


@pytest.mark.parametrize("table", ["off_periods", "closed_periods"])
def test_the_whole_does_not_reach_into_a_closed_time(
    connection: sqlite3.Connection, table: str
) -> None:
    """Whoever may not have its footage would get it: the film stays beside it."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    if table == "off_periods":
        connection.execute("INSERT INTO off_periods (start) VALUES (1040)")
    else:
        connection.execute(
            "INSERT INTO closed_periods (destination_id, start, end)"
            " VALUES ('cloud', 1040, 1050)"
        )
    live_files.ended(connection, file.id, held=((996, 1070),), size=7)
    whole_for(connection, nas=UploadState.PENDING, cloud=UploadState.PENDING)
    assert whole_end(connection) == 1026
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["kept"]


@pytest.mark.parametrize("cloud", [UploadState.SKIPPED, None])
def test_a_destination_that_gets_nothing_of_the_whole_keeps_it_from_nothing(
    connection: sqlite3.Connection, cloud: UploadState | None
) -> None:
    """It was closed all the time, as it may be whenever someone is at home."""
    items.remember_open(connection, REVIEW)
    file = begin(connection)
    connection.execute(
        "INSERT INTO closed_periods (destination_id, start) VALUES ('cloud', 500)"
    )
    live_files.ended(connection, file.id, held=((996, 1060),), size=7)
    whole_for(connection, nas=UploadState.PENDING, cloud=cloud)
    assert whole_end(connection) == 1060
    upload(connection, Role.WHOLE, 1, shown=((995, 1060),))
    assert left(connection) == (file.path,)


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


def test_ages_where_there_is_live_film_alone(connection: sqlite3.Connection) -> None:
    """They are judged by its newest file: else nothing would ever expire there."""
    items.remember_open(connection, REVIEW)
    assert retention.clock(connection, "nas") is None
    for start in (1000, 3000, 2000):
        file = begin(connection, start=start)
        live_files.ended(connection, file.id, held=((start, start + 20),), size=7)
    assert retention.clock(connection, "nas") == 3000
    assert retention.clock(connection, "cloud") is None
    retention.keep_clock(connection, "nas", now=4000)
    assert retention.clock(connection, "nas") == 4000
