"""What is heard of reviews: kept while they go on, planned when they have ended."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
import time

from ..frigate.client import FrigateClient
from ..frigate.models import Review
from .items import Item, UploadState, recording_item
from .ledger import Ledger, counters, items as ledger_items, outcomes as ledger_outcomes
from .planner import Planner
from .policy import ended, merge
from .registry import ItemRegistry
from .status import UploadEvent
from .strangers import UNKNOWN_REVIEW, Strangers


class ReviewIntake:
    """Takes reviews from MQTT and from the API, one at a time.

    `on_running` is called when something was said of a review that goes on,
    `on_upload` when an item ended without a file. Every method raises LedgerError.
    """

    def __init__(
        self,
        *,
        client: FrigateClient,
        ledger: Ledger,
        planner: Planner,
        registry: ItemRegistry,
        on_running: Callable[[], None],
        on_upload: Callable[[UploadEvent], None],
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._ledger = ledger
        self._planner = planner
        self._registry = registry
        self._on_running = on_running
        self._on_upload = on_upload
        self._strangers = Strangers(client, ledger=ledger)
        self._working = asyncio.Lock()

    async def take(
        self,
        review: Review,
        *,
        has_ended: bool,
        told: float,
        only: Collection[str] | None = None,
    ) -> bool:
        """Keep what was said of a review; plan its recording when it has ended.

        With `only`, these destinations alone get it. Returns whether it was news.
        """
        if only is not None and not only:
            return False
        async with self._working:
            known = await self._ledger.run(ledger_items.review, review.id)
            if known is not None and not known[1]:
                return False
            earlier = known[0] if known else None
            item = merge(earlier, recording_item(review, told=told))
            item = self._planner.bounded(item, known=earlier)
            if not has_ended:
                await self._ledger.run(ledger_items.remember_open, item)
                self._on_running()
                return known is None
            now = time.time() - self._client.clock_offset
            item = ended(replace(item, told=told), now=now)
            bounds = await self._registry.bounds(item)
            if bounds is None:
                await self._registry.skip(item)
                return False
            await self._ledger.run(counters.keep_moment, counters.LAST_REVIEW, told)
            files = self._planner.recording(
                item,
                known=await self._ledger.run(ledger_items.progress, review.id),
                bounds=bounds,
                clock_offset=self._client.clock_offset,
                only=only,
            )
            return await self._registry.plan(item, files)

    async def plan_running(self, item: Item) -> float | None:
        """Plan the parts and pieces of a review that goes on, as far as it is.

        Returns when there will be more, by our clock; None if nobody wants it.
        """
        async with self._working:
            bounds = await self._registry.bounds(item)
            if bounds is None:
                return None
            files, again = self._planner.running(
                item,
                known=await self._ledger.run(ledger_items.progress, item.source_id),
                bounds=bounds,
                clock_offset=self._client.clock_offset,
            )
            if files:
                await self._registry.plan_more(item, files)
            return again

    async def end_lost(self, item: Item) -> None:
        """End an open review that Frigate no longer knows, or never did."""
        async with self._working:
            if await self._strangers.may_be(item):
                await self._registry.end(item, UploadState.SKIPPED, UNKNOWN_REVIEW)
                return
            reason = "Frigate has no such review any more"
            for upload in await self._registry.end(item, UploadState.GONE, reason):
                self._on_upload(
                    ledger_outcomes.event(
                        item, upload.destination_id, upload.path, reason=reason
                    )
                )
