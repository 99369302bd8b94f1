"""How far Frigate's clock is from ours, from the `Date` of its answers."""

from collections import deque
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Final

_SAMPLES: Final = 32
_MAX_AGE: Final = 900.0
"""Seconds; two clocks drift apart by some milliseconds in that time."""


class ClockOffset:
    """Local time minus Frigate's time.

    A `Date` has a resolution of a second and stems from some moment between
    sending the request and receiving the answer, so each answer says: the
    offset lies between two bounds. The bounds of recent answers together say
    it to a fraction of a second. Where they contradict each other, a clock was
    set, and the newest ones count.
    """

    def __init__(self) -> None:
        """Start without knowledge."""
        self._samples: deque[tuple[float, float, float]] = deque(maxlen=_SAMPLES)
        self._offset = 0.0

    @property
    def seconds(self) -> float:
        """Return local time minus Frigate's time; 0.0 until known."""
        return self._offset

    def add(self, date: str | None, *, sent: float, received: float) -> None:
        """Take in the `Date` of an answer.

        `sent` and `received` are local epoch seconds around the exchange. A
        missing or unreadable `date` changes nothing.
        """
        if date is None or received < sent:
            return
        try:
            told = parsedate_to_datetime(date).timestamp()
        except ValueError, OverflowError, OSError:
            return
        self._samples.append((monotonic(), sent - told - 1, received - told))
        self._offset = self._estimate()

    def _estimate(self) -> float:
        """Return the middle of what the newest agreeing samples leave possible."""
        newest, low, high = self._samples[-1]
        for taken, lower, upper in reversed(self._samples):
            if newest - taken > _MAX_AGE or max(low, lower) > min(high, upper):
                break
            low, high = max(low, lower), min(high, upper)
        return (low + high) / 2
