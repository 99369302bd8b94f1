"""Puts together what takes up Frigate's messages and rows."""

import asyncio
from dataclasses import dataclass

from ...frigate.protocol import FrigateApi
from ..monitoring.clock_monitor import ClockMonitor
from ..monitoring.frigate_monitor import FrigateMonitor
from ..planning.footage_survey import FootageSurvey
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..services import Services
from ..spool.eviction import SpoolSpace
from .backfill import Backfill
from .catch_up import CatchUp
from .dispatcher import Intake
from .ended_reviews import EndedReviews
from .inbox import Inbox
from .live_snapshots import LiveSnapshots
from .missed_objects import MissedObjects
from .missed_reviews import MissedReviews
from .object_lookup import ObjectLookup
from .open_reviews import OpenReviews
from .requests import UploadRequests
from .reviews import ReviewIntake
from .running_reviews import RunningReviews
from .tracked_objects import TrackedObjects


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeParts:
    """The intake, and the parts of it that others work with, too."""

    registry: ItemRegistry
    live_snapshots: LiveSnapshots
    lookup: ObjectLookup
    intake: Intake
    catch_up: CatchUp
    requests: UploadRequests
    running: RunningReviews
    open_reviews: OpenReviews


def intake_parts(
    client: FrigateApi,
    *,
    services: Services,
    topic_prefix: str,
    inbox: Inbox,
    space: SpoolSpace,
    monitor: FrigateMonitor,
    clock: ClockMonitor,
    planner: Planner,
    look_back: float,
) -> IntakeParts:
    """Return the parts, put together; `look_back` (s) is that of catching up."""
    survey = FootageSurvey(client, timing=services.timing)
    registry = ItemRegistry(client, services=services, planner=planner)
    live_snapshots = LiveSnapshots(
        services=services,
        space=space,
        monitor=monitor,
        planner=planner,
        registry=registry,
    )
    objects = TrackedObjects(client=client, planner=planner, registry=registry)
    lookup = ObjectLookup(
        client,
        services=services,
        monitor=monitor,
        planner=planner,
        objects=objects,
    )
    working = asyncio.Lock()
    running = RunningReviews(
        client,
        services=services,
        monitor=monitor,
        planner=planner,
        survey=survey,
        registry=registry,
        working=working,
    )
    ended = EndedReviews(
        client,
        services=services,
        monitor=monitor,
        planner=planner,
        survey=survey,
        registry=registry,
        running=running,
        working=working,
    )
    reviews = ReviewIntake(
        client,
        services=services,
        planner=planner,
        registry=registry,
        running=running,
        ended=ended,
        working=working,
    )
    intake = Intake(
        services=services,
        inbox=inbox,
        topic_prefix=topic_prefix,
        monitor=monitor,
        live_snapshots=live_snapshots,
        objects=objects,
        lookup=lookup,
        reviews=reviews,
    )
    backfill = Backfill(
        client,
        services=services,
        planner=planner,
        registry=registry,
        survey=survey,
    )
    catch_up = CatchUp(
        client,
        services=services,
        monitor=monitor,
        reviews=MissedReviews(
            client, services=services, reviews=reviews, backfill=backfill
        ),
        objects=MissedObjects(
            client,
            services=services,
            objects=objects,
            lookup=lookup,
            backfill=backfill,
        ),
        look_back=look_back,
    )
    requests = UploadRequests(
        client,
        services=services,
        planner=planner,
        registry=registry,
        survey=survey,
        reviews=reviews,
        catch_up=catch_up,
    )
    return IntakeParts(
        catch_up=catch_up,
        requests=requests,
        registry=registry,
        live_snapshots=live_snapshots,
        lookup=lookup,
        intake=intake,
        running=running,
        open_reviews=OpenReviews(
            client,
            services=services,
            monitor=monitor,
            clock=clock,
            reviews=reviews,
            ended=ended,
            running=running,
            lookup=lookup,
        ),
    )
