"""Forgetting what is long over, so that the ledger does not grow for ever."""

import asyncio
from collections.abc import Callable
import logging
import time
from typing import Final

from .ledger import LedgerError, milestones, pruning
from .services import Services

_LOGGER = logging.getLogger(__name__)

STEP: Final = 500
"""Items that are forgotten at once; uploads come in between."""

PAUSE: Final = 0.2


class Pruner:
    """Prunes the ledger; what has a copy at a destination is remembered."""

    def __init__(
        self,
        services: Services,
        *,
        look_back: float,
        clock_offset: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Keep what it works with; `look_back` (s) is that of catching up.

        `clock_offset` returns our clock less Frigate's, in seconds.
        """
        self._ledger = services.ledger
        self._timing = services.timing
        self._look_back = look_back
        self._clock_offset = clock_offset

    async def run(self) -> None:
        """Prune now and every hour, until cancelled."""
        while True:
            try:
                await self.prune()
            except LedgerError as err:
                _LOGGER.debug("The history can't be pruned: %s", err)
            await asyncio.sleep(self._timing.prune)

    async def prune(self) -> int:
        """Forget what is over for long; return how many items. Raises LedgerError.

        What catching up may ask about stays: it would be sent again. A clock that is
        years ahead forgets nothing while Frigate's is not.
        """
        now = time.time() - max(0.0, self._clock_offset())
        since = await self._ledger.run(milestones.moment, milestones.SINCE, default=now)
        caught_up = await self._ledger.run(
            milestones.moment, milestones.CAUGHT_UP, default=since
        )
        asked_about = min(now - self._look_back, caught_up) - self._timing.prune_margin
        before = min(now - self._timing.keep, asked_about)
        while await self._ledger.run(pruning.forget_copies, before=before, limit=STEP):
            await asyncio.sleep(PAUSE)
        count = 0
        while True:
            forgotten = await self._ledger.run(pruning.prune, before=before, limit=STEP)
            count += forgotten
            if forgotten < STEP:
                return count
            await asyncio.sleep(PAUSE)
