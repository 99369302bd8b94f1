"""Before what was superseded is removed: does what replaced it still lie there?"""

from collections.abc import Iterable
import logging
import time
from typing import Final

from ...storage.base import StoredFile
from ..ledger import audits, superseding
from ..ledger.live_files import LiveLeftover
from ..ledger.uploads import Leftover
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .audit import FRESH

_LOGGER = logging.getLogger(__name__)

_YOUNG: Final = 60.0
"""Seconds for which what was verified just now is believed to lie there."""


class RemovalCheck:
    """Keeps copies and film whose wholes vanished while their removal waited.

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
            wholes = await self._ledger.run(superseding.replacing, leftover.upload_id)
            await self._look(wholes, now)
        is_kept = await self._ledger.run(superseding.reinstate, leftover.upload_id)
        if is_kept:
            self._report(leftover.path)
        return is_kept

    async def has_vanished_of_film(self, leftover: LiveLeftover) -> bool:
        """Tell whether a live file must stay after all.

        Raises StorageError or LedgerError.
        """
        now = time.time()
        wholes = await self._ledger.run(
            superseding.replacing_live, leftover.id, young=(now - _YOUNG, now)
        )
        await self._look(wholes, now)
        is_kept = await self._ledger.run(superseding.reinstate_live, leftover.id)
        if is_kept:
            self._report(leftover.paths[0])
        return is_kept

    def _report(self, path: str) -> None:
        self._signals.status_changed()
        _LOGGER.warning(
            "%s stays at %s: the recording that replaced it is no longer there",
            path,
            self._setup.name,
        )

    async def _look(self, wholes: Iterable[tuple[int, StoredFile]], now: float) -> None:
        """See whether the wholes lie there, and note those that don't."""
        destination = self._setup.destination
        if not destination.capabilities.can_read:
            return
        for upload_id, expected in wholes:
            if await destination.stat(expected.path) != expected:
                await self._ledger.run(
                    audits.note_missed, upload_id, now=now, loss_after=now - FRESH
                )
