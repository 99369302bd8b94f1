"""Outages: what is wrong right now, and for how long it has been."""

from collections.abc import Iterable, Mapping
import time
from typing import Final

from ..intake.inbox import Inbox
from ..ledger import LedgerError, waiting
from ..model.selection import takes_any
from ..model.status import DestinationStatus
from ..model.timing import Timing
from ..monitoring.frigate_monitor import FrigateMonitor
from ..sending.worker import Worker
from ..spool.eviction import SpoolSpace
from ..support.home_health import HomeHealth, is_disk_full
from ..support.onsets import Onsets
from .protection import DestinationFacts, Facts, next_change

_FAILING: Final = "failing_"
_UNKNOWN: Final = "unknown_"
_SILENT: Final = "mqtt_silent"


class Outages:
    """Asks all parts of the engine how they are.

    How long something lasts is measured here, by a clock that never jumps.
    """

    def __init__(
        self,
        *,
        monitor: FrigateMonitor,
        inbox: Inbox,
        space: SpoolSpace,
        workers: Mapping[str, Worker],
        health: HomeHealth,
        timing: Timing,
        patience: float,
        topic_prefix: str | None,
    ) -> None:
        """Keep whom to ask; `workers` is looked at again each time.

        `topic_prefix` is the one that Frigate should have, None if any will do.
        """
        self.mqtt_connected: bool | None = None
        self.patience = patience
        """The seconds that an outage may last."""
        self._monitor = monitor
        self._inbox = inbox
        self._space = space
        self._workers = workers
        self._health = health
        self._timing = timing
        self._topic_prefix = topic_prefix
        self._onsets = Onsets()

    @property
    def mqtt_is_silent(self) -> bool:
        """Tell whether nothing was heard while Frigate lived, and the broker, nor since.

        That one of them is away now breaks no silence.
        """
        return self._onsets.lasting(_SILENT) is not None

    @property
    def topic_prefix_changed(self) -> bool:
        """Tell whether Frigate has another topic prefix than we listen to."""
        theirs, ours = self._monitor.topic_prefix, self._topic_prefix
        return None not in (theirs, ours) and theirs != ours

    def failing_for(self, destination_id: str) -> float | None:
        """Return for how many seconds a destination has been failing, None if not."""
        return self._onsets.lasting(_FAILING + destination_id)

    @property
    def long(self) -> dict[str, float]:
        """Return the names of the outages that are long by now, each with its seconds."""
        return {
            fact: seconds
            for fact, seconds in self._onsets.longer_than(self.patience).items()
            if not fact.startswith(_UNKNOWN)
        }

    def resume(self, long: Mapping[str, float]) -> None:
        """Take over which outages were long before a restart, each with its seconds.

        One that still is there is no short one again.
        """
        self._onsets.resume(long)

    def note(self, *, clock_was_set_back: bool, destinations: Iterable[str]) -> None:
        """Note what is wrong now; `destinations` are the ids of all there are."""
        facts = self._known_facts() | {"clock_was_set_back": clock_was_set_back}
        for destination_id in destinations:
            worker = self._workers.get(destination_id)
            is_unknown = worker is None or worker.connected is None
            unknown_for = self._onsets.lasting(_UNKNOWN + destination_id) or 0
            facts[_UNKNOWN + destination_id] = is_unknown
            if worker is not None and worker.failing_since is not None:
                facts[_FAILING + destination_id] = True
            elif is_unknown and unknown_for <= self._timing.first_contact:
                facts[_FAILING + destination_id] = None
            else:
                facts[_FAILING + destination_id] = is_unknown
        self._onsets.update(facts, time.monotonic())

    def _known_facts(self) -> dict[str, bool | None]:
        """Return what is wrong with all but the destinations; None: not known yet."""
        monitor = self._monitor
        return {
            "frigate": None if monitor.connected is None else not monitor.connected,
            "catch_up": monitor.is_incomparable,
            "mqtt_disabled": not monitor.mqtt_enabled if monitor.has_config else None,
            "mqtt": None if self.mqtt_connected is None else not self.mqtt_connected,
            _SILENT: self._nothing_is_heard(),
            "topic_prefix": self.topic_prefix_changed if monitor.has_config else None,
            "safe_mode": monitor.safe_mode,
            "spool_full": self._space.is_full,
        }

    def _nothing_is_heard(self) -> bool | None:
        """Tell whether Frigate is silent; None: it was not heard, nor for long enough."""
        monitor, inbox = self._monitor, self._inbox
        if not monitor.speaks_mqtt or inbox.silence <= self._timing.mqtt_silence:
            return False if inbox.has_received else None
        if self.mqtt_connected and monitor.answers.is_set():
            return True
        return self.mqtt_is_silent or None

    def facts(
        self,
        *,
        capture: bool,
        destinations: Mapping[str, DestinationStatus],
        unprotected_for: float | None,
        unreadable: LedgerError | None,
        items_lost: bool,
        nothing_uploaded: bool,
        drill_failed: bool,
    ) -> Facts:
        """Return all that decides on the protection.

        The arguments are what the ledger knows, `unprotected_for` in seconds;
        `unreadable` is why it could not be asked.
        """
        lasting = self._onsets.lasting
        refused = self._monitor.refused_last
        silent_for = self._inbox.silence if self.mqtt_is_silent else None
        disk_full = is_disk_full(unreadable)
        return Facts(
            patience=self.patience,
            is_starting=self._is_starting(destinations),
            no_camera=self._monitor.has_cameras is False
            or self._takes_no_camera(destinations),
            safe_mode_for=lasting("safe_mode"),
            capture=capture,
            destinations=tuple(
                DestinationFacts(
                    sending=status.sending,
                    failing_for=self.failing_for(destination_id),
                    closed=status.closed,
                    budget_spent=status.budget is not None and status.budget.is_spent,
                )
                for destination_id, status in destinations.items()
            ),
            frigate_away_for=None if refused else lasting("frigate"),
            frigate_login_refused_for=lasting("frigate") if refused else None,
            catch_up_failing_for=lasting("catch_up"),
            frigate_mqtt_disabled_for=lasting("mqtt_disabled"),
            mqtt_away_for=lasting("mqtt"),
            mqtt_silent_for=_longest(
                silent_for, lasting(_SILENT), lasting("topic_prefix")
            ),
            late_for=self._late_for(unprotected_for),
            spool_full_for=lasting("spool_full"),
            disk_full=self._health.disk_full or disk_full,
            ledger_failing=self._health.ledger_failing
            or (unreadable is not None and not disk_full),
            items_lost=items_lost,
            nothing_uploaded=nothing_uploaded,
            drill_failed=drill_failed,
        )

    def _takes_no_camera(self, destinations: Mapping[str, DestinationStatus]) -> bool:
        """Tell whether no destination in use takes a camera that Frigate uses.

        One of them may have another name now.
        """
        cameras = self._monitor.cameras.enabled
        selections = [
            worker.setup.selection
            for destination_id, worker in self._workers.items()
            if destination_id in destinations and destinations[destination_id].sending
        ]
        return (
            cameras is not None
            and bool(selections)
            and not any(takes_any(each, cameras) for each in selections)
        )

    def seconds_to_next_look(
        self, facts: Facts, waits: waiting.Waiting, *, at_most: float
    ) -> float:
        """Return in how many seconds something will have changed by time alone."""
        candidates = [at_most, self._timing.mqtt_silence - self._inbox.silence]
        if (change := next_change(facts)) is not None:
            candidates.append(change)
        if waits.next is not None:
            candidates.append(waits.next - time.time())
        if (stuck := self._inbox.oldest_for) is not None:
            candidates.append(self._timing.late - stuck)
        for destination_id in self._workers:
            unknown_for = self._onsets.lasting(_UNKNOWN + destination_id)
            if unknown_for is not None:
                candidates.append(self._timing.first_contact - unknown_for)
        return min(each for each in candidates if each > 0)

    def _late_for(self, unprotected_for: float | None) -> float | None:
        """Return for how long something has been waiting that should have left.

        That may be an upload, a message, or all that a crashing part should do.
        """
        late = [unprotected_for, self._inbox.oldest_for]
        return _longest(
            *(each for each in late if each is not None and each > self._timing.late),
            self._onsets.lasting("clock_was_set_back"),
            self._health.crashed_for(),
        )

    def _is_starting(self, destinations: Mapping[str, DestinationStatus]) -> bool:
        """Tell whether not all has been seen to work since the start, or the last link."""
        return not (
            self._monitor.has_cameras is not None
            and self._monitor.is_incomparable is not None
            and self._inbox.has_received
            and all(
                status.connected is not None or not status.sending
                for status in destinations.values()
            )
        )


def _longest(*seconds: float | None) -> float | None:
    return max((each for each in seconds if each is not None), default=None)
