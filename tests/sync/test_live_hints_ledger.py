"""Live files that have no review yet, in the ledger."""

from dataclasses import replace
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    items,
    live_files,
    live_hints,
    retention,
    schema,
)
from custom_components.frigate_snap_sync.sync.ledger.live_files import LiveFile
from custom_components.frigate_snap_sync.sync.ledger.schema_steps import STEPS
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.plans import UploadPlan
from custom_components.frigate_snap_sync.sync.model.retention import EARLIEST

from .samples import ITEM
from .test_live_files import REVIEW, begin, expire, left, states
from .test_superseding import stretch, upload

HINT = live_hints.name_of("front_door", 995.5, "f00f00")
OTHER = live_hints.name_of("front_door", 995.5, "0ther0")
BASE = "2026/door-f00f00.mp4"


def sign(
    connection: sqlite3.Connection,
    *,
    hint: str = HINT,
    destination: str = "nas",
    pieces: int | None = None,
    is_ours: bool = True,
    start: float = 995,
) -> LiveFile:
    """Let a live file begin with a sign."""
    file = live_files.begin(
        connection,
        hint,
        destination,
        base=BASE.replace("f00f00", hint.rpartition("-")[2]),
        short_id=hint.rpartition("-")[2],
        start=start,
        pieces=pieces,
        is_hint=True,
    )
    assert file is not None
    if is_ours:
        live_files.own(connection, file.id)
    return file


def adopt(connection: sqlite3.Connection, *, begins: float = 995) -> None:
    """Let the review come."""
    live_hints.adopt(
        connection,
        HINT,
        REVIEW.source_id,
        "nas",
        base="2026/door-abc123.mp4",
        short_id=ITEM.short_id,
        begins=begins,
    )


def films(connection: sqlite3.Connection) -> int:
    """Return how many live files the review has, for whoever browses."""
    return int(connection.execute("SELECT films FROM items").fetchone()[0])


def test_it_becomes_a_file_of_the_review(connection: sqlite3.Connection) -> None:
    """With the next number; the review's other files are called after the review."""
    assert sign(connection, hint=OTHER).path == "2026/door-0ther0-live01.mp4"
    file = sign(connection)
    assert file.path == "2026/door-f00f00-live01.mp4"
    items.remember_open(connection, REVIEW)
    begin(connection)
    adopt(connection)
    assert films(connection) == 2
    row = connection.execute(
        "SELECT number, path FROM live_files WHERE id = ?", (file.id,)
    ).fetchone()
    assert tuple(row) == (2, file.path)
    assert begin(connection).path == "2026/door-abc123-live03.mp4"
    item_id = connection.execute("SELECT id FROM items").fetchone()[0]
    plan = UploadPlan(destination_id="nas", path="2026/door-abc123.mp4")
    assert items.names(connection, item_id, plan, "", "abc123")[0] == plan.path
    live_files.ended(connection, file.id, held=((995, 1000),), size=5)
    assert states(connection) == ["growing", "kept", "growing", "growing"]
    assert films(connection) == 3
    connection.execute("DELETE FROM live_files WHERE item_id IS NOT NULL")
    assert films(connection) == 0


