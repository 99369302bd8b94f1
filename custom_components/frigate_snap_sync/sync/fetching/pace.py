"""A clip that comes too slowly gives way while others wait."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
import time

_LOOKS = 10
"""Looks at the pace in the time that it is measured over."""


class GaveWay(Exception):
    """A clip was given up for now: it came too slowly, and others wait."""


class Pace:
    """How quickly a clip comes, measured over its last `seconds`."""

    def __init__(self, *, rate: float, seconds: float) -> None:
        """Begin now; `rate` is in bytes a second."""
        self.step = seconds / _LOOKS
        self._seconds = seconds
        self._least = rate * seconds
        self._began = time.monotonic()
        self._came: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def add(self, size: int) -> None:
        """Note that so many bytes have come."""
        self._came.append((time.monotonic(), size))
        self._bytes += size
        self._forget()

    @property
    def is_slow(self) -> bool:
        """Tell whether it has come more slowly than the rate for all that time."""
        self._forget()
        is_over = time.monotonic() - self._began >= self._seconds
        return is_over and self._bytes < self._least

    def _forget(self) -> None:
        since = time.monotonic() - self._seconds
        while self._came and self._came[0][0] < since:
            self._bytes -= self._came.popleft()[1]


@asynccontextmanager
async def giving_way(
    pace: Pace, others_wait: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[None]:
    """Cancel the block, and raise `GaveWay`, when it is slow while others wait."""
    limit = asyncio.timeout(None)
    try:
        async with limit:
            watcher = asyncio.create_task(_watch(pace, others_wait, limit))
            try:
                yield
            finally:
                watcher.cancel()
    except TimeoutError as err:
        if not limit.expired():
            raise
        raise GaveWay("It comes too slowly while others wait") from err


async def _watch(
    pace: Pace, others_wait: Callable[[], Awaitable[bool]], limit: asyncio.Timeout
) -> None:
    waited = False
    while True:
        await asyncio.sleep(pace.step)
        # Twice: another lane may be about to take what waits.
        waits = pace.is_slow and await others_wait()
        if waits and waited:
            limit.reschedule(asyncio.get_running_loop().time())
            return
        waited = waits
