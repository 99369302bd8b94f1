"""Looks after the ledger where nothing happens, or a failure would stay unseen."""

import asyncio
from collections.abc import Awaitable
import logging
import time

from ..intake.inbox import Inbox
from ..ledger import LedgerError, losses, milestones
from ..services import Services
from ..support.home_health import HomeHealth
from ..support.outage_log import OutageLog

_LOGGER = logging.getLogger(__name__)

_LAST_PATIENCE = 0.5
"""Seconds that the ledger has for each moment when all ends."""


class HomeCheck:
    """Writes to the ledger from time to time, and keeps that images were lost."""

    def __init__(self, services: Services, *, inbox: Inbox, health: HomeHealth) -> None:
        """Keep what it works with."""
        self._ledger = services.ledger
        self._inbox = inbox
        self._health = health
        self._timing = services.timing
        self._looked_at = float("-inf")
        self._outage = OutageLog(_LOGGER, "Writing to the ledger")

    async def look(self) -> None:
        """See whether the ledger takes what is written.

        Nothing is done before it is time, unless something fails or was lost.
        """
        now = time.monotonic()
        is_urgent = (
            self._health.disk_full
            or self._health.ledger_failing
            or self._inbox.lost_images
            or self._inbox.large_images
        )
        if not is_urgent and now - self._looked_at < self._timing.home:
            return
        self._looked_at = now
        await self._keep(is_written=True, patience=self._timing.ledger_patience)

    async def end(self) -> None:
        """Keep that images were lost, those among them that wait for the ledger.

        Nothing is waited for where there are none.
        """
        self._inbox.lose_all()
        if self._inbox.lost_images or self._inbox.large_images:
            await self._keep(is_written=False, patience=_LAST_PATIENCE)

    async def _keep(self, *, is_written: bool, patience: float) -> None:
        """Keep that the ledger was written now, or only what images were lost."""
        lost, large = self._inbox.lost_images, self._inbox.large_images
        now = time.time()
        missed = [losses.MESSAGES_LOST] if lost else []
        missed += [losses.IMAGES_TOO_LARGE] if large else []
        run = self._ledger.run
        try:
            if is_written:
                await bounded(
                    run(milestones.keep_moment, milestones.WRITTEN, now), patience
                )
            for name in missed:
                await bounded(run(losses.keep_missed, name, now=now), patience)
        except LedgerError as err:
            self._outage.report(err)
        else:
            self._outage.over()
            self._inbox.forget_lost_images(lost, large=large)


async def bounded[T](job: Awaitable[T], seconds: float) -> T:
    """Wait for the ledger, but not for ever: on a disk that hangs. Raises LedgerError."""
    try:
        async with asyncio.timeout(seconds):
            return await job
    except TimeoutError as err:
        raise LedgerError("The ledger does not answer", hint="ledger_silent") from err
