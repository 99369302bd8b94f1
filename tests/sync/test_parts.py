"""While a review goes on its footage leaves in parts; the whole supersedes them."""

import asyncio
from dataclasses import replace
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import Review, Segment, Severity
from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import Rejected, Unreachable
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import items
from custom_components.frigate_snap_sync.sync.model.item import Item
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination, Write, bytes_of


@pytest.fixture
def nas(bench: Bench) -> FakeDestination:
    """Return a destination, of an engine that uploads during reviews.

    It looks at them at once, so that what is not planned soon never is.
    """
    bench.timing = replace(bench.timing, review_pause=0.02)
    bench.options = EngineOptions(part_length=10)
    return FakeDestination()


@pytest.fixture
def looks(bench: Bench) -> list[float]:
    """Return when running reviews were looked at, one after the other."""
    times: list[float] = []
    look = items.open_reviews

    def noted(connection: sqlite3.Connection) -> list[Item]:
        times.append(time.time())
        return look(connection)

    bench.faults.jobs[look] = noted
    return times


async def looked(bench: Bench, looks: list[float], review: str, **changes: Any) -> None:
    """Wait until all that can be planned of a review has been planned."""
    await until(lambda: bench.status.frigate_connected)
    await bench.at_rest()
    before = len(looks)
    bench.review("update", source_id=review, **changes)
    await until(lambda: len(looks) > before)
    await bench.at_rest()


def suffixes(destination: FakeDestination) -> list[str]:
    """Return what follows the id in the names that lie there."""
    return sorted(
        path.rpartition("abc123")[2]
        for path in destination.media
        if "-recording-" in path
    )


async def test_parts_leave_while_the_review_goes_on(
    bench: Bench, nas: FakeDestination
) -> None:
    """Contiguous ranges, the first after 10 s; no message is needed in between."""
    await bench.start(setup(nas))
    start = time.time() - 8.6
    bench.review("new", start=start)
    asked: list[float] = []

    async def note(seconds: float, write: Write) -> None:
        asked.append(time.time())

    bench.frigate.film = note
    await until(lambda: suffixes(nas) == ["-part001.mp4"])
    _, begin, end = bench.frigate.clips[0]
    assert begin == int(start - 5)
    assert 10 <= end - start <= 11
    assert asked[0] >= end


async def test_a_restart_in_mid_review_goes_on_where_it_was(
    bench: Bench, nas: FakeDestination
) -> None:
    """What was missed is caught up in one longer part."""
    start = time.time() - 14
    await bench.start(setup(nas))
    review = bench.review("new", start=start)
    await until(lambda: suffixes(nas) == ["-part001.mp4"])
    await bench.settled()
    await bench.stop()
    bench.frigate.clock_offset = -62  # A minute later, by Frigate's clock.
    await bench.start(setup(nas))
    await until(lambda: suffixes(nas) == ["-part001.mp4", "-part002.mp4"])
    (_, _, first_end), (_, second_begin, second_end) = bench.frigate.clips
    assert second_begin == first_end
    assert 50 <= second_end - second_begin <= 70
    assert bench.status.destinations["nas"].recordings_uploaded == 0
    assert review in {item.source_id for item in await open_reviews(bench)}


async def open_reviews(bench: Bench) -> list[Item]:
    """Return what the ledger knows of reviews that go on."""

    return list(await bench.engine._ledger.run(items.open_reviews))  # noqa: SLF001


