"""A file on an SFTP server that grows."""

import asyncio
import posixpath
from typing import override

import asyncssh

from ..growing import AlreadyThere, GrowingFile
from ..outlasting import outlast
from . import disk, files, folders
from .errors import MAYBE_EXISTS
from .session import SftpSession


async def open_growing(
    session: SftpSession, root: str, remote: str, *, what: str
) -> SftpGrowingFile:
    """Open a new file at a full path, where nothing may lie. Raises as `grow` does."""
    # A task: one that is cancelled half-way would leave an open file.
    opening = asyncio.create_task(_open(session, remote, what, root))
    try:
        await outlast(opening)
    except asyncio.CancelledError:
        await asyncio.wait({opening}, timeout=session.limits.cancel_timeout)
        if opening.done() and opening.exception() is None:
            await files.leave(session, opening.result().close)
        raise
    return SftpGrowingFile(session, opening.result(), root, what)


async def _open(
    session: SftpSession, remote: str, what: str, root: str
) -> files.RemoteFile:
    try:
        await folders.make_folder(session, posixpath.dirname(remote) or ".")
        return await files.create_new(session, remote)
    except asyncssh.SFTPError as err:
        if isinstance(err, MAYBE_EXISTS):
            if await files.exists(session, remote):
                raise AlreadyThere(f"Failed to {what}: it is there already") from err
        raise await disk.explain(session, err, what, root) from err


class SftpGrowingFile(GrowingFile):
    """An open file of one session: it ends with it."""

    def __init__(
        self, session: SftpSession, file: files.RemoteFile, root: str, what: str
    ) -> None:
        """Own the open file from now on."""
        self._session = session
        self._file = file
        self._root = root
        self._what = what

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        try:
            await files.write(self._session, self._file, data, at)
        except asyncssh.SFTPError as err:
            raise await disk.explain(
                self._session, err, self._what, self._root
            ) from err

    @override
    async def close(self) -> int:
        try:
            return await files.finish(self._session, self._file)
        except asyncssh.SFTPError as err:
            raise await disk.explain(
                self._session, err, self._what, self._root
            ) from err
