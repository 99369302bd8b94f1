"""An SFTP server as a destination."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
import posixpath
from typing import Final, override

import asyncssh

from ..base import Capabilities, Destination, Source, StoredFile, path_segments
from ..errors import (
    CHECKING,
    FINDING,
    RENAMING,
    PathNotFound,
    PermissionDenied,
    Rejected,
    StorageError,
)
from ..growing import GrowingFile
from ..limits import Limits
from ..reservations import Reservations
from ..source import open_source
from . import disk, files, folders, listing
from .connection import SftpConnection, SftpSettings
from .errors import answers_explained
from .growing import open_growing
from .host_keys import HostKey, fetch_host_key
from .login_keys import KeyPair, generate_key_pair, load_private_key
from .session import SftpSession
from .upload import Upload

__all__ = [
    "HostKey",
    "KeyPair",
    "SftpDestination",
    "SftpSettings",
    "fetch_host_key",
    "generate_key_pair",
    "load_private_key",
]

MAX_PUTS: Final = 10
"""Files that are sent at once: fills slow links with small files, and no more."""

CLOSE_TIMEOUT: Final = 1.0
"""Seconds for what is under way to notice that the connection is closed."""


class SftpDestination(Destination):
    """A folder on an SFTP server, over one kept SSH connection.

    The root folder is made if it is missing.
    """

    def __init__(self, settings: SftpSettings, *, limits: Limits | None = None) -> None:
        """Keep the settings and connect on first use."""
        self._limits = limits or Limits()
        self._root = _normal_root(settings.path)
        self._connection = SftpConnection(settings, limits=self._limits)
        self._puts = asyncio.Semaphore(MAX_PUTS)
        self._staged = Reservations[str]()

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(max_concurrent=MAX_PUTS, append=True, unsized_from=0)

    @override
    async def connect(self) -> None:
        session = await self._connection.session()
        # A disk may have gone since, and what lies on it would look lost.
        session.folders.discard(self._root)
        await self._find_root(session)

    @override
    async def close(self) -> None:
        await self._connection.close()
        if left := self._staged.in_use():
            # Without a connection they end by themselves, and at once.
            await asyncio.wait(left, timeout=CLOSE_TIMEOUT)

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if posixpath.dirname(path) != posixpath.dirname(temporary) or path == temporary:
            raise Rejected(f"{temporary!r} is no temporary name for {path!r}")
        remote, staged = self._remote(path), self._remote(temporary)
        async with (
            self._puts,
            open_source(source) as file,
            self._staged.reserved(staged) as discarding,
        ):
            session = await self._connection.session()
            upload = Upload(session, remote, staged)
            try:
                try:
                    await upload.run(file)
                except asyncssh.SFTPError as err:
                    error = await disk.explain(
                        session, err, f"write {path}", self._root
                    )
                    error.step = upload.step
                    raise await self._judged(session, error) from err
                except Rejected as err:
                    if err.step != CHECKING:
                        raise
                    raise await disk.explain_short(session, err, self._root) from err
            except BaseException:
                discard = asyncio.create_task(upload.discard())
                discarding.append(discard)
                await asyncio.wait({discard}, timeout=self._limits.cancel_timeout)
                raise
            return StoredFile(path=path, size=file.size)

    @override
    async def grow(self, path: str) -> GrowingFile:
        remote = self._remote(path)
        session = await self._connection.session()
        try:
            return await open_growing(session, self._root, remote, what=f"write {path}")
        except StorageError as err:
            raise await self._judged(session, err) from err

    @override
    async def stat(self, path: str) -> StoredFile | None:
        remote = self._remote(path)
        session = await self._connection.session()
        with answers_explained(f"look at {path}"):
            size = await files.find(session, remote)
        return None if size is None else StoredFile(path=path, size=size)

    @override
    async def delete(self, path: str) -> None:
        remote = self._remote(path)
        session = await self._connection.session()
        async with self._explained(session, f"delete {path}", needs_space=False):
            await files.remove(session, remote)

    @override
    async def make_folder(self, path: str) -> bool:
        remote = self._remote(path)
        session = await self._connection.session()
        async with self._explained(session, f"make the folder {path}"):
            return await folders.make_one_folder(session, remote)

    @override
    async def remove_folder(self, path: str) -> None:
        remote = self._remote(path)
        session = await self._connection.session()
        async with self._explained(
            session, f"remove the folder {path}", needs_space=False
        ):
            await folders.remove_folder(session, remote)

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        below = "/".join(path_segments(path)) if path else ""
        session = await self._connection.session()
        async with aclosing(listing.walk(session, self._root, below)) as found:
            with answers_explained(f"list {path or self._root}"):
                async for file in found:
                    yield file

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        remote = self._remote(path)
        session = await self._connection.session()
        async with aclosing(
            files.read(session, remote, start=start, length=length)
        ) as blocks:
            with answers_explained(f"read {path}"):
                async for block in blocks:
                    yield block

    @override
    async def free_space(self) -> int | None:
        session = await self._connection.session()
        await self._find_root(session)
        return await disk.free_space(session, self._root)

    @asynccontextmanager
    async def _explained(
        self, session: SftpSession, what: str, *, needs_space: bool = True
    ) -> AsyncGenerator[None]:
        """Turn a refused change into the `StorageError` of its cause."""
        try:
            yield
        except asyncssh.SFTPError as err:
            raise await disk.explain(
                session, err, what, self._root, needs_space=needs_space
            ) from err

    async def _find_root(self, session: SftpSession) -> None:
        """Make sure that the root is there, or say why it can't be."""
        try:
            async with self._explained(session, f"reach the folder {self._root}"):
                await folders.make_folder(session, self._root)
        except StorageError as err:
            error = await self._judged(session, err)
            if isinstance(error, Rejected):
                # It is about the destination as a whole.
                error = PermissionDenied(
                    str(error), hint=error.hint, about=error.about, said=error.said
                )
            error.step = FINDING
            raise error from err

    async def _judged(self, session: SftpSession, error: StorageError) -> StorageError:
        """Return the cause of a refused write: a root that is missing explains it."""
        if isinstance(error, (PermissionDenied, Rejected)) and error.step not in (
            CHECKING,
            RENAMING,
        ):
            with suppress(StorageError):
                if not await files.exists(session, self._root):
                    return PathNotFound(
                        f"{error}. The folder {self._root} does not exist and can't be "
                        "made: check the path, or make the folder on the server",
                        hint="folder_not_made",
                        said=error.said,
                    )
        return error

    def _remote(self, path: str) -> str:
        return posixpath.join(self._root, *path_segments(path))


def _normal_root(path: str) -> str:
    """Return the root without `~`, doubled and trailing slashes."""
    if path == "~" or path.startswith("~/"):
        path = path[1:].lstrip("/")
    if path.startswith("/"):
        path = "/" + path.lstrip("/")  # two slashes would be kept
    return posixpath.normpath(path) if path else "."
