"""A file on its way to a server as the body of a request."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from ..errors import Rejected, StorageError
from ..source import OpenSource
from .limits import HttpLimits
from .requests import Requests, Watch

PIECE: Final = 256 * 1024
"""Bytes that are handed over at once: TLS encrypts each in one go, in the event loop."""


class Body:
    """The bytes of an opened source, at most once.

    A server that takes nothing for a while ends the request: aiohttp has no limit for
    that. The end of the bytes is held back until the source is proven: a damaged one
    is never whole at the server.
    """

    def __init__(self, source: OpenSource, watch: Watch, limits: HttpLimits) -> None:
        """Send nothing yet."""
        self.error: Exception | None = None
        """Why the source could not be read to its end."""
        self.size = source.size
        self.sent = 0
        """Bytes that were handed over."""
        self._source = source
        self._watch = watch
        self._limits = limits

    async def data(self) -> bytes | AsyncGenerator[bytes]:
        """Return what to give to aiohttp; a small file is read and proven already."""
        if self.size > PIECE:
            return self.pieces()
        read = bytearray()
        async for piece in self.pieces():
            read += piece
        self._watch.allow(self._limits.idle + self._limits.finish)
        return bytes(read)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the bytes in pieces of at most `PIECE`; once only."""
        try:
            # Reading has limits of its own, and a slow source is no slow server.
            self._watch.allow(None)
            held = await self._source.read()
            while held:
                following = await self._source.read()
                self.sent += len(held)
                self._compare(is_end=not following)
                for start in range(0, len(held), PIECE):
                    self._watch.allow(self._limits.idle)
                    yield held[start : start + PIECE]
                self._watch.allow(None)
                held = following
            self._compare(is_end=True)
            self._watch.allow(self._limits.finish)
        except Exception as err:
            self.error = err
            self._watch.allow(0)
            raise

    def _compare(self, *, is_end: bool) -> None:
        if self.sent > self.size or (is_end and self.sent < self.size):
            raise Rejected(f"The source has {self.size} bytes, another number was read")


@asynccontextmanager
async def sending(
    requests: Requests, source: OpenSource, limits: HttpLimits
) -> AsyncGenerator[Body]:
    """Yield the body for one request, which is made and answered inside.

    Raises what reading the source raises, `Unreachable` when the server takes no more
    bytes or does not answer, or another `StorageError` of the connection.
    """
    body: Body | None = None
    try:
        async with requests.watched(limits.connect + limits.idle) as watch:
            body = Body(source, watch, limits)
            yield body
    except StorageError:
        if body is not None and body.error is not None:
            raise body.error from None
        raise
