"""Real WebDAV servers to store at."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from fnmatch import fnmatch
from pathlib import Path
import shutil
import time
from typing import ClassVar, override

from custom_components.frigate_snap_sync.storage.webdav.destination import (
    WebdavDestination,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings

from ..harness.network import HOST, Network
from ..harness.webdav import (
    PASSWORD,
    USERNAME,
    Apache,
    ApacheDigest,
    DavServer,
    Nginx,
    Rclone,
    Sabre,
    Wsgidav,
    shared,
)
from .places import FolderPlace, Place, sessions, small_disk


class _Webdav(FolderPlace):
    """A WebDAV server: one for all tests, each in a folder of its own.

    Who wants another server, a small or a read-only one, gets it.
    """

    shows_unfinished = False
    server_type: ClassVar[type[DavServer]]
    server: DavServer
    network: Network
    stack: AsyncExitStack

    @classmethod
    @override
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        server = cls.server_type() if small else await shared(cls.server_type)
        try:
            async with AsyncExitStack() as stack:
                if small:
                    await stack.enter_async_context(small_disk(server.root))
                    await server.start()
                    stack.callback(server.stop)
                root = server.root / folder.parent.name
                yield await cls._at(server, root, stack)
        finally:
            if small:
                server.remove()
            else:
                shutil.rmtree(root, ignore_errors=True)

    @classmethod
    async def _at(cls, server: DavServer, root: Path, stack: AsyncExitStack) -> Place:
        network = await stack.enter_async_context(Network(server.port))
        open_session = await stack.enter_async_context(sessions())
        destination = WebdavDestination(
            WebdavSettings(
                url=f"http://{HOST}:{network.port}/",
                username=USERNAME,
                password=PASSWORD,
                path=f"/{root.name}",
            ),
            open_session,
        )
        stack.push_async_callback(destination.close)
        place = cls(destination, root)
        place.server, place.network, place.stack = server, network, stack
        return place

    @override
    def plant(self, path: str, content: bytes) -> None:
        super().plant(path, content)
        target = self.root / path
        for each in (target, *target.relative_to(self.server.root).parents):
            self.server.own(self.server.root / each)
        # rclone does not see it at once: it remembers a folder for a moment.
        time.sleep(0.01)

    @override
    def paths(self) -> set[str]:
        return {
            path
            for path in super().paths()
            if not any(
                fnmatch(part, pattern)
                for part in path.split("/")
                for pattern in self.server.hidden
            )
        }

    @override
    def break_after(self, size: int) -> None:
        self.network.cut_after(size)

    @override
    async def deny(self) -> None:
        """Put a read-only server of the same files in the place of this one."""
        other = self.server_type()
        other.root = self.server.root
        other.read_only = True
        await other.start()
        self.stack.callback(other.remove)
        self.network.target_port = other.port
        self.network.cut()


class WebdavApache(_Webdav):
    """Apache with Basic."""

    name = "webdav-apache"
    server_type = Apache


class WebdavApacheDigest(_Webdav):
    """Apache with Digest."""

    name = "webdav-apache-digest"
    server_type = ApacheDigest


class WebdavNginx(_Webdav):
    """nginx, which answers 500 to all that fails."""

    lists_hidden = False
    name = "webdav-nginx"
    # It keeps what it got of a refused file until it has closed the connection.
    frees_at_once = False
    says_full = False
    server_type = Nginx


class WebdavRclone(_Webdav):
    """rclone."""

    name = "webdav-rclone"
    cleans_at_once = False
    says_full = False
    server_type = Rclone


class WebdavWsgidav(_Webdav):
    """wsgidav, with Digest."""

    has_any_bytes_in_names = False
    frees_at_once = False
    cleans_at_once = False
    mangles = "#;"
    name = "webdav-wsgidav"
    server_type = Wsgidav


class WebdavSabre(_Webdav):
    """sabre, the base of Nextcloud."""

    has_any_bytes_in_names = False
    name = "webdav-sabre"
    server_type = Sabre


WEBDAV_PLACES: tuple[type[Place], ...] = (
    WebdavApache,
    WebdavApacheDigest,
    WebdavNginx,
    WebdavRclone,
    WebdavWsgidav,
    WebdavSabre,
)
