"""Decisions: who wants an item, which footage to ask for, and when. All pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil, floor, inf
import unicodedata

from ..frigate.fields import MAX_LABELS, clean_text
from ..frigate.models import Segment, Severity
from .items import Item, Media
from .timing import Timing

PIECE_SECONDS = 1800
"""A longer recording is kept as consecutive pieces of this length."""

MAX_PIECES = 336
"""Of a review that claims to have lasted longer, the last week is kept: Frigate's
host may have begun without a clock."""

_MAX_LABEL_BYTES = 8192
"""Of an item's labels, and of its zones, in UTF-8."""

_FRAME = 1.0
"""How far, in seconds, the moment of a picture may lie outside of its object's time."""

_REST = 60
_DAY = 86400
_LATE = 2
"""Seconds after which a part is no longer planned as soon as it could be."""

BROKEN_TRIES = 3
"""After so many hangs or truncations smaller ranges are asked for."""

FIRST_PART_SECONDS = 10
"""How much of a review the first part waits for."""

MAX_PART_SECONDS = 600
"""How long a part may be that catches up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a destination wants. An empty set means all."""

    media: frozenset[Media] = frozenset(Media)
    cameras: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class FootageRange:
    """A stretch of footage in whole epoch seconds of Frigate's clock."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The time of which footage may be sent, in epoch seconds; ends may be infinite."""

    start: float = -inf
    end: float = inf

    def cut(self, footage: FootageRange) -> FootageRange | None:
        """Return what of a range lies inside, None if nothing does."""
        start = footage.start if self.start == -inf else ceil(self.start)
        end = footage.end if self.end == inf else floor(self.end)
        start, end = max(start, footage.start), min(end, footage.end)
        return FootageRange(start, end) if start < end else None


def bounds_of(
    period: tuple[float, float] | None, *, clock_offset: float
) -> Bounds | None:
    """Return the bounds that a period of our clock sets; None: nothing may be sent.

    `clock_offset` is our clock less Frigate's, in seconds.
    """
    if period is None:
        return None
    begin, end = period
    return Bounds(begin - clock_offset, end - clock_offset)


def picture_time(item: Item) -> tuple[float, float]:
    """Return the earliest and latest moment that an object's picture may show.

    By Frigate's clock: the moment it was taken where Frigate tells one that can be,
    else the whole time for which the object was tracked.
    """
    end = max(item.start, item.told if item.end is None else item.end)
    taken = item.pictured
    if taken is not None and item.start - _FRAME <= taken <= end + _FRAME:
        return taken, taken
    return item.start, end


def wants(selection: Selection | None, item: Item) -> bool:
    """Tell whether a destination wants the item, or may want it.

    Without a selection, which can't be read, everything waits for the destination
    until it can: then what it does not want is skipped.

    Severity and zones don't apply to live snapshots: Frigate tells neither.
    A tracked object without a severity passes as an alert, for a copy too many
    does less harm than one too few. Frigate 0.14 tells none, and its review, from
    which one might guess, can't be asked for by its object (from 0.15 on it can).
    Labels and zones are compared without regard to case; of several names in one
    text ("Anna, Bob") each counts.
    """
    if selection is None:
        return True
    if item.media not in selection.media:
        return False
    if selection.cameras and item.camera not in selection.cameras:
        return False
    if selection.labels and not _words(selection.labels) & _words(item.labels):
        return False
    if item.media is Media.LIVE_SNAPSHOTS:
        return True
    if selection.zones and not _words(selection.zones) & _words(item.zones):
        return False
    return selection.severity is None or item.severity in (None, selection.severity)


def bounded(
    item: Item, *, known: Item | None = None, selections: Iterable[Selection]
) -> Item:
    """Return the item with as many labels and zones as may be kept of it.

    A message may bring ever new ones. Kept is what was known before, then what one
    of the `selections` asks for, however late it comes, then others up to the
    limit in number and bytes.
    """
    asked = tuple(selections)
    return replace(
        item,
        labels=_kept(
            item.labels,
            known=known.labels if known else frozenset(),
            asked=(each.labels for each in asked),
        ),
        zones=_kept(
            item.zones,
            known=known.zones if known else frozenset(),
            asked=(each.zones for each in asked),
        ),
    )


