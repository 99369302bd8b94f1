"""The collector: gathers what the entities show, and tells when it has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
import itertools
import logging
import time
from typing import Any

from ...cause import Cause
from ..intake.inbox import Inbox
from ..ledger import LedgerError, milestones, status_summary, traffic, waiting
from ..model.drill import status_of
from ..model.selection import takes_any
from ..model.status import (
    CameraStatus,
    DestinationStatus,
    EngineStatus,
    Protection,
    Reason,
    utc,
)
from ..monitoring.frigate_monitor import FrigateMonitor
from ..sending.worker import Worker
from ..services import Services
from ..spool.eviction import SpoolSpace
from ..support.home_health import HomeHealth, newest_cause
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .home_check import HomeCheck, bounded
from .outages import Outages
from .protection import judge, nothing_uploaded, problem_of, space_needed

_LOGGER = logging.getLogger(__name__)

_TIMEOUT = 60.0
"""Seconds after which to look without a change: some of it changes with time."""
_STATE_PREFIX = "protection_"
_OUTAGE_PREFIX = "outage_"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What the ledger said last, and when (epoch seconds)."""

    at: float
    summary: status_summary.StatusSummary
    waiting: waiting.Waiting
    sent_lately: Mapping[str, int]


class Collector:
    """Tells `on_status` of each new status, at most once a second.

    It must not keep showing what was: what can't be read, or isn't answered, is
    a failing ledger.
    """

    def __init__(
        self,
        services: Services,
        *,
        monitor: FrigateMonitor,
        inbox: Inbox,
        space: SpoolSpace,
        workers: Mapping[str, Worker],
        health: HomeHealth,
        outages: Outages,
        on_status: Callable[[EngineStatus], None],
    ) -> None:
        """Keep where to look; `workers` is looked at again each time."""
        self.status = EngineStatus()
        self._ledger = services.ledger
        self._monitor = monitor
        self._inbox = inbox
        self._space = space
        self._workers = workers
        self._health = health
        self._outages = outages
        self._home_check = HomeCheck(services, inbox=inbox, health=health)
        self._timing = services.timing
        self._on_status = on_status
        self._reading: _Reading | None = None
        self._unreadable: LedgerError | None = None
        self._long_outages: frozenset[str] | None = None
        """Those that the ledger keeps; None: not known."""
        self._changed = asyncio.Event()
        self._next_look = _TIMEOUT
        self._looks = itertools.count(1)
        self._shown = 0
        """The number of the look that is shown."""
        self._outage = OutageLog(_LOGGER, "Reading the status")

    def wake(self) -> None:
        """Look soon: something that is shown may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Look whenever something has changed, until cancelled."""
        while True:
            await wait_for(self._changed, self._next_look)
            self._changed.clear()
            await self._home_check.look()
            try:
                await self.refresh()
            except LedgerError as err:
                self._outage.report(err)
            except Exception:
                self._show(replace(self.status, **self._unknown()))
                raise
            else:
                self._outage.over()
            await asyncio.sleep(self._timing.status_pause)

    async def end(self) -> None:
        """Keep what was lost, before the ledger is closed; nothing is looked at more."""
        await self._home_check.end()

    async def refresh(self) -> None:
        """Look now; what is known without the ledger is shown in any case.

        Raises LedgerError.
        """
        number = next(self._looks)
        error: LedgerError | None = None
        try:
            self._reading = await bounded(self._read(), self._timing.ledger_patience)
        except LedgerError as err:
            error = err
        self._unreadable = error
        if error is None and self._long_outages is None:
            await self._recall_outages()
        status = self._gather(self._reading)
        if error is None:
            await self._keep_outages()
        if status.protection is not self.status.protection or status.since is None:
            status = replace(status, since=await self._since(status.protection))
        if number > self._shown:
            # Else one that began later, and so knows more, was quicker.
            self._shown = number
            self._show(status)
        if error is not None:
            raise error

    def _show(self, status: EngineStatus) -> None:
        if status != self.status:
            self.status = status
            self._on_status(status)

    async def _read(self) -> _Reading:
        now = time.time()
        summary, waits, sent_lately = await asyncio.gather(
            self._ledger.run(status_summary.summary),
            self._ledger.run(
                waiting.waiting,
                now=now,
                late=self._timing.late,
                failing=[
                    destination_id
                    for destination_id, worker in self._workers.items()
                    if worker.failing_since is not None
                ],
                frigate_is_away=self._monitor.connected is False,
            ),
            self._ledger.run(traffic.of_three_days, now=now),
        )
        return _Reading(at=now, summary=summary, waiting=waits, sent_lately=sent_lately)

    async def _since(self, state: Protection) -> datetime:
        """Return when a state began, be it before a restart."""
        now = time.time()
        kept = await self._keep(_STATE_PREFIX, {state.value: now}) or {}
        return datetime.fromtimestamp(kept.get(state.value, now), UTC)

    async def _recall_outages(self) -> None:
        """Let outages that were long before a restart be long ones still."""
        now = time.time()
        kept = await self._try(self._ledger.run(milestones.moments, _OUTAGE_PREFIX))
        if kept is None:
            return
        self._long_outages = frozenset(kept)
        # Kept by a clock that was ahead: it was long all the same.
        long = self._outages.patience + 1
        self._outages.resume(
            {name: now - at if at < now else long for name, at in kept.items()}
        )

    async def _keep_outages(self) -> None:
        """Keep which outages are long, for after a restart."""
        long = self._outages.long
        if self._long_outages is None or self._long_outages == long.keys():
            return
        now = time.time()
        begun = {name: now - seconds for name, seconds in long.items()}
        if (kept := await self._keep(_OUTAGE_PREFIX, begun)) is not None:
            self._long_outages = frozenset(kept)

    async def _keep(
        self, prefix: str, moments: Mapping[str, float]
    ) -> dict[str, float] | None:
        """Keep moments (epoch seconds) in place of others that are named so.

        Returns what is kept, or None if the ledger fails.
        """
        return await self._try(
            self._ledger.run(milestones.only_moments, prefix, moments)
        )

    async def _try[T](self, job: Awaitable[T]) -> T | None:
        """Return what a job of the ledger gives, or None if it fails."""
        try:
            return await bounded(job, self._timing.ledger_patience)
        except LedgerError as err:
            _LOGGER.debug("Since when something is so can't be kept: %s", err)
            return None

    def _unknown(self) -> dict[str, Any]:
        """Return what to show where not even the status is known: a bug."""
        return {
            "protection": Protection.AT_RISK,
            "reasons": (Reason.LEDGER_FAILING,),
            "since": datetime.now(UTC),
        }

    def _gather(self, reading: _Reading | None) -> EngineStatus:
        """Return the status; of the ledger what it said last."""
        if reading is None:
            summary, waits = status_summary.StatusSummary(), waiting.Waiting()
            sent_lately: Mapping[str, int] = {}
            read_at = time.time()
        else:
            # The very moment of which it is known what waits.
            read_at = time.time() if self._unreadable else reading.at
            summary, waits = reading.summary, reading.waiting
            sent_lately = reading.sent_lately
        self._outages.note(
            clock_was_set_back=waits.is_ahead, destinations=summary.destinations
        )
        destinations = {
            destination_id: self._destination(
                destination_id,
                replace(status, pending_uploads=waits.counts.get(destination_id, 0)),
                sent_lately=sent_lately.get(destination_id, 0),
            )
            for destination_id, status in summary.destinations.items()
        }
        now = datetime.now(UTC)
        is_idle = nothing_uploaded(
            now,
            last_review=summary.last_review,
            last_uploads=[each.last_upload for each in destinations.values()],
            since=summary.since or now,
            first_review=summary.first_review,
            patience=self._outages.patience,
        )
        lost = summary.losses
        if summary.capture and (self._inbox.lost_images or self._inbox.large_images):
            lost = replace(
                lost,
                messages=lost.messages or self._inbox.lost_images > 0,
                large_images=lost.large_images or self._inbox.large_images > 0,
                until=now.timestamp(),
            )
        drill = status_of(
            summary.drills,
            destinations=destinations,
            is_wanted=partial(
                self._is_wanted,
                sending={id_ for id_, each in destinations.items() if each.sending},
            ),
        )
        facts = self._outages.facts(
            capture=summary.capture,
            destinations=destinations,
            unprotected_for=None
            if summary.unprotected_since is None
            else read_at - summary.unprotected_since,
            unreadable=self._unreadable,
            items_lost=bool(lost),
            nothing_uploaded=is_idle,
            drill_failed=bool(drill.failures),
        )
        state, reasons = judge(facts)
        self._next_look = self._outages.seconds_to_next_look(
            facts, waits, at_most=min(_TIMEOUT, self._timing.home)
        )
        errors = self._health.errors()
        if self._unreadable is not None:
            errors.append(self._unreadable)
        return EngineStatus(
            frigate_connected=self._monitor.connected,
            frigate_version=self._monitor.version,
            frigate_login_refused=self._monitor.login_refused,
            frigate_login_refusals=self._monitor.login_refusals,
            frigate_safe_mode=self._monitor.safe_mode is True,
            frigate_topic_prefix=self._monitor.topic_prefix,
            frigate_mqtt_disabled=not self._monitor.mqtt_enabled,
            topic_prefix_changed=self._outages.topic_prefix_changed,
            mqtt_connected=self._outages.mqtt_connected is True,
            no_mqtt_messages=self._outages.mqtt_is_silent,
            nothing_uploaded=is_idle,
            spool_full=self._space.is_full,
            disk_full=facts.disk_full,
            ledger_failing=facts.ledger_failing,
            home_error=str(errors[-1]) if errors else "",
            disk_cause=newest_cause(errors, disk_full=True),
            ledger_cause=newest_cause(errors, disk_full=False),
            losses=lost,
            drill=drill,
            capture=summary.capture,
            protection=state,
            reasons=reasons,
            since=self.status.since if state is self.status.protection else None,
            pending_uploads=sum(waits.counts.values()),
            oldest_pending=utc(waits.since),
            cameras={
                name: self._camera(status) for name, status in summary.cameras.items()
            },
            destinations=destinations,
        )

    def _is_wanted(
        self, camera: str, destination_id: str | None, *, sending: Collection[str]
    ) -> bool:
        """Tell whether a camera in use is taken by a destination in use, or by any."""
        if self._monitor.cameras.is_disabled(camera):
            return False
        if destination_id is None:
            return any(self._is_wanted(camera, id_, sending=sending) for id_ in sending)
        worker = self._workers.get(destination_id)
        return destination_id in sending and (
            worker is None or takes_any(worker.setup.selection, {camera})
        )

    def _camera(self, status: CameraStatus) -> CameraStatus:
        cameras = self._monitor.cameras
        return replace(
            status,
            display_name=cameras.display_name(status.name),
            snapshots_enabled=cameras.shown(status.name, "snapshots"),
            recordings_enabled=cameras.shown(status.name, "recordings"),
        )

    def _destination(
        self, destination_id: str, status: DestinationStatus, *, sent_lately: int
    ) -> DestinationStatus:
        worker = self._workers.get(destination_id)
        if worker is None:
            return status
        since = worker.failing_since
        shown = self.status.destinations.get(destination_id)
        return replace(
            status,
            connected=worker.connected,
            free_space=worker.free_space,
            tested=utc(worker.tested),
            space_needed=space_needed(
                worker.free_space,
                sent_lately=sent_lately,
                is_known_to_be_low=shown is not None and shown.space_needed is not None,
            ),
            failing_since=utc(since),
            reason=None if worker.error is None else str(worker.error),
            cause=None if worker.error is None else Cause.of(worker.error),
            problem=problem_of(
                worker.error,
                failing_for=self._outages.failing_for(destination_id),
                patience=self._outages.patience,
            ),
            fingerprint=getattr(worker.error, "fingerprint", None),
            budget=worker.budget.status,
        )
