"""Requests on a session of Home Assistant's, which end when the destination closes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from ..errors import ConnectTimeout, Unreachable
from .errors import errors_by_cause

type OpenSession = Callable[[], aiohttp.ClientSession]
"""Makes a session that shares its connections with others; it is detached, not closed."""

LEAST: Final = 64 * 1024
"""Bytes of a body that a server must send within the time for a piece: 1 KiB a second."""


class Watch:
    """The time of one request: what it may take is set again with each step."""

    def __init__(self, timer: asyncio.Timeout) -> None:
        """Move this timer."""
        self._timer = timer
        self._loop = asyncio.get_running_loop()
        self._is_over = False

    def allow(self, seconds: float | None) -> None:
        """Let the next step take so many seconds from now on, None for any time."""
        # A body may be read on for a moment when its request has its answer already.
        if not self._is_over and not self._timer.expired():
            when = None if seconds is None else self._loop.time() + seconds
            self._timer.reschedule(when)

    def end(self) -> None:
        """Let nothing move the timer any more."""
        self._is_over = True


class Requests:
    """A session that is made when it is needed, and the requests that use it."""

    def __init__(self, open_session: OpenSession, *, where: str) -> None:
        """Make no session yet; `where` names the server in errors."""
        self.where = where
        self._open_session = open_session
        self._session: aiohttp.ClientSession | None = None
        self._retired: list[aiohttp.ClientSession] = []
        """Those of a closed destination that a request may still use for a moment."""
        self._users = 0
        self._running: dict[asyncio.Timeout, Watch] = {}
        self._responses: set[aiohttp.ClientResponse] = set()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Return the session. Use it inside of `watched` only."""
        if self._session is None or self._session.closed:
            self._session = self._open_session()
        return self._session

    @asynccontextmanager
    async def watched(self, seconds: float) -> AsyncGenerator[Watch]:
        """Bound what is inside, which belongs to one task, and tell what it raises.

        It ends with `ConnectTimeout` when its time is over, and with `Unreachable`
        when the destination is closed. No `yield` of a generator may stand inside.
        """
        timer = asyncio.timeout(seconds)
        watch = Watch(timer)
        self._users += 1
        try:
            with errors_by_cause(self.where):
                async with timer:
                    self._running[timer] = watch
                    try:
                        yield watch
                    finally:
                        watch.end()
        except ConnectTimeout as err:
            if timer.expired() and timer not in self._running:
                raise _closed() from err
            raise
        finally:
            self._running.pop(timer, None)
            self._users -= 1
            self._detach()

    @asynccontextmanager
    async def kept(
        self, response: aiohttp.ClientResponse
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Keep an answer that is read over some time; it breaks when all is closed."""
        self._responses.add(response)
        try:
            yield response
        finally:
            self._responses.discard(response)
            if response.content.at_eof():
                response.release()  # The connection may be used again.
            else:
                response.close()

    async def pieces(
        self, response: aiohttp.ClientResponse, size: int, *, idle: float
    ) -> AsyncGenerator[bytes]:
        """Yield a body as it comes, in pieces of at most `size` bytes.

        `idle`: seconds that each may take, and each `LEAST` bytes: a body that drips
        would have no end. What the reader of the pieces takes does not count.
        """
        loop = asyncio.get_running_loop()
        left, came = idle, 0
        while True:
            began = loop.time()
            async with self.watched(left):
                piece = await response.content.read(size)
            if not piece:
                return
            left, came = left - (loop.time() - began), came + len(piece)
            if came >= LEAST:
                left, came = idle, 0
            yield piece

    def close(self) -> None:
        """End all that is running, without waiting, and release the session."""
        running, self._running = self._running, {}
        for timer, watch in running.items():
            watch.end()  # Or the next piece of a body would give it time again.
            if not timer.expired():
                timer.reschedule(0)
        for response in tuple(self._responses):
            response.close()
        if self._session is not None:
            self._retired.append(self._session)
            self._session = None
        self._detach()

    def _detach(self) -> None:
        """Release what is used no more; a request needs it while it is running."""
        if not self._users:
            while self._retired:
                self._retired.pop().detach()


def _closed() -> Unreachable:
    return Unreachable("The destination was closed meanwhile")
