"""Retention at one destination: what has lain there for long enough is removed."""

import asyncio
from collections.abc import Awaitable, Callable
import logging
import time
from typing import Final

from ..ledger import LedgerError, retention
from ..model.destination_setup import DestinationSetup
from ..model.retention import EARLIEST, advanced
from ..model.status import ExpiredCopies
from ..services import Services
from ..support.tasks import wait_for

_LOGGER = logging.getLogger(__name__)

AT_ONCE: Final = 20
"""Copies that wait for their removal at most."""

_DAY = 86400.0


class Retention:
    """Lets the oldest copies expire, a few at a time; the clean-up removes them.

    Only what the ledger says we put there: nothing else is looked for. Marked first
    and removed then, a copy that a crash or a refusal keeps there is removed later.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        clock_offset: Callable[[], float],
        on_expired: Callable[[], None],
    ) -> None:
        """Keep what it works with.

        `clock_offset` returns our clock less Frigate's, in seconds; `on_expired` is
        called when there is something to remove.
        """
        self._setup = setup
        self._ledger = services.ledger
        self._timing = services.timing
        self._clock_offset = clock_offset
        self._on_expired = on_expired
        self._looked_at = time.monotonic()
        self._looking = asyncio.Lock()
        self._requested = asyncio.Event()
        self._has_more = False
        """Whether some must wait until those before them are removed."""

    @property
    def is_active(self) -> bool:
        """Tell whether anything is ever removed."""
        limits = bool(self._setup.retention_days or self._setup.retention_size)
        return limits and self._setup.destination.capabilities.can_delete

    async def run(self, usable: Callable[[], Awaitable[None]]) -> None:
        """Look every now and then, while the destination is `usable`."""
        while self.is_active:
            await usable()
            self._requested.clear()
            try:
                count = await self.apply()
            except LedgerError as err:
                # Who else uses the ledger says so.
                _LOGGER.debug("What to remove can't be looked up: %s", err)
                count = 0
            if count:
                self._on_expired()
                await asyncio.sleep(self._timing.retention_pause)
            else:
                await wait_for(self._requested, self._timing.retention)

    def request(self) -> None:
        """Look now."""
        self._requested.set()

    def note_removed(self) -> None:
        """Look for more if there are any: one less waits for its removal."""
        if self._has_more:
            self.request()

    async def expired(self, limit: int) -> ExpiredCopies:
        """Return what is over, but change nothing. Raises LedgerError."""
        return await self._ledger.run(
            retention.expired_copies,
            self._setup.id,
            before=await self._before(),
            most=self._setup.retention_size or None,
            limit=limit,
        )

    async def apply(self) -> int:
        """Let what is over expire, `AT_ONCE` at most; return how much. Raises LedgerError."""
        count, self._has_more = await self._ledger.run(
            retention.expire,
            self._setup.id,
            before=await self._before(),
            most=self._setup.retention_size or None,
            at_once=AT_ONCE,
            now=time.time(),
        )
        if count:
            _LOGGER.debug("%d copies at %s have expired", count, self._setup.name)
        return count

    async def _before(self) -> float | None:
        if not self._setup.retention_days:
            return None
        async with self._looking:
            now = await self._now()
        return None if now is None else now - self._setup.retention_days * _DAY

    async def _now(self) -> float | None:
        """Return the time by which ages are judged, which no jump moves far.

        None where there is no copy yet, and while a clock is not set, ours or Frigate's.
        """
        elapsed = time.monotonic() - self._looked_at
        known = await self._ledger.run(
            retention.clock, self._setup.id, earliest=EARLIEST
        )
        self._looked_at += elapsed
        if known is None:
            return None
        clock = time.time() - max(0.0, self._clock_offset())
        if clock < EARLIEST:
            return None
        now = advanced(known, clock=clock, elapsed=elapsed)
        await self._ledger.run(
            retention.keep_clock, self._setup.id, now=now, earliest=EARLIEST
        )
        return now
