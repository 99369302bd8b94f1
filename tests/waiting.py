"""Waiting for what a test means, however slow the machine is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
import inspect
import threading
from typing import Any
from unittest.mock import patch

import pytest

LONG = 60.0
"""Seconds that nothing sound takes, even on a busy machine.

What is waited for in vain must take longer, so that a test can tell the two apart.
"""

_TURNS = 50


async def until(
    condition: Callable[[], object | Awaitable[object]],
    *,
    seconds: float = LONG,
    reason: str = "",
) -> None:
    """Wait until the condition holds; fail when it doesn't in time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                holds = condition()
                if inspect.isawaitable(holds):
                    holds = await holds
                if holds:
                    return
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"Not in {seconds} s: {reason or condition}")


@asynccontextmanager
async def promptly(seconds: float = LONG) -> AsyncIterator[None]:
    """Fail when what is inside waits for something that takes longer than `LONG`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        pytest.fail(f"Not in {seconds} s")


class Threads:
    """Knows whether any thread of a pool is at work."""

    def __init__(self) -> None:
        """Nothing is at work."""
        self._lock = threading.Lock()
        self._at_work = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch all thread pools while inside."""
        submit = ThreadPoolExecutor.submit

        def counted(
            pool: ThreadPoolExecutor, function: Any, /, *args: Any, **kwargs: Any
        ) -> Future[Any]:
            self._count(1)
            try:
                future = submit(pool, function, *args, **kwargs)
            except BaseException:
                self._count(-1)
                raise
            future.add_done_callback(lambda _: self._count(-1))
            return future

        with patch.object(ThreadPoolExecutor, "submit", counted):
            yield

    async def at_rest(self) -> None:
        """Wait until the loop has nothing to do before its next timer.

        Counted in turns of the loop, not in seconds: what follows from what has
        happened so far has been done then, however busy the machine is.
        """
        async with promptly():
            turns = 0
            while turns < _TURNS:
                await asyncio.sleep(0)
                turns = 0 if self._at_work else turns + 1

    def _count(self, change: int) -> None:
        with self._lock:
            self._at_work += change
