"""What asyncssh raises, by cause."""

import errno
import socket

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
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
from custom_components.frigate_snap_sync.storage.sftp.errors import (
    answer_error,
    connect_error,
)


@pytest.mark.parametrize(
    ("err", "cause", "text"),
    [
        (TimeoutError(), ConnectTimeout, "nas:22 did not answer in time"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            Unreachable,
            "The name nas can't be resolved: Name or service not known",
        ),
        (
            OSError(errno.EHOSTUNREACH, "Connect call failed ('10.0.0.1', 22)"),
            Unreachable,
            "Connecting to nas:22 failed: No route to host",
        ),
        (
            OSError("Multiple exceptions: a, b"),
            Unreachable,
            "Connecting to nas:22 failed: Multiple exceptions: a, b",
        ),
        (
            asyncssh.PermissionDenied("Permission denied for user u"),
            AuthFailed,
            "nas:22 refused the login: it asked for neither the password nor the key"
            " that is set up",
        ),
        (
            asyncssh.ProtocolError("Too many authentication failures"),
            AuthFailed,
            "nas:22 refused the login: Too many authentication failures",
        ),
        (
            asyncssh.ProtocolError("Unexpected packet"),
            Unreachable,
            "nas:22 broke the connection: Unexpected packet",
        ),
        (
            asyncssh.HostKeyNotVerifiable("Host key is not trusted"),
            HostKeyChanged,
            "The host key of nas:22 is not the pinned one",
        ),
        (
            asyncssh.KeyExchangeFailed("No matching cipher"),
            NoSftp,
            "nas:22 offers no usable SFTP: No matching cipher",
        ),
        (
            asyncssh.ConnectionLost("Connection lost"),
            Unreachable,
            "nas:22 hung up before the login. It may limit connections or block this"
            " address",
        ),
        (
            ValueError("a secret"),
            Unusable,
            "nas:22 is no address, or the user name is no name",
        ),
        (
            asyncssh.Error(99, "Odd"),
            Unreachable,
            "Connecting to nas:22 failed: Error",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_connect_error(err: Exception, cause: type[StorageError], text: str) -> None:
    """The cause of a failed login, in words."""
    error = connect_error(err, "nas", 22)
    assert type(error) is cause
    assert str(error) == text


@pytest.mark.parametrize(
    ("err", "cause", "reason"),
    [
        (asyncssh.SFTPPermissionDenied("Denied"), PermissionDenied, "Denied"),
        (asyncssh.SFTPWriteProtect("Read-only"), PermissionDenied, "Read-only"),
        (asyncssh.SFTPNoSpaceOnFilesystem("Full"), NoSpace, "Full"),
        (asyncssh.SFTPQuotaExceeded("Too much"), NoSpace, "Too much"),
        (asyncssh.SFTPFailure("No space left on device"), NoSpace, "No space left on"),
        # ProFTPD; SFTPGo; Windows; Linux of a quota; a quota told as a refusal.
        (asyncssh.SFTPFailure("Out of disk space"), NoSpace, "Out of"),
        (
            asyncssh.SFTPFailure("denying write due to space limit"),
            NoSpace,
            "denying write",
        ),
        (
            asyncssh.SFTPFailure("There is not enough space on the disk."),
            NoSpace,
            "There is not enough",
        ),
        *(
            (asyncssh.SFTPFailure(text), NoSpace, text)
            for text in (
                *("Not enough free space", "Insufficient free space"),
                *("no free disk space", "disk space exhausted"),
            )
        ),
        (asyncssh.SFTPFailure("Disk quota exceeded"), NoSpace, "Disk quota"),
        (asyncssh.SFTPPermissionDenied("Over quota."), NoSpace, "Over quota."),
        (asyncssh.SFTPFailure("The disk is full"), NoSpace, "The disk"),
        (asyncssh.SFTPFailure("insufficient\nstorage"), NoSpace, "insufficient"),
        # A path is no cause.
        (asyncssh.SFTPFailure("open /srv/quota/x: exists"), Rejected, "open"),
        (asyncssh.SFTPFailure("Permission denied"), PermissionDenied, "Permission"),
        (asyncssh.SFTPFailure("Access is denied."), PermissionDenied, "Access"),
        (
            asyncssh.SFTPFailure("Read-only file system"),
            PermissionDenied,
            "Read-only",
        ),
        (
            asyncssh.SFTPFailure("Operation not permitted"),
            PermissionDenied,
            "Operation",
        ),
        (asyncssh.SFTPFailure("Failure"), Rejected, "Failure"),
        (asyncssh.SFTPFailure(""), Rejected, "SFTPFailure"),
        (asyncssh.SFTPNoSuchFile("No such file"), Rejected, "No such file"),
    ],
)
def test_answer_error(
    err: asyncssh.SFTPError, cause: type[StorageError], reason: str
) -> None:
    """The cause of a refusal, by its code and, where that says nothing, its text."""
    error = answer_error(err, "write x")
    assert type(error) is cause
    assert str(error).startswith(f"Failed to write x: {reason}")


def test_a_server_s_words_are_cut() -> None:
    """An error is one line of bounded length, whatever a server says."""
    error = answer_error(asyncssh.SFTPFailure("a\nb\r\0" + "x" * 10**6), "write x")
    assert str(error).startswith("Failed to write x: a b ")
    assert len(str(error)) < 250
