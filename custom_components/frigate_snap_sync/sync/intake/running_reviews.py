"""Lets the footage of reviews leave while they go on: driven by time, not by messages."""

import asyncio
import logging
import time

from ..ledger import LedgerError, items as ledger_items
from ..monitoring.frigate_monitor import FrigateMonitor
from ..services import Services
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .reviews import ReviewIntake

_LOGGER = logging.getLogger(__name__)

_LONGEST_SLEEP = 60.0


class RunningReviews:
    """Plans parts and pieces of open reviews as soon as their time is over.

    While Frigate is away nothing is planned: it could give nothing, and its
    reviews may long have ended.
    """

    def __init__(
        self, *, services: Services, monitor: FrigateMonitor, reviews: ReviewIntake
    ) -> None:
        """Keep what it works with; nothing is planned before `run`."""
        self._ledger = services.ledger
        self._timing = services.timing
        self._monitor = monitor
        self._reviews = reviews
        self._news = asyncio.Event()
        self._outage = OutageLog(_LOGGER, "Planning the footage of running reviews")

    def wake(self) -> None:
        """Look at the open reviews now: one has begun or changed."""
        self._news.set()

    async def run(self) -> None:
        """Plan what is due, until cancelled."""
        while True:
            await self._monitor.answers.wait()
            self._news.clear()
            try:
                again = await self._plan()
            except LedgerError as err:
                self._outage.report(err)
                again = time.time() + self._timing.failure_pause
            else:
                self._outage.over()
            # A thousand reviews may go on, each with messages of its own.
            await asyncio.sleep(self._timing.review_pause)
            await wait_for(self._news, again - time.time())

    async def _plan(self) -> float:
        """Plan what can be planned; return when to look again, by our clock."""
        again = time.time() + _LONGEST_SLEEP
        for item in await self._ledger.run(ledger_items.open_reviews):
            moment = await self._reviews.plan_running(item)
            if moment is not None:
                again = min(again, moment)
        return again
