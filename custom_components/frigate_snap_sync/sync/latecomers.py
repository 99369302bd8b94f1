"""Items that are over go to destinations that came later, if somebody asks for it."""

import time

from ..frigate.client import FrigateClient
from .fetcher import Fetcher
from .items import Media
from .ledger import Ledger, counters, latecomers
from .ledger.items import FilePlan, FileState, Progress
from .planner import Planner
from .policy import Bounds


class Latecomers:
    """Gives known items to destinations that want them and have no upload of them."""

    def __init__(
        self,
        client: FrigateClient,
        *,
        ledger: Ledger,
        planner: Planner,
        fetcher: Fetcher,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._ledger = ledger
        self._planner = planner
        self._fetcher = fetcher

    async def serve(self, media: Media, source_id: str) -> bool:
        """Plan an item for those who lack it; return whether there is anything to do.

        What the owner kept at home, by switching uploads off, stays there.
        Raises LedgerError.
        """
        known = await self._ledger.run(latecomers.known, media, source_id)
        if known is None:
            return False
        item, offset = known.item, self._client.clock_offset
        begin = item.start + offset
        uploads = tuple(
            upload
            for upload in self._planner.uploads(item)
            if upload.destination_id not in known.destinations
        )
        if not uploads or await self._ledger.run(counters.was_off, begin):
            return False
        lacking = frozenset(upload.destination_id for upload in uploads)
        now = time.time()
        if known.has_files:
            if not await self._ledger.run(latecomers.join, known, uploads, now=now):
                return False
        else:
            files: tuple[FilePlan, ...]
            if media is Media.RECORDINGS:
                first, last = await self._ledger.run(counters.on_around, begin)
                files = self._planner.recording(
                    item,
                    known=Progress(),
                    bounds=Bounds(first - offset, last - offset),
                    clock_offset=offset,
                    only=lacking,
                )
            else:
                files = (FilePlan(state=FileState.WANTED, uploads=uploads, due=now),)
            await self._ledger.run(latecomers.plan, known, files)
        self._fetcher.wake(lacking)
        return True
