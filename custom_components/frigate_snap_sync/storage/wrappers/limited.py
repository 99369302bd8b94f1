"""A destination that is sent to no faster than its owner allows."""

from typing import override

from ..base import Destination, Source, StoredFile
from .base import Wrapper
from .paced import PacedSource
from .rate import RateLimit


class Limited(Wrapper):
    """Slows down what is sent, urgent files first; reading back is not slowed down.

    All files of the destination share its rate.
    """

    def __init__(self, inner: Destination, rate: RateLimit) -> None:
        """Send to this destination at most at this rate."""
        super().__init__(inner)
        self._rate = rate

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        limited = _LimitedSource(source, self._rate)
        return await self.inner.put(path, limited, temporary=temporary)


class _LimitedSource(PacedSource):
    """A source whose slices wait for their turn."""

    def __init__(self, inner: Source, rate: RateLimit) -> None:
        super().__init__(inner, slice_size=rate.slice_size)
        self._rate = rate

    @override
    async def pace(self, size: int) -> None:
        await self._rate.take(size, is_urgent=self.is_urgent)
        await super().pace(size)
