"""Where items enter the ledger: planned with their files, or ended without any."""

import asyncio
from collections.abc import Collection, Sequence
import logging
import time

from ...frigate.protocol import FrigateApi
from ..ledger import closed_periods, items as ledger_items, off_periods, review_ends
from ..model.footage_ranges import Bounds, bounds_of
from ..model.item import Item, Media, UploadState
from ..model.openings import Openings
from ..model.plans import FilePlan, FileState
from ..model.review_rules import picture_time
from ..services import Services, to_the_end
from .planner import Planner

_LOGGER = logging.getLogger(__name__)


class ItemRegistry:
    """Keeps items in the ledger; what was kept is committed when a call returns.

    Every method raises LedgerError.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        planner: Planner,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._services = services
        self._ledger = services.ledger
        self._signals = services.signals
        self._planner = planner

    @to_the_end
    async def plan(self, item: Item, files: Sequence[FilePlan]) -> bool:
        """Commit an item; return whether it is new and has files."""
        is_new = await self._ledger.run(ledger_items.plan, item, tuple(files))
        if is_new:
            _LOGGER.debug(
                "Planned the %s %s of %s: %d file(s)",
                item.media.kind,
                item.source_id,
                item.camera,
                len(files),
            )
            if any(file.state is FileState.WANTED for file in files):
                self._signals.files_wanted()
            self._signals.status_changed()
        return is_new and bool(files)

    async def plan_more(self, item: Item, files: tuple[FilePlan, ...]) -> None:
        """Commit files of a review that is active."""
        await self._ledger.run(ledger_items.add_files, item, files)
        self._signals.files_wanted()
        self._signals.status_changed()

    async def close(self, item: Item) -> bool:
        """Commit that a review has ended of which all is planned; see `review_ends`."""
        is_closed = await self._ledger.run(review_ends.close, item)
        if is_closed:
            self._signals.status_changed()
        return is_closed

    async def hurry(self, item: Item) -> None:
        """Ask at once for what Frigate has of a review's parts: no more will come."""
        if await self._ledger.run(review_ends.hurry, item.source_id, now=time.time()):
            self._signals.files_wanted()

    async def skip_as_off(self, item: Item) -> None:
        """Keep an item of a time with capture switched off."""
        await self.skip(item, "Capture was switched off")

    async def skip(
        self, item: Item, reason: str, *, only: Collection[str] | None = None
    ) -> None:
        """Keep an item that nothing is done about, and why.

        What was planned of a review while it was active is not fetched either. With
        `only`, for these destinations alone.
        """
        if item.media is Media.RECORDINGS:
            # None of that lies in the spool.
            await self._services.commit(
                review_ends.give_up, item.source_id, reason, now=time.time()
            )
        uploads = self._planner.uploads(
            item,
            state=UploadState.SKIPPED,
            reason=reason,
            only=only,
            openings=await self.openings(item),
        )
        if not uploads:
            await self.plan(item, ())
            return
        # Behind the half hours that a review has already.
        known = await self._ledger.run(ledger_items.progress, item.source_id)
        number = known.pieces + 1
        file = FilePlan(
            state=FileState.RELEASED,
            uploads=uploads,
            number=number,
            suffix=f"{number:02}" if number > 1 else "",
        )
        await self.plan(item, [file])

    async def was_off(self, moment: float) -> bool:
        """Tell whether capture was switched off then (our clock)."""
        return await self._ledger.run(off_periods.was_off, moment)

    async def is_private(self, item: Item) -> bool:
        """Tell whether an object's picture may show a time with capture off."""
        offset = self._client.clock_offset
        earliest, latest = picture_time(item)
        return await self._ledger.run(
            off_periods.was_off_within, earliest + offset, latest + offset
        )

    async def bounds(self, item: Item) -> Bounds | None:
        """Return the time around an item's start in which capture was on, if any.

        And from when on destinations take it that were closed.
        """
        offset = self._client.clock_offset
        period, openings = await asyncio.gather(
            self._ledger.run(off_periods.on_around, item.start + offset),
            self.openings(item),
        )
        return bounds_of(period, clock_offset=offset, openings=openings)

    async def openings(self, item: Item) -> Openings:
        """Return from when on destinations take an item that were closed."""
        start, picture, offset = item.start, None, self._client.clock_offset
        until = start
        match item.media:
            case Media.LIVE_SNAPSHOTS:
                offset = 0.0  # It was received by our clock.
            case Media.SNAPSHOTS:
                earliest, latest = picture_time(item)
                picture = (earliest + offset, latest + offset)
            case Media.RECORDINGS:
                until = time.time() - offset if item.end is None else item.end
        found = await self._ledger.run(
            closed_periods.openings, start + offset, until + offset, picture=picture
        )
        return {id_: moment - offset for id_, moment in found.items()}
