"""The sweep: removes at a destination what is no longer to lie there."""

from collections.abc import Collection
import time
from typing import Final

from ..storage.base import StorageError
from .breaker import concerns_one_file
from .destination import DestinationSetup
from .ledger import Ledger, uploads
from .policy import Timing

MOST_STUCK: Final = 1000
"""Files that may resist at a time before the others wait for them."""


class Sweep:
    """Removes superseded files, and what failed tries left of them.

    What the destination refuses to delete holds up nothing else: it is left alone
    for a while.
    """

    def __init__(
        self, setup: DestinationSetup, *, ledger: Ledger, timing: Timing
    ) -> None:
        """Keep what it works with."""
        self._setup = setup
        self._ledger = ledger
        self._timing = timing
        self._stuck: dict[int, float] = {}
        """Until when uploads whose rests resist are left alone."""

    @property
    def pause(self) -> float | None:
        """Return the seconds until something may be tried again, None if nothing."""
        if not self._stuck:
            return None
        return max(min(self._stuck.values()) - time.monotonic(), 0.0)

    async def remove_one(self, *, but: Collection[int]) -> bool:
        """Remove what lies there of one upload; return whether there was any.

        Uploads in `but` are left alone. Raises StorageError or LedgerError.
        """
        now = time.monotonic()
        self._stuck = {
            upload_id: until for upload_id, until in self._stuck.items() if until > now
        }
        if len(self._stuck) >= MOST_STUCK:
            return False
        litter = await self._ledger.run(
            uploads.next_litter, self._setup.id, exclude={*but, *self._stuck}
        )
        if litter is None:
            return False
        try:
            for path in (litter.temporary, litter.path):
                if path is not None:
                    await self._setup.destination.delete(path)
        except StorageError as err:
            if concerns_one_file(err):
                self._stuck[litter.upload_id] = now + self._timing.longest_retry
            raise
        await self._ledger.run(uploads.removed, litter.upload_id)
        return True
