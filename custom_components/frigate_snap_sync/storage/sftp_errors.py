"""What asyncssh raises, told by cause."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import re
import socket
from typing import Final

import asyncssh
from asyncssh.packet import PacketDecodeError

from .base import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    NoSftp,
    NoSpace,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
    Unusable,
)

NO_SUCH_FILE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
"""How a server says that there is no such file or folder."""

MAYBE_EXISTS = (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists)
"""How a server says, or may mean, that something of that name exists.

Version 3 of the protocol, which nearly all servers speak, has no code for it.
"""

CONNECTION_LOST = (
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
    asyncssh.DisconnectError,
    asyncssh.ChannelOpenError,
    PacketDecodeError,
    OSError,
    EOFError,
)
"""What a request ends with when the connection is gone, or talks nonsense."""

MAX_REASON: Final = 200
"""Characters of a server's own words that an error repeats."""

_DENIED = (
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPWriteProtect,
    asyncssh.SFTPCannotDelete,
)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_FULL_TEXTS: Final = re.compile(
    # ProFTPD, SFTPGo ("denying write due to space limit"), Windows ("There is not
    # enough space on the disk."), Linux's ENOSPC and EDQUOT.
    r"no space|out of (disk )?space|not enough (disk )?space|space limit"
    r"|insufficient (disk |storage )?space|insufficient storage|no free space"
    r"|(disk|volume|storage|file ?system) (is )?full"
    r"|(?<![\w/.-])quota(?![\w/-])"
)
"""A full disk, or what may be used of it, in the words of servers."""
_DENIED_TEXTS: Final = re.compile(
    r"permission denied|access (is )?denied|not permitted|read[ -]?only"
    r"|write[ -]?protect"
)


def brief(reason: str) -> str:
    """Return a server's words on one line of bounded length."""
    return " ".join(reason.split())[:MAX_REASON]


def answer_error(err: asyncssh.SFTPError, what: str) -> StorageError:
    """Return the cause of a server's refusal to do `what`."""
    text = f"Failed to {what}: {brief(err.reason) or type(err).__name__}"
    # A version 3 server has but one code for most failures, and its text.
    reason = brief(err.reason).lower()
    if isinstance(err, _FULL) or _FULL_TEXTS.search(reason):
        return NoSpace(text)
    if isinstance(err, _DENIED) or _DENIED_TEXTS.search(reason):
        return PermissionDenied(text)
    return Rejected(text)


@contextmanager
def answers_explained(what: str) -> Iterator[None]:
    """Turn a server's refusal to do `what` into the `StorageError` of its cause."""
    try:
        yield
    except asyncssh.SFTPError as err:
        raise answer_error(err, what) from err


def connect_error(err: Exception, host: str, port: int) -> StorageError:
    """Return the cause of a failed attempt to connect or to log in."""
    where = f"{host}:{port}"
    match err:
        case TimeoutError():
            return ConnectTimeout(f"{where} did not answer in time")
        case socket.gaierror():
            return Unreachable(f"The name {host} can't be resolved: {err.strerror}")
        case OSError():
            # Of its number, not its own text: asyncio puts the address there.
            reason = os.strerror(err.errno) if err.errno else str(err)
            return Unreachable(f"Connecting to {where} failed: {reason}")
        case asyncssh.PermissionDenied():
            return AuthFailed(f"{where} refused the log-in")
        case asyncssh.ProtocolError() if "authentication" in err.reason.lower():
            # OpenSSH's "Too many authentication failures" has no code of its own.
            return AuthFailed(f"{where} refused the log-in: {brief(err.reason)}")
        case asyncssh.HostKeyNotVerifiable():
            return HostKeyChanged(f"The host key of {where} is not the pinned one")
        case (
            asyncssh.KeyExchangeFailed()
            | asyncssh.ProtocolNotSupported()
            | asyncssh.ChannelOpenError()
            | asyncssh.SFTPError()
        ):
            return NoSftp(f"{where} offers no usable SFTP: {brief(err.reason)}")
        case asyncssh.DisconnectError():
            return Unreachable(f"{where} broke the connection: {brief(err.reason)}")
        case ValueError() | OverflowError():
            # Not its text, which may quote what was asked for.
            return Unusable(f"{where} is no address, or the user name is no name")
        case _:
            return Unreachable(f"Connecting to {where} failed: {type(err).__name__}")
