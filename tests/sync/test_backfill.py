"""Destinations that came later get what was before them, if somebody asks for it."""

from collections.abc import Iterator
from dataclasses import replace
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.ledger import (
    backfill,
    destinations,
    fetch_queue,
    items,
    schema,
    status_summary,
)
from custom_components.frigate_snap_sync.sync.model.destination_setup import (
    DestinationSetup,
)
from custom_components.frigate_snap_sync.sync.model.item import Media, Role, UploadState
from custom_components.frigate_snap_sync.sync.model.naming import NameValues
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, FakeDestination
from .ledgers import wanted
from .samples import ITEM
from .test_catch_up import age, ids, review, show, tracked
from .test_incomplete import INCOMPLETE, Damage
from .test_off_periods import switch_off

HOUR = 3600.0


@pytest.fixture
async def known(bench: Bench, nas: FakeDestination) -> Bench:
    """Return a bench on which the first destination has a review and an object."""
    await age(bench, nas, hours=2)
    show(bench, review("visit", -500, -400), tracked("person", -500, -450))
    await bench.start(setup(nas))
    await until(lambda: ids(nas) == {"visit", "person"})
    assert await bench.settled() == {"verified": 2}
    return bench


async def join(bench: Bench, *setups: DestinationSetup) -> None:
    """Let these be the destinations."""
    await bench.engine.apply_destinations(setups)


