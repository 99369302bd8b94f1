"""Catching up: MQTT is a hint, Frigate's API is the truth."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
import logging
from math import ceil
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import FrigateError, FrigateServerError
from ..frigate.models import Review, TrackedObject
from .frigate_watch import FrigateWatch, is_about_one_file
from .items import Media
from .latecomers import Latecomers
from .ledger import Ledger, LedgerError, counters, items as ledger_items
from .review_intake import ReviewIntake
from .spool import SpoolError
from .tasks import wait_for
from .timing import Timing
from .tracked_objects import TrackedObjects
from .trouble import Trouble

_LOGGER = logging.getLogger(__name__)

_DAY = 86400.0
_PAGE = 100
_MAX_PAGES = 200
_MARGIN = 300.0
"""How far before the last complete catch-up is looked again: for clocks, and races."""
_LONG_OBJECT = 6 * 3600.0
"""Frigate finds tracked objects by their start; how long before its end that may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time to look at, by our clock, and what may be sent of it.

    `since` tells for each destination what ended before it was there: that is
    only sent when somebody asked for this time.
    """

    after: float
    before: float
    since: Mapping[str, float] | None
    retries: bool = False
    """Whether what failed is tried again."""

    def destinations(self, end: float) -> frozenset[str] | None:
        """Return who may get what ended then (our clock); None for everybody."""
        if self.since is None:
            return None
        return frozenset(
            destination_id
            for destination_id, since in self.since.items()
            if end > since
        )


class CatchUp:
    """Compares Frigate's reviews and tracked objects with the ledger, by id.

    Not by a watermark: a long review that began before one already known must
    not be missed.
    """

    def __init__(
        self,
        client: FrigateClient,
        *,
        ledger: Ledger,
        watch: FrigateWatch,
        objects: TrackedObjects,
        reviews: ReviewIntake,
        latecomers: Latecomers,
        timing: Timing,
        look_back: float,
    ) -> None:
        """Keep what it works with; `look_back` is in seconds."""
        self._client = client
        self._ledger = ledger
        self._watch = watch
        self._objects = objects
        self._reviews = reviews
        self._timing = timing
        self._look_back = look_back
        self._latecomers = latecomers
        self._trouble = Trouble(_LOGGER, "Catching up")
        self._news = asyncio.Event()
        self._running = asyncio.Lock()

    def request(self) -> None:
        """Catch up soon: Frigate or the broker is back."""
        self._news.set()

    async def run(self) -> None:
        """Catch up when asked to and every 15 minutes, until cancelled."""
        pause = retry = self._timing.catch_up_pause
        while True:
            await self._watch.answers.wait()
            self._news.clear()
            wait = self._timing.catch_up
            try:
                await self.catch_up()
            except FrigateError as err:
                if is_about_one_file(err):
                    # It may last: a day with more reviews than are read, say.
                    if retry > 2 * pause:
                        self._trouble.report(err)
                    else:
                        _LOGGER.debug("Catching up failed: %s", err)
                    wait, retry = min(retry, wait) - pause, retry * 2
                else:
                    self._watch.failed(err)
            except (LedgerError, SpoolError) as err:
                self._trouble.report(err)
            else:
                self._trouble.over()
                retry = pause
            # Frigate may come and go many times in a minute.
            await asyncio.sleep(pause)
            await wait_for(self._news, wait)

    async def catch_up(
        self, look_back: float | None = None, *, retries: bool = False
    ) -> int:
        """Plan what Frigate has and the ledger lacks; return how many items.

        With `retries`, what failed of that time is tried again. With `look_back` (seconds) exactly that time is looked at, and history is
        sent that nobody asked for otherwise: also to destinations that came later
        than an item which others have had.
        Raises FrigateError, LedgerError or SpoolError; a day whose reviews Frigate
        can't give keeps no other from being caught up before that.
        """
        problem: FrigateServerError | None = None
        found = 0
        async with self._running:
            now = time.time()
            window = await self._window(now, look_back, retries=retries)
            for after, before in _days(window):
                try:
                    reviews = await self._ask_reviews(after, before)
                except FrigateServerError as err:
                    problem = err
                else:
                    found += await self._take_reviews(reviews, window)
            found += await self._take_objects(window)
            if look_back is None and problem is None:
                # Another time may not reach back far enough.
                await self._ledger.run(counters.keep_moment, counters.CAUGHT_UP, now)
        if found:
            _LOGGER.info("Catching up found %d item(s) that were missed", found)
        if problem is not None:
            raise problem
        return found

    async def _window(
        self, now: float, look_back: float | None, *, retries: bool
    ) -> Window:
        if look_back is not None:
            return Window(
                after=now - look_back, before=now, since=None, retries=retries
            )
        since = await self._ledger.run(counters.moment, counters.SINCE, default=now)
        last = await self._ledger.run(
            counters.moment, counters.CAUGHT_UP, default=since
        )
        after = min(now - self._look_back, last - _MARGIN)
        return Window(
            after=max(after, since),
            before=now,
            since=await self._ledger.run(counters.since),
            retries=retries,
        )

    async def _ask_reviews(self, after: float, before: float) -> list[Review]:
        offset = self._client.clock_offset
        return await self._client.reviews(after=after - offset, before=before - offset)

    async def _take_reviews(self, reviews: list[Review], window: Window) -> int:
        known = await self._ledger.run(
            ledger_items.known, Media.RECORDINGS, [review.id for review in reviews]
        )
        found = 0
        for review in sorted(reviews, key=lambda review: review.start_time):
            is_open = known.get(review.id)
            if is_open is False:
                found += await self._serve(Media.RECORDINGS, review.id, window)
                continue
            if is_open and not review.ended:
                continue
            found += await self._reviews.look_and_take(
                review,
                told=window.before,
                only=None if is_open else self._wanting(review, window),
            )
        return found

    def _wanting(self, review: Review, window: Window) -> frozenset[str] | None:
        if not review.ended:
            return None
        end = window.before if review.end_time is None else self._local(review.end_time)
        return window.destinations(end)

    async def _take_objects(self, window: Window) -> int:
        found = 0
        async for objects in self._pages(window):
            known = await self._ledger.run(
                ledger_items.known, Media.SNAPSHOTS, [tracked.id for tracked in objects]
            )
            for tracked in objects:
                if tracked.end_time is None:
                    continue
                end = self._local(tracked.end_time)
                if end <= window.after:
                    continue
                if tracked.id in known:
                    found += await self._serve(Media.SNAPSHOTS, tracked.id, window)
                elif tracked.has_snapshot:
                    found += await self._objects.take(
                        tracked, told=window.before, only=window.destinations(end)
                    )
        return found

    async def _serve(self, media: Media, source_id: str, window: Window) -> bool:
        """Give a known item to those who lack it, as far as that was asked for."""
        is_retried = window.retries and await self._latecomers.retry(media, source_id)
        if window.since is not None:
            return is_retried
        return await self._latecomers.serve(media, source_id) or is_retried

    async def _pages(self, window: Window) -> AsyncIterator[list[TrackedObject]]:
        offset = self._client.clock_offset
        after, before = window.after - offset - _LONG_OBJECT, window.before - offset
        for _ in range(_MAX_PAGES):
            page = await self._client.events(after=after, before=before, limit=_PAGE)
            yield page.objects
            if page.oldest is None or page.oldest >= before:
                return
            # Others may have begun in the very same moment.
            before = page.oldest + 0.001
        _LOGGER.warning("Frigate has more tracked objects than can be caught up")

    def _local(self, moment: float) -> float:
        """Return a moment of Frigate's clock in ours."""
        return moment + self._client.clock_offset


def _days(window: Window) -> Iterator[tuple[float, float]]:
    """Yield the window in equal parts of at most a day (and a second).

    Frigate gives all reviews of a time in one answer, which must be of bounded
    size. One that lasts longer than a part is given for several of them.
    """
    span = window.before - window.after
    count = max(1, ceil((span - 1) / _DAY))
    for number in range(count):
        yield (
            window.after + span * number / count,
            window.after + span * (number + 1) / count,
        )
