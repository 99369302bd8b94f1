"""Fixtures for the tests of destinations."""

from collections.abc import AsyncGenerator, Callable, Generator
import os
from pathlib import Path
from typing import Any, override

import pytest
from pytest_socket import enable_socket

from custom_components.frigate_snap_sync.storage.base import Source
from custom_components.frigate_snap_sync.storage.limits import Limits
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)
from custom_components.frigate_snap_sync.storage.source import FileSource

from ..harness.network import HOST, Network
from ..harness.openssh import OpenSshServer
from ..harness.s3_servers import CephGateway
from ..harness.sftp_server import USERNAME, SftpServer
from ..harness.webdav import stop_shared
from ..waiting import LONG
from .places import Ceph, Place

type MakeSource = Callable[..., MadeSource]
type Connect = Callable[..., SftpDestination]


class MadeSource(FileSource):
    """A file that a test has made to be sent, and may change or remove since.

    Its size is what it has at the moment; its hash is not known.
    """

    def __init__(self, path: Path) -> None:
        """Take the file as it is, at any time."""
        super().__init__(path, size=0)
        self.path = path

    @property
    @override
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def __fspath__(self) -> str:
        """Return the file's path."""
        return str(self.path)

    def read_bytes(self) -> bytes:
        """Return what the file holds now."""
        return self.path.read_bytes()

    def write_bytes(self, content: bytes) -> None:
        """Give the file another content."""
        self.path.write_bytes(content)

    def unlink(self) -> None:
        """Remove the file."""
        self.path.unlink()

    @property
    def parent(self) -> Path:
        """Return the file's folder."""
        return self.path.parent


class ClaimedSize(Source):
    """Has another size than it says."""

    name = "claimed"
    sha256 = None

    def __init__(self, size: int, content: bytes) -> None:
        """Say this size, and give that content."""
        self._size = size
        self._content = content

    @property
    @override
    def size(self) -> int:
        return self._size

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        yield self._content


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let tests listen and connect on 127.0.0.1."""


@pytest.fixture(scope="session", autouse=True)
def _webdav_servers() -> Generator[None]:
    """End the servers that tests share."""
    yield
    stop_shared()


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Return a function that makes a local file to send, of random bytes."""
    folder = tmp_path / "sources"
    folder.mkdir()
    count = 0

    def make(size: int = 1000, *, content: bytes | None = None) -> MadeSource:
        nonlocal count
        count += 1
        path = folder / f"source-{count}"
        path.write_bytes(os.urandom(size) if content is None else content)
        return MadeSource(path)

    return make


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Generator[CephGateway]:
    """Return a running gateway, the same one for the whole run."""
    enable_socket()  # It comes before the fixture of each test that does so.
    gateway = CephGateway(tmp_path_factory.mktemp("ceph") / "node")
    yield gateway
    gateway.stop()


@pytest.fixture
async def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[Place]:
    """Return a new place of the kind that the test is run for."""
    kind, small = request.param
    if kind is Ceph:
        Ceph.gateway = request.getfixturevalue("ceph")
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
        limits: dict[str, Any] | None = None,
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
            limits=Limits(
                **{"connect_timeout": 2 * LONG, "idle_timeout": 2 * LONG}
                | (limits or {})
            ),
        )
        opened.append(destination)
        return destination

    return make
