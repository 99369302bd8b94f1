"""How protected the owner is, and what a person can mend: judged by plain facts."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..storage.base import (
    AuthFailed,
    HostKeyChanged,
    InvalidKey,
    NoSpace,
    NotMounted,
    PathNotAbsolute,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    StorageError,
)
from .status import Problem, Protection

PATIENCE = timedelta(minutes=15)
"""How long something may fail or wait before the owner is at risk."""
MEMORY = timedelta(days=1)
"""How long a loss counts."""
SILENCE = 600.0
"""Seconds without a message after which MQTT can't be right."""
DEAD_MAN = timedelta(days=2)

_PROBLEMS: dict[str, Problem] = {
    HostKeyChanged.code: Problem.HOST_KEY_CHANGED,
    AuthFailed.code: Problem.LOGIN_REFUSED,
    InvalidKey.code: Problem.LOGIN_REFUSED,
    NotMounted.code: Problem.NOT_MOUNTED,
    NoSpace.code: Problem.NO_SPACE,
    PermissionDenied.code: Problem.NOT_WRITABLE,
    PathNotAbsolute.code: Problem.NOT_WRITABLE,
    PathNotAllowed.code: Problem.NOT_WRITABLE,
    PathNotFound.code: Problem.NOT_WRITABLE,
}
"""By the code of the cause."""


def problem_of(error: StorageError | None) -> Problem | None:
    """Return what a person can mend about a destination's failure, if anything."""
    return None if error is None else _PROBLEMS.get(error.code)


def protection(
    now: datetime,
    *,
    pending: int,
    waiting_since: datetime | None,
    last_loss: datetime | None,
    failing_since: Iterable[datetime | None],
) -> Protection:
    """Return how protected the owner is.

    `waiting_since` is when the upload was planned that has been missing longest; one
    for a paused destination is none while another has a copy: the pause is the
    owner's wish. `failing_since` is since when each destination fails, `last_loss`
    when something was lost last.
    """
    is_old = [
        since is not None and now - since > PATIENCE
        for since in (waiting_since, *failing_since)
    ]
    if any(is_old) or (last_loss is not None and now - last_loss < MEMORY):
        return Protection.AT_RISK
    return Protection.CATCHING_UP if pending else Protection.PROTECTED


def nothing_uploaded(
    now: datetime,
    *,
    last_review: datetime | None,
    last_uploads: Iterable[datetime | None],
    since: datetime,
) -> bool:
    """Tell whether there were reviews, but no upload for two days.

    `since` is when we began to look: before that nothing can be said.
    """
    newest = max((each for each in last_uploads if each is not None), default=since)
    return (
        last_review is not None
        and now - last_review < DEAD_MAN
        and now - max(newest, since) > DEAD_MAN
    )
