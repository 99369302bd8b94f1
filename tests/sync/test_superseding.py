"""Which parts go once the whole is there: those whose seconds it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    audits,
    cameras,
    destinations,
    fetch_queue,
    footage,
    items,
    live_files,
    outcomes,
    retries,
    review_ends,
    salvage,
    schema,
    superseding,
)
from custom_components.frigate_snap_sync.sync.ledger.fetch_queue import FetchJob
from custom_components.frigate_snap_sync.sync.model.coverage import Coverage
from custom_components.frigate_snap_sync.sync.model.item import Role, UploadState
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)
from custom_components.frigate_snap_sync.sync.model.rank import Rank
from custom_components.frigate_snap_sync.sync.model.spans import Spans

from .samples import ITEM

type Range = tuple[int, int]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty ledger in memory, with a camera and a destination."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    cameras.see_camera(connection, "front_door")
    destinations.keep_destinations(connection, ["nas"], now=0)
    yield connection
    connection.close()


def stretch(role: Role, number: int, asked: Range) -> FilePlan:
    """Return a file of some footage, for the NAS."""
    return FilePlan(
        state=FileState.WANTED,
        role=role,
        number=number,
        suffix=f"{role}{number}",
        start=asked[0],
        end=asked[1],
        uploads=(UploadPlan(destination_id="nas", path="a/b.mp4"),),
    )


def upload(
    connection: sqlite3.Connection,
    role: Role,
    number: int,
    *,
    shown: Spans,
    held: Spans | None = None,
) -> None:
    """Let a file be fetched and arrive; it holds what was shown, or less."""
    file_id, upload_id = connection.execute(
        "SELECT files.id, uploads.id FROM files JOIN uploads ON file_id = files.id"
        " WHERE files.role = ? AND number = ? ORDER BY uploads.id",
        (role, number),
    ).fetchone()
    least = shown if held is None else held
    fetch_queue.fetched(
        connection,
        file_id,
        spool_name=f"{role}{number}",
        size=7,
        sha256="00",
        coverage=Coverage(shown=shown, least=least, most=shown),
    )
    outcomes.verified(connection, upload_id, size=7, now=60)


class Recording:
    """A review with its parts and pieces, from the first to the last second."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        parts: Sequence[Range],
        pieces: Sequence[Range],
        end: float,
        fetched_parts: bool = True,
    ) -> None:
        """Let the review run, its parts arrive (or only be planned), and end."""
        self.connection = connection
        review = replace(ITEM, end=None)
        items.remember_open(connection, review)
        plans = [stretch(Role.PART, n, part) for n, part in enumerate(parts, 1)]
        items.add_files(connection, review, tuple(plans))
        for number, part in enumerate(parts, 1):
            if fetched_parts:
                upload(connection, Role.PART, number, shown=(part,))
        plans = [stretch(Role.WHOLE, n, piece) for n, piece in enumerate(pieces, 1)]
        items.plan(connection, replace(ITEM, end=end), tuple(plans))

    def arrive(self, number: int, *, shown: Spans, held: Spans | None = None) -> None:
        """Let a piece arrive."""
        upload(self.connection, Role.WHOLE, number, shown=shown, held=held)

    @property
    def parts(self) -> list[int]:
        """Return the numbers of the parts that stay."""
        rows = self.connection.execute(
            "SELECT number FROM uploads JOIN files ON files.id = file_id"
            " WHERE uploads.role = 'part' AND uploads.state != 'superseded'"
            " ORDER BY number"
        )
        return [row["number"] for row in rows]


@pytest.mark.parametrize("fetched_parts", [True, False])
def test_parts_of_footage_that_is_in_no_piece_stay(
    connection: sqlite3.Connection, fetched_parts: bool
) -> None:
    """Before the first piece, across its border, and in a gap: the only copies."""
    recording = Recording(
        connection,
        parts=[(500, 1000), (990, 1010), (2700, 2790), (5000, 5015), (9000, 9015)],
        pieces=[(1000, 2800), (2800, 4600), (8000, 10_800)],
        end=10_800,
        fetched_parts=fetched_parts,
    )
    recording.arrive(1, shown=((1000, 2800),))
    recording.arrive(2, shown=((2800, 4600),))
    recording.arrive(3, shown=((8000, 10_800),))
    assert recording.parts == [1, 2, 4]


