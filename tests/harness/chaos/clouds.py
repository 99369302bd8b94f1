"""A bucket and a WebDAV server whose processes and connections can be cut off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
import signal
from typing import Protocol

from ..clouds import BUCKET, CLOUD, open_clouds
from ..network import Network
from ..processes import send_signal
from ..s3_servers import RcloneS3
from ..webdav import Rclone


class DestinationServer(Protocol):
    """A server that faults happen to."""

    async def start(self) -> None:
        """Start it, after `kill`."""

    async def kill(self) -> None:
        """End it with SIGKILL."""

    async def suspend(self) -> None:
        """Stop all work: connections stay open, nothing is answered any more."""

    async def resume(self) -> None:
        """Work again, after `suspend`."""

    async def cut_sessions(self) -> None:
        """Reset every connection; new ones can be made at once."""


class CloudServer:
    """A server of rclone behind a network of its own; see `DestinationServer`."""

    def __init__(
        self,
        server: RcloneS3 | Rclone,
        *,
        stop: Callable[[], Awaitable[None]],
        network: Network,
        folder: Path,
    ) -> None:
        """Take a server that runs, what ends it, the way to it, and its files."""
        self.folder = folder
        self._server = server
        self._stop = stop
        self._network = network

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self._network.port}"

    async def start(self) -> None:
        """Start it."""
        await self._server.start()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        self._signal(signal.SIGKILL)
        await self._stop()

    async def suspend(self) -> None:
        """Stop it in what it does."""
        self._signal(signal.SIGSTOP)

    async def resume(self) -> None:
        """Let it work again."""
        self._signal(signal.SIGCONT)

    async def cut_sessions(self) -> None:
        """Reset every connection."""
        self._network.cut()

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self._server.pid) is not None:
            send_signal(pid, number)


@asynccontextmanager
async def open_cloud_servers(folder: Path) -> AsyncIterator[dict[str, CloudServer]]:
    """Start a server with an empty bucket and a WebDAV server; end them."""
    async with AsyncExitStack() as stack:
        bucket, cloud = await stack.enter_async_context(open_clouds(folder))
        yield {
            BUCKET: CloudServer(
                bucket,
                stop=bucket.stop,
                network=await stack.enter_async_context(Network(bucket.port)),
                folder=bucket.folder,
            ),
            CLOUD: CloudServer(
                cloud,
                stop=partial(asyncio.to_thread, cloud.stop),
                network=await stack.enter_async_context(Network(cloud.port)),
                folder=cloud.root,
            ),
        }
