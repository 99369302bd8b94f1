"""What asyncssh raises, by cause."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import re
import socket
from typing import Final

import asyncssh
from asyncssh import constants
from asyncssh.packet import PacketDecodeError

from ..errors import (
    CONNECTING,
    LOGGING_IN,
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
from ..texts import brief, says_full
from .guard import HostileServer

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

NONSENSE = (ArithmeticError, LookupError, MemoryError, TypeError, ValueError)
"""What asyncssh raises where an answer has values that can't be."""

_DENIED = (
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPWriteProtect,
    asyncssh.SFTPCannotDelete,
)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_DENIED_TEXTS: Final = re.compile(
    r"permission denied|access (is )?denied|not permitted|read[ -]?only"
    r"|write[ -]?protect"
)


_OUR_FINDINGS: Final = (
    asyncssh.CompressionError,
    asyncssh.HostKeyNotVerifiable,
    asyncssh.KeyExchangeFailed,
    asyncssh.MACError,
    HostileServer,
)
"""How a connection ends that is no message about the login."""

_ALL_TRIED: Final = "Permission denied for user"
"""How asyncssh says that nothing is left to log in with; no words of the server."""

_LIMITED: Final = re.compile(r"MaxStartups|Not allowed at this time|(?i:too many)")
"""What OpenSSH says before it hangs up on one connection too many."""

_OUTDATED: Final = re.compile(
    r"No matching (.+) algorithm found.* received (.*)", re.DOTALL
)
"""How asyncssh says that a server has nothing in common with us."""

_METHODS: Final = {
    "key exchange": "key exchanges",
    "encryption": "ciphers",
    "MAC": "MACs",
}


def answer_error(err: asyncssh.SFTPError, what: str) -> StorageError:
    """Return the cause of a server's refusal to do `what`."""
    said = brief(err.reason)
    text = f"Failed to {what}: {said or type(err).__name__}"
    # A version 3 server has but one code for most failures, and its text.
    reason = said.lower()
    if isinstance(err, _FULL) or says_full(reason):
        return NoSpace(text, said=said)
    if isinstance(err, _DENIED) or _DENIED_TEXTS.search(reason):
        return PermissionDenied(text, said=said)
    return Rejected(text, said=said)


@contextmanager
def answers_explained(what: str) -> Iterator[None]:
    """Turn a server's refusal to do `what` into the `StorageError` of its cause."""
    try:
        yield
    except asyncssh.SFTPError as err:
        raise answer_error(err, what) from err


def connect_error(
    err: Exception,
    host: str,
    port: int,
    *,
    greeting: bytes = b"",
    foreign_keys: str = "",
    credentials_sent: bool = False,
) -> StorageError:
    """Return the cause of a failed attempt to connect or to log in.

    `greeting` is how the server's first words begin, `foreign_keys` are the kinds
    of its host keys if all of them are foreign to us, `credentials_sent` tells
    whether it got a password or a key.
    """
    where = f"{host}:{port}"
    error = None
    if credentials_sent:
        error = _login_error(err, where)
    elif isinstance(err, (TimeoutError, asyncssh.DisconnectError, ConnectionError)):
        error = (
            _outdated("host keys", foreign_keys, where)
            if foreign_keys
            else _greeting_error(greeting.decode(errors="replace"), where)
        )
    error = error or _connect_error(err, host, port)
    error.step = LOGGING_IN if credentials_sent else CONNECTING
    return error


def is_bare_loss(err: Exception) -> bool:
    """Tell whether a connection ended without a word."""
    return isinstance(err, (asyncssh.ConnectionLost, OSError)) and not isinstance(
        err, TimeoutError
    )


def silent_refusal(host: str, port: int) -> AuthFailed:
    """Return the cause of logins that the server only hangs up on."""
    error = AuthFailed(
        f"{host}:{port} hangs up on every login. That is how some servers refuse one",
        hint="always_hangs_up",
    )
    error.step = LOGGING_IN
    return error


def _login_error(err: Exception, where: str) -> StorageError | None:
    """Return what the end of a connection means that has got our credentials."""
    match err:
        case TimeoutError():
            return ConnectTimeout(f"{where} did not answer the login in time")
        case asyncssh.PermissionDenied() if _ALL_TRIED in err.reason:
            return AuthFailed(f"{where} refused the login")
        case _ if is_bare_loss(err):
            return Unreachable(
                f"{where} hung up during the login. It may have refused it",
                hint="hung_up_in_login",
            )
        case asyncssh.DisconnectError() if (
            err.code != constants.DISC_TOO_MANY_CONNECTIONS
            and not isinstance(err, _OUR_FINDINGS)
        ):
            # A message: ProFTPD's, or OpenSSH's "Too many authentication failures".
            return _refused(err.reason, where)
    return None


