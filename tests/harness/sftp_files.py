"""What an SFTP server in this process does with files, and how it misbehaves."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
import errno
import os
from pathlib import Path
from typing import Any, override

import asyncssh
from asyncssh.sftp import SFTPLimits, SFTPServerHandler
from asyncssh.stream import SSHServerStreamSession

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

_VERSION = 3


@dataclass(kw_only=True)
class FileBehavior:
    """How files are served; a test may change it while the server runs."""

    without: frozenset[bytes] = frozenset()
    """The extensions that are not offered."""
    denied: bool = False
    """Whether every change is refused."""
    disk_size: int | None = None
    """Beyond this many bytes a file finds no space."""
    failing: dict[str, Exception] = field(default_factory=dict)
    """What the named operation raises, each time."""
    instead: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """What answers a read, fstat, scandir or remove, with the same arguments."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    holding: str | None = None
    """The operation that waits until `held` is set."""
    calls: list[str] = field(default_factory=list)
    short_stat: bool = False
    write_delay: float = 0
    most_waiting: int = 0
    """How many bytes had come at most that wait while a write is answered."""
    max_read: int | None = None
    open_files: int = 0
    most_open: int = 0
    """How many files were open at once at most."""
    statuses: dict[str, asyncssh.SFTPAttrs] = field(default_factory=dict)
    """What the named operation answers instead of the truth."""
    statvfs: asyncssh.SFTPVFSAttrs | None = None
    limits: SFTPLimits | asyncssh.SFTPAttrs | None = None
    """The limits that it reports instead of its own."""
    handles: Callable[[], bytes] | None = None
    """What names the next file that is opened."""
    on_statvfs: Callable[[], object] = lambda: None
    on_close: Callable[[], object] = lambda: None
    on_mkdir: Callable[[bytes], object] = lambda path: None
    """Called with the path of a folder that was made."""
    on_half_write: Callable[[], object] | None = None
    """Called when half of a write is stored, which then fails."""
    channels: list[asyncssh.SSHServerChannel[bytes]] = field(default_factory=list)


class FileSession(SSHServerStreamSession[bytes]):
    """The session of one channel, in which files are served."""

    def __init__(self, root: Path, behavior: FileBehavior) -> None:
        """Serve the folder `root` as `/`."""
        super().__init__(None)
        self._root = root
        self._behavior = behavior

    @override
    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    @override
    def session_started(self) -> None:
        channel: Any = self._chan
        assert channel is not None
        assert self._conn is not None
        channel.set_encoding(None)
        self._encoding = None
        handler = _Handler(
            _Files(channel, self._behavior, self._root, lambda: self._recv_buf_len),
            asyncssh.SSHReader(self, channel),
            asyncssh.SSHWriter(self, channel),
            self._behavior,
        )
        self._conn.create_task(handler.run())


class _Handler(SFTPServerHandler):
    """The protocol, of which a server may speak less, or say what can't be."""

    def __init__(
        self,
        files: _Files,
        reader: asyncssh.SSHReader[bytes],
        writer: asyncssh.SSHWriter[bytes],
        behavior: FileBehavior,
    ) -> None:
        super().__init__(files, reader, writer, _VERSION)
        self._behavior = behavior
        self._extensions = [
            extension
            for extension in self._extensions
            if extension[0] not in behavior.without
        ]

    @override
    def _get_next_handle(self) -> bytes:
        handles = self._behavior.handles
        return super()._get_next_handle() if handles is None else handles()

    async def _answer_limits(self, packet: Any) -> SFTPLimits | asyncssh.SFTPAttrs:
        own: SFTPLimits = await self._process_limits(packet)
        return self._behavior.limits or own

    _packet_handlers: Any = SFTPServerHandler._packet_handlers | {  # noqa: SLF001
        b"limits@openssh.com": _answer_limits
    }


class _Files(asyncssh.SFTPServer):
    """The files of one channel."""

    def __init__(
        self,
        channel: asyncssh.SSHServerChannel[bytes],
        behavior: FileBehavior,
        root: Path,
        waiting: Callable[[], int],
    ) -> None:
        super().__init__(channel, chroot=os.fsencode(root))
        self._behavior = behavior
        self._waiting = waiting
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
        size = min(size, self._behavior.max_read or size)
        read = self._behavior.instead.get("read", super().read)
        return read(file_obj, offset, size)

    @override
    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        behavior = self._behavior
        await self._begin("write")
        await asyncio.sleep(behavior.write_delay)
        behavior.most_waiting = max(behavior.most_waiting, self._waiting())
        if behavior.disk_size is not None and offset + len(data) > behavior.disk_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if (then := behavior.on_half_write) is not None:
            super().write(file_obj, offset, data[: len(data) // 2])
            then()
            raise asyncssh.SFTPFailure("Half of it is written")
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
        status: Any = self._behavior.instead.get("fstat", super().fstat)(file_obj)
        if self._behavior.short_stat:
            return asyncssh.SFTPAttrs(size=status.st_size - 1)
        return status

    @override
    async def stat(self, path: bytes) -> Any:
        await self._begin("stat", changes=False)
        return self._behavior.statuses.get("stat") or super().stat(path)

    @override
    async def lstat(self, path: bytes) -> Any:
        await self._begin("lstat", changes=False)
        return self._behavior.statuses.get("lstat") or super().lstat(path)

    @override
    def statvfs(self, path: bytes) -> Any:
        self._behavior.on_statvfs()
        return self._behavior.statvfs or super().statvfs(path)

    @override
    async def scandir(self, path: bytes) -> AsyncGenerator[asyncssh.SFTPName]:
        await self._begin("scandir", changes=False)
        async for name in self._behavior.instead.get("scandir", super().scandir)(path):
            yield name

    @override
    async def fsync(self, file_obj: object) -> None:
        await self._begin("fsync")
        super().fsync(file_obj)

    @override
    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self._begin("mkdir")
        super().mkdir(path, attrs)
        self._behavior.on_mkdir(path)

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
        self._behavior.instead.get("remove", super().remove)(path)
