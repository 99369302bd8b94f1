"""One file on its way to an SFTP server."""

import asyncio
import posixpath
from typing import Final

import asyncssh

from ..errors import CHECKING, MAKING, RENAMING, Rejected
from ..source import OpenSource
from . import files, folders
from .session import SftpSession

RENAME_TRIES: Final = 3
"""Attempts to rename a file whose forerunner is removed already."""


class Upload:
    """Sends a file under a temporary name and gives it its final one.

    `run` once; when it raises, `discard` cleans up. Steps that must not be left
    half-way by a cancellation are tasks of their own; `discard` waits for them.
    """

    def __init__(self, session: SftpSession, path: str, temporary: str) -> None:
        """Take full remote paths; ask nothing yet."""
        self.step: str | None = None
        """What is done now, besides writing; as in `StorageError.step`."""
        self._session = session
        self._path = path
        self._temporary = temporary
        self._creating: asyncio.Task[files.RemoteFile] | None = None
        self._finishing: asyncio.Task[None] | None = None
        self._only_copy = False
        self._is_closed = False

    async def run(self, source: OpenSource) -> None:
        """Send, prove and rename.

        Raises `StorageError`, or `asyncssh.SFTPError` when the server refuses.
        """
        session = self._session
        self.step = MAKING
        await folders.make_folder(session, posixpath.dirname(self._path) or ".")
        self.step = None
        self._creating = asyncio.create_task(files.create(session, self._temporary))
        await asyncio.wait({self._creating})
        file = self._creating.result()
        sent = await files.send(session, file, source)
        if sent != source.size:
            raise Rejected(f"The source has {source.size} bytes, {sent} could be read")
        self.step = CHECKING
        await files.prove(session, file, sent, close=self._close)
        self.step = RENAMING
        self._finishing = asyncio.create_task(self._finish())
        await asyncio.wait({self._finishing})
        self._finishing.result()

    async def discard(self) -> None:
        """Close and remove the temporary file, as far as the server answers."""
        if self._creating is None:
            return
        await asyncio.wait({self._creating})
        if self._creating.exception() is not None:
            return
        if self._finishing is not None:
            await asyncio.wait({self._finishing})
            if self._only_copy or self._finishing.exception() is None:
                return
        # No timeout: the session itself gives up a server that is silent.
        await files.leave(self._session, self._close, is_urgent=False)
        await files.leave(self._session, self._remove, is_urgent=False)

    async def _close(self) -> None:
        """Close the file, once, whatever comes of it.

        A server may have released a handle although it says that closing failed,
        and have given its number to another file, which we would close then.
        """
        if self._creating is not None and not self._is_closed:
            self._is_closed = True
            with self._session.request():
                await self._creating.result().close()

    async def _remove(self) -> None:
        await self._session.client.remove(self._temporary)

    async def _finish(self) -> None:
        """Rename, also where the server can't replace a file.

        There the old file is removed first, with the new one complete beside
        it. For that moment, one round trip, nothing has the final name. If the
        rename fails then, the temporary file is the only copy and stays.
        """
        session = self._session
        if await files.rename(session, self._temporary, self._path):
            return
        await files.remove(session, self._path)
        self._only_copy = True
        for attempt in range(1, RENAME_TRIES + 1):
            try:
                if await files.rename(session, self._temporary, self._path):
                    return
            except asyncssh.SFTPError:
                if attempt == RENAME_TRIES:
                    raise
        raise Rejected(f"Something else takes the name {self._path} again and again")
