"""The status board: gathers what the entities show, and tells when it has changed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
import logging
import time

from .frigate_watch import FrigateWatch
from .inbox import Inbox
from .ledger import Ledger, LedgerError, counters
from .protection import SILENCE, nothing_uploaded, problem_of, protection
from .room import Room
from .status import CameraStatus, DestinationStatus, EngineStatus
from .tasks import wait_for
from .trouble import Trouble
from .worker import Worker

_LOGGER = logging.getLogger(__name__)

_INTERVAL = 1.0
_TIMEOUT = 60.0
"""Seconds after which to look without a change: some of it changes with time."""


class StatusBoard:
    """Tells `on_status` of each new status, at most once a second."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        watch: FrigateWatch,
        inbox: Inbox,
        room: Room,
        workers: Mapping[str, Worker],
        on_status: Callable[[EngineStatus], None],
    ) -> None:
        """Keep where to look; `workers` is looked at anew each time."""
        self.status = EngineStatus()
        self.mqtt_connected = False
        self._ledger = ledger
        self._watch = watch
        self._inbox = inbox
        self._room = room
        self._workers = workers
        self._on_status = on_status
        self._trouble = Trouble(_LOGGER, "Reading the status")

    async def run(self, changed: asyncio.Event) -> None:
        """Look whenever something has changed, until cancelled."""
        while True:
            await wait_for(changed, _TIMEOUT)
            changed.clear()
            try:
                await self.refresh()
            except LedgerError as err:
                self._trouble.report(err)
            else:
                self._trouble.over()
            await asyncio.sleep(_INTERVAL)

    async def refresh(self) -> None:
        """Look now. Raises LedgerError."""
        status = self._gather(await self._ledger.run(counters.summary))
        if status != self.status:
            self.status = status
            self._on_status(status)

    def _gather(self, summary: counters.Summary) -> EngineStatus:
        destinations = {
            destination_id: self._destination(destination_id, status)
            for destination_id, status in summary.destinations.items()
        }
        cameras = {
            name: self._camera(status) for name, status in summary.cameras.items()
        }
        pending = sum(each.pending_uploads for each in destinations.values())
        now = datetime.now(UTC)
        return EngineStatus(
            frigate_connected=self._watch.connected,
            frigate_version=self._watch.version,
            frigate_login_refused=self._watch.login_refused,
            frigate_login_refusals=self._watch.login_refusals,
            frigate_topic_prefix=self._watch.topic_prefix,
            frigate_mqtt_disabled=not self._watch.mqtt_enabled,
            mqtt_connected=self.mqtt_connected,
            no_mqtt_messages=self._is_silent(),
            nothing_uploaded=nothing_uploaded(
                now,
                last_review=summary.last_review,
                last_uploads=[each.last_upload for each in destinations.values()],
                since=summary.since or now,
            ),
            spool_full=self._room.is_full,
            capture=summary.capture,
            protection=protection(
                now,
                pending=pending,
                waiting_since=summary.waiting_since,
                last_loss=summary.last_loss,
                failing_since=[each.failing_since for each in destinations.values()],
            ),
            pending_uploads=pending,
            oldest_pending=summary.oldest_pending,
            cameras=cameras,
            destinations=destinations,
        )

    def _is_silent(self) -> bool:
        """Tell whether Frigate lives, and the broker, yet nothing is heard."""
        silence = time.time() - self._inbox.heard_at
        return (
            self.mqtt_connected and self._watch.answers.is_set() and silence > SILENCE
        )

    def _camera(self, status: CameraStatus) -> CameraStatus:
        return replace(
            status,
            snapshots_enabled=self._watch.cameras.shown(status.name, "snapshots"),
            recordings_enabled=self._watch.cameras.shown(status.name, "recordings"),
        )

    def _destination(
        self, destination_id: str, status: DestinationStatus
    ) -> DestinationStatus:
        worker = self._workers.get(destination_id)
        if worker is None:
            return status
        since = worker.failing_since
        return replace(
            status,
            connected=worker.connected,
            free_space=worker.free_space,
            failing_since=None if since is None else datetime.fromtimestamp(since, UTC),
            reason=None if worker.error is None else str(worker.error),
            problem=problem_of(worker.error),
            fingerprint=getattr(worker.error, "fingerprint", None),
        )
