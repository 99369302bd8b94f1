"""Asks Frigate about reviews that go on: their end may never come over MQTT."""

import asyncio
import logging
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import FrigateError
from .frigate_watch import FrigateWatch, is_about_one_file
from .ledger import Ledger, LedgerError, items as ledger_items
from .policy import Timing
from .review_intake import ReviewIntake
from .spool import SpoolError

_LOGGER = logging.getLogger(__name__)


class OpenReviews:
    """Looks at the open reviews whenever Frigate's configuration was read."""

    def __init__(
        self,
        client: FrigateClient,
        *,
        ledger: Ledger,
        watch: FrigateWatch,
        reviews: ReviewIntake,
        timing: Timing,
    ) -> None:
        """Keep what it works with; nothing is asked before `run`."""
        self._client = client
        self._ledger = ledger
        self._watch = watch
        self._reviews = reviews
        self._timing = timing
        self._news = asyncio.Event()

    def check(self) -> None:
        """Look at the open reviews now: messages may have been missed."""
        self._news.set()

    async def run(self) -> None:
        """Look after open reviews until cancelled."""
        while True:
            await self._news.wait()
            await self._watch.answers.wait()
            self._news.clear()
            try:
                await self._check()
            except FrigateError as err:
                # They are looked at again when Frigate is back.
                self._watch.failed(err)
            except (LedgerError, SpoolError) as err:
                _LOGGER.error("Open reviews can't be checked: %s", err)

    async def _check(self) -> None:
        for item in await self._ledger.run(ledger_items.open_reviews):
            try:
                review = await self._client.review(item.source_id)
            except FrigateError as err:
                if not is_about_one_file(err):
                    raise
                _LOGGER.debug("Review %s: %s", item.source_id, err)
                continue
            if review is None:
                if time.time() - item.told > self._timing.missing_after:
                    await self._reviews.end_lost(item)
            elif review.ended:
                await self._reviews.take(review, has_ended=True, told=time.time())
