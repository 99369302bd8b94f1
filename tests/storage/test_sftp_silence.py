"""A server that dies leaves nothing in the log that only asyncio's authors understand."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
import gc
import logging
import random
from typing import Any

import pytest

from custom_components.frigate_snap_sync.storage.errors import StorageError
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    fetch_host_key,
)

from ..harness.network import HOST, Network
from ..harness.openssh import OpenSshServer
from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import promptly, until
from .conftest import Connect, MakeSource

MIB = 1024 * 1024
ROUNDS = 8


@pytest.fixture
async def complaints(caplog: pytest.LogCaptureFixture) -> AsyncGenerator[list[str]]:
    """Collect what asyncio complains of; in the end there must be none."""
    loop = asyncio.get_running_loop()
    found: list[str] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        found.append(f"{context['message']}: {context.get('exception')!r}")

    before = loop.get_exception_handler()
    loop.set_exception_handler(note)
    # Not how long a step takes on a busy machine: that is what its debug mode tells.
    loop.slow_callback_duration = 3600
    yield found
    for _ in range(3):
        await asyncio.sleep(0)
        gc.collect()
    loop.set_exception_handler(before)
    found += [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.name == "asyncio" and record.levelno >= logging.WARNING
    ]
    assert not found


async def attempt(work: Awaitable[object]) -> None:
    """Do something that may fail as destinations do, and in no other way."""
    with suppress(StorageError):
        await work


async def look(destination: SftpDestination) -> None:
    """Ask again and again, until it fails."""
    with suppress(StorageError):
        while True:
            await destination.stat("none")


async def read(destination: SftpDestination) -> None:
    """Read a file."""
    async with aclosing(destination.open_read("kept")) as pieces:
        async for _ in pieces:
            pass


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("end", ["reset", "killed"])
async def test_while_much_is_under_way(
    tmp_path: Any, connect_to: Connect, make_source: MakeSource, end: str
) -> None:
    """Uploads, a download and many small requests, at any moment of theirs."""
    source = make_source(4 * MIB)
    chance = random.Random(4)
    async with OpenSshServer(tmp_path / "server") as server:
        (server.root / "kept").write_bytes(bytes(4 * MIB))
        async with Network(server.port) as network:
            for number in range(ROUNDS):
                destination = connect_to(server, port=network.port)
                await destination.connect()
                puts = (
                    destination.put(
                        f"{number}/{n}", source, temporary=f"{number}/{n}.t"
                    )
                    for n in range(4)
                )
                async with promptly(), asyncio.TaskGroup() as group:
                    for work in (*puts, read(destination)):
                        group.create_task(attempt(work))
                    for _ in range(20):
                        group.create_task(look(destination))
                    await asyncio.sleep(chance.random() * 0.2)
                    if end == "reset":
                        network.cut()
                    else:
                        await server.cut_sessions()
                await destination.close()


@pytest.mark.usefixtures("complaints")
async def test_at_any_moment_of_the_login(tmp_path: Any, connect_to: Connect) -> None:
    """From the first packet to the SFTP channel, and at the set-up's first look."""
    chance = random.Random(2)
    async with (
        OpenSshServer(tmp_path / "server") as server,
        Network(server.port) as network,
    ):
        for _ in range(4 * ROUNDS):
            destination = connect_to(server, port=network.port)
            async with promptly(), asyncio.TaskGroup() as group:
                group.create_task(attempt(destination.connect()))
                group.create_task(attempt(fetch_host_key(HOST, network.port)))
                await asyncio.sleep(chance.random() * 0.3)
                network.cut()
            await destination.close()


type End = Callable[[SftpServer, Network], None]


def aborted(server: SftpServer, _: Network) -> None:
    """End as a process does that dies."""
    for connection in server.connections:
        connection.abort()


def cut(_: SftpServer, network: Network) -> None:
    """End as the network does."""
    network.cut()


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize(
    ("step", "end"),
    [
        ("log_in", cut),  # The server counts its connections from the login on.
        *(
            (step, end)
            for step in ("mkdir", "open", "write", "fsync", "close", "posix_rename")
            for end in (aborted, cut)
        ),
    ],
)
async def test_in_each_step(
    server: SftpServer,
    network: Network,
    connect_to: Connect,
    make_source: MakeSource,
    step: str,
    end: End,
) -> None:
    """With requests that the server has got and will never answer."""
    server.behavior.holding = step
    destination = connect_to(server, port=network.port, password=PASSWORD)
    source = make_source(2 * MIB)
    async with promptly(), asyncio.TaskGroup() as group:
        for n in range(3):
            group.create_task(
                attempt(destination.put(f"{n}", source, temporary=f"{n}.tmp"))
            )
        await until(
            lambda: (
                server.behavior.log_ins
                if step == "log_in"
                else step in server.behavior.calls
            )
        )
        end(server, network)
    server.behavior.held.set()
    await destination.close()


def asked(server: SftpServer, count: int) -> bool:
    """Tell whether more requests than that have come."""
    return len(server.behavior.calls) > count


@pytest.mark.usefixtures("complaints")
async def test_closing_in_the_middle(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """What is closed by ourselves, and who no longer waits."""
    source = make_source(2 * MIB)
    for number in range(ROUNDS):
        destination = connect_to(server, password=PASSWORD)
        tasks = [
            asyncio.create_task(
                attempt(
                    destination.put(f"{number}{n}", source, temporary=f"{number}{n}.t")
                )
            )
            for n in range(4)
        ]
        server.behavior.calls.clear()
        await until(partial(asked, server, number))
        tasks[0].cancel()
        await destination.close()
        async with promptly():
            await asyncio.wait(tasks)


@pytest.mark.usefixtures("complaints")
async def test_writing_to_a_lost_connection(
    server: SftpServer, connect_to: Connect
) -> None:
    """Requests that are sent before the loss is known: asyncio counts them."""
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    session = await destination._connection.session()  # noqa: SLF001
    transport = session._connection._transport  # noqa: SLF001
    assert transport is not None
    transport.abort()
    for _ in range(10):
        transport.write(b"a request")
    assert transport.is_closing()
