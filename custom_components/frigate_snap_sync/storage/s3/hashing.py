"""Hashing a file of this machine before it is sent, part by part, in threads."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
import hashlib
from pathlib import Path
from typing import Final

from ..base import Source
from ..errors import SourceUnreadable, unreadable
from ..jobs import in_thread
from ..source import READ_TIMEOUT, PieceReader

_STEP: Final = 16 * 1024 * 1024
"""Bytes that are hashed in one go: a cancelled caller leaves no more work behind."""


class PartHasher:
    """Returns the MD5 of one part after the other, and compares the whole at the end."""

    def __init__(self, reader: PieceReader, name: str) -> None:
        """Read on from this reader."""
        self._reader = reader
        self._name = name
        self._held = b""

    async def next(self, length: int) -> bytes:
        """Return the MD5 of the next so many bytes; raises as `hashing`."""
        digest = hashlib.md5(usedforsecurity=False)
        while length > 0:
            step = min(length, _STEP)
            await _in_time(self._name, self._update, digest, step)
            length -= step
        return digest.digest()

    async def finish(self) -> None:
        """Raise `SourceDamaged` unless all bytes were the expected ones."""
        await _in_time(self._name, self._reader.read)

    def _update(self, digest: hashlib._Hash, length: int) -> None:
        while length > 0:
            piece = self._held or self._reader.read()
            if not piece:
                return  # `finish`, or the server, misses the rest.
            self._held = piece[length:]
            digest.update(piece[:length])
            length -= len(piece[:length])


@asynccontextmanager
async def hashing(path: Path, source: Source) -> AsyncGenerator[PartHasher]:
    """Yield what hashes a file that must be the source.

    Raises `FileNotFoundError`, `SourceUnreadable` or `SourceDamaged`.
    """
    reader = await _in_time(source.name, PieceReader.open, path, source)
    try:
        yield PartHasher(reader, source.name)
    finally:
        in_thread(reader.close)


async def _in_time[**P, T](
    name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            return await asyncio.to_thread(work, *args, **kwargs)
    except FileNotFoundError:
        raise
    except TimeoutError as err:
        raise SourceUnreadable(f"Reading {name} takes too long") from err
    except OSError as err:
        raise unreadable(f"Reading {name}", err) from err
