"""Which footage to ask for, and when: halves of hours, parts, bounds. All pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf

from ...frigate.models import Segment
from .item import Item
from .limits import Limits
from .timing import Timing

MAX_PIECES = 336
"""Of a review that claims to have lasted longer, the last week is kept: Frigate's
host may have begun without a clock."""

_LATE = 2
"""Seconds after which a part is no longer planned as soon as it could be."""

FIRST_PART_SECONDS = 10
"""How much of a review the first part waits for."""

MAX_PART_SECONDS = 600
"""How long a part may be that catches up."""


@dataclass(frozen=True, slots=True)
class FootageRange:
    """A stretch of footage in whole epoch seconds of Frigate's clock."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The time of which footage may be sent, in epoch seconds; ends may be infinite.

    `openings` are the destinations that take it only from a later moment on.
    """

    start: float = -inf
    end: float = inf
    openings: Mapping[str, float] = field(default_factory=dict)

    def cut(self, footage: FootageRange) -> FootageRange | None:
        """Return what of a range lies inside, None if nothing does."""
        start = footage.start if self.start == -inf else ceil(self.start)
        end = footage.end if self.end == inf else floor(self.end)
        start, end = max(start, footage.start), min(end, footage.end)
        return FootageRange(start, end) if start < end else None


def bounds_of(
    period: tuple[float, float] | None,
    *,
    clock_offset: float,
    openings: Mapping[str, float],
) -> Bounds | None:
    """Return the bounds that a period of our clock sets; None: nothing may be sent.

    `clock_offset` is our clock less Frigate's, in seconds.
    """
    if period is None:
        return None
    begin, end = period
    return Bounds(begin - clock_offset, end - clock_offset, openings)


def first_second(item: Item, padding_before: float) -> int:
    """Return where a recording's footage begins."""
    return floor(item.start - padding_before)


def last_second(item: Item, padding_after: float) -> int:
    """Return where an ended recording's footage ends.

    Frigate rounds both ends of a range down and cuts the last second, so the end
    is rounded up.
    """
    if item.end is None:
        raise ValueError("the review has not ended")
    return ceil(item.end + padding_after)


def pieces(ranges: Sequence[FootageRange], limits: Limits) -> list[FootageRange]:
    """Return stretches of footage as one range to ask for, or as half hours.

    `ranges` are in order and don't overlap. No piece begins or ends where there is
    no footage. A remainder of under a minute is added to the last half hour.
    """
    return _cut(ranges, rest=limits.piece_remainder, piece=limits.piece)


def full_pieces(
    ranges: Sequence[FootageRange], limits: Limits, *, now: float
) -> tuple[list[FootageRange], float]:
    """Return the half hours of an active review, and when the next will be over.

    `ranges` are where it has footage, up to `now`, by Frigate's clock. A half hour
    that is over waits for another minute: that is added to it if it is the last.
    """
    wait = limits.piece + limits.piece_remainder
    found, over = _cut(ranges, rest=0, piece=limits.piece), now - wait
    full = [each for each in found if each.start <= over]
    begin = found[len(full)].start if len(full) < len(found) else now
    return full, float(begin + wait)


def _cut(
    ranges: Sequence[FootageRange], *, rest: int, piece: int
) -> list[FootageRange]:
    longest = MAX_PIECES * piece
    left = deque(FootageRange(max(r.start, r.end - longest), r.end) for r in ranges)
    found: deque[FootageRange] = deque(maxlen=MAX_PIECES)
    while left:
        begin = end = left[0].start
        full = begin + piece
        if left[-1].end <= full + rest:
            full = left[-1].end
        while left and left[0].start < full:
            footage = left.popleft()
            end = min(footage.end, full)
            if footage.end > full:
                left.appendleft(FootageRange(full, footage.end))
        found.append(FootageRange(begin, end))
    return list(found)


def next_part(
    item: Item,
    begin: int,
    *,
    padding_before: float,
    length: int,
    settle: float,
    now: float,
) -> FootageRange | float:
    """Return the next part of an active review, or when it will be over.

    `begin` is where the last part ended, or the review's first second; `now` is
    Frigate's clock, `settle` how long after a moment Frigate has it on disk. Parts
    are contiguous; what was missed is caught up in longer ones, which hold only
    what lies on Frigate's disk for long, so that nothing has to be waited for.
    """
    is_first = begin == first_second(item, padding_before)
    end = ceil(item.start) + FIRST_PART_SECONDS if is_first else begin + length
    if now < end:
        return float(end)
    settled = min(floor(now - settle), begin + MAX_PART_SECONDS)
    is_late = now > end + _LATE and settled >= begin + FIRST_PART_SECONDS
    return FootageRange(begin, settled if is_late else max(end, settled))


def as_parts(begin: int, end: int) -> list[FootageRange]:
    """Return a stretch of footage in parts of at most ten minutes."""
    return [
        FootageRange(start, min(start + MAX_PART_SECONDS, end))
        for start in range(begin, end, MAX_PART_SECONDS)
    ]


def first_fetch(end: float, *, now: float, clock_offset: float, settle: float) -> float:
    """Return when to ask for a recording that ended at `end`, by our clock.

    `clock_offset` is our clock less Frigate's.
    """
    return max(now, min(end + clock_offset, now) + settle)


def tail_is_missing(
    segments: Sequence[Segment],
    *,
    end: float,
    age: float,
    attempts: int,
    timing: Timing,
) -> bool:
    """Tell whether the last seconds before `end` may still come to Frigate's disk.

    `age` is how long ago that end was, by Frigate's clock: where that was set back
    it tells nothing, so failed `attempts` end the waiting as well.
    """
    newest = max((segment.end_time for segment in segments), default=0.0)
    return (
        newest < end - 1
        and age < timing.tail_patience
        and attempts < timing.tail_attempts
    )
