"""Logging in to an SFTP server, once for all who want to use it."""

import asyncio
from dataclasses import dataclass, field
import os
from typing import Final

import asyncssh

from ..errors import STARTING, ConnectTimeout, NoSftp, StorageError, Unreachable
from ..limits import Limits
from ..texts import brief
from .ciphers import preferred_ciphers
from .errors import (
    CONNECTION_LOST,
    NONSENSE,
    connect_error,
    is_bare_loss,
    silent_refusal,
)
from .guard import Door
from .host_keys import (
    algorithms_for,
    describe_host_key,
    foreign_keys,
    host_key_changed,
    load_public_key,
)
from .login import LoginClient
from .login_keys import load_private_key
from .session import SftpSession, give_up
from .start import start_sftp


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpSettings:
    """Where an SFTP server is, who we are there, and which server it must be.

    `host_key` is the pinned `HostKey.line`. `path` is the root folder; one that
    is not absolute begins at the user's home folder, as does `~/…`.
    """

    host: str
    port: int = 22
    username: str
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    path: str
    host_key: str


MAX_LOSSES: Final = 2
"""Connections lost in a row, each right after the credentials, that are a refusal.

Dropbear and ProFTPD refuse so. A server that dies looks the same, but hardly twice.
"""


class SftpConnection:
    """The one kept connection to a server.

    Whoever comes while a login is under way waits for that one and shares its
    success or failure; so a server is never asked by many at once.
    """

    def __init__(self, settings: SftpSettings, *, limits: Limits) -> None:
        """Keep the settings."""
        self._settings = settings
        self._limits = limits
        self._keys: tuple[asyncssh.SSHKey, asyncssh.SSHKey | None] | None = None
        self._session: SftpSession | None = None
        self._opening: asyncio.Task[SftpSession] | None = None
        self._waiting = 0
        self._losses = 0

    async def session(self) -> SftpSession:
        """Return the session, made again if it was lost; raises `StorageError`."""
        if self._session is not None and self._session.usable:
            return self._session
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._opened)
        opening = self._opening
        self._waiting += 1
        try:
            await asyncio.wait({opening})
        finally:
            self._waiting -= 1
            if not self._waiting and not opening.done():
                # It is not wanted any more; who comes now starts over.
                opening.cancel()
                self._opening = None
        if opening.cancelled():
            raise Unreachable("The destination was closed meanwhile")
        return opening.result()

    async def close(self) -> None:
        """Let go of the connection, or of the attempt to make one."""
        if (opening := self._opening) is not None:
            opening.cancel()
            await asyncio.wait({opening}, timeout=1)
        if (session := self._session) is not None:
            self._session = None
            await session.close()

    def _opened(self, opening: asyncio.Task[SftpSession]) -> None:
        if self._opening is opening:
            self._opening = None
        if not opening.cancelled():
            opening.exception()  # retrieved: those who wait may all be gone

    async def _open(self) -> SftpSession:
        if (lost := self._session) is not None:
            self._session = None
            await lost.close()
        host_key, private_key = await self._load_keys()
        connection = await self._log_in(host_key, private_key)
        try:
            async with asyncio.timeout(self._limits.connect_timeout):
                sftp = await start_sftp(connection, self._where)
                round_trip = await _round_trip(sftp)
        except BaseException as err:
            await give_up(connection)
            if isinstance(err, (asyncssh.Error, OSError, *NONSENSE)):
                raise self._start_error(err) from err
            raise
        self._session = SftpSession(
            connection, sftp, round_trip=round_trip, limits=self._limits
        )
        return self._session

    async def _load_keys(self) -> tuple[asyncssh.SSHKey, asyncssh.SSHKey | None]:
        if self._keys is None:
            settings = self._settings
            host_key = await asyncio.to_thread(load_public_key, settings.host_key)
            private_key = None
            if settings.private_key:
                private_key = await load_private_key(
                    settings.private_key, settings.passphrase
                )
            self._keys = host_key, private_key
        return self._keys

    async def _log_in(
        self, host_key: asyncssh.SSHKey, private_key: asyncssh.SSHKey | None
    ) -> asyncssh.SSHClientConnection:
        """Connect and log in, with nothing of the machine's own SSH set-up."""
        settings = self._settings
        client = LoginClient(password=settings.password, private_key=private_key)
        door = Door()
        ciphers = await asyncio.to_thread(preferred_ciphers)
        try:
            async with asyncio.timeout(self._limits.connect_timeout):
                connection = await asyncssh.connect(
                    settings.host,
                    settings.port,
                    tunnel=door,
                    username=settings.username,
                    client_factory=lambda: client,
                    client_keys=None,
                    known_hosts=([host_key], [], []),
                    server_host_key_algs=algorithms_for(host_key),
                    encryption_algs=list(ciphers),
                    compression_algs=["none"],
                    preferred_auth="publickey,password,keyboard-interactive",
                    config=None,
                    agent_path=None,
                    gss_host=None,
                    gss_kex=False,
                    gss_auth=False,
                    host_based_auth=False,
                    x509_trusted_certs=None,
                    x509_trusted_cert_paths=None,
                    login_timeout=0,
                    keepalive_interval=self._limits.keepalive_interval,
                    keepalive_count_max=self._limits.keepalive_count,
                )
        except asyncssh.HostKeyNotVerifiable as err:
            self._losses = 0
            if client.shown_key is None:
                raise self._login_error(err, client, door) from err
            fingerprint = describe_host_key(client.shown_key).fingerprint
            raise host_key_changed(settings.host, settings.port, fingerprint) from err
        except (asyncssh.Error, OSError, ValueError, OverflowError) as err:
            raise self._login_error(err, client, door) from err
        self._losses = 0
        door.is_open = True
        return connection

    def _login_error(
        self, err: Exception, client: LoginClient, door: Door
    ) -> StorageError:
        """Return the cause of a failed login, given those before it."""
        is_loss = client.credentials_sent and is_bare_loss(err)
        self._losses = self._losses + 1 if is_loss else 0
        if self._losses >= MAX_LOSSES:
            return silent_refusal(self._settings.host, self._settings.port)
        return connect_error(
            err,
            self._settings.host,
            self._settings.port,
            greeting=door.greeting,
            foreign_keys=foreign_keys(door.host_key_algorithms),
            credentials_sent=client.credentials_sent,
        )

    def _start_error(self, err: Exception) -> StorageError:
        """Return the cause of a connection that ended before SFTP was there."""
        if isinstance(err, TimeoutError):
            error: StorageError = ConnectTimeout(
                f"{self._where} let us in, but did not start SFTP in time"
            )
        elif isinstance(err, NONSENSE):
            error = NoSftp(
                f"{self._where} offers no usable SFTP: its answer makes no sense "
                f"({brief(str(err))})"
            )
        else:
            reason = os.strerror(err.errno or 0) if isinstance(err, OSError) else err
            said = brief(getattr(reason, "reason", str(reason)))
            error = Unreachable(
                f"{self._where} let us in, but then the connection broke ({said}). If it "
                "always does, see that a ChrootDirectory, and the folders above, belong "
                "to root and are writable by root alone",
                hint="broke_after_login",
                said=said,
            )
        error.step = STARTING
        return error

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"


async def _round_trip(sftp: asyncssh.SFTPClient) -> float:
    """Return the seconds that the server takes for a small answer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await sftp.stat(".")
    except CONNECTION_LOST:
        raise
    except asyncssh.SFTPError:
        pass  # A refusal is an answer too, whatever it says.
    return loop.time() - began
