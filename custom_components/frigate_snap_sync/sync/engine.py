"""The engine: what Home Assistant's side starts, asks and stops."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import tzinfo
import time
from typing import Any

from ..frigate.protocol import FrigateApi
from .assembly import engine_parts
from .ledger import (
    LedgerError,
    cameras,
    clock as ledger_clock,
    closed_periods,
    destinations,
    listing,
    losses,
    off_periods,
    status_summary,
)
from .ledger.clock import ClockJump
from .model.destination_setup import DestinationSetup
from .model.engine_options import EngineOptions, EnginePaths
from .model.errors import SpoolError
from .model.status import EngineStatus, UploadEvent, UploadFilter, UploadRow
from .services import Services, to_the_end
from .startup import open_home
from .support.tasks import cancel, supervise

__all__ = [
    "DestinationSetup",
    "Engine",
    "EngineOptions",
    "EnginePaths",
    "LedgerError",
    "Services",
    "SpoolError",
]

_DRAIN_TIMEOUT = 0.75


class Engine:
    """Everything from a message of Frigate to a verified file, for one Frigate.

    `on_status` is called on the event loop when something shown has changed, at
    most once a second; `on_upload` at once when an item arrived somewhere, or never
    will.
    """

    def __init__(
        self,
        *,
        client: FrigateApi,
        topic_prefix: str,
        services: Services,
        options: EngineOptions,
        time_zone: tzinfo,
        on_status: Callable[[EngineStatus], None],
        on_upload: Callable[[UploadEvent], None] = lambda event: None,
    ) -> None:
        """Put the parts together; nothing is opened or asked before `start`."""
        self._client = client
        self._services = services
        self._timing = services.timing
        self._ledger = services.ledger
        self._tasks: list[asyncio.Task[None]] = []
        self._parts = parts = engine_parts(
            client,
            topic_prefix=topic_prefix,
            services=services,
            options=options,
            time_zone=time_zone,
            on_status=on_status,
            on_clock_jump=self._follow_clock,
        )
        self._monitor = parts.monitor
        self._inbox = parts.inbox
        self._pool = parts.pool
        self._fetcher = parts.fetcher
        self._collector = parts.collector
        self._outages = parts.outages
        self._running_reviews = parts.intake.running
        self._open_reviews = parts.intake.open_reviews
        self._catch_up = parts.intake.catch_up
        self.requests = parts.intake.requests
        self.retention = parts.retention
        self.playback = parts.playback
        self.live = parts.live
        self.summaries = parts.summaries
        self.drills = parts.drills
        services.signals.upload_ended.subscribe(on_upload)

    @property
    def status(self) -> EngineStatus:
        """Return the newest status."""
        return self._collector.status

    async def start(
        self,
        destinations: Iterable[DestinationSetup],
        *,
        closed: Collection[str] = (),
    ) -> None:
        """Open ledger and spool and begin to work.

        `closed` are the ids of the destinations that are to get nothing new now.
        Raises LedgerError or SpoolError when their files can't be used.
        """
        await self._ledger.open()
        try:
            self._pool.restored = await open_home(self._services)
            self._monitor.cameras.remember(
                await self._ledger.run(cameras.shown_cameras)
            )
            await self._ledger.run(closed_periods.begin, closed, now=time.time())
            await self._pool.apply(destinations)
            await self._collector.refresh()
        except BaseException:
            await self.stop()
            raise
        for name, run in self._runs():
            self._tasks.append(
                supervise(
                    name, run, health=self._parts.health, pause=self._timing.restart
                )
            )

    def _runs(self) -> Iterable[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Return what runs from start to stop, by the name that the log calls it."""
        parts, intake = self._parts, self._parts.intake
        return (
            ("Frigate monitor", parts.monitor.run),
            ("intake", intake.intake.run),
            ("object lookup", intake.lookup.run),
            ("reviews", intake.open_reviews.run),
            ("running reviews", intake.running.run),
            ("catching up", intake.catch_up.run),
            ("fetcher", parts.fetcher.run),
            ("live film", parts.live.run),
            ("film of first signs", parts.live.unsettled.run),
            ("history", parts.pruner.run),
            ("clock", parts.clock.run),
            ("disk", lambda: parts.health.watch(self._timing.space)),
            ("status", parts.collector.run),
        )

    async def back_up(self) -> None:
        """Copy the ledger for a backup of Home Assistant. Raises LedgerError."""
        await self._ledger.back_up()

    @to_the_end
    async def end_backup(self) -> None:
        """Note that the backup is over. Raises LedgerError."""
        await self._ledger.end_backup()

    async def stop(self) -> None:
        """Cancel what is under way, within 5 s; it continues at the next start."""
        if self._tasks:
            await self._inbox.drained(_DRAIN_TIMEOUT)
        await cancel(
            [*self._tasks, *self.drills.retire(), *self._pool.retire()],
            begun=self._services.begun,
        )
        await self._collector.end()
        self._tasks.clear()
        await self._ledger.close()

    def handle_message(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Take a message of Frigate; never waits, never raises."""
        self._inbox.add(topic, payload, retain=retain)
        if not retain:
            self._monitor.note_sign_of_life()

    def handle_mqtt_connection(self, connected: bool) -> None:
        """Note that the link to the broker came up or went down."""
        if connected and not self._outages.mqtt_connected:
            # What was said meanwhile was missed.
            self._monitor.refresh()
            self._monitor.note_sign_of_life()
            self._inbox.listen()
        elif self._outages.mqtt_connected and not connected:
            self._inbox.lose_link()
        self._outages.mqtt_connected = connected
        self._collector.wake()

    @to_the_end
    async def apply_destinations(
        self, destinations: Iterable[DestinationSetup]
    ) -> None:
        """Make these the destinations: new ones start, changed ones start over.

        The uploads of a destination that is no longer among them are cancelled.
        Raises LedgerError or SpoolError.
        """
        if await self._pool.apply(destinations):
            self.live.wake()
            await self._collector.refresh()

    async def catch_up(self, look_back: float | None = None) -> int:
        """Compare Frigate's API with the ledger now; return how many items were missed.

        What failed is tried again. With `look_back` (seconds) exactly that time,
        whatever was there then.
        Raises FrigateError, LedgerError or SpoolError.
        """
        return await self._catch_up.catch_up(look_back, retries=True)

    @to_the_end
    async def retry_failed(self) -> int:
        """Retry failed uploads; return how many. Raises LedgerError."""
        count = await self._fetcher.retry_failed(self._parts.planner.selections)
        # The spool may hold some of it for others.
        self._services.signals.files_ready(tuple(self._pool.workers))
        await self._collector.refresh()
        return count

    @to_the_end
    async def acknowledge_losses(self, until: float) -> None:
        """Note that the owner knows what was lost up to then. Raises LedgerError."""
        await self._ledger.run(losses.acknowledge, until=until)
        await self._collector.refresh()

    async def list_uploads(self, wanted: UploadFilter) -> list[UploadRow]:
        """Return the newest uploads that fit. Raises LedgerError."""
        return await self._ledger.run(listing.list_uploads, wanted)

    @to_the_end
    async def set_capture(self, enabled: bool) -> None:
        """Switch the Frigate's capture: items of the time while off are skipped."""
        now, offset = time.time(), self._client.clock_offset
        await self._ledger.run(
            off_periods.set_capture, enabled, now=now, clock_offset=offset
        )
        self.live.wake()
        await self._collector.refresh()

    @to_the_end
    async def set_sending(self, destination_id: str, enabled: bool) -> None:
        """Let a destination's queue be sent, or wait."""
        await self._ledger.run(destinations.set_sending, destination_id, enabled)
        if worker := self._pool.workers.get(destination_id):
            worker.set_enabled(enabled)
        self.live.wake()
        await self._collector.refresh()

    @to_the_end
    async def set_closed(self, closed: Collection[str], *, since: float) -> None:
        """Let these destinations alone get nothing that begins from then on.

        `since` is our clock's time. Raises LedgerError.
        """
        if await self._ledger.run(closed_periods.set_closed, closed, now=since):
            self._running_reviews.wake()
            self.live.wake()
            await self._collector.refresh()

    async def test_destination(self, destination_id: str) -> None:
        """Write, read back and delete a file at a destination. Raises StorageError."""
        await self._pool.test(destination_id)

    @to_the_end
    async def forget_camera(self, camera: str) -> None:
        """Drop a camera and its counters; it comes back with Frigate's configuration."""
        await self._ledger.run(cameras.forget_camera, camera)
        await self._collector.refresh()

    async def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault, without secrets, ready for JSON."""
        counts: object
        try:
            counts = await self._ledger.run(status_summary.counts_by_state)
        except LedgerError as err:
            counts = {"error": str(err)}  # All else is known without the ledger.
        return {
            "frigate_version": self._monitor.version,
            "frigate_connected": self._monitor.connected,
            "mqtt_connected": self._outages.mqtt_connected is True,
            "clock_offset": self._client.clock_offset,
            "queued_messages": len(self._inbox),
            "live": self.live.diagnostics,
            "counts": counts,
        }

    async def _follow_clock(self, jump: ClockJump) -> None:
        """Reckon with a clock that was set; raises LedgerError."""
        offset = self._client.clock_offset
        is_known = self._monitor.version is not None
        await self._ledger.run(
            ledger_clock.jumped,
            jump,
            was_wrong=is_known and abs(offset) < abs(offset - jump.seconds),
            longest=self._timing.longest_retry,
        )
        self._pool.follow_clock(jump.seconds)
        self._fetcher.wake()
        self._services.signals.files_ready(tuple(self._pool.workers))
        self._running_reviews.wake()
        self._open_reviews.check()
        self._catch_up.follow_clock()
        self._monitor.refresh()  # Frigate's clock may have been set as well.
