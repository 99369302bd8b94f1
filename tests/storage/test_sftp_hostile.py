"""SFTP servers that are broken, or mean harm: bounded, and named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
import hashlib
import os
from pathlib import Path
import socket
import time
from typing import Any, Final, override

import asyncssh
from asyncssh.sftp import SFTPLimits
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    ConnectTimeout,
    NoSftp,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.read_back import Content, is_stored
from custom_components.frigate_snap_sync.storage.sftp.destination import fetch_host_key
from custom_components.frigate_snap_sync.storage.sftp.guard import Door
from custom_components.frigate_snap_sync.storage.sftp.listing import walk
from custom_components.frigate_snap_sync.storage.wrappers.verified import (
    verify_checksum,
)

from ..harness.network import HOST
from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import promptly
from .conftest import Connect, MakeSource

MIB: Final = 1024 * 1024
FOUR_GIB: Final = b"\xff\xff\xff\xf0"
FLOOD: Final = 64 * MIB
"""Bytes that a server would send; far fewer may get through."""


class Flood:
    """Sends as much as is taken, and counts it."""

    def __init__(self) -> None:
        """Have sent nothing."""
        self.sent = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def channel(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        """Begin to send to an SSH channel."""
        self._begin(self._to_channel(channel))

    def _begin(self, coro: Any) -> None:
        self.tasks.add(asyncio.get_running_loop().create_task(coro))

    async def _to_channel(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        while self.sent < FLOOD and not channel.is_closing():
            channel.write(bytes(MIB))
            self.sent += MIB
            while channel.get_write_buffer_size() > MIB and not channel.is_closing():
                await asyncio.sleep(0.001)

    async def to_stream(self, writer: asyncio.StreamWriter) -> None:
        """Send to a TCP connection until it breaks."""
        try:
            while self.sent < FLOOD:
                writer.write(bytes(MIB))
                await writer.drain()
                self.sent += MIB
        except ConnectionError:
            pass
        writer.close()


async def longest_stall(stop: asyncio.Event) -> float:
    """Return for how many seconds the event loop computed without a turn, at most.

    What a busy machine takes away does not count.
    """
    longest = 0.0
    while not stop.is_set():
        began = time.thread_time()
        await asyncio.sleep(0.001)
        longest = max(longest, time.thread_time() - began)
    return longest


def limits(*, read: int = 255 * 1024, write: int) -> SFTPLimits:
    """Return what a server may say of itself."""
    return SFTPLimits(256 * 1024, read, write, 10)


@pytest.mark.parametrize("limit", [1, 7, 511])
async def test_limits_that_make_no_sense(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, limit: int
) -> None:
    """A file is not cut into a million requests: the event loop would stall."""
    source = make_source(4 * MIB)
    server.behavior.limits = limits(read=limit, write=limit)
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    stop = asyncio.Event()
    watch = asyncio.create_task(longest_stall(stop))
    await destination.put("a", source, temporary="part")
    async with aclosing(destination.open_read("a")) as pieces:
        content = b"".join([piece async for piece in pieces])
    stop.set()
    stall = await watch
    assert content == source.read_bytes()
    assert server.behavior.calls.count("write") <= 4 * MIB / 512
    assert stall < 5  # It was a minute and a half.


async def test_a_small_limit_is_kept(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A server that takes little at once is served."""
    server.behavior.limits = limits(write=1000)
    destination = connect_to(server, password=PASSWORD)
    await destination.put("a", make_source(100_000), temporary="part")
    assert server.behavior.calls.count("write") == 100


@pytest.mark.parametrize("more", [1, 1000, 100_000])
async def test_more_than_was_asked_for(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, more: int
) -> None:
    """An answer that is longer is no part of the file."""
    destination = connect_to(server, password=PASSWORD)
    await destination.put("a", make_source(100_000), temporary="part")

    def read(file_obj: object, offset: int, size: int) -> bytes:
        return b"x" * (min(size, 150_000) + more)

    server.behavior.limits = limits(read=65536, write=65536)
    server.behavior.instead["read"] = read
    await destination.close()
    with pytest.raises(StorageError):
        await verify_checksum(destination, "a", "0" * 64)


