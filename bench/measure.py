"""Measuring in the process that does the work: loop delay, CPU time, memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import gc
from pathlib import Path
import re
import resource
import time
from typing import Final, Self

from .stats import percentile

_INTERVAL: Final = 0.001
_RESET_PEAK: Final = "5"
"""What `/proc/self/clear_refs` takes for: forget the highest memory use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How late an event loop was, in milliseconds."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, delays: list[float]) -> Self:
        """Return what delays (s) come to."""
        return cls(
            p50=percentile(delays, 0.5) * 1000,
            p99=percentile(delays, 0.99) * 1000,
            max=max(delays) * 1000,
        )


async def delay_during(work: Callable[[], Awaitable[None]]) -> Delay:
    """Return how late a sleep of a millisecond wakes up while something is done."""
    delays: list[float] = []

    async def watch() -> None:
        while True:
            asleep = time.perf_counter()
            await asyncio.sleep(_INTERVAL)
            delays.append(time.perf_counter() - asleep - _INTERVAL)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        await work()
        # The end of the work may have been late, too.
        await asyncio.sleep(2 * _INTERVAL)
    finally:
        watching.cancel()
        await asyncio.wait({watching})
    return Delay.of(delays)


def cpu_seconds() -> float:
    """Return the CPU seconds that this process has used, in all of its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class MemoryPeak:
    """How much the resident memory of this process grows, at its highest, in bytes."""

    def __init__(self) -> None:
        """Begin now; what was used before does not count."""
        gc.collect()
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
        self._before = _status("VmRSS")

    def growth(self) -> int:
        """Return the highest use since the begin, less that at the begin."""
        return _status("VmHWM") - self._before


def _status(key: str) -> int:
    text = Path("/proc/self/status").read_text()
    if (found := re.search(rf"^{key}:\s+(\d+) kB$", text, re.MULTILINE)) is None:
        raise RuntimeError(f"The kernel does not tell {key}")
    return int(found[1]) * 1024
