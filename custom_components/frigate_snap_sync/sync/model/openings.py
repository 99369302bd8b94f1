"""Which footage of an item goes to destinations that are closed at times. All pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, inf
from typing import Final

from .footage_ranges import FootageRange
from .item import UploadState
from .plans import UploadPlan

ONLY_WHILE: Final = "only_while"
"""Why a destination does not get what was at a time when it was closed."""

type Openings = Mapping[str, float]
"""From when on destinations take what an item shows (Frigate's clock), by their ids:
infinity for not at all; who is not among them takes all."""

OPEN: Final[Openings] = {}
"""No destination is closed."""


def begin_of(uploads: Iterable[UploadPlan], openings: Openings) -> float:
    """Return from when on anyone takes what an item shows; infinity for no one."""
    return min(
        (openings.get(upload.destination_id, -inf) for upload in uploads), default=inf
    )


def split(
    ranges: Sequence[FootageRange],
    uploads: Collection[UploadPlan],
    openings: Openings,
) -> list[FootageRange]:
    """Return the ranges, cut where a destination begins to take footage.

    What is before all of that is left out.
    """
    moments = {
        openings[upload.destination_id]
        for upload in uploads
        if upload.destination_id in openings
    }
    cuts = sorted(ceil(moment) for moment in moments if -inf < moment < inf)
    begin = begin_of(uploads, openings)
    found: list[FootageRange] = []
    for whole in ranges:
        inside = [cut for cut in cuts if whole.start < cut < whole.end]
        edges = [whole.start, *inside, whole.end]
        found += [
            FootageRange(start, end) for start, end in pairwise(edges) if start >= begin
        ]
    return found


def for_range(
    uploads: Iterable[UploadPlan], openings: Openings, footage: FootageRange
) -> tuple[UploadPlan, ...]:
    """Return the uploads of a stretch of footage: skipped where it is closed time."""
    return tuple(
        upload
        if footage.start >= openings.get(upload.destination_id, -inf)
        else _skipped(upload)
        for upload in uploads
    )


def for_item(
    uploads: Iterable[UploadPlan], openings: Openings
) -> tuple[UploadPlan, ...]:
    """Return the uploads of an item: skipped where nothing of it is taken."""
    return tuple(
        _skipped(upload) if openings.get(upload.destination_id, -inf) == inf else upload
        for upload in uploads
    )


def wanted(uploads: Iterable[UploadPlan]) -> tuple[UploadPlan, ...]:
    """Return those of the uploads that are to be made."""
    return tuple(each for each in uploads if each.state is UploadState.PENDING)


def _skipped(upload: UploadPlan) -> UploadPlan:
    return UploadPlan(
        destination_id=upload.destination_id,
        path=upload.path,
        state=UploadState.SKIPPED,
        reason=ONLY_WHILE,
    )
