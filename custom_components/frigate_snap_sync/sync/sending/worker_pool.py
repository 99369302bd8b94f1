"""The workers of all destinations: started, exchanged and ended."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
import logging
import time

from ...storage.errors import Unreachable
from ...storage.outlasting import wait_for_end
from ..ledger import (
    destinations as ledger_destinations,
    outcomes,
    places,
    probes,
    sparing,
    uploads,
)
from ..model.destination_setup import DestinationSetup
from ..model.selection import wants
from ..planning.planner import Planner
from ..services import Services
from ..support.home_health import HomeHealth
from ..support.tasks import cancel, supervise
from .budget import Calendar
from .earlier_copies import EarlierCopies
from .unfinished import Unfinished, left_by_tests
from .worker import Worker

_LOGGER = logging.getLogger(__name__)


class WorkerPool:
    """Keeps one worker for each destination that there is at the moment."""

    def __init__(
        self,
        *,
        services: Services,
        planner: Planner,
        health: HomeHealth,
        released: asyncio.Event,
        calendar: Calendar,
        clock_offset: Callable[[], float],
    ) -> None:
        """Keep what it works with; there is no destination yet.

        The last three are for the workers.
        """
        self.workers: dict[str, Worker] = {}
        self.restored = 0.0
        """When the ledger began again with less than it had known."""
        self._services = services
        self._ledger = services.ledger
        self._planner = planner
        self._health = health
        self._released = released
        self._calendar = calendar
        self._clock_offset = clock_offset
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._changes: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._is_over = False

    def working(self) -> list[str]:
        """Return the destinations that take files at the moment."""
        return [id_ for id_, worker in self.workers.items() if worker.is_usable]

    def files_in_flight(self) -> set[int]:
        """Return the ids of the files that are being sent somewhere."""
        return {
            id_ for worker in self.workers.values() for id_ in worker.files_in_flight
        }

    async def test(self, destination_id: str) -> None:
        """Test a destination end to end. Raises StorageError."""
        worker = self.workers.get(destination_id)
        if worker is None:
            raise Unreachable("The destination is no longer in use")
        await worker.test()

    def follow_clock(self, seconds: float) -> None:
        """Bring what is remembered as a time in line with a clock that was set."""
        for worker in self.workers.values():
            worker.follow_clock(seconds)

    def wake(self, destination_ids: Iterable[str]) -> None:
        """Let these look for work now."""
        for destination_id in set(destination_ids):
            if worker := self.workers.get(destination_id):
                worker.wake()

    async def apply(self, destinations: Iterable[DestinationSetup]) -> bool:
        """Make these the destinations: new ones start, changed ones start over.

        The uploads of a destination that is no longer among them are cancelled.
        A change is finished although its caller is cancelled; `retire` ends it, and
        then this returns False. Raises LedgerError or SpoolError.
        """
        if self._is_over:
            return False
        change = asyncio.create_task(self._apply(tuple(destinations)))
        self._changes.add(change)
        change.add_done_callback(self._changes.discard)
        await wait_for_end(change)
        if change.cancelled():
            return False
        change.result()
        return True

    def retire(self) -> Collection[asyncio.Task[None]]:
        """Take no more orders; return the tasks that are to be cancelled.

        A change under way is among them: the disk that it waits for may be dead.
        """
        self._is_over = True
        self._end(tuple(self.workers))
        return {*self._changes, *self._ending}

    async def _apply(self, destinations: Collection[DestinationSetup]) -> None:
        async with self._changing:
            wanted = {setup.id: setup for setup in destinations}
            changed = [
                destination_id
                for destination_id, worker in self.workers.items()
                if wanted.get(destination_id) != worker.setup
            ]
            former = {id_: self.workers[id_].setup for id_ in changed}
            removed = [setup for id_, setup in former.items() if id_ not in wanted]
            limits = {id_: _limits_of(setup) for id_, setup in former.items()}
            await cancel(self._end(changed))
            self._planner.set_destinations(wanted.values())
            tested = {id_: await left_by_tests(self._ledger, id_) for id_ in former}
            ended = await self._ledger.run(
                ledger_destinations.keep_destinations, tuple(wanted), now=time.time()
            )
            await self._services.apply(ended)
            for setup in removed:
                left = await self._ledger.run(uploads.forget_unfinished, setup.id)
                self._discard(setup, tested[setup.id].with_uploads(left))
            for setup in wanted.values():
                await self._settle(setup, former.get(setup.id), tested)
            for destination_id in changed:
                # It was found out of the place that the destination was before.
                await self._ledger.run(probes.keep_form, destination_id, form=None)
                new = wanted.get(destination_id)
                if new is not None and _limits_of(new) != limits[destination_id]:
                    await self._ledger.run(sparing.reconsider, destination_id)
            to_start = [
                setup for id_, setup in wanted.items() if id_ not in self.workers
            ]
            for setup in to_start:
                await self._skip_unwanted(setup)
            sending = await self._ledger.run(ledger_destinations.sending_destinations)
            # Whoever turns a switch from here on finds the worker.
            for setup in to_start:
                self._start(setup, enabled=setup.id in sending)

    async def _settle(
        self,
        setup: DestinationSetup,
        former: DestinationSetup | None,
        tested: Mapping[str, Unfinished],
    ) -> None:
        """Keep where a destination is; what it has at another place stays there.

        `former` is what it was until now, if that is known, and `tested` what tests may
        have left there.
        """
        if setup.place is None:
            return
        move = await self._ledger.run(
            places.settle, setup.id, setup.place, now=time.time()
        )
        if move is None:
            return
        _LOGGER.info(
            "Destination %s is at another place now: %d copies stay where it was before,"
            " and count again if they are found here",
            setup.name,
            move.copies,
        )
        if former is not None:
            self._discard(former, tested[setup.id].with_uploads(move.unfinished))

    def _discard(self, setup: DestinationSetup, left: Unfinished) -> None:
        """Let what may lie unfinished at a destination be removed where it was.

        Nothing looks at it later. That takes its time, which holds up no change.
        """
        if left:
            task = asyncio.create_task(left.discard(setup.destination))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _start(self, setup: DestinationSetup, *, enabled: bool) -> None:
        worker = Worker(
            setup,
            services=self._services,
            released=self._released,
            earlier=EarlierCopies(
                setup,
                ledger=self._ledger,
                paths=self._planner.paths,
                restored=self.restored,
            ),
            calendar=self._calendar,
            clock_offset=self._clock_offset,
        )
        worker.set_enabled(enabled)
        self.workers[setup.id] = worker
        self._running[setup.id] = supervise(
            setup.name,
            worker.run,
            health=self._health,
            pause=self._services.timing.restart,
        )

    def _end(self, destination_ids: Iterable[str]) -> list[asyncio.Task[None]]:
        """Let the workers of these destinations go; return their tasks."""
        ending: list[asyncio.Task[None]] = []
        for destination_id in destination_ids:
            self.workers.pop(destination_id).retire()
            task = self._running.pop(destination_id)
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            ending.append(task)
        return ending

    async def _skip_unwanted(self, setup: DestinationSetup) -> None:
        """Skip what a destination may still get, but its owner no longer selects."""
        awaited = await self._ledger.run(uploads.awaited_items, setup.id)
        unwanted = [id_ for id_, item in awaited if not wants(setup.selection, item)]
        if unwanted:
            reason = "No longer selected for this destination"
            ended = await self._ledger.run(
                outcomes.skip, unwanted, reason, now=time.time()
            )
            await self._services.apply(ended)


def _limits_of(setup: DestinationSetup) -> tuple[int, int]:
    """Return how long, and how much of, what was sent there is kept."""
    return setup.retention_days, setup.retention_size