@pytest.mark.parametrize("reported", [None, 2**40, 2**63])
async def test_a_file_without_end(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    reported: int | None,
) -> None:
    """Reading back ends where the file does, or what was sent, whatever is reported."""
    content = os.urandom(100_000)
    destination = connect_to(server, password=PASSWORD)
    await destination.put("a", make_source(content=content), temporary="part")
    read_bytes = 0

    def read(file_obj: object, offset: int, size: int) -> bytes:
        nonlocal read_bytes
        read_bytes += size
        return bytes(size)

    def fstat(file_obj: object) -> asyncssh.SFTPAttrs:
        return asyncssh.SFTPAttrs(size=len(content) if reported is None else reported)

    sha256 = hashlib.sha256(content).hexdigest()
    server.behavior.instead |= {"read": read, "fstat": fstat}
    with pytest.raises(Rejected):
        await verify_checksum(destination, "a", sha256, size=len(content))
    assert read_bytes <= 10 * MIB
    if reported is None:
        # The caller needn't say how much was sent.
        with pytest.raises(Rejected):
            await verify_checksum(destination, "a", sha256)
    assert read_bytes <= 10 * MIB


async def test_a_file_that_drips(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """An answer of one byte after another would have no end."""
    limits = {"idle_timeout": 0.5, "max_waits": 1}
    destination = connect_to(server, password=PASSWORD, limits=limits)
    await destination.put("a", make_source(MIB), temporary="part")
    server.behavior.max_read = 1
    async with promptly():
        with pytest.raises(ConnectTimeout, match="too slowly"):
            await verify_checksum(destination, "a", "0" * 64)
    server.behavior.max_read = 4096  # Short answers alone are fine.
    with pytest.raises(Rejected):
        await verify_checksum(destination, "a", "0" * 64)


async def test_sizes_that_can_not_be(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A file or a disk of 16 EiB: the number fits nowhere."""
    destination = connect_to(server, password=PASSWORD)
    await destination.put("a", make_source(), temporary="part")
    size = 2**64 - 1
    server.behavior.statuses["stat"] = asyncssh.SFTPAttrs(
        type=asyncssh.FILEXFER_TYPE_REGULAR, size=size, permissions=0o100644
    )
    with pytest.raises(Rejected, match="18446744073709551615 bytes"):
        await destination.stat("a")
    with pytest.raises(Rejected):
        await is_stored(destination, "a", Content(size=size, sha256="0" * 64))
    server.behavior.statuses.clear()
    server.behavior.statvfs = asyncssh.SFTPVFSAttrs(frsize=size, bavail=size)
    assert await destination.free_space() is None


async def test_handles_without_end(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """What a file is called goes into every request: it may not be long."""
    count = 0

    def handle() -> bytes:
        nonlocal count
        count += 1
        return count.to_bytes(4, "big") * 10_000

    destination = connect_to(server, password=PASSWORD)
    server.behavior.handles = handle
    with pytest.raises(Rejected, match="handle of a file has 40000 bytes"):
        await destination.put("a", make_source(), temporary="part")
    server.behavior.handles = None
    assert server.behavior.open_files == 0
    await destination.put("a", make_source(), temporary="part")


async def test_a_folder_without_end(server: SftpServer, connect_to: Connect) -> None:
    """Listing gives up after so many names, however many may follow."""

    async def scandir(path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        number = 0
        while True:
            number += 1
            attributes = asyncssh.SFTPAttrs(permissions=0o100644, size=1)
            attributes.type = asyncssh.FILEXFER_TYPE_REGULAR
            yield asyncssh.SFTPName(b"%d" % number, attrs=attributes)

    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    session = await destination._connection.session()  # noqa: SLF001
    server.behavior.instead["scandir"] = scandir
    async with aclosing(walk(session, "/", "", max_entries=2000)) as files:
        with pytest.raises(Rejected, match="lists more than 2000 names"):
            async for _ in files:
                pass


async def test_a_packet_of_4_gib_for_a_beginning(
    tmp_path: Path, connect_to: Connect
) -> None:
    """The first SFTP packet is announced as larger than memory."""
    flood = Flood()

    def begin(channel: asyncssh.SSHServerChannel[bytes]) -> None:
        channel.write(FOUR_GIB)
        flood.channel(channel)

    async with SftpServer(tmp_path / "root", session=begin) as server:
        with pytest.raises(NoSftp, match="a packet of 4294967280 bytes"):
            await connect_to(server, password=PASSWORD).connect()
    await asyncio.wait(flood.tasks)
    assert flood.sent <= 8 * MIB


async def test_a_packet_of_4_gib_for_an_answer(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """A server that was fine until then."""
    flood = Flood()
    async with SftpServer(tmp_path / "root") as server:
        destination = connect_to(server, password=PASSWORD)
        await destination.connect()
        (channel,) = server.behavior.channels

        def fstat(_file: object) -> asyncssh.SFTPAttrs:
            channel.write(FOUR_GIB)
            flood.channel(channel)
            return asyncssh.SFTPAttrs(size=MIB)

        # In the middle of it: a connection that ends before is made again.
        server.behavior.instead["fstat"] = fstat
        with pytest.raises(Unreachable, match="4294967280 bytes|closed|not open"):
            await destination.put("a", make_source(MIB), temporary="part")
        await asyncio.wait(flood.tasks)
    assert flood.sent <= 8 * MIB


@pytest.mark.parametrize("text", [b"", b"SSH-2.0-Flood\r\n"])
async def test_ssh_without_end_before_the_login(
    text: bytes, connect_to: Connect, server: SftpServer
) -> None:
    """An SSH packet, or a line before SSH, of 4 GiB."""
    flood = Flood()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text + FOUR_GIB)
        await flood.to_stream(writer)

    listener = await asyncio.start_server(accept, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        with pytest.raises((Unreachable, NoSftp)) as raised:
            await connect_to(server, port=port, password=PASSWORD).connect()
        with pytest.raises((Unreachable, NoSftp)):
            await fetch_host_key(HOST, port)
    assert len(str(raised.value)) < 500
    assert flood.sent <= 32 * MIB  # Most of it in the buffers of two sockets.


async def test_packets_without_end_before_the_login(
    connect_to: Connect, server: SftpServer
) -> None:
    """The smallest packets there are, that mean nothing, as fast as they come."""
    ignored = b"\x00\x00\x00\x0c\x06\x02" + bytes(10)  # SSH_MSG_IGNORE
    sent = 0

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"SSH-2.0-Flood\r\n")
        with suppress(ConnectionError):
            while sent < FLOOD:
                writer.write(ignored * 4096)
                await writer.drain()
                sent += 4096 * len(ignored)
        writer.close()

    stop = asyncio.Event()
    watch = asyncio.create_task(longest_stall(stop))
    listener = await asyncio.start_server(accept, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        with pytest.raises(Unreachable, match="bytes to log in"):
            await connect_to(server, port=port, password=PASSWORD).connect()
        with pytest.raises(Unreachable):
            await fetch_host_key(HOST, port)
    stop.set()
    assert sent < FLOOD
    assert await watch < 1


async def test_ssh_without_end_after_the_login(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """An encrypted packet, whose length is no secret, of 4 GiB."""
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    (connection,) = server.connections
    transport = connection._transport  # noqa: SLF001
    assert transport is not None
    sent = 0
    transport.write(FOUR_GIB)
    while not transport.is_closing() and sent < FLOOD:
        if transport.get_write_buffer_size() < MIB:
            transport.write(bytes(MIB))
            sent += MIB
        await asyncio.sleep(0.001)
    assert sent < FLOOD
    await destination.put("a", make_source(MIB), temporary="part")


async def test_a_line_without_end(connect_to: Connect, server: SftpServer) -> None:
    """Nothing is waited for without bound, and none of it is shown whole."""

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no ssh here, " * 1000)
        await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.shutdown(socket.SHUT_WR)

    listener = await asyncio.start_server(accept, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        with pytest.raises(Unreachable, match="is no SSH server") as raised:
            await connect_to(server, port=port, password=PASSWORD).connect()
        assert "no ssh here" in str(raised.value)
        assert len(str(raised.value)) < 400
        listener.close_clients()


class EndedConnection(asyncio.Protocol):
    """Stands for a connection of asyncssh that was closed by this side."""

    def __init__(self) -> None:
        """Have received nothing."""
        self.received = b""
        self.lost = asyncio.Event()

    def is_closed(self) -> bool:
        """Return that it is."""
        return True

    @override
    def data_received(self, data: bytes) -> None:
        self.received += data

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def test_what_comes_after_the_end() -> None:
    """It is dropped: asyncssh would start a timer for a connection that is no more."""

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"late")
        writer.close()

    async with await asyncio.start_server(accept, HOST, 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        _, connection = await Door().create_connection(EndedConnection, HOST, port)
        async with promptly():
            await connection.lost.wait()
    assert not connection.received
