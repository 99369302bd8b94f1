"""The steps of a drill: how long each takes, and which one failed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import time

from ..model.drill import Step


class Stopwatch:
    """Measures steps, of which some come more than once, and ends those that hang."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.step: Step | None = None
        """The last step that was begun."""
        self._seconds: dict[str, float] = {}

    @property
    def seconds(self) -> dict[str, float]:
        """Return the seconds of each step so far, to the millisecond."""
        return {step: round(spent, 3) for step, spent in self._seconds.items()}

    @asynccontextmanager
    async def measured(self, step: Step, *, most: float) -> AsyncGenerator[None]:
        """Measure what is done in this step; raises TimeoutError after `most` s."""
        self.step = step
        begin = time.monotonic()
        try:
            async with asyncio.timeout(most):
                yield
        finally:
            spent = time.monotonic() - begin
            self._seconds[step.value] = self._seconds.get(step.value, 0.0) + spent
