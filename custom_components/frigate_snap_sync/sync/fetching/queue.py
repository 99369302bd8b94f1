"""The queue of the fetcher: which file is next."""

from collections.abc import Collection

from ..ledger import fetch_queue
from ..ledger.fetch_queue import FetchJob
from ..model.rank import Rank
from ..services import Services


class FetchQueue:
    """The files that Frigate is to be asked for, for the fetcher's lanes."""

    def __init__(self, services: Services) -> None:
        """Keep where they are known."""
        self._ledger = services.ledger
        self._timing = services.timing

    def key(self, job: FetchJob) -> int:
        """Return the file's id."""
        return job.file_id

    async def next(
        self, ranks: Collection[Rank], *, now: float, exclude: Collection[int]
    ) -> FetchJob | None:
        """Return the first file of these ranks that is due. Raises LedgerError."""
        jobs = await self._ledger.run(
            fetch_queue.next_fetches,
            now=now,
            ranks=ranks,
            exclude=exclude,
            limit=1,
            fresh_for=self._timing.fresh,
        )
        return jobs[0] if jobs else None

    async def next_due(self, *, after: float) -> float | None:
        """Return when the next file will be due. Raises LedgerError."""
        return await self._ledger.run(fetch_queue.next_due, after=after)
