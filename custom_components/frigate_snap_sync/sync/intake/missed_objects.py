"""Tracked objects that were missed: those that Frigate has and the ledger lacks."""

from collections.abc import Iterator
import logging

from ...frigate.errors import FrigateServerError
from ...frigate.models import TrackedObject
from ...frigate.protocol import FrigateApi
from ..ledger import items as ledger_items
from ..ledger.tracked_objects import Remembered
from ..model.item import Media
from ..model.review_rules import last_moment
from ..services import Services
from .backfill import Backfill
from .comparison import MARGIN, Comparison, Window, days, serve
from .object_lookup import ObjectLookup
from .object_search import ObjectSearch
from .tracked_objects import TrackedObjects

_LOGGER = logging.getLogger(__name__)


class MissedObjects:
    """Compares Frigate's tracked objects with the ledger, by id.

    Its methods raise FrigateError or LedgerError.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        objects: TrackedObjects,
        lookup: ObjectLookup,
        backfill: Backfill,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._ledger = services.ledger
        self._limits = services.limits
        self._objects = objects
        self._lookup = lookup
        self._backfill = backfill
        self._rest: list[tuple[float, float]] = []
        self._failed: list[tuple[float, float]] = []
        self._rest_until = 0.0

    def keep_rest(self, run: Comparison) -> None:
        """Keep what a comparison has left for the next one."""
        self._rest, self._rest_until = run.rest, run.window.before
        self._failed = run.failed

    def forget_rest(self) -> None:
        """Forget what was left: its times are those of a clock that was set."""
        self._rest = []

    async def tracked(self, run: Comparison) -> tuple[set[str], dict[str, Remembered]]:
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

    def times(self, window: Window) -> Iterator[tuple[float, float]]:
        """Yield the times whose objects are looked at: what the last run left first.

        And what failed beside that: without it the window would begin there.
        """
        if window.since is None or not self._rest:
            return days(window)
        newest = (self._rest_until - MARGIN, window.before)
        return iter([*self._rest, *self._failed, newest])

    async def take(self, after: float, before: float, run: Comparison) -> int:
        """Take the objects that began in a time; leave what are too many at once."""
        try:
            return await self._take(after, before, run)
        except FrigateServerError:
            run.failed.append((after, before))
            raise

    async def _take(self, after: float, before: float, run: Comparison) -> int:
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

    async def take_long(self, run: Comparison) -> int:
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

    async def _take_ended(self, objects: list[TrackedObject], run: Comparison) -> int:
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
                found += await serve(
                    self._backfill, Media.SNAPSHOTS, tracked.id, window
                )
            elif tracked.has_snapshot:
                found += await self._objects.take(
                    tracked, reported_at=window.before, only=window.destinations(end)
                )
        return found

    def _local(self, moment: float) -> float:
        """Return a moment of Frigate's clock in ours."""
        return moment + self._client.clock_offset
