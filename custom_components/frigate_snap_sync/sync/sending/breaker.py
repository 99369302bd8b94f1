"""When a destination that failed may be tried again: one table, by cause."""

from dataclasses import dataclass
from typing import Final

from ...storage.errors import (
    AuthFailed,
    BucketNotFound,
    CertificateRefused,
    ClockSkew,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    NoSftp,
    NoSpace,
    NotMounted,
    NotWebdav,
    PermissionDenied,
    Redirected,
    Rejected,
    StorageError,
    Throttled,
    Unreachable,
    Unusable,
    WrongRegion,
)
from ..model.timing import Timing
from ..support.backoff import doubled
from ..support.said_once import SaidOnce

LONGEST_WAIT: Final = 3600.0
"""Seconds that a server may ask us to leave it alone."""

ROW: Final = 3
"""Files that are refused one after the other for the destination to be at fault."""


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
# A look at the folder, which costs nothing.
_LOOKED_AT = Reaction(first=5, longest=5)
_REACHED = Reaction(first=300, longest=300, is_contact=True)

_REACTIONS: dict[str, Reaction] = {
    Unreachable.code: _UNREACHABLE,
    ConnectTimeout.code: _UNREACHABLE,
    Throttled.code: _UNREACHABLE,
    AuthFailed.code: _REFUSED,
    InvalidKey.code: _REFUSED,
    Unusable.code: _REFUSED,
    # Some servers say so only after the login.
    NoSftp.code: _REFUSED,
    # The key is looked at before anything is sent, so a look is no login.
    HostKeyChanged.code: _AWAY,
    # So is a look at the certificate.
    CertificateRefused.code: _AWAY,
    # No login is tried before that is seen.
    NotWebdav.code: _AWAY,
    # It takes a person to change the address, or a server that comes back.
    Redirected.code: _AWAY,
    # Only a person can change these, and a request that is refused costs little.
    ClockSkew.code: _AWAY,
    WrongRegion.code: _AWAY,
    BucketNotFound.code: _AWAY,
    NotMounted.code: _LOOKED_AT,
}
"""By the code of the cause; `_REACHED` for all others."""


def reaction_to(error: StorageError) -> Reaction:
    """Return the reaction to the error's cause."""
    if isinstance(error, Throttled) and error.retry_after is not None:
        # A number that a server sent: none of that must stop us for good.
        wait = min(max(error.retry_after, _UNREACHABLE.first), LONGEST_WAIT)
        return Reaction(first=wait, longest=wait)
    return _REACTIONS.get(error.code, _REACHED)


def keeps_away(code: str) -> bool:
    """Tell whether a cause of that code lets nothing at all be sent."""
    return code in _REACTIONS


def is_for_its_owner(code: str) -> bool:
    """Tell whether only a person, or much patience, helps against a cause of that code.

    Until its time has come, asking again shows nothing, and may get us banned.
    """
    return _REACTIONS.get(code) in (_REFUSED, _AWAY)


def concerns_one_file(error: StorageError) -> bool:
    """Tell whether the error says nothing about the destination as a whole."""
    return isinstance(error, Rejected)


