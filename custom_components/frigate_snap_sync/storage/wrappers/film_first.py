"""A destination at which live film goes before all else, as far as the line allows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
import time
from typing import Final, override

from ...changes import Changes
from ..base import Destination, Source, StoredFile
from ..growing import GrowingFile
from .base import Wrapper
from .paced import PacedSource
from .precedence import Precedence

_PARTS: Final = 8
"""Slices of parts after which one of a whole has its turn, or a server ends its
connection."""

_LOOK: Final = 0.25
"""Seconds after which who waits looks again."""

type _Turn = tuple[bool, int]


class FilmGate:
    """Lets what is sent to one destination pass beside its film.

    All at once while there is none. Parts of recordings go before wholes.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin without film. `clock` never jumps; both are in seconds."""
        self._clock = clock
        self._sleep = sleep
        self._precedence = Precedence()
        self._turns = count()
        self._waiting: list[_Turn] = []
        self._parts = 0
        self._moved = Changes()

    @property
    def slice_size(self) -> int:
        """Return how many bytes should be asked for at once."""
        return self._precedence.slice_size(self._clock())

    @contextmanager
    def film(self, size: int, *, is_piece: bool = False) -> Iterator[None]:
        """Note that film is under way for as long as the block takes."""
        key = self._precedence.begin(self._clock(), size, is_piece=is_piece)
        has_arrived = False
        try:
            yield
            has_arrived = True
        finally:
            self._precedence.end(key, self._clock(), has_arrived=has_arrived)

    def stop(self) -> None:
        """Note that no film follows."""
        self._precedence.stop()

    async def take(self, size: int, *, is_part: bool) -> None:
        """Wait until `size` bytes that are no film may be sent."""
        turn = (not is_part, next(self._turns))
        self._waiting.append(turn)
        try:
            await self._wait(turn, size)
            self._precedence.passed(self._clock(), size)
            self._parts = self._parts + 1 if is_part else 0
        finally:
            self._waiting.remove(turn)
            if self._waiting:
                self._moved.notify()

    @property
    def _next(self) -> _Turn:
        """Return whose turn it is."""
        wholes = [turn for turn in self._waiting if turn[0]]
        return min(wholes if wholes and self._parts >= _PARTS else self._waiting)

    async def _wait(self, turn: _Turn, size: int) -> None:
        while True:
            if self._next != turn:
                await self._moved.wait()
            elif (delay := self._precedence.delay(self._clock(), size)) > 0:
                # The film may end, or a part may come, before that.
                await self._sleep(min(delay, _LOOK))
            else:
                return


class FilmFirst(Wrapper):
    """Sends what is no film as fast as the film leaves it; stills are small enough."""

    def __init__(self, inner: Destination, gate: FilmGate | None = None) -> None:
        """Stand before this destination."""
        super().__init__(inner)
        self._gate = gate or FilmGate()
        self._growing = 0

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if not source.is_urgent:
            source = _YieldingSource(source, self._gate)
        return await self.inner.put(path, source, temporary=temporary)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        with self._gate.film(source.size, is_piece=True):
            return await self.inner.put_at_once(path, source, temporary=temporary)

    @override
    async def grow(self, path: str) -> GrowingFile:
        with self._gate.film(0):
            file = await self.inner.grow(path)
        self._growing += 1
        return _FirstGrowth(file, self._gate, self._closed)

    def _closed(self) -> None:
        self._growing -= 1
        if not self._growing:
            self._gate.stop()


class _YieldingSource(PacedSource):
    """A source whose slices wait for film, while there is some."""

    def __init__(self, inner: Source, gate: FilmGate) -> None:
        super().__init__(inner)
        self._gate = gate

    @property
    @override
    def slice_size(self) -> int:
        return min(super().slice_size, self._gate.slice_size)

    @override
    async def pace(self, size: int) -> None:
        await self._gate.take(size, is_part=self.is_part)
        await super().pace(size)


class _FirstGrowth(GrowingFile):
    """A growing file for which others make way."""

    def __init__(
        self, inner: GrowingFile, gate: FilmGate, on_closed: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._gate = gate
        self._on_closed = on_closed

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        with self._gate.film(len(data)):
            await self._inner.write(data, at=at)

    @override
    async def close(self) -> int:
        try:
            return await self._inner.close()
        finally:
            self._on_closed()
