"""The network before a server on this machine: slow, far away, and it can break.

TCP's own slow start and losses are not in it: on both sides of the proxy TCP goes
over the loopback.
"""

import asyncio
from contextlib import suppress
import socket
import struct
from typing import Final, Self

HOST: Final = "127.0.0.1"

_CHUNK: Final = 16 * 1024
_SOCKET_BUFFER: Final = 64 * 1024
"""Small, or the kernel would be a second queue."""
_SEGMENT: Final = 1448
"""Bytes of a TCP segment, as on a real line; the loopback's fill a small buffer."""
_ON_THE_WAY: Final = 1024
_RESET: Final = struct.pack("ii", 1, 0)


class Way:
    """One direction: bytes go through one after the other, and arrive later.

    Connections that are given the same one share it, as they would share one line.
    Its queue is bounded: what doesn't fit waits at the sender.
    """

    def __init__(
        self, *, rate: float | None = None, delay: float = 0, queue: int = 2 * _CHUNK
    ) -> None:
        """Take bytes a second (None: no limit), seconds, and bytes that may wait."""
        self.delay = delay
        self._rate, self._queue = rate, queue
        self._free_at = 0.0
        self._entrance = asyncio.Lock()

    async def enter(self, size: int) -> float:
        """Wait for a place in the queue; return when (loop time) all has arrived."""
        loop = asyncio.get_running_loop()
        if (rate := self._rate) is None:
            return loop.time() + self.delay
        async with self._entrance:
            while (wait := self._until_place(size, rate, loop.time())) > 0:
                await asyncio.sleep(wait)
            self._free_at = max(loop.time(), self._free_at) + size / rate
            return self._free_at + self.delay

    def new_queue(self) -> OnTheWay:
        """Return what holds the bytes of one connection until they arrive."""
        return asyncio.Queue(1 if self.is_instant else _ON_THE_WAY)

    @property
    def is_instant(self) -> bool:
        """Whether nothing waits here but for who receives it."""
        return self._rate is None and not self.delay

    def _until_place(self, size: int, rate: float, now: float) -> float:
        waiting = max(0.0, self._free_at - now) * rate
        return (min(waiting, waiting + size - self._queue)) / rate


type OnTheWay = asyncio.Queue[tuple[bytes, float]]
"""Bytes, and when (loop time) they arrive; no bytes are the end."""


class Network:
    """Passes connections on to a local port; a context manager.

    Connect to `port`; a change of `target_port` counts from the next connection. A
    connection's first bytes wait for the round trip that its handshake would take.
    """

    def __init__(
        self, target_port: int, *, there: Way | None = None, back: Way | None = None
    ) -> None:
        """Set where to pass connections on to; nothing is accepted yet.

        Without a way bytes pass as fast as they can.
        """
        self.port = 0
        self.connections = 0
        """How many were ever made."""
        self.passed = 0
        """How many bytes have gone through, both ways together."""
        self.target_port = target_port
        self._there = there or Way()
        self._back = back or Way()
        self._left: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Accept connections."""
        sock = self._new_socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, 0))
        self._server = await asyncio.start_server(self._accept, sock=sock, limit=_CHUNK)
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
            self._reset(writer)

    def cut_after(self, size: int | None) -> None:
        """Reset every connection once `size` more bytes have gone to the server.

        None takes it back.
        """
        self._left = size

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        sock: socket.socket | None = writer.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):  # closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open.add(writer)
        writers = [writer]
        try:
            await asyncio.sleep(self._there.delay + self._back.delay)
            far_reader, far_writer = await self._connect_on()
            self._open.add(far_writer)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as group:
                for source, target, way in (
                    (reader, far_writer, self._there),
                    (far_reader, writer, self._back),
                ):
                    on_the_way = way.new_queue()
                    group.create_task(_send(source, way, on_the_way))
                    group.create_task(
                        self._deliver(on_the_way, target, outward=target is far_writer)
                    )
        except* OSError:
            # Where one end is gone, so is the other.
            for each in writers:
                self._reset(each)
        finally:
            for each in writers:
                self._open.discard(each)
                each.close()

    async def _connect_on(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = self._new_socket()
        try:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, (HOST, self.target_port))
            return await asyncio.open_connection(sock=sock, limit=_CHUNK)
        except BaseException:
            sock.close()
            raise

    def _new_socket(self) -> socket.socket:
        # Named as TCP, or asyncio would leave it to hold small segments back.
        sock = socket.socket(proto=socket.IPPROTO_TCP)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
        if not (self._there.is_instant and self._back.is_instant):
            # It costs time, which only a line as in reality is worth.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
        return sock

    async def _deliver(
        self, on_the_way: OnTheWay, writer: asyncio.StreamWriter, *, outward: bool
    ) -> None:
        """Hand over what has arrived, when it has."""
        loop = asyncio.get_running_loop()
        while True:
            data, at = await on_the_way.get()
            if (wait := at - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                writer.write_eof()
                return
            if outward and self._left is not None:
                if (left := self._left - len(data)) < 0:
                    writer.write(data[:left])
                    self.cut()
                    raise ConnectionResetError
                self._left = left
            self.passed += len(data)
            writer.write(data)
            await writer.drain()


async def _send(reader: asyncio.StreamReader, way: Way, on_the_way: OnTheWay) -> None:
    """Let what comes enter the way, up to the end, which takes as long."""
    while True:
        data = await reader.read(_CHUNK)
        await on_the_way.put((data, await way.enter(len(data))))
        if not data:
            return
