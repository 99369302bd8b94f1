"""What an SFTP server knows of its disk, and what of a failure that explains."""

from contextlib import suppress
from typing import Final

import asyncssh

from ..base import MAX_SIZE
from ..errors import NoSpace, PermissionDenied, Rejected, StorageError
from .errors import answer_error
from .session import SftpSession

FULL: Final = 16 * 1024 * 1024
"""Free bytes below which a failure without a reason counts as a full disk."""


async def free_space(session: SftpSession, folder: str) -> int | None:
    """Return the free bytes, or None if the server does not know or can't be right."""
    status = await _ask(session, folder)
    return None if status is None or _free(status) > MAX_SIZE else _free(status)


async def explain(
    session: SftpSession,
    err: asyncssh.SFTPError,
    what: str,
    folder: str,
    *,
    needs_space: bool = True,
) -> StorageError:
    """Return the cause of a refusal to do `what`, asking the server once more.

    Of a full disk, and of one that is read-only, OpenSSH says just "Failure".
    """
    error = answer_error(err, what)
    if not (isinstance(err, asyncssh.SFTPFailure) and isinstance(error, Rejected)):
        return error
    return await _judge(session, error, folder, needs_space=needs_space)


async def explain_short(
    session: SftpSession, error: Rejected, folder: str
) -> StorageError:
    """Return the cause of a file of which the server has not every byte.

    ProFTPD takes a write that the disk has no space for without a word.
    """
    return await _judge(session, error, folder, needs_space=True)


async def _judge(
    session: SftpSession, error: Rejected, folder: str, *, needs_space: bool
) -> StorageError:
    """Return what is wrong with the disk, the error itself if nothing is."""
    cause: StorageError = error
    with suppress(StorageError):
        status = await _ask(session, folder)
        if status is None:
            return error
        if status.flags & asyncssh.FXE_STATVFS_ST_RDONLY:
            cause = PermissionDenied(
                f"{error}; its file system is read-only",
                hint="read_only",
                said=error.said,
            )
        elif needs_space and (_free(status) < FULL or not _has_place(status)):
            cause = NoSpace(f"{error}; {_free(status)} bytes are free", said=error.said)
    cause.step = error.step
    return cause


async def _ask(session: SftpSession, folder: str) -> asyncssh.SFTPVFSAttrs | None:
    try:
        with session.request():
            return await session.client.statvfs(folder)
    except asyncssh.SFTPError:
        return None


def _free(status: asyncssh.SFTPVFSAttrs) -> int:
    return status.bavail * status.frsize


def _has_place(status: asyncssh.SFTPVFSAttrs) -> bool:
    """Tell whether a new file has a place in the index, where there is one."""
    return status.favail > 0 or status.files == 0
