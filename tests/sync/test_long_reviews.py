"""Reviews that claim to have lasted long: planned where Frigate has footage of them.

A Frigate that was off in mid-review ends it at its next start, downtime included.
"""

from collections.abc import Callable
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateError,
    FrigateServerError,
    FrigateUnreachable,
    UnreadableRows,
)
from custom_components.frigate_snap_sync.frigate.models import Segment, Segments
from custom_components.frigate_snap_sync.sync.model.footage_ranges import FootageRange
from custom_components.frigate_snap_sync.sync.model.recorded_footage import MAX_WINDOWS
from custom_components.frigate_snap_sync.sync.planning.footage_survey import (
    FootageSurvey,
)

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .test_catch_up import age, review, show

DAY = 86400.0


def film(
    bench: Bench, start: float, *there: tuple[float, float]
) -> Callable[[], list[tuple[float, float]]]:
    """Let there be this footage, in seconds from a start; return what was asked for."""
    segments = [
        Segment(start_time=start + begin, end_time=start + end) for begin, end in there
    ]
    bench.frigate.footage = lambda camera, after, before: [
        each
        for each in segments
        if each.end_time >= after and each.start_time <= before
    ]

    def asked() -> list[tuple[float, float]]:
        clips = bench.frigate.clips
        return sorted((begin - start, end - start) for _, begin, end in clips)

    return asked


def names(destination: FakeDestination) -> list[str]:
    """Return what follows the id in the names that lie there."""
    return sorted(path.rpartition("abc123")[2] for path in destination.media)


