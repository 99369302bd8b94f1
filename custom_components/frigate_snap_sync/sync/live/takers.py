"""Who takes the film of a review while it happens, and from when on."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, inf
import time

from ...frigate.protocol import FrigateApi
from ..model.footage_ranges import FootageRange
from ..model.item import Item
from ..model.openings import for_range, wanted
from ..model.plans import UploadPlan
from ..model.selection import wants_live, wants_live_of
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..sending.worker import Worker
from ..services import Services
from .target import LiveTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """A destination that takes a film; `earliest` is from when on, by a steady clock."""

    target: LiveTarget
    earliest: float


class Takers:
    """The destinations, as far as film may be sent there.

    One whose owner lets nothing be sent takes none, and so does one that is closed, or
    whose budget has no more for it. One that fails takes film: it may be back at once.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        registry: ItemRegistry,
        workers: Mapping[str, Worker],
        planner: Planner,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._services = services
        self._registry = registry
        self._workers = workers
        self._planner = planner
        self._since: dict[Worker, float] = {}
        """From when on destinations take film that were added since the start."""

    def note(self, now: float) -> None:
        """Note which destinations are there: a new one gets nothing of before."""
        self._since = {
            worker: self._since.get(worker, now) for worker in self._workers.values()
        }

    def select(self, item: Item) -> bool:
        """Tell whether any destination selects the film of an item."""
        return any(
            wants_live(worker.setup.selection, item)
            for worker in self._workers.values()
        )

    def wake(self) -> None:
        """Let each destination look for film that is to be removed there."""
        for worker in self._workers.values():
            worker.wake()

    def bases(self, item: Item) -> dict[str, str]:
        """Return what the files of an item are called where its film is selected.

        Whether anything can be sent there now or not.
        """
        return {
            setup.id: self._planner.paths.of(setup, item)
            for setup in self._planner.destinations
            if wants_live(setup.selection, item)
        }

    def select_camera(self, camera: str) -> bool:
        """Tell whether any destination may take the film of a camera now."""
        return any(
            worker.may_send and wants_live_of(worker.setup.selection, camera)
            for worker in self._workers.values()
        )

    async def of(self, item: Item, *, is_hint: bool = False) -> dict[str, Taker]:
        """Return who takes the film of an item now, by their ids.

        If it `is_hint`, whoever may take the film of its camera.

        Nothing of before a destination was opened or added, or before Capture was
        switched on. Raises LedgerError.
        """
        bounds = await self._registry.bounds(item)
        now = time.time() - self._client.clock_offset
        footage = FootageRange(floor(now), ceil(now) + 1)
        if bounds is None or bounds.cut(footage) is None:
            return {}
        workers = {
            id_: worker
            for id_, worker in self._workers.items()
            # One that has come since is looked at the next time.
            if worker in self._since
            and (
                wants_live_of(worker.setup.selection, item.camera)
                if is_hint
                else wants_live(worker.setup.selection, item)
            )
        }
        plans = for_range(
            (
                UploadPlan(
                    destination_id=id_, path=self._planner.paths.of(worker.setup, item)
                )
                for id_, worker in workers.items()
            ),
            bounds.openings,
            footage,
        )
        steady = time.monotonic() - now
        takers = (
            Taker(
                target=LiveTarget(
                    item=item,
                    is_hint=is_hint,
                    base=plan.path,
                    worker=(worker := workers[plan.destination_id]),
                    services=self._services,
                ),
                earliest=max(
                    steady + bounds.start,
                    steady + bounds.openings.get(plan.destination_id, -inf),
                    self._since[worker],
                ),
            )
            for plan in wanted(plans)
        )
        return {each.target.id: each for each in takers if each.target.is_allowed}
