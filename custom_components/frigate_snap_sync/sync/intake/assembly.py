"""Puts together what takes up Frigate's messages and rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...frigate.client import FrigateClient
from ..ledger import Ledger
from ..model.status import UploadEvent
from ..model.timing import Timing
from ..monitoring.frigate_monitor import FrigateMonitor
from ..planning.footage_survey import FootageSurvey
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..spool.eviction import SpoolSpace
from ..spool.spool import Spool
from .dispatcher import Intake
from .inbox import Inbox
from .live_snapshots import LiveSnapshots
from .object_lookup import ObjectLookup
from .reviews import ReviewIntake
from .tracked_objects import TrackedObjects


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeParts:
    """The intake, and the parts of it that others work with, too."""

    registry: ItemRegistry
    live_snapshots: LiveSnapshots
    objects: TrackedObjects
    lookup: ObjectLookup
    reviews: ReviewIntake
    intake: Intake


def intake_parts(
    *,
    client: FrigateClient,
    topic_prefix: str,
    inbox: Inbox,
    ledger: Ledger,
    spool: Spool,
    space: SpoolSpace,
    watch: FrigateMonitor,
    planner: Planner,
    survey: FootageSurvey,
    timing: Timing,
    on_ready: Callable[[Iterable[str]], None],
    on_wanted: Callable[[], None],
    on_running: Callable[[], None],
    on_unsure: Callable[[str], None],
    on_upload: Callable[[UploadEvent], None],
    on_change: Callable[[], None],
) -> IntakeParts:
    """Return the parts, put together.

    `on_ready` is called with the destinations that have new uploads waiting in the
    spool, `on_wanted` when there is something to fetch, `on_running` when something
    was said of a review that goes on, `on_unsure` with the id of one that Frigate's
    API is to be asked about, `on_upload` when an item ended without a file, `on_change`
    when something shown has changed.
    """
    registry = ItemRegistry(
        client=client,
        ledger=ledger,
        planner=planner,
        on_wanted=on_wanted,
        on_change=on_change,
    )
    live_snapshots = LiveSnapshots(
        ledger=ledger,
        spool=spool,
        space=space,
        watch=watch,
        planner=planner,
        registry=registry,
        on_ready=on_ready,
        on_change=on_change,
    )
    objects = TrackedObjects(client=client, planner=planner, registry=registry)
    lookup = ObjectLookup(
        client,
        ledger=ledger,
        watch=watch,
        planner=planner,
        objects=objects,
        timing=timing,
    )
    reviews = ReviewIntake(
        client=client,
        ledger=ledger,
        spool=spool,
        watch=watch,
        planner=planner,
        survey=survey,
        registry=registry,
        timing=timing,
        on_running=on_running,
        on_unsure=on_unsure,
        on_upload=on_upload,
    )
    intake = Intake(
        inbox=inbox,
        topic_prefix=topic_prefix,
        watch=watch,
        live_snapshots=live_snapshots,
        objects=objects,
        lookup=lookup,
        reviews=reviews,
    )
    return IntakeParts(
        registry=registry,
        live_snapshots=live_snapshots,
        objects=objects,
        lookup=lookup,
        reviews=reviews,
        intake=intake,
    )
