"""Sending no faster than a rate: who may send how many bytes, and when."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import IntEnum
from itertools import count
import time
from typing import Final

from ...changes import Changes

SLICE_SECONDS: Final = 0.1
"""How long one slice takes: what is urgent waits no longer for the one before it."""

SMALLEST_SLICE: Final = 1024
LARGEST_SLICE: Final = 256 * 1024

SHARE: Final = 15
"""Film may send so many times what parts or wholes send that wait, and parts so many
times what wholes do: film of more than the rate would else keep back all that outlives
it, and a server ends a connection on which nothing comes."""

MAX_LAG: Final = 0.2
"""Seconds that may be caught up with after the event loop was late."""


class Priority(IntEnum):
    """Who goes first."""

    STILL = 0
    """What is small and wanted at once."""
    LIVE = 1
    """What is late soon, and never ends."""
    PART = 2
    """What is wanted soon, of what is still happening."""
    OTHER = 3


_PATIENT: Final = (Priority.PART, Priority.OTHER)
"""Who leave the way to all before them, but for a share."""


type _Turn = tuple[Priority, int]


class RateLimit:
    """Lets bytes pass at a steady rate: stills, then live film, parts, all else.

    Film and parts leave a small share to those behind them.

    All who send share it. What is not used is lost after a moment, so that there is
    no burst; a slice passes as a whole, and the next one when its time is over.
    """

    def __init__(
        self,
        rate: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Let so many bytes a second pass. `clock` never jumps; both are in seconds."""
        if rate <= 0:
            raise ValueError(f"{rate} bytes a second let nothing pass")
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()
        self._turns = count()
        self._waiting: list[_Turn] = []
        self._ahead = dict.fromkeys(_PATIENT, 0)
        """Bytes of film and parts for which those behind them have waited."""
        self._moved = Changes()

    @property
    def slice_size(self) -> int:
        """Return how many bytes should be asked for at once."""
        wanted = int(self._rate * SLICE_SECONDS)
        return min(max(wanted, SMALLEST_SLICE), LARGEST_SLICE)

    async def take(self, size: int, priority: Priority = Priority.OTHER) -> None:
        """Wait until `size` more bytes may be sent."""
        turn = (priority, next(self._turns))
        self._waiting.append(turn)
        try:
            await self._wait(turn)
            earliest = self._clock() - MAX_LAG
            self._free_at = max(self._free_at, earliest) + size / self._rate
            self._count(size, priority)
        finally:
            self._waiting.remove(turn)
            self._moved.notify()

    def _count(self, size: int, passed: Priority) -> None:
        """Note who has passed while others waited."""
        for priority in _PATIENT:
            if self._first(priority) is None:
                self._ahead[priority] = 0
            elif passed is priority:
                self._ahead[priority] = max(0, self._ahead[priority] - SHARE * size)
            elif Priority.LIVE <= passed < priority:
                self._ahead[priority] += size

    def _first(self, priority: Priority) -> _Turn | None:
        return min(
            (turn for turn in self._waiting if turn[0] is priority), default=None
        )

    @property
    def _next(self) -> _Turn:
        """Return whose turn it is."""
        first = min(self._waiting)
        if first[0] is Priority.STILL:
            return first
        for priority in _PATIENT:
            turn = self._first(priority)
            if turn is not None and self._ahead[priority] >= SHARE * self.slice_size:
                return turn
        return first

    async def _wait(self, turn: _Turn) -> None:
        while True:
            if self._next != turn:
                await self._moved.wait()
            elif (delay := self._free_at - self._clock()) > 0:
                await self._sleep(delay)
            else:
                return
