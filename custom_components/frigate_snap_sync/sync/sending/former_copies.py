"""After a destination was set up to be elsewhere: which copies lie there, too?"""

import asyncio
from collections.abc import Awaitable, Callable
import logging
from typing import Final

from ...storage.errors import StorageError
from ..ledger import LedgerError, places
from ..ledger.places import FormerCopy
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .breaker import concerns_one_file

_LOGGER = logging.getLogger(__name__)

_AT_ONCE: Final = 50
"""Copies that are looked up in the ledger at once."""
_TRIES: Final = 5
"""How often a copy may end the connection before it is passed over."""


class FormerCopies:
    """Looks for the copies of former places at the present one, each once.

    A server may have got another name only, or its owner may have moved the files. What
    is there by name and size counts as a copy again. What is not was never here: that
    is no loss.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        on_failure: Callable[[StorageError], Awaitable[None]],
    ) -> None:
        """Keep what it works with; `on_failure` is awaited when the destination fails."""
        self._setup = setup
        self._ledger = services.ledger
        self._pause = services.timing.failure_pause
        self._signals = services.signals
        self._on_failure = on_failure
        self._tries: dict[int, int] = {}
        self._count = 0

    async def run(self, usable: Callable[[], Awaitable[None]]) -> None:
        """Look for all of them, while the destination is `usable`."""
        if not self._setup.destination.capabilities.can_read:
            return
        while True:
            await usable()
            try:
                if not await self._look_for_some():
                    break
            except StorageError as err:
                await self._on_failure(err)
            except LedgerError as err:
                # Who else uses the ledger says so.
                _LOGGER.debug("What lay elsewhere can't be looked up: %s", err)
                await asyncio.sleep(self._pause)
        if self._count:
            _LOGGER.info(
                "%d copies were found where the destination %s is now",
                self._count,
                self._setup.name,
            )

    async def _look_for_some(self) -> bool:
        copies = await self._ledger.run(
            places.to_look_for, self._setup.id, limit=_AT_ONCE
        )
        for copy in copies:
            is_there = await self._is_there(copy)
            if await self._ledger.run(
                places.looked_for, self._setup.id, copy, is_there=is_there
            ):
                self._count += 1
        if copies:
            self._signals.status_changed()
        return bool(copies)

    async def _is_there(self, copy: FormerCopy) -> bool:
        try:
            return await self._setup.destination.stat(copy.stored.path) == copy.stored
        except StorageError as err:
            tries = self._tries[copy.upload_id] = self._tries.get(copy.upload_id, 0) + 1
            if not concerns_one_file(err) and tries < _TRIES:
                raise
            _LOGGER.debug("%s can't be looked for: %s", copy.stored.path, err)
            return False
