"""An SFTP server in this process, for the demo: asyncssh, with files on disk."""

import asyncio
from collections.abc import Awaitable
import os
from pathlib import Path
from typing import override

import asyncssh


class _Server(asyncssh.SSHServer):
    """Lets in who has an authorized key, and nobody else."""

    def __init__(self, owner: EmbeddedSftpServer) -> None:
        self._owner = owner

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._owner.connections.add(conn)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connections.discard(self._connection)

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def public_key_auth_supported(self) -> bool:
        return True

    @override
    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._owner.username and self._owner.knows(key)


class _Files(asyncssh.SFTPServer):
    """The files of one channel."""

    def __init__(
        self,
        channel: asyncssh.SSHServerChannel[bytes],
        owner: EmbeddedSftpServer,
    ) -> None:
        super().__init__(channel, chroot=os.fsencode(owner.root))
        self._owner = owner

    @override
    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        if not self._owner.dying.is_set():
            return super().write(file_obj, offset, data)
        super().write(file_obj, offset, data[: len(data) // 2])
        self._owner.die()
        raise asyncssh.SFTPFailure("The server dies")


class EmbeddedSftpServer:
    """Serves `root` on 127.0.0.1, at a free port, to one user with a key.

    Set `dying`, and it dies in the middle of the next file that is written.
    """

    username = "frigate"

    def __init__(self, root: Path) -> None:
        """Make one that does not listen yet; the folder is made."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.port = 0
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.dying = asyncio.Event()
        self.dead = asyncio.Event()
        """Set once it has died."""
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._authorized: set[bytes] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its host key: `SHA256:…`."""
        return self._host_key.get_fingerprint()

    def authorize(self, public_key: str) -> None:
        """Do what a line in `authorized_keys` does."""
        self._authorized.add(asyncssh.import_public_key(public_key).public_data)

    def knows(self, key: asyncssh.SSHKey) -> bool:
        """Tell whether that key opens the door."""
        return key.public_data in self._authorized

    async def start(self) -> None:
        """Listen, on the port it had if it had one."""

        def make_sftp(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
            return _Files(channel, self)

        self.dead.clear()
        self._acceptor = await asyncssh.create_server(
            lambda: _Server(self),
            "127.0.0.1",
            self.port,
            server_host_keys=[self._host_key],
            sftp_factory=make_sftp,
            allow_scp=False,
        )
        self.port = self._acceptor.get_port()

    def die(self) -> None:
        """Break every connection and listen no more, at once."""
        self.dying.clear()
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
        for connection in list(self.connections):
            connection.abort()
        self.dead.set()

    async def stop(self) -> None:
        """Listen no more, and break what is open."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
            async with asyncio.timeout(5):
                await acceptor.wait_closed()
