"""What several messages about one review, or object, come to. All pure."""

from collections.abc import Collection
from dataclasses import replace

from ...frigate.models import Review, Severity, TrackedObject
from ...frigate.parsers import MAX_DETECTIONS
from .item import Item

_FRAME = 1.0
"""How far, in seconds, the moment of a picture may lie outside of its object's time."""
_DAY = 86400


def picture_time(item: Item) -> tuple[float, float]:
    """Return the earliest and latest moment that an object's picture may show.

    By Frigate's clock: the moment it was taken where Frigate tells one that can be,
    else the whole time for which the object was tracked.
    """
    end = max(item.start, item.reported_at if item.end is None else item.end)
    taken = item.pictured
    if taken is not None and item.start - _FRAME <= taken <= end + _FRAME:
        return taken, taken
    return item.start, end


def merge(known: Item | None, news: Item) -> Item:
    """Return what is known of a review after one more message about it.

    Labels, zones and objects only grow (objects up to a limit), an alert stays one, the
    first start stays, and a later message without an end doesn't take one away.
    """
    if known is None:
        return news
    alert = Severity.ALERT in (known.severity, news.severity)
    return replace(
        known,
        labels=known.labels | news.labels,
        zones=known.zones | news.zones,
        severity=Severity.ALERT if alert else news.severity,
        end=news.end if news.end is not None else known.end,
        object_ids=known.object_ids | new_objects(known.object_ids, news.object_ids),
    )


def new_objects(known: Collection[str], named: frozenset[str]) -> frozenset[str]:
    """Return which of the objects that a message names are kept of a review.

    As many as one message may name, beside those that are `known`: each may name others.
    """
    new = sorted(named.difference(known))
    return frozenset(new[: max(0, MAX_DETECTIONS - len(known))])


def is_endless(end: float | None, *, now: float) -> bool:
    """Tell whether the end of a review that is over can't be one; `now` is Frigate's.

    A manual event that is cut short carries none (Frigate 0.16+: 9223372036854775807).
    Any other is taken as it is: our idea of Frigate's clock may be wrong.
    """
    return end is None or end > now + _DAY


def ended(item: Item, *, by: float) -> Item:
    """Return the review, or object, with an end that can be, at or after its start.

    One without ended `by` the moment when that was reported (Frigate's clock).
    """
    end = item.end
    if end is None or is_endless(end, now=by):
        end = by
    return replace(item, end=max(end, item.start))


def last_moment(review: Review | TrackedObject) -> float:
    """Return up to when a review, or object, lasted at least, by Frigate's clock.

    Of one whose end can't be a time, and is not known yet, nothing but its start is
    sure.
    """
    return review.start_time if review.end_time is None else review.end_time