def _kept(
    texts: frozenset[str],
    *,
    known: frozenset[str],
    asked: Iterable[frozenset[str]],
) -> frozenset[str]:
    if len(texts) <= MAX_LABELS and _size(texts) <= _MAX_LABEL_BYTES:
        return texts
    kept = set(texts & known)
    missing = _words(chain.from_iterable(asked)) - _words(kept)
    others = []
    for text in sorted(texts - known):
        if missing and (found := _words((text,)) & missing):
            kept.add(text)
            missing -= found
        else:
            others.append(text)
    size = _size(kept)
    for text in others:
        size += _size((text,))
        if len(kept) >= MAX_LABELS or size > _MAX_LABEL_BYTES:
            break
        kept.add(text)
    return frozenset(kept)


def _size(texts: Iterable[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def _words(texts: Iterable[str]) -> set[str]:
    """Return the texts, and the names between commas in them, fit to be compared.

    What an owner typed is cleaned as Frigate's labels are.
    """
    return {
        unicodedata.normalize("NFC", clean.casefold())
        for text in texts
        for word in (text, *text.split(","))
        if (clean := clean_text(word))
    }


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
    """Return the review with an end that can be, at or after its start.

    `now` is Frigate's clock. A manual event that is cut short carries no usable
    end (Frigate 0.16+: 9223372036854775807); it ended at the latest when we
    were told. Any other end is taken as it is: our idea of Frigate's clock may
    be wrong.
    """
    end = now if item.end is None or item.end > now + _DAY else item.end
    return replace(item, end=max(end, item.start))


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


def pieces(ranges: Sequence[FootageRange]) -> list[FootageRange]:
    """Return stretches of footage as one range to ask for, or as half hours.

    `ranges` are in order and don't overlap. No piece begins or ends where there is
    no footage. A rest of under a minute is added to the last half hour.
    """
    return _cut(ranges, rest=_REST)


def full_pieces(
    ranges: Sequence[FootageRange], *, now: float
) -> tuple[list[FootageRange], float]:
    """Return the half hours of a review that goes on, and when the next will be over.

    `ranges` are where it has footage, up to `now`, by Frigate's clock. A half hour
    that is over waits for another minute: that is added to it if it is the last.
    """
    found, over = _cut(ranges, rest=0), now - PIECE_SECONDS - _REST
    full = [piece for piece in found if piece.start <= over]
    begin = found[len(full)].start if len(full) < len(found) else now
    return full, float(begin + PIECE_SECONDS + _REST)


def _cut(ranges: Sequence[FootageRange], *, rest: int) -> list[FootageRange]:
    longest = MAX_PIECES * PIECE_SECONDS
    left = deque(FootageRange(max(r.start, r.end - longest), r.end) for r in ranges)
    found: deque[FootageRange] = deque(maxlen=MAX_PIECES)
    while left:
        begin = end = left[0].start
        full = begin + PIECE_SECONDS
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
    """Return the next part of a review that goes on, or when it will be over.

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


def first_fetch(end: float, *, now: float, clock_offset: float, settle: float) -> float:
    """Return when to ask for a recording that ended at `end`, by our clock.

    `clock_offset` is our clock less Frigate's.
    """
    return max(now, min(end + clock_offset, now) + settle)


def retry_delay(attempts: int, timing: Timing) -> float:
    """Return the seconds to wait after the given number of attempts: 10, 20, 40 … 300."""
    return min(timing.first_retry * 2.0 ** min(attempts - 1, 16), timing.longest_retry)


def upload_delay(attempts: int, *, is_own_fault: bool, timing: Timing) -> float:
    """Return the seconds until a file may be sent again after failed attempts.

    A file that fails with its destination is tried again first thing, but not
    for ever: it may be the cause, and must not hold up all others.
    """
    if is_own_fault:
        return retry_delay(attempts, timing)
    return 0.0 if attempts <= 2 else retry_delay(attempts - 2, timing)


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
