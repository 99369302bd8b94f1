"""A link of a given rate and delay, in a process of its own: a delaying TCP proxy.

All connections share it, as they would share one line. Its queue is bounded: what
doesn't fit waits at the sender. A connection's first bytes wait for the round trip
that its handshake would take. TCP's own slow start and losses are not in it: on both
sides of the proxy TCP goes over the loopback.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
import socket
from typing import Final, Self

from .child import Job, service_main

HOST: Final = "127.0.0.1"
RATE: Final = 100e6 / 8
"""Bytes a second, each way."""
DELAY: Final = 0.020
"""Seconds, each way."""
QUEUE: Final = 1_000_000
"""Bytes that may wait for their turn."""

_CHUNK: Final = 16 * 1024
_SOCKET_BUFFER: Final = 64 * 1024
"""Small, or the kernel would be a second queue."""
_SEGMENT: Final = 1448
"""Bytes of a TCP segment, as on a real line; the loopback's fill a small buffer."""
_ON_THE_WAY: Final = 1024


class Way:
    """One direction: bytes go through one after the other, and arrive later."""

    def __init__(self, *, rate: float, delay: float, queue: int) -> None:
        """Take bytes a second, seconds, and bytes; nothing is under way."""
        self._rate, self._delay, self._queue = rate, delay, queue
        self._free_at = 0.0
        self._entrance = asyncio.Lock()

    async def enter(self, size: int) -> float:
        """Wait for a place in the queue; return when (loop time) all has arrived."""
        loop = asyncio.get_running_loop()
        async with self._entrance:
            while (wait := self._until_room(size, loop.time())) > 0:
                await asyncio.sleep(wait)
            self._free_at = max(loop.time(), self._free_at) + size / self._rate
            return self._free_at + self._delay

    def _until_room(self, size: int, now: float) -> float:
        waiting = max(0.0, self._free_at - now) * self._rate
        return (min(waiting, waiting + size - self._queue)) / self._rate


type OnTheWay = asyncio.Queue[tuple[bytes, float]]
"""Bytes, and when (loop time) they arrive; no bytes are the end."""


class Link:
    """Two ways, and the ports that lead through them to ports of this machine."""

    def __init__(
        self, *, rate: float = RATE, delay: float = DELAY, queue: int = QUEUE
    ) -> None:
        """Take bytes a second and seconds for each way, and bytes of the queue."""
        self._delay = delay
        self._there = Way(rate=rate, delay=delay, queue=queue)
        self._back = Way(rate=rate, delay=delay, queue=queue)
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        """Pass nothing on yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break everything."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def lead_to(self, port: int) -> int:
        """Return a new port whose connections go through the link to that port."""
        sock = _new_socket()
        sock.bind((HOST, 0))

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._connect(port, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(accept, sock=sock, limit=_CHUNK)
        self._servers.append(server)
        own_port: int = sock.getsockname()[1]
        return own_port

    async def _connect(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writers = [writer]
        try:
            # Where one end is gone, so is the other.
            with suppress(OSError):
                await asyncio.sleep(2 * self._delay)
                far_reader, far_writer = await _open(port)
                writers.append(far_writer)
                async with asyncio.TaskGroup() as group:
                    for source, target, way in (
                        (reader, far_writer, self._there),
                        (far_reader, writer, self._back),
                    ):
                        on_the_way: OnTheWay = asyncio.Queue(_ON_THE_WAY)
                        group.create_task(_send(source, way, on_the_way))
                        group.create_task(_deliver(on_the_way, target))
        finally:
            for each in writers:
                each.transport.abort()


def _new_socket() -> socket.socket:
    # Named as TCP, or asyncio would leave it to hold small segments back.
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
    return sock


async def _open(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = _new_socket()
    try:
        await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
        return await asyncio.open_connection(sock=sock, limit=_CHUNK)
    except BaseException:
        sock.close()
        raise


async def _send(reader: asyncio.StreamReader, way: Way, on_the_way: OnTheWay) -> None:
    """Let what comes enter the way, up to the end, which takes as long."""
    while True:
        data = await reader.read(_CHUNK)
        await on_the_way.put((data, await way.enter(len(data))))
        if not data:
            return


async def _deliver(on_the_way: OnTheWay, writer: asyncio.StreamWriter) -> None:
    """Hand over what has arrived, when it has."""
    loop = asyncio.get_running_loop()
    while True:
        data, at = await on_the_way.get()
        await asyncio.sleep(at - loop.time())
        if not data:
            writer.write_eof()
            return
        writer.write(data)
        await writer.drain()


async def _serve(job: Job) -> AsyncGenerator[Job]:
    async with Link(rate=job["rate"], delay=job["delay"]) as link:
        yield {"ports": [await link.lead_to(port) for port in job["ports"]]}
        yield {}


if __name__ == "__main__":
    service_main(_serve)
