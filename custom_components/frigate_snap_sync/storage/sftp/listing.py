"""What lies on an SFTP server, listed within one session."""

from collections.abc import AsyncGenerator, AsyncIterator
import posixpath
from typing import Final, cast

import asyncssh

from ..base import MAX_DEPTH, StoredFile
from ..errors import Rejected
from .errors import NO_SUCH_FILE
from .files import leave
from .session import SftpSession

MAX_ENTRIES: Final = 1_000_000
"""Files and folders that `walk` looks at: some hundred times what lies there."""


async def walk(
    session: SftpSession, root: str, below: str, *, max_entries: int = MAX_ENTRIES
) -> AsyncGenerator[StoredFile]:
    """Yield every plain file below a folder; follow no symbolic link.

    Raises `Rejected` after so many files and folders: a server may never end.
    """
    folders, count = [below], 0
    while folders:
        folder = folders.pop()
        names = cast(
            AsyncGenerator[asyncssh.SFTPName],
            session.client.scandir(posixpath.join(root, folder)),
        )
        try:
            while (name := await _next_name(session, names)) is not None:
                count += 1
                if count > max_entries:
                    raise Rejected(f"The server lists more than {max_entries} names")
                if name.filename in (".", ".."):
                    continue
                path = posixpath.join(folder, cast(str, name.filename))
                attributes = name.attrs
                if attributes.type == asyncssh.FILEXFER_TYPE_DIRECTORY:
                    if path.count("/") < MAX_DEPTH:
                        folders.append(path)
                elif attributes.type == asyncssh.FILEXFER_TYPE_REGULAR:
                    yield StoredFile(path=path, size=attributes.size or 0)
        finally:
            await leave(session, names.aclose)


async def _next_name(
    session: SftpSession, names: AsyncIterator[asyncssh.SFTPName]
) -> asyncssh.SFTPName | None:
    """Return the next name, or None at the end or where there is no folder."""
    try:
        with session.request():
            return await anext(names, None)
    except NO_SUCH_FILE:
        return None
