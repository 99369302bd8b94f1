"""When a destination that failed may be tried again: one table, by cause."""

from dataclasses import dataclass
import random

from ..storage.base import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    NoSftp,
    NotMounted,
    Rejected,
    StorageError,
    Unreachable,
    Unusable,
)

_STABLE = 600.0
"""How long a destination must work for its next failure to be a new outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """How a failure with a certain cause is met.

    `first` and `longest` are seconds until the next try; it doubles in between.
    `is_contact` tells whether the destination was reached all the same.
    """

    first: float
    longest: float
    is_contact: bool = False


_UNREACHABLE = Reaction(first=5, longest=300)
# Servers ban who knocks too often; a NAS that is still booting refuses too.
_REFUSED = Reaction(first=900, longest=900)
_AWAY = Reaction(first=300, longest=300)
_REACHED = Reaction(first=300, longest=300, is_contact=True)

_REACTIONS: dict[str, Reaction] = {
    Unreachable.code: _UNREACHABLE,
    ConnectTimeout.code: _UNREACHABLE,
    AuthFailed.code: _REFUSED,
    InvalidKey.code: _REFUSED,
    Unusable.code: _REFUSED,
    # Some servers say so only after the login.
    NoSftp.code: _REFUSED,
    # The key is looked at before anything is sent, so a look is no login.
    HostKeyChanged.code: _AWAY,
    NotMounted.code: _AWAY,
}
"""By the code of the cause; `_REACHED` for all others."""


def reaction_to(error: StorageError) -> Reaction:
    """Return the reaction to the error's cause."""
    return _REACTIONS.get(error.code, _REACHED)


def concerns_one_file(error: StorageError) -> bool:
    """Tell whether the error says nothing about the destination as a whole."""
    return isinstance(error, Rejected)


def _cause_of(error: StorageError) -> str:
    """Return what tells outages apart: no answer is no other cause than a refusal."""
    return Unreachable.code if isinstance(error, Unreachable) else error.code


class Breaker:
    """Keeps a failing destination from being tried, until its time has come.

    Times are those of any clock that never goes back, in seconds. A destination
    that fails again soon after it came back is still in the same outage: its
    delay goes on growing, and nothing is told twice.
    """

    def __init__(self) -> None:
        """Start closed: everything may be tried."""
        self.error: StorageError | None = None
        self._last: StorageError | None = None
        self._said: set[str] = set()
        self._delay = 0.0
        self._retry_at = 0.0
        self._works_since = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether the destination is failing."""
        return self.error is not None

    def remaining(self, now: float) -> float:
        """Return the seconds until the next try."""
        return max(0.0, self._retry_at - now) if self.is_open else 0.0

    def fail(self, error: StorageError, now: float) -> bool:
        """Note a failure; return whether it is news: a new outage, or a new cause.

        Each cause of an outage is news once. Failures of tries that were under way
        at the first one don't add up.
        """
        is_first = self._last is None or (
            not self.is_open and now - self._works_since >= _STABLE
        )
        is_other = self._last is None or _cause_of(self._last) != _cause_of(error)
        if is_first:
            self._said.clear()
        is_news = _cause_of(error) not in self._said
        self._said.add(_cause_of(error))
        reaction = reaction_to(error)
        if self.is_open and not is_other and now < self._retry_at:
            return False
        self._delay = (
            reaction.first
            if is_first or is_other
            else min(self._delay * 2, reaction.longest)
        )
        self.error = self._last = error
        # Many destinations of one server shall not come back in step.
        self._retry_at = now + self._delay * random.uniform(1.0, 1.2)
        return is_news

    def succeed(self, now: float) -> bool:
        """Note a success; return whether it ends a failure."""
        if not self.is_open:
            return False
        self.error = None
        self._works_since = now
        return True
