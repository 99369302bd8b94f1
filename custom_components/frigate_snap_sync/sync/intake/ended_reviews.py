"""Reviews that have ended: what is left of them is planned, where there is footage."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from math import ceil, floor
import time

from ...frigate.errors import FrigateError
from ...frigate.models import Review
from ...frigate.protocol import FrigateApi
from ..ledger import (
    backfill,
    destinations,
    footage as ledger_footage,
    items as ledger_items,
    milestones,
    review_ends,
)
from ..model.footage_ranges import Bounds, FootageRange
from ..model.item import Item, recording_item
from ..model.openings import ONLY_WHILE, for_item, wanted
from ..model.plans import Progress
from ..model.recorded_footage import UNKNOWN, Footage
from ..model.review_rules import ended, is_endless
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..planning.footage_survey import FootageSurvey
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..services import Services
from .endless_reviews import EndlessReviews
from .running_reviews import RunningReviews


class EndedReviews:
    """Plans what is left of reviews, at once or when their footage is known.

    Every method raises LedgerError.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        monitor: FrigateMonitor,
        planner: Planner,
        survey: FootageSurvey,
        registry: ItemRegistry,
        running: RunningReviews,
        working: asyncio.Lock,
    ) -> None:
        """Keep what it works with; who works on a review holds the lock."""
        self._client = client
        self._ledger = services.ledger
        self._services = services
        self._timing = services.timing
        self._signals = services.signals
        self._monitor = monitor
        self._planner = planner
        self._survey = survey
        self._registry = registry
        self._running = running
        self._endless = EndlessReviews(client, survey=survey)
        self._working = working

    async def with_end(self, review: Review) -> Review:
        """Return a review of the API with an end that can be, if it is known.

        Raises FrigateError.
        """
        return await self._endless.with_end(review)

    async def look_up(
        self, review: Review, *, reported_at: float
    ) -> tuple[Review, Footage | None]:
        """Return an ended review with an end that can be, and where it has footage.

        None if that is not known yet, or it is short. Raises FrigateError beside
        LedgerError.
        """
        review = await self.with_end(review)
        item = recording_item(review, reported_at=reported_at)
        now = time.time() - self._client.clock_offset
        footage = await self._look(
            ended(item, by=now), always=self._endless.has_found(review.id)
        )
        return review, footage

    async def plan(
        self,
        item: Item,
        *,
        only: Collection[str] | None,
        footage: Footage | None,
        since: float | None = None,
        needs_end: bool = False,
    ) -> bool:
        """Plan what is left of a review that has ended, or keep it for later.

        The caller holds the lock. Later those destinations get it that were there at
        `since` (our clock), or when it was reported. With `needs_end` its end is only
        when that was reported.
        """
        bounds = await self._registry.bounds(item)
        if bounds is None:
            await self._registry.skip_as_off(item)
            return False
        uploads = self._planner.uploads(item, only=only)
        if uploads and not wanted(for_item(uploads, bounds.openings)):
            await self._registry.skip(item, ONLY_WHILE, only=only)
            return False
        now = time.time()
        if uploads:
            await self._ledger.run(milestones.keep_review, item.reported_at)
        await self._services.commit(
            review_ends.cut_off,
            item.source_id,
            end=self._planner.last_second(item),
            now=now,
        )
        known, left = await self._left(item, bounds)
        offset = self._client.clock_offset
        is_off = self._monitor.is_on(item.camera, "recordings") is False
        if is_off:
            await self._registry.hurry(item)
        live = self._services.live_progress
        takers = self._planner.uploads(item, only=only, openings=bounds.openings)
        files = self._planner.last_parts(
            item,
            known=live.ahead(known, item.source_id, takers),
            bounds=bounds,
            clock_offset=offset,
            is_off=is_off,
            only=only,
        )
        files = live.without_held(item.source_id, files)
        # With recordings off no more footage comes that it might end before.
        is_unsure = needs_end and not is_off
        if footage is None and (is_unsure or self._planner.is_long(left)):
            item = replace(item, reported_at=since or item.reported_at)
            await self._ledger.run(ledger_items.remember_open, item)
            if files:
                await self._registry.plan_more(item, files)
            self._signals.review_unsure(item.source_id)
            return False
        self._running.forget(item.source_id)
        is_planned = self._planner.is_planned(item, known)
        if not is_planned or not await self._registry.close(item):
            files += self._planner.recording(
                item,
                known=known,
                footage=footage or UNKNOWN,
                bounds=bounds,
                clock_offset=offset,
                is_off=is_off,
                only=only,
            )
            is_new = await self._registry.plan(item, files)
        else:
            is_new = False
        if known.pieces:
            await self._share(item, bounds, only=only)
        return is_new

    async def _share(
        self, item: Item, bounds: Bounds, *, only: Collection[str] | None
    ) -> None:
        """Let those have the first half hours, too, who came to want the review later.

        It has become an alert, or its label known. Not those that were not there at its
        beginning, or closed.
        """
        began = item.start + self._client.clock_offset
        there = await self._ledger.run(destinations.there_at, began)
        uploads = tuple(
            upload
            for upload in self._planner.uploads(item, only=only)
            if upload.destination_id in there - set(bounds.openings)
        )
        known = await self._ledger.run(backfill.known, item.media, item.source_id)
        if known is None:
            return
        now = time.time()
        if await self._ledger.run(backfill.join, known, uploads, now=now):
            self._signals.files_wanted()
            self._signals.files_ready([upload.destination_id for upload in uploads])

    async def finish(self, item: Item) -> float | None:
        """Plan a review that has ended once it is known where it has footage.

        Returns None if it is done, else after how many seconds it may be. Raises
        FrigateError beside LedgerError.
        """
        end = await self._real_end(item)
        if end is None:
            return self._until_settled(item)
        is_earlier = item.end is not None and end < item.end
        footage = await self._look(replace(item, end=end), always=is_earlier)
        async with self._working:
            known = await self._ledger.run(ledger_items.review, item.source_id)
            if known is None or not known[1] or known[0].end != item.end:
                # What was said of it meanwhile is asked for by itself.
                return None
            item = replace(known[0], end=end)
            # A destination that was added meanwhile gets nothing of what was before.
            only = await self._ledger.run(destinations.there_at, item.reported_at)
            await self.plan(item, only=only, footage=footage)
            known = await self._ledger.run(ledger_items.review, item.source_id)
            if known is None or not known[1]:
                return None
        return self._until_settled(item)

    async def _real_end(self, item: Item) -> float | None:
        """Return the end of a review that is known to be over; None: too early to tell.

        Raises FrigateError about Frigate as a whole.
        """
        assert item.end is not None
        try:
            review = await self._client.review(item.source_id)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            review = None
        now = time.time() - self._client.clock_offset
        if (
            review is None
            or not review.ended
            or not is_endless(review.end_time, now=now)
        ):
            return item.end
        if self._until_settled(item):
            return None
        review = await self._endless.with_end(review, by=item.end)
        return item.end if review.end_time is None else review.end_time

    def _until_settled(self, item: Item) -> float:
        """Return in how many seconds Frigate has all of a review on disk."""
        return max(0.0, self._planner.last_second(item) - self._survey.settled())

    async def _look(self, item: Item, *, always: bool = False) -> Footage | None:
        """Return where an ended review has footage, None if that is not known yet.

        Nor of one that is short, but `always`. What Frigate ever showed of
        it counts.
        """
        bounds = await self._registry.bounds(item) or Bounds()
        _, left = await self._left(item, bounds)
        is_wanted = always or self._planner.is_long(left)
        if not is_wanted or self._survey.settled() < left.end:
            return None
        footage = await self._survey.look(item.camera, left)
        shown = await self._ledger.run(ledger_footage.known_of_review, item.source_id)
        footage = footage.joined(
            FootageRange(floor(start), ceil(end)) for start, end in shown
        )
        end = item.start if item.end is None else item.end
        known_since = min(end + self._client.clock_offset, item.reported_at)
        is_final = time.time() - known_since > self._timing.gone_after
        has_some = bool(footage.within(left.start, left.end))
        return footage if has_some or is_final else None

    async def _left(self, item: Item, bounds: Bounds) -> tuple[Progress, FootageRange]:
        """Return how far an ended review was planned, and what is left of it."""
        end = self._planner.last_second(item)
        known = await self._ledger.run(ledger_items.progress, item.source_id, end=end)
        return known, self._planner.left(item, known, bounds)
