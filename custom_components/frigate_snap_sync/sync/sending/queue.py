"""The queue of one destination: which upload is next, and how many are sent at once."""

from collections.abc import Collection
from typing import Final

from ...storage.base import Capabilities
from ..ledger import uploads
from ..ledger.uploads import UploadJob
from ..model.item import Rank
from ..services import Services

STILLS: Final = (Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT)
_PARTS: Final = (Rank.ALERT_PART, Rank.DETECTION_PART)
_CLIPS: Final = (Rank.ALERT_CLIP, Rank.DETECTION_CLIP, Rank.RANGE_CLIP)


def lanes_for(
    capabilities: Capabilities, *, stills_at_once: int
) -> list[tuple[Rank, ...]]:
    """Return the ranks of each lane that sends to a destination.

    Neither stills nor parts ever wait behind a long clip. At most `stills_at_once`
    lanes are for stills, and no more than the destination takes files at once: the
    others would only wait there, in the order in which they came and not in that of
    their ranks.
    """
    most = capabilities.max_concurrent
    stills = stills_at_once if most is None else max(1, min(stills_at_once, most))
    return [_PARTS, _CLIPS, *[STILLS] * stills]


class UploadQueue:
    """A destination's uploads whose files lie in the spool, for its lanes."""

    def __init__(self, destination_id: str, *, services: Services) -> None:
        """Keep whose uploads they are."""
        self._id = destination_id
        self._ledger = services.ledger
        self._timing = services.timing

    def key(self, job: UploadJob) -> int:
        """Return the upload's id."""
        return job.upload_id

    async def next(
        self, ranks: Collection[Rank], *, now: float, exclude: Collection[int]
    ) -> UploadJob | None:
        """Return the first upload of these ranks that is due. Raises LedgerError."""
        jobs = await self._ledger.run(
            uploads.next_uploads,
            self._id,
            ranks=ranks,
            now=now,
            exclude=exclude,
            limit=1,
            fresh_for=self._timing.fresh,
        )
        return jobs[0] if jobs else None

    async def next_due(self, *, after: float) -> float | None:
        """Return when the next one may be tried again. Raises LedgerError."""
        return await self._ledger.run(uploads.next_retry, self._id, after=after)
