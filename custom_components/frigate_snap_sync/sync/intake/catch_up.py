"""Catching up: MQTT is a hint, Frigate's API is the truth."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
import logging
from math import ceil, inf
import time

from ...frigate.errors import FrigateError, FrigateServerError, UnreadableRows
from ...frigate.models import Review, TrackedObject
from ...frigate.protocol import FrigateApi
from ..ledger import (
    LedgerError,
    destinations as ledger_destinations,
    items as ledger_items,
    milestones,
)
from ..ledger.tracked_objects import Remembered
from ..model.errors import SpoolError
from ..model.item import Media
from ..model.review_rules import last_moment
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..services import Services
from ..support.backoff import doubled
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .backfill import Backfill
from .object_lookup import ObjectLookup
from .object_search import ObjectSearch
from .reviews import ReviewIntake
from .tracked_objects import TrackedObjects

_LOGGER = logging.getLogger(__name__)

_DAY = 86400.0
_MARGIN = 300.0
"""How far before the last complete catch-up is looked again: for clocks, and races."""
_UNREADABLE = 7 * _DAY
"""How long a day of which nothing can be understood is asked for again."""
_SURE = 60.0
"""Seconds that our clock may differ from Frigate's to be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time to look at, by our clock, and what may be sent of it.

    `since` tells for each destination what ended before it was there: that is
    only sent when the owner asked for this time.
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


