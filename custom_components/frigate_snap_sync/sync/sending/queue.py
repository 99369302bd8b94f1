"""The queue of one destination: which upload is next, and how many are sent at once."""

from collections.abc import Collection
from dataclasses import replace
import time
from typing import Final

from ...storage.base import Capabilities
from ...storage.read_back import Content
from ..ledger import uploads
from ..ledger.uploads import UploadJob
from ..model.destination_setup import DestinationSetup
from ..model.rank import Rank
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
    """A destination's uploads for its lanes: those whose files lie in the spool.

    When there is none, those whose files are being downloaded, where the destination
    takes what still grows.
    """

    def __init__(self, setup: DestinationSetup, *, services: Services) -> None:
        """Keep whose uploads they are."""
        self._id = setup.id
        can = setup.destination.capabilities
        # A download may fail: what was sent of it is paid for, or can't be removed.
        is_free = can.can_read and can.can_delete and not setup.volume_budget
        self._follows_from = can.unsized_from if is_free else None
        self._services = services
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
        if jobs:
            return jobs[0]
        if self._follows_from is None:
            return None
        downloads = self._services.downloads
        least = max(self._services.limits.followed_clip, self._follows_from)
        files = downloads.to_follow(self._id, least=least)
        if not files:
            return None
        job = await self._ledger.run(
            uploads.next_downloading, self._id, files, ranks=ranks, exclude=exclude
        )
        if job is None or (download := downloads.get(job.file_id)) is None:
            return None
        download.left.add(self._id)  # One try is enough.
        return replace(job, content=Content(size=download.size, sha256=""))

    async def others_wait(self, job: UploadJob, in_flight: Collection[int]) -> bool:
        """Tell whether a job keeps others from being sent. Raises LedgerError."""
        return bool(
            await self._ledger.run(
                uploads.next_uploads,
                self._id,
                ranks=_PARTS if job.rank in _PARTS else _CLIPS,
                now=time.time(),
                exclude=in_flight,
                limit=1,
            )
        )

    async def next_due(self, *, after: float) -> float | None:
        """Return when the next one may be tried again. Raises LedgerError."""
        return await self._ledger.run(uploads.next_retry, self._id, after=after)
