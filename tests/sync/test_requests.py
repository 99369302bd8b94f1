"""What a person asks for by name: a review, a stretch of footage, and neither any more."""

import asyncio
from collections.abc import Awaitable, Callable
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.sync.ledger import exposure
from custom_components.frigate_snap_sync.sync.ledger.waiting import waiting
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import CancelFilter, Queued
from custom_components.frigate_snap_sync.sync.planning.ranges import without

from .conftest import Bench, setup, until
from .fakes import FakeDestination, FakeFrigate
from .test_catch_up import age, ids, review, show
from .test_missing_beginning import EMPTY, Disk
from .test_off_periods import switch_off

NOTHING = Selection(cameras=frozenset({"elsewhere"}))
"""What selects no item of a test."""
CAMERA = "front_door"
HALF = 1800


def hour_ago(hours: float = 1) -> float:
    """Return a whole second that is about so many hours ago."""
    return float(int(time.time() - hours * 3600))


def records(
    frigate: FakeFrigate, *ranges: tuple[float, float], size: int | None = None
) -> None:
    """Let Frigate have footage of these times, ten seconds a segment."""
    rows = [
        Segment(start_time=second, end_time=min(second + 10, end), size=size)
        for start, end in ranges
        for second in range(int(start), int(end), 10)
    ]

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        return [
            row
            for row in rows
            if camera == CAMERA and row.end_time > after and row.start_time < before
        ]

    frigate.footage = footage


async def refusal(asked: Callable[[], Awaitable[object]]) -> Refusal:
    """Return why something is refused."""
    with pytest.raises(Refused) as caught:
        await asked()
    return caught.value.code


