"""Room in the spool: who gives way when it is full."""

from collections.abc import Callable, Collection
import logging
import time

from .items import Rank, UploadState
from .ledger import Ledger, files, outcomes, uploads
from .spool import Spool, SpoolFull
from .status import UploadEvent

_LOGGER = logging.getLogger(__name__)

_RESERVE = 8 << 20
"""Bytes that clips leave to stills."""
_SMALLEST_CLIP = 32 << 20
"""Bytes that must be free before a clip is asked for."""
_AGAIN = 300.0
"""Seconds until a clip that gave way is asked for again."""


class Room:
    """Keeps the spool below its limit.

    Clips can be fetched from Frigate again, so they give way first, the oldest
    detections before all; live snapshots, which exist nowhere else, go last. A
    clip for which a working destination waits gives way only to stills.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        ledger: Ledger,
        working: Callable[[], Collection[str]],
        on_upload: Callable[[UploadEvent], None],
    ) -> None:
        """Keep what it works with; `working` tells which destinations take files."""
        self.is_full = False
        self._spool = spool
        self._ledger = ledger
        self._working = working
        self._on_upload = on_upload

    def report_full(self) -> None:
        """Note that something could not be kept, or had to give way."""
        if not self.is_full:
            _LOGGER.warning(
                "The spool has reached its limit of %d MiB", self._spool.limit >> 20
            )
        self.is_full = True

    async def make(self, *, for_file: int | None, rank: Rank, size: int = 0) -> None:
        """Make room for a file of that rank; the `size` of a clip is not known.

        Raises SpoolFull when there is none to be had.
        """
        is_clip = rank > Rank.SNAPSHOT
        needed = _SMALLEST_CLIP + _RESERVE if is_clip else size + _RESERVE
        needed = min(needed, self._spool.limit // 2)
        if self._free >= needed:
            if self._free >= self._spool.limit // 10:
                self.is_full = False
            return
        self.report_full()
        keep_for = frozenset(self._working()) if is_clip else frozenset[str]()
        if is_clip and not await self._is_wanted_now(for_file, keep_for):
            raise SpoolFull("The spool has reached its limit")
        while self._free < needed:
            clip = await self._ledger.run(files.next_to_give_way, keep_for=keep_for)
            if clip is None:
                break
            await self._ledger.run(
                files.want_again, clip.file_id, due=time.time() + _AGAIN
            )
            await self._spool.remove([clip.spool_name])
        if is_clip and self._free < needed:
            raise SpoolFull("The spool has reached its limit")
        while self._free < size:
            await self._drop_oldest()

    @property
    def _free(self) -> int:
        return self._spool.limit - self._spool.used

    async def _is_wanted_now(
        self, file_id: int | None, working: frozenset[str]
    ) -> bool:
        """Tell whether a destination that works waits for the file."""
        if file_id is None:
            return True
        waiting = await self._ledger.run(uploads.destinations_of, file_id)
        return not working.isdisjoint(waiting)

    async def _drop_oldest(self) -> None:
        still = await self._ledger.run(files.oldest_still)
        if still is None:
            raise SpoolFull("The spool has reached its limit")
        freed = await self._ledger.run(
            outcomes.finish,
            still.file_id,
            UploadState.DROPPED,
            "The spool had reached its limit",
            now=time.time(),
        )
        _LOGGER.warning("A snapshot had to be dropped: the spool is full")
        await self._spool.remove(freed)
        for event in await self._ledger.run(outcomes.failed_events, still.file_id):
            self._on_upload(event)