def test_a_piece_that_vanished_covers_nothing(connection: sqlite3.Connection) -> None:
    """An audit did not find it there: the part may be the only copy of its seconds."""
    recording = Recording(
        connection,
        parts=[(2790, 2810), (2810, 2900)],
        pieces=[(1000, 2800), (2800, 4600)],
        end=4600,
    )
    recording.arrive(1, shown=((1000, 2800),))
    (upload_id,) = connection.execute(
        "SELECT id FROM uploads WHERE state = 'verified' AND role = 'whole'"
    ).fetchone()
    assert audits.note_missed(connection, upload_id, now=1, loss_after=0)
    recording.arrive(2, shown=((2800, 4600),))
    assert recording.parts == [1]


def test_a_piece_that_never_came_covers_nothing(
    connection: sqlite3.Connection,
) -> None:
    """Frigate lost the first half hour; the second one arrives."""
    recording = Recording(
        connection,
        parts=[(1000, 1015), (1015, 1045), (2790, 2820)],
        pieces=[(1000, 2800), (2800, 4600)],
        end=4600,
    )
    (first,) = connection.execute(
        "SELECT id FROM files WHERE role = 'whole' AND number = 1"
    ).fetchone()
    ended = outcomes.finish_without_footage(connection, first, "nothing", now=50)
    recording.arrive(2, shown=((2800, 4600),))
    assert recording.parts == [1, 2, 3]
    states = connection.execute(
        "SELECT state FROM uploads WHERE role = 'whole' ORDER BY id"
    ).fetchall()
    assert [row["state"] for row in states] == [UploadState.GONE, UploadState.VERIFIED]
    (event,) = ended.events
    assert event.reason == "nothing"
    assert retries.retry_failed(connection, selections={}, now=51) == 1


def test_a_piece_that_never_had_footage_is_skipped(
    connection: sqlite3.Connection,
) -> None:
    """The camera was off for half an hour: that is no loss."""
    recording = Recording(
        connection, parts=[], pieces=[(1000, 2800), (2800, 4600)], end=4600
    )
    (first,) = connection.execute("SELECT id FROM files WHERE number = 1").fetchone()
    outcomes.finish_without_footage(connection, first, "nothing", now=50)
    recording.arrive(2, shown=((2800, 4600),))
    (row,) = connection.execute("SELECT state FROM uploads WHERE file_id = ?", (first,))
    assert row["state"] == UploadState.SKIPPED


def test_a_piece_whose_footage_was_seen_is_gone(
    connection: sqlite3.Connection,
) -> None:
    """No part of it arrived, but Frigate's recordings had shown it."""
    Recording(connection, parts=[], pieces=[(1000, 2800), (2800, 4600)], end=4600)
    (first,) = connection.execute("SELECT id FROM files WHERE number = 1").fetchone()
    fetch_queue.postpone(connection, first, due=9, error="short", shown=((1000, 1600),))
    outcomes.finish_without_footage(connection, first, "nothing", now=50)
    (row,) = connection.execute("SELECT state FROM uploads WHERE file_id = ?", (first,))
    assert row["state"] == UploadState.GONE


@pytest.mark.parametrize("is_in_range", [True, False])
def test_a_piece_of_which_film_arrived_live_is_gone(
    connection: sqlite3.Connection, is_in_range: bool
) -> None:
    """Its parts were not asked for: the film is there instead."""
    Recording(connection, parts=[], pieces=[(1000, 2800), (2800, 4600)], end=4600)
    live = live_files.begin(
        connection, ITEM.source_id, "nas", base="a/b.mp4", short_id="x", start=1000
    )
    assert live is not None
    held = (1000.0, 1600.0) if is_in_range else (2800.0, 2900.0)
    live_files.ended(connection, live.id, held=(held,), size=7)
    (first,) = connection.execute("SELECT id FROM files WHERE number = 1").fetchone()
    outcomes.finish_without_footage(connection, first, "nothing", now=50)
    (row,) = connection.execute("SELECT state FROM uploads WHERE file_id = ?", (first,))
    assert (row["state"] == UploadState.GONE) is is_in_range


