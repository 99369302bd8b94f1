"""An SFTP server in this process, which a test can make misbehave."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, override

import asyncssh

from .network import HOST
from .sftp_files import FileBehavior, FileSession

USERNAME = "camera"
PASSWORD = "a secret, nowhere else"

type Session = Callable[[asyncssh.SSHServerChannel[bytes]], None]
type Ending = Callable[[asyncssh.SSHServerConnection], object]
"""Something that ends a connection."""


@dataclass(kw_only=True)
class Behavior(FileBehavior):
    """What a test may change while the server runs."""

    username: str = USERNAME
    password: bool = True
    """Whether a login with `PASSWORD` is offered."""
    keyboard: str | None = None
    """The question of a keyboard-interactive login, if it is offered."""
    authorized: set[bytes] = field(default_factory=set)
    hanging_up: bool = False
    """Whether a wrong password ends the connection without a word."""
    endings: list[Ending | None] = field(default_factory=list)
    """What ends the next logins, in turn, once the password has come.

    None lets one succeed, as all do when none are left.
    """
    early_endings: list[Ending] = field(default_factory=list)
    """The same, before the password is asked for."""
    log_ins: int = 0
    """How often a password was tried."""


class _Raw(asyncssh.SSHServerSession[bytes]):
    """Takes the place of an SFTP server."""

    def __init__(self, begin: Session) -> None:
        self._begin = begin
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None

    @override
    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    @override
    def subsystem_requested(self, subsystem: str) -> bool:
        return True

    @override
    def session_started(self) -> None:
        assert self._channel is not None
        self._channel.set_encoding(None)
        self._begin(self._channel)


class _Ssh(asyncssh.SSHServer):
    """One connection: who may log in, and what they get then."""

    def __init__(self, owner: SftpServer) -> None:
        self._owner = owner
        self._behavior = owner.behavior
        self._connection: asyncssh.SSHServerConnection | None = None

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._owner.connections.add(conn)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        assert self._connection is not None
        self._owner.connections.discard(self._connection)

    @override
    def session_requested(self) -> Any:
        return self._owner.new_session()

    @override
    def begin_auth(self, username: str) -> bool:
        assert self._connection is not None
        if self._behavior.early_endings:
            self._behavior.early_endings.pop(0)(self._connection)
        return True

    @override
    def password_auth_supported(self) -> bool:
        return self._behavior.password

    @override
    async def validate_password(self, username: str, password: str) -> bool:
        assert self._connection is not None
        behavior = self._behavior
        behavior.log_ins += 1
        if behavior.holding == "log_in":
            await behavior.held.wait()
        if behavior.endings and (end := behavior.endings.pop(0)) is not None:
            end(self._connection)
            return False
        is_right = (username, password) == (behavior.username, PASSWORD)
        if behavior.hanging_up and not is_right:
            self._connection.abort()
        return is_right

    @override
    def kbdint_auth_supported(self) -> bool:
        return self._behavior.keyboard is not None

    @override
    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        question = self._behavior.keyboard or ""
        return "", "", "", [(line, False) for line in question.split("|") if line]

    @override
    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        self._behavior.log_ins += 1
        return list(responses) == [PASSWORD]

    @override
    def public_key_auth_supported(self) -> bool:
        return bool(self._behavior.authorized)

    @override
    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        behavior = self._behavior
        return username == behavior.username and key.public_data in behavior.authorized


class SftpServer:
    """Serves `root` as `/` on 127.0.0.1, with a password or what `behavior` says."""

    def __init__(
        self,
        root: Path,
        *,
        without: frozenset[bytes] = frozenset(),
        key_type: str = "ssh-ed25519",
        session: Session | None = None,
    ) -> None:
        """Leave out some extensions; `session` answers instead of an SFTP server."""
        self.root = root
        self.port = 0
        self.behavior = Behavior(without=without)
        self.key = asyncssh.generate_private_key(key_type)
        self.more_keys: list[asyncssh.SSHKey] = []
        self.options: dict[str, Any] = {}
        self.has_sftp = True
        self.dead = asyncio.Event()
        """Set once it has died (`die_in_next_write`)."""
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._session = session
        self._server: asyncssh.SSHAcceptor | None = None

    @property
    def host_key(self) -> str:
        """The public line to pin."""
        return " ".join(self.key.export_public_key().decode().split()[:2])

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its host key: `SHA256:…`."""
        return self.key.get_fingerprint()

    def authorize(self, public_key: str) -> None:
        """Do what a line in `authorized_keys` does."""
        key = asyncssh.import_public_key(public_key)
        self.behavior.authorized.add(key.public_data)

    def new_session(self) -> asyncssh.SSHServerSession[bytes] | None:
        """Return what answers on a new channel; None refuses it."""
        if not self.has_sftp:
            return None
        if self._session is not None:
            return _Raw(self._session)
        return FileSession(self.root, self.behavior)

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.dead.clear()
        self._server = await asyncssh.listen(
            HOST,
            self.port,
            server_factory=lambda: _Ssh(self),
            server_host_keys=[self.key, *self.more_keys],
            **self.options,
        )
        self.port = self._server.get_port()

    async def stop(self) -> None:
        """Cut all and listen no more."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.abort()
                await connection.wait_closed()
            await self._server.wait_closed()
            self._server = None

    def die_in_next_write(self) -> None:
        """Break everything in the middle of the next write; `start` brings it back."""
        self.behavior.on_half_write = self._die

    def _die(self) -> None:
        self.behavior.on_half_write = None
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in list(self.connections):
            connection.abort()
        self.dead.set()

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        self.behavior.held.set()
        await self.stop()
