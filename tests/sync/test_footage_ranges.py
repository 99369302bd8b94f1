"""Which footage is asked for, and when."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.model.footage_ranges import (
    FootageRange,
    first_fetch,
    first_second,
    full_pieces,
    last_second,
    next_part,
    pieces,
    tail_is_missing,
)
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.support.backoff import retry_delay

from .samples import RECORDING


def ranges(start: float, end: float, before: float = 5, after: float = 5) -> list[int]:
    """Return the cuts of a recording, first start to last end."""
    item = replace(RECORDING, start=start, end=end)
    start, end = first_second(item, before), last_second(item, after)
    found = pieces([FootageRange(start, max(end, start + 1))], Limits())
    for one, other in pairwise(found):
        assert one.end == other.start
    return [found[0].start, *(part.end for part in found)]


def test_ranges_are_whole_padded_seconds() -> None:
    """Start rounded down, end rounded up, so that Frigate's rounding cuts nothing."""
    assert ranges(1000.4, 1020.2) == [995, 1026]
    assert ranges(1000.0, 1020.0, 0, 0) == [1000, 1020]
    assert ranges(1000.0, 1000.0, 0, 0) == [1000, 1001]


def test_a_long_recording_is_kept_as_half_hours() -> None:
    """A short rest is added to the last piece rather than kept by itself."""
    assert ranges(0, 1800, 0, 0) == [0, 1800]
    assert ranges(0, 1860, 0, 0) == [0, 1860]
    assert ranges(0, 1861, 0, 0) == [0, 1800, 1861]
    assert ranges(0, 7200, 0, 0) == [0, 1800, 3600, 5400, 7200]


def test_a_review_without_end_has_no_ranges() -> None:
    """Asking for it is a mistake of ours."""
    with pytest.raises(ValueError):
        last_second(replace(RECORDING, end=None), 0)


def test_half_hours_leave_as_soon_as_they_are_over() -> None:
    """But for a rest of a minute, which would not be worth a file of its own."""

    def full(now: int) -> tuple[list[FootageRange], float]:
        return full_pieces([FootageRange(1000, now)], Limits(), now=now)

    assert full(2859) == ([], 2860)
    assert full(2860) == ([FootageRange(1000, 2800)], 4660)
    assert full(4659) == ([FootageRange(1000, 2800)], 4660)
    assert full(4660) == ([FootageRange(1000, 2800), FootageRange(2800, 4600)], 6460)
    assert full_pieces([], Limits(), now=1000) == ([], 2860)


def test_of_a_review_of_many_years_the_last_week_is_kept() -> None:
    """Frigate's host began in 1970; what has happened has happened at the end."""
    late, week = 40 * 365 * 86400, 7 * 86400
    kept = pieces([FootageRange(0, late)], Limits())
    assert (kept[0].start, kept[-1].end, len(kept)) == (late - week, late, 336)


def test_pieces_begin_and_end_with_footage() -> None:
    """A gap within a half hour stays in it; where nothing is, nothing is asked for."""
    begin, week = 1000, 7 * 86400
    assert pieces([], Limits()) == []
    one = FootageRange(begin, begin + 60)
    assert pieces([one], Limits()) == [one]
    assert pieces([one, FootageRange(begin + 600, begin + 660)], Limits()) == [
        FootageRange(begin, begin + 660)
    ]
    assert pieces([one, FootageRange(begin + 1790, begin + 1900)], Limits()) == [
        FootageRange(begin, begin + 1800),
        FootageRange(begin + 1800, begin + 1900),
    ]
    assert pieces([one, FootageRange(begin + week, begin + week + 30)], Limits()) == [
        one,
        FootageRange(begin + week, begin + week + 30),
    ]
    # A rest of a minute is no file of its own.
    assert pieces([one, FootageRange(begin + 1790, begin + 1860)], Limits()) == [
        FootageRange(begin, begin + 1860)
    ]
    assert pieces([one, FootageRange(begin + 1850, begin + 1860)], Limits()) == [
        FootageRange(begin, begin + 1860)
    ]


def part(begin: int, now: float, length: int = 30) -> FootageRange | float:
    """Return what may leave of a review that began at 1000.4."""
    return next_part(
        RECORDING, begin, padding_before=5, length=length, settle=11, now=now
    )


def test_parts_are_contiguous() -> None:
    """The first after 10 s, then every `part_length`."""
    assert part(995, 1010) == 1011
    assert part(995, 1011) == FootageRange(995, 1011)
    assert part(1011, 1040) == 1041
    assert part(1011, 1041) == FootageRange(1011, 1041)


def test_parts_that_were_missed_are_caught_up_in_longer_ones() -> None:
    """After a restart, or when a destination wants the review only now."""
    assert part(995, 1101) == FootageRange(995, 1090)
    assert part(1011, 1111) == FootageRange(1011, 1100)
    assert part(1011, 99999) == FootageRange(1011, 1611)


def test_what_is_long_on_disk_has_to_wait_for_nothing_younger() -> None:
    """A part that is planned late ends where Frigate has all of it."""
    assert part(1011, 1042) == FootageRange(1011, 1041)
    assert part(1011, 1045) == FootageRange(1011, 1034)
    assert part(995, 1015) == FootageRange(995, 1011)
    assert part(995, 1017) == FootageRange(995, 1006)


@given(st.floats(0, 4e9), st.floats(0, 5e6), st.floats(0, 60), st.floats(0, 60))
def test_ranges_cover_all(start: float, length: float, pre: float, post: float) -> None:
    """Pieces join without gap or overlap, none is much over half an hour."""
    cuts = ranges(start, start + length, pre, post)
    assert cuts[-1] >= start + length + post
    assert cuts[0] <= start - pre or cuts[-1] - cuts[0] == 336 * 1800
    lengths = [end - begin for begin, end in pairwise(cuts)]
    assert all(0 < piece <= 1860 for piece in lengths)


def test_recordings_are_fetched_when_frigate_has_them() -> None:
    """20 s after the end by Frigate's clock, at most 20 s after the message."""
    assert first_fetch(1000, now=1010, clock_offset=0, settle=20) == 1020
    assert first_fetch(1000, now=1050, clock_offset=0, settle=20) == 1050
    assert first_fetch(1000, now=1010, clock_offset=5, settle=20) == 1025
    assert first_fetch(5000, now=1010, clock_offset=0, settle=20) == 1030


def test_retries_slow_down() -> None:
    """10, 20, 40 s and so on to five minutes, for ever."""
    delays = [retry_delay(attempts, Timing()) for attempts in (1, 2, 3, 4, 5, 6, 99999)]
    assert delays == [10, 20, 40, 80, 160, 300, 300]


def segments(*pairs: tuple[float, float]) -> list[Segment]:
    """Return Frigate's recordings."""
    return [Segment(start_time=start, end_time=end) for start, end in pairs]


def test_the_tail_is_waited_for() -> None:
    """But not for ever: Frigate may keep no footage without motion."""
    found = segments((100, 110))
    missing = partial(tail_is_missing, attempts=0, timing=Timing())
    assert missing(found, end=115, age=20)
    assert missing([], end=115, age=20)
    assert not missing(found, end=110.5, age=20)
    assert not missing(found, end=115, age=61)
    # Frigate's clock was a year ahead, and has been set right.
    assert missing(found, end=115, age=-3e7)
    assert not missing(found, end=115, age=-3e7, attempts=20)