async def test_it_gets_what_others_have(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """But only if that time is asked for; and nobody gets it twice."""
    await join(known, setup(nas), setup(cloud, name="cloud"))
    assert await known.engine.catch_up() == 0
    assert await known.engine.catch_up(look_back=HOUR) == 2
    await until(lambda: ids(cloud) == {"visit", "person"})
    assert sorted(cloud.media.values(), key=len) == sorted([CLIP, FULL_IMAGE], key=len)
    assert set(cloud.media) == set(nas.media)
    assert await known.settled() == {"verified": 4}
    assert await known.engine.catch_up(look_back=HOUR) == 0
    assert len(nas.history) == 2
    assert len(known.frigate.clips) == 2
    await until(lambda: not known.spooled())
    await until(lambda: known.status.destinations["cloud"].recordings_uploaded == 1)
    assert known.status.cameras["front_door"].recordings_uploaded == 1


async def test_it_gets_only_what_it_wants(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Its selection holds, and so does its own way of naming."""

    def render(values: NameValues) -> str:
        return f"late/{values.id}"

    selection = Selection(labels=frozenset({"person"}), severity=Severity.ALERT)
    late = setup(cloud, name="cloud", selection=selection, render=render)
    show(known, replace(review("cat", -300, -200), labels=frozenset({"cat"})))
    await known.engine.catch_up()
    await until(lambda: "cat" in ids(nas))
    await join(known, setup(nas), late)
    assert await known.engine.catch_up(look_back=HOUR) == 2
    await known.settled()
    assert set(cloud.media) == {"late/visit.mp4", "late/person.jpg"}


async def test_what_nobody_wanted_before(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It is known, but there is nothing of it."""
    await age(bench, nas, hours=2)
    show(bench, review("visit", -500, -400))
    nobody = setup(nas, selection=Selection(cameras=frozenset({"elsewhere"})))
    await bench.start(nobody)
    await until(lambda: bench.frigate.windows)
    await bench.engine.catch_up()
    assert not bench.frigate.clips
    await join(bench, nobody, setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: ids(cloud) == {"visit"})
    assert not nas.media


async def test_a_long_one_comes_in_all_its_pieces(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Under the names that the others have."""
    await age(bench, nas, hours=9)
    show(bench, review("long", -4000, -300))
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 3)
    await bench.settled()
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: set(cloud.media) == set(nas.media))
    assert await bench.settled() == {"verified": 6}


async def test_what_lies_in_the_spool_is_not_fetched_again(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Another destination still waits for it."""
    await age(bench, nas, hours=2)
    nas.gate.clear()
    show(bench, review("visit", -500, -400))
    await bench.start(setup(nas))
    await bench.spooled_in_ledger(1)
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: ids(cloud) == {"visit"})
    nas.gate.set()
    assert await bench.settled() == {"verified": 2}
    assert len(bench.frigate.clips) == 1


async def test_what_was_kept_at_home_stays_there(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Whoever asks for that time, and whatever it is."""
    await age(bench, nas, hours=2)
    await bench.start(setup(nas))
    await switch_off(bench, time.time() - 600, time.time() - 300)
    show(bench, review("home", -500, -400), tracked("home", -500, -450))
    await bench.engine.catch_up()
    assert await bench.settled() == {"skipped": 2}
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 0
    assert await bench.settled() == {"skipped": 2}
    assert not nas.media
    assert not cloud.media


@pytest.mark.parametrize("offset", [0.0, 1.5])
async def test_the_end_of_a_recording_that_was_kept_at_home(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, offset: float
) -> None:
    """It is not made up for, also if the clocks are compared anew."""
    await age(bench, nas, hours=2)
    await bench.start(setup(nas))
    await switch_off(bench, time.time() - 450, time.time() - 300)
    show(bench, review("visit", -500, -400))
    await bench.engine.catch_up()
    await until(lambda: ids(nas) == {"visit"})
    bench.frigate.clock_offset = -offset
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: set(cloud.media) == set(nas.media))
    assert await bench.settled() == {"verified": 2}
    assert len(set(bench.frigate.clips)) == 1
    assert await bench.engine.catch_up(look_back=HOUR) == 0


@pytest.mark.parametrize("is_gap", [True, False])
async def test_one_that_came_while_a_long_review_went_on(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, is_gap: bool
) -> None:
    """It gets the earlier half hours if asked for; also if nobody had the last one."""
    await age(bench, nas, hours=2)
    long = review("long", -4000, None)
    show(bench, long)
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 2)
    await bench.settled()
    await join(bench, *[] if is_gap else [setup(cloud, name="cloud")])
    show(bench, replace(long, end_time=time.time() - 1, ended=True))
    await bench.engine.catch_up()
    await bench.settled()
    await join(bench, setup(cloud, name="cloud"))
    assert len(cloud.media) == (not is_gap)
    await until(lambda: "cloud" in bench.status.destinations)
    assert bench.status.destinations["cloud"].recordings_uploaded == 0
    assert await bench.engine.catch_up(look_back=2 * HOUR) == 1
    await until(lambda: len(cloud.media) == 3)
    assert sorted(path[-7:] for path in cloud.media) == [
        "-01.mp4",
        "-02.mp4",
        "-03.mp4",
    ]
    assert set(nas.media) < set(cloud.media)
    assert await bench.engine.catch_up(look_back=2 * HOUR) == 0
    assert await bench.settled() == {"verified": 5}
    summary = await bench.engine._ledger.run(status_summary.summary)  # noqa: SLF001
    assert summary.destinations["cloud"].recordings_uploaded == 1


@pytest.mark.parametrize("is_mended", [True, False])
async def test_what_could_not_be_had_whole(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, is_mended: bool
) -> None:
    """It gets the same piece, or the whole if there is one now."""
    await age(bench, nas, hours=2)
    bench.timing = replace(FAST, first_retry=0.02, longest_retry=0.02, gone_after=0)
    damage = Damage(bench, good=10)
    show(bench, review("visit", -430, -400))
    await bench.start(setup(nas))
    await until(lambda: [path[-14:] for path in nas.media] == ["incomplete.mp4"])
    assert await bench.settled() == INCOMPLETE
    pieces = set(nas.media)
    damage.is_mended = is_mended
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    if is_mended:
        assert await bench.settled() == {"superseded": 3, "verified": 2, "skipped": 1}
        await until(lambda: set(cloud.media) == set(nas.media))
        assert len(cloud.media) == 1
        assert set(cloud.media) != pieces
    else:
        assert await bench.settled() == dict.fromkeys(INCOMPLETE, 2)
        assert set(cloud.media) == set(nas.media) == pieces


async def test_what_is_damaged_again(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It gets a piece of its own; the other one had the whole meanwhile."""
    await age(bench, nas, hours=2)
    bench.timing = replace(
        FAST, first_retry=0.02, longest_retry=0.02, gone_after=0, daily=0.2
    )
    damage = Damage(bench, good=10)
    show(bench, review("visit", -430, -400))
    await bench.start(setup(nas))
    await until(lambda: [path[-14:] for path in nas.media] == ["incomplete.mp4"])
    (piece,) = nas.media
    damage.is_mended = True
    await until(lambda: [path[-10:] for path in nas.media] == ["-visit.mp4"])
    await bench.settled()
    damage.is_mended = False
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await bench.settled()
    assert piece in cloud.media
    rows = await bench.uploads(destination_id="cloud")
    assert {(row.role, row.state) for row in rows} >= {
        ("whole", "incomplete"),
        ("incomplete", "verified"),
    }


async def test_what_frigate_no_longer_has(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It is gone for those who came too late, and for nobody else."""
    known.frigate.footage = lambda camera, after, before: []
    known.frigate.known_objects.clear()
    known.timing = replace(FAST, gone_after=1)
    await known.stop()
    await known.start(setup(nas))
    await join(known, setup(nas), setup(cloud, name="cloud"))
    assert await known.engine.catch_up(look_back=HOUR) == 1
    assert await known.settled() == {"verified": 2, "gone": 1}
    assert not cloud.media
    assert len(nas.media) == 2


async def test_a_retry_takes_what_lies_in_the_spool(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It was lost for one destination, and came back while another one waits."""
    footage = known.frigate.footage
    known.frigate.footage = lambda camera, after, before: []
    known.timing = replace(FAST, gone_after=1)
    await known.stop()
    await known.start(setup(nas))
    await join(known, setup(nas), setup(cloud, name="cloud"))
    await known.engine.catch_up(look_back=HOUR)
    assert await known.settled() == {"verified": 3, "gone": 1}
    (lost,) = await known.uploads(state="gone")
    known.frigate.footage = footage
    known.frigate.clips.clear()
    shed = FakeDestination()
    shed.gate.clear()
    await join(known, setup(nas), setup(cloud, name="cloud"), setup(shed, name="shed"))
    serve = known.engine._catch_up._reviews._backfill.serve  # noqa: SLF001
    assert await serve(Media.RECORDINGS, lost.item_id)
    await known.spooled_in_ledger(1)
    assert await known.engine.retry_failed() == 1
    await until(lambda: ids(cloud) == {"visit", "person"})
    shed.gate.set()
    assert await known.settled() == {"verified": 5}
    assert len(known.frigate.clips) == 1
    await until(lambda: not known.spooled())


async def test_a_beginning_that_a_removed_destination_had(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """The next one gets as much."""
    await age(bench, nas, hours=2)
    bench.timing = replace(FAST, first_retry=0.02, longest_retry=0.02, gone_after=0)
    Damage(bench, good=10)
    show(bench, review("visit", -430, -400))
    await bench.start(setup(nas))
    await until(lambda: nas.media)
    assert await bench.settled() == INCOMPLETE
    await join(bench, setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: set(cloud.media) == set(nas.media))
    left = {"cancelled": 1, "incomplete": 1, "verified": 2, "skipped": 2}
    assert await bench.settled() == left


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty ledger in memory, with two destinations."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    yield connection
    connection.close()


def joins(connection: sqlite3.Connection, *destinations: str) -> int:
    """Let these get the known item; return how many uploads that takes."""
    known = backfill.known(connection, Media.RECORDINGS, ITEM.source_id)
    assert known is not None
    uploads = tuple(
        UploadPlan(destination_id=name, path="a/b.mp4") for name in destinations
    )
    return backfill.join(connection, known, uploads, now=99)


def test_one_that_was_removed_meanwhile(connection: sqlite3.Connection) -> None:
    """Nothing ever waits for it."""
    items.plan(connection, ITEM, (wanted("nas"),))
    assert joins(connection, "elsewhere") == 0
    assert joins(connection, "elsewhere", "cloud") == 1


def test_what_another_one_waits_for(connection: sqlite3.Connection) -> None:
    """It is not asked for any sooner: it was tried a moment ago."""
    items.plan(connection, ITEM, (wanted("nas"),))
    fetch_queue.postpone(connection, 1, due=500, error="not yet")
    assert joins(connection, "cloud") == 1
    (file,) = connection.execute("SELECT due, attempts FROM files").fetchall()
    assert tuple(file) == (500, 1)


def test_a_review_that_frigate_had_lost(connection: sqlite3.Connection) -> None:
    """It has no range to ask for."""
    uploads = (
        UploadPlan(destination_id="nas", path="a/b.mp4", state=UploadState.GONE),
    )
    lost = FilePlan(state=FileState.RELEASED, uploads=uploads)
    items.plan(connection, replace(ITEM, end=None), (lost,))
    assert joins(connection, "cloud") == 0
    assert fetch_queue.next_due(connection, after=0) is None


def test_a_name_is_computed_once(connection: sqlite3.Connection) -> None:
    """The earlier half hours go by the name that the last one had got."""
    items.plan(
        connection,
        ITEM,
        (
            replace(wanted("nas"), suffix="01"),
            replace(wanted("cloud", number=2, path="old.mp4"), suffix="02"),
        ),
    )
    assert joins(connection, "cloud") == 1
    paths = connection.execute(
        "SELECT path FROM uploads WHERE destination_id = 'cloud' ORDER BY path"
    )
    assert [row["path"] for row in paths] == ["old-01.mp4", "old-02.mp4"]


@pytest.mark.parametrize("numbers", [None, [1], [2]])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_part_that_reaches_over_the_border_of_a_beginning(
    connection: sqlite3.Connection, numbers: list[int] | None, is_there: bool
) -> None:
    """Without it some seconds would lie nowhere; of another half hour none is wanted.

    Nor is it wanted twice where it left while the review ran.
    """

    def piece(role: Role, number: int, start: int, end: int) -> FilePlan:
        suffix = f"{role}{number}"
        plan = replace(wanted("nas", number=number), role=role, suffix=suffix)
        return replace(plan, start=start, end=end)

    parts = (piece(Role.PART, 1, 0, 60), piece(Role.PART, 2, 60, 90))
    if is_there:
        both = wanted("nas", "cloud").uploads
        parts = (parts[0], replace(parts[1], uploads=both))
    beginning = piece(Role.INCOMPLETE, 1, 0, 65)
    wholes = (piece(Role.WHOLE, 1, 0, 200), piece(Role.WHOLE, 2, 200, 400))
    items.plan(connection, ITEM, (*wholes, beginning, *parts))
    known = backfill.known(connection, Media.RECORDINGS, ITEM.source_id)
    assert known is not None
    upload = UploadPlan(destination_id="cloud", path="a/b.mp4")
    backfill.join(connection, known, (upload,), now=99, numbers=numbers)
    found = connection.execute(
        "SELECT files.role, number FROM uploads JOIN files ON files.id = file_id"
        " WHERE destination_id = 'cloud' ORDER BY files.id"
    )
    of_first = [("whole", 1), ("incomplete", 1), ("part", 2)]
    expected = {None: [("whole", 1), ("whole", 2), *of_first[1:]], 1: of_first}
    key = numbers[0] if numbers else None
    wanted_now = expected.get(key, [("whole", 2)])
    kept = {("part", 2)} if is_there else set()
    rows = [tuple(row) for row in found]
    assert len(rows) == len(set(rows))
    assert set(rows) == kept | set(wanted_now)


def test_a_beginning_of_what_another_one_has_whole(
    connection: sqlite3.Connection,
) -> None:
    """It is not wanted any more: Frigate has been mended."""
    beginning = replace(wanted("nas"), role=Role.INCOMPLETE, suffix="incomplete")
    items.plan(connection, ITEM, (wanted("nas"), beginning))
    assert joins(connection, "cloud") == 2
    connection.execute("DELETE FROM uploads WHERE destination_id = 'cloud'")
    connection.execute("UPDATE uploads SET state = 'verified' WHERE role = 'whole'")
    assert joins(connection, "cloud") == 1
