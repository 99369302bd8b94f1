"""Looks at live files that a crash or a lost answer ended: how much lies there?"""

import asyncio
from contextlib import aclosing
import logging
from typing import Final

from ...frigate.errors import MediaBroken
from ...frigate.live_mp4 import LiveHead, last_picture, look_at_head
from ...frigate.media import check_jpeg
from ...storage.base import StoredFile
from ...storage.errors import StorageError
from ..ledger import live_files
from ..ledger.live_files import CutOff, piece_path
from ..model.destination_setup import DestinationSetup
from ..services import Services
from .breaker import reaction_to
from .unanswered import Unanswered

_LOGGER = logging.getLogger(__name__)

_HEAD: Final = 64 * 1024
"""Bytes of a file's beginning that are read; those before its first picture are few."""
_TAIL: Final = 256 * 1024
"""Bytes of a file's end that are read at first: a picture or two of 4K."""
_READ: Final = 3
"""Pieces that are read, from the last one on: only that may be cut off."""
_SHORTEST: Final = 1.0
"""Seconds that a picture alone counts for, as where nothing was ended by a crash."""
_JPEG: Final = b"\xff\xd8"
_TRIES: Final = 5
"""How often a file may end the connection before it is passed over."""


class LiveLook:
    """Looks once at each live file of which it was left unknown what it shows.

    Of a film only its beginning and its end are read. Between them some may be missing
    that was left out for it was late: so it counts as what it shows at most, which the
    whole must hold before the file is removed. What it shows by its own clock is not
    known of stills, nor of what can't be read: such a file may show all until we were
    there again.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        unanswered: Unanswered,
    ) -> None:
        """Keep what it works with."""
        self._setup = setup
        self._unanswered = unanswered
        self._ledger = services.ledger
        self._most = services.limits.live_bytes
        self._tries: dict[int, int] = {}
        self._passed: set[int] = set()
        """Files that can't be looked at, until the next start."""

    async def look_at_one(self) -> bool:
        """Look at one file; return whether there was any.

        Raises LedgerError, or the StorageError of a destination that is away.
        """
        if not self._setup.destination.capabilities.can_read:
            return False
        file = await self._ledger.run(
            live_files.next_cut_off,
            self._setup.id,
            exclude=self._passed | self._unanswered.waiting,
        )
        if file is None:
            return False
        try:
            if not file.is_unanswered or await self._unanswered.is_over(
                file.id, file.path
            ):
                await self._look_at(file)
                self._unanswered.forget(file.id)
        except StorageError as err:
            tries = self._tries[file.id] = self._tries.get(file.id, 0) + 1
            if not reaction_to(err).is_contact and tries < _TRIES:
                raise
            _LOGGER.debug("%s can't be looked at: %s", file.path, err)
            self._passed.add(file.id)
        return True

    async def _look_at(self, file: CutOff) -> None:
        there = await self._there(file)
        if not there:
            await self._ledger.run(live_files.removed, file.id)
            return
        try:
            seconds = await self._seconds(file, there)
        except FileNotFoundError:
            # It was removed meanwhile.
            seconds = None
        await self._ledger.run(
            live_files.looked_at,
            file.id,
            seconds=seconds,
            size=sum(stored.size for stored in there.values()),
            # One more may lie there under its temporary name.
            pieces=file.pieces and min(max(there) + 1, file.pieces),
            keep=not self._setup.destination.capabilities.can_delete,
        )

    async def _there(self, file: CutOff) -> dict[int, StoredFile]:
        """Return what is there of a file by its numbers; a single one has the first."""
        paths = [file.path]
        if file.pieces is not None:
            paths = [piece_path(file.path, n) for n in range(1, file.pieces + 1)]
        found = {}
        for number, path in enumerate(paths, 1):
            stored = await self._setup.destination.stat(path)
            if stored is not None:
                found[number] = stored
        return found

    async def _seconds(
        self, file: CutOff, there: dict[int, StoredFile]
    ) -> float | None:
        """Return how long a file is at most; 0 if nothing plays, None if unknown.

        Raises StorageError or FileNotFoundError.
        """
        last = [there[number] for number in sorted(there, reverse=True)[:_READ]]
        if file.path.endswith(".jpg"):
            is_cut_off = len(last) == len(there) and await self._are_cut_off(last)
            return 0.0 if is_cut_off else None
        try:
            head = await self._head(there[min(there)])
        except MediaBroken:
            return 0.0 if len(there) == 1 else None
        if head is None or min(there) > 1:
            return None
        for stored in last:
            end = await self._end(stored, head)
            if end is not None:
                return max(end - head.start, _SHORTEST)
        return None

    async def _are_cut_off(self, stills: list[StoredFile]) -> bool:
        """Tell whether each of these is the beginning of a picture, and no more."""
        for still in stills:
            data = await self._read(still, 0, self._most)
            try:
                await asyncio.to_thread(check_jpeg, data)
            except MediaBroken:
                # Else it is something that is not ours any more.
                if data.startswith(_JPEG) or not data.strip(b"\0"):
                    continue
            return False
        return True

    async def _head(self, stored: StoredFile) -> LiveHead | None:
        """Return how a film begins, None if that is unknown.

        Raises MediaBroken if it was cut off before its first picture was whole.
        """
        head = await self._read(stored, 0, _HEAD)
        return look_at_head(head, size=stored.size)

    async def _end(self, stored: StoredFile, head: LiveHead) -> float | None:
        """Return when the last picture of a film ends, None if that is not found."""
        length = _TAIL
        while True:
            begin = max(stored.size - length, 0)
            tail = await self._read(stored, begin, length)
            end = await asyncio.to_thread(last_picture, tail, head)
            if end is not None or not begin or length >= self._most:
                return end
            length = min(4 * length, self._most)

    async def _read(self, stored: StoredFile, start: int, length: int) -> bytes:
        async with aclosing(
            self._setup.destination.open_read(stored.path, start=start, length=length)
        ) as pieces:
            return b"".join([piece async for piece in pieces])
