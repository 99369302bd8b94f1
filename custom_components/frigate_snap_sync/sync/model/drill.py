"""A fire drill: what it goes through, and what came of it. All pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
import hashlib
from typing import Final

from ...storage.base import Capabilities
from ...storage.errors import CAUSES
from ...storage.names import DRILL_PREFIX, REFUSED, clean_path, cut
from .item import Media
from .selection import Selection

_CAMERA_BYTES: Final = 100
"""Of a camera's name in that of a file, in UTF-8."""

STILLS: Final = frozenset({Media.LIVE_SNAPSHOTS, Media.SNAPSHOTS})


class DrillState(StrEnum):
    """What came of the last drill."""

    NEVER = "never"
    PASSED = "passed"
    FAILED = "failed"


class Outcome(StrEnum):
    """What came of a drill at one destination."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(StrEnum):
    """What a drill does: first at Frigate, then at each destination."""

    PICTURE = "picture"
    FOOTAGE = "footage"
    CONNECT = "connect"
    SEND_PICTURE = "send_picture"
    SEND_FOOTAGE = "send_footage"
    READ_BACK = "read_back"
    DELETE = "delete"


class Proof(StrEnum):
    """What shows that a copy is what was sent."""

    READ_BACK = "read_back"
    CHECKSUM = "checksum"
    """The server has compared a hash."""
    SIZE = "size"


class DrillCause(StrEnum):
    """Why a drill failed, or was skipped, beside the causes of a destination's errors."""

    FRIGATE_AWAY = "frigate_away"
    FRIGATE_LOGIN_REFUSED = "frigate_login_refused"
    CAMERA_FORBIDDEN = "camera_forbidden"
    NO_PICTURE = "no_picture"
    CAMERA_SILENT = "camera_silent"
    """It sends Frigate nothing, whatever picture Frigate still shows."""
    FOOTAGE_BROKEN = "footage_broken"
    SPOOL_FULL = "spool_full"
    SPOOL_FAILING = "spool_failing"
    TOO_SLOW = "too_slow"
    OTHER_BYTES = "other_bytes"
    STILL_THERE = "still_there"
    UNEXPECTED = "unexpected"
    # Of one that is skipped
    SENDING_OFF = "sending_off"
    ONLY_WHILE = "only_while"
    BUDGET_SPENT = "budget_spent"
    NOT_SELECTED = "not_selected"
    # Of either: a failure where Frigate should have some.
    NO_FOOTAGE = "no_footage"


SKIPS: Final = frozenset(
    {
        DrillCause.SENDING_OFF,
        DrillCause.ONLY_WHILE,
        DrillCause.BUDGET_SPENT,
        DrillCause.NOT_SELECTED,
        DrillCause.NO_FOOTAGE,
    }
)
"""Causes that are what the owner wants, or what the camera is: no failure."""

