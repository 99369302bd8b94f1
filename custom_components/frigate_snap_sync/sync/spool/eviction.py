"""Space in the spool: who gives way when it is full."""

from collections.abc import Callable, Collection
import logging
import time

from ..ledger import holds, outcomes, spooled_files, uploads
from ..model.errors import SpoolFull
from ..model.item import UploadState
from ..model.rank import Rank
from ..services import Services

_LOGGER = logging.getLogger(__name__)

_KEPT_FREE = 600.0
"""Seconds for which half of the spool is left to fresh clips after one found it full."""


class TooLarge(SpoolFull):
    """A clip is larger than the spool can hold, whatever else lies there."""

    def __init__(self, limit: int) -> None:
        """Keep the limit, in bytes."""
        super().__init__(
            f"The clip is too large for the spool's limit of {limit >> 20} MiB"
        )
        self.limit = limit


class SpoolSpace:
    """Keeps the spool below its limit.

    Clips can be fetched from Frigate again, so they give way first, the oldest
    detections before all; live snapshots, which exist nowhere else, go last. A
    clip for which a working destination waits gives way only to stills, and if it
    is old to fresh ones.

    The size of a clip is not known before it has come. One that did not fit is
    not asked for again before there is twice the space; one that has outgrown
    nine tenths of the limit is too large until the owner raises it.
    """

    def __init__(
        self,
        services: Services,
        *,
        working: Callable[[], Collection[str]],
        in_flight: Callable[[], Collection[int]],
    ) -> None:
        """Keep what it works with.

        `working` tells which destinations take files, `in_flight` which files (by
        their ids) are being sent: these never give way.
        """
        self._spool = services.spool
        self._ledger = services.ledger
        self._services = services
        self._limits = services.limits
        self._working = working
        self._in_flight = in_flight
        self._kept_free_until = 0.0
        self._missing = 0
        """Bytes that must be free for what was refused last."""
        self._needs: dict[int, int] = {}
        """Bytes that must be free for clips that did not fit, by their files' ids."""
        self._too_large: set[int] = set()

    @property
    def is_full(self) -> bool:
        """Tell whether something can't be kept, or had to give way a moment ago."""
        return bool(self._too_large) or self._free < self._missing

    def is_too_large(self, file_id: int) -> bool:
        """Tell whether a clip is known to be larger than the spool can hold."""
        return file_id in self._too_large

    def report_full(self, needed: int = 0) -> None:
        """Note that something could not be kept, or had to give way.

        `needed` are the bytes that must be free for it.
        """
        if self._free >= self._missing:
            _LOGGER.warning(
                "The spool has reached its limit of %d MiB", self._spool.limit >> 20
            )
            self._missing = 0
        self._missing = max(self._missing, needed, self._spool.limit // 10)

    def refuse(self, file_id: int, size: int) -> SpoolFull:
        """Note that a clip did not fit when `size` bytes had come; return why."""
        most = self._spool.limit * 9 // 10
        if size + self._spool.reserve > most:
            self.report_full()
            self._too_large.add(file_id)
            return self.too_large
        self._needs[file_id] = min(2 * size + self._spool.reserve, most)
        self.report_full(self._needs[file_id])
        return SpoolFull("The spool has reached its limit")

    def forget(self, file_id: int) -> None:
        """Note that a clip has found its space."""
        self._needs.pop(file_id, None)
        self._too_large.discard(file_id)

    @property
    def too_large(self) -> TooLarge:
        """Return the reason why a clip can't be kept under the present limit."""
        return TooLarge(self._spool.limit)

    async def begin(self) -> None:
        """Let be asked for what was too large under another limit.

        Raises LedgerError.
        """
        await self._ledger.run(
            holds.try_too_large, limit=self._spool.limit, now=time.time()
        )
        await self.look()

    async def look(self) -> None:
        """See which clips are still too large. Raises LedgerError."""
        self._too_large = await self._ledger.run(
            holds.too_large, limit=self._spool.limit, ids=self._too_large
        )

    async def make(
        self,
        *,
        for_file: int | None,
        rank: Rank,
        size: int = 0,
        fresh_since: float | None = None,
    ) -> None:
        """Make space for a file of that rank; the `size` of a clip is not known.

        For a fresh clip those give way, too, that were over before `fresh_since` (our
        clock), whoever waits for them; and for some minutes no older one is fetched
        into the last half of the spool. Raises SpoolFull when there is no space.
        """
        is_clip = rank > Rank.SNAPSHOT
        least = self._limits.smallest_clip if is_clip else size
        needed = least + self._limits.spool_reserve
        is_kept_free = time.monotonic() < self._kept_free_until
        if not is_clip or fresh_since is not None or not is_kept_free:
            needed = min(needed, self._spool.limit // 2)
        else:
            needed = max(needed, self._spool.limit // 2)
        if for_file is not None:
            needed = max(needed, self._needs.get(for_file, 0))
        if self._free >= self._missing:
            self._missing = 0
        if self._free >= needed:
            return
        self.report_full(needed)
        keep_for = frozenset(self._working()) if is_clip else frozenset[str]()
        if is_clip and not await self._is_wanted_now(for_file, keep_for):
            raise SpoolFull("The spool has reached its limit")
        while self._free < needed:
            clip = await self._ledger.run(
                spooled_files.next_to_give_way,
                keep_for=keep_for,
                exclude=frozenset(self._in_flight()),
            )
            if clip is None:
                break
            await self._want_again(clip)
        if is_clip and fresh_since is not None and self._free < needed:
            await self._free_from_older(needed, fresh_since)
        if is_clip and self._free < needed:
            raise SpoolFull("The spool has reached its limit")
        while self._free < size:
            await self._free_from_stills()

    @property
    def _free(self) -> int:
        return self._spool.limit - self._spool.used

    async def _free_from_older(self, needed: int, since: float) -> None:
        """Let clips give way that are older than some moment, the last to be sent."""
        self._kept_free_until = time.monotonic() + _KEPT_FREE
        while self._free < needed:
            clip = await self._ledger.run(
                spooled_files.last_to_be_sent,
                before=since,
                exclude=frozenset(self._in_flight()),
            )
            if clip is None:
                return
            await self._want_again(clip)

    async def _want_again(self, file_id: int) -> None:
        due = time.time() + self._services.timing.eviction_retry
        await self._services.commit(spooled_files.want_again, file_id, due=due)
        # Nothing else may happen until then.
        self._services.signals.files_wanted()

    async def _is_wanted_now(
        self, file_id: int | None, working: frozenset[str]
    ) -> bool:
        """Tell whether a destination that works waits for the file."""
        if file_id is None:
            return True
        waiting = await self._ledger.run(uploads.takers_of, file_id)
        return not working.isdisjoint(waiting)

    async def _free_from_stills(self) -> None:
        """Let a still give way; a live one, which exists nowhere else, is dropped."""
        oldest = await self._ledger.run(
            spooled_files.oldest_still, exclude=frozenset(self._in_flight())
        )
        if oldest is None:
            raise SpoolFull("The spool has reached its limit")
        still, rank = oldest
        if rank is not Rank.LIVE_SNAPSHOT:
            # Frigate has it, and a clip may have come free since clips were asked for.
            await self._want_again(still)
            return
        ended = await self._ledger.run(
            outcomes.finish,
            still,
            UploadState.DROPPED,
            "The spool had reached its limit",
            now=time.time(),
        )
        _LOGGER.warning("A live snapshot had to be dropped: the spool is full")
        await self._services.apply(ended)
