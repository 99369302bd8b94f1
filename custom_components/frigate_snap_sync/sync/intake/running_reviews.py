"""Lets the footage of reviews leave while they are active: driven by time."""

import asyncio
from dataclasses import replace
import logging
import time

from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, items as ledger_items
from ..model.footage_ranges import Bounds
from ..model.item import Item
from ..model.plans import Progress
from ..model.recorded_footage import UNKNOWN, Footage
from ..monitoring.frigate_monitor import FrigateMonitor
from ..planning.footage_survey import FootageSurvey
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..services import Services
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for

_LOGGER = logging.getLogger(__name__)

_LONGEST_SLEEP = 60.0
_MAX_KNOWN = 1000
"""Active reviews of which something is remembered."""


class RunningReviews:
    """Plans parts and pieces of open reviews as soon as their time is over.

    While Frigate is away nothing is planned: it could give nothing, and its
    reviews may long have ended.
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
        working: asyncio.Lock,
    ) -> None:
        """Keep what it works with; nothing is planned before `run`.

        Who works on a review holds the lock.
        """
        self._client = client
        self._ledger = services.ledger
        self._services = services
        self._timing = services.timing
        self._signals = services.signals
        self._monitor = monitor
        self._planner = planner
        self._survey = survey
        self._registry = registry
        self._working = working
        self._news = asyncio.Event()
        self._messages_at: dict[str, float] = {}
        self._footage: dict[str, Footage] = {}
        self._off: dict[str, float] = {}
        self._outage = OutageLog(_LOGGER, "Planning the footage of running reviews")

    def wake(self) -> None:
        """Look at the open reviews now: one has begun or changed, or a switch has."""
        for camera in tuple(self._off):
            if not self._is_off(camera):
                del self._off[camera]
        self._news.set()

    def hear(self, review_id: str) -> None:
        """Note that Frigate said something of an active review."""
        _keep(self._messages_at, review_id, time.monotonic())

    def forget(self, review_id: str) -> None:
        """Forget a review: it has ended."""
        self._messages_at.pop(review_id, None)
        self._footage.pop(review_id, None)

    async def look_if_overdue(self, item: Item) -> None:
        """Look where a review has footage of which too much is to be planned at once.

        Raises FrigateError beside LedgerError.
        """
        bounds = await self._registry.bounds(item) or Bounds()
        known = await self._progress(item, bounds)
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

    async def run(self) -> None:
        """Plan what is due, until cancelled."""
        while True:
            await self._monitor.answers.wait()
            self._news.clear()
            try:
                again = await self._plan_due()
            except LedgerError as err:
                self._outage.report(err)
                again = time.time() + self._timing.failure_pause
            else:
                self._outage.over()
            # A thousand reviews may be active, each with messages of its own.
            await asyncio.sleep(self._timing.review_pause)
            await wait_for(self._news, again - time.time())

    async def _plan_due(self) -> float:
        """Plan what can be planned; return when to look again, by our clock."""
        again = time.time() + _LONGEST_SLEEP
        for item in await self._ledger.run(ledger_items.open_reviews):
            moment = await self._plan(item)
            if moment is not None:
                again = min(again, moment)
        return again

    async def _plan(self, item: Item) -> float | None:
        """Plan the parts and pieces of an active review, as far as it is.

        Returns when there will be more, by our clock; None if no destination wants it, or
        Frigate's API is to be asked about it first.
        """
        async with self._working:
            bounds = await self._registry.bounds(item)
            if bounds is None:
                return None
            known = await self._progress(item, bounds)
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
                live = self._services.live_progress
                needed = live.without_held(item.source_id, files)
                await self._registry.plan_more(item, needed)
            if files or self._services.live_progress.knows(item.source_id):
                self._ask_if_silent(item)
            return again

    async def _progress(self, item: Item, bounds: Bounds) -> Progress:
        """Return how far an active review's files go, or live film does."""
        known = await self._ledger.run(ledger_items.progress, item.source_id)
        uploads = self._planner.uploads(item, openings=bounds.openings)
        return self._services.live_progress.ahead(known, item.source_id, uploads)

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
        if not self._is_off(item.camera):
            self._off.pop(item.camera, None)
            return None
        await self._registry.hurry(item)
        now = time.monotonic()
        return time.time() - (now - self._off.setdefault(item.camera, now))

    def _is_off(self, camera: str) -> bool:
        return self._monitor.is_on(camera, "recordings") is False

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
