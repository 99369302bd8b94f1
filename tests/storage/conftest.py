"""Fixtures for the tests of destinations."""

from collections.abc import AsyncGenerator, Callable
import os
from pathlib import Path
from typing import Any

import pytest

from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)

from ..harness.network import Network
from ..harness.openssh import OpenSshServer
from ..waiting import LONG
from .places import Place
from .sftp_server import HOST, USERNAME, SftpServer

type MakeSource = Callable[..., Path]
type Connect = Callable[..., SftpDestination]


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let tests listen and connect on 127.0.0.1."""


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Return a function that makes a local file to send, of random bytes."""
    folder = tmp_path / "sources"
    folder.mkdir()
    count = 0

    def make(size: int = 1000, *, content: bytes | None = None) -> Path:
        nonlocal count
        count += 1
        path = folder / f"source-{count}"
        path.write_bytes(os.urandom(size) if content is None else content)
        return path

    return make


@pytest.fixture
async def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[Place]:
    """Return a new place of the kind that the test is run for."""
    kind, small = request.param
    async with kind.open(tmp_path / "place", small=small) as opened:
        yield opened


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[SftpServer]:
    """A server that takes a password."""
    async with SftpServer(tmp_path / "root") as server:
        yield server


@pytest.fixture
async def network(server: SftpServer) -> AsyncGenerator[Network]:
    """A way to the server that can be cut, and counts."""
    async with Network(server.port) as network:
        yield network


@pytest.fixture
async def opened() -> AsyncGenerator[list[SftpDestination]]:
    """The destinations to close in the end."""
    destinations: list[SftpDestination] = []
    yield destinations
    for destination in destinations:
        await destination.close()


@pytest.fixture
def connect_to(opened: list[SftpDestination]) -> Connect:
    """Return a function that makes a destination, not yet connected."""

    def make(
        server: SftpServer | OpenSshServer | None = None,
        *,
        connect_timeout: float = 2 * LONG,
        idle_timeout: float = 2 * LONG,
        **settings: Any,
    ) -> SftpDestination:
        defaults: dict[str, Any] = {"host": HOST, "path": "/"}
        if server is not None:
            defaults |= {"port": server.port, "host_key": server.host_key}
        if isinstance(server, SftpServer):
            defaults |= {"username": USERNAME}
        if isinstance(server, OpenSshServer):
            defaults |= {
                "username": server.username,
                "private_key": server.private_key,
                "path": str(server.root),
            }
        destination = SftpDestination(
            SftpSettings(**defaults | settings),
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
        )
        opened.append(destination)
        return destination

    return make
