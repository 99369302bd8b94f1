"""The intake: gives what Frigate says to whom it concerns, in the order it was said."""

import asyncio
import logging
import re

from ...frigate.errors import ImageTooLarge, MalformedMessage, MediaBroken
from ...frigate.fields import MOST_LABELS
from ...frigate.messages import (
    Availability,
    CameraActivity,
    CameraSwitch,
    LiveSnapshotMessage,
    Message,
    MessageKind,
    ObjectMessage,
    ReviewMessage,
    parse,
)
from ..ledger import LedgerError, LedgerRefusal
from ..model.errors import SpoolError
from ..monitoring.frigate_monitor import FrigateMonitor
from ..services import Services
from ..support.outage_log import ComplaintLog, OutageLog
from .inbox import Inbox, RawMessage
from .live_snapshots import LiveSnapshots
from .object_lookup import ObjectLookup
from .reviews import ReviewIntake
from .tracked_objects import TrackedObjects

_LOGGER = logging.getLogger(__name__)

# Frigate's own rule for the names of cameras.
_CAMERA_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Intake:
    """Works through the messages of the inbox, one by one."""

    def __init__(
        self,
        *,
        services: Services,
        inbox: Inbox,
        topic_prefix: str,
        monitor: FrigateMonitor,
        live_snapshots: LiveSnapshots,
        objects: TrackedObjects,
        lookup: ObjectLookup,
        reviews: ReviewIntake,
    ) -> None:
        """Keep what it works with; messages wait until `run`."""
        self._timing = services.timing
        self._signals = services.signals
        self._inbox = inbox
        self._topic_prefix = topic_prefix
        self._monitor = monitor
        self._live_snapshots = live_snapshots
        self._objects = objects
        self._lookup = lookup
        self._reviews = reviews
        self._complaint_log = ComplaintLog(_LOGGER)
        self._outage = OutageLog(_LOGGER, "Keeping Frigate's messages")

    async def run(self) -> None:
        """Work through the messages until cancelled."""
        while True:
            await self._work(await self._inbox.first())

    async def _work(self, raw: RawMessage) -> None:
        """Take one message; it stays queued until it is kept or known to be useless."""
        try:
            message = parse(
                self._topic_prefix,
                raw.topic,
                raw.payload,
                retain=raw.retain,
                most_labels=MOST_LABELS,
            )
            if message is not None:
                await self._take(message, raw.received)
                if not raw.retain:
                    self._see(message)
        except ImageTooLarge as err:
            self._complaint_log.report("Message ignored", f"{raw.topic[:200]!r}: {err}")
            self._inbox.lose_large_image(raw)
        except (MalformedMessage, MediaBroken) as err:
            self._complaint_log.report("Message ignored", f"{raw.topic[:200]!r}: {err}")
        except LedgerRefusal as err:
            self._complaint_log.report("Message ignored", f"{raw.topic[:200]!r}: {err}")
            self._inbox.lose(raw)
        except (LedgerError, SpoolError) as err:
            self._outage.report(err)
            await asyncio.sleep(self._timing.failure_pause)
            return
        except Exception:
            _LOGGER.exception("A message on %s could not be handled", raw.topic[:200])
            self._inbox.lose(raw)
        else:
            self._outage.over()
        self._inbox.remove(raw)

    async def _take(self, message: Message, received: float) -> None:
        match message:
            case LiveSnapshotMessage(retained=False):
                await self._live_snapshots.take(message, received=received)
            case ReviewMessage():
                await self._reviews.take(
                    message.review,
                    has_ended=message.kind is MessageKind.END,
                    reported_at=received,
                )
                await self._lookup.named(
                    message.review,
                    has_ended=message.kind is MessageKind.END,
                    now=received,
                )
            case ObjectMessage(kind=MessageKind.NEW | MessageKind.END as kind):
                has_ended = kind is MessageKind.END
                if has_ended:
                    await self._objects.take(message.object, reported_at=received)
                await self._lookup.announced(
                    message.object.id, has_ended=has_ended, now=received
                )
            case CameraSwitch():
                await self._take_switch(message)
            case Availability():
                self._monitor.set_available(message.online)
            case CameraActivity():
                self._monitor.set_activity(message.cameras)
                await self._live_snapshots.settle_held()

    async def _take_switch(self, message: CameraSwitch) -> None:
        if message.on is None:
            return  # Unreadable: what was known stays.
        self._monitor.set_switch(message.camera, message.switch, message.on)
        if message.switch == "snapshots":
            await self._live_snapshots.settle_held()
        elif message.switch == "recordings":
            self._signals.reviews_running()

    def _see(self, message: Message) -> None:
        """Let the configuration be read at the first word of a camera it lacks."""
        match message:
            case LiveSnapshotMessage() | CameraSwitch():
                camera = message.camera
                if isinstance(message, LiveSnapshotMessage):
                    self._signals.camera_alive(camera)
            case ReviewMessage():
                camera = message.review.camera
            case _:
                return
        if _CAMERA_NAME.fullmatch(camera):
            self._monitor.note_camera(camera)
