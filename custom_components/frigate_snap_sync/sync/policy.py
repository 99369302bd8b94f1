"""Decisions: who wants an item, which footage to ask for, and when. All pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from ..frigate.models import Segment, Severity
from .items import Item, Media

PIECE_SECONDS = 1800
"""A longer recording is kept as consecutive pieces of this length."""

MAX_PIECES = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a destination wants. An empty set means all."""

    media: frozenset[Media] = frozenset(Media)
    cameras: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the engine waits, in seconds."""

    settle: float = 20
    """From a review's end until Frigate has its last footage on disk (10-17 s)."""
    first_retry: float = 10
    longest_retry: float = 300
    gone_after: float = 600
    """How long after its end a review without any footage may still get some."""
    missing_after: float = 60
    """How long what Frigate answers with 404 is asked for again."""
    tail_patience: float = 60
    """How long after its end a recording's last seconds are waited for."""
    poll: float = 60
    """How often Frigate is asked for its configuration."""
    probe: float = 300
    """How often an idle destination is looked at."""
    camera_absence: float = 86400
    """How long a camera must be missing from Frigate's configuration to go."""


@dataclass(frozen=True, slots=True)
class FootageRange:
    """A stretch of footage in whole epoch seconds of Frigate's clock."""

    start: int
    end: int


def wants(selection: Selection, item: Item) -> bool:
    """Tell whether a destination wants the item.

    Severity and zones don't apply to live snapshots: Frigate tells neither.
    A tracked object without a severity (Frigate 0.14) passes as an alert, for
    a copy too many does less harm than one too few.
    """
    if item.media not in selection.media:
        return False
    if selection.cameras and item.camera not in selection.cameras:
        return False
    if selection.labels and not _folded(selection.labels) & _folded(item.labels):
        return False
    if item.media is Media.LIVE_SNAPSHOTS:
        return True
    if selection.zones and not selection.zones & item.zones:
        return False
    return selection.severity is None or item.severity in (None, selection.severity)


def _folded(labels: Iterable[str]) -> set[str]:
    return {label.casefold() for label in labels}


def merge(known: Item | None, told: Item) -> Item:
    """Return what is known of a review after one more message about it.

    Labels and zones only grow, an alert stays one, the first start stays, and a
    later message without an end doesn't take one away.
    """
    if known is None:
        return told
    alert = Severity.ALERT in (known.severity, told.severity)
    return replace(
        known,
        labels=known.labels | told.labels,
        zones=known.zones | told.zones,
        severity=Severity.ALERT if alert else told.severity,
        end=told.end if told.end is not None else known.end,
    )


def ended(item: Item, *, now: float) -> Item:
    """Return the review with an end that can be: never after `now`, nor before its start.

    `now` is Frigate's clock. A manual event that is cut short carries no usable
    end (Frigate 0.16+: 9223372036854775807); it ended at the latest when we
    were told.
    """
    end = now if item.end is None else min(item.end, now)
    return replace(item, end=max(end, item.start))


def footage_ranges(
    item: Item, *, padding_before: float, padding_after: float
) -> list[FootageRange]:
    """Return the ranges to ask for: one, or the half hours of a long recording.

    Frigate rounds both ends down and cuts the last second, so the end is
    rounded up.
    """
    if item.end is None:
        raise ValueError("the review has not ended")
    start = floor(item.start - padding_before)
    end = max(ceil(item.end + padding_after), start + 1)
    # A rest of under a minute is not worth a file of its own.
    count = max(1, min(ceil((end - start - 60) / PIECE_SECONDS), MAX_PIECES))
    cuts = [start + number * PIECE_SECONDS for number in range(count)]
    last = min(end, cuts[-1] + PIECE_SECONDS + 60)
    return [
        FootageRange(begin, finish)
        for begin, finish in zip(cuts, [*cuts[1:], last], strict=True)
    ]


def first_fetch(end: float, *, now: float, clock_offset: float, settle: float) -> float:
    """Return when to ask for a recording that ended at `end`, by our clock.

    `clock_offset` is our clock less Frigate's.
    """
    return max(now, min(end + clock_offset, now) + settle)


def retry_delay(attempts: int, timing: Timing) -> float:
    """Return the seconds to wait after the given number of attempts: 10, 20, 40 … 300."""
    return min(timing.first_retry * 2.0 ** min(attempts - 1, 16), timing.longest_retry)


def footage_seconds(segments: Sequence[Segment], asked: FootageRange) -> float:
    """Return how many seconds of the range Frigate's recordings cover."""
    covered, reached = 0.0, float(asked.start)
    for segment in sorted(segments, key=lambda segment: segment.start_time):
        begin = max(segment.start_time, reached)
        finish = min(segment.end_time, asked.end)
        if finish > begin:
            covered += finish - begin
            reached = finish
    return covered


def tail_is_missing(
    segments: Sequence[Segment], *, end: float, age: float, timing: Timing
) -> bool:
    """Tell whether the last seconds before `end` may still come to Frigate's disk.

    `age` is how long ago that end was.
    """
    newest = max((segment.end_time for segment in segments), default=0.0)
    return newest < end - 1 and age < timing.tail_patience


def is_short(duration: float, *, expected: float) -> bool:
    """Tell whether a clip lacks footage that Frigate's recordings show.

    A clip may begin some seconds early, at a keyframe, and loses up to a second
    at each end; a segment file that is missing on Frigate's disk cuts it short.
    """
    return duration < expected - max(3.0, expected * 0.02)