@pytest.mark.parametrize(
    ("pieces", "sent", "is_ours", "gone"),
    [
        (None, None, True, ("2026/door-f00f00-live01.mp4",)),
        # Only if it is empty.
        (None, None, False, ("2026/door-f00f00-live01.mp4",)),
        (10, 1, True, ("2026/door-f00f00-live01-0001.mp4",)),
        (10, 0, True, ()),
        (10, 1, False, ()),
    ],
)
def test_what_no_review_wants_is_removed(
    connection: sqlite3.Connection,
    pieces: int | None,
    sent: int | None,
    is_ours: bool,
    gone: tuple[str, ...],
) -> None:
    """If it is ours, or may be; what comes later changes nothing."""
    file = sign(connection, pieces=pieces, is_ours=is_ours)
    live_hints.drop(connection, HINT)
    assert states(connection) == ["growing"]
    live_files.ended(
        connection, file.id, held=((995, 999),), size=5, is_ours=is_ours, pieces=sent
    )
    assert states(connection) == ["over"]
    items.remember_open(connection, REVIEW)
    adopt(connection)
    assert left(connection) == gone
    assert films(connection) == 0


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_a_crash_ended_without_a_review(
    connection: sqlite3.Connection, is_ours: bool
) -> None:
    """It stays until it is known that none followed; pieces of another always do."""
    file = sign(connection, is_ours=is_ours)
    sign(connection, hint=OTHER, pieces=10, is_ours=is_ours)
    assert live_files.end_all(connection, now=1010) == 2
    assert states(connection) == ["kept" if is_ours else "over"] * 2
    unknown = {HINT: {"nas": None}, OTHER: {"nas": None}} if is_ours else {}
    assert live_hints.unsettled(connection) == unknown
    live_files.looked_at(connection, file.id, seconds=5, size=7)
    if is_ours:
        assert live_hints.unsettled(connection) == {
            HINT: {"nas": ((995, 1000),)},
            OTHER: {"nas": None},
        }
    for hint in HINT, OTHER:
        live_hints.drop(connection, hint)
    assert live_hints.unsettled(connection) == {}
    rows = connection.execute("SELECT state, clean_up FROM live_files ORDER BY id")
    assert [tuple(row) for row in rows] == [("over", 1), ("over", int(is_ours))]


def test_what_ended_before_its_review_came(connection: sqlite3.Connection) -> None:
    """It is the review's, too, and superseded with it; elsewhere it was unwanted."""
    file, more = sign(connection), sign(connection)
    live_files.ended(connection, file.id, held=((995, 1000),), size=5)
    cloud = sign(connection, destination="cloud")
    live_files.ended(connection, cloud.id, held=((995, 1000),), size=5)
    assert live_hints.unsettled(connection) == {
        HINT: {"nas": None, "cloud": ((995, 1000),)}
    }
    assert left(connection, "cloud") == ()

    def settle() -> None:
        live_hints.settle(
            connection,
            HINT,
            REVIEW.source_id,
            bases={"nas": "2026/door-abc123.mp4"},
            short_id=ITEM.short_id,
            begins=995,
        )

    settle()
    assert states(connection) == ["kept", "growing", "kept"], "there is no review"
    items.remember_open(connection, REVIEW)
    settle()
    assert states(connection) == ["kept", "growing", "over"]
    assert left(connection, "cloud") == (cloud.path,)
    assert live_hints.unsettled(connection) == {}
    assert films(connection) == 2
    live_files.ended(connection, more.id, held=((1000, 1020),), size=5)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["superseded", "superseded", "over"]


def test_a_destination_that_died_with_a_sign_s_film(
    connection: sqlite3.Connection,
) -> None:
    """What lies there is not known before it is back; that keeps no other's film."""
    file, dead = sign(connection), sign(connection, destination="cloud")
    live_files.ended(connection, file.id, held=((995, 1000),), size=5)
    live_files.ended(connection, dead.id, held=((995, 1000),), is_certain=False, size=0)
    assert live_hints.unsettled(connection) == {
        HINT: {"nas": ((995, 1000),), "cloud": None}
    }
    live_hints.drop(connection, HINT, "nas")
    assert states(connection) == ["over", "kept"]
    live_files.looked_at(connection, dead.id, seconds=2, size=5)
    assert live_hints.unsettled(connection) == {HINT: {"cloud": ((995, 997),)}}


def test_a_review_whose_whole_is_there_already(connection: sqlite3.Connection) -> None:
    """It was found late: its whole supersedes the film at once."""
    file = sign(connection)
    live_files.ended(connection, file.id, held=((995, 1000),), size=5)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    adopt(connection)
    assert left(connection) == (file.path,)


