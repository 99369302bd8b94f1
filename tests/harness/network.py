"""The network before a server on this machine: slow, and it can break."""

import asyncio
import contextlib
import socket
import struct
from typing import Self

HOST = "127.0.0.1"
_CHUNK = 16 * 1024
_BUFFER = 32 * 1024
_RESET = struct.pack("ii", 1, 0)


class Network:
    """Passes connections on to a local port; a context manager.

    `rate` is what goes through towards the server, in bytes a second, all
    connections together (None: as fast as it can). Connect to `port`; a change
    of `target_port` counts from the next connection.
    """

    def __init__(self, target_port: int, *, rate: float | None = None) -> None:
        """Set where to pass connections on to; nothing is accepted yet."""
        self.port = 0
        self.connections = 0
        """How many were ever made."""
        self.passed = 0
        """How many bytes have gone through, both ways together."""
        self.target_port = target_port
        self._rate = rate
        self._free_at = 0.0
        self._left: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Accept connections."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is under way shall be with the sender, not in buffers here.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.bind((HOST, 0))
        self._server = await asyncio.start_server(
            self._accept, sock=sock, limit=_BUFFER
        )
        self.port = sock.getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break everything and accept no more."""
        assert self._server is not None
        self._server.close()
        self.cut()
        # Those, too, that are not passed on yet.
        self._server.abort_clients()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        async with asyncio.timeout(5):
            await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection."""
        self._left = None
        for writer in list(self._open):
            self._abort(writer)

    def cut_after(self, size: int | None) -> None:
        """Reset every connection once `size` more bytes have gone to the server.

        None takes it back.
        """
        self._left = size

    def _abort(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        sock: socket.socket | None = writer.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):  # closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(
                HOST, self.target_port, limit=_BUFFER
            )
        except OSError:
            self._abort(writer)
            return
        self._open |= {writer, far_writer}
        for source, target, outward in (
            (reader, far_writer, True),
            (far_reader, writer, False),
        ):
            task = asyncio.create_task(self._pass_on(source, target, outward=outward))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        outward: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                if outward:
                    await self._wait_for_turn(len(data))
                    if self._left is not None and (left := self._left - len(data)) < 0:
                        target.write(data[:left])
                        self.cut()
                        return
                    if self._left is not None:
                        self._left -= len(data)
                self.passed += len(data)
                target.write(data)
                await target.drain()
        self._open.discard(target)
        target.close()

    async def _wait_for_turn(self, size: int) -> None:
        if self._rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + size / self._rate
        await asyncio.sleep(self._free_at - now)
