"""A TCP proxy that can cut, hold and count connections."""

import asyncio
from contextlib import suppress
from typing import Self

HOST = "127.0.0.1"
CHUNK = 64 * 1024


class Proxy:
    """Passes connections on to a local port, as long as it is told to."""

    host = HOST

    def __init__(self, target_port: int) -> None:
        """Set where to pass connections on to."""
        self.port = 0
        self.connections = 0
        """How many were ever made."""
        self.target_port = target_port
        self._left: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def cut_after(self, size: int) -> None:
        """Break the connection once the client has sent `size` more bytes."""
        self._left = size

    def cut(self) -> None:
        """Break every connection with a reset."""
        for writer in self._open:
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut all and listen no more."""
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        await self._server.wait_closed()

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(
                HOST, self.target_port
            )
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        for source, target, counted in (
            (reader, far_writer, True),
            (far_reader, writer, False),
        ):
            task = asyncio.create_task(self._pass_on(source, target, counted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, counted: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if counted and self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self._left = None
                        self.cut()
                        return
                target.write(data)
                await target.drain()
        target.close()
        self._open.discard(target)