@pytest.mark.parametrize("is_first", [True, False])
def test_a_part_of_which_only_some_came(
    connection: sqlite3.Connection, is_first: bool
) -> None:
    """Its seconds are those that came, and what lies behind is another part's.

    Unless all of it lies somewhere already: a whole replaces that only if it has all.
    """
    recording = Recording(
        connection,
        parts=[(1000, 1100)],
        pieces=[(1000, 1100)],
        end=1100,
        fetched_parts=not is_first,
    )
    (part,) = connection.execute("SELECT id FROM files WHERE role = 'part'").fetchone()
    if not is_first:
        destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
        connection.execute(
            "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
            " path_key, state, rank, ended_at, expected_at, item_start) SELECT item_id,"
            " file_id, 'cloud', role, base, path, path_key, 'pending', rank, ended_at,"
            " expected_at, item_start FROM uploads WHERE file_id = ?",
            (part,),
        )
    job = FetchJob(
        file_id=part,
        item=ITEM,
        role=Role.PART,
        rank=Rank.ALERT_PART,
        start=1000,
        end=1100,
        attempts=3,
        is_settled=False,
    )
    held = ((1000.0, 1020.0),)
    piece = salvage.Salvaged(
        start=1000,
        end=1020,
        spool_name="piece",
        size=3,
        sha256="11",
        coverage=Coverage(shown=held, least=held, most=held),
        shown=((1000.0, 1100.0),),
    )
    assert salvage.of_other(connection, job, piece, now=50) == [
        "nas" if is_first else "cloud"
    ]
    ranges = [
        tuple(row)
        for row in connection.execute(
            "SELECT start, end FROM files WHERE role = 'part' ORDER BY id"
        )
    ]
    assert ranges == [(1000, 1020 if is_first else 1100), (1020, 1100)]
    if is_first:
        recording.arrive(1, shown=((1000, 1020),))
        states = connection.execute(
            "SELECT state FROM uploads WHERE role = 'part' ORDER BY id"
        ).fetchall()
        assert [row["state"] for row in states] == ["superseded", "pending"]
    else:
        recording.arrive(1, shown=((1000, 1100),), held=((1000, 1020),))
        (row,) = connection.execute(
            "SELECT state FROM uploads WHERE role = 'part' AND destination_id = 'nas'"
        )
        assert row["state"] == UploadState.VERIFIED


@pytest.mark.parametrize(
    ("held", "left"),
    [
        (((1000, 1100),), []),
        (((1000, 1098.5),), []),
        (((1000, 1090),), [3]),
        (((1097, 1100),), [1, 2, 3]),
        (((1000, 1020), (1045, 1100)), [2]),
        ((), [1, 2, 3]),
    ],
)
def test_parts_whose_seconds_the_whole_lacks_stay(
    connection: sqlite3.Connection, held: Spans, left: list[int]
) -> None:
    """Whatever the whole calls itself."""
    recording = Recording(
        connection,
        parts=[(1000, 1015), (1015, 1045), (1045, 1100)],
        pieces=[(1000, 1100)],
        end=1100,
    )
    recording.arrive(1, shown=((1000, 1100),), held=held)
    assert recording.parts == left


def test_what_a_part_never_showed_need_not_be_held(
    connection: sqlite3.Connection,
) -> None:
    """Frigate had a gap there then, and has it now."""
    recording = Recording(
        connection, parts=[], pieces=[], end=1100, fetched_parts=False
    )
    connection.execute("UPDATE items SET is_open = 1, end = NULL")
    items.add_files(
        connection, replace(ITEM, end=None), (stretch(Role.PART, 1, (1000, 1060)),)
    )
    upload(connection, Role.PART, 1, shown=((1000, 1010), (1050, 1060)))
    items.plan(
        connection, replace(ITEM, end=1060), (stretch(Role.WHOLE, 1, (1000, 1060)),)
    )
    recording.arrive(1, shown=((1000, 1010), (1050, 1060)))
    assert recording.parts == []


