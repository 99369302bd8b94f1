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

LIVE_SHARE: Final = 3
"""Live film may send so many times what others send who wait: film of more than the
rate would else keep back all that outlives it."""

MAX_LAG: Final = 0.2
"""Seconds that may be caught up with after the event loop was late."""


class Rank(IntEnum):
    """Who goes first."""

    STILL = 0
    """What is small and wanted at once."""
    LIVE = 1
    """What is late soon, and never ends."""
    OTHER = 2


type _Turn = tuple[Rank, int]


class RateLimit:
    """Lets bytes pass at a steady rate: stills first, then live film, then all else.

    Live film leaves a share to all else.

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
        self._ahead = 0
        """Bytes of live film that others have waited for."""
        self._moved = Changes()

    @property
    def slice_size(self) -> int:
        """Return how many bytes should be asked for at once."""
        wanted = int(self._rate * SLICE_SECONDS)
        return min(max(wanted, SMALLEST_SLICE), LARGEST_SLICE)

    async def take(self, size: int, rank: Rank = Rank.OTHER) -> None:
        """Wait until `size` more bytes may be sent."""
        turn = (rank, next(self._turns))
        self._waiting.append(turn)
        try:
            await self._wait(turn)
            earliest = self._clock() - MAX_LAG
            self._free_at = max(self._free_at, earliest) + size / self._rate
            self._count(size, rank)
        finally:
            self._waiting.remove(turn)
            self._moved.notify()

    def _count(self, size: int, rank: Rank) -> None:
        """Note who has passed while others waited."""
        if self._first_other is None:
            self._ahead = 0
        elif rank is Rank.LIVE:
            self._ahead += size
        elif rank is Rank.OTHER:
            self._ahead = max(0, self._ahead - LIVE_SHARE * size)

    @property
    def _first_other(self) -> _Turn | None:
        return min(
            (turn for turn in self._waiting if turn[0] is Rank.OTHER), default=None
        )

    @property
    def _next(self) -> _Turn:
        """Return whose turn it is."""
        first, other = min(self._waiting), self._first_other
        is_over = self._ahead >= LIVE_SHARE * self.slice_size
        return other if other and is_over and first[0] is Rank.LIVE else first

    async def _wait(self, turn: _Turn) -> None:
        while True:
            if self._next != turn:
                await self._moved.wait()
            elif (delay := self._free_at - self._clock()) > 0:
                await self._sleep(delay)
            else:
                return
