"""Many requests to an SFTP server at a time, slow ones, and ones that are given up."""

import asyncio
from contextlib import aclosing
from pathlib import Path
import time
from unittest.mock import AsyncMock, Mock

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.limits import Limits
from custom_components.frigate_snap_sync.storage.sftp.session import (
    SftpSession,
    block_size,
)

from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import promptly, until
from .conftest import Connect, MakeSource
from .test_sftp import MIB, names


async def wait_for_call(server: SftpServer, name: str) -> None:
    """Wait until the server was asked for an operation."""
    await until(lambda: name in server.behavior.calls)


def test_block_sizes() -> None:
    """The server's limit counts; one that tells none gets what all must take."""
    assert block_size(261120) == 261120
    assert block_size(1024 * 1024) == 261120
    assert block_size(64 * 1024) == 64 * 1024
    assert block_size(16 * 1024) == 32 * 1024
    assert block_size(1000) == 1000


@pytest.mark.parametrize(
    ("without", "block", "most"),
    [
        (frozenset(), 261120, 4),
        (frozenset({b"limits@openssh.com"}), 32 * 1024, 32),
    ],
)
async def test_one_window_for_all(
    tmp_path: Path,
    connect_to: Connect,
    make_source: MakeSource,
    without: frozenset[bytes],
    block: int,
    most: int,
) -> None:
    """All uploads together have 1 MiB under way, and no more."""
    # The way to a server on a busy machine may look like one to the moon.
    async with SftpServer(tmp_path / "root", without=without) as server:
        destination = connect_to(
            server,
            password=PASSWORD,
            limits={"min_in_flight": MIB, "max_in_flight": MIB},
        )
        source = make_source(4 * MIB)
        behavior = server.behavior
        behavior.holding = "write"
        puts = [
            asyncio.create_task(destination.put(f"{n}", source, temporary=f"{n}.part"))
            for n in range(4)
        ]
        await wait_for_call(server, "write")
        # Whatever is sent without an answer comes now.
        await asyncio.sleep(0.5)
        behavior.held.set()
        await asyncio.gather(*puts)
    # One is being answered.
    assert behavior.most_waiting // block == most - 1


