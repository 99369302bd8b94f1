"""Earlier copies: what lies at a destination that a restored ledger has forgotten.

Home Assistant's backup knows nothing of what was sent after it. Frigate tells of those
items again, and then they may look different: a recording ends where it would without
the parts and the film that it was made longer for, and a name is made of all the labels
that became known, not of the first ones.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from ...storage.base import StoredFile
from ...storage.errors import PermissionDenied
from ...storage.read_back import is_stored
from ..ledger import Ledger, restored as ledger_restored
from ..ledger.uploads import UploadJob
from ..model.destination_setup import DestinationSetup
from ..model.item import Item, Media, Role
from ..model.naming import differs_in_labels_only, ending_of, numbered
from ..planning.paths import ItemPaths

CLOCKS: Final = 600.0
"""Seconds by which Frigate's clock may be ahead of ours."""


class EarlierCopies:
    """Looks for the copies of items that began before a restore, at one destination."""

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        ledger: Ledger,
        paths: ItemPaths,
        restored: float,
    ) -> None:
        """Keep what it works with.

        `restored` is when the ledger began again with less than it had known (epoch
        seconds), 0 if it never did.
        """
        self.restored = restored
        self._setup = setup
        self._destination = setup.destination
        self._ledger = ledger
        self._paths = paths

    def may_be(self, item: Item) -> bool:
        """Tell whether the ledger may have forgotten copies of an item."""
        return bool(self.restored) and item.start < self.restored + CLOCKS

    async def has(self, job: UploadJob) -> bool:
        """Tell whether anything lies there that may be an earlier copy of a file.

        Raises StorageError or LedgerError.
        """
        async with aclosing(self._found(job)) as found:
            return await anext(found, None) is not None

    async def find(self, job: UploadJob) -> StoredFile | None:
        """Return the copy of a file that lies there already, whose name it now has.

        That is a file with the same bytes, or one of the same item and piece that is
        larger: it was made longer. Raises StorageError or LedgerError.
        """
        async with aclosing(self._found(job)) as found:
            async for stored in found:
                if await self._is_copy(job, stored) and await self._ledger.run(
                    ledger_restored.take_over, job.upload_id, path=stored.path
                ):
                    return stored
        return None

    async def _is_copy(self, job: UploadJob, stored: StoredFile) -> bool:
        """Tell whether a file is a copy of what is to be sent, or of more than that."""
        if (
            # What there is of a whole that Frigate can't give may be another piece.
            job.role is Role.WHOLE
            and stored.size >= job.content.size
            and self._paths.are_its_own(self._setup, job.item)
        ):
            return True
        return await is_stored(self._destination, stored.path, job.content)

    async def _found(self, job: UploadJob) -> AsyncGenerator[StoredFile]:
        """Yield what lies there under names that a file may have had, its own first."""
        can = self._destination.capabilities
        if not self.may_be(job.item) or not can.can_read or job.role is Role.PART:
            # Of parts it is not known which seconds they show.
            return
        if (stored := await self._destination.stat(job.path)) is not None:
            yield stored
        if job.item.media is not Media.RECORDINGS or job.item.is_range:
            # Only a review is named before all is known of it.
            return
        if self._setup.render is None:
            for stored in await self._of_other_labels(job):
                yield stored
            return
        suffix = await self._ledger.run(ledger_restored.suffix_of, job.upload_id)
        for base in self._paths.earlier(self._setup, job.item):
            path = numbered(base, suffix) if suffix else base
            if (
                path != job.path
                and (stored := await self._destination.stat(path)) is not None
            ):
                yield stored

    async def _of_other_labels(self, job: UploadJob) -> list[StoredFile]:
        """Return the files with a default name that differs in labels, the largest first."""
        path = job.path
        if (ending := ending_of(path, job.item.short_id)) is None:
            return []
        try:
            found = [
                stored
                async for stored in self._destination.list_files(
                    path.rpartition("/")[0]
                )
                if stored.path != path
                and differs_in_labels_only(stored.path, path, ending)
            ]
        except PermissionDenied:
            # A login that may look at files need not be able to list them.
            return []
        return sorted(found, key=lambda stored: stored.size, reverse=True)
