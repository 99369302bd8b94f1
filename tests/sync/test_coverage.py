"""Which seconds a clip holds, told from its keyframes and Frigate's recordings."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from custom_components.frigate_snap_sync.frigate.media import Mp4Info, check_mp4
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.model.coverage import (
    coverage,
    lacks,
    shown,
)
from custom_components.frigate_snap_sync.sync.model.footage_ranges import FootageRange
from custom_components.frigate_snap_sync.sync.model.spans import (
    from_text,
    missing,
    to_text,
    total,
    union,
    within,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"


def segments(*pairs: tuple[float, float]) -> list[Segment]:
    """Return Frigate's recordings."""
    return [Segment(start_time=start, end_time=end) for start, end in pairs]


def film(*rows: float, gop: float, begin: float, end: float) -> Mp4Info:
    """Return what Frigate makes of segments of these lengths, beginning at 1000.

    From the keyframe at or before `begin` up to `end`; both count from 1000.
    """
    times: list[float] = []
    offset = 0.0
    for length in rows:
        count = int(-(-length // gop))
        times += [offset + number * gop for number in range(count)]
        offset += length
    first = max(time for time in times if time <= begin)
    return Mp4Info(
        duration=end - first,
        fragmented=True,
        keyframes=tuple(time - first for time in times if first <= time < end),
    )


TEN = segments(*((1000 + 10 * n, 1010 + 10 * n) for n in range(6)))


def test_footage_is_counted_once() -> None:
    """Overlaps count once, gaps and what lies outside the range not at all."""
    asked = FootageRange(100, 130)
    assert shown([], asked) == ()
    assert shown(segments((90, 100), (130, 140)), asked) == ()
    found = segments((110, 120), (95, 105), (104, 112), (125, 140))
    assert shown(found, asked) == ((100, 120), (125, 130))
    assert shown(segments((0, 1000)), asked) == ((100, 130),)


@pytest.mark.parametrize("gop", [1, 2, 4, 5, 10])
@pytest.mark.parametrize("begin", [1, 3.0, 9, 10, 14])
@pytest.mark.parametrize("last", [13, 20, 26, 38, 50])
def test_a_whole_clip_holds_all(gop: float, begin: float, last: float) -> None:
    """Whatever the distance of its keyframes."""
    if last <= begin:
        return
    asked = FootageRange(1000 + int(begin), 1000 + int(last))
    clip = film(*[10] * 6, gop=gop, begin=begin, end=last)
    assert not lacks(coverage(TEN, asked, clip).most, shown(TEN, asked))


@pytest.mark.parametrize("gop", [1, 2, 4, 5, 10])
@pytest.mark.parametrize("begin", [1, 3, 5, 9, 10])
def test_a_missing_end_is_seen(gop: float, begin: int) -> None:
    """The last segment was not on Frigate's disk: however early the clip begins."""
    asked = FootageRange(1000 + begin, 1045)
    clip = film(*[10] * 6, gop=gop, begin=begin, end=40)
    found = coverage(TEN, asked, clip)
    assert lacks(found.most, found.shown) == pytest.approx(5)
    assert found.least[-1][1] <= 1040


def test_a_clip_of_a_long_gop_whose_last_segment_was_missing() -> None:
    """Made by ffmpeg as Frigate calls it: 20 s long where 16 s were asked for."""
    clip = check_mp4(FIXTURES / "missing.mp4")
    assert clip.duration == 20
    found = coverage(TEN[:3], FootageRange(1009, 1025), clip)
    assert found.most == found.least == ((1009, 1020),)
    assert lacks(found.most, found.shown) == 5
    # The same film is whole where no more was asked for.
    found = coverage(TEN[:2], FootageRange(1009, 1020), clip)
    assert found.least == found.shown


def test_a_recorded_clip_holds_what_was_asked_for() -> None:
    """With its own recordings (Frigate 0.17.2)."""
    clip = check_mp4(FIXTURES / "recorded/0.17.2/media/clip-complete.mp4")
    rows = segments((1795336631, 1795336641), (1795336641, 1795336651))
    found = coverage(rows, FootageRange(1795336629, 1795336646), clip)
    assert found.least == found.shown == ((1795336631, 1795336646),)


def test_two_percent_are_not_nothing() -> None:
    """Of half an hour 35 seconds are missing."""
    rows = segments(*((1000 + 10 * n, 1010 + 10 * n) for n in range(180)))
    clip = film(*[10] * 180, gop=2, begin=0, end=1765)
    found = coverage(rows, FootageRange(1000, 2800), clip)
    assert lacks(found.most, found.shown) == pytest.approx(35)


def test_a_clip_that_fits_no_recordings() -> None:
    """It may begin anywhere in its first GOP: no more is claimed than that."""
    odd = Mp4Info(duration=20, fragmented=True, keyframes=(0.0, 7.3, 14.6))
    found = coverage(TEN[:3], FootageRange(1009, 1025), odd)
    assert total(found.most) == 16
    assert total(found.least) == pytest.approx(20 - 7.3)


def test_what_can_not_be_told_is_neither_held_nor_missing() -> None:
    """One GOP of a single long segment: where the clip begins is anybody's guess."""
    clip = Mp4Info(duration=9, fragmented=True, keyframes=(0.0,))
    found = coverage(segments((1000, 1060)), FootageRange(1020, 1026), clip)
    assert not lacks(found.most, found.shown)
    assert lacks(found.least, found.shown)
    plain = Mp4Info(duration=9, fragmented=False)
    assert coverage(segments((1000, 1060)), FootageRange(1020, 1026), plain) == found


def test_gaps_are_joined_in_a_clip() -> None:
    """Frigate keeps no segments without motion, and its clip jumps over them."""
    rows = segments((1000, 1010), (1030, 1040), (1040, 1050))
    asked = FootageRange(1004, 1045)
    whole = film(10, 10, 10, gop=2, begin=4, end=25)
    found = coverage(rows, asked, whole)
    assert found.least == found.shown == ((1004, 1010), (1030, 1045))
    short = film(10, 10, 10, gop=2, begin=4, end=20)
    found = coverage(rows, asked, short)
    assert found.most == ((1004, 1010), (1030, 1040))


def test_no_recordings_no_coverage() -> None:
    """Nothing is claimed of a clip that came from nowhere."""
    clip = Mp4Info(duration=9, fragmented=True, keyframes=(0.0,))
    found = coverage([], FootageRange(1000, 1010), clip)
    assert (found.shown, found.least, found.most) == ((), (), ())


def test_a_clip_beside_a_row_that_can_not_be_read() -> None:
    """It may be of what that shows: A, B and no C, of which B can't be read."""
    rows = segments((1000, 1010), (1020, 1030))
    clip = film(10, 10, gop=10, begin=0, end=20)
    asked = FootageRange(1000, 1030)
    assert coverage(rows, asked, clip).least == ((1000, 1010), (1020, 1030))
    found = coverage(rows, asked, clip, is_unclear=True)
    assert found.least == ()
    assert found.most == found.shown == ((1000, 1010), (1020, 1030))


def pairs(*spans: tuple[float, float]) -> Iterable[tuple[float, float]]:
    """Return spans, as they come."""
    return spans


def test_arithmetic_of_time() -> None:
    """Sorted, joined where they nearly touch, never empty."""
    assert union(pairs((5, 9), (1, 3)), pairs((9.5, 12), (2, 2))) == ((1, 3), (5, 12))
    assert within(((1, 3), (5, 12)), 2, 5) == ((2, 3),)
    assert missing(((1, 10),), ((2, 3), (5, 12))) == ((1, 2), (3, 5))
    assert missing(((1, 3), (5, 7)), ()) == ((1, 3), (5, 7))
    assert missing((), ((1, 3),)) == ()
    assert total(((1, 3), (5, 7.5))) == 4.5
    assert from_text(to_text(((1.25, 3), (5, 7.5)))) == ((1.25, 3), (5, 7.5))
    assert from_text(None) == ()


def test_a_second_or_two_are_no_loss() -> None:
    """Frigate cuts at whole seconds."""
    assert lacks(((0, 8.5),), ((0, 10),)) == 0
    assert lacks(((0, 7.5),), ((0, 10),)) == 2.5


@pytest.mark.parametrize(
    ("held", "missed"),
    [(((10, 35),), 2), (((1, 35),), 0), (((0, 2),), 0), ((), 2)],
)
def test_two_seconds_are_no_edge_if_they_are_all(
    held: Iterable[tuple[float, float]], missed: float
) -> None:
    """A short part shows what nothing else holds."""
    assert lacks(union(held), ((0, 2),)) == missed
