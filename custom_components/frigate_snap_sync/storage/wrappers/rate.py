"""Sending no faster than a rate: who may send how many bytes, and when."""

import asyncio
from collections.abc import Awaitable, Callable
import heapq
from itertools import count
import time
from typing import Final

SLICE_SECONDS: Final = 0.1
"""How long one slice takes: what is urgent waits no longer for the one before it."""

SMALLEST_SLICE: Final = 1024
LARGEST_SLICE: Final = 256 * 1024

MAX_LAG: Final = 0.2
"""Seconds that may be caught up with after the event loop was late."""


class RateLimit:
    """Lets bytes pass at a steady rate, the urgent ones first.

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
        self._waiting: list[tuple[bool, int]] = []
        self._moved = asyncio.Event()

    @property
    def slice_size(self) -> int:
        """Return how many bytes should be asked for at once."""
        wanted = int(self._rate * SLICE_SECONDS)
        return min(max(wanted, SMALLEST_SLICE), LARGEST_SLICE)

    async def take(self, size: int, *, is_urgent: bool = False) -> None:
        """Wait until `size` more bytes may be sent."""
        turn = (not is_urgent, next(self._turns))
        heapq.heappush(self._waiting, turn)
        try:
            await self._wait(turn)
            earliest = self._clock() - MAX_LAG
            self._free_at = max(self._free_at, earliest) + size / self._rate
        finally:
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)
            self._moved.set()
            self._moved = asyncio.Event()

    async def _wait(self, turn: tuple[bool, int]) -> None:
        while True:
            if self._waiting[0] != turn:
                await self._moved.wait()
            elif (delay := self._free_at - self._clock()) > 0:
                await self._sleep(delay)
            else:
                return
