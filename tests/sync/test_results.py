"""What the owner is told of each upload: at once as an event, later as a list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import items, outcomes
from custom_components.frigate_snap_sync.sync.model.item import Item, Media, Role
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.plans import FilePlan
from custom_components.frigate_snap_sync.sync.model.status import UploadEvent

from .conftest import Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, GONE, IMAGE, FakeDestination
from .ledgers import wanted
from .samples import ITEM
from .test_incomplete import INCOMPLETE, Damage


@pytest.fixture
def events(bench: Bench) -> list[UploadEvent]:
    """Return what was reported of uploads that ended."""
    return bench.uploaded


async def test_each_upload_that_arrived_is_told_of(
    bench: Bench, nas: FakeDestination, events: list[UploadEvent]
) -> None:
    """Once per item and destination."""
    cloud = FakeDestination()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    bench.live_snapshot()
    tracked = bench.tracked_object()
    ended = time.time() - 50
    review = bench.review("end", end=ended)
    await until(lambda: len(events) == 6)
    assert await bench.settled() == {"verified": 6}
    for name, destination in (("nas", nas), ("cloud", cloud)):
        mine = {each.media: each for each in events if each.destination_id == name}
        assert set(mine) == {"live_snapshot", "snapshot", "recording"}
        assert all(each.verified and each.reason is None for each in mine.values())
        assert {each.path for each in mine.values()} == set(destination.media)
        assert mine["snapshot"].item_id == tracked
        assert mine["recording"] == UploadEvent(
            destination_id=name,
            verified=True,
            media="recording",
            camera="front_door",
            item_id=review,
            path=mine["recording"].path,
            size=len(CLIP),
            reason=None,
            labels=("person",),
            severity="alert",
            start=float(review.partition("-")[0]),
            end=ended,
            review_id=review,
            file="1.mp4",
        )
        assert mine["live_snapshot"].review_id is None
        assert mine["live_snapshot"].size == len(IMAGE)
        assert mine["snapshot"].size == len(FULL_IMAGE)


async def test_pictures_and_recording_of_one_review(
    bench: Bench, nas: FakeDestination, events: list[UploadEvent]
) -> None:
    """Share the review's id, in whatever order they are reported; others don't."""
    await bench.start(setup(nas))
    start = time.time() - 100
    review = bench.review("new", start=start, detections=["1.5-first"])
    bench.review(
        "update", source_id=review, start=start, detections=["1.5-first", "2.5-second"]
    )
    await bench.at_rest()
    for object_id in ("1.5-first", "2.5-second", "3.5-other"):
        bench.tracked_object(source_id=object_id)
    await until(lambda: len(events) == 3)
    bench.review(
        "end",
        source_id=review,
        start=start,
        end=time.time() - 50,
        zones=["yard", "hall"],
    )
    await until(lambda: len(events) == 4)
    found = {each.item_id: (each.review_id, each.object_ids) for each in events}
    assert found == {
        "1.5-first": (review, ("1.5-first",)),
        "2.5-second": (review, ("2.5-second",)),
        "3.5-other": (None, ("3.5-other",)),
        review: (review, ("1.5-first", "2.5-second")),
    }
    assert events[-1].zones == ("hall", "yard")


async def test_what_will_never_come_is_told_of(
    bench: Bench, nas: FakeDestination, events: list[UploadEvent]
) -> None:
    """With the reason."""
    bench.frigate.snapshot_faults = [GONE]
    await bench.start(setup(nas))
    tracked = bench.tracked_object()
    await until(lambda: events)
    (event,) = events
    assert (event.verified, event.media, event.item_id) == (False, "snapshot", tracked)
    assert event.size is None
    assert event.reason == "no such snapshot"
    (row,) = await bench.uploads()
    assert event.path == row.path


async def test_parts_tell_nothing(
    bench: Bench, nas: FakeDestination, events: list[UploadEvent]
) -> None:
    """Only the whole is the item."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(setup(nas))
    start = time.time() - 60
    review = bench.review("new", start=start)
    await until(lambda: [path for path in nas.media if "-part001" in path])
    assert not events
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: events)
    await bench.settled()
    assert [each.verified for each in events] == [True]