async def test_ten_at_once(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """No more files are open on the server."""
    server.behavior.holding = "fsync"
    destination = connect_to(server, password=PASSWORD)
    source = make_source()
    puts = [
        asyncio.create_task(destination.put(f"{n}", source, temporary=f"{n}.part"))
        for n in range(20)
    ]
    await until(lambda: server.behavior.open_files == 10)
    server.behavior.held.set()
    await asyncio.gather(*puts)
    assert server.behavior.most_open == 10
    assert len(names(server.root)) == 20


async def test_a_slow_server_is_not_given_up(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """As long as it answers anything, it may take its time."""
    server.behavior.write_delay = 0.4
    destination = connect_to(server, password=PASSWORD, limits={"idle_timeout": 2})
    started = time.monotonic()
    await destination.put("file", make_source(2 * MIB), temporary="part")
    assert time.monotonic() - started > 2


async def test_one_stuck_request() -> None:
    """One that is never answered ends, although others are."""
    aborted = asyncio.Event()
    client = Mock(
        limits=asyncssh.SFTPLimits(max_write_len=1, max_read_len=1),
        wait_closed=asyncio.Event().wait,
    )
    connection = Mock(wait_closed=AsyncMock(), abort=aborted.set)
    session = SftpSession(
        connection,
        client,
        round_trip=0.001,
        limits=Limits(idle_timeout=0.1, max_waits=3),
    )

    async def stuck() -> None:
        with session.request():
            await aborted.wait()
            raise asyncssh.SFTPConnectionLost("Connection closed")

    started = time.monotonic()
    task = asyncio.create_task(stuck())
    async with promptly():
        while session.usable:
            with session.request():
                await asyncio.sleep(0.02)
    assert time.monotonic() - started > 0.25
    with pytest.raises(Unreachable, match="answered nothing for 0.1 s"):
        await task
    with pytest.raises(Unreachable), session.request():
        pytest.fail("a lost session was used")
    await session.close()


async def test_idle_is_no_silence(server: SftpServer, connect_to: Connect) -> None:
    """An unused connection is not given up."""
    idle = 2
    destination = connect_to(server, password=PASSWORD, limits={"idle_timeout": idle})
    await destination.stat("none")
    await asyncio.sleep(1.5 * idle)
    await destination.stat("none")
    await asyncio.sleep(0.75 * idle)
    # Begun late in the time that the request before it was given.
    server.behavior.holding = "stat"
    asyncio.get_running_loop().call_later(0.5 * idle, server.behavior.held.set)
    await destination.stat("none")
    assert server.behavior.log_ins == 1


@pytest.mark.parametrize("step", ["mkdir", "open", "write", "fsync", "close"])
async def test_cancel_while_the_server_is_silent(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    step: str,
) -> None:
    """A cancellation does not wait for it; the clean-up is done when it answers."""
    destination = connect_to(
        server, password=PASSWORD, path="/up/load", limits={"cancel_timeout": 0.1}
    )
    server.behavior.holding = step
    put = asyncio.create_task(
        destination.put("a/file", make_source(3 * MIB), temporary="a/part")
    )
    await wait_for_call(server, step)
    put.cancel()
    async with promptly():
        with pytest.raises(asyncio.CancelledError):
            await put

    # The next one waits until the old temporary file is gone.
    again = asyncio.create_task(
        destination.put("a/file", make_source(5), temporary="a/part")
    )
    await asyncio.sleep(0)  # It runs as far as it can.
    server.behavior.held.set()
    await again
    assert names(server.root / "up/load/a") == ["file"]
    assert (server.root / "up/load/a/file").stat().st_size == 5
    assert server.behavior.open_files == 0


async def test_many_cancellations(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Whatever is cancelled when, the window and the places are given back."""
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    source = make_source(3 * MIB)
    for n in range(40):
        put = asyncio.create_task(
            destination.put(f"{n}", source, temporary=f"{n}.part")
        )
        for _ in range(5 * n):
            await asyncio.sleep(0)
        put.cancel()
        await asyncio.wait({put})
    async with promptly():
        await destination.put("file", source, temporary="part")
    assert not [name for name in names(server.root) if name.endswith("part")]
    assert server.behavior.log_ins == 1
    assert server.behavior.open_files == 0


@pytest.mark.parametrize("fails", [False, True])
async def test_cancel_while_renaming(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, fails: bool
) -> None:
    """A rename that is under way is waited for; then nothing else is removed."""
    destination = connect_to(server, password=PASSWORD)
    server.behavior.holding = "posix_rename"
    if fails:
        server.behavior.failing["posix_rename"] = asyncssh.SFTPPermissionDenied("No")
    put = asyncio.create_task(destination.put("file", make_source(), temporary="part"))
    await wait_for_call(server, "posix_rename")
    put.cancel()
    await asyncio.sleep(0)  # It gets to know of it.
    server.behavior.held.set()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert names(server.root) == ([] if fails else ["file"])


async def test_cancel_an_open_that_fails(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """What was never made needs no clean-up."""
    destination = connect_to(server, password=PASSWORD)
    server.behavior.holding = "open"
    server.behavior.failing["open"] = asyncssh.SFTPPermissionDenied("No")
    put = asyncio.create_task(destination.put("file", make_source(), temporary="part"))
    await wait_for_call(server, "open")
    put.cancel()
    await asyncio.sleep(0)  # It gets to know of it.
    server.behavior.held.set()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert "remove" not in server.behavior.calls


async def test_close_ends_a_clean_up(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
) -> None:
    """Closing does not wait for a clean-up that gets no answer."""
    destination = connect_to(server, password=PASSWORD, limits={"cancel_timeout": 0.05})
    server.behavior.holding = "write"
    put = asyncio.create_task(
        destination.put("file", make_source(MIB), temporary="part")
    )
    await wait_for_call(server, "write")
    server.behavior.holding = "close"
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    async with promptly():
        await destination.close()
    server.behavior.held.set()
    server.behavior.holding = None
    await destination.put("file", make_source(3), temporary="part")
    assert names(server.root) == ["file"]


async def test_reader_leaves_a_silent_server(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
) -> None:
    """Leaving a reader waits but a moment for the server to close the file."""
    (server.root / "file").write_bytes(bytes(3 * MIB))
    destination = connect_to(server, password=PASSWORD, limits={"leave_timeout": 0.1})
    server.behavior.holding = "close"
    async with promptly(), aclosing(destination.open_read("file")) as pieces:
        assert await anext(pieces)
