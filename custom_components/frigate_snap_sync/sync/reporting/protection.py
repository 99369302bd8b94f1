"""How protected the owner is, and what a person can do: judged by plain facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...storage.errors import (
    AuthFailed,
    HostKeyChanged,
    InvalidKey,
    NoSpace,
    NotMounted,
    PathNotAllowed,
    PermissionDenied,
    StorageError,
)
from ..model.status import Problem, Protection, Reason

NO_UPLOAD_FOR: Final = timedelta(days=2)
LITTLE_SPACE: Final = 2 << 30
"""Free bytes at a destination below which it is about to be full."""
_ENOUGH: Final = 1.1
"""How far above its threshold free space must be to be enough again."""

_PROBLEMS: Final[tuple[tuple[type[StorageError], Problem], ...]] = (
    (HostKeyChanged, Problem.HOST_KEY_CHANGED),
    (AuthFailed, Problem.LOGIN_REFUSED),
    (InvalidKey, Problem.LOGIN_REFUSED),
    (NotMounted, Problem.NOT_MOUNTED),
    (NoSpace, Problem.NO_SPACE),
    (PermissionDenied, Problem.NOT_WRITABLE),
    (PathNotAllowed, Problem.NOT_WRITABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationFacts:
    """A destination: is it to be sent to, and for how many seconds does it fail?

    `failing_for` is None while nothing is wrong.
    """

    sending: bool = True
    failing_for: float | None = None
    budget_spent: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that decides on the protection.

    `…_for` are the seconds for which something has been wrong, None while it is
    not; `patience` is how many of them are a short outage. `is_starting` holds
    until, after a start, Frigate's configuration was read, what it has was compared
    with the ledger and every destination was looked at, and until, after each connection
    to the broker, a message came over it. `no_camera` holds while Frigate uses none that
    is selected; `safe_mode_for` is for how long it has used none because it can't read
    its configuration.
    `catch_up_failing_for` is for how long no comparison of its reviews and objects
    with the ledger was made whole, though Frigate answers. `late_for` is for how long
    something unprotected has been waiting that should have left.
    """

    patience: float
    is_starting: bool = False
    no_camera: bool = False
    safe_mode_for: float | None = None
    capture: bool = True
    destinations: tuple[DestinationFacts, ...] = ()
    frigate_away_for: float | None = None
    frigate_login_refused_for: float | None = None
    catch_up_failing_for: float | None = None
    frigate_mqtt_disabled_for: float | None = None
    mqtt_away_for: float | None = None
    mqtt_silent_for: float | None = None
    late_for: float | None = None
    spool_full_for: float | None = None
    disk_full: bool = False
    ledger_failing: bool = False
    items_lost: bool = False
    nothing_uploaded: bool = False
    drill_failed: bool = False


def _lasting(facts: Facts) -> dict[Reason, float | None]:
    """Return what is a risk only once it lasts, each with its seconds."""
    return {
        Reason.NO_CAMERA: facts.safe_mode_for,
        Reason.FRIGATE_AWAY: facts.frigate_away_for,
        Reason.FRIGATE_LOGIN_REFUSED: facts.frigate_login_refused_for,
        Reason.CATCH_UP_FAILING: facts.catch_up_failing_for,
        Reason.FRIGATE_MQTT_DISABLED: facts.frigate_mqtt_disabled_for,
        Reason.MQTT_AWAY: facts.mqtt_away_for,
        Reason.MQTT_SILENT: facts.mqtt_silent_for,
        Reason.DESTINATION_FAILING: max(
            (
                each.failing_for
                for each in facts.destinations
                if each.sending and each.failing_for is not None
            ),
            default=None,
        ),
        Reason.ITEM_LATE: facts.late_for,
        Reason.SPOOL_FULL: facts.spool_full_for,
    }


def next_change(facts: Facts) -> float | None:
    """Return in how many seconds an outage will be no short one any more, if any."""
    remaining = (
        facts.patience - seconds
        for seconds in _lasting(facts).values()
        if seconds is not None and seconds <= facts.patience
    )
    return min(remaining, default=None)


