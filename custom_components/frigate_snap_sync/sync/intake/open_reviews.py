"""Asks Frigate about reviews that go on: their end may never come over MQTT."""

import asyncio
from dataclasses import dataclass
import logging
from math import inf
import time

from ...frigate.errors import FrigateError
from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, items as ledger_items, review_reports
from ..model.errors import SpoolError
from ..model.item import Item
from ..monitoring.clock_monitor import ClockMonitor
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..services import Services
from ..support.backoff import retry_delay
from ..support.tasks import wait_for
from .ended_reviews import EndedReviews
from .object_lookup import ObjectLookup
from .reviews import ReviewIntake
from .running_reviews import RunningReviews

_LOGGER = logging.getLogger(__name__)

_MOST = 2000
"""Reviews that are asked for at once; catching up finds what has ended of others."""


@dataclass(slots=True)
class _Question:
    """When a review is asked for (monotonic), and how often it was.

    If it `only_confirms`, it does not matter when Frigate does not know it yet. Since
    `unknown_since` (monotonic) Frigate has not known it.
    """

    due: float = 0
    attempts: int = 0
    only_confirms: bool = False
    unknown_since: float | None = None


class OpenReviews:
    """Looks at open reviews: all of them whenever Frigate is back, else single ones.

    And all of them now and then: of one that another program reported no end comes, and
    only as long as it is young Frigate's answer shows whose it is.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        monitor: FrigateMonitor,
        clock: ClockMonitor,
        reviews: ReviewIntake,
        ended: EndedReviews,
        running: RunningReviews,
        lookup: ObjectLookup,
    ) -> None:
        """Keep what it works with; nothing is asked before `run`."""
        self._client = client
        self._clock = clock
        self._ledger = services.ledger
        self._monitor = monitor
        self._reviews = reviews
        self._ended = ended
        self._running = running
        self._lookup = lookup
        self._signals = services.signals
        self._timing = services.timing
        self._questions: dict[str, _Question] = {}
        self._asks_all = False
        self._all_at = time.monotonic()
        self._news = asyncio.Event()

    def check(self) -> None:
        """Look at the open reviews now: messages may have been missed."""
        self._asks_all = True
        self._news.set()

    def ask(self, review_id: str) -> None:
        """Look at one of them soon: it may have ended, or its end may be a mistake."""
        if review_id not in self._questions and len(self._questions) >= _MOST:
            return
        known = self._questions.get(review_id)
        if known is None or known.only_confirms:
            self._questions[review_id] = _Question()
            self._news.set()

    def greet(self, review_id: str) -> None:
        """Ask soon whether Frigate's API shows a review that was just reported."""
        if review_id not in self._questions and len(self._questions) < _MOST:
            due = time.monotonic() + self._timing.lookup
            self._questions[review_id] = _Question(due=due, only_confirms=True)
            self._news.set()

    async def run(self) -> None:
        """Look after open reviews until cancelled."""
        while True:
            await wait_for(self._news, self._wait())
            await self._monitor.answers.wait()
            self._asks_all = self._asks_all or not self._until_all()
            self._news.clear()
            try:
                await self._check()
            except FrigateError as err:
                # They are looked at again when Frigate is back.
                self._monitor.failed(err)
            except (LedgerError, SpoolError) as err:
                _LOGGER.error("Open reviews can't be checked: %s", err)
                await asyncio.sleep(self._timing.failure_pause)

    def _wait(self) -> float:
        """Return for how long no review is to be asked for."""
        due = min((each.due for each in self._questions.values()), default=inf)
        return min(max(0.0, due - time.monotonic()), self._until_all())

    def _until_all(self) -> float:
        """Return in how many seconds all are looked at."""
        if self._asks_all:
            return 0.0
        return max(0.0, self._all_at + self._timing.catch_up - time.monotonic())

    async def _check(self) -> None:
        if self._asks_all:
            self._asks_all = False
            try:
                open_reviews = await self._ledger.run(ledger_items.open_reviews)
            except BaseException:
                self._asks_all = True
                raise
            for item in open_reviews:
                self.ask(item.source_id)
            self._all_at = time.monotonic()
        for review_id in tuple(self._questions):
            if self._questions[review_id].due > time.monotonic():
                continue
            known = await self._ledger.run(ledger_items.review, review_id)
            # What was asked meanwhile is answered with it, what is asked later is not.
            question = self._questions.pop(review_id)
            try:
                wait = (
                    await self._look(known[0], question) if known and known[1] else None
                )
            except BaseException:
                question.unknown_since = None
                self._questions.setdefault(review_id, question)
                raise
            if wait is not None:
                question.attempts += 1
                wait = max(wait, retry_delay(question.attempts, self._timing))
                question.due = time.monotonic() + wait
                self._questions[review_id] = question

    async def _look(self, item: Item, question: _Question) -> float | None:
        """Look at one review; return in how many seconds to look again, or None."""
        if item.end is not None:
            return await self._ended.finish(item)
        try:
            review = await self._client.review(item.source_id)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Review %s: %s", item.source_id, err)
            if not question.only_confirms:
                await self._running.look_if_overdue(item)
            return None
        if review is None and question.only_confirms:
            return None
        if review is None:
            return await self._miss(item, question)
        # If Frigate loses it, that is a loss.
        await self._ledger.run(review_reports.confirm, item.source_id, now=time.time())
        if not review.ended:
            # Over MQTT nothing may come of it for hours.
            self._signals.review_heard(item.source_id)
        if question.only_confirms:
            return None
        # Of a manual event MQTT tells no more than this.
        await self._lookup.named(review, has_ended=review.ended, now=time.time())
        if review.ended:
            await self._reviews.look_and_take(review, reported_at=time.time())
        else:
            await self._running.look_if_overdue(item)
        return None

    async def _miss(self, item: Item, question: _Question) -> float | None:
        """End a review that Frigate does not know for a while; as `_look`.

        One answer is not enough: its database may just be put back.
        """
        heard_at = await self._ledger.run(review_reports.heard_at, item.source_id)
        patience = self._timing.missing_after
        if not self._clock.is_steady or time.time() - heard_at <= patience:
            question.unknown_since = None
            return None
        now = time.monotonic()
        if question.unknown_since is None:
            question.unknown_since = now
            return patience
        if now - question.unknown_since < patience:
            return patience
        await self._reviews.end_lost(item.source_id, heard_at=heard_at)
        return None
