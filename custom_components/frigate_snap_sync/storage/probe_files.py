"""The files of this machine that a test of a destination sends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
import hashlib
from pathlib import Path
from secrets import token_bytes
from typing import Final
from weakref import WeakValueDictionary

from ..private_files import make_private_folder
from .base import Destination
from .errors import Rejected
from .source import FileSource

PROBE_SIZES: Final = (4096, 1024)
"""Bytes of the first probe and of the shorter one that replaces it."""

_TURNS: Final = WeakValueDictionary[str, asyncio.Lock]()
"""By the name of the probe."""


def turn_of(name: str) -> asyncio.Lock:
    """Return the lock of who tests with a name, or removes what such a test left."""
    return _TURNS.setdefault(name, asyncio.Lock())


@asynccontextmanager
async def probe_sources(workdir: Path, name: str) -> AsyncGenerator[list[FileSource]]:
    """Yield local probe files of random bytes, removed in the end.

    To one test of that name at a time: another would delete what it has written.
    """
    async with turn_of(name), _probe_files(workdir, name) as sources:
        yield sources


@asynccontextmanager
async def _probe_files(workdir: Path, name: str) -> AsyncGenerator[list[FileSource]]:
    paths = [workdir / f"{name}-{size}" for size in PROBE_SIZES]

    def write() -> list[FileSource]:
        make_private_folder(workdir)
        sources = []
        for path, size in zip(paths, PROBE_SIZES, strict=True):
            content = token_bytes(size)
            path.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            sources.append(FileSource(path, size=size, sha256=sha256))
        return sources

    def remove() -> None:
        for path in paths:
            with suppress(OSError):  # a cache folder; a leftover does no harm
                path.unlink(missing_ok=True)

    try:
        try:
            sources = await asyncio.to_thread(write)
        except OSError as err:
            raise Rejected(
                f"Preparing the test failed: {err.strerror}",
                hint="no_probe",
                said=str(err.strerror),
            ) from err
        yield sources
    finally:
        await asyncio.to_thread(remove)


async def read_probe(destination: Destination, path: str, *, most: int) -> bytes:
    """Return what a file holds, read no further than a little over `most` bytes."""
    read = bytearray()
    async with aclosing(destination.open_read(path)) as pieces:
        async for piece in pieces:
            read += piece
            if len(read) > most:
                break
    return bytes(read)
