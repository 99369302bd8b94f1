"""Where there is footage, by what Frigate's recordings show."""

from itertools import pairwise

from hypothesis import given, strategies as st

from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.model.footage_ranges import FootageRange
from custom_components.frigate_snap_sync.sync.model.recorded_footage import (
    MAX_WINDOWS,
    UNKNOWN,
    Footage,
    stretches,
    windows,
)

HOUR = 3600
DAY = 24 * HOUR


def known(*pairs: tuple[int, int], until: int) -> Footage:
    """Return footage that is known up to a moment."""
    return Footage(ranges=tuple(FootageRange(*pair) for pair in pairs), until=until)


def pairs(ranges: list[FootageRange]) -> list[tuple[int, int]]:
    """Return ranges as pairs."""
    return [(each.start, each.end) for each in ranges]


def test_footage_within_a_range() -> None:
    """What is known is cut; what is too young to be known counts as there."""
    footage = known((100, 200), (300, 400), until=500)
    assert pairs(footage.within(0, 450)) == [(100, 200), (300, 400)]
    assert pairs(footage.within(150, 350)) == [(150, 200), (300, 350)]
    assert pairs(footage.within(200, 300)) == []
    assert pairs(footage.within(350, 600)) == [(350, 400), (500, 600)]
    assert pairs(footage.within(550, 600)) == [(550, 600)]
    assert pairs(known((100, 500), until=500).within(0, 600)) == [(100, 600)]
    assert pairs(UNKNOWN.within(7, 9)) == [(7, 9)]
    assert pairs(UNKNOWN.within(9, 9)) == []


def test_what_parts_held_is_footage_too() -> None:
    """Frigate may have lost it since."""
    footage = known((100, 200), until=500)
    others = [FootageRange(150, 250), FootageRange(400, 600)]
    assert pairs(footage.joined(others).within(0, 500)) == [(100, 250), (400, 500)]


def segment(start: float, end: float) -> Segment:
    """Return a row of Frigate's recordings."""
    return Segment(start_time=start, end_time=end)


def test_stretches_are_whole_seconds_of_the_range() -> None:
    """Gaps of up to a minute belong to them; the rows may come in any order."""
    rows = [segment(221.5, 230), segment(100.2, 110.9), segment(150, 160)]
    assert pairs(stretches(rows, 0, 300)) == [(100, 160), (221, 230)]
    assert pairs(stretches(rows, 105, 225)) == [(105, 160), (221, 225)]
    assert stretches(rows, 300, 400) == []


def test_a_range_is_looked_through_where_there_is_something() -> None:
    """By the hours in which footage begins, and what may reach into the next."""
    start, end = 10 * DAY + 100, 20 * DAY
    assert windows([], start, end) == []
    assert pairs(windows([10 * DAY], start, end)) == [(start, 10 * DAY + HOUR + 600)]
    assert pairs(windows([10 * DAY - HOUR], start, end)) == [(start, 10 * DAY + 600)]
    assert windows([9 * DAY, 20 * DAY], start, end) == []
    far = [10 * DAY, 15 * DAY, 15 * DAY + HOUR]
    assert pairs(windows(far, start, end))[1:] == [
        (15 * DAY, 15 * DAY + 2 * HOUR + 600)
    ]


def test_where_frigate_can_not_sum_up_all_is_looked_through() -> None:
    """Up to sixteen days."""
    assert pairs(windows(None, 0, 13 * HOUR)) == [
        (0, 6 * HOUR),
        (6 * HOUR, 12 * HOUR),
        (12 * HOUR, 13 * HOUR),
    ]
    assert pairs(windows(None, 0, 100 * DAY))[0] == (84 * DAY, 84 * DAY + 6 * HOUR)


@given(
    st.none() | st.lists(st.integers(0, 2000)),
    st.integers(0, 2000 * HOUR),
    st.integers(1, 2000 * HOUR),
)
def test_the_number_of_requests_is_bounded(
    hours: list[int] | None, start: int, length: int
) -> None:
    """Windows don't overlap, none is longer than six hours, and all lie within."""
    moments = None if hours is None else sorted({hour * HOUR for hour in hours})
    found = windows(moments, start, start + length)
    assert len(found) <= MAX_WINDOWS
    assert all(0 < each.end - each.start <= 6 * HOUR for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(each.start >= start and each.end <= start + length for each in found)
    for hour in [] if moments is None else moments:
        if len(found) < MAX_WINDOWS and start <= hour < start + length:
            assert any(each.start <= hour < each.end for each in found)
