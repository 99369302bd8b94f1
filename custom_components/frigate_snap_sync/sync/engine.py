"""The engine: puts the rooms together, and is what Home Assistant's side talks to."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import tzinfo
import logging
from pathlib import Path
import time
from typing import Any

from ..frigate.client import FrigateClient
from ..frigate.models import FrigateConfig
from .fetcher import Fetcher
from .frigate_watch import FrigateWatch
from .intake import Intake
from .ledger import Ledger, LedgerError, counters, files as ledger_files
from .planner import Planner
from .policy import Timing
from .reviews import OpenReviews
from .spool import Spool, SpoolError
from .status import CameraStatus, DestinationStatus, EngineStatus
from .worker import DestinationSetup, Worker

__all__ = ["DestinationSetup", "Engine", "EngineOptions", "LedgerError", "SpoolError"]

_LOGGER = logging.getLogger(__name__)

_STATUS_INTERVAL = 1.0
_DRAIN_TIMEOUT = 1.0
_STOP_TIMEOUT = 3.0
_RESTART_DELAY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """The owner's options, all in seconds."""

    delay_after_startup: float = 0
    padding_before: float = 5
    padding_after: float = 5


class Engine:
    """Everything from a message of Frigate to a verified file, for one Frigate.

    `on_status` is called on the event loop when something shown has changed, at
    most once a second.
    """

    def __init__(
        self,
        *,
        client: FrigateClient,
        topic_prefix: str,
        ledger_path: Path,
        spool_path: Path,
        options: EngineOptions,
        time_zone: tzinfo,
        on_status: Callable[[EngineStatus], None],
        timing: Timing | None = None,
    ) -> None:
        """Put the parts together; nothing is opened or asked before `start`."""
        timing = timing or Timing()
        self._client = client
        self._timing = timing
        self._on_status = on_status
        self._status = EngineStatus()
        self._mqtt_connected = False
        self._ledger = Ledger(ledger_path)
        self._spool = Spool(spool_path)
        self._watch = FrigateWatch(
            client,
            name=topic_prefix,
            timing=timing,
            delay_after_startup=options.delay_after_startup,
            on_config=self._take_config,
            on_change=self._touch,
        )
        self._planner = Planner(
            time_zone=time_zone,
            padding_before=options.padding_before,
            padding_after=options.padding_after,
            timing=timing,
        )
        self._fetcher = Fetcher(
            client,
            ledger=self._ledger,
            spool=self._spool,
            watch=self._watch,
            timing=timing,
            on_fetched=self._wake_workers,
            on_change=self._touch,
        )
        self._intake = Intake(
            topic_prefix=topic_prefix,
            client=client,
            ledger=self._ledger,
            spool=self._spool,
            watch=self._watch,
            planner=self._planner,
            on_ready=self._wake_workers,
            on_wanted=self._fetcher.wake,
            on_change=self._touch,
        )
        self._reviews = OpenReviews(
            client,
            ledger=self._ledger,
            watch=self._watch,
            intake=self._intake,
            timing=timing,
        )
        self._workers: dict[str, Worker] = {}
        self._worker_tasks: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._applying = asyncio.Lock()

    @property
    def status(self) -> EngineStatus:
        """Return the newest status."""
        return self._status

    async def start(self, destinations: Iterable[DestinationSetup]) -> None:
        """Open ledger and spool and begin to work.

        Raises LedgerError or SpoolError when their files can't be used.
        """
        await self._ledger.open()
        try:
            known = await self._ledger.run(ledger_files.spool_names)
            missing = await self._spool.open(known)
            if missing:
                _LOGGER.warning("The spool lost %d file(s)", len(missing))
            await self.apply_destinations(destinations)
        except BaseException:
            await self._ledger.close()
            raise
        for name, run in (
            ("watch", self._watch.run),
            ("intake", self._intake.run),
            ("reviews", self._reviews.run),
            ("fetcher", self._fetcher.run),
            ("status", self._tell_status),
        ):
            self._tasks.append(_supervise(name, run))

    async def stop(self) -> None:
        """Cancel what is under way, within 5 s; it goes on at the next start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_TIMEOUT):
                await self._intake.drain()
        tasks = [*self._tasks, *self._worker_tasks.values()]
        self._tasks, self._worker_tasks, self._workers = [], {}, {}
        await _cancel(tasks)
        await self._ledger.close()

    def handle_message(self, topic: str, payload: bytes | str, *, retain: bool) -> None:
        """Take a message of Frigate; never waits, never raises."""
        if isinstance(payload, str):
            payload = payload.encode(errors="replace")
        self._intake.add(topic, payload, retain=retain)

    def handle_mqtt_connection(self, connected: bool) -> None:
        """Note that the link to the broker came up or went down."""
        if connected and not self._mqtt_connected:
            # What was said meanwhile was missed.
            self._watch.refresh()
        self._mqtt_connected = connected
        self._touch()

    async def apply_destinations(
        self, destinations: Iterable[DestinationSetup]
    ) -> None:
        """Make these the destinations: new ones start, changed ones go on anew.

        The uploads of a destination that is no longer among them are cancelled.
        Raises LedgerError.
        """
        async with self._applying:
            wanted = {setup.id: setup for setup in destinations}
            for destination_id, worker in list(self._workers.items()):
                if wanted.get(destination_id) != worker.setup:
                    del self._workers[destination_id]
                    await _cancel([self._worker_tasks.pop(destination_id)])
            self._planner.set_destinations(wanted.values())
            freed = await self._ledger.run(
                counters.keep_destinations, tuple(wanted), now=time.time()
            )
            await self._spool.remove(freed)
            summary = await self._ledger.run(counters.summary)
            for destination_id, setup in wanted.items():
                if destination_id not in self._workers:
                    enabled = summary.destinations[destination_id].uploads
                    self._start_worker(setup, enabled=enabled)
            await self._refresh_status()

    async def set_uploads(self, enabled: bool) -> None:
        """Switch the Frigate's uploads: items of the time while off are skipped."""
        await self._ledger.run(counters.set_uploads, enabled, now=time.time())
        await self._refresh_status()

    async def set_destination_uploads(self, destination_id: str, enabled: bool) -> None:
        """Pause a destination's uploads, or go on with them."""
        await self._ledger.run(
            counters.set_destination_uploads, destination_id, enabled
        )
        if worker := self._workers.get(destination_id):
            worker.set_enabled(enabled)
        await self._refresh_status()

    async def test_destination(self, destination_id: str) -> None:
        """Write, read back and delete a file at a destination. Raises StorageError."""
        await self._workers[destination_id].test()

    async def forget_camera(self, camera: str) -> None:
        """Drop a camera and its counters; it comes back when Frigate tells of it."""
        await self._ledger.run(counters.forget_camera, camera)
        await self._refresh_status()

    async def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault, without secrets, ready for JSON."""
        return {
            "frigate_version": self._status.frigate_version,
            "frigate_connected": self._watch.connected,
            "mqtt_connected": self._mqtt_connected,
            "clock_offset": self._client.clock_offset,
            "queued_messages": self._intake.queued,
            "counts": await self._ledger.run(counters.counts_by_state),
        }

    def _start_worker(self, setup: DestinationSetup, *, enabled: bool) -> None:
        worker = Worker(
            setup,
            ledger=self._ledger,
            spool=self._spool,
            timing=self._timing,
            released=self._watch.released,
            on_change=self._touch,
            on_wanted=self._fetcher.wake,
        )
        worker.set_enabled(enabled)
        self._workers[setup.id] = worker
        self._worker_tasks[setup.id] = _supervise(setup.name, worker.run)

    def _wake_workers(self, destination_ids: Iterable[str]) -> None:
        for destination_id in set(destination_ids):
            if worker := self._workers.get(destination_id):
                worker.wake()
        self._touch()

    async def _take_config(self, config: FrigateConfig) -> None:
        try:
            await self._ledger.run(
                counters.see_config,
                tuple(config.cameras),
                now=time.time(),
                absence=self._timing.camera_absence,
            )
            await self._intake.settle_held(config.cameras)
            self._reviews.check()
        except (LedgerError, SpoolError) as err:
            _LOGGER.error("Frigate's configuration can't be kept: %s", err)

    def _touch(self) -> None:
        self._changed.set()

    async def _tell_status(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._refresh_status()
            except LedgerError as err:
                _LOGGER.error("The status can't be read: %s", err)
            await asyncio.sleep(_STATUS_INTERVAL)

    async def _refresh_status(self) -> None:
        summary = await self._ledger.run(counters.summary)
        destinations = {
            destination_id: self._destination_status(destination_id, status)
            for destination_id, status in summary.destinations.items()
        }
        status = EngineStatus(
            frigate_connected=self._watch.connected,
            frigate_version=self._watch.version,
            mqtt_connected=self._mqtt_connected,
            uploads=summary.uploads,
            pending_uploads=sum(
                status.pending_uploads for status in destinations.values()
            ),
            cameras={
                name: self._camera_status(status)
                for name, status in summary.cameras.items()
            },
            destinations=destinations,
        )
        if status != self._status:
            self._status = status
            self._on_status(status)

    def _camera_status(self, status: CameraStatus) -> CameraStatus:
        return replace(
            status,
            snapshots_enabled=self._watch.is_on(status.name, "snapshots"),
            recordings_enabled=self._watch.is_on(status.name, "recordings"),
        )

    def _destination_status(
        self, destination_id: str, status: DestinationStatus
    ) -> DestinationStatus:
        worker = self._workers.get(destination_id)
        if worker is None:
            return status
        return replace(status, connected=worker.connected, free_space=worker.free_space)


def _supervise(
    name: str, run: Callable[[], Coroutine[Any, Any, None]]
) -> asyncio.Task[None]:
    """Run a part for ever: a bug in it is logged and must not end it for good."""

    async def forever() -> None:
        while True:
            try:
                await run()
            except Exception:
                _LOGGER.exception("%s failed and is started again", name)
            await asyncio.sleep(_RESTART_DELAY)

    return asyncio.get_running_loop().create_task(
        forever(), name=f"frigate_snap_sync {name}"
    )


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = tuple(tasks)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_STOP_TIMEOUT)
