"""The files of a review's ranges: of its pieces, and of its parts."""

from collections.abc import Callable, Iterable
import time

from ..model.footage_ranges import Bounds, FootageRange
from ..model.item import Role
from ..model.openings import for_range, wanted
from ..model.plans import FilePlan, FileState, UploadPlan, part_suffix
from ..model.recorded_footage import Footage


def piece_plans(
    ranges: Iterable[FootageRange],
    uploads: tuple[UploadPlan, ...],
    *,
    number: int,
    bounds: Bounds,
    footage: Footage,
    clock_offset: float,
    due: Callable[[FootageRange], float],
    is_one: bool = False,
    as_is: bool = False,
) -> list[FilePlan]:
    """Return the files of pieces, whose names have no number if it `is_one`."""
    return [
        FilePlan(
            state=FileState.WANTED,
            uploads=for_range(uploads, bounds.openings, piece),
            role=Role.WHOLE,
            number=count,
            suffix="" if is_one else f"{count:02}",
            start=inside.start,
            end=inside.end,
            due=due(piece),
            ended_at=inside.end + clock_offset,
            as_is=as_is,
            had_footage=footage.was_seen(inside),
        )
        for count, piece in enumerate(ranges, start=number)
        if (inside := bounds.cut(piece)) is not None
    ]


def part_plans(
    ranges: Iterable[FootageRange],
    uploads: tuple[UploadPlan, ...],
    *,
    number: int,
    bounds: Bounds,
    clock_offset: float,
    settle: float,
    as_is: bool = False,
) -> list[FilePlan]:
    """Return the files of parts: at once what Frigate has (`as_is`), or all of it."""
    now = time.time()
    return [
        FilePlan(
            state=FileState.WANTED,
            uploads=wanted(for_range(uploads, bounds.openings, part)),
            role=Role.PART,
            number=count,
            suffix=part_suffix(count),
            start=inside.start,
            end=inside.end,
            due=now if as_is else part.end + clock_offset + settle,
            ended_at=inside.end + clock_offset,
            as_is=as_is,
        )
        for count, part in enumerate(ranges, start=number)
        if (inside := bounds.cut(part)) is not None
    ]
