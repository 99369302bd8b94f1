"""Catching up: MQTT is a hint, Frigate's API is the truth."""

import asyncio
import logging
from math import inf
import time

from ...frigate.errors import FrigateError, FrigateServerError
from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, destinations as ledger_destinations, milestones
from ..model.errors import SpoolError
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..services import Services
from ..support.backoff import doubled
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .comparison import MARGIN, Comparison, Window, days
from .missed_objects import MissedObjects
from .missed_reviews import MissedReviews

_LOGGER = logging.getLogger(__name__)

_SURE = 60.0
"""Seconds that our clock may differ from Frigate's to be believed."""


class CatchUp:
    """Compares Frigate's reviews and tracked objects with the ledger, by id.

    Not by a watermark: a long review that began before one already known must
    not be missed.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        monitor: FrigateMonitor,
        reviews: MissedReviews,
        objects: MissedObjects,
        look_back: float,
    ) -> None:
        """Keep what it works with; `look_back` is in seconds."""
        self._client = client
        self._ledger = services.ledger
        self._monitor = monitor
        self._reviews = reviews
        self._objects = objects
        self._timing = services.timing
        self._look_back = look_back
        self._outage = OutageLog(_LOGGER, "Catching up")
        self._news = asyncio.Event()
        self._running = asyncio.Lock()

    def request(self) -> None:
        """Catch up soon: Frigate or the broker is back."""
        self._news.set()

    def follow_clock(self) -> None:
        """Forget the times of a clock that was set; what they left is in the window."""
        self._objects.forget_rest()
        self.request()

    async def run(self) -> None:
        """Catch up when asked to and every 15 minutes, until cancelled."""
        pause = retry = self._timing.catch_up_pause
        longest = self._timing.catch_up
        was_lost = False
        while True:
            await self._monitor.answers.wait()
            self._news.clear()
            wait = longest
            try:
                await self.catch_up()
            except FrigateError as err:
                if is_about_one_file(err):
                    self._monitor.note_comparison(failed=True)
                    # It may last: a day with more reviews than are read, say.
                    if retry > 2 * pause:
                        self._outage.report(err)
                    else:
                        _LOGGER.debug("Catching up failed: %s", err)
                    wait, retry = retry - pause, doubled(retry, longest=longest)
                else:
                    self._monitor.failed(err)
                    # Once it may have gone away meanwhile; but it answered since.
                    if was_lost:
                        self._monitor.note_comparison(failed=True)
                    was_lost = True
                    # As soon as Frigate answers.
                    self._news.set()
            except (LedgerError, SpoolError) as err:
                self._monitor.note_comparison(failed=True)
                self._outage.report(err)
                wait, retry = retry - pause, doubled(retry, longest=longest)
            else:
                self._monitor.note_comparison(failed=False)
                self._outage.over()
                retry, was_lost = pause, False
            # Frigate may come and go many times in a minute.
            await asyncio.sleep(pause)
            await wait_for(self._news, wait)

    async def catch_up(
        self, look_back: float | None = None, *, retries: bool = False
    ) -> int:
        """Plan what Frigate has and the ledger lacks; return how many items.

        With `retries`, what failed of that time is tried again. With `look_back`
        (seconds) exactly that time is looked at, and history is sent that was not asked
        for otherwise: also to destinations that came later than an item which others
        have had.
        Raises FrigateError, LedgerError or SpoolError; a day whose reviews Frigate
        can't give keeps no other from being caught up before that.
        """
        async with self._running:
            window = await self._window(time.time(), look_back, retries=retries)
            run = Comparison(window=window)
            run.running, run.remembered = await self._objects.tracked(run)
            for times, take in (
                (days(run.window), self._reviews.take),
                (self._objects.times(run.window), self._objects.take),
            ):
                for after, before in times:
                    try:
                        run.found += await take(after, before, run)
                    except FrigateServerError as err:
                        run.missed(after, err)
            try:
                run.found += await self._objects.take_long(run)
            except FrigateServerError as err:
                run.missed(run.window.after, err)
            if look_back is None:
                # Another time may not reach back far enough.
                await self._note(run)
        if run.found:
            _LOGGER.info("Catching up found %d item(s) that were missed", run.found)
        if run.problem is not None:
            raise run.problem
        return run.found

    async def _note(self, run: Comparison) -> None:
        """Keep up to when all is known, and what is left for the next time."""
        self._objects.keep_rest(run)
        reached = min([run.reached, *(after for after, _ in run.rest)])
        if reached < run.window.before:
            # It must not go back: what was known up to then still is.
            last = await self._ledger.run(
                milestones.moment, milestones.CAUGHT_UP, default=reached
            )
            reached = max(reached, last)
        await self._keep_moment(reached)
        if run.rest:
            self._news.set()

    async def _window(
        self, now: float, look_back: float | None, *, retries: bool
    ) -> Window:
        if look_back is not None:
            return Window(
                after=now - look_back, before=now, since=None, retries=retries
            )
        since = await self._ledger.run(milestones.moment, milestones.SINCE, default=now)
        if since > now:
            # The clock was set back: it can't be known what came after.
            since = now - self._look_back
        last = await self._ledger.run(
            milestones.moment, milestones.CAUGHT_UP, default=since
        )
        destinations = await self._ledger.run(ledger_destinations.since)
        after = min(now - self._look_back, last - MARGIN)
        return Window(
            after=max(after, since),
            before=now,
            since={
                destination_id: moment if moment <= now else -inf
                for destination_id, moment in destinations.items()
            },
            retries=retries,
        )

    async def _keep_moment(self, moment: float) -> None:
        """Remember up to when all is known, by a clock that can be believed."""
        await self._ledger.run(
            milestones.keep_caught_up,
            min(moment, time.time()),  # It may have been set back meanwhile.
            is_sure=abs(self._client.clock_offset) < _SURE,
        )
