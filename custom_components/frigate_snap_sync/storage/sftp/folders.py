"""Folders of an SFTP server, within one session."""

from contextlib import suppress
import posixpath

import asyncssh

from ..errors import Rejected
from .errors import MAYBE_EXISTS, NO_SUCH_FILE
from .session import SftpSession


async def make_folder(session: SftpSession, folder: str) -> None:
    """Make sure that a folder exists, and those above it.

    Asks about the folder itself alone, so no right to list is needed.
    Several may do so at once, here and elsewhere.
    """
    if folder in session.folders:
        return
    async with session.folder_lock:
        await _make_folder(session, folder)


async def _make_folder(session: SftpSession, folder: str) -> None:
    if folder in session.folders:
        return
    try:
        await make_one_folder(session, folder)
    except NO_SUCH_FILE:
        parent = posixpath.dirname(folder) or "."
        if parent == folder:
            raise
        await _make_folder(session, parent)
        await make_one_folder(session, folder)


async def make_one_folder(session: SftpSession, folder: str) -> bool:
    """Make a folder whose parent is there; tell whether it was missing."""
    try:
        with session.request():
            await session.client.mkdir(folder)
    except (
        asyncssh.SFTPPermissionDenied,
        asyncssh.SFTPOpUnsupported,
        *MAYBE_EXISTS,
    ) as err:
        await _expect_folder(session, folder, err)
        is_new = False
    else:
        is_new = True
    session.folders.add(folder)
    return is_new


async def remove_folder(session: SftpSession, folder: str) -> None:
    """Remove an empty folder; fine when there is none."""
    session.folders.discard(folder)
    with suppress(*NO_SUCH_FILE), session.request():
        await session.client.rmdir(folder)


async def _expect_folder(
    session: SftpSession, folder: str, refusal: asyncssh.SFTPError
) -> None:
    """Raise the refusal to make a folder, unless it is there."""
    try:
        with session.request():
            attributes = await session.client.stat(folder)
    except NO_SUCH_FILE:
        raise refusal from None
    if attributes.type not in (
        asyncssh.FILEXFER_TYPE_DIRECTORY,
        asyncssh.FILEXFER_TYPE_UNKNOWN,
    ):
        raise Rejected(f"{folder} is no folder", hint="no_folder", about=folder)
