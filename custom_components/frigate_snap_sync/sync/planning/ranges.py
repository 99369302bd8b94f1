"""A stretch of footage that a person asked for: what is fetched of it. All pure."""

from collections.abc import Iterable, Sequence
from math import ceil, floor

from ..model.footage_ranges import FootageRange, pieces
from ..model.item import Role
from ..model.limits import Limits
from ..model.plans import FilePlan, FileState, UploadPlan
from ..model.recorded_footage import Footage

type Period = tuple[float, float]
"""Epoch seconds of our clock, from and to."""


def without(start: float, end: float, off: Iterable[Period]) -> list[Period]:
    """Return what is left of a time without the periods `off`, which are in order."""
    left: list[Period] = []
    for begin, over in off:
        if begin > start:
            left.append((start, min(begin, end)))
        start = max(start, over)
    if start < end:
        left.append((start, end))
    return [(begin, over) for begin, over in left if begin < over]


def range_pieces(
    periods: Iterable[Period],
    footage: Footage,
    *,
    clock_offset: float,
    limits: Limits,
) -> list[FootageRange]:
    """Return the half hours in which there is footage, none of them across periods.

    `clock_offset` is our clock less Frigate's. Of a second that lies in no period as a
    whole nothing is asked for: it may be one with capture off.
    """
    found: list[FootageRange] = []
    for start, end in periods:
        begin, over = ceil(start - clock_offset), floor(end - clock_offset)
        if begin < over:
            found += pieces(footage.within(begin, over), limits)
    return found


def range_files(
    ranges: Sequence[FootageRange],
    uploads: tuple[UploadPlan, ...],
    *,
    footage: Footage,
    due: float,
    clock_offset: float,
) -> tuple[FilePlan, ...]:
    """Return the files of a stretch of footage, to be fetched from `due` on."""
    return tuple(
        FilePlan(
            state=FileState.WANTED,
            uploads=uploads,
            role=Role.WHOLE,
            number=number,
            suffix="" if len(ranges) == 1 else f"{number:02}",
            start=piece.start,
            end=piece.end,
            due=due,
            ended_at=piece.end + clock_offset,
            had_footage=footage.was_seen(piece),
        )
        for number, piece in enumerate(ranges, start=1)
    )
