"""Removes live files at a destination once the whole is there, or their time is over."""

from collections.abc import Awaitable, Callable
import time
from typing import Final

from ...storage.errors import StorageError
from ...storage.names import TemporaryForm
from ..ledger import live_files, sparing
from ..ledger.live_files import LiveLeftover, live_temporary
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .breaker import reaction_to
from .removal_check import RemovalCheck
from .unanswered import Unanswered

_AT_ONCE: Final = 100
"""Pieces that are removed at one go: other things wait meanwhile."""


class LiveCleanUp:
    """Removes one live file after the other, with all its pieces.

    What is spared while it is removed is kept again as far as it is still there.
    Where nothing is ever deleted it leaves them alone. What the destination refuses to
    delete is left alone for a while, and holds up nothing else.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        form: Callable[[], TemporaryForm],
        removal_check: RemovalCheck,
        unanswered: Unanswered,
        on_removed: Callable[[str], Awaitable[None]],
    ) -> None:
        """Keep what it works with; `on_removed` is awaited with a removed file's path.

        `form` returns that of the temporary names there.
        """
        self._form = form
        self._removal_check = removal_check
        self._unanswered = unanswered
        self._setup = setup
        self._ledger = services.ledger
        self._ends = services.live_ends
        self._pause = services.timing.longest_retry
        self._on_removed = on_removed
        self._stuck: dict[int, float] = {}

    async def remove_one(self) -> bool:
        """Remove one live file, or some pieces; return whether there was any.

        Raises StorageError, LedgerError or SpoolError.
        """
        while (job := self._ends.next(self._setup.id)) is not None:
            await self._ledger.run(job)
            self._ends.done(self._setup.id, job)
        now = time.monotonic()
        self._stuck = {id_: until for id_, until in self._stuck.items() if until > now}
        leftover = await self._ledger.run(
            live_files.next_leftover,
            self._setup.id,
            exclude={*self._stuck, *self._unanswered.waiting},
        )
        if leftover is None:
            return False
        if leftover.is_spared and await self._is_kept(leftover):
            return True
        if not self._setup.destination.capabilities.can_delete:
            # Its name stays known: another file with it might replace this one.
            await self._ledger.run(live_files.taken, leftover.id)
            return True
        try:
            if leftover.is_unanswered and not await self._unanswered.is_over(
                leftover.id, leftover.paths[0]
            ):
                return True
            if await self._removal_check.has_vanished_of_film(leftover):
                return True
            if not leftover.is_ours and not await self._is_empty(leftover.paths[0]):
                await self._ledger.run(live_files.taken, leftover.id)
                return True
            if not (
                leftover.is_spared
                or await self._ledger.run(sparing.is_live_to_go, leftover.id)
            ):
                return True
            left = max(len(leftover.paths) - _AT_ONCE, 0)
            for path in reversed(leftover.paths[left:]):
                await self._remove(path, is_piece=leftover.is_pieces)
        except StorageError as err:
            if reaction_to(err).is_contact:
                self._stuck[leftover.id] = time.monotonic() + self._pause
            raise
        if left:
            await self._ledger.run(live_files.reserve, leftover.id, pieces=left)
            return True
        await self._ledger.run(live_files.removed, leftover.id)
        self._unanswered.forget(leftover.id)
        await self._on_removed(leftover.paths[0])
        return True

    async def _is_kept(self, leftover: LiveLeftover) -> bool:
        """Keep a live file that was spared; return False if nothing of it is there.

        Raises StorageError or LedgerError.
        """
        destination, is_whole = self._setup.destination, True
        if destination.capabilities.can_read:
            found = [await destination.stat(path) for path in leftover.paths]
            there = [stored.size for stored in found if stored is not None]
            if not there:
                return False
            is_whole = sum(there) == leftover.size
        await self._ledger.run(sparing.live_spared, leftover.id, is_whole=is_whole)
        return True

    async def _is_empty(self, path: str) -> bool:
        stored = await self._setup.destination.stat(path)
        return stored is not None and not stored.size

    async def _remove(self, path: str, *, is_piece: bool) -> None:
        destination = self._setup.destination
        await destination.delete(path)
        can = destination.capabilities
        if is_piece and can.uses_temporary and can.append:
            # We may have been killed in mid-write.
            await destination.discard(live_temporary(path, self._form()))