def judge(facts: Facts) -> tuple[Protection, tuple[Reason, ...]]:
    """Return how protected the owner is, and all reasons that hold.

    There is none if the owner is protected, and none for a start of which nothing is
    wrong; else there is one.
    What the owner wants is not a risk, and comes before all else: no destination,
    or a pause. The reasons tell of outages all the same, short ones among them,
    so that none is hidden behind another, or behind a loss of last week.
    """
    is_paused = bool(facts.destinations) and not any(
        each.sending and not each.closed for each in facts.destinations
    )
    wishes = {
        Reason.NO_DESTINATION: not facts.destinations,
        Reason.CAPTURE_OFF: not facts.capture,
        Reason.SENDING_OFF: is_paused
        and not all(each.sending for each in facts.destinations),
        Reason.ONLY_WHILE: is_paused
        and any(each.sending and each.closed for each in facts.destinations),
    }
    at_once = {
        Reason.BUDGET_SPENT: any(
            each.sending and each.budget_spent for each in facts.destinations
        ),
        Reason.DISK_FULL: facts.disk_full,
        Reason.LEDGER_FAILING: facts.ledger_failing,
        Reason.ITEMS_LOST: facts.items_lost,
        Reason.NOTHING_UPLOADED: facts.nothing_uploaded,
        Reason.DRILL_FAILED: facts.drill_failed,
    }
    lasting = _lasting(facts)
    holds = {
        *(reason for reason, applies in (wishes | at_once).items() if applies),
        *(reason for reason, seconds in lasting.items() if seconds is not None),
    }
    if facts.no_camera:
        holds.add(Reason.NO_CAMERA)
    is_at_risk = any(at_once.values()) or any(
        seconds is not None and seconds > facts.patience for seconds in lasting.values()
    )
    if wishes[Reason.NO_DESTINATION]:
        state = Protection.NOT_SET_UP
    elif any(wishes.values()):
        state = Protection.PAUSED
    elif is_at_risk:
        state = Protection.AT_RISK
    elif holds or facts.is_starting:
        state = Protection.CATCHING_UP
    else:
        state = Protection.PROTECTED
    return state, tuple(reason for reason in Reason if reason in holds)


def problem_of(
    error: StorageError | None,
    *,
    failing_for: float | None = None,
    patience: float = 0,
) -> Problem | None:
    """Return what a person can do about a destination's failure, if anything.

    What may end by itself is a problem only once it lasts for longer than the
    patience; both are in seconds.
    """
    if error is None:
        return None
    for cause, problem in _PROBLEMS:
        if isinstance(error, cause):
            return problem
    is_long = failing_for is not None and failing_for > patience
    return Problem.UNREACHABLE if is_long else None


def space_needed(
    free: int | None, *, sent_lately: int, is_known_to_be_low: bool
) -> int | None:
    """Return how much space is enough if a destination has too little, else None.

    All in bytes. `free` is None where the destination doesn't tell; what it was
    sent in the last three days must fit once more. Space that `is_known_to_be_low`
    must grow a little above the threshold, or a repair would come and go.
    """
    needed = max(LITTLE_SPACE, sent_lately)
    enough = int(needed * _ENOUGH)
    limit = enough if is_known_to_be_low else needed
    return enough if free is not None and free < limit else None


def nothing_uploaded(
    now: datetime,
    *,
    last_review: datetime | None,
    last_uploads: Iterable[datetime | None],
    since: datetime,
    first_review: datetime | None = None,
    patience: float = 0,
) -> bool:
    """Tell whether there were reviews to upload, but no upload for two days.

    `since` is when we began to look: before that nothing can be said. The
    `first_review` after the last upload may still be on its way for as many seconds as
    there is `patience`.
    """
    newest = max((each for each in last_uploads if each is not None), default=since)
    return (
        last_review is not None
        and now - last_review < NO_UPLOAD_FOR
        and now - max(newest, since) > NO_UPLOAD_FOR
        and (first_review is None or (now - first_review) > timedelta(seconds=patience))
    )
