"""Which seconds of footage a clip holds: measured, not believed. All pure.

Frigate (0.14 to 0.18) makes a clip of the segments that its recordings show, one
behind the other, beginning in the first at the keyframe before what was asked for.
Where the file of a segment is missing on its disk the clip ends there, and nothing
says so. A long first GOP hides that: a clip that begins nine seconds early may lack
nine at its end and be as long as it should be.

So the segments' borders, at each of which a keyframe lies, are looked for among the
clip's keyframes. That tells how early it begins, and with its length where it ends.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from ...frigate.media import Mp4Info
from ...frigate.models import Segment
from .footage_ranges import FootageRange
from .spans import NONE, Spans, missing, total, union, within

TOLERANCE = 2.0
"""Seconds that may be missing: Frigate cuts at whole seconds, between frames."""

_NEAR = 0.5
"""Seconds between a segment's border and the keyframe that is it."""

_CUT = 1.0
"""Seconds that Frigate may cut at the end, where it goes by whole ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What Frigate's recordings show of a range, and what a clip of it holds.

    The clip holds at least `least`, and at most `most`.
    """

    shown: Spans
    least: Spans
    most: Spans


def shown(segments: Sequence[Segment], asked: FootageRange) -> Spans:
    """Return what Frigate's recordings show of a range."""
    spans = union((segment.start_time, segment.end_time) for segment in segments)
    return within(spans, asked.start, asked.end)


def coverage(
    segments: Sequence[Segment],
    asked: FootageRange,
    clip: Mp4Info,
    *,
    is_unclear: bool = False,
) -> Coverage:
    """Return which seconds of the range a whole MP4 holds.

    `segments` are those that Frigate's recordings showed when it was made. There may
    be others where it `is_unclear`: then any second of the clip may be theirs.
    """
    rows = sorted(
        (
            segment
            for segment in segments
            if segment.end_time >= asked.start and segment.start_time < asked.end
        ),
        key=lambda segment: segment.start_time,
    )
    if not rows:
        return Coverage(shown=NONE, least=NONE, most=NONE)
    least, most = _seconds(rows, asked, clip)
    return Coverage(
        shown=shown(rows, asked),
        least=NONE if is_unclear else _beginning(rows, asked, least),
        most=_beginning(rows, asked, most),
    )


def _seconds(
    rows: Sequence[Segment], asked: FootageRange, clip: Mp4Info
) -> tuple[float, float]:
    """Return how much of the asked footage a clip holds: at least, at most."""
    borders: list[float] = []
    whole = 0.0
    for number, row in enumerate(rows):
        if number:
            borders.append(whole)
        begin = _first_asked(row, asked) if number == 0 else row.start_time
        whole += max(0.0, min(row.end_time, asked.end) - begin)
    skipped = _first_asked(rows[0], asked) - rows[0].start_time
    second_keyframe = clip.keyframes[1] if clip.keyframes[1:] else clip.duration
    longest = min(second_keyframe, skipped)
    ends = [*borders, whole]
    leads = [
        lead
        for lead in _leads(borders, longest, clip)
        if _ends_at(ends, clip.duration - lead) and _fits(borders, lead, clip)
    ]
    # Else it ends in the middle of a segment, or was made of others.
    leads = leads or [0.0, longest]
    return clip.duration - max(leads), clip.duration - min(leads)


def _first_asked(row: Segment, asked: FootageRange) -> float:
    """Return the first moment that Frigate takes of the first segment."""
    return row.start_time + max(0, floor(asked.start - row.start_time))


def _leads(borders: Sequence[float], longest: float, clip: Mp4Info) -> list[float]:
    """Return how many seconds before what was asked for the clip may begin.

    `borders` are those of the segments, counted from there.
    """
    if not longest or not borders:
        return [0.0, longest]
    found = [
        min(max(keyframe - borders[0], 0.0), longest)
        for keyframe in clip.keyframes
        if -_NEAR <= keyframe - borders[0] <= longest + _NEAR
    ]
    if clip.duration - longest <= borders[0] + _NEAR:
        # It may hold the first segment alone.
        found += [min(max(clip.duration - borders[0], 0.0), longest), longest]
    return found


def _ends_at(ends: Sequence[float], seconds: float) -> bool:
    """Tell whether a clip may end there: with a segment, or where it should."""
    return any(abs(seconds - end) <= _CUT for end in ends)


def _fits(borders: Sequence[float], lead: float, clip: Mp4Info) -> bool:
    """Tell whether keyframes lie where a clip that begins so early has borders."""
    for border in borders:
        place = lead + border
        if place > clip.duration - _NEAR:
            break
        index = bisect_left(clip.keyframes, place - _NEAR)
        if index == len(clip.keyframes) or clip.keyframes[index] > place + _NEAR:
            return False
    return True


def _beginning(rows: Sequence[Segment], asked: FootageRange, seconds: float) -> Spans:
    """Return the first `seconds` of footage that the segments have of the range."""
    found: list[tuple[float, float]] = []
    for number, row in enumerate(rows):
        begin = _first_asked(row, asked) if number == 0 else row.start_time
        end = min(row.end_time, asked.end, begin + seconds)
        if end > begin:
            found.append((begin, end))
            seconds -= end - begin
    return within(union(found), asked.start, asked.end)


def lacks(held: Spans, wanted: Spans) -> float:
    """Return how many seconds of `wanted` are not held; 0.0 where that is nothing.

    A little may be missing at edges, but not all there is.
    """
    seconds = total(missing(wanted, held))
    is_all = seconds >= total(wanted)
    return seconds if is_all or seconds > TOLERANCE else 0.0
