"""Puts the parts of an engine together, and lets them hear each other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo

from ..frigate.messages import display_name
from ..frigate.protocol import FrigateApi
from .drill.drills import Drills
from .fetching.fetcher import Fetcher
from .intake.assembly import IntakeParts, intake_parts
from .intake.inbox import Inbox
from .ledger.clock import ClockJump
from .live.manager import LiveManager
from .model.engine_options import EngineOptions
from .model.item import Media
from .model.status import EngineStatus
from .monitoring.clock_monitor import ClockMonitor
from .monitoring.frigate_monitor import FrigateMonitor
from .planning.planner import Planner
from .playback.playback import Playback
from .pruner import Pruner
from .reporting.collector import Collector
from .reporting.outages import Outages
from .reporting.summaries import Summaries
from .sending.budget import Calendar
from .sending.retention_requests import RetentionRequests
from .sending.worker_pool import WorkerPool
from .services import Services
from .spool.eviction import SpoolSpace
from .support.home_health import HomeHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """The parts of an engine."""

    health: HomeHealth
    monitor: FrigateMonitor
    clock: ClockMonitor
    inbox: Inbox
    intake: IntakeParts
    planner: Planner
    pool: WorkerPool
    space: SpoolSpace
    fetcher: Fetcher
    live: LiveManager
    drills: Drills
    retention: RetentionRequests
    playback: Playback
    pruner: Pruner
    summaries: Summaries
    outages: Outages
    collector: Collector


def engine_parts(
    client: FrigateApi,
    *,
    topic_prefix: str,
    services: Services,
    options: EngineOptions,
    time_zone: tzinfo,
    on_status: Callable[[EngineStatus], None],
    on_clock_jump: Callable[[ClockJump], Awaitable[None]],
) -> EngineParts:
    """Return the parts, put together; nothing is opened or asked yet.

    `on_clock_jump` is awaited when this machine's clock was set.
    """
    timing, signals = services.timing, services.signals

    def clock_offset() -> float:
        return client.clock_offset

    health = HomeHealth(
        folders=(services.ledger.path.parent, services.spool.folder), signals=signals
    )
    planner = Planner(
        time_zone=time_zone,
        padding_before=options.padding_before,
        padding_after=options.padding_after,
        part_length=options.part_length if options.upload_during_review else None,
        timing=timing,
        limits=services.limits,
    )
    monitor = FrigateMonitor(
        client,
        name=display_name(topic_prefix),
        timing=timing,
        signals=signals,
        delay_after_startup=options.delay_after_startup,
        on_config=lambda config: intake.live_snapshots.take_config(config),
    )
    clock = ClockMonitor(timing=timing, on_jump=on_clock_jump)
    inbox = Inbox(
        topic_prefix,
        services=services,
        is_wanted=lambda camera: (
            monitor.is_on(camera, "snapshots") is not False
            and monitor.cameras.is_stranger(camera) is not True
            and planner.wants(Media.LIVE_SNAPSHOTS, camera)
        ),
    )
    pool = WorkerPool(
        services=services,
        planner=planner,
        health=health,
        released=monitor.released,
        calendar=Calendar(client, monitor=monitor, time_zone=time_zone),
        clock_offset=clock_offset,
    )
    space = SpoolSpace(services, working=pool.working, in_flight=pool.files_in_flight)
    intake = intake_parts(
        client,
        services=services,
        topic_prefix=topic_prefix,
        inbox=inbox,
        space=space,
        monitor=monitor,
        clock=clock,
        planner=planner,
        look_back=options.look_back,
    )
    outages = Outages(
        monitor=monitor,
        inbox=inbox,
        space=space,
        workers=pool.workers,
        health=health,
        timing=timing,
        patience=options.at_risk_after,
        topic_prefix=topic_prefix if options.follows_topic_prefix else None,
    )
    parts = EngineParts(
        health=health,
        monitor=monitor,
        clock=clock,
        inbox=inbox,
        intake=intake,
        planner=planner,
        pool=pool,
        space=space,
        fetcher=Fetcher(
            client, services=services, clock=clock, space=space, monitor=monitor
        ),
        live=LiveManager(
            client,
            services=services,
            monitor=monitor,
            registry=intake.registry,
            workers=pool.workers,
            planner=planner,
            options=options,
        ),
        drills=Drills(client, monitor, services, pool.workers),
        retention=RetentionRequests(
            services, workers=pool.workers, clock_offset=clock_offset
        ),
        playback=Playback(services.ledger, pool.workers, time_zone=time_zone),
        pruner=Pruner(services, look_back=options.look_back, clock_offset=clock_offset),
        summaries=Summaries(services, time_zone=time_zone),
        outages=outages,
        collector=Collector(
            services,
            monitor=monitor,
            inbox=inbox,
            space=space,
            workers=pool.workers,
            health=health,
            outages=outages,
            on_status=on_status,
        ),
    )
    _connect(parts, services)
    return parts


def _connect(parts: EngineParts, services: Services) -> None:
    """Let each part hear what the others say."""
    signals, intake, changed = services.signals, parts.intake, parts.collector.wake
    signals.status_changed.subscribe(changed)
    signals.files_wanted.subscribe(parts.fetcher.wake)
    signals.files_ready.subscribe(parts.pool.wake, lambda _: changed())
    signals.reviews_running.subscribe(intake.running.wake)
    signals.camera_alive.subscribe(parts.live.hint)
    signals.review_heard.subscribe(parts.live.hear)
    signals.review_begun.subscribe(intake.open_reviews.greet)
    signals.review_unsure.subscribe(intake.open_reviews.ask)
    signals.messages_missed.subscribe(intake.catch_up.request, changed)
    signals.frigate_back.subscribe(intake.open_reviews.check, intake.catch_up.request)
