"""Sources whose bytes are looked at one slice after the other before they are sent."""

from collections.abc import AsyncGenerator, Callable
from typing import Final, override

from ..base import Source
from ..source import PIECE_SIZE, open_source

_COUNTED: Final = 64 * 1024
"""Bytes that are counted together."""


class PacedSource(Source):
    """A source round another one that waits, or counts, before each slice is sent.

    It has no file of its own, so that nothing is sent past it. What is read of
    `unpaced` is not sent, and neither waits nor counts.
    """

    def __init__(self, inner: Source, *, slice_size: int = PIECE_SIZE) -> None:
        """Stand before this source; a slice has at most `slice_size` bytes."""
        self._inner = inner
        self._slice_size = slice_size

    @property
    @override
    def name(self) -> str:
        return self._inner.name

    @property
    @override
    def size(self) -> int:
        return self._inner.size

    @property
    @override
    def sha256(self) -> str | None:
        return self._inner.sha256

    @property
    @override
    def is_urgent(self) -> bool:
        return self._inner.is_urgent

    @property
    @override
    def is_part(self) -> bool:
        return self._inner.is_part

    @property
    @override
    def slice_size(self) -> int:
        return min(self._slice_size, self._inner.slice_size)

    @property
    @override
    def unpaced(self) -> Source:
        return self._inner.unpaced

    @override
    async def pace(self, size: int) -> None:
        await self._inner.pace(size)

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        async with open_source(self.unpaced) as file:
            while rest := memoryview(await file.read()):
                while rest:
                    # It may be another one each time.
                    part, rest = split(rest, self.slice_size)
                    await self.pace(len(part))
                    yield part

    @override
    async def md5(self) -> str:
        return await self._inner.md5()


def split(data: memoryview, size: int) -> tuple[bytes, memoryview]:
    """Return the first `size` bytes, and what is behind them."""
    return bytes(data[:size]), data[size:]


class CountedSource(PacedSource):
    """Tells how many bytes of a source are about to be sent, slice by slice."""

    def __init__(self, inner: Source, count: Callable[[int], None]) -> None:
        """Call `count` with the bytes of each slice."""
        super().__init__(inner, slice_size=_COUNTED)
        self._count = count

    @override
    async def pace(self, size: int) -> None:
        await super().pace(size)
        self._count(size)
