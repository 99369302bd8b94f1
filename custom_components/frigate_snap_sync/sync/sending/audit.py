"""The daily audit: are the copies still where they were proven to be?"""

import logging
import time

from ..ledger import audits
from ..model.destination_setup import DestinationSetup
from ..services import Services

_LOGGER = logging.getLogger(__name__)

_FRESH = 3 * 86400.0
"""Seconds in which nobody clears a copy away: when it is missing, that is a loss."""
_NAMED = 5
"""How many of the missing files a message names."""


class Audit:
    """Looks at a sample of a destination's verified files once a day.

    What vanished or changed is told once and not sent again: its owner may have
    deleted it. What had arrived only lately is a loss, though.
    """

    def __init__(self, setup: DestinationSetup, *, services: Services) -> None:
        """Keep what it works with."""
        self._setup = setup
        self._ledger = services.ledger
        self._timing = services.timing

    async def audit(self) -> int:
        """Look at a sample if it is time; return how many files are not as they were.

        Raises StorageError or LedgerError.
        """
        sample = await self._ledger.run(
            audits.begin,
            self._setup.id,
            now=time.time(),
            interval=self._timing.audit,
            size=self._timing.audit_sample,
        )
        missed = {
            upload_id: expected.path
            for upload_id, expected in sample
            if await self._setup.destination.stat(expected.path) != expected
        }
        if missed:
            await self._ledger.run(
                audits.note_missed, missed, loss_after=time.time() - _FRESH
            )
            paths = sorted(missed.values())
            _LOGGER.warning(
                "Of %d files looked at, %d are no longer at %s, or not as they were; "
                "they are not sent again: %s%s",
                len(sample),
                len(missed),
                self._setup.name,
                ", ".join(paths[:_NAMED]),
                ", …" if len(paths) > _NAMED else "",
            )
        return len(missed)
