"""Asks Frigate about tracked objects whose end MQTT does not tell.

Nothing is on MQTT's `events` of manual events, or of what a killed Frigate tracked;
and any message may get lost. What is known to be tracked is therefore remembered.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
import logging
import time

from ...frigate.errors import FrigateError
from ...frigate.models import Review
from ...frigate.protocol import FrigateApi
from ..ledger import (
    LedgerError,
    items as ledger_items,
    tracked_objects as ledger_tracked,
)
from ..ledger.tracked_objects import Remembered
from ..model.item import Media
from ..model.review_rules import last_moment
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..planning.planner import Planner
from ..services import Services
from ..support.backoff import doubled
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .tracked_objects import TrackedObjects

_LOGGER = logging.getLogger(__name__)

_FIRST_RETRY = 1.0
_LONGEST_RETRY = 30.0
_MOST_WAITING = 1000
_MOST_ANNOUNCED = 10_000


@dataclass(slots=True)
class _Question:
    """An object to ask about: when, and until when again (by `monotonic`).

    `is_over`: the review that names it has ended, so its end is expected.
    """

    due: float
    until: float
    is_over: bool
    delay: float = _FIRST_RETRY


class ObjectLookup:
    """Asks about the objects that reviews name, and those that are remembered."""

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        monitor: FrigateMonitor,
        planner: Planner,
        objects: TrackedObjects,
    ) -> None:
        """Keep what it works with; nothing is asked before `run`."""
        self._client = client
        self._ledger = services.ledger
        self._monitor = monitor
        self._planner = planner
        self._objects = objects
        self._timing = services.timing
        self._announced: dict[str, None] = {}
        self._waiting: dict[str, _Question] = {}
        self._news = asyncio.Event()
        self._outage = OutageLog(_LOGGER, "Looking up tracked objects")

    async def announced(self, object_id: str, *, has_ended: bool, now: float) -> None:
        """Note that MQTT tells of an object, at `now` by our clock.

        Raises LedgerError.
        """
        self._announced[object_id] = None
        if len(self._announced) > _MOST_ANNOUNCED:
            del self._announced[next(iter(self._announced))]
        if has_ended:
            await self._ledger.run(ledger_tracked.forget, object_id)
        elif self._planner.wants(Media.SNAPSHOTS):
            await self._ledger.run(
                ledger_tracked.remember, (object_id,), now=now, is_tracked=True
            )

    async def named(self, review: Review, *, has_ended: bool, now: float) -> None:
        """Look soon at the objects that a review names, if MQTT tells nothing of them.

        Once the review is over, at once at all whose end was not heard. `now` is by
        our clock. Raises LedgerError.
        """
        if not review.detections or not self._planner.wants(Media.SNAPSHOTS):
            return
        moment = time.monotonic()
        due = moment + (0 if has_ended else self._timing.lookup)
        unheard: dict[str, _Question] = {}
        for object_id in review.detections:
            earlier = self._waiting.get(object_id)
            if earlier is None:
                if not has_ended and object_id in self._announced:
                    continue
                if len(self._waiting) + len(unheard) >= _MOST_WAITING:
                    continue  # Catching up finds it.
            elif earlier.is_over or not has_ended:
                continue
            unheard[object_id] = _Question(
                due=due, until=due + self._timing.lookup_patience, is_over=has_ended
            )
        if unheard:
            # If that fails, the review is taken or asked for once more.
            await self._ledger.run(ledger_tracked.remember, unheard.keys(), now=now)
            self._waiting |= unheard
            self._news.set()

    async def run(self) -> None:
        """Ask about what is due, until cancelled."""
        while True:
            await self._monitor.answers.wait()
            self._news.clear()
            now = time.monotonic()
            first = min(
                self._waiting, key=lambda each: self._waiting[each].due, default=None
            )
            if first is None or (due := self._waiting[first].due) > now:
                await wait_for(self._news, None if first is None else due - now)
                continue
            try:
                await self._look(first, self._waiting[first])
            except LedgerError as err:
                self._outage.report(err)
                await asyncio.sleep(self._timing.failure_pause)
            else:
                self._outage.over()

    async def _look(self, object_id: str, question: _Question) -> None:
        known = await self._ledger.run(ledger_items.known, Media.SNAPSHOTS, [object_id])
        if known or (not question.is_over and object_id in self._announced):
            self._drop(object_id, question)
            return
        try:
            tracked = await self._client.event(object_id)
        except FrigateError as err:
            _LOGGER.debug("Tracked object %s: %s", object_id, err)
            if not is_about_one_file(err):
                self._monitor.failed(err)
        else:
            if tracked is not None and tracked.ended:
                seen = await self._ledger.run(ledger_tracked.tracked_at, object_id)
                await self._objects.take(tracked, reported_at=time.time(), seen=seen)
                await self._ledger.run(ledger_tracked.forget, object_id)
                self._drop(object_id, question)
                return
            if tracked is not None and not question.is_over:
                # It is looked at again when its review is over.
                await self._ledger.run(
                    ledger_tracked.remember,
                    (object_id,),
                    now=time.time(),
                    is_tracked=True,
                )
                self._drop(object_id, question)
                return
        question.due = time.monotonic() + question.delay
        question.delay = doubled(question.delay, longest=_LONGEST_RETRY)
        if question.due > question.until:
            # It stays remembered: catching up asks again.
            self._drop(object_id, question)

    def _drop(self, object_id: str, question: _Question) -> None:
        """Ask no more, if nothing else was said of it meanwhile."""
        if self._waiting.get(object_id) is question:
            del self._waiting[object_id]

    async def remembered(
        self, running: Collection[str], *, now: float
    ) -> dict[str, Remembered]:
        """Return what is remembered, with the objects that Frigate tracks `now`.

        Raises LedgerError.
        """
        if self._planner.wants(Media.SNAPSHOTS):
            await self._ledger.run(
                ledger_tracked.remember, running, now=now, is_tracked=True
            )
        return await self._ledger.run(ledger_tracked.remembered)

    async def ask(
        self,
        object_id: str,
        known: Remembered,
        *,
        now: float,
        wanting: Callable[[float], Collection[str] | None],
    ) -> bool:
        """Take a remembered object if it has ended; return whether that gave an item.

        `wanting` tells who may get what ended at a moment of our clock. Raises
        FrigateError about Frigate as a whole, or LedgerError.
        """
        try:
            tracked = await self._client.event(object_id)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Tracked object %s: %s", object_id, err)
            return False
        if tracked is None:
            # Frigate keeps no row of what had neither footage nor a picture.
            if now - known.heard_at > self._timing.missing_after:
                await self._ledger.run(ledger_tracked.forget, object_id)
            return False
        if not tracked.ended:
            return False
        end = last_moment(tracked) + self._client.clock_offset
        if tracked.has_odd_end:
            end = max(end, known.heard_at)  # It was there when a review named it.
        end = end if known.tracked_at is None else max(end, known.tracked_at)
        taken = await self._objects.take(
            tracked, reported_at=now, only=wanting(end), seen=known.tracked_at
        )
        await self._ledger.run(ledger_tracked.forget, object_id)
        return taken
