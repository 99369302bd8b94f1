"""How much may be sent beside live film: what leaves the film as new as it can be. Pure.

Nothing tells how fast a line is, or what others send over it. But film tells how long
it takes itself: as long as it arrives as fast as it did over an idle line, more may be
sent beside it, and when it arrives later, less.
"""

from dataclasses import dataclass
from math import inf
from typing import Final

LINGER: Final = 4.0
"""Seconds for which others hold back behind film: the next of it may be on its way."""

QUEUE: Final = 0.2
"""Seconds by which film may be later than over an idle line, because of others."""

LONGEST_WAY: Final = 0.5
"""Seconds that film may take over an idle line; what is more is a queue."""

FIRST_RATE: Final = 64 * 1024
"""Bytes a second of others when a film begins."""

LEAST_RATE: Final = 8 * 1024
MOST_RATE: Final = 1024**3

SOON: Final = 1.3
"""The factor by which it grows with what arrives in time, until some is late."""

LATER: Final = 1.1
"""The same, once it is known about how much the line carries."""

CALM: Final = 0.5
"""Seconds in which late film slows others down once alone: it is the same queue."""

ASKED: Final = 0.5
"""Seconds within which others have asked who send as much as they may."""

SHARE: Final = 16
"""Film that is late leaves one byte to others for so many of its own. It may be more
than the line carries, and never end: what outlives it must arrive all the same."""

MOST_OWED: Final = 64 * 1024
"""Bytes that others may catch up with at once."""

LONGEST_PAUSE: Final = 5.0
"""Seconds after which a little of others is sent, whatever becomes of the film: servers
end a connection on which nothing comes."""

MAX_LAG: Final = 0.02
"""Seconds that may be caught up with after the event loop was late."""

SLICE_SECONDS: Final = 0.05
SMALLEST_SLICE: Final = 16 * 1024
LARGEST_SLICE: Final = 255 * 1024
"""Bytes that may be sent at once: one request of SFTP."""

_INSTANT: Final = 0.001

LOOK: Final = 0.05
"""Seconds after which it is looked again whether late film has arrived."""


@dataclass(frozen=True, slots=True)
class _Write:
    """Film on its way: when it began, how many bytes, and whether all wait for it."""

    begun: float
    size: int
    is_piece: bool


class Precedence:
    """Decides when others may send beside film. Times are in seconds, of a steady clock.

    Where film grows, writes of it are small and come all the time: their delay tells
    how much may be sent beside it. A piece of some seconds takes as long as the line
    needs for it: others wait for its end, and fill the time between two of them.
    """

    def __init__(self) -> None:
        """Begin without film."""
        self._under_way: dict[int, _Write] = {}
        self._count = 0
        self._last = -inf
        self._reset(-inf)

    def _reset(self, now: float) -> None:
        self._way = LONGEST_WAY
        """The least seconds that film has taken where it grows."""
        self._speed = 0.0
        """The most bytes a second with which a piece has arrived."""
        self._rate = float(FIRST_RATE)
        self._growth = SOON
        self._slowed = -inf
        self._asked = -inf
        """When others have asked last: a rate that is not used proves nothing."""
        self._free_at = -inf
        self._passed = now
        self._owed = 0.0

    def flows(self, now: float) -> bool:
        """Tell whether film is under way, or was a moment ago."""
        return bool(self._under_way) or now - self._last < LINGER

    def begin(self, now: float, size: int, *, is_piece: bool = False) -> int:
        """Note that film leaves, and return what it is called in `end`."""
        if not self.flows(now):
            self._reset(now)
        self._count += 1
        self._under_way[self._count] = _Write(now, size, is_piece)
        return self._count

    def end(self, key: int, now: float, *, has_arrived: bool) -> None:
        """Note that it has arrived, or never will."""
        write = self._under_way.pop(key)
        self._last = now
        if not has_arrived:
            return
        took = max(now - write.begun, _INSTANT)
        self._owed = min(self._owed + write.size / SHARE, MOST_OWED)
        allowed = self._allowed(write)
        if write.is_piece:
            self._speed = max(self._speed, write.size / took)
        elif write.size:
            self._way = min(self._way, took)
        if took > allowed:
            self._slow_down(now)
        elif took < allowed - QUEUE / 2 and now - self._asked < ASKED:
            self._rate = _bounded(self._rate * self._growth)
        if write.is_piece:
            # Little was sent beside it: so much the line carries.
            self._rate = max(self._rate, _bounded(write.size / took))

    def stop(self) -> None:
        """Note that no film follows."""
        self._last = -inf

    def slice_size(self, now: float) -> int:
        """Return how many bytes should be asked for at once."""
        if not self.flows(now):
            return LARGEST_SLICE
        return int(min(max(self._rate * SLICE_SECONDS, SMALLEST_SLICE), LARGEST_SLICE))

    def delay(self, now: float, size: int) -> float:
        """Return after how many seconds others may ask again; 0: they may send now."""
        if not self.flows(now):
            return 0.0
        self._asked = now
        if self._owed >= size or now - self._passed >= LONGEST_PAUSE:
            return 0.0
        if self._is_late(now):
            return LOOK
        return max(0.0, self._free_at - now)

    def passed(self, now: float, size: int) -> None:
        """Note that others send so many bytes now."""
        self._passed = now
        self._owed = max(0.0, self._owed - size)
        self._free_at = max(self._free_at, now - MAX_LAG) + size / self._rate

    def _allowed(self, write: _Write) -> float:
        """Return how many seconds film may be under way."""
        if not write.is_piece:
            return self._way + QUEUE
        return write.size / self._speed + QUEUE if self._speed else inf

    def _is_late(self, now: float) -> bool:
        return any(
            write.is_piece or now - write.begun > self._allowed(write)
            for write in self._under_way.values()
        )

    def _slow_down(self, now: float) -> None:
        if now - self._slowed >= CALM:
            self._rate, self._growth = _bounded(self._rate / 2), LATER
            self._slowed = now


def _bounded(rate: float) -> float:
    return min(max(rate, LEAST_RATE), MOST_RATE)