def test_what_is_never_settled_expires(connection: sqlite3.Connection) -> None:
    """By its age, and by its size as other film."""
    file = sign(connection, start=EARLIEST + 1)
    spans = ((EARLIEST + 1, EARLIEST + 9),)
    live_files.ended(connection, file.id, held=spans, size=5)
    found = retention.expired(connection, "nas", before=None, most=4)
    assert [copy.path for copy in found] == [file.path]
    assert list(retention.expired(connection, "nas", before=None, most=5)) == []
    assert expire(connection, before=EARLIEST) == 0
    assert expire(connection, before=EARLIEST + 10) == 1
    assert left(connection) == (file.path,)


@pytest.mark.parametrize("is_crash", [True, False])
@pytest.mark.parametrize(
    ("held", "begins", "stays"),
    [
        # A review may follow late: what was before its padding is nothing of it.
        ((985, 1020), 995, False),
        ((985, 1020), 990, True),
        ((985, 1030), 995, True),
        # Nothing of it is.
        ((985, 992), 995, False),
    ],
)
def test_what_it_shows_before_its_review(
    connection: sqlite3.Connection,
    held: tuple[float, float],
    begins: float,
    stays: bool,
    is_crash: bool,
) -> None:
    """It keeps no file; what is behind that must be in the whole, as always."""
    file = sign(connection, start=held[0])
    items.remember_open(connection, replace(REVIEW, reported_at=990))
    adopt(connection, begins=begins)
    if is_crash:
        live_files.end_all(connection, now=held[1])
    else:
        live_files.ended(connection, file.id, held=(held,), size=5)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    upload(connection, Role.WHOLE, 1, shown=((995, 1026),))
    assert states(connection) == ["kept" if stays else "superseded"]
    assert left(connection) == (() if stays else (file.path,))


def test_a_destination_that_is_gone(connection: sqlite3.Connection) -> None:
    """Nothing begins there."""
    found = live_files.begin(
        connection, HINT, "gone", base=BASE, short_id="f00f00", start=1, is_hint=True
    )
    assert found is None
    assert (
        live_files.begin(connection, HINT, "nas", base=BASE, short_id="x", start=1)
        is None
    )


def test_live_files_of_before_stay() -> None:
    """A ledger of the version before signs is brought to the next one."""
    old = sqlite3.connect(":memory:", isolation_level=None)
    old.row_factory = sqlite3.Row
    old.execute("PRAGMA foreign_keys = ON")
    old.executescript(schema.TABLES)
    before = next(n for n, step in enumerate(STEPS) if "live_files_with_hints" in step)
    for step in STEPS[:before]:
        old.executescript(step)
    old.execute(f"PRAGMA user_version = {schema.FIRST_VERSION + before}")
    # By the words of that version, not by today's code.
    old.execute("INSERT INTO destinations (id, since) VALUES ('nas', 0)")
    old.execute(
        "INSERT INTO items (media, source_id, camera, label, labels, zones, start,"
        " reported_at, is_open) VALUES ('recordings', '1000.5-abc123', 'front_door', '',"
        " '[]', '[]', 1000.5, 1030, 1)"
    )
    old.execute(
        "INSERT INTO live_files (item_id, destination_id, number, base, path, path_key,"
        " start, held, size, state, is_ours, ahead) SELECT id, 'nas', 1, 'b', 'p', 'p',"
        " 1000, '1000 1001', 7, 'growing', 0, 2 FROM items"
    )
    old.execute("UPDATE live_files SET is_ours = 1, ended_by = 1003")
    rows = [dict(row) for row in old.execute("SELECT * FROM live_files")]
    schema.migrate(old)
    migrated = [dict(row) for row in old.execute("SELECT * FROM live_files")]
    new = {"hint": None, "begins": None, "is_unanswered": 0}
    assert migrated == [row | new for row in rows]
    assert films(old) == 1
    old.execute("UPDATE live_files SET state = 'over'")
    assert films(old) == 0
    assert old.execute("PRAGMA foreign_key_check").fetchall() == []
    old.close()