async def test_a_recording_has_one_name_everywhere(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also where it is wanted only later, when more labels are known."""
    cloud = FakeDestination()
    alerts = Selection(severity=Severity.ALERT)
    start = time.time() - 14
    await bench.start(setup(nas), setup(cloud, name="cloud", selection=alerts))
    review = bench.review("new", start=start, severity="detection", objects=["car"])
    await until(lambda: suffixes(nas) == ["-part001.mp4"])
    assert not cloud.media
    bench.review(
        "end",
        source_id=review,
        start=start,
        end=time.time() - 2,
        objects=["car", "person"],
    )
    await until(lambda: list(nas.media) == list(cloud.media) != [])
    (name,) = cloud.media
    assert "-recording-car-" in name


async def test_the_whole_supersedes_the_parts(
    bench: Bench, nas: FakeDestination
) -> None:
    """Only after it was verified, at each destination for itself; counted once."""
    cloud = FakeDestination()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    start = time.time() - 30
    review = bench.review("new", start=start)
    await until(lambda: suffixes(nas) == suffixes(cloud) == ["-part001.mp4"])
    cloud.error = Unreachable("gone")
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: suffixes(nas) == [".mp4"])
    assert suffixes(cloud) == ["-part001.mp4"]
    assert nas.history[-1].endswith("abc123.mp4")
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert bench.status.cameras["front_door"].recordings_uploaded == 0
    cloud.error = None
    await bench.engine.test_destination("cloud")
    await until(lambda: suffixes(cloud) == [".mp4"])
    await until(lambda: bench.status.cameras["front_door"].recordings_uploaded == 1)
    await until(lambda: not bench.spooled())
    counts = await bench.settled()
    assert counts["verified"] == 2
    assert counts["superseded"] >= 2


async def test_the_whole_holds_what_the_parts_show_beyond_the_end(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate reports the end late: the seconds behind it have already left."""
    start = float(int(time.time()) - 40)
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=after, end_time=before)
    ]
    await bench.start(setup(nas))
    review = bench.review("new", start=start)
    await until(lambda: suffixes(nas) == ["-part001.mp4"])
    ((_, _, sent_until),) = bench.frigate.clips
    assert sent_until > start + 8 + 5
    bench.review("end", source_id=review, start=start, end=start + 8)
    await until(lambda: suffixes(nas) == [".mp4"])
    assert bench.frigate.clips[-1][1:] == (start - 5, sent_until)
    assert await bench.settled() == {"verified": 1, "superseded": 1}


@pytest.mark.parametrize("fault", [None, Rejected("no")])
async def test_a_part_that_is_under_way_when_the_whole_arrives(
    bench: Bench, nas: FakeDestination, fault: Rejected | None
) -> None:
    """It is removed as soon as it is there, or its rest if it fails."""
    slow = asyncio.Event()
    put = nas.put

    async def slow_part(path: str, source: Source, *, temporary: str) -> StoredFile:
        if "-part" in path:
            data = await bytes_of(source)
            nas.files[temporary] = b"half of it"
            await slow.wait()
            if fault:
                raise fault
            nas.files[path] = nas.files.pop(temporary) + data
            return StoredFile(path=path, size=len(data))
        return await put(path, source, temporary=temporary)

    nas.put = slow_part  # type: ignore[method-assign]
    await bench.start(setup(nas))
    start = time.time() - 30
    review = bench.review("new", start=start)
    await until(lambda: nas.files)
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: suffixes(nas) == [".mp4"])
    assert len(nas.files) == 2
    slow.set()
    await until(lambda: len(nas.files) == 1)
    assert suffixes(nas) == [".mp4"]


async def test_what_is_superseded_is_removed_after_an_outage_and_a_restart(
    bench: Bench, nas: FakeDestination
) -> None:
    """What is to be removed is remembered."""
    await bench.start(setup(nas))
    start = time.time() - 30
    review = bench.review("new", start=start)
    await until(lambda: suffixes(nas) == ["-part001.mp4"])
    refuse = nas.delete

    async def fail(path: str) -> None:
        raise Unreachable("connection lost")

    nas.delete = fail  # type: ignore[method-assign]
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: bench.status.destinations["nas"].connected is False)
    await bench.settled()
    await bench.stop()
    nas.delete = refuse  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: suffixes(nas) == [".mp4"])


async def test_half_hours_leave_as_soon_as_they_are_over(
    bench: Bench, nas: FakeDestination
) -> None:
    """A long review is kept as consecutive whole pieces; each has its parts go."""
    bench.limits = Limits(piece=40, piece_remainder=2)
    await bench.start(setup(nas))
    start = time.time() - 100
    review = bench.review("new", start=start)
    await until(lambda: "-02.mp4" in suffixes(nas))
    await until(lambda: bench.status.destinations["nas"].data_uploaded > 0)
    assert bench.status.destinations["nas"].recordings_uploaded == 0
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: suffixes(nas) == ["-01.mp4", "-02.mp4", "-03.mp4"])
    ends = [end for _, begin, end in bench.frigate.clips]
    assert len(ends) >= 4
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)