@dataclass(slots=True, kw_only=True)
class _Run:
    """One comparison: what it found, up to when all is known, and what is left.

    `running` are the objects that Frigate tracks at the moment, `remembered` those
    whose end was not heard of.
    """

    window: Window
    found: int = 0
    problem: FrigateServerError | None = None
    rest: list[tuple[float, float]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    remembered: dict[str, Remembered] = field(default_factory=dict)
    reached: float = field(init=False)

    def __post_init__(self) -> None:
        """All is known, as long as nothing fails."""
        self.reached = self.window.before

    def missed(self, after: float, error: FrigateServerError) -> None:
        """Note that Frigate could not give what is there from a moment on."""
        self.problem = error
        if isinstance(error, UnreadableRows):
            # They may never be readable, and the window must not grow for ever.
            after = max(after, self.window.before - _UNREADABLE)
        self.reached = min(self.reached, after)


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
        objects: TrackedObjects,
        lookup: ObjectLookup,
        reviews: ReviewIntake,
        backfill: Backfill,
        look_back: float,
    ) -> None:
        """Keep what it works with; `look_back` is in seconds."""
        self._client = client
        self._ledger = services.ledger
        self._monitor = monitor
        self._objects = objects
        self._lookup = lookup
        self._reviews = reviews
        self._timing = services.timing
        self._limits = services.limits
        self._look_back = look_back
        self._backfill = backfill
        self._outage = OutageLog(_LOGGER, "Catching up")
        self._news = asyncio.Event()
        self._running = asyncio.Lock()
        self._rest: list[tuple[float, float]] = []
        self._rest_until = 0.0

    def request(self) -> None:
        """Catch up soon: Frigate or the broker is back."""
        self._news.set()

    def follow_clock(self) -> None:
        """Forget the times of a clock that was set; what they left is in the window."""
        self._rest = []
        self.request()

    async def run(self) -> None:
        """Catch up when asked to and every 15 minutes, until cancelled."""
        pause = retry = self._timing.catch_up_pause
        longest = self._timing.catch_up
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
            except (LedgerError, SpoolError) as err:
                self._outage.report(err)
                wait, retry = retry - pause, doubled(retry, longest=longest)
            else:
                self._monitor.note_comparison(failed=False)
                self._outage.over()
                retry = pause
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
            run = _Run(window=window)
            run.running, run.remembered = await self._tracked(run)
            for days, take in (
                (_days(run.window), self._take_reviews),
                (self._object_times(run.window), self._take_objects),
            ):
                for after, before in days:
                    try:
                        run.found += await take(after, before, run)
                    except FrigateServerError as err:
                        run.missed(after, err)
            try:
                run.found += await self._take_long_objects(run)
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

    async def _note(self, run: _Run) -> None:
        """Keep up to when all is known, and what is left for the next time."""
        self._rest, self._rest_until = run.rest, run.window.before
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
        after = min(now - self._look_back, last - _MARGIN)
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

    async def _tracked(self, run: _Run) -> tuple[set[str], dict[str, Remembered]]:
        """Return the objects that Frigate tracks, and all whose end was not heard."""
        now = run.window.before
        search = ObjectSearch(self._client, page=self._limits.object_page)
        try:
            running = await search.running(now - self._client.clock_offset)
        except FrigateServerError as err:
            run.missed(run.window.after, err)
            running = []
        ids = {tracked.id for tracked in running}
        return ids, await self._lookup.remembered(ids, now=now)

    async def _take_reviews(self, after: float, before: float, run: _Run) -> int:
        window, offset = run.window, self._client.clock_offset
        reviews = await self._client.reviews(
            after=after - offset, before=before - offset
        )
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
            if (
                is_open is None
                and review.ended
                and self._local(last_moment(review)) <= window.after
            ):
                continue  # Frigate lists an end that can't be one for ever.
            review = await self._reviews.with_end(review)
            found += await self._reviews.look_and_take(
                review,
                reported_at=window.before,
                only=None if is_open else self._wanting(review, window),
            )
        return found

    def _wanting(self, review: Review, window: Window) -> frozenset[str] | None:
        if not review.ended:
            return None
        return window.destinations(self._local(last_moment(review)))

    def _object_times(self, window: Window) -> Iterator[tuple[float, float]]:
        """Yield the times whose objects are looked at: what the last run left first."""
        if window.since is None or not self._rest:
            return _days(window)
        return iter([*self._rest, (self._rest_until - _MARGIN, window.before)])

    async def _take_objects(self, after: float, before: float, run: _Run) -> int:
        """Take the objects that began in a time; leave what are too many at once."""
        offset, found = self._client.clock_offset, 0
        rest: float | None = None
        search = ObjectSearch(self._client, page=self._limits.object_page)
        async for objects, unseen in search.began_within(
            after - offset, before - offset, pages=self._limits.object_pages
        ):
            found += await self._take_ended(objects, run)
            rest = unseen
        if rest is not None:
            if not run.rest:
                _LOGGER.warning(
                    "Frigate has more tracked objects than can be caught up at once"
                )
            run.rest.append((after, rest + offset))
        return found

    async def _take_long_objects(self, run: _Run) -> int:
        """Take the objects that began before the window and ended in it, or since.

        Frigate knows objects by their start. A killed one says of what it tracked that
        it ended 30 s after its beginning, so what is known to be tracked is asked for
        by its id.
        """
        window, found = run.window, 0
        search = ObjectSearch(self._client, page=self._limits.object_page)
        async for objects in search.lasted_until(
            window.after - self._client.clock_offset, pages=self._limits.object_pages
        ):
            found += await self._take_ended(objects, run)
        for object_id, known in run.remembered.items():
            if object_id not in run.running:
                found += await self._lookup.ask(
                    object_id, known, now=window.before, wanting=window.destinations
                )
        return found

    async def _take_ended(self, objects: list[TrackedObject], run: _Run) -> int:
        known = await self._ledger.run(
            ledger_items.known, Media.SNAPSHOTS, [tracked.id for tracked in objects]
        )
        window, found = run.window, 0
        for tracked in objects:
            if not tracked.ended:
                continue
            if tracked.id in run.remembered:
                continue  # It is asked for by its id.
            end = self._local(last_moment(tracked))
            if end <= window.after:
                continue
            if tracked.id in known:
                found += await self._serve(Media.SNAPSHOTS, tracked.id, window)
            elif tracked.has_snapshot:
                found += await self._objects.take(
                    tracked, reported_at=window.before, only=window.destinations(end)
                )
        return found

    async def _serve(self, media: Media, source_id: str, window: Window) -> bool:
        """Give a known item to those who lack it, as far as that was asked for."""
        is_retried = window.retries and await self._backfill.retry(media, source_id)
        if window.since is not None:
            return is_retried
        return await self._backfill.serve(media, source_id) or is_retried

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
