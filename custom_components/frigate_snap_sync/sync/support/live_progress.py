"""How far live film has come: what parts need not be asked for any more."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from math import floor

from ..model.item import Role
from ..model.openings import wanted
from ..model.plans import FilePlan, Progress, UploadPlan
from ..model.spans import NONE, Spans, union

_MARGIN = 1.0
"""Seconds by which what a film shows may be older than its arrival."""
_JOINT = 0.25
"""Seconds without a picture that are no gap."""
_MOST = 1000


class LiveProgress:
    """The seconds of running reviews that have arrived at destinations live.

    Of this run of the engine alone: what was before is not taken up again.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[tuple[str, str], Spans] = {}

    def note(self, source_id: str, destination_id: str, spans: Spans) -> None:
        """Note what has arrived of a review at a destination."""
        key = (source_id, destination_id)
        self._known[key] = _joined(self._known.pop(key, NONE), spans)
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    def knows(self, source_id: str) -> bool:
        """Tell whether anything of a review has arrived live."""
        return any(known == source_id for known, _ in self._known)

    def until(
        self, source_id: str, destination_ids: tuple[str, ...], begin: float
    ) -> float:
        """Return up to when all of these have all of a review's film from `begin` on.

        `begin` itself if one of them lacks something there. By Frigate's clock.
        """
        ends = [
            self._until(self._known.get((source_id, each), NONE), begin)
            for each in destination_ids
        ]
        return max(begin, min(ends, default=begin))

    def ahead(
        self, known: Progress, source_id: str, uploads: Iterable[UploadPlan]
    ) -> Progress:
        """Return how far a review's parts go, with what all have live instead.

        All for whom uploads are wanted. The first part stays: it brings what was before.
        """
        if known.parts_end is None:
            return known
        ids = tuple(upload.destination_id for upload in wanted(uploads))
        until = floor(self.until(source_id, ids, known.parts_end))
        return replace(known, parts_end=max(known.parts_end, until))

    def without_held(
        self, source_id: str, files: Iterable[FilePlan]
    ) -> tuple[FilePlan, ...]:
        """Return the files without those uploads whose destination has all of it live.

        Others may need a part that it need not get. The first part goes to all.
        """
        return tuple(
            replace(
                file,
                uploads=tuple(
                    upload
                    for upload in file.uploads
                    if not self._holds(source_id, upload.destination_id, file)
                )
                or file.uploads,
            )
            if file.role is Role.PART and file.number > 1
            else file
            for file in files
        )

    def _holds(self, source_id: str, destination_id: str, file: FilePlan) -> bool:
        if file.start is None or file.end is None:
            return False
        known = self._known.get((source_id, destination_id), NONE)
        return self._until(known, file.start) >= file.end

    @staticmethod
    def _until(spans: Spans, begin: float) -> float:
        for start, end in spans:
            if start <= begin <= end:
                return end - _MARGIN
        return begin


def _joined(known: Spans, spans: Spans) -> Spans:
    """Return both together; what lies before `spans` costs nothing, however much it is."""
    if not spans:
        return known
    # The one before may reach into it, or end right where it begins.
    at = max(bisect_right(known, spans[0]) - 1, 0)
    return known[:at] + union(known[at:], spans, joint=_JOINT)