async def test_a_review_that_frigate_loses_after_half_an_hour(
    bench: Bench, nas: FakeDestination
) -> None:
    """What is left of it leaves as if it had ended, and other reviews go on."""
    bench.limits = Limits(piece=40, piece_remainder=2)
    bench.timing = replace(bench.timing, missing_after=0)
    engine = await bench.start(setup(nas))
    start = time.time() - 50
    reviews = [f"{start}-abc123", f"{start - 1}-abc123"]
    for review in reviews:
        begin = float(review.partition("-")[0])
        bench.frigate.known_reviews[review] = Review(
            id=review,
            camera="front_door",
            start_time=begin,
            end_time=None,
            severity=Severity.ALERT,
            labels=frozenset({"person"}),
            zones=frozenset(),
        )
        bench.review("new", source_id=review, start=begin)
    lost, other = reviews
    await until(lambda: suffixes(nas).count("-01.mp4") == 2)
    del bench.frigate.known_reviews[lost]
    engine._open_reviews.check()  # noqa: SLF001
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert not bench.status.losses
    bench.review("end", source_id=other, start=start - 1, end=time.time() - 1)
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 2)


async def test_no_parts_when_the_owner_wants_none(
    bench: Bench, nas: FakeDestination, looks: list[float]
) -> None:
    """Nor for a review that nobody wants yet."""
    bench.options = EngineOptions(upload_during_review=False)
    await bench.start(setup(nas))
    start = time.time() - 60
    review = bench.review("new", start=start)
    await looked(bench, looks, review, start=start)
    assert not bench.frigate.clips
    await bench.stop()
    bench.options = EngineOptions(part_length=10)
    alerts = Selection(severity=Severity.ALERT)
    await bench.start(setup(nas, selection=alerts))
    start = time.time() - 50
    review = bench.review(
        "new", source_id="2.5-abc123", start=start, severity="detection"
    )
    await looked(bench, looks, review, start=start, severity="detection")
    clips = [clip for clip in bench.frigate.clips if clip[1] > start - 6]
    assert not clips
    bench.review("update", source_id=review, start=start, severity="alert")
    await until(lambda: suffixes(nas))
    assert bench.frigate.clips != clips


async def test_parts_wait_for_frigate(bench: Bench, nas: FakeDestination) -> None:
    """While it is away nothing is planned: it could give nothing."""
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    bench.review("new", start=time.time() - 60)
    await until(lambda: bench.status.frigate_connected is False)
    await bench.at_rest()
    assert await bench.settled() == {}
    bench.frigate.error = None
    bench.publish("available", "online")
    await until(lambda: suffixes(nas) == ["-part001.mp4"])


async def test_a_part_without_footage_is_skipped(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate may keep none without motion; that is nothing to worry about."""
    bench.timing = replace(FAST, gone_after=0, part_patience=0)
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    start = time.time() - 60
    review = bench.review("new", start=start)
    await until(lambda: bench.status.frigate_connected)
    await until(bench.settled, reason="nothing is planned")
    assert set(await bench.settled()) == {"skipped"}
    assert not bench.frigate.clips
    bench.frigate.footage = None
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: suffixes(nas) == [".mp4"])


async def test_what_comes_late_in_a_long_review(
    bench: Bench, nas: FakeDestination
) -> None:
    """However long ago that was reported: a part's patience begins at its own end."""
    bench.timing = replace(FAST, gone_after=1, part_patience=1)
    bench.options = EngineOptions(part_length=10)
    looks: list[float] = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        looks.append(before)
        came = len(looks) > 3
        return [Segment(start_time=after, end_time=before)] if came else []

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("new", start=time.time() - 8)
    await until(lambda: nas.media)
    assert suffixes(nas) == ["-part001.mp4"]
    assert len(looks) == 4


async def test_parts_of_a_frigate_whose_disk_is_far_behind(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its machine is slow: footage comes long after it was to be there, and leaves."""
    bench.timing = replace(bench.timing, part_patience=0.2)
    looks: list[float] = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        looks.append(after)
        came = len(looks) > 20
        return [Segment(start_time=after, end_time=before)] if came else []

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("new", start=time.time() - 8)
    await until(lambda: "-part001.mp4" in suffixes(nas))
    assert len(looks) > 20
    states = {row.state for row in await bench.uploads()}
    assert "skipped" not in states


async def test_a_part_is_asked_for_until_frigate_has_all_of_it(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its last seconds come to Frigate's disk some 15 s late."""
    bench.timing = replace(FAST, tail_patience=60)
    bench.options = EngineOptions(part_length=10)
    start = time.time() - 11.5
    asked = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(before)
        return [
            Segment(start_time=after, end_time=before - (5 if len(asked) < 3 else 0))
        ]

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("new", start=start)
    await until(lambda: suffixes(nas) == ["-part001.mp4"])
    assert len(asked) == 3
    assert len(bench.frigate.clips) == 1
