"""Reading a file of this machine in pieces, without blocking the event loop."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
import errno
from functools import partial
import hashlib
import os
from pathlib import Path
import stat
from threading import Lock
from typing import Final, Self, override

from .base import Source
from .errors import SourceDamaged, SourceUnreadable, unreadable
from .jobs import in_thread

PIECE_SIZE: Final = 1024 * 1024
"""The most bytes that one read returns."""

READ_TIMEOUT: Final = 60.0
"""Seconds that one read of a disk of this machine may take."""


class PieceReader:
    """An open file, for threads that read it piece by piece.

    `close` never waits for a read that hangs: the last one to use the
    descriptor gives it back, so that its number can't be taken by another file
    while it is read. One that is forgotten (its opener was cancelled)
    closes itself.
    """

    def __init__(
        self,
        descriptor: int,
        expected: Source | None = None,
        *,
        length: int | None = None,
    ) -> None:
        """Own the file descriptor from now on; compare the bytes with the expected.

        Nothing is read behind `length` bytes.
        """
        self._descriptor = descriptor
        self._left = length
        self._expected = expected
        self._digest = hashlib.sha256()
        self._lock = Lock()
        self._reading = False
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        expected: Source | None = None,
        *,
        start: int = 0,
        length: int | None = None,
    ) -> Self:
        """Open a plain file, not a link to one, to read from `start` on.

        Raises `OSError`, or `SourceDamaged` if it has not the expected size.
        """
        # O_NONBLOCK: opening a named pipe would wait for its writer.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        reader = cls(os.open(path, flags), expected, length=length)
        try:
            reader._check(path)
            if start:
                os.lseek(reader._descriptor, start, os.SEEK_SET)
        except BaseException:
            reader.close()
            raise
        return reader

    @property
    def closed(self) -> bool:
        """Tell whether the file was released."""
        return self._closed

    def size(self) -> int:
        """Return the bytes of the file; raises `OSError`."""
        return self._status().st_size

    def read(self) -> bytes:
        """Return the next piece, or nothing at the end or after `close`.

        Only one thread may read at a time. Raises `OSError`; at the end
        `SourceDamaged` unless the bytes were the expected ones.
        """
        with self._lock:
            if self._closed:
                return b""
            self._reading = True
        try:
            most = PIECE_SIZE if self._left is None else min(PIECE_SIZE, self._left)
            piece = os.read(self._descriptor, most)
            if self._left is not None:
                self._left -= len(piece)
            if not piece:
                self.compare()
            elif self._hashes:
                self._digest.update(piece)
            return piece
        finally:
            with self._lock:
                self._reading = False
                if self._closed:
                    os.close(self._descriptor)

    def compare(self) -> None:
        """Raise `SourceDamaged` unless what was read is all that is expected."""
        expected = self._expected
        if (
            expected is not None
            and expected.sha256 is not None
            and self._digest.hexdigest() != expected.sha256
        ):
            raise SourceDamaged(f"{expected.name} has other bytes than it had")

    def __del__(self) -> None:
        """Close the file that was never closed."""
        self.close()

    @property
    def _hashes(self) -> bool:
        return self._expected is not None and self._expected.sha256 is not None

    def _check(self, path: Path) -> None:
        status = self._status()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a plain file", str(path))
        expected = self._expected
        if expected is not None and status.st_size != expected.size:
            raise SourceDamaged(
                f"{path.name} has {status.st_size} bytes instead of {expected.size}"
            )

    def _status(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def close(self) -> None:
        """Let go of the file, now or when the read under way ends."""
        with self._lock:
            if not self._closed:
                self._closed = True
                if not self._reading:
                    os.close(self._descriptor)


class OpenSource(ABC):
    """A source that is being sent, piece by piece."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Return how many bytes there are: so far, of one that still grows."""

    @abstractmethod
    async def read(self) -> bytes:
        """Return the next piece, nothing at the end.

        Raises `SourceUnreadable` when it can't be read, and at the end
        `SourceDamaged` if the bytes are not the expected ones.
        """


class _OpenFile(OpenSource):
    """A file of this machine: its size when it was opened, and its pieces."""

    def __init__(
        self,
        name: str,
        reader: PieceReader,
        size: int,
        first: bytes = b"",
        *,
        timeout: float = READ_TIMEOUT,
    ) -> None:
        """Continue behind the first piece, which is there already."""
        self._size = size
        self._name = name
        self._reader = reader
        self._first = first
        self._timeout = timeout
        self._ahead: asyncio.Future[bytes] | None = None

    @property
    @override
    def size(self) -> int:
        return self._size

    @override
    async def read(self) -> bytes:
        """Return the next piece; the one after it is begun."""
        if piece := self._first:
            self._first = b""
            if len(piece) < self._size:
                self._ahead = in_thread(self._reader.read)
            return piece
        if self._reader.closed:
            return b""
        ahead = self._ahead or in_thread(self._reader.read)
        try:
            async with asyncio.timeout(self._timeout):
                piece = await ahead
        except TimeoutError as err:
            raise SourceUnreadable(f"Reading {self._name} takes too long") from err
        except OSError as err:
            raise unreadable(f"Reading {self._name}", err) from err
        if piece:
            self._ahead = in_thread(self._reader.read)
        return piece

    def close(self) -> None:
        """Let go of the file; a read under way ends by itself."""
        if self._reader.closed:
            return
        if self._ahead is not None:
            self._ahead.cancel()
        # Not waited for: closing is not worth holding up a cancellation.
        in_thread(self._reader.close)