@pytest.mark.parametrize("days", [0.1, 8, 30])
@pytest.mark.parametrize("there", [(-5, 10), (-5, 7.5), (3, 10)])
async def test_power_cut_in_mid_review(
    bench: Bench, nas: FakeDestination, days: float, there: tuple[float, float]
) -> None:
    """The minute that Frigate recorded arrives, however long it was off then."""
    start = float(int(time.time() - days * DAY))
    asked = film(bench, start, there)
    await bench.start(setup(nas))
    bench.review("end", start=start, end=time.time() - 6)
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}
    assert names(nas) == [".mp4"]
    (clip,) = asked()
    assert clip == (int(there[0]), -int(-there[1] // 1))


async def test_the_end_of_a_power_cut_is_found_by_catching_up(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate tells it in its API alone."""
    await age(bench, nas, hours=10 * 24)
    cut = review("abc123", -8 * DAY, -100)
    asked = film(bench, cut.start_time, (-5, 10))
    show(bench, cut)
    await bench.start(setup(nas))
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}
    assert len(asked()) == 1
    assert await bench.engine.catch_up() == 0


async def test_footage_at_both_ends_and_in_between(
    bench: Bench, nas: FakeDestination
) -> None:
    """Half hours without any are not planned; each piece ends where footage does."""
    start = float(int(time.time() - 3 * DAY))
    hours = [
        (-5, 9),
        (DAY, DAY + 8),
        (DAY + 1000, DAY + 1007),
        (2 * DAY, 2 * DAY + 15),
    ]
    asked = film(bench, start, *hours)
    await bench.start(setup(nas))
    bench.review("end", start=start, end=start + 2 * DAY + 10)
    await until(lambda: len(nas.media) == 3)
    assert await bench.settled() == {"verified": 3}
    assert names(nas) == ["-01.mp4", "-02.mp4", "-03.mp4"]
    assert asked() == [(-5, 9), (DAY, DAY + 1007), (2 * DAY, 2 * DAY + 15)]


async def test_the_requests_are_bounded(bench: Bench, nas: FakeDestination) -> None:
    """However long a review claims to have lasted, and however much there is of it."""
    await bench.start(setup(nas))
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=after, end_time=after + 9)
    ]
    now = time.time()
    bench.review("end", start=1.0, end=now - 6)
    await until(lambda: nas.media)
    surveyed = [
        (after, before)
        for after, before in bench.frigate.looks
        if before - after > 3600
    ]
    assert len(bench.frigate.summaries) == 1
    assert 0 < len(surveyed) <= MAX_WINDOWS
    assert all(before - after <= 6 * 3600 for after, before in surveyed)


async def test_what_may_still_come_to_frigates_disk_is_waited_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """A long review that ended a moment ago is not cut to what is there now."""
    bench.timing = replace(FAST, settle=1.0)
    start = float(int(time.time()) - 4000)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    end = float(int(time.time()) - 3)
    last = end - start
    asked = film(bench, start, (-5, 10), (last - 10, last + 5))
    there = bench.frigate.footage
    assert there is not None
    looks: list[float] = []

    def so_far(camera: str, after: float, before: float) -> list[Segment]:
        looks.append(time.time())
        return [
            each for each in there(camera, after, before) if each.end_time < looks[-1]
        ]

    bench.frigate.footage = so_far
    bench.review("end", start=start, end=end)
    await until(lambda: len(nas.media) == 2)
    assert min(looks) >= end + 5
    assert asked() == [(-5, 10), (last - 10, last + 5)]


async def test_nothing_young_is_planned_where_nothing_came(
    bench: Bench, nas: FakeDestination
) -> None:
    """A Frigate that has just started ends the review then: that is no footage."""
    bench.timing = replace(FAST, settle=2.0)
    start = float(int(time.time() - 8 * DAY))
    asked = film(bench, start, (-5, 10))
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("end", start=start, end=time.time() - 6)
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}
    assert names(nas) == [".mp4"]
    assert asked() == [(-5, 10)]


async def test_nothing_yet_is_not_nothing_ever(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate may be starting: it is asked again, and the review is not given up."""
    start = float(int(time.time() - 8 * DAY))
    film(bench, start)
    await bench.start(setup(nas))
    bench.review("end", start=start, end=time.time() - 6)
    await until(lambda: len(bench.frigate.summaries) >= 3)
    assert await bench.settled() == {}
    film(bench, start, (-5, 10))
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


async def test_nothing_for_ten_minutes_is_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """Told once, and not for each of its half hours; it can be asked for again."""
    bench.timing = replace(FAST, gone_after=1)
    start = float(int(time.time() - 8 * DAY))
    film(bench, start)
    await bench.start(setup(nas))
    bench.review("end", start=start, end=time.time() - 6, known=True)
    await until(lambda: bench.status.destinations["nas"].failed_uploads == 1)
    assert await bench.settled() == {"gone": 1}
    film(bench, start, (-5, 10))
    assert await bench.engine.retry_failed() == 1
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}


async def test_a_half_hour_that_is_lost_before_it_was_fetched_is_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's recordings showed it when it was planned."""
    start = float(int(time.time() - 0.5 * DAY))
    film(bench, start, (-5, 9), (3000, 3009), (6000, 6015))
    there, lost = bench.frigate.footage, True
    assert there is not None

    def left(camera: str, after: float, before: float) -> list[Segment]:
        is_survey = before - after > 60
        rows = there(camera, after, before)
        return [
            row for row in rows if is_survey or not lost or row.end_time > start + 9
        ]

    bench.frigate.footage = left
    await bench.start(setup(nas))
    bench.review("end", start=start, end=start + 6010, known=True)
    await until(lambda: len(nas.media) == 2)
    assert await bench.settled() == {"gone": 1, "verified": 2}
    assert names(nas) == ["-02.mp4", "-03.mp4"]
    await until(lambda: bench.status.destinations["nas"].failed_uploads == 1)
    assert bench.status.destinations["nas"].recordings_uploaded == 0
    lost = False
    assert await bench.engine.retry_failed() == 1
    await until(lambda: len(nas.media) == 3)


@pytest.mark.parametrize(
    "error", [FrigateUnreachable("no route"), FrigateServerError("no such table")]
)
async def test_frigate_goes_away_while_it_is_asked(
    bench: Bench, nas: FakeDestination, error: FrigateError
) -> None:
    """The review is planned when it is back, or by its rows alone if it can't sum up."""
    start = float(int(time.time() - 8 * DAY))
    asked = film(bench, start, (-5, 10))
    hours = bench.frigate.hours
    failures = 0

    async def fail(camera: str) -> list[int]:
        nonlocal failures
        failures += 1
        if failures > 1 and isinstance(error, FrigateUnreachable):
            return await hours(camera)
        raise error

    bench.frigate.hours = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.review("end", start=start, end=time.time() - 6)
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}
    assert asked() == [(-5, 10)]


async def test_what_frigate_can_not_list_is_asked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing is lost because one answer is broken."""
    start = float(int(time.time() - 0.5 * DAY))
    asked = film(bench, start, (-5, 10))
    there = bench.frigate.recordings
    broken = 0

    async def fail(camera: str, *, after: float, before: float) -> Segments:
        nonlocal broken
        if before - after > 3600 and after > start + 5 * 3600:
            broken += 1
            raise FrigateServerError("Answer of more than 16777216 bytes")
        return await there(camera, after=after, before=before)

    bench.frigate.recordings = fail  # type: ignore[method-assign]
    hours = [int(start) // 3600 * 3600 + 3600 * number for number in range(12)]

    async def all_hours(camera: str) -> list[int]:
        return hours

    bench.frigate.hours = all_hours  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.review("end", start=start, end=time.time() - 6)
    await until(lambda: nas.media)
    assert broken
    assert asked()[0][0] == -5
    assert len(await bench.uploads(limit=100)) > 10

    async def never_there() -> bool:
        return len(await bench.uploads(state="skipped", limit=100)) > 5

    await until(never_there)
    assert not await bench.uploads(state="gone")


async def test_what_frigate_lists_in_another_form_is_asked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """Rows that can't be understood, beside some that can, are not "no footage"."""
    start = float(int(time.time() - 0.5 * DAY))
    # None of them longer than Frigate's, for it is asked hour by hour.
    minutes = [(begin, begin + 60) for begin in range(-60, 7260, 60)]
    asked = film(bench, start, *minutes)
    there, is_odd = bench.frigate.recordings, True

    async def recordings(camera: str, *, after: float, before: float) -> Segments:
        rows = await there(camera, after=after, before=before)
        good = [row for row in rows if not is_odd or row.start_time < start + 3600]
        if rows and not good:
            raise UnreadableRows("nothing readable")
        return Segments(good, left_out=len(rows) - len(good))

    bench.frigate.recordings = recordings  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.review("end", start=start, end=start + 7200)
    await until(lambda: len(nas.media) == 2)
    assert await bench.uploads(state="pending"), "it waits for what can't be read yet"
    is_odd = False
    await bench.pending(0)
    assert asked()[0][0] == -5
    assert max(end for _, end in asked()) >= 7200
    assert not await bench.uploads(state="gone")


async def test_survey_with_rows_of_another_form(bench: Bench) -> None:
    """Footage may be anywhere in what was asked; shown is what could be read."""
    start = int(time.time() - 0.5 * DAY) // 3600 * 3600
    bench.frigate.footage = lambda camera, after, before: Segments(
        [Segment(start_time=start, end_time=start + 60)], left_out=1
    )
    survey = FootageSurvey(bench.frigate, timing=FAST)
    asked = FootageRange(start, start + 3600)
    footage = await survey.look("front_door", asked)
    assert footage.within(start, start + 3600) == [asked]
    assert footage.seen == (FootageRange(start, start + 60),)


async def test_killed_before_it_was_planned(bench: Bench, nas: FakeDestination) -> None:
    """The end is in the ledger before Frigate is asked for its recordings."""
    start = float(int(time.time() - 8 * DAY))
    film(bench, start)
    await bench.start(setup(nas))
    bench.review("end", start=start, end=time.time() - 6)
    await until(lambda: bench.frigate.summaries)
    await bench.stop()
    film(bench, start, (-5, 10))
    cloud = FakeDestination()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: nas.media)
    # What came after it gets no history unasked.
    assert await bench.settled() == {"verified": 1}
    assert not cloud.media


async def test_an_end_that_can_not_be(bench: Bench, nas: FakeDestination) -> None:
    """A manual event that was cut off has no end (0.16+): what was recorded is there."""
    start = float(int(time.time() - 2 * DAY))
    asked = film(bench, start, (-5, 10))
    await bench.start(setup(nas))
    bench.review("end", start=start, end=9223372036854775807.0)
    await until(lambda: nas.media)
    assert asked() == [(-5, 10)]


async def test_frigate_is_asked_no_more_than_it_has_to_be(
    bench: Bench, nas: FakeDestination
) -> None:
    """Most reviews are shorter than half an hour."""
    await bench.start(setup(nas))
    bench.review("end", start=time.time() - 1800, end=time.time() - 6)
    await until(lambda: nas.media)
    assert not bench.frigate.summaries


async def test_survey_of_what_is_all_young(bench: Bench) -> None:
    """Nothing is asked, and nothing known."""
    survey = FootageSurvey(bench.frigate, timing=replace(FAST, settle=100))
    now = int(time.time())
    footage = await survey.look("front_door", FootageRange(now - 50, now))
    assert footage.within(now - 50, now) == [FootageRange(now - 50, now)]
    assert not bench.frigate.summaries
