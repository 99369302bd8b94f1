"""What is done on an SFTP server, step by step, within one session."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
import errno
import posixpath
from typing import Final

import asyncssh

from ..base import MAX_SIZE
from ..errors import ConnectTimeout, Rejected, StorageError, other_size, vanished
from ..source import OpenSource
from .errors import MAYBE_EXISTS, NO_SUCH_FILE
from .folders import make_folder
from .session import SftpSession

type RemoteFile = asyncssh.SFTPClientFile

MAX_HANDLE: Final = 256
"""Bytes of what a server calls an open file (draft-ietf-secsh-filexfer-02, 6.2)."""

READ_AHEAD: Final = 8
"""Blocks that are asked for before the first of them is used."""


async def create(session: SftpSession, path: str) -> RemoteFile:
    """Make a new file for writing, in the place of a stale one of that name."""
    return await _in_its_folder(session, path, _create)


async def create_new(session: SftpSession, path: str) -> RemoteFile:
    """Make a new file for writing where there is none; its folder was made before."""
    return await _in_its_folder(session, path, open_new)


async def _in_its_folder(
    session: SftpSession,
    path: str,
    make: Callable[[SftpSession, str], Awaitable[RemoteFile]],
) -> RemoteFile:
    try:
        return await make(session, path)
    except NO_SUCH_FILE:
        # The folder went after we had made or seen it.
        session.folders.clear()
        await make_folder(session, posixpath.dirname(path) or ".")
        return await make(session, path)


async def _create(session: SftpSession, path: str) -> RemoteFile:
    try:
        return await open_new(session, path)
    except MAYBE_EXISTS as err:
        try:
            with session.request():
                await session.client.remove(path)
        except NO_SUCH_FILE:
            raise err from None
        return await open_new(session, path)


async def open_new(session: SftpSession, path: str) -> RemoteFile:
    """Make a new file for writing where there is none."""
    with session.request():
        # block_size=0: one write of ours is one request.
        file = await session.client.open(path, "xb", encoding=None, block_size=0)
    return await _checked(session, file)


async def _checked(session: SftpSession, file: RemoteFile) -> RemoteFile:
    """Return the file, unless its handle would make every request a large one."""
    if (size := len(file.handle)) > MAX_HANDLE:
        await leave(session, file.close)
        raise Rejected(f"The server's handle of a file has {size} bytes")
    return file


async def write(
    session: SftpSession, file: RemoteFile, data: bytes, offset: int
) -> None:
    """Write some bytes at a position, in requests that the server takes.

    They wait for no place that others have: who writes so is late soon.
    """
    try:
        async with asyncio.TaskGroup() as writes:
            for start in range(0, len(data), session.write_block):
                block = data[start : start + session.write_block]
                await session.film_window.acquire()
                task = writes.create_task(_write(session, file, block, offset + start))
                # Not by the task: one that is cancelled early never runs.
                task.add_done_callback(lambda _: session.film_window.release())
    except ExceptionGroup as group:
        # All have the same cause; one of them tells it.
        raise group.exceptions[0] from None


async def finish(session: SftpSession, file: RemoteFile) -> int:
    """Have a file on the server's disk and close it; return its size.

    All is asked at once, as in `prove`; it is closed whatever the others say.
    """
    synced, size, closed = await asyncio.gather(
        _sync(session, file),
        _stored_size(session, file),
        _close(session, file),
        return_exceptions=True,
    )
    for answer in (synced, closed):
        if answer is not None:
            raise answer
    if isinstance(size, BaseException):
        raise size
    if size is None:
        raise Rejected("The server does not tell the size of a file")
    return size


async def _close(session: SftpSession, file: RemoteFile) -> None:
    with session.request():
        await file.close()


async def send(session: SftpSession, file: RemoteFile, source: OpenSource) -> int:
    """Write the whole source; return the bytes that the server took."""
    offset = 0
    try:
        async with asyncio.TaskGroup() as writes:
            while piece := await source.read():
                for start in range(0, len(piece), session.write_block):
                    block = piece[start : start + session.write_block]
                    await session.window.acquire()
                    write = writes.create_task(_write(session, file, block, offset))
                    # Not by the task: one that is cancelled early never runs.
                    write.add_done_callback(lambda _: session.window.release())
                    offset += len(block)
    except ExceptionGroup as group:
        # All have the same cause; one of them tells it.
        raise group.exceptions[0] from None
    return offset


async def _write(
    session: SftpSession, file: RemoteFile, block: bytes, offset: int
) -> None:
    with session.request():
        await file.write(block, offset)


async def prove(
    session: SftpSession,
    file: RemoteFile,
    size: int,
    *,
    close: Callable[[], Awaitable[None]],
) -> None:
    """Have the bytes on the server's disk and counted, and close the file.

    All is asked at once, which saves two round trips: a server must work through
    the requests of one file in their order (draft-ietf-secsh-filexfer-02, 6.1).
    """
    answers = await asyncio.gather(
        _sync(session, file),
        _stored_size(session, file),
        close(),
        return_exceptions=True,
    )
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    if answers[1] != size:
        raise other_size(f"Of {size} bytes the server has {answers[1]}")


async def _stored_size(session: SftpSession, file: RemoteFile) -> int | None:
    with session.request():
        return (await file.stat()).size


async def _sync(session: SftpSession, file: RemoteFile) -> None:
    if not session.has_fsync:
        return
    try:
        with session.request():
            await file.fsync()
    except asyncssh.SFTPOpUnsupported, asyncssh.SFTPBadMessage:
        # The second is how OpenSSH tells that its file system can't.
        session.has_fsync = False


async def rename(session: SftpSession, old: str, new: str) -> bool:
    """Give a file its name in one step, replacing what has it.

    Return False when the server can't replace and something is there. Raises
    `Rejected` when it no longer has the file.
    """
    try:
        return await _rename(session, old, new)
    except NO_SUCH_FILE:
        # Or the folder is gone, which the next try makes again.
        session.folders.discard(posixpath.dirname(new))
        raise vanished(posixpath.basename(old)) from None


async def _rename(session: SftpSession, old: str, new: str) -> bool:
    if session.has_posix_rename:
        try:
            with session.request():
                await session.client.posix_rename(old, new)
        except asyncssh.SFTPOpUnsupported:
            session.has_posix_rename = False
        else:
            return True
    try:
        with session.request():
            await session.client.rename(old, new)
    except MAYBE_EXISTS:
        if not await _is_taken(session, new):
            raise
        return False
    return True


async def _is_taken(session: SftpSession, path: str) -> bool:
    """Tell whether there surely is anything at `path`, if but a link to nothing.

    A server may refuse either question, and a refusal is no proof.
    """
    for look in (session.client.lstat, session.client.stat):
        with suppress(asyncssh.SFTPError), session.request():
            await look(path)
            return True
    return False


async def remove(session: SftpSession, path: str) -> None:
    """Remove a file; fine when there is none."""
    with suppress(*NO_SUCH_FILE), session.request():
        await session.client.remove(path)


async def find(session: SftpSession, path: str) -> int | None:
    """Return the size of the plain file at `path`, or None if there is none."""
    try:
        with session.request():
            attributes = await session.client.stat(path)
    except NO_SUCH_FILE:
        return None
    if attributes.type not in (
        asyncssh.FILEXFER_TYPE_REGULAR,
        asyncssh.FILEXFER_TYPE_UNKNOWN,
    ):
        return None
    return _size_of(attributes, path)


async def exists(session: SftpSession, path: str) -> bool:
    """Tell whether there is anything at `path`, unless the server won't say."""
    try:
        with session.request():
            await session.client.stat(path)
    except NO_SUCH_FILE:
        return False
    except asyncssh.SFTPError:
        return True
    return True


