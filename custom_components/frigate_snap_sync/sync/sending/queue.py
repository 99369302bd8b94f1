"""The queue of one destination: which upload is next."""

from collections.abc import Collection

from ..ledger import uploads
from ..ledger.uploads import UploadJob
from ..model.item import Rank
from ..services import Services


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
