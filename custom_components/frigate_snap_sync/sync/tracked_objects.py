"""The snapshots of tracked objects, fetched from Frigate when the object has ended."""

from collections.abc import Collection

from ..frigate.models import TrackedObject
from .items import snapshot_item
from .ledger.items import FilePlan, FileState
from .planner import Planner
from .registry import ItemRegistry


class TrackedObjects:
    """Plans one snapshot for each tracked object."""

    def __init__(self, *, planner: Planner, registry: ItemRegistry) -> None:
        """Keep what it works with."""
        self._planner = planner
        self._registry = registry

    async def take(
        self,
        tracked: TrackedObject,
        *,
        told: float,
        only: Collection[str] | None = None,
    ) -> bool:
        """Plan the snapshot of a tracked object that has ended.

        With `only`, these destinations alone get it. It is skipped if its picture
        may show a time with capture switched off. Returns whether there was anything
        to plan. Raises LedgerError.
        """
        if not tracked.has_snapshot or tracked.false_positive:
            return False
        item = self._planner.bounded(snapshot_item(tracked, told=told))
        if await self._registry.is_private(item):
            await self._registry.skip(item)
        elif uploads := self._planner.uploads(item, only=only):
            plan = FilePlan(state=FileState.WANTED, uploads=uploads, due=told)
            return await self._registry.plan(item, [plan])
        return False
