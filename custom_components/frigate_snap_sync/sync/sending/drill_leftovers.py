"""What drills may have left at a destination: known before it is made, then removed."""

import asyncio
from collections.abc import Iterable
import logging

from ...storage.errors import StorageError
from ..ledger import drills
from ..ledger.drills import DrillFile
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .breaker import reaction_to

_LOGGER = logging.getLogger(__name__)


class DrillLeftovers:
    """Keeps the names that drills use at one destination until nothing lies there.

    The names are the same each time: who drills, or removes, holds the `lock`.
    """

    def __init__(self, setup: DestinationSetup, *, services: Services) -> None:
        """Keep whose files they are."""
        self.lock = asyncio.Lock()
        self._setup = setup
        self._destination = setup.destination
        self._ledger = services.ledger

    async def clean(self) -> None:
        """Remove what a killed drill left. Raises StorageError or LedgerError."""
        if not self.lock.locked():  # A drill cleans up itself.
            async with self.lock:
                await self.remove()

    async def remove(self) -> None:
        """Remove what drills had to leave, as far as it can be removed.

        To be called with the lock. Raises StorageError or LedgerError.
        """
        for file in await self._ledger.run(drills.left, self._setup.id):
            try:
                if file.is_temporary:
                    await self._destination.discard(file.name)
                elif not await self.delete(file.name):
                    continue
            except StorageError as err:
                if not reaction_to(err).is_contact:
                    raise
                _LOGGER.debug("What a drill has left stays: %s", err)
            else:
                await self.forget([file.name])

    async def delete(self, path: str) -> bool:
        """Remove a file; tell whether it is gone, as far as can be seen."""
        await self._destination.delete(path)
        return (
            not self._destination.capabilities.can_read
            or await self._destination.stat(path) is None
        )

    async def remember(self, files: Iterable[DrillFile]) -> None:
        """Keep what is about to be made. Raises LedgerError."""
        await self._ledger.run(drills.remember, self._setup.id, files)

    async def forget(self, names: Iterable[str]) -> None:
        """Forget what does not lie there any more. Raises LedgerError."""
        await self._ledger.run(drills.forget, self._setup.id, names)