def last_second(connection: sqlite3.Connection) -> int:
    """Return where the last piece ends."""
    (end,) = connection.execute(
        "SELECT end FROM files WHERE role = 'whole' ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return int(end)


@pytest.mark.parametrize(
    ("parts", "end"),
    [
        ([(2795, 2810)], 2810),
        ([(2805, 2830)], 2830),
        ([(2770, 2800), (2800, 2830), (2830, 2860)], 2860),
        ([(2795, 2980)], 2980),
        ([(2795, 2981)], 2800),
        ([(2780, 2810), (2810, 3000)], 2810),
        ([(3000, 3030)], 2800),
        ([(2700, 2730)], 2800),
        ([], 2800),
    ],
)
def test_the_whole_reaches_to_the_end_of_the_parts(
    connection: sqlite3.Connection, parts: list[Range], end: int
) -> None:
    """Up to three minutes; what lies further out stays beside it."""
    recording = Recording(
        connection, parts=parts, pieces=[(1000, 1400), (1400, 2800)], end=2790
    )
    assert last_second(connection) == end
    (first,) = connection.execute(
        "SELECT end FROM files WHERE role = 'whole' AND number = 1"
    ).fetchone()
    assert first == 1400
    recording.arrive(1, shown=((1000, 1400),))
    recording.arrive(2, shown=((1400, end),))
    assert recording.parts == [
        number for number, (_, last) in enumerate(parts, 1) if last > end
    ]


@pytest.mark.parametrize("part", [(2795, 2810), (2805, 2830), (2700, 2900)])
def test_no_part_goes_whose_seconds_lie_behind_what_the_whole_holds(
    connection: sqlite3.Connection, part: Range
) -> None:
    """Frigate threw away what came after the end before the whole was asked for."""
    recording = Recording(connection, parts=[part], pieces=[(1000, 2800)], end=2790)
    recording.arrive(1, shown=((1000, 2800),))
    assert recording.parts == [1]


def test_parts_that_were_not_fetched_make_no_whole_longer(
    connection: sqlite3.Connection,
) -> None:
    """Nor do those that were given up, unless one of them may just be arriving."""
    recording = Recording(
        connection,
        parts=[(2790, 2820), (2820, 2850)],
        pieces=[(1000, 2800)],
        end=2790,
        fetched_parts=False,
    )
    assert last_second(connection) == 2800
    for number, spool_name in ((1, "one"), (2, "two")):
        fetch_queue.fetched(
            connection, number, spool_name=spool_name, size=7, sha256="00"
        )
    connection.execute("UPDATE uploads SET state = 'skipped' WHERE role = 'part'")
    superseding.reach_parts(connection, 1)
    assert last_second(connection) == 2800
    connection.execute("UPDATE uploads SET clean_up = 'temporary' WHERE file_id = 1")
    superseding.reach_parts(connection, 1)
    assert last_second(connection) == 2820
    assert recording.parts == [1, 2]


@pytest.mark.parametrize("state", [UploadState.SKIPPED, None])
def test_a_destination_that_gets_nothing_of_a_whole_lets_it_reach(
    connection: sqlite3.Connection, state: UploadState | None
) -> None:
    """It was closed all the time: no part came to it either."""
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    connection.execute("INSERT INTO closed_periods VALUES ('cloud', 500, NULL)")
    review = replace(ITEM, end=None)
    items.remember_open(connection, review)
    items.add_files(connection, review, (stretch(Role.PART, 1, (2790, 2829)),))
    upload(connection, Role.PART, 1, shown=((2790, 2829),))
    whole = stretch(Role.WHOLE, 1, (1000, 2800))
    if state is not None:
        skipped = UploadPlan(destination_id="cloud", path="a/b.mp4", state=state)
        whole = replace(whole, uploads=(*whole.uploads, skipped))
    items.plan(connection, replace(ITEM, end=2795), (whole,))
    assert last_second(connection) == 2829


@pytest.mark.parametrize("table", ["off_periods", "closed_periods"])
@pytest.mark.parametrize("ahead", [0, 3600])
def test_a_whole_does_not_reach_over_a_time_that_may_not_be_sent(
    connection: sqlite3.Connection, table: str, ahead: int
) -> None:
    """Parts lie on both sides of it, by a clock that is ahead of Frigate's."""
    review = replace(ITEM, end=None)
    items.remember_open(connection, review)
    parts: tuple[Range, ...] = ((2790, 2829), (2833, 2840))
    plans = tuple(stretch(Role.PART, n, part) for n, part in enumerate(parts, 1))
    items.add_files(connection, review, plans)
    upload(connection, Role.PART, 1, shown=(parts[0],))
    period: dict[str, object] = {"start": 2830 + ahead, "end": 2832 + ahead}
    if table == "closed_periods":
        period["destination_id"] = "nas"
    connection.execute(
        f"INSERT INTO {table} ({', '.join(period)})"  # noqa: S608
        f" VALUES ({', '.join('?' * len(period))})",
        tuple(period.values()),
    )
    whole = replace(stretch(Role.WHOLE, 1, (1000, 2800)), ended_at=2800 + ahead)
    items.plan(connection, replace(ITEM, end=2795), (whole,))
    assert last_second(connection) == 2829
    upload(connection, Role.PART, 2, shown=(parts[1],))
    superseding.reach_parts(connection, 1)
    assert last_second(connection) == 2829


def test_a_review_that_goes_on_has_no_last_whole(
    connection: sqlite3.Connection,
) -> None:
    """Its next half hour begins where this one ends."""
    review = replace(ITEM, end=None)
    items.remember_open(connection, review)
    plans = (stretch(Role.WHOLE, 1, (1000, 2800)), stretch(Role.PART, 1, (2795, 2825)))
    items.add_files(connection, review, plans)
    fetch_queue.fetched(connection, 2, spool_name="part", size=7, sha256="00", end=2825)
    assert last_second(connection) == 2800


def test_a_part_that_is_being_fetched_when_the_review_ends(
    connection: sqlite3.Connection,
) -> None:
    """Its end is cut, but the clip that comes has more: the whole must have it too."""
    review = replace(ITEM, end=None)
    items.remember_open(connection, review)
    items.add_files(connection, review, (stretch(Role.PART, 1, (2790, 2820)),))
    review_ends.cut_off(connection, review.source_id, end=2800, now=50)
    items.plan(
        connection, replace(ITEM, end=2790), (stretch(Role.WHOLE, 1, (1000, 2800)),)
    )
    assert last_second(connection) == 2800
    part: Spans = ((2790, 2820),)
    fetch_queue.fetched(
        connection,
        1,
        spool_name="part",
        size=7,
        sha256="00",
        coverage=Coverage(shown=part, least=part, most=part),
        end=2820,
    )
    assert last_second(connection) == 2820


def test_a_whole_that_is_being_fetched_when_it_becomes_longer(
    connection: sqlite3.Connection,
) -> None:
    """What comes is what was asked for: the part stays."""
    recording = Recording(
        connection, parts=[(2790, 2820)], pieces=[(1000, 2800)], end=2790
    )
    assert last_second(connection) == 2820
    (file_id,) = connection.execute(
        "SELECT id FROM files WHERE role = 'whole'"
    ).fetchone()
    whole: Spans = ((1000, 2800),)
    fetch_queue.fetched(
        connection,
        file_id,
        spool_name="whole",
        size=7,
        sha256="00",
        coverage=Coverage(shown=whole, least=whole, most=whole),
        end=2800,
    )
    superseding.reach_parts(connection, 1)
    assert last_second(connection) == 2800
    connection.execute("UPDATE uploads SET state = 'pending' WHERE role = 'whole'")
    (upload_id,) = connection.execute(
        "SELECT id FROM uploads WHERE role = 'whole'"
    ).fetchone()
    outcomes.verified(connection, upload_id, size=7, now=60)
    assert recording.parts == [1]


def test_parts_of_a_review_that_seems_to_end_at_its_start_stay(
    connection: sqlite3.Connection,
) -> None:
    """Frigate's clock was set back: what the parts show is all there is of it."""
    recording = Recording(
        connection,
        parts=[(995, 1010), (1010, 1040), (1040, 1070)],
        pieces=[(995, 1006)],
        end=ITEM.start,
    )
    recording.arrive(1, shown=((995, 1006),))
    assert recording.parts == [1, 2, 3]


def test_who_no_longer_wants_a_recording_has_lost_nothing(
    connection: sqlite3.Connection,
) -> None:
    """Frigate loses it after its owner took it from this destination's selection."""
    Recording(connection, parts=[], pieces=[(1000, 1100)], end=1100)
    (file_id,) = connection.execute("SELECT id FROM files").fetchone()
    connection.execute("UPDATE uploads SET state = 'skipped', reason = 'not selected'")
    ended = outcomes.finish_without_footage(connection, file_id, "nothing", now=50)
    (row,) = connection.execute("SELECT state FROM uploads").fetchone()
    assert row == UploadState.SKIPPED
    assert not ended.events
    assert retries.retry_failed(connection, selections={}, now=51) == 0


def test_a_copy_is_judged_by_what_was_sent(connection: sqlite3.Connection) -> None:
    """The spool lost the clip, and what Frigate gives now is less than what arrived."""
    recording = Recording(
        connection, parts=[(1000, 1015)], pieces=[(1000, 1100)], end=1100
    )
    recording.arrive(1, shown=((1000, 1100),), held=())
    (file_id,) = connection.execute(
        "SELECT id FROM files WHERE role = 'whole'"
    ).fetchone()
    whole = Coverage(shown=((1000, 1100),), least=((1000, 1100),), most=())
    footage.fetched(connection, file_id, whole)
    superseding.supersede(connection, 1, "nas", now=70)
    assert recording.parts == [1]
