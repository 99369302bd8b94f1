"""What is heard of reviews: kept while they go on, planned when they have ended."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from math import ceil, floor
import time

from ...frigate.errors import FrigateError
from ...frigate.models import Review
from ...frigate.protocol import FrigateApi
from ..ledger import (
    destinations,
    footage as ledger_footage,
    items as ledger_items,
    milestones,
    review_ends,
    upload_events,
)
from ..model.footage_ranges import Bounds, FootageRange
from ..model.item import Item, UploadState, recording_item
from ..model.openings import ONLY_WHILE, for_item, wanted
from ..model.plans import Progress
from ..model.recorded_footage import UNKNOWN, Footage
from ..model.review_rules import ended, is_endless, merge
from ..model.transition import Transition
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..planning.footage_survey import FootageSurvey
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..planning.unknown_items import UNKNOWN_REVIEW, UnknownItems
from ..services import Services
from .endless_reviews import EndlessReviews

_MAX_KNOWN = 1000
"""Reviews that go on of which something is remembered."""


class ReviewIntake:
    """Takes reviews from MQTT and from the API, one at a time.

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
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._ledger = services.ledger
        self._services = services
        self._timing = services.timing
        self._signals = services.signals
        self._monitor = monitor
        self._planner = planner
        self._survey = survey
        self._registry = registry
        self._endless = EndlessReviews(client, survey=survey)
        self._unknown_items = UnknownItems(client, ledger=services.ledger)
        self._working = asyncio.Lock()
        self._messages_at: dict[str, float] = {}
        self._footage: dict[str, Footage] = {}
        self._off: dict[str, float] = {}

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
            known = await self._ledger.run(ledger_items.review, review.id)
            if known is not None and not known[1]:
                return False
            earlier = known[0] if known else None
            item = merge(earlier, recording_item(review, reported_at=reported_at))
            item = self._planner.bounded(item, known=earlier)
            if not has_ended:
                item = replace(item, end=known[0].end if known else None)
                await self._ledger.run(ledger_items.remember_open, item)
                _keep(self._messages_at, review.id, time.monotonic())
                self._signals.reviews_running()
                self._signals.review_heard(review.id)
                return known is None
            by = reported_at - self._client.clock_offset
            needs_end = is_endless(review.end_time, now=by)
            item = ended(replace(item, reported_at=reported_at), by=by)
            since = reported_at
            if only is not None and item.end is not None:
                since = min(reported_at, item.end + self._client.clock_offset)
            return await self._end(
                item, only=only, footage=footage, since=since, needs_end=needs_end
            )

    async def with_end(self, review: Review) -> Review:
        """Return a review of the API with an end that can be, if it is known.

        Raises FrigateError.
        """
        return await self._endless.with_end(review)

    async def look_and_take(
        self, review: Review, *, reported_at: float, only: Collection[str] | None = None
    ) -> bool:
        """Take a review of the API; look through Frigate's recordings if need be.

        Raises FrigateError beside LedgerError.
        """
        footage = None
        if review.ended and (only is None or only):
            review = await self.with_end(review)
            item = recording_item(review, reported_at=reported_at)
            now = time.time() - self._client.clock_offset
            footage = await self._look(
                ended(item, by=now), always=self._endless.has_found(review.id)
            )
        return await self.take(
            review,
            has_ended=review.ended,
            reported_at=reported_at,
            only=only,
            footage=footage,
        )

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
            if known is None or not known[1] or known[0].end is None:
                return None
            item = replace(known[0], end=end)
            # A destination that was added meanwhile gets nothing of what was before.
            since = await self._ledger.run(destinations.since)
            only = {
                each for each, moment in since.items() if moment <= item.reported_at
            }
            await self._end(item, only=only, footage=footage)
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

    async def look_if_overdue(self, item: Item) -> None:
        """Look where a review has footage of which too much is to be planned at once.

        Raises FrigateError beside LedgerError.
        """
        known = await self._progress(item)
        bounds = await self._registry.bounds(item) or Bounds()
        if not self._is_overdue(item, known, bounds):
            return
        now = time.time() - self._client.clock_offset
        left = self._planner.left(
            replace(item, end=max(now, item.start)), known, bounds
        )
        footage = await self._survey.look(item.camera, left)
        # Of what is too young to tell nothing is overdue either.
        until = max(footage.until, left.start)
        _keep(self._footage, item.source_id, replace(footage, until=until))
        self._signals.reviews_running()

    async def plan_running(self, item: Item) -> float | None:
        """Plan the parts and pieces of an active review, as far as it is.

        Returns when there will be more, by our clock; None if no destination wants it, or
        Frigate's API is to be asked about it first.
        """
        async with self._working:
            bounds = await self._registry.bounds(item)
            if bounds is None:
                return None
            known = await self._progress(item)
            if item.end is not None or self._is_overdue(item, known, bounds):
                self._signals.review_unsure(item.source_id)
                return None
            files, again = self._planner.running(
                item,
                known=known,
                footage=self._footage.get(item.source_id, UNKNOWN),
                bounds=bounds,
                clock_offset=self._client.clock_offset,
                off_since=await self._off_since(item),
            )
            if files:
                await self._registry.plan_more(item, files)
            if files or self._services.live_progress.knows(item.source_id):
                self._ask_if_silent(item)
            return again

    async def _progress(self, item: Item) -> Progress:
        """Return how far an active review's files go, or live film does."""
        known = await self._ledger.run(ledger_items.progress, item.source_id)
        live, uploads = self._services.live_progress, self._planner.uploads(item)
        return live.ahead(known, item.source_id, uploads)

    def recordings_switched(self) -> None:
        """Look at the open reviews: a camera's recordings were switched on or off."""
        self._signals.reviews_running()

    async def end_lost(self, item: Item) -> None:
        """End an open review that Frigate no longer knows, or never did."""
        async with self._working:
            if await self._unknown_items.may_be(item):
                await self._registry.end(item, UploadState.SKIPPED, UNKNOWN_REVIEW)
                return
            gone, reason = UploadState.GONE, "Frigate has no such review any more"
            uploads = await self._registry.end(item, gone, reason)
            events = (
                upload_events.event(
                    item, each.destination_id, each.path, reason=reason, cause=gone
                )
                for each in uploads
                if each.state is gone
            )
            await self._services.apply(Transition(events=tuple(events)))

    async def _end(
        self,
        item: Item,
        *,
        only: Collection[str] | None,
        footage: Footage | None,
        since: float | None = None,
        needs_end: bool = False,
    ) -> bool:
        """Plan what is left of a review that has ended, or keep it for later.

        Later those destinations get it that were there at `since` (our clock), or when
        it was reported. With `needs_end` its end is only when that was reported.
        """
        bounds = await self._registry.bounds(item)
        if bounds is None:
            await self._registry.skip(item)
            return False
        uploads = self._planner.uploads(item, only=only)
        if uploads and not wanted(for_item(uploads, bounds.openings)):
            await self._registry.end(item, UploadState.SKIPPED, ONLY_WHILE, only=only)
            return False
        now = time.time()
        await self._ledger.run(
            milestones.keep_moment, milestones.LAST_REVIEW, item.reported_at
        )
        await self._services.apply(
            await self._ledger.run(
                review_ends.cut_off,
                item.source_id,
                end=self._planner.last_second(item),
                now=now,
            )
        )
        known, left = await self._left(item, bounds)
        offset = self._client.clock_offset
        is_off = self._monitor.is_on(item.camera, "recordings") is False
        if is_off:
            await self._registry.hurry(item)
        files = self._planner.last_parts(
            item,
            known=known,
            bounds=bounds,
            clock_offset=offset,
            is_off=is_off,
            only=only,
        )
        # With recordings off no more footage comes that it might end before.
        is_unsure = needs_end and not is_off
        if footage is None and (is_unsure or self._planner.is_long(left)):
            item = replace(item, reported_at=since or item.reported_at)
            await self._ledger.run(ledger_items.remember_open, item)
            if files:
                await self._registry.plan_more(item, files)
            self._signals.review_unsure(item.source_id)
            return False
        self._messages_at.pop(item.source_id, None)
        self._footage.pop(item.source_id, None)
        files += self._planner.recording(
            item,
            known=known,
            footage=footage or UNKNOWN,
            bounds=bounds,
            clock_offset=offset,
            is_off=is_off,
            only=only,
        )
        return await self._registry.plan(item, files)

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

    def _is_overdue(self, item: Item, known: Progress, bounds: Bounds) -> bool:
        """Tell whether a review claims to have gone on for long, of which we know nothing."""
        if not self._planner.uploads(item):
            return False
        footage = self._footage.get(item.source_id, UNKNOWN)
        offset = self._client.clock_offset
        overdue = self._planner.overdue(
            item, known, footage, bounds=bounds, clock_offset=offset
        )
        return overdue > self._timing.stale

    async def _off_since(self, item: Item) -> float | None:
        """Return since when recordings are off (our clock; a steady one keeps it)."""
        if self._monitor.is_on(item.camera, "recordings") is not False:
            self._off.pop(item.camera, None)
            return None
        await self._registry.hurry(item)
        now = time.monotonic()
        return time.time() - (now - self._off.setdefault(item.camera, now))

    def _ask_if_silent(self, item: Item) -> None:
        """Ask for a review of which nothing was heard: it may have ended."""
        last = self._messages_at.get(item.source_id)
        if last is None or time.monotonic() - last > self._timing.silence:
            self._signals.review_unsure(item.source_id)


def _keep[T](known: dict[str, T], key: str, value: T) -> None:
    """Remember a value; of too many the oldest is forgotten."""
    known.pop(key, None)
    known[key] = value
    if len(known) > _MAX_KNOWN:
        del known[next(iter(known))]