async def test_uploads_are_listed(bench: Bench, nas: FakeDestination) -> None:
    """The newest first; whatever is asked for must fit."""
    cloud = FakeDestination()
    bench.frigate.snapshot_faults = [GONE, GONE]
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    bench.tracked_object(source_id="1.5-old", start_time=1000.0, end_time=1010.0)
    assert await bench.settled() == {"gone": 2}
    bench.review(
        "end", source_id="2.5-mid", camera="back-yard_2", start=2000.0, end=2010.0
    )
    assert await bench.settled() == {"gone": 2, "verified": 2}
    began = datetime.now(UTC)
    bench.live_snapshot(label="dog")
    assert await bench.settled() == {"gone": 2, "verified": 4}
    ask = bench.uploads
    rows = await ask()
    assert [row.media for row in rows] == [
        *["live_snapshot"] * 2,
        *["recording"] * 2,
        *["snapshot"] * 2,
    ]
    assert {row.destination_id for row in rows} == {"nas", "cloud"}
    assert len(await ask(limit=3)) == 3
    assert await ask(limit=3) == rows[:3]
    assert await ask(camera="back-yard_2") == rows[2:4]
    assert await ask(media="recordings") == rows[2:4]
    assert await ask(media="live_snapshots") == rows[:2]
    assert await ask(state="gone") == rows[4:]
    assert await ask(after=datetime.fromtimestamp(2000, UTC)) == rows[:4]
    assert await ask(before=datetime.fromtimestamp(2000, UTC)) == rows[4:]
    middle = await ask(
        after=datetime.fromtimestamp(1001, UTC), before=began, destination_id="nas"
    )
    assert [row.item_id for row in middle] == ["2.5-mid"]
    assert await ask(destination_id="cloud", camera="nowhere") == []
    (row,) = middle
    assert row.path in nas.media
    assert (row.state, row.size, row.attempts) == ("verified", len(CLIP), 1)
    assert row.start == datetime.fromtimestamp(2000, UTC)
    assert row.finished is not None
    assert began - timedelta(minutes=1) < row.finished <= began
    assert row.reason is None
    assert row.label == "person"
    assert rows[0].label == "dog"
    gone = rows[-1]
    assert (gone.state, gone.size, gone.reason) == ("gone", None, "no such snapshot")


async def test_an_incomplete_recording_is_told_of(
    bench: Bench, nas: FakeDestination, events: list[UploadEvent]
) -> None:
    """With the path at which its beginning lies."""
    bench.timing = replace(bench.timing, gone_after=0)
    damage = Damage(bench, good=10)
    await bench.start(setup(nas))
    bench.review("end", start=1000.0, end=1030.0)
    await until(lambda: events)
    assert await bench.settled() == INCOMPLETE
    assert len(damage.asked) > 3
    (event,) = events
    assert not event.verified
    assert event.reason
    assert [event.path] == list(nas.media)


async def test_an_image_that_was_lost_while_home_assistant_was_off(
    bench: Bench, nas: FakeDestination, events: list[UploadEvent]
) -> None:
    """A recording lost in that way is fetched again, and no loss."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    bench.review("end", end=time.time() - 50)
    await bench.spooled_in_ledger(2)
    await bench.stop()
    for name in bench.spooled():
        (bench.folder / "spool" / name).unlink()
    await bench.start(setup(nas))
    (event,) = events
    assert (event.verified, event.media) == (False, "live_snapshot")
    assert event.reason == "Its bytes were lost from the spool"
    await until(lambda: bench.status.destinations["nas"].failed_uploads == 1)
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"dropped": 1, "verified": 1}


@pytest.mark.parametrize("is_full", [True, False])
async def test_a_dropped_image_is_told_of(
    bench: Bench,
    nas: FakeDestination,
    events: list[UploadEvent],
    is_full: bool,
) -> None:
    """Whether it had to give way, or was lost."""
    bench.limits = Limits(spool_reserve=0)
    limit = 2 * len(IMAGE) + 100
    bench.options = EngineOptions(spool_limit=limit, upload_during_review=False)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("nas", False)
    for number in range(3 if is_full else 1):
        bench.live_snapshot(label=f"l{number}")
    await bench.spooled_in_ledger(2 if is_full else 1)
    if not is_full:
        (name,) = bench.spooled()
        (bench.folder / "spool" / name).unlink()
        await bench.engine.set_sending("nas", True)
    await until(lambda: events)
    (event,) = events
    assert (event.verified, event.media) == (False, "live_snapshot")
    assert "-l0-" in event.path
    assert event.reason


def test_last_upload_of_a_camera(connection: sqlite3.Connection) -> None:
    """It changes once for each picture and recording: each is a line in Activity."""
    clock = count(1)
    last: list[float | None] = []

    def arrive(item: Item, *files: FilePlan) -> None:
        items.plan(connection, item, files)
        for (upload_id,) in connection.execute(
            "SELECT id FROM uploads WHERE state = 'pending' ORDER BY id"
        ).fetchall():
            outcomes.verified(connection, upload_id, size=7, now=next(clock))
            row = connection.execute("SELECT last_upload FROM cameras").fetchone()
            last.append(row["last_upload"])

    arrive(replace(ITEM, source_id="live", media=Media.LIVE_SNAPSHOTS), wanted("nas"))
    assert last == [None]
    picture = replace(ITEM, source_id="tracked", media=Media.SNAPSHOTS)
    arrive(picture, wanted("nas", "cloud", path="b.jpg"))
    assert last == [None, 2, 2]
    part = replace(
        wanted("nas", "cloud", path="p.mp4"), role=Role.PART, suffix="part001"
    )
    arrive(ITEM, part, wanted("nas", "cloud", path="c.mp4"))
    assert last == [None, 2, 2, 2, 2, 6, 6]
