"""A destination that is sent to no faster than its owner allows."""

from typing import override

from ..base import Destination, Source, StoredFile
from ..growing import GrowingFile
from .base import Wrapper
from .paced import PacedSource
from .rate import Priority, RateLimit


class Limited(Wrapper):
    """Slows down what is sent, by its priority; reading back is not slowed down.

    All files of the destination share its rate.
    """

    def __init__(self, inner: Destination, rate: RateLimit) -> None:
        """Send to this destination at most at this rate."""
        super().__init__(inner)
        self._rate = rate

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        limited = _LimitedSource(source, self._rate, _priority_of(source))
        return await self.inner.put(path, limited, temporary=temporary)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        limited = _LimitedSource(source, self._rate, Priority.LIVE)
        return await self.inner.put_at_once(path, limited, temporary=temporary)

    @override
    async def grow(self, path: str) -> GrowingFile:
        return _LimitedGrowth(await self.inner.grow(path), self._rate)


def _priority_of(source: Source) -> Priority:
    if source.is_urgent:
        return Priority.STILL
    return Priority.PART if source.is_part else Priority.OTHER


class _LimitedSource(PacedSource):
    """A source whose slices wait for their turn."""

    def __init__(self, inner: Source, rate: RateLimit, priority: Priority) -> None:
        super().__init__(inner, slice_size=rate.slice_size)
        self._rate = rate
        self._priority = priority

    @override
    async def pace(self, size: int) -> None:
        await self._rate.take(size, self._priority)
        await super().pace(size)


class _LimitedGrowth(GrowingFile):
    """A growing file whose bytes wait for their turn, before most of others."""

    def __init__(self, inner: GrowingFile, rate: RateLimit) -> None:
        self._inner = inner
        self._rate = rate

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        size = self._rate.slice_size
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            await self._rate.take(len(piece), Priority.LIVE)
            await self._inner.write(piece, at=at + start)

    @override
    async def close(self) -> int:
        return await self._inner.close()
