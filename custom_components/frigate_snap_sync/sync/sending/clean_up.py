"""The sweep: removes at a destination what is no longer to lie there, and no copy."""

import asyncio
from collections.abc import Callable, Collection
import logging
import time
from typing import Final

from ...storage.base import Destination
from ...storage.check import remove_leftovers
from ...storage.errors import StorageError
from ...storage.layout import changing_folders
from ...storage.leftovers import Leftovers
from ...storage.names import TemporaryForm
from ...storage.read_back import is_stored
from ..ledger import retention, sparing, uploads
from ..ledger.uploads import Leftover
from ..model.destination_setup import DestinationSetup
from ..model.naming import path_key
from ..model.plans import ToRemove
from ..services import Services
from .breaker import reaction_to
from .live_clean_up import LiveCleanUp
from .live_look import LiveLook
from .removal_check import RemovalCheck
from .sender import Sender
from .unanswered import Unanswered

_LOGGER = logging.getLogger(__name__)

_DISCARD_TIMEOUT: Final = 30.0
"""Seconds for a removed destination to remove what is unfinished there."""


class CleanUp:
    """Removes superseded and expired files, and what failed tries left unfinished.

    Nothing else is ever deleted under its final name, nor a superseded file that waited
    for it once what replaced it is no longer there. Nor is an expired one of another
    size than ours: someone else put it there. What is spared while it is removed counts
    as a copy when it was seen afterwards. A try whose answer was lost
    may have brought the file there whole, though the upload was given up since:
    then it is verified after all.

    Where nothing is ever deleted it only forgets what was to be removed. What the
    destination refuses to delete holds up nothing else: it is left alone
    for a while.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        sender: Sender,
        form: Callable[[], TemporaryForm],
    ) -> None:
        """Keep what it works with; `form` returns that of temporary names there."""
        self._setup = setup
        self._ledger = services.ledger
        self._sender = sender
        self._timing = services.timing
        self._most_stuck = services.limits.stuck_leftovers
        self._removal_check = RemovalCheck(setup, services=services)
        self._unanswered = Unanswered(
            setup.destination, patience=services.timing.unanswered
        )
        self._live = LiveCleanUp(
            setup,
            services=services,
            form=form,
            removal_check=self._removal_check,
            unanswered=self._unanswered,
            on_removed=self._remove_folders,
        )
        self._look = LiveLook(setup, services=services, unanswered=self._unanswered)
        self._stuck: dict[int, float] = {}
        """Until when uploads whose leftovers resist are left alone."""

    @property
    def pause(self) -> float:
        """Return the seconds until it may find something to do unasked."""
        now = time.monotonic()
        dues = *self._stuck.values(), *self._unanswered.dues
        return max(min([*dues, now + self._timing.probe]) - now, 0.0)

    async def remove_one(self, *, but: Collection[int]) -> bool:
        """Remove what lies there of one upload; return whether there was any.

        Uploads in `but` are left alone; only without them live files are looked at of
        which it is not known what they show. Raises StorageError, LedgerError or SpoolError.
        """
        now = time.monotonic()
        self._stuck = {
            upload_id: until for upload_id, until in self._stuck.items() if until > now
        }
        if len(self._stuck) >= self._most_stuck:
            return False
        leftover = await self._ledger.run(
            uploads.next_leftover, self._setup.id, exclude={*but, *self._stuck}
        )
        if leftover is None:
            if await self._live.remove_one():
                return True
            # In the way of no upload.
            return not but and await self._look.look_at_one()
        try:
            await self._remove(leftover)
        except StorageError as err:
            if reaction_to(err).is_contact:
                # From now on, however long the refusal took.
                until = time.monotonic() + self._timing.longest_retry
                self._stuck[leftover.upload_id] = until
            raise
        return True

    async def _remove(self, leftover: Leftover) -> None:
        if leftover.what is ToRemove.TEMPORARY:
            found = await self._sender.settle(
                leftover.path, temporary=leftover.temporary, tried=leftover.tried
            )
            if found is not None:
                await self._sender.note_arrival(
                    leftover.upload_id, found, now=time.time()
                )
                return
        elif leftover.what is ToRemove.SPARED:
            await self._look_for(leftover)
            return
        elif self._setup.destination.capabilities.can_delete:
            if await self._removal_check.has_vanished(leftover):
                return
            if leftover.temporary is not None:
                await self._setup.destination.discard(leftover.temporary)
            if await self._is_ours(leftover):
                if not await self._ledger.run(sparing.is_to_go, leftover.upload_id):
                    return
                await self._setup.destination.delete(leftover.path)
        await self._ledger.run(
            uploads.removed, leftover.upload_id, temporary=leftover.temporary
        )
        if leftover.what is ToRemove.FILE:
            await self._remove_folders(leftover.path)

    async def _look_for(self, leftover: Leftover) -> None:
        """Let a spared file be a copy again if it lies there. Raises StorageError."""
        destination = self._setup.destination
        is_there = (
            leftover.expected is not None
            and destination.capabilities.can_read
            and await destination.stat(leftover.path) == leftover.expected
        )
        await self._ledger.run(sparing.spared, leftover.upload_id, is_there=is_there)

    async def _is_ours(self, leftover: Leftover) -> bool:
        """Tell whether a file is what was sent, not one that only looks like it.

        Raises StorageError.
        """
        destination = self._setup.destination
        can_read = destination.capabilities.can_read
        if leftover.was_found:
            if (
                leftover.tried is not None
                and can_read
                and await is_stored(destination, leftover.path, leftover.tried)
            ):
                return True
        elif (
            leftover.expected is None
            or not can_read
            or await destination.stat(leftover.path) in (None, leftover.expected)
        ):
            return True
        _LOGGER.info(
            "%s stays at %s: it is not what was sent",
            leftover.path,
            self._setup.name,
        )
        return False

    async def _remove_folders(self, path: str) -> None:
        """Remove the folders of a removed file that nothing lies in any more.

        Those that hold files of others are refused by the destination, and stay.
        """
        can = self._setup.destination.capabilities
        if not (can.folders and can.can_delete):
            return
        for folder in changing_folders(path, self._setup.layout()):
            if await self._ledger.run(
                retention.is_folder_used, self._setup.id, path_key(folder)
            ):
                return
            try:
                await self._setup.destination.remove_folder(folder)
            except StorageError as err:
                if not reaction_to(err).is_contact:
                    raise
                return


async def discard_all(
    destination: Destination,
    unfinished: Collection[str],
    *,
    whole: Collection[str] = (),
    tested: Leftovers = Leftovers(),
) -> None:
    """Remove the unfinished files of a destination that is no longer used.

    `whole` are files that lie there under their final names, `tested` what tests of it
    have left. As far as it answers in time. It is closed in the end.
    """
    try:
        async with asyncio.timeout(_DISCARD_TIMEOUT):
            for remove, name in (
                *((destination.discard, name) for name in unfinished),
                *((destination.delete, name) for name in whole),
            ):
                try:
                    await remove(name)
                except StorageError as err:
                    _LOGGER.debug("An unfinished file stays: %s", err)
                    if not reaction_to(err).is_contact:
                        return
            if tested and destination.capabilities.can_delete:
                await remove_leftovers(destination, tested)
    except StorageError as err:
        _LOGGER.debug("What tests left stays: %s", err)
    except TimeoutError:
        _LOGGER.debug("Unfinished files stay: the destination is too slow")
    finally:
        await destination.close()
