"""An SFTP server in this process, which can be told to misbehave."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
import errno
import os
from pathlib import Path
from typing import Any, Self, override
from unittest.mock import patch

import asyncssh
from asyncssh.sftp import SFTPServerHandler

HOST = "127.0.0.1"
USERNAME = "camera"
PASSWORD = "a secret, nowhere else"

type Session = Callable[[asyncssh.SSHServerChannel[bytes]], None]

PLAIN = frozenset(
    {
        b"posix-rename@openssh.com",
        b"fsync@openssh.com",
        b"limits@openssh.com",
        b"statvfs@openssh.com",
        b"fstatvfs@openssh.com",
    }
)
"""The extensions of OpenSSH that simpler servers lack."""


@dataclass(kw_only=True)
class Behavior:
    """What a test may change while the server runs."""

    password: bool = True
    keyboard: str | None = None
    """The question of a keyboard-interactive log-in, if it is offered."""
    authorized: set[bytes] = field(default_factory=set)
    denied: bool = False
    disk_size: int | None = None
    """Beyond this many bytes a file finds no space."""
    failing: dict[str, Exception] = field(default_factory=dict)
    """What the named operation raises, each time."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    holding: str | None = None
    """The operation that waits until `held` is set."""
    hanging_up: bool = False
    """Whether a wrong password ends the connection without a word."""
    log_ins: int = 0
    """How often a password or a key was tried."""
    calls: list[str] = field(default_factory=list)
    short_stat: bool = False
    write_delay: float = 0
    max_read: int | None = None
    open_files: int = 0
    most_open: int = 0
    """How many files were open at once at most."""
    statuses: dict[str, asyncssh.SFTPAttrs] = field(default_factory=dict)
    """What the named operation answers instead of the truth."""
    statvfs: asyncssh.SFTPVFSAttrs | None = None
    on_statvfs: Callable[[], object] = lambda: None
    on_close: Callable[[], object] = lambda: None
    channels: list[asyncssh.SSHServerChannel[bytes]] = field(default_factory=list)


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
    def __init__(self, behavior: Behavior, session: Session | None) -> None:
        self._behavior = behavior
        self._session = session
        self._connection: asyncssh.SSHServerConnection | None = None

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    @override
    def session_requested(self) -> Any:
        return self._session is not None and _Raw(self._session)

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def password_auth_supported(self) -> bool:
        return self._behavior.password

    @override
    async def validate_password(self, username: str, password: str) -> bool:
        self._behavior.log_ins += 1
        if self._behavior.holding == "log_in":
            await self._behavior.held.wait()
        is_right = (username, password) == (USERNAME, PASSWORD)
        if self._behavior.hanging_up and not is_right:
            assert self._connection is not None
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
        return key.public_data in self._behavior.authorized


class _Sftp(asyncssh.SFTPServer):
    def __init__(
        self, channel: asyncssh.SSHServerChannel[bytes], behavior: Behavior, root: Path
    ) -> None:
        super().__init__(channel, chroot=os.fsencode(root))
        self._behavior = behavior
        behavior.channels.append(channel)

    async def _begin(self, name: str, *, changes: bool = True) -> None:
        behavior = self._behavior
        behavior.calls.append(name)
        if behavior.holding == name:
            await behavior.held.wait()
        if (err := behavior.failing.get(name)) is not None:
            raise err
        if changes and behavior.denied:
            raise asyncssh.SFTPPermissionDenied("Permission denied")

    @override
    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        await self._begin("open", changes=bool(pflags & asyncssh.FXF_WRITE))
        file: Any = super().open(path, pflags, attrs)
        behavior = self._behavior
        behavior.open_files += 1
        behavior.most_open = max(behavior.most_open, behavior.open_files)
        return file

    @override
    def read(self, file_obj: object, offset: int, size: int) -> Any:
        return super().read(
            file_obj, offset, min(size, self._behavior.max_read or size)
        )

    @override
    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        behavior = self._behavior
        await self._begin("write")
        await asyncio.sleep(behavior.write_delay)
        if behavior.disk_size is not None and offset + len(data) > behavior.disk_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written: int = super().write(file_obj, offset, data)  # type: ignore[assignment]
        return written

    @override
    async def close(self, file_obj: object) -> None:
        try:
            await self._begin("close", changes=False)
        finally:
            self._behavior.open_files -= 1
            super().close(file_obj)
            self._behavior.on_close()

    @override
    async def fstat(self, file_obj: object) -> Any:
        await self._begin("fstat", changes=False)
        status: Any = super().fstat(file_obj)
        if self._behavior.short_stat:
            return asyncssh.SFTPAttrs(size=status.st_size - 1)
        return status

    @override
    async def stat(self, path: bytes) -> Any:
        await self._begin("stat", changes=False)
        return self._behavior.statuses.get("stat") or super().stat(path)

    @override
    def statvfs(self, path: bytes) -> Any:
        self._behavior.on_statvfs()
        return self._behavior.statvfs or super().statvfs(path)

    @override
    async def scandir(self, path: bytes) -> AsyncGenerator[asyncssh.SFTPName]:
        await self._begin("scandir", changes=False)
        async for name in super().scandir(path):
            yield name

    @override
    async def fsync(self, file_obj: object) -> None:
        await self._begin("fsync")
        super().fsync(file_obj)

    @override
    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self._begin("mkdir")
        super().mkdir(path, attrs)

    @override
    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._begin("rename")
        super().rename(oldpath, newpath)

    @override
    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._begin("posix_rename")
        super().posix_rename(oldpath, newpath)

    @override
    async def remove(self, path: bytes) -> None:
        await self._begin("remove")
        super().remove(path)


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
        self.behavior = Behavior()
        self.key = asyncssh.generate_private_key(key_type)
        self.more_keys: list[asyncssh.SSHKey] = []
        self.options: dict[str, Any] = {}
        self.has_sftp = session is None
        self._session = session
        self._server: asyncssh.SSHAcceptor | None = None
        self.connections: set[asyncssh.SSHServerConnection] = set()
        offered = vars(SFTPServerHandler)["_extensions"]
        self._patch = patch.object(
            SFTPServerHandler,
            "_extensions",
            [extension for extension in offered if extension[0] not in without],
        )

    @property
    def host_key(self) -> str:
        """The public line to pin."""
        return " ".join(self.key.export_public_key().decode().split()[:2])

    async def start(self) -> None:
        """Listen, on the same port as before."""
        options = dict(self.options)
        if self.has_sftp:
            options["sftp_factory"] = lambda channel: _Sftp(
                channel, self.behavior, self.root
            )
        self._server = await asyncssh.listen(
            HOST,
            self.port,
            server_factory=lambda: _Ssh(self.behavior, self._session),
            server_host_keys=[self.key, *self.more_keys],
            acceptor=self.connections.add,
            **options,
        )
        self.port = self._server.get_port()

    async def stop(self) -> None:
        """Cut all and listen no more."""
        if self._server is not None:
            self._server.close()
            for connection in self.connections:
                connection.abort()
                await connection.wait_closed()
            self.connections.clear()
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._patch.start()
        self.root.mkdir(parents=True, exist_ok=True)
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        self.behavior.held.set()
        await self.stop()
        self._patch.stop()
