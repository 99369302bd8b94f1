"""Stretches of time, as sorted pairs that don't touch; in epoch seconds. All pure."""

from collections.abc import Iterable
from itertools import pairwise
import json
from typing import Final

type Spans = tuple[tuple[float, float], ...]
"""From, until; sorted, without overlaps, and none of them empty."""

NONE: Final[Spans] = ()

_JOINT = 1.0
"""Seconds between two stretches that are one: Frigate names the whole second in
which a segment begins, which may lie that much behind the end of the one before."""


def union(*several: Iterable[tuple[float, float]], joint: float = _JOINT) -> Spans:
    """Return the time that lies in any of them; gaps up to `joint` are closed."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(span for spans in several for span in spans):
        if end <= begin:
            continue
        if found and begin <= found[-1][1] + joint:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return tuple(found)


def within(spans: Spans, begin: float, end: float) -> Spans:
    """Return the time that lies between two moments."""
    return tuple(
        (max(start, begin), min(finish, end))
        for start, finish in spans
        if max(start, begin) < min(finish, end)
    )


def missing(wanted: Spans, held: Spans) -> Spans:
    """Return the time of `wanted` that does not lie in `held`."""
    found: list[tuple[float, float]] = []
    for begin, end in wanted:
        inside = within(held, begin, end)
        edges = [begin, *(moment for span in inside for moment in span), end]
        found.extend(
            (start, finish)
            for start, finish in list(pairwise(edges))[::2]
            if start < finish
        )
    return tuple(found)


def total(spans: Spans) -> float:
    """Return how many seconds there are."""
    return sum(end - begin for begin, end in spans)


def to_text(spans: Spans) -> str:
    """Return them as JSON."""
    return json.dumps([[round(begin, 3), round(end, 3)] for begin, end in spans])


def from_text(text: str | None) -> Spans:
    """Return what `to_text` made; nothing for None."""
    if text is None:
        return NONE
    return tuple((float(begin), float(end)) for begin, end in json.loads(text))