def _cause_of(error: StorageError) -> str:
    """Return what tells outages apart: no answer is no other cause than a refusal."""
    return Unreachable.code if isinstance(error, Unreachable) else error.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that was to be sent: of which upload, with how many bytes."""

    upload_id: int
    size: int


class Breaker:
    """Keeps a failing destination from being tried, until its time has come.

    Times are those of any clock that never goes back, in seconds. A destination
    that fails again soon after it came back is still in the same outage: its
    delay keeps growing, and nothing is logged twice.

    What refuses one file may take the others; a cause that hits `ROW` files in a
    row is the destination's. And what refuses a file may take a small probe: after
    that the destination is in doubt until a file proves more. The failure is still
    shown then, and files are sent, one at a time until the first has arrived.
    """

    def __init__(self, timing: Timing) -> None:
        """Start closed: everything may be tried."""
        self._timing = timing
        self.error: StorageError | None = None
        self._last: StorageError | None = None
        self.said = SaidOnce[str]()
        """What was said of the present outage."""
        self._delay = 0.0
        self._retry_at = 0.0
        self._works_since = 0.0
        self._suspect: Sent | None = None
        """The file that the destination failed with, if it was reached."""
        self._by_row = False
        self._in_doubt = False
        self._has_worked = False
        """Whether a file has arrived since the doubt began."""
        self._failed_at = 0.0
        self._row: set[int] = set()
        self._row_code = ""

    @property
    def is_open(self) -> bool:
        """Tell whether the destination is failing."""
        return self.error is not None

    @property
    def blocks(self) -> bool:
        """Tell whether nothing but a probe may be sent."""
        return self.is_open and not self._in_doubt

    @property
    def is_narrow(self) -> bool:
        """Tell whether only one file may be sent at a time."""
        return self._in_doubt and not self._has_worked

    def remaining(self, now: float) -> float:
        """Return the seconds until the next try."""
        return max(0.0, self._retry_at - now) if self.blocks else 0.0

    def is_own_fault(self, error: StorageError, now: float, sent: Sent) -> bool:
        """Note that a file failed; tell whether that concerns this file alone.

        If not, call `fail`.
        """
        self._failed_at = now
        if not reaction_to(error).is_contact:
            return False
        is_row = self._count(error, sent)
        if self.blocks:
            return concerns_one_file(error)
        if is_row or self.is_narrow:
            return False
        return concerns_one_file(error) or self._in_doubt

    def fail(
        self,
        error: StorageError,
        now: float,
        sent: Sent | None = None,
        *,
        by_look: bool = False,
    ) -> bool:
        """Note a failure; return whether it is news: a new outage, or a new cause.

        Each cause of an outage is news once. Failures of tries that were under way
        at the first one don't add up. `sent` is the file that failed, None for all
        else, such as a probe. `by_look`: a mere look has shown it, and may do so again soon.
        """
        self._failed_at = now
        by_row = sent is not None and sent.upload_id in self._row and self._is_row
        if concerns_one_file(error):
            # It is the destination's after all.
            error = _writable_no_more(error, by_row=by_row)
        if not reaction_to(error).is_contact:
            self._suspect = None
        elif sent is not None and self._suspect is None:
            self._suspect, self._by_row = sent, by_row
        self._in_doubt = False
        return self._open(error, now, _LOOKED_AT if by_look else reaction_to(error))

    def succeed(self, now: float, sent: Sent | None = None) -> bool:
        """Note a success, of a file or of a probe; return whether it ends a failure."""
        if sent is not None:
            self._row.clear()
        if not self.is_open:
            return False
        if self._suspect is None or self._is_proof(sent):
            return self._close(now)
        if sent is not None:
            self._has_worked = self._in_doubt
        elif not self._in_doubt:
            self._in_doubt, self._has_worked = True, False
        return self.settle(now)

    def settle(self, now: float) -> bool:
        """End a doubt that nothing has confirmed for long; return whether it ended."""
        if self._in_doubt and now - self._failed_at >= self._timing.stable:
            return self._close(now)
        return False

    def _count(self, error: StorageError, sent: Sent) -> bool:
        """Tell whether the cause has hit enough files, one after the other."""
        if error.code != self._row_code:
            self._row_code = error.code
            self._row.clear()
        self._row.add(sent.upload_id)
        return self._is_row

    @property
    def _is_row(self) -> bool:
        return len(self._row) >= ROW

    def _is_proof(self, sent: Sent | None) -> bool:
        """Tell whether the file arrived that failed, or one that proves as much."""
        if sent is None or self._suspect is None:
            return False
        if isinstance(self.error, NoSpace):
            return sent.size >= self._suspect.size
        return self._by_row or sent.upload_id == self._suspect.upload_id

    def _open(self, error: StorageError, now: float, reaction: Reaction) -> bool:
        is_first = self._last is None or (
            not self.is_open and now - self._works_since >= self._timing.stable
        )
        is_other = self._last is None or _cause_of(self._last) != _cause_of(error)
        if is_first:
            self.said.begin()
        is_news = self.said.is_news(_cause_of(error))
        if self.is_open and not is_other and now < self._retry_at:
            return False
        self._delay = (
            reaction.first
            if is_first or is_other
            else max(reaction.first, doubled(self._delay, longest=reaction.longest))
        )
        self.error = self._last = error
        # Many destinations of one server shall not come back in step.
        self._retry_at = now + self._delay * self._timing.jitter(1.0, 1.2)
        return is_news

    def _close(self, now: float) -> bool:
        self.error = self._suspect = None
        self._in_doubt = self._by_row = False
        self._works_since = now
        return True


def _writable_no_more(error: StorageError, *, by_row: bool) -> PermissionDenied:
    """Return the error of a destination that takes no file, whatever the reason."""
    text = f"{ROW} files in a row were refused: {error}" if by_row else str(error)
    cause = PermissionDenied(text, hint=error.hint, about=error.about, said=error.said)
    cause.step = error.step
    return cause
