"""How far Frigate's clock is from ours, from the `Date` of its answers."""

from collections import deque
from collections.abc import Callable
from email.utils import parsedate_to_datetime
import time
from typing import Final

_SAMPLES: Final = 32
_MAX_AGE: Final = 900.0
"""Seconds; two clocks drift apart by some milliseconds in that time."""


class ClockOffset:
    """Local time minus Frigate's time.

    A `Date` has a resolution of a second and stems from some moment between
    sending the request and receiving the answer, so each answer says: the
    offset lies between two bounds. The bounds of recent answers together say
    it to a fraction of a second. Where they contradict each other, Frigate's
    clock was set, and the newest ones count.

    Frigate's clock is compared with one of ours that is never set (`steady`), so
    the offset is right again at the very moment when the local clock (`wall`) is
    set.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = lambda: time.time(),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without knowledge. Both clocks return seconds."""
        self._wall = wall
        self._steady = steady
        self._samples: deque[tuple[float, float, float]] = deque(maxlen=_SAMPLES)
        self._offset: float | None = None
        """The steady clock's time minus Frigate's."""

    @property
    def seconds(self) -> float:
        """Return local time minus Frigate's time; 0.0 until known."""
        if self._offset is None:
            return 0.0
        return self._offset + self._wall() - self._steady()

    def add(self, date: str | None, *, sent: float) -> None:
        """Take in the `Date` of an answer that has just begun.

        `sent` is the steady clock's time before the request. A missing or
        unreadable `date` changes nothing.
        """
        if date is None:
            return
        try:
            shown = parsedate_to_datetime(date).timestamp()
        except ValueError, OverflowError, OSError:
            return
        received = self._steady()
        self._samples.append((received, sent - shown - 1, received - shown))
        self._offset = self._estimate()

    def _estimate(self) -> float:
        """Return the middle of what the newest agreeing samples leave possible."""
        newest, low, high = self._samples[-1]
        for taken, lower, upper in reversed(self._samples):
            if newest - taken > _MAX_AGE or max(low, lower) > min(high, upper):
                break
            low, high = max(low, lower), min(high, upper)
        return (low + high) / 2