async def test_a_range_goes_to_all_whatever_they_select(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """In half hours, behind everything else, and the answer tells how much it is."""
    start = hour_ago(3)
    records(bench.frigate, (start, start + 3600), size=500_000)
    await bench.start(setup(nas), setup(cloud, name="cloud", selection=NOTHING))
    queued = await bench.engine.requests.upload_range(CAMERA, start, start + 4000)
    assert queued == Queued(
        item_id=queued.item_id, files=4, seconds=2 * 3600, size=2 * 3600 * 50_000
    )
    await until(lambda: len(nas.media) == len(cloud.media) == 2)
    assert await bench.settled() == {"verified": 4}
    assert [end - begin for _, begin, end in bench.frigate.clips] == [HALF, HALF]
    assert all("-recording-range-" in path for path in nas.media)
    rows = await bench.uploads(item_id=queued.item_id)
    assert {row.label for row in rows} == {"range"}
    assert len(rows) == 4


async def test_the_same_range_of_another_frigate_stays(
    bench: Bench, nas: FakeDestination
) -> None:
    """Both houses have a camera of that name, and one folder."""
    start = hour_ago(2)
    other = Bench(bench.folder / "other")
    for house in (bench, other):
        records(house.frigate, (start, start + 60))
        await house.start(setup(nas))
        await house.engine.requests.upload_range(CAMERA, start, start + 60)
        assert await house.settled() == {"verified": 1}
        (path, *_) = nas.media
        nas.files[path] = b"theirs"  # Shorter than what comes next.
    assert len(nas.media) == 2
    assert nas.media[path] == b"theirs"
    await other.stop()


async def test_the_same_range_twice_doubles_nothing(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Another destination adds what is missing there, also if the clocks drifted."""
    start = hour_ago(2)
    records(bench.frigate, (start - 5, start + 305))
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    ask = bench.engine.requests.upload_range
    first = await ask(CAMERA, start, start + 300, "nas")
    assert first.files == 1
    assert await bench.settled() == {"verified": 1}
    bench.frigate.clock_offset = 1.5
    again = await ask(CAMERA, start, start + 300, "nas")
    assert again == Queued(item_id=first.item_id)
    both = await ask(CAMERA, start, start + 300)
    assert (both.files, both.item_id) == (1, first.item_id)
    assert await bench.settled() == {"verified": 2}
    assert set(nas.media) == set(cloud.media)
    assert len(nas.history) == len(cloud.history) == 1
    other = await ask(CAMERA, start, start + 200, "nas")
    assert other.item_id != first.item_id


@pytest.mark.parametrize("wanted", ["range", "review"])
async def test_two_calls_at_once(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, wanted: str
) -> None:
    """Each destination gets what was asked for it, and nothing is planned twice."""
    start = hour_ago(2)
    records(bench.frigate, (start, start + 4000))
    now = time.time()
    show(bench, review("dog", start - now, start - now + 60))
    both = [
        setup(each, name=name, selection=NOTHING)
        for name, each in (("nas", nas), ("cloud", cloud))
    ]
    await bench.start(*both)
    await bench.settled()

    async def ask(destination_id: str) -> Queued:
        if wanted == "review":
            return await bench.engine.requests.upload_review("1.5-dog", destination_id)
        return await bench.engine.requests.upload_range(
            CAMERA, start, start + 3000, destination_id
        )

    count = 1 if wanted == "review" else 2
    queued = await asyncio.gather(ask("nas"), ask("cloud"), ask("cloud"))
    assert sorted(each.files for each in queued) == [0, count, count]
    assert len({each.item_id for each in queued}) == 1
    await until(lambda: len(nas.media) == len(cloud.media) == count)
    assert set(nas.media) == set(cloud.media)


async def test_a_range_is_behind_what_waits(bench: Bench, nas: FakeDestination) -> None:
    """Its pieces wait until nothing else does."""
    start = hour_ago(3)
    records(bench.frigate, (start, start + 2 * 3600))
    nas.gate.clear()
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.requests.upload_range(CAMERA, start, start + 4000)
    await bench.spooled_in_ledger(3)
    bench.review(
        "end",
        source_id="1.5-cat",
        start=start + 100,
        end=start + 120,
        severity="detection",
    )
    await bench.spooled_in_ledger(4)
    nas.gate.set()
    await bench.settled()
    assert ["range" in path for path in nas.history] == [True, False, True, True]


async def test_what_was_off_stays_at_home(bench: Bench, nas: FakeDestination) -> None:
    """The range is cut there, to the second."""
    start = hour_ago(2)
    records(bench.frigate, (start, start + 1000))
    await bench.start(setup(nas))
    await switch_off(bench, start + 100, start + 500.5)
    ask = bench.engine.requests.upload_range
    code = await refusal(lambda: ask(CAMERA, start + 200, start + 300))
    assert code is Refusal.CAPTURE_WAS_OFF
    assert (await ask(CAMERA, start, start + 1000)).files == 2
    await bench.settled()
    assert sorted(clip[1:] for clip in bench.frigate.clips) == [
        (start, start + 100),
        (start + 501, start + 1000),
    ]
    await bench.engine.set_capture(False)
    code = await refusal(lambda: ask(CAMERA, start + 600, start + 700))
    assert code is Refusal.CAPTURE_OFF


async def test_a_range_without_footage(bench: Bench, nas: FakeDestination) -> None:
    """Nothing is kept of it: later there may be some."""
    start = hour_ago(5)
    records(bench.frigate, (start, start + 60))
    await bench.start(setup(nas))
    ask = bench.engine.requests.upload_range
    code = await refusal(lambda: ask(CAMERA, start + 4000, start + 4100))
    assert code is Refusal.NO_FOOTAGE
    assert not await bench.uploads()
    records(bench.frigate, (start, start + 5000))
    assert (await ask(CAMERA, start + 4000, start + 4100)).files == 1
    assert await bench.settled() == {"verified": 1}
    code = await refusal(lambda: ask(CAMERA, start, start + 60, "elsewhere"))
    assert code is Refusal.NO_DESTINATION
    bench.frigate.error = FrigateUnreachable("no route")
    with pytest.raises(FrigateUnreachable):
        await ask(CAMERA, start, start + 30)


async def test_a_restart_keeps_what_was_asked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """Although the destination does not select it: that is looked at at each start."""
    start = hour_ago(2)
    records(bench.frigate, (start, start + 100))
    nas.gate.clear()
    await bench.start(setup(nas, selection=NOTHING))
    await bench.engine.requests.upload_range(CAMERA, start, start + 50)
    await bench.stop()
    nas.gate.set()
    await bench.start(setup(nas, selection=NOTHING))
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


async def test_a_review_that_nobody_selected(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It goes to the one destination that was asked for, and once."""
    await age(bench, nas, hours=2)
    show(bench, review("visit", -500, -400))
    await bench.start(
        setup(nas, selection=NOTHING), setup(cloud, name="cloud", selection=NOTHING)
    )
    await bench.engine.catch_up()
    ask = bench.engine.requests.upload_review
    queued = await ask("1.5-visit", "cloud")
    assert (queued.item_id, queued.files) == ("1.5-visit", 1)
    assert queued.seconds == pytest.approx(110, abs=2)
    await until(lambda: ids(cloud) == {"visit"})
    assert await bench.settled() == {"verified": 1}
    assert not nas.media
    assert (await ask("1.5-visit", "cloud")).files == 0
    assert (await ask("1.5-visit")).files == 1
    await until(lambda: ids(nas) == {"visit"})
    assert await bench.settled() == {"verified": 2}
    assert len(cloud.history) == 1


async def test_a_review_of_before_the_set_up(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """The ledger does not know it; it goes where it was asked for alone."""
    show(bench, review("old", -5000, -4000))
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await bench.engine.requests.upload_review("1.5-old", "cloud")
    await until(lambda: ids(cloud) == {"old"})
    assert await bench.settled() == {"verified": 1}
    assert not nas.media
    assert await bench.engine.catch_up() == 0


async def test_a_review_that_was_missed(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Those that want it anyway get it as well, although one was asked for."""
    await age(bench, nas, hours=2)
    await bench.start(setup(nas), setup(cloud, name="cloud", selection=NOTHING))
    await until(lambda: bench.frigate.windows)
    await bench.engine.catch_up()
    show(bench, review("visit", -500, -400))
    await bench.engine.requests.upload_review("1.5-visit", "cloud")
    await until(lambda: ids(nas) == ids(cloud) == {"visit"})
    assert await bench.settled() == {"verified": 2}


async def test_reviews_that_are_refused(bench: Bench, nas: FakeDestination) -> None:
    """Each for its reason; nothing is queued."""
    await age(bench, nas, hours=3)
    show(bench, review("running", -100, None), review("home", -900, -800))
    await bench.start(setup(nas))
    await bench.engine.catch_up()
    ask = bench.engine.requests.upload_review
    assert await refusal(lambda: ask("1.5-unknown")) is Refusal.REVIEW_NOT_FOUND
    assert await refusal(lambda: ask("1.5-running")) is Refusal.REVIEW_NOT_ENDED
    await bench.settled()
    show(bench, review("private", -2000, -1990))
    await switch_off(bench, time.time() - 2100, time.time() - 1900)
    assert await refusal(lambda: ask("1.5-private")) is Refusal.CAPTURE_WAS_OFF
    bench.frigate.footage = lambda camera, after, before: []
    show(bench, review("lost", -9 * 3600, -9 * 3600 + 50))
    assert await refusal(lambda: ask("1.5-lost")) is Refusal.NO_FOOTAGE
    await bench.engine.set_capture(False)
    assert await refusal(lambda: ask("1.5-home")) is Refusal.CAPTURE_OFF
    assert not await bench.uploads(item_id="1.5-lost")


async def test_what_was_asked_for_is_never_late(
    bench: Bench, nas: FakeDestination
) -> None:
    """A day of footage takes its time, and protection stays as it is meanwhile."""
    start = hour_ago(2)
    records(bench.frigate, (start, start + 100))
    nas.gate.clear()
    await bench.start(setup(nas))
    await bench.engine.requests.upload_range(CAMERA, start, start + 50)
    bench.tracked_object()
    await bench.pending(2)
    ledger = bench.engine._ledger  # noqa: SLF001
    now = time.time() + 1000
    found = await ledger.run(
        waiting, now=now, late=60, failing=(), frigate_is_away=False
    )
    assert found.counts == {"nas": 2}
    assert await ledger.run(exposure.unprotected_since) is not None
    await bench.engine.requests.cancel(CancelFilter(state="pending"))
    await bench.engine.requests.upload_range(CAMERA, start, start + 50)
    found = await ledger.run(
        waiting, now=now, late=60, failing=(), frigate_is_away=False
    )
    assert found.counts == {"nas": 1}
    assert found.since is None
    assert await ledger.run(exposure.unprotected_since) is None
    nas.gate.set()


@pytest.mark.parametrize("by", ["item", "destination", "state"])
async def test_cancel(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, by: str
) -> None:
    """What waits ends, is asked for no more, and comes back only when asked for again."""
    start = hour_ago(3)
    records(bench.frigate, (start, start + 4000))
    nas.gate.clear()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    ask = bench.engine.requests.upload_range
    queued = await ask(CAMERA, start, start + 4000, "nas")
    assert queued.files == 3
    await bench.spooled_in_ledger(3)
    wanted = {
        "item": CancelFilter(item_id=queued.item_id),
        "destination": CancelFilter(destination_id="nas"),
        "state": CancelFilter(state="pending"),
    }[by]
    assert await bench.engine.requests.cancel(CancelFilter(item_id="other")) == 0
    assert await bench.engine.requests.cancel(CancelFilter(state="incomplete")) == 0
    assert await bench.engine.requests.cancel(wanted) == 3
    rows = await bench.uploads(state="cancelled")
    assert len(rows) == 3
    assert {row.reason for row in rows} == {"Cancelled with the action cancel_uploads"}
    await until(lambda: not bench.spooled())
    await bench.stop()  # What was on its way, too.
    nas.gate.set()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.retry_failed() == 0
    assert await bench.engine.catch_up(look_back=5 * 3600) == 0
    assert await bench.settled() == {"cancelled": 3}
    assert not nas.media
    ask = bench.engine.requests.upload_range
    assert (await ask(CAMERA, start, start + 4000, "nas")).files == 3
    assert await bench.settled() == {"verified": 3}


async def test_a_review_with_a_hole(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Another destination gets what plays before it, and what plays behind."""
    disk, begun = Disk(bench, {7}, EMPTY), hour_ago()
    disk.rows = [
        Segment(start_time=begun + 10 * each, end_time=begun + 10 * each + 10)
        for each in range(30)
    ]
    await bench.start(setup(nas))
    known = bench.review("end", start=begun + 5, end=begun + 290, known=True)
    await until(lambda: nas.media)
    states = await bench.settled()
    assert states["verified"] > 1
    await bench.engine.apply_destinations([setup(nas), setup(cloud, name="cloud")])
    await bench.engine.requests.upload_review(known, "cloud")
    assert await bench.settled() == {name: 2 * each for name, each in states.items()}
    assert set(cloud.media) == set(nas.media)


class SlowToAnswer(FakeDestination):
    """Has all bytes of a file, and does not say so before it may."""

    def __init__(self) -> None:
        """Hold the answer back."""
        super().__init__()
        self.has_all = asyncio.Event()
        self.may_answer = asyncio.Event()

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await super().put(path, source, temporary=temporary)
        self.has_all.set()
        await self.may_answer.wait()
        return stored


async def test_what_arrives_although_it_was_cancelled(bench: Bench) -> None:
    """All of it was on its way: it is there, so it counts as a copy."""
    nas = SlowToAnswer()
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(nas.has_all.is_set)
    assert await bench.engine.requests.cancel(CancelFilter(state="pending")) == 1
    nas.may_answer.set()

    async def has_arrived() -> bool:
        return bool(await bench.uploads(state="verified"))

    await until(has_arrived)
    assert await bench.settled() == {"verified": 1}


def test_a_time_without_others() -> None:
    """Ends, middles, and all of it."""
    assert without(0, 10, []) == [(0, 10)]
    assert without(0, 10, [(2, 3), (5, 6)]) == [(0, 2), (3, 5), (6, 10)]
    assert without(0, 10, [(-5, 2), (9, 20)]) == [(2, 9)]
    assert without(0, 10, [(-5, 20)]) == []
