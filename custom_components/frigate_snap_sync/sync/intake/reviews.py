"""What Frigate says of reviews: kept while they are active, planned at their end."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from ...frigate.models import Review
from ...frigate.protocol import FrigateApi
from ..ledger import destinations, items as ledger_items, review_ends, review_reports
from ..model.item import recording_item
from ..model.recorded_footage import Footage
from ..model.review_rules import ended, is_endless, merge
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..planning.unknown_items import UNKNOWN_REVIEW, UnknownItems
from ..services import Services
from .ended_reviews import EndedReviews
from .running_reviews import RunningReviews


class ReviewIntake:
    """Takes reviews from MQTT and from the API, one at a time.

    Every method raises LedgerError.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        planner: Planner,
        registry: ItemRegistry,
        running: RunningReviews,
        ended: EndedReviews,
        working: asyncio.Lock,
    ) -> None:
        """Keep what it works with; who works on a review holds the lock."""
        self._client = client
        self._ledger = services.ledger
        self._services = services
        self._signals = services.signals
        self._timing = services.timing
        self._planner = planner
        self._registry = registry
        self._running = running
        self._ended = ended
        self._unknown_items = UnknownItems(client, ledger=services.ledger)
        self._working = working

    async def take(
        self,
        review: Review,
        *,
        has_ended: bool,
        reported_at: float,
        only: Collection[str] | None = None,
        footage: Footage | None = None,
    ) -> bool:
        """Keep what was said of a review; plan its recording when it has ended.

        With `only`, these destinations alone get it. One of which much is left to plan
        is kept as it is until `footage` is known. Returns whether it was news.
        """
        if only is not None and not only:
            return False
        async with self._working:
            known = await self._ledger.run(
                review_ends.reopen,
                review.id,
                end=review.end_time if has_ended else None,
            )
            if known is not None and not known[1]:
                return False
            earlier = known[0] if known else None
            item = merge(earlier, recording_item(review, reported_at=reported_at))
            item = self._planner.bounded(item, known=earlier)
            if not has_ended:
                item = replace(item, end=known[0].end if known else None)
                await self._ledger.run(
                    ledger_items.remember_open, item, heard_at=reported_at
                )
                self._running.hear(review.id)
                self._signals.reviews_running()
                self._signals.review_heard(review.id)
                age = reported_at - self._client.clock_offset - item.start
                if known is None and age < self._timing.stale:
                    # Whose it is can be seen only while Frigate has it. Of one that
                    # is older the API is asked anyhow.
                    self._signals.review_begun(review.id)
                return known is None
            by = reported_at - self._client.clock_offset
            needs_end = is_endless(review.end_time, now=by)
            item = ended(replace(item, reported_at=reported_at), by=by)
            since = reported_at
            if only is not None and item.end is not None:
                since = min(reported_at, item.end + self._client.clock_offset)
            if earlier is not None:
                since = max(since, earlier.reported_at)  # The clock may be behind now.
            return await self._ended.plan(
                item, only=only, footage=footage, since=since, needs_end=needs_end
            )

    async def with_end(self, review: Review) -> Review:
        """Return a review of the API with an end that can be, if it is known.

        Raises FrigateError.
        """
        return await self._ended.with_end(review)

    async def look_and_take(
        self, review: Review, *, reported_at: float, only: Collection[str] | None = None
    ) -> bool:
        """Take a review of the API; look through Frigate's recordings if need be.

        Raises FrigateError beside LedgerError.
        """
        footage = None
        if review.ended and (only is None or only):
            review, footage = await self._ended.look_up(review, reported_at=reported_at)
        return await self.take(
            review,
            has_ended=review.ended,
            reported_at=reported_at,
            only=only,
            footage=footage,
        )

    async def end_lost(self, review_id: str, *, heard_at: float) -> None:
        """End an open review that Frigate no longer knows, or never did.

        It is planned as if it had ended when it was heard of last, or where its parts
        end: Frigate may have lost the review alone, and what was to be had of its time
        is known once it was asked for. If Frigate names it again, the rest follows. One
        of which nothing shows that Frigate ever had it is of another program. Nothing
        happens if it was heard of since `heard_at`.
        """
        async with self._working:
            run = self._ledger.run
            known = await run(ledger_items.review, review_id)
            if known is None or not known[1]:
                return
            if await run(review_reports.heard_at, review_id) != heard_at:
                return
            item, _ = known
            if await self._unknown_items.may_be(item):
                await self._registry.skip(item, UNKNOWN_REVIEW)
                return
            # None gets it that was added since.
            only = await run(destinations.there_at, item.reported_at)
            only |= await run(ledger_items.takers, review_id)
            planned = await run(ledger_items.progress, review_id)
            by = max(
                heard_at - self._client.clock_offset,
                planned.parts_end or 0,
                planned.pieces_end or 0,
            )
            await run(review_ends.guess, review_id)
            await self._ended.plan(
                ended(item, by=by), only=only, footage=None, since=item.reported_at
            )
