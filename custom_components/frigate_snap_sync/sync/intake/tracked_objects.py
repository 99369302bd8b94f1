"""The snapshots of tracked objects, fetched from Frigate when the object has ended."""

from collections.abc import Collection
from dataclasses import replace

from ...frigate.models import TrackedObject
from ...frigate.protocol import FrigateApi
from ..model.item import snapshot_item
from ..model.openings import ONLY_WHILE, for_item, wanted
from ..model.plans import FilePlan, FileState
from ..model.review_rules import ended
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry


class TrackedObjects:
    """Plans one snapshot for each tracked object."""

    def __init__(
        self,
        *,
        client: FrigateApi,
        planner: Planner,
        registry: ItemRegistry,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._planner = planner
        self._registry = registry

    async def take(
        self,
        tracked: TrackedObject,
        *,
        reported_at: float,
        only: Collection[str] | None = None,
        seen: float | None = None,
    ) -> bool:
        """Plan the snapshot of a tracked object that has ended.

        With `only`, these destinations alone get it. `seen` is when it was known to
        be tracked last (our clock): a Frigate that was killed says at its next start
        that what it tracked had ended 30 s after its beginning. The snapshot is
        skipped if it may show a time with capture switched off. Returns whether there
        was anything to plan. Raises LedgerError.
        """
        if not tracked.has_snapshot or tracked.false_positive:
            return False
        offset = self._client.clock_offset
        item = snapshot_item(tracked, reported_at=reported_at)
        item = ended(self._planner.bounded(item), by=reported_at - offset)
        pictured_until = item.end
        if item.end is not None and seen is not None and seen > item.end + offset:
            # It ended at some moment since then.
            item = replace(item, end=seen - offset)
            pictured_until = reported_at - offset
        uploads = self._planner.uploads(item, only=only)
        if not uploads:
            return False
        pictured = replace(item, end=pictured_until)
        if await self._registry.is_private(pictured):
            await self._registry.skip_as_off(item)
            return False
        uploads = for_item(uploads, await self._registry.openings(pictured))
        if not wanted(uploads):
            await self._registry.skip(item, ONLY_WHILE, only=only)
            return False
        plan = FilePlan(state=FileState.WANTED, uploads=uploads, due=reported_at)
        return await self._registry.plan(item, [plan])
