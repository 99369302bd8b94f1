"""Starting SFTP on a connection that is logged in, or saying why it can't be."""

import asyncio
from contextlib import suppress
from typing import Final, cast

import asyncssh
from asyncssh import constants, sftp

from ..errors import STARTING, NoSftp, StorageError, Unreachable
from ..texts import brief
from .guard import OversizedPacket, SftpReader, SftpWriter, TextForSftp

_VERSION: Final = 3
"""Of the protocol: what nearly all servers speak."""

_END_TIMEOUT: Final = 1.0
"""Seconds for a channel that ended to say how."""


async def start_sftp(
    connection: asyncssh.SSHClientConnection, where: str
) -> asyncssh.SFTPClient:
    """Open the SFTP channel; `where` names the server in errors.

    Its packets are bounded, and file names that are no UTF-8 come and go as they
    are. Raises `StorageError`, or `asyncssh.Error` and OSError when the connection
    is lost.
    """
    try:
        writer, reader, errors = await connection.open_session(
            subsystem="sftp", encoding=None
        )
    except asyncssh.ChannelOpenError as err:
        if connection.is_closed():
            raise
        raise _not_opened(err, where) from err
    try:
        # As `connection.start_sftp_client` does, but with streams of our own, and for
        # servers whose texts are no UTF-8.
        return await sftp.start_sftp_client(
            connection,
            asyncio.get_running_loop(),
            "replace",
            SftpReader(reader),
            SftpWriter(writer),
            "utf-8",
            "surrogateescape",
            _VERSION,
        )
    except TextForSftp as err:
        said = brief(err.text)
        shown = f"“{said}”" if said else "an empty line"
        raise _failed(
            NoSftp(
                f"{where} sends text where SFTP should begin ({shown}). "
                "Let what greets at login, such as .bashrc or .profile, print nothing "
                "when no terminal is attached, or use a user whose shell allows SFTP",
                hint="text_for_sftp",
                said=said,
            )
        ) from err
    except OversizedPacket as err:
        raise _failed(NoSftp(f"{where} speaks no SFTP: {err.reason}")) from err
    except asyncssh.SFTPBadMessage as err:
        raise _failed(
            NoSftp(
                f"{where} offers no usable SFTP: {brief(err.reason)}",
                said=brief(err.reason),
            )
        ) from err
    except asyncssh.SFTPError as err:
        ended = await _how_it_ended(
            cast("asyncssh.SSHClientChannel[bytes]", writer.channel), errors
        )
        if connection.is_closed():
            raise
        raise _failed(
            Unreachable(
                f"{where} let us in, but its SFTP channel ended: {brief(err.reason)}",
                hint="sftp_channel_ended",
                said=brief(err.reason),
            )
            if ended is None
            else NoSftp(
                f"{where} let us in, but its SFTP program ended at once "
                f"({': '.join(filter(None, ended))}). "
                "See that SFTP is installed and enabled there, that the user's shell "
                "allows it, and that a ChrootDirectory, and the folders above, belong to "
                "root and are writable by root alone",
                hint="sftp_program_ended",
                about=ended[0].rpartition(" ")[2],
                said=ended[1],
            )
        ) from err


def _not_opened(err: asyncssh.ChannelOpenError, where: str) -> StorageError:
    if err.code == constants.OPEN_REQUEST_SESSION_FAILED:
        return _failed(
            NoSftp(
                f"{where} let us in, but offers no SFTP. Enable it there: for OpenSSH "
                "a line “Subsystem sftp internal-sftp” in sshd_config",
                hint="sftp_is_off",
            )
        )
    return _failed(
        Unreachable(
            f"{where} let us in, but opened no session for SFTP ({brief(err.reason)}). It "
            "may limit sessions, such as by MaxSessions of OpenSSH, or allow this user none",
            hint="no_session",
            said=brief(err.reason),
        )
    )


def _failed(error: StorageError) -> StorageError:
    error.step = STARTING
    return error


async def _how_it_ended(
    channel: asyncssh.SSHClientChannel[bytes], errors: asyncssh.SSHReader[bytes]
) -> tuple[str, str] | None:
    """Return how the program failed, and what it said; None if it did not fail."""
    said = b""
    with suppress(TimeoutError, asyncssh.Error, OSError):
        async with asyncio.timeout(_END_TIMEOUT):
            said = await errors.read(1024)
            await channel.wait_closed()
    status, signal = channel.get_exit_status(), channel.get_exit_signal()
    if not status and signal is None:
        return None
    how = f"exit status {status}" if signal is None else f"signal {brief(signal[0])}"
    return how, brief(said.decode(errors="replace"))
