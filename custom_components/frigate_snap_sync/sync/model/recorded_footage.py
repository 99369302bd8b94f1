"""Where there is footage, by what Frigate's recordings show. All pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Final

from ...frigate.models import Segment
from .footage_ranges import FootageRange

MAX_WINDOWS: Final = 64
"""How often Frigate is asked for the recordings of one review, at most."""

_HOUR: Final = 3600
_WINDOW: Final = 6 * _HOUR
"""Frigate has a row every ten seconds or so, and answers with all of them at once."""
_LONGEST_SEGMENT: Final = 600
"""How far what began in one hour may reach into the next (Frigate 0.14+:
`MAX_SEGMENT_DURATION`)."""
_GAP: Final = 60
"""Seconds without footage that don't make two stretches of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """Where there is footage of a camera: whole epoch seconds of Frigate's clock.

    `ranges` are in order, don't overlap, and end before `until`. What comes after
    that may not be on Frigate's disk yet: nothing is known of it. `seen` is where the
    recordings did show some: they may not tell of all of the `ranges`.
    """

    ranges: tuple[FootageRange, ...] = ()
    until: int = 0
    seen: tuple[FootageRange, ...] = ()

    def within(self, start: int, end: int) -> list[FootageRange]:
        """Return where in a range there is footage, or may be: in order, disjoint."""
        known = (cut(footage, start, min(end, self.until)) for footage in self.ranges)
        unknown = cut(FootageRange(self.until, end), start, end)
        return join((*known, unknown))

    def was_seen(self, asked: FootageRange) -> bool:
        """Tell whether Frigate's recordings showed footage in a range."""
        return any(cut(each, asked.start, asked.end) for each in self.seen)

    def joined(self, others: Iterable[FootageRange]) -> Footage:
        """Return this and other stretches that are known to have had footage."""
        known = (cut(footage, 0, self.until) for footage in others)
        return replace(self, ranges=tuple(join((*self.ranges, *known))))


UNKNOWN: Final = Footage()
"""There may be footage everywhere."""


def cut(footage: FootageRange, start: int, end: int) -> FootageRange | None:
    """Return what of a range lies between two moments, None if nothing does."""
    start, end = max(footage.start, start), min(footage.end, end)
    return FootageRange(start, end) if start < end else None


def join(ranges: Iterable[FootageRange | None]) -> list[FootageRange]:
    """Return ranges in order, those that touch or overlap as one."""
    return _join((each for each in ranges if each is not None), gap=0)


def stretches(segments: Iterable[Segment], start: int, end: int) -> list[FootageRange]:
    """Return where in a range Frigate's recordings show footage.

    Gaps of up to a minute don't count: where Frigate keeps only what moves, there
    are many.
    """
    found = (
        cut(FootageRange(floor(each.start_time), ceil(each.end_time)), start, end)
        for each in segments
    )
    return _join((each for each in found if each is not None), gap=_GAP)


def last_shown(footage: Footage, asked: FootageRange) -> int | None:
    """Return up to where a range has footage, or may have; None if there is none."""
    there = footage.within(asked.start, asked.end)
    return there[-1].end if there else None


def unbroken_until(footage: Footage, start: float, *, gap: float) -> float:
    """Return up to where footage is known without a break from a moment.

    Breaks of up to `gap` seconds don't count.
    """
    end = start
    for stretch in footage.ranges:
        if stretch.start > end + gap:
            break
        end = max(end, float(stretch.end))
    return end


def windows(hours: Sequence[int] | None, start: int, end: int) -> list[FootageRange]:
    """Return the ranges in which to ask for Frigate's recordings, the oldest first.

    `hours` are those in which footage begins, each by its first second; None: not
    known. None of the ranges is longer than six hours; of too many the newest are
    returned.
    """
    if hours is None:
        wanted = [FootageRange(max(start, end - MAX_WINDOWS * _WINDOW), end)]
    else:
        reach = _HOUR + _LONGEST_SEGMENT
        found = (cut(FootageRange(hour, hour + reach), start, end) for hour in hours)
        wanted = join(found)
    cuts = [
        FootageRange(begin, min(begin + _WINDOW, footage.end))
        for footage in wanted
        for begin in range(footage.start, footage.end, _WINDOW)
    ]
    return cuts[-MAX_WINDOWS:]


def _join(ranges: Iterable[FootageRange], *, gap: int) -> list[FootageRange]:
    found: list[FootageRange] = []
    for each in sorted(ranges, key=lambda footage: footage.start):
        if found and each.start <= found[-1].end + gap:
            end = max(found[-1].end, each.end)
            found[-1] = FootageRange(found[-1].start, end)
        else:
            found.append(each)
    return found