class _OpenPieces(OpenSource):
    """A source of which there are but pieces."""

    def __init__(
        self, source: Source, first: bytes, others: AsyncIterator[bytes]
    ) -> None:
        """Continue behind the first piece, which is there already."""
        self._source = source
        self._first = first
        self._others = others

    @property
    @override
    def size(self) -> int:
        return self._source.size

    @override
    async def read(self) -> bytes:
        if piece := self._first:
            self._first = b""
            return piece
        return await anext(self._others, b"")


def _open(path: Path, source: Source, timeout: float) -> _OpenFile:
    """Open a file and read its first piece: of a small one, all of it, in one go.

    Each trip to a thread costs as much as sending a small file.
    """
    reader = PieceReader.open(path, source)
    try:
        size = reader.size()
        first = reader.read()
        if len(first) == size:
            reader.compare()
            reader.close()
    except BaseException:
        reader.close()
        raise
    return _OpenFile(source.name, reader, size, first, timeout=timeout)


@asynccontextmanager
async def open_source(
    source: Source, *, timeout: float = READ_TIMEOUT
) -> AsyncGenerator[OpenSource]:
    """Open a source for sending, and read its first piece.

    Opening a file and each read of it may take `timeout` seconds. Raises
    `FileNotFoundError` when it is gone, `SourceUnreadable` when it can't be read, and
    `SourceDamaged` when it is seen already that it is not what it should be.
    """
    if (path := source.local_path) is not None:
        async with _open_file(path, source, timeout) as file:
            yield file
        return
    async with aclosing(source.open()) as pieces:
        yield _OpenPieces(source, await anext(pieces, b""), pieces)


@asynccontextmanager
async def _open_file(
    path: Path, source: Source, timeout: float = READ_TIMEOUT
) -> AsyncGenerator[_OpenFile]:
    async with _explained_file(
        source.name, partial(_open, path, source, timeout), timeout=timeout
    ) as file:
        yield file


@asynccontextmanager
async def _explained_file(
    name: str, open_: Callable[[], _OpenFile], *, timeout: float = READ_TIMEOUT
) -> AsyncGenerator[_OpenFile]:
    try:
        async with asyncio.timeout(timeout):
            file = await asyncio.to_thread(open_)
    except FileNotFoundError:
        raise
    except TimeoutError as err:
        raise SourceUnreadable(f"Opening {name} takes too long") from err
    except OSError as err:
        raise unreadable(f"Opening {name}", err) from err
    try:
        yield file
    finally:
        file.close()


@asynccontextmanager
async def open_range(
    path: Path, *, start: int, length: int
) -> AsyncGenerator[OpenSource]:
    """Open a part of a file for sending; its bytes are compared with nothing.

    Raises as `open_source`, and `SourceDamaged` at the end when bytes are missing.
    """
    async with _explained_file(
        path.name, partial(_open_range, path, start=start, length=length)
    ) as file:
        yield file


def _open_range(path: Path, *, start: int, length: int) -> _OpenFile:
    reader = PieceReader.open(path, start=start, length=length)
    return _OpenFile(path.name, reader, length)


class FileSource(Source):
    """A file of this machine, which is not written meanwhile."""

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        sha256: str | None = None,
        is_urgent: bool = False,
        is_part: bool = False,
    ) -> None:
        """Keep what it must be; nothing is read yet."""
        self._path = path
        self._size = size
        self._sha256 = sha256
        self._is_urgent = is_urgent
        self._is_part = is_part

    @property
    @override
    def name(self) -> str:
        return self._path.name

    @property
    @override
    def size(self) -> int:
        return self._size

    @property
    @override
    def sha256(self) -> str | None:
        return self._sha256

    @property
    @override
    def local_path(self) -> Path:
        return self._path

    @property
    @override
    def is_urgent(self) -> bool:
        return self._is_urgent

    @property
    @override
    def is_part(self) -> bool:
        return self._is_part

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        async with _open_file(self._path, self) as file:
            while piece := await file.read():
                yield piece


async def verify(source: Source) -> None:
    """Read a source to its end, to see whether it is what it should be.

    Raises `FileNotFoundError`, `SourceDamaged` or `SourceUnreadable`.
    """
    async with open_source(source) as file:
        while await file.read():
            pass
