"""Fire drills: would a burglary now be saved? One at a time."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
import logging
import time

from ...frigate.protocol import FrigateApi
from ...storage.outlasting import wait_for_end
from ..ledger import LedgerError, cameras, closed_periods, drills, off_periods
from ..model.drill import (
    CameraDrill,
    DestinationDrill,
    DrillCause,
    Failure,
    Outcome,
    Step,
    skipped_because,
    wanted_steps,
)
from ..model.errors import Refusal, Refused
from ..monitoring.frigate_monitor import FrigateMonitor
from ..sending.breaker import keeps_away
from ..sending.worker import Worker
from ..services import Services
from ..support.tasks import cancel
from .material import Material, Materials
from .round_trip import RoundTrip
from .stopwatch import Stopwatch

_LOGGER = logging.getLogger(__name__)


class Drills:
    """Takes what Frigate has now to every destination, and keeps what came of it."""

    def __init__(
        self,
        client: FrigateApi,
        monitor: FrigateMonitor,
        services: Services,
        workers: Mapping[str, Worker],
    ) -> None:
        """Keep what it works with; `workers` is looked at again each time."""
        self._client = client
        self._services = services
        self._ledger = services.ledger
        self._workers = workers
        self._is_disabled = monitor.cameras.is_disabled
        self._materials = Materials(client, services=services)
        self._running: asyncio.Task[None] | None = None

    async def run(self, camera: str | None = None) -> tuple[CameraDrill, ...]:
        """Drill a camera, or all one after the other; return what came of it.

        It is finished although its caller is cancelled. Raises Refused, LedgerError.
        """
        if self._running is not None:
            raise Refused(Refusal.DRILL_RUNNING)
        done: list[CameraDrill] = []
        self._running = task = asyncio.create_task(self._run(camera, done))
        task.add_done_callback(self._ended)
        await wait_for_end(task)
        if task.cancelled():
            raise Refused(Refusal.DRILL_INTERRUPTED)
        task.result()
        return tuple(done)

    def retire(self) -> Collection[asyncio.Task[None]]:
        """Return the task that is to be cancelled, if there is one."""
        return () if self._running is None else (self._running,)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running = None

    async def _run(self, camera: str | None, done: list[CameraDrill]) -> None:
        if not await self._ledger.run(off_periods.capture_on):
            raise Refused(Refusal.CAPTURE_OFF)
        if not self._workers:
            raise Refused(Refusal.NO_DESTINATION)
        if camera is not None and self._is_disabled(camera):
            raise Refused(Refusal.CAMERA_DISABLED, camera)
        names = [camera] if camera is not None else await self._cameras()
        if not names:
            raise Refused(Refusal.NO_CAMERA)
        moment = time.time()
        at_frigate: Failure | None = None
        dead: dict[str, DestinationDrill] = {}
        for name in names:
            drill = await self._drill(name, moment, at_frigate, dead)
            done.append(drill)
            at_frigate = _lasting(drill)
            dead |= {
                each.destination_id: each
                for each in drill.destinations
                if each.cause is not None and keeps_away(each.cause)
            }
        kept = [each for each in done if each.outcome is not Outcome.SKIPPED]
        if not kept:
            raise Refused(Refusal.NOTHING_TO_DRILL)
        # Together: a drill is not passed while one of its cameras is still to come.
        await self._ledger.run(drills.keep, kept)
        self._services.signals.status_changed()

    async def _cameras(self) -> list[str]:
        """Return the cameras that Frigate uses, in order."""
        shown = await self._ledger.run(cameras.shown_cameras)
        return sorted(name for name in shown if not self._is_disabled(name))

    async def _drill(
        self,
        camera: str,
        moment: float,
        at_frigate: Failure | None,
        dead: Mapping[str, DestinationDrill],
    ) -> CameraDrill:
        """Drill one camera.

        What has failed for one before it, and concerns all of them, is not tried again.
        """
        skipped = await self._skipped(camera)
        taking = {id_: it for id_, it in self._workers.items() if id_ not in skipped}
        blank = CameraDrill(
            camera=camera, moment=moment, destinations=tuple(skipped.values())
        )
        if not taking:
            return blank
        if at_frigate is not None:
            return replace(blank, cause=at_frigate.cause, step=at_frigate.step)
        watch = Stopwatch()
        material = await self._materials.take(
            camera, watch, is_film_wanted=any(map(_wants_film, taking.values()))
        )
        if material.failure is not None:
            return replace(
                blank,
                cause=material.failure.cause,
                step=material.failure.step,
                seconds=watch.seconds,
            )
        tasks = {
            id_: asyncio.create_task(
                self._send(worker, camera, material, dead.get(id_))
            )
            for id_, worker in taking.items()
        }
        try:
            await asyncio.wait(tasks.values())
        finally:
            await cancel(tasks.values())
            await self._materials.remove(material.items)
        # What a worker met that was replaced meanwhile may be just that.
        results = [
            task.result()
            for id_, task in tasks.items()
            if self._workers.get(id_) is taking[id_]
        ]
        if not results:
            raise Refused(Refusal.DRILL_INTERRUPTED)
        return replace(
            blank,
            bytes=material.size,
            seconds=watch.seconds,
            destinations=(*results, *skipped.values()),
        )

    async def _skipped(self, camera: str) -> dict[str, DestinationDrill]:
        """Return the destinations that take no part, each with the reason."""
        closed = await self._ledger.run(closed_periods.closed)
        found: dict[str, DestinationDrill] = {}
        for destination_id, worker in self._workers.items():
            budget = worker.budget.status
            cause = skipped_because(
                worker.setup.selection,
                camera,
                is_sending=worker.is_enabled,
                is_closed=destination_id in closed,
                is_spent=budget is not None and budget.is_spent,
            )
            if cause is not None:
                found[destination_id] = _skip(destination_id, cause)
        return found

    async def _send(
        self,
        worker: Worker,
        camera: str,
        material: Material,
        failed: DestinationDrill | None,
    ) -> DestinationDrill:
        if failed is not None:
            return replace(failed, seconds={})
        has_footage = await self._may_have_footage(worker, material)
        steps = wanted_steps(worker.setup.selection, has_footage=has_footage)
        items = [item for item in material.items if item.step in steps]
        if not items:
            return _skip(worker.setup.id, DrillCause.NO_FOOTAGE)
        try:
            done = await RoundTrip(worker, camera, services=self._services).run(items)
            return replace(
                done,
                picture_only=Step.SEND_FOOTAGE not in steps and _wants_film(worker),
            )
        except LedgerError:
            raise
        except Exception:
            _LOGGER.exception("The drill at %s failed unexpectedly", worker.setup.name)
            return DestinationDrill(
                destination_id=worker.setup.id,
                outcome=Outcome.FAILED,
                cause=DrillCause.UNEXPECTED,
                step=Step.CONNECT,
            )

    async def _may_have_footage(self, worker: Worker, material: Material) -> bool:
        """Tell whether there is footage, of a time that its owner did not keep at home."""
        if material.footage is None:
            return False
        offset = self._client.clock_offset
        start, end = material.footage.start + offset, material.footage.end + offset
        if await self._ledger.run(off_periods.was_off_within, start, end):
            return False
        openings = await self._ledger.run(closed_periods.openings, start, end)
        return openings.get(worker.setup.id, start) <= start


def _wants_film(worker: Worker) -> bool:
    return Step.SEND_FOOTAGE in wanted_steps(worker.setup.selection, has_footage=True)


def _skip(destination_id: str, cause: DrillCause) -> DestinationDrill:
    return DestinationDrill(
        destination_id=destination_id, outcome=Outcome.SKIPPED, cause=cause
    )


def _lasting(drill: CameraDrill) -> Failure | None:
    """Return how a drill failed at Frigate, if that concerns all cameras."""
    if drill.cause not in (DrillCause.FRIGATE_AWAY, DrillCause.FRIGATE_LOGIN_REFUSED):
        return None
    return Failure(step=Step(drill.step or Step.PICTURE), cause=drill.cause)
