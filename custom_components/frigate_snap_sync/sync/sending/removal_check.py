"""Before a superseded copy is removed: does what replaced it still lie there?"""

import logging
import time
from typing import Final

from ..ledger import audits, superseding
from ..ledger.uploads import Leftover
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .audit import FRESH

_LOGGER = logging.getLogger(__name__)

_YOUNG: Final = 60.0
"""Seconds for which what was verified just now is believed to lie there."""


class RemovalCheck:
    """Keeps copies whose wholes vanished while their removal waited.

    A destination may refuse to delete, or be away for days, and come back as it was
    some time ago.
    """

    def __init__(self, setup: DestinationSetup, *, services: Services) -> None:
        """Keep what it works with."""
        self._setup = setup
        self._ledger = services.ledger
        self._signals = services.signals

    async def has_vanished(self, leftover: Leftover) -> bool:
        """Tell whether a file must stay after all; it counts as a copy again then.

        Raises StorageError or LedgerError.
        """
        now = time.time()
        if leftover.since is not None and not 0 <= now - leftover.since < _YOUNG:
            await self._look(leftover, now)
        is_kept = await self._ledger.run(superseding.reinstate, leftover.upload_id)
        if is_kept:
            self._signals.status_changed()
            _LOGGER.warning(
                "%s stays at %s: the recording that replaced it is no longer there",
                leftover.path,
                self._setup.name,
            )
        return is_kept

    async def _look(self, leftover: Leftover, now: float) -> None:
        """See whether the wholes lie there, and note those that don't."""
        destination = self._setup.destination
        if not destination.capabilities.can_read:
            return
        wholes = await self._ledger.run(superseding.replacing, leftover.upload_id)
        for upload_id, expected in wholes:
            if await destination.stat(expected.path) != expected:
                await self._ledger.run(
                    audits.note_missed, upload_id, loss_after=now - FRESH
                )
