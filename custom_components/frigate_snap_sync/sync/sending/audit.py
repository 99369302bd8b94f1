"""The daily audit: are the copies still where they were proven to be?"""

from collections import deque
import logging
import time

from ...storage.base import StoredFile
from ...storage.errors import StorageError
from ..ledger import audits
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .breaker import reaction_to

_LOGGER = logging.getLogger(__name__)

FRESH = 3 * 86400.0
"""Seconds in which no owner clears a copy away: when it is missing, that is a loss."""
_NAMED = 5
"""How many of the missing files a message names."""


class Audit:
    """Looks at a sample of a destination's verified files once a day.

    What vanished or changed is reported once and not sent again: its owner may have
    deleted it. What had arrived only lately is a loss, though. An audit that is cut
    short continues with the others the next time.
    """

    def __init__(self, setup: DestinationSetup, *, services: Services) -> None:
        """Keep what it works with."""
        self._setup = setup
        self._ledger = services.ledger
        self._timing = services.timing
        self._signals = services.signals
        self._rest: deque[tuple[int, StoredFile]] = deque()
        self._failed: set[int] = set()
        self._looked_at = 0
        self._missed: list[str] = []

    async def audit(self) -> None:
        """Look at a sample if it is time, unless nothing can be read there.

        Raises StorageError or LedgerError.
        """
        if not self._setup.destination.capabilities.can_read:
            return
        if not self._rest:
            self._rest += await self._ledger.run(
                audits.sample,
                self._setup.id,
                now=time.time(),
                interval=self._timing.audit,
                size=self._timing.audit_sample,
            )
            self._failed.clear()
            self._looked_at = 0
            self._missed.clear()
        while self._rest:
            await self._look(*self._rest[0])
            self._rest.popleft()
        await self._ledger.run(
            audits.end,
            self._setup.id,
            now=time.time(),
            interval=self._timing.audit,
        )
        self._report()

    async def _look(self, upload_id: int, expected: StoredFile) -> None:
        """Look at one copy; note at once when it is not as it was."""
        try:
            found = await self._setup.destination.stat(expected.path)
        except StorageError as err:
            # Where the destination is reached, and its root was found, that is about
            # this copy, or its folder.
            if reaction_to(err).is_contact or upload_id in self._failed:
                _LOGGER.debug("%s can't be looked at: %s", expected.path, err)
                return
            # The others come first the next time: it may be the cause.
            self._failed.add(upload_id)
            self._rest.rotate(-1)
            raise
        self._looked_at += 1
        if found == expected:
            return
        now = time.time()
        is_missed = await self._ledger.run(
            audits.note_missed, upload_id, now=now, loss_after=now - FRESH
        )
        if is_missed:
            self._missed.append(expected.path)
            self._signals.status_changed()

    def _report(self) -> None:
        """Say once what an audit found."""
        count = len(self._missed)
        if count:
            paths = sorted(self._missed)
            _LOGGER.warning(
                "Of %d files looked at, %d are no longer at %s, or not as they were; "
                "they are not sent again: %s%s",
                self._looked_at,
                count,
                self._setup.name,
                ", ".join(paths[:_NAMED]),
                ", …" if count > _NAMED else "",
            )
            self._missed.clear()