def _refused(reason: str, where: str) -> AuthFailed:
    said = brief(reason)
    return AuthFailed(f"{where} refused the login: {said}", said=said)


def _greeting_error(greeting: str, where: str) -> StorageError | None:
    """Return what a server's first words mean, unless they are those of SSH."""
    said = brief(greeting)
    if not said or re.search(r"^SSH-", greeting, re.MULTILINE):
        return None
    if _LIMITED.search(said):
        return _limit(said, where)
    if greeting.startswith("220"):
        return NoSftp(
            f"An FTP server answers at {where} (“{said}”), and FTP is not SFTP. Use the "
            "port of SSH there, which is mostly 22",
            hint="ftp_server",
            said=said,
        )
    if greeting.startswith("HTTP/"):
        kind = "A web server answers"
    elif greeting.startswith("\x15\x03"):
        kind = "A server for TLS answers"
    else:
        return Unreachable(
            f"What answers at {where} is no SSH server (“{said}”). Use the port of SSH "
            "there, which is mostly 22",
            hint="no_ssh",
            said=said,
        )
    return Unreachable(
        f"{kind} at {where}. Use the port of SSH there, which is mostly 22",
        hint="no_ssh",
    )


def _outdated(what: str, offered: str, where: str) -> NoSftp:
    """Return the cause of a server that has nothing in common with us."""
    advice = " or give it an ed25519 key" if what == "host keys" else ""
    return NoSftp(
        f"{where} offers no usable SFTP: of {what} it has only outdated ones "
        f"({brief(offered)}). Update its SSH server{advice}",
        hint="outdated_host_keys" if advice else "outdated_ssh",
        about=brief(offered),
    )


def _limit(said: str, where: str) -> Unreachable:
    return Unreachable(
        f"{where} takes no more connections at the moment (“{said}”). It limits "
        "them, such as by MaxStartups or PerSourcePenalties of OpenSSH",
        hint="connection_limit",
        said=said,
    )


def _connect_error(err: Exception, host: str, port: int) -> StorageError:
    where = f"{host}:{port}"
    match err:
        case TimeoutError():
            return ConnectTimeout(f"{where} did not answer in time")
        case socket.gaierror():
            return Unreachable(
                f"The name {host} can't be resolved: {err.strerror}",
                hint="unknown_host",
            )
        case ConnectionResetError() | BrokenPipeError() | asyncssh.ConnectionLost():
            return Unreachable(
                f"{where} hung up before the login. It may limit connections or block "
                "this address",
                hint="hung_up_before_login",
            )
        case OSError():
            # Of its number, not its own text: asyncio puts the address there.
            reason = brief(os.strerror(err.errno) if err.errno else str(err))
            return Unreachable(f"Connecting to {where} failed: {reason}", said=reason)
        case asyncssh.PermissionDenied():
            return AuthFailed(
                f"{where} refused the login: it asked for neither the password nor the "
                "key that is set up",
                hint="no_login_method",
            )
        case asyncssh.ProtocolError() if "authentication" in err.reason.lower():
            # OpenSSH's "Too many authentication failures" has no code of its own.
            return _refused(err.reason, where)
        case asyncssh.IllegalUserName():
            return _refused(err.reason, where)
        case asyncssh.HostKeyNotVerifiable():
            return HostKeyChanged(f"The host key of {where} is not the pinned one")
        case asyncssh.KeyExchangeFailed() if found := _OUTDATED.search(err.reason):
            kind, offered = found.groups()
            return _outdated(_METHODS.get(kind, kind), offered, where)
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported():
            said = brief(err.reason)
            return NoSftp(f"{where} offers no usable SFTP: {said}", said=said)
        case asyncssh.DisconnectError() | asyncssh.ChannelOpenError():
            said = brief(err.reason)
            if err.code == constants.DISC_TOO_MANY_CONNECTIONS:
                return _limit(said, where)
            return Unreachable(f"{where} broke the connection: {said}", said=said)
        case ValueError() | OverflowError():
            # Not its text, which may quote what was asked for.
            return Unusable(f"{where} is no address, or the user name is no name")
        case _:
            return Unreachable(f"Connecting to {where} failed: {type(err).__name__}")
