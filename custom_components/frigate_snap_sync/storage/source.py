"""Reading a file of this machine in pieces, without blocking the event loop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import errno
import os
from pathlib import Path
import stat
from threading import Lock
from typing import Final, Self

from .base import Rejected

PIECE_SIZE: Final = 1024 * 1024
"""The most bytes that one read returns."""

READ_TIMEOUT: Final = 60.0
"""Seconds that one read of a disk of this machine may take."""


class PieceReader:
    """An open file, for threads that read it piece by piece.

    `close` never waits for a read that hangs: the last one to use the
    descriptor gives it back, so that its number can't be taken by another file
    while somebody reads. One that is forgotten (its opener was cancelled)
    closes itself.
    """

    def __init__(self, descriptor: int) -> None:
        """Own the file descriptor from now on."""
        self._descriptor = descriptor
        self._lock = Lock()
        self._reading = False
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the plain file `path`, not a link to one; raises `OSError`."""
        # O_NONBLOCK: opening a named pipe would wait for its writer.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        reader = cls(os.open(path, flags))
        if not stat.S_ISREG(reader._status().st_mode):
            reader.close()
            raise OSError(errno.EINVAL, "Not a plain file", str(path))
        return reader

    @property
    def closed(self) -> bool:
        """Tell whether the file was let go of."""
        return self._closed

    def size(self) -> int:
        """Return the bytes of the file; raises `OSError`."""
        return self._status().st_size

    def read(self) -> bytes:
        """Return the next piece, or nothing at the end or after `close`.

        Only one thread may read at a time. Raises `OSError`.
        """
        with self._lock:
            if self._closed:
                return b""
            self._reading = True
        try:
            return os.read(self._descriptor, PIECE_SIZE)
        finally:
            with self._lock:
                self._reading = False
                if self._closed:
                    os.close(self._descriptor)

    def __del__(self) -> None:
        """Close the file that nobody closed."""
        self.close()

    def _status(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def close(self) -> None:
        """Let go of the file, now or when the read under way ends."""
        with self._lock:
            if not self._closed:
                self._closed = True
                if not self._reading:
                    os.close(self._descriptor)


class SourceFile:
    """A file that is being sent: its size when it was opened, and its pieces."""

    def __init__(
        self, name: str, reader: PieceReader, size: int, first: bytes = b""
    ) -> None:
        """Go on reading behind the first piece, which is there already."""
        self.size = size
        self._name = name
        self._reader = reader
        self._first = first
        self._ahead: asyncio.Future[bytes] | None = None

    async def read(self) -> bytes:
        """Return the next piece, nothing at the end; the one after it is begun.

        Raises `Rejected` when the disk refuses or does not answer.
        """
        loop = asyncio.get_running_loop()
        if piece := self._first:
            self._first = b""
            if len(piece) < self.size:
                self._ahead = loop.run_in_executor(None, self._reader.read)
            return piece
        if self._reader.closed:
            return b""
        ahead = self._ahead or loop.run_in_executor(None, self._reader.read)
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                piece = await ahead
        except TimeoutError as err:
            raise Rejected(f"Reading {self._name} takes too long") from err
        except OSError as err:
            raise Rejected(f"Reading {self._name} failed: {err.strerror}") from err
        if piece:
            self._ahead = loop.run_in_executor(None, self._reader.read)
        return piece

    def close(self) -> None:
        """Let go of the file; a read under way ends by itself."""
        if self._reader.closed:
            return
        if self._ahead is not None:
            self._ahead.cancel()
        # Not waited for: closing is not worth holding up a cancellation.
        asyncio.get_running_loop().run_in_executor(None, self._reader.close)


def _open(path: Path) -> SourceFile:
    """Open a file and read its first piece: of a small one, all of it, in one go.

    Each trip to a thread costs as much as sending a small file.
    """
    reader = PieceReader.open(path)
    try:
        size = reader.size()
        first = reader.read()
    except BaseException:
        reader.close()
        raise
    if len(first) == size:
        reader.close()
    return SourceFile(path.name, reader, size, first)


@asynccontextmanager
async def open_source(path: Path) -> AsyncGenerator[SourceFile]:
    """Open the local file `path` for sending.

    Raises `FileNotFoundError` when it is gone, and `Rejected` when it can't be
    read for another reason.
    """
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            source = await asyncio.to_thread(_open, path)
    except FileNotFoundError:
        raise
    except TimeoutError as err:
        raise Rejected(f"Opening {path.name} takes too long") from err
    except OSError as err:
        raise Rejected(f"Opening {path.name} failed: {err.strerror}") from err
    try:
        yield source
    finally:
        source.close()