FAILURES: Final[tuple[str, ...]] = (
    *sorted(cause.value for cause in {*DrillCause} - SKIPS | {DrillCause.NO_FOOTAGE}),
    *sorted(cause.code for cause in CAUSES),
)
"""The keys of all causes of a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Where a drill failed, and the key of the cause."""

    step: Step
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationDrill:
    """What came of a drill at one destination; `seconds` are those of each step.

    `cause` is why it failed or was skipped, `step` where it failed. `picture_only` is
    set where footage is wanted too, and there was none to send.
    """

    destination_id: str
    outcome: Outcome
    cause: str | None = None
    step: str | None = None
    proof: str | None = None
    picture_only: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraDrill:
    """A drill of one camera. `moment` is when it began (epoch seconds).

    `cause` and `step` are set when it failed at Frigate already; `seconds` are those
    of the steps there. `bytes` were to be sent to each destination. `earlier` is what
    came of the last drill at each destination that this one did not reach.
    """

    camera: str
    moment: float
    bytes: int = 0
    cause: str | None = None
    step: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    destinations: tuple[DestinationDrill, ...] = ()
    earlier: tuple[DestinationDrill, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Return what came of it: one failure is enough, and a skip proves nothing."""
        found = {each.outcome for each in self.destinations}
        if self.cause is not None or Outcome.FAILED in found:
            return Outcome.FAILED
        return Outcome.PASSED if Outcome.PASSED in found else Outcome.SKIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFailure:
    """A failure that no later drill of the camera has undone.

    `destination_id` is None where Frigate did not give what was to be sent.
    """

    camera: str
    destination_id: str | None
    cause: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStatus:
    """The last drill, one of several cameras together, and the failures that stand."""

    state: DrillState = DrillState.NEVER
    time: datetime | None = None
    drills: tuple[CameraDrill, ...] = ()
    failures: tuple[StandingFailure, ...] = ()

    @property
    def first_failure(self) -> StandingFailure | None:
        """Return the first failure of the last drill itself, None if it passed."""
        found = (failure for each in self.drills for failure in _failures(each))
        return next(found, None)


def status_of(
    kept: Collection[CameraDrill],
    *,
    destinations: Collection[str],
    is_wanted: Callable[[str, str | None], bool],
) -> DrillStatus:
    """Return what to show of the last drill of each camera.

    What concerns a destination that is no more says nothing any longer. A failure
    stands while its camera `is_wanted` at its destination, or at any where that is None.
    """
    known = [_without_others(each, destinations) for each in kept]
    done = sorted(
        (each for each in known if each.outcome is not Outcome.SKIPPED),
        key=lambda each: each.camera,
    )
    failures = tuple(
        failure
        for each in sorted(known, key=lambda each: each.camera)
        for failure in (*_failures(each), *_standing(each, _failed(each.earlier)))
        if is_wanted(failure.camera, failure.destination_id)
    )
    if not done:
        return DrillStatus(failures=failures)
    moment = max(each.moment for each in done)
    last = tuple(each for each in done if each.moment == moment)
    has_failed = any(each.outcome is Outcome.FAILED for each in last)
    return DrillStatus(
        state=DrillState.FAILED if has_failed else DrillState.PASSED,
        time=datetime.fromtimestamp(moment, UTC),
        drills=last,
        failures=failures,
    )


def carried_over(drill: CameraDrill, last: CameraDrill | None) -> CameraDrill:
    """Return a drill with what the camera's last one showed of destinations it spared.

    A skip proves nothing, nor does a drill that ended at Frigate: a failure stands
    until the destination passes, or no longer wants the camera.
    """
    if last is None:
        return drill
    settled = {
        each.destination_id
        for each in drill.destinations
        if each.outcome is not Outcome.SKIPPED or each.cause == DrillCause.NOT_SELECTED
    }
    return replace(
        drill,
        earlier=tuple(
            each
            for each in (*last.destinations, *last.earlier)
            if each.outcome is Outcome.FAILED and each.destination_id not in settled
        ),
    )


def _failures(drill: CameraDrill) -> list[StandingFailure]:
    found = [(None, drill.cause, drill.step)] if drill.cause is not None else []
    return _standing(drill, (*found, *_failed(drill.destinations)))


def _without_others(drill: CameraDrill, destinations: Collection[str]) -> CameraDrill:
    return replace(
        drill,
        destinations=tuple(
            each for each in drill.destinations if each.destination_id in destinations
        ),
        earlier=tuple(
            each for each in drill.earlier if each.destination_id in destinations
        ),
    )


type _Failed = tuple[str | None, str | None, str | None]


def _failed(at: Collection[DestinationDrill]) -> list[_Failed]:
    return [
        (each.destination_id, each.cause, each.step)
        for each in at
        if each.outcome is Outcome.FAILED
    ]


def _standing(drill: CameraDrill, found: Collection[_Failed]) -> list[StandingFailure]:
    return [
        StandingFailure(
            camera=drill.camera,
            destination_id=destination_id,
            cause=cause or DrillCause.UNEXPECTED,
            step=step or Step.CONNECT,
        )
        for destination_id, cause, step in found
    ]


def skipped_because(
    selection: Selection | None,
    camera: str,
    *,
    is_sending: bool,
    is_closed: bool,
    is_spent: bool,
) -> DrillCause | None:
    """Return why a destination takes no part in a drill of a camera, None if it does."""
    if not is_sending:
        return DrillCause.SENDING_OFF
    if is_closed:
        return DrillCause.ONLY_WHILE
    if is_spent:
        return DrillCause.BUDGET_SPENT
    if selection is not None and selection.cameras and camera not in selection.cameras:
        return DrillCause.NOT_SELECTED
    return None


def wanted_steps(selection: Selection | None, *, has_footage: bool) -> tuple[Step, ...]:
    """Return what a destination is sent: pictures, footage, both, or nothing."""
    media = frozenset(Media) if selection is None else selection.media
    wants_film = media - STILLS or (selection is not None and selection.live_footage)
    steps = [Step.SEND_PICTURE] if media & STILLS else []
    if wants_film and has_footage:
        steps.append(Step.SEND_FOOTAGE)
    return tuple(steps)


def proof_of(can: Capabilities) -> Proof:
    """Return how a copy is proven: where nothing is deleted, it is not read either."""
    if can.can_delete and can.can_read:
        return Proof.READ_BACK
    return Proof.CHECKSUM if can.server_checksum else Proof.SIZE


def drill_path(folder: str, destination_id: str, camera: str, extension: str) -> str:
    """Return the path of a camera's file at a destination, always the same.

    Two entries may share a folder, and two cameras differ in what no name may hold.
    """
    digest = hashlib.sha256(f"{destination_id}/{camera}".encode()).hexdigest()[:8]
    readable = cut(REFUSED.sub("_", camera), _CAMERA_BYTES)
    name = clean_path(f"{DRILL_PREFIX}{readable}-{digest}.{extension}", extension)
    return f"{folder}/{name}" if folder else name
