"""Reading a file that lies at a destination, in any range, as a player wants it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
import logging
import time
from typing import Final

from ...frigate.errors import MediaBroken
from ...storage.base import Destination
from ...storage.errors import ConnectTimeout, StorageError
from ..ledger import Ledger, browsing
from ..model.stored import Copy, FileKey
from .byte_ranges import Span
from .known import Known, KnownFiles
from .nearness import Nearness, Place
from .virtual_mp4 import Read, open_virtual

_LOGGER = logging.getLogger(__name__)

_MAX_PICTURES: Final = 6
"""Pictures that are read at once: a page of a browser asks for dozens."""
_MAX_AHEAD: Final = 4 * 1024 * 1024
"""Bytes of a picture that are read before the client takes them."""
_MAX_ODD: Final = 1000
"""Copies of another size than was verified that are remembered as said."""


ENDINGS: Final = (StorageError, FileNotFoundError, MediaBroken)
"""What ends the reading of a file before its end."""


class NotThere(Exception):
    """No destination has the file, as far as is known."""


class NotNow(Exception):
    """It lies somewhere, but no destination that has it answers."""


type Choose = Callable[[int], Span | None]
"""Returns which bytes are wanted of a file of so many; None for none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackTiming:
    """How long is waited for what, in seconds."""

    answer: float = 15.0
    """For the first bytes of a destination, before another one is asked."""
    known: float = 60.0
    """How long a file is taken to be there still, and not to have changed."""
    turn: float = 60.0
    """For the turn of a picture, while others are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A file that is open: its size as it is played, and which bytes were chosen."""

    size: int
    span: Span | None
    first: bytes
    others: AsyncGenerator[bytes]

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the chosen bytes; once only."""
        if self.first:
            yield self.first
        async for piece in self.others:
            yield piece


class Reader:
    """Finds the nearest copy that can be read; keeps no bytes of it."""

    def __init__(
        self,
        ledger: Ledger,
        places: Mapping[str, Place],
        *,
        timing: PlaybackTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep what it works with; `places` are the destinations that there are."""
        self.nearness = Nearness(places, clock=clock)
        self._ledger = ledger
        self._places = places
        self._timing = timing or PlaybackTiming()
        self._clock = clock
        self._known = KnownFiles()
        self._odd: set[Copy] = set()
        self._pictures = asyncio.Semaphore(_MAX_PICTURES)

    @asynccontextmanager
    async def open(self, key: FileKey, choose: Choose) -> AsyncIterator[Reading]:
        """Have the file open at the nearest destination, its first bytes read.

        Raises NotThere, NotNow or LedgerError; reading on raises one of `ENDINGS`.
        """
        async with AsyncExitStack() as stack:
            if key.is_video:
                yield await self._find(key, choose, stack)
            else:
                yield await self._picture(key, choose, stack)

    async def _picture(
        self, key: FileKey, choose: Choose, stack: AsyncExitStack
    ) -> Reading:
        """Return a picture when its turn has come, read before its client takes it.

        A client that is slow must not hold up the pictures of all others.
        """
        try:
            async with asyncio.timeout(self._timing.turn):
                await self._pictures.acquire()
        except TimeoutError as err:
            raise NotNow from err
        try:
            async with AsyncExitStack() as opened:
                reading = await self._find(key, choose, opened)
                reading, is_whole = await _read_ahead(reading)
                if not is_whole:
                    await stack.enter_async_context(opened.pop_all())
        finally:
            self._pictures.release()
        return reading

    async def _find(
        self, key: FileKey, choose: Choose, stack: AsyncExitStack
    ) -> Reading:
        """Return the file, which `stack` closes."""
        found = await self._ledger.run(
            browsing.copies, key, among=self.nearness.readable
        )
        copies = {copy.destination_id: copy for copy in found}
        if not copies:
            raise NotThere
        missing = 0
        for destination_id in self.nearness.ordered(copies):
            try:
                return await self._open_at(copies[destination_id], key, choose, stack)
            except FileNotFoundError:
                missing += 1
            except (StorageError, MediaBroken) as err:
                _LOGGER.debug(
                    "%s can't be read at %s: %s",
                    copies[destination_id].path,
                    destination_id,
                    err,
                )
                if isinstance(err, StorageError):
                    self.nearness.note_failure(destination_id, err)
        raise NotThere if missing == len(copies) else NotNow

    async def _open_at(
        self, copy: Copy, key: FileKey, choose: Choose, stack: AsyncExitStack
    ) -> Reading:
        """Return the copy, which `stack` closes once it is there.

        Raises one of `ENDINGS`.
        """
        begin = self._clock()
        if (place := self._places.get(copy.destination_id)) is None:
            raise FileNotFoundError("The destination was removed meanwhile")
        destination = place.setup.destination
        async with AsyncExitStack() as tried:
            try:
                async with asyncio.timeout(self._timing.answer):
                    known = await self._look(destination, copy, key)
                    span = choose(known.size)
                    pieces = await tried.enter_async_context(
                        aclosing(self._pieces(destination, copy, known, span))
                    )
                    first = await anext(pieces, b"")
            except TimeoutError as err:
                raise ConnectTimeout("It does not answer in time") from err
            except StorageError, FileNotFoundError, MediaBroken:
                self._known.forget(copy)
                raise
            await stack.enter_async_context(tried.pop_all())
        self.nearness.note_success(copy.destination_id, self._clock() - begin)
        return Reading(size=known.size, span=span, first=first, others=pieces)

    async def _pieces(
        self, destination: Destination, copy: Copy, known: Known, span: Span | None
    ) -> AsyncGenerator[bytes]:
        """Yield the chosen bytes of a copy, or of the film that is made of it.

        They are as many as were chosen, never more; raises one of `ENDINGS` where there
        are fewer. What goes wrong is remembered: the next one who asks gets another copy.
        """
        if span is None or not span.length:
            return
        read = _reader_of(destination, copy)
        source = read(span.start, span.length)
        if known.film is not None:
            source = known.film.read(read, span.start, span.length)
        missing = span.length
        try:
            async with aclosing(source) as pieces:
                async for piece in pieces:
                    yield piece[:missing]
                    if (missing := missing - len(piece)) <= 0:
                        return
            raise MediaBroken("The file is shorter than it was")
        except ENDINGS as err:
            self._known.forget(copy)
            if isinstance(err, StorageError):
                self.nearness.note_failure(copy.destination_id, err)
            raise

    async def _look(self, destination: Destination, copy: Copy, key: FileKey) -> Known:
        """Return what is known of a copy, or found out now.

        Raises one of `ENDINGS`.
        """
        if (known := self._known.get(copy, self._clock())) is not None:
            return known
        stored = await destination.stat(copy.path)
        if stored is None:
            raise FileNotFoundError(copy.path)
        if copy.size not in (None, stored.size):
            self._say_once(copy, stored.size)
            raise MediaBroken("The file is not as large as it was when it was verified")
        film = None
        if key.is_video and not copy.is_growing:
            film = await open_virtual(_reader_of(destination, copy), stored.size)
        known = Known(
            stored.size if film is None else film.size,
            film,
            self._clock() + (0.0 if copy.is_growing else self._timing.known),
        )
        self._known.keep(copy, known)
        return known

    def _say_once(self, copy: Copy, size: int) -> None:
        if copy in self._odd:
            return
        if len(self._odd) >= _MAX_ODD:
            self._odd.clear()
        self._odd.add(copy)
        place = self._places.get(copy.destination_id)
        _LOGGER.warning(
            "%s at %s has %s bytes, but had %s when it was verified: it is not played",
            copy.path,
            copy.destination_id if place is None else place.setup.name,
            size,
            copy.size,
        )


async def _read_ahead(reading: Reading) -> tuple[Reading, bool]:
    """Return a picture of which so much as may be is in memory, and whether all is.

    What ends its reading is raised behind what was read.
    """
    ahead, is_whole = bytearray(reading.first), False
    others = reading.others
    try:
        while len(ahead) < _MAX_AHEAD and not is_whole:
            if piece := await anext(others, b""):
                ahead += piece
            else:
                is_whole = True
    except ENDINGS as err:
        others, is_whole = _failing(err), True
    return replace(reading, first=bytes(ahead), others=others), is_whole


async def _failing(error: Exception) -> AsyncGenerator[bytes]:
    raise error
    yield  # It is a generator.


def _reader_of(destination: Destination, copy: Copy) -> Read:
    def read(start: int, length: int) -> AsyncGenerator[bytes]:
        return destination.open_read(copy.path, start=start, length=length)

    return read
