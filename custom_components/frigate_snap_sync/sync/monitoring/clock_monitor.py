"""Notices when the machine's clock is set, and tells all who reckon with it."""

import asyncio
from collections.abc import Awaitable, Callable
import logging
import time

from ..ledger import LedgerError
from ..ledger.clock import ClockJump
from ..model.timing import Timing
from ..support.outage_log import OutageLog

_LOGGER = logging.getLogger(__name__)


def steady_time() -> float:
    """Return seconds of a clock that is never set, and counts while a machine sleeps."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except AttributeError, OSError:
        return time.monotonic()


class ClockMonitor:
    """Compares the wall clock with a steady one every few seconds.

    What drifts, or is slewed by NTP, is followed; what jumps is a `ClockJump`, with
    which `on_jump` is awaited. If that raises LedgerError, it is called again.
    """

    def __init__(
        self,
        *,
        timing: Timing,
        on_jump: Callable[[ClockJump], Awaitable[None]],
        wall: Callable[[], float] = lambda: time.time(),
        steady: Callable[[], float] = steady_time,
    ) -> None:
        """Take the clocks as they are now; both return seconds."""
        self._timing = timing
        self._on_jump = on_jump
        self._wall = wall
        self._steady = steady
        self._outage = OutageLog(_LOGGER, "Following a clock that was set")
        self._since = wall()
        self._ahead = self._since - steady()
        """The wall clock's time minus the steady one's, when they were last compared."""
        self._jumped_at = float("-inf")

    @property
    def is_steady(self) -> bool:
        """Tell whether times that were written lately can be compared with now."""
        step = self._wall() - self._steady() - self._ahead
        return (
            abs(step) <= self._timing.clock_tolerance
            and self._steady() - self._jumped_at > self._timing.least_patience
        )

    def counted_from(self, moment: float) -> float:
        """Return from when on patience counts with what happened at a moment.

        From the start if that is to come: the clock was ahead then, or is behind now.
        """
        is_to_come = moment > self._wall() + self._timing.least_patience
        return self._since if is_to_come else moment

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self.look()
            except LedgerError as err:
                self._outage.report(err)
            else:
                self._outage.over()
            await asyncio.sleep(self._timing.clock_check)

    async def look(self) -> None:
        """Compare the clocks now; raises what `on_jump` raises."""
        wall, steady = self._wall(), self._steady()
        step = wall - steady - self._ahead
        if abs(step) <= self._timing.clock_tolerance:
            self._ahead += step
            return
        jump = ClockJump(since=self._since, before=wall - step, after=wall)
        self._jumped_at = steady
        await self._on_jump(jump)
        _LOGGER.warning(
            "This machine's clock was set %s by %.0f s",
            "forward" if step > 0 else "back",
            abs(step),
        )
        self._ahead += step
        self._since += step
