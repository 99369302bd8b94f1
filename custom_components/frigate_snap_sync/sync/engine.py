"""The engine: puts the parts together, and is what Home Assistant's side talks to."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import tzinfo
import time
from typing import Any

from ..frigate.messages import display_name
from ..frigate.protocol import FrigateApi
from .drill.drills import Drills
from .fetching.fetcher import Fetcher
from .intake.assembly import intake_parts
from .intake.inbox import Inbox
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
from .live.manager import LiveManager
from .model.destination_setup import DestinationSetup
from .model.engine_options import EngineOptions, EnginePaths
from .model.errors import SpoolError
from .model.status import EngineStatus, UploadEvent, UploadFilter, UploadRow
from .monitoring.clock_monitor import ClockMonitor
from .monitoring.frigate_monitor import FrigateMonitor
from .opening import open_home
from .planning.planner import Planner
from .playback.playback import Playback
from .pruner import Pruner
from .reporting.collector import Collector
from .reporting.outages import Outages
from .reporting.summaries import Summaries
from .sending.budget import Calendar
from .sending.retention_requests import RetentionRequests
from .sending.worker import Worker
from .sending.worker_pool import WorkerPool
from .services import Services
from .spool.eviction import SpoolSpace
from .support.home_health import HomeHealth
from .support.signals import Signals
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

_DRAIN_TIMEOUT = 1.0


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
        timing, signals = services.timing, services.signals
        self._client = client
        self._services = services
        self._timing = timing
        self._ledger = services.ledger
        self._restored = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._health = HomeHealth(
            folders=(self._ledger.path.parent, services.spool.folder), signals=signals
        )
        self._planner = Planner(
            time_zone=time_zone,
            padding_before=options.padding_before,
            padding_after=options.padding_after,
            part_length=options.part_length if options.upload_during_review else None,
            timing=timing,
            limits=services.limits,
        )
        self._pool = WorkerPool(
            services=services,
            planner=self._planner,
            make_worker=self._make_worker,
            health=self._health,
        )
        self._space = SpoolSpace(
            services,
            working=self._pool.working,
            in_flight=self._pool.files_in_flight,
        )
        self._monitor = FrigateMonitor(
            client,
            name=display_name(topic_prefix),
            timing=timing,
            signals=signals,
            delay_after_startup=options.delay_after_startup,
            on_config=lambda config: self._parts.live_snapshots.take_config(config),
        )
        self._calendar = Calendar(client, monitor=self._monitor, time_zone=time_zone)
        self._clock = ClockMonitor(timing=timing, on_jump=self._follow_clock)
        self._fetcher = Fetcher(
            client,
            services=services,
            clock=self._clock,
            space=self._space,
            monitor=self._monitor,
        )
        self._inbox = Inbox(topic_prefix, services=services)
        self._parts = intake_parts(
            client,
            services=services,
            topic_prefix=topic_prefix,
            inbox=self._inbox,
            space=self._space,
            monitor=self._monitor,
            clock=self._clock,
            planner=self._planner,
            look_back=options.look_back,
        )
        self._open_reviews = self._parts.open_reviews
        self._catch_up = self._parts.catch_up
        self.requests = self._parts.requests
        self.retention = RetentionRequests(
            services,
            workers=self._pool.workers,
            clock_offset=lambda: client.clock_offset,
        )
        self.playback = Playback(
            services.ledger, self._pool.workers, time_zone=time_zone
        )
        self.live = LiveManager(
            client,
            services=services,
            monitor=self._monitor,
            registry=self._parts.registry,
            workers=self._pool.workers,
            time_zone=time_zone,
            options=options,
        )
        self.summaries = Summaries(services, time_zone=time_zone)
        self.drills = Drills(client, self._monitor, services, self._pool.workers)
        self._pruner = Pruner(
            services,
            look_back=options.look_back,
            clock_offset=lambda: client.clock_offset,
        )
        self._outages = Outages(
            monitor=self._monitor,
            inbox=self._inbox,
            space=self._space,
            workers=self._pool.workers,
            health=self._health,
            timing=timing,
            patience=options.at_risk_after,
            topic_prefix=topic_prefix if options.follows_topic_prefix else None,
        )
        self._collector = Collector(
            services,
            monitor=self._monitor,
            inbox=self._inbox,
            space=self._space,
            workers=self._pool.workers,
            health=self._health,
            outages=self._outages,
            on_status=on_status,
        )
        self._connect(signals, on_upload)

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

        `closed` are the ids of the destinations that are to get nothing new now. Raises LedgerError or SpoolError when their files can't be used.
        """
        await self._ledger.open()
        try:
            self._restored = await open_home(self._services)
            self._monitor.cameras.remember(
                await self._ledger.run(cameras.shown_cameras)
            )
            await self._ledger.run(closed_periods.begin, closed, now=time.time())
            await self._pool.apply(destinations)
            await self._collector.refresh()
        except BaseException:
            await self.stop()
            raise
        for name, run in (
            ("Frigate monitor", self._monitor.run),
            ("intake", self._parts.intake.run),
            ("object lookup", self._parts.lookup.run),
            ("reviews", self._open_reviews.run),
            ("running reviews", self._parts.running.run),
            ("catching up", self._catch_up.run),
            ("fetcher", self._fetcher.run),
            ("live film", self.live.run),
            ("history", self._pruner.run),
            ("clock", self._clock.run),
            ("disk", lambda: self._health.watch(self._timing.space)),
            ("status", lambda: self._collector.run(self._changed)),
        ):
            self._tasks.append(
                supervise(name, run, health=self._health, pause=self._timing.restart)
            )

    async def back_up(self) -> None:
        """Copy the ledger for a backup of Home Assistant. Raises LedgerError."""
        await self._ledger.back_up()

    async def end_backup(self) -> None:
        """Note that the backup is over. Raises LedgerError."""
        await self._ledger.end_backup()

    async def stop(self) -> None:
        """Cancel what is under way, within 5 s; it continues at the next start."""
        if self._tasks:
            await self._inbox.drained(_DRAIN_TIMEOUT)
        await cancel([*self._tasks, *self.drills.retire(), *self._pool.retire()])
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
        self._outages.mqtt_connected = connected
        self._changed.set()

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

    async def retry_failed(self) -> int:
        """Retry failed uploads; return how many. Raises LedgerError."""
        count = await self._fetcher.retry_failed()
        # The spool may hold some of it for others.
        self._services.signals.files_ready(tuple(self._pool.workers))
        await self._collector.refresh()
        return count

    async def acknowledge_losses(self, until: float) -> None:
        """Note that the owner knows what was lost up to then. Raises LedgerError."""
        await self._ledger.run(losses.acknowledge, until=until)
        await self._collector.refresh()

    async def list_uploads(self, wanted: UploadFilter) -> list[UploadRow]:
        """Return the newest uploads that fit. Raises LedgerError."""
        return await self._ledger.run(listing.list_uploads, wanted)

    async def set_capture(self, enabled: bool) -> None:
        """Switch the Frigate's capture: items of the time while off are skipped."""
        now, offset = time.time(), self._client.clock_offset
        await self._ledger.run(
            off_periods.set_capture, enabled, now=now, clock_offset=offset
        )
        self.live.wake()
        await self._collector.refresh()

    async def set_sending(self, destination_id: str, enabled: bool) -> None:
        """Let a destination's queue be sent, or wait."""
        await self._ledger.run(destinations.set_sending, destination_id, enabled)
        if worker := self._pool.workers.get(destination_id):
            worker.set_enabled(enabled)
        await self._collector.refresh()

    async def set_closed(self, closed: Collection[str], *, since: float) -> None:
        """Let these destinations alone get nothing that begins from then on.

        `since` is our clock's time. Raises LedgerError.
        """
        if await self._ledger.run(closed_periods.set_closed, closed, now=since):
            self._parts.running.wake()
            self.live.wake()
            await self._collector.refresh()

    async def test_destination(self, destination_id: str) -> None:
        """Write, read back and delete a file at a destination. Raises StorageError."""
        await self._pool.test(destination_id)

    async def forget_camera(self, camera: str) -> None:
        """Drop a camera and its counters; it comes back with Frigate's configuration."""
        await self._ledger.run(cameras.forget_camera, camera)
        await self._collector.refresh()

    async def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault, without secrets, ready for JSON."""
        return {
            "frigate_version": self._monitor.version,
            "frigate_connected": self._monitor.connected,
            "mqtt_connected": self._outages.mqtt_connected,
            "clock_offset": self._client.clock_offset,
            "queued_messages": len(self._inbox),
            "live": self.live.diagnostics,
            "counts": await self._ledger.run(status_summary.counts_by_state),
        }

    def _connect(
        self, signals: Signals, on_upload: Callable[[UploadEvent], None]
    ) -> None:
        """Let each part hear what the others say."""
        changed = self._changed.set
        signals.status_changed.subscribe(changed)
        signals.files_wanted.subscribe(self._fetcher.wake)
        signals.files_ready.subscribe(self._pool.wake, lambda _: changed())
        signals.reviews_running.subscribe(self._parts.running.wake)
        signals.camera_alive.subscribe(self.live.hint)
        signals.review_heard.subscribe(self.live.hear)
        signals.review_unsure.subscribe(self._open_reviews.ask)
        signals.messages_missed.subscribe(self._catch_up.request, changed)
        signals.frigate_back.subscribe(self._open_reviews.check, self._catch_up.request)
        signals.upload_ended.subscribe(on_upload)

    def _make_worker(self, setup: DestinationSetup) -> Worker:
        return Worker(
            setup,
            services=self._services,
            released=self._monitor.released,
            restored=self._restored,
            calendar=self._calendar,
            clock_offset=lambda: self._client.clock_offset,
        )

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
        self._parts.running.wake()
        self._open_reviews.check()
        self._catch_up.follow_clock()
        self._monitor.refresh()  # Frigate's clock may have been set as well.