def _size_of(attributes: asyncssh.SFTPAttrs, path: str) -> int:
    if attributes.size is None:
        raise Rejected(f"The server does not tell the size of {path}")
    if attributes.size > MAX_SIZE:
        raise Rejected(f"The server says that {path} has {attributes.size} bytes")
    return attributes.size


async def read(
    session: SftpSession, path: str, *, start: int = 0, length: int | None = None
) -> AsyncGenerator[bytes]:
    """Yield the bytes of a file in order, asking for several blocks ahead.

    Those from `start` on, at most `length` of them. No more bytes than the file had when
    it was opened. Raises `FileNotFoundError`.
    """
    try:
        with session.request():
            file: RemoteFile = await session.client.open(
                path, "rb", encoding=None, block_size=0
            )
    except NO_SUCH_FILE as err:
        raise FileNotFoundError(errno.ENOENT, "No such file", path) from err
    await _checked(session, file)
    asked, end = start, MAX_SIZE if length is None else start + length
    blocks: deque[asyncio.Task[bytes]] = deque()
    # Asked together with the first blocks, which saves a round trip.
    asking = asyncio.create_task(_opened_size(session, file, path))
    try:
        while start < end:
            while len(blocks) < READ_AHEAD and asked < end:
                size = min(session.read_block, end - asked)
                blocks.append(asyncio.create_task(_read(session, file, size, asked)))
                asked += size
            block = await blocks.popleft() if blocks else b""
            end = min(end, await asking)
            block = block[: max(end - start, 0)]
            if not block:
                return
            start += len(block)
            yield block
    finally:
        for task in (asking, *blocks):
            task.cancel()
        await asyncio.gather(asking, *blocks, return_exceptions=True)
        await leave(session, file.close)


async def _opened_size(session: SftpSession, file: RemoteFile, path: str) -> int:
    """Return the bytes of an open file, as many as may be if that can't be known."""
    try:
        with session.request():
            attributes = await file.stat()
    except asyncssh.SFTPOpUnsupported:
        return MAX_SIZE
    return _size_of(attributes, path)


async def _read(
    session: SftpSession, file: RemoteFile, size: int, offset: int
) -> bytes:
    """Return `size` bytes, fewer at the end of the file alone.

    All answers together get the time that one may take: they could be of a byte each.
    """
    loop, parts = asyncio.get_running_loop(), list[bytes]()
    left = session.limits.max_waits * session.limits.idle_timeout
    while size:
        async with session.window:
            began = loop.time()
            with session.request():
                part: bytes = await file.read(size, offset)
            left -= loop.time() - began
        if not part:
            break
        if len(part) > size:
            raise Rejected(f"The server sent {len(part)} bytes where {size} were asked")
        parts.append(part)
        if left < 0 and len(part) < size:
            raise ConnectTimeout("The server sends the file too slowly")
        size -= len(part)
        offset += len(part)
    return b"".join(parts)


async def leave(
    session: SftpSession,
    close: Callable[[], Awaitable[None]],
    *,
    is_urgent: bool = True,
) -> None:
    """Give something back, without caring for the answer, or waiting long if urgent."""
    timeout = session.limits.leave_timeout if is_urgent else None
    with suppress(asyncssh.SFTPError, StorageError, TimeoutError):
        async with asyncio.timeout(timeout):
            with session.request():
                await close()
