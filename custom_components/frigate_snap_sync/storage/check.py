"""The truthful test of a destination: everything that an upload needs, done once."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from copy import copy
import hashlib
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Final

from .base import Destination, Rejected, StorageError

PROBE_PREFIX: Final = "frigate-snap-sync-check-"
"""How the names of probe files begin, should one ever be left behind."""

PROBE_SIZES: Final = (4096, 1024)
"""Bytes of the first probe and of the shorter one that replaces it."""

CLEANUP_TIMEOUT: Final = 10.0
"""Seconds for removing what a failed test left."""


def probe_name() -> str:
    """Return a new random name for a probe file."""
    return PROBE_PREFIX + token_hex(8)


async def check_destination(
    destination: Destination, *, workdir: Path, name: str | None = None
) -> None:
    """Connect, write, replace, read back, compare and delete a probe file.

    The probe lies in the root folder; it has a random name if none is given, and
    replaces one that is there. `workdir` is a folder of this machine for its
    source, made if it is missing.

    Raises the `StorageError` of the step that fails, whose text begins with
    that step unless it is the connection; tries to remove the probe in any case. The destination stays
    connected.
    """
    name = name or probe_name()
    temporary = _temporary(name)
    await destination.connect()
    async with _sources(workdir, name) as sources:
        try:
            for step, source in zip(("Writing", "Replacing"), sources, strict=True):
                with _step(step):
                    await destination.put(name, source, temporary=temporary)
            await _compare(destination, name, sources[-1])
            await _delete(destination, name)
        except BaseException:
            await _clean_up(destination, name, temporary)
            raise


async def remove_probe(destination: Destination, name: str) -> None:
    """Remove what a test that was killed left of its probe. Raises StorageError."""
    for path in (_temporary(name), name):
        await destination.delete(path)


async def verify_checksum(
    destination: Destination, path: str, sha256: str, *, size: int | None = None
) -> None:
    """Read a copy back and compare its hash (hex); a wrong copy is removed.

    No more is read than the `size` in bytes that was sent, if it is given. Raises
    Rejected if the copy is another or is gone, or another `StorageError`.
    """
    digest, count = hashlib.sha256(), 0
    try:
        async with aclosing(destination.open_read(path)) as pieces:
            async for piece in pieces:
                count += len(piece)
                if size is not None and count > size:
                    break
                await asyncio.to_thread(digest.update, piece)
    except FileNotFoundError:
        raise Rejected(f"{path} is not there any more") from None
    if digest.hexdigest() != sha256 or size not in (None, count):
        await destination.delete(path)
        raise Rejected(f"What was read back of {path} is not what was sent")


def _temporary(name: str) -> str:
    return f"{name}.part"


async def _compare(destination: Destination, name: str, source: Path) -> None:
    expected = await asyncio.to_thread(source.read_bytes)
    with _step("Looking at the file"):
        stored = await destination.stat(name)
        if stored is None:
            raise Rejected("It is not there")
        if stored.size != len(expected):
            raise Rejected(f"It has {stored.size} bytes instead of {len(expected)}")
    with _step("Reading back"):
        read = bytearray()
        async with aclosing(destination.open_read(name)) as pieces:
            async for piece in pieces:
                read += piece
                if len(read) > len(expected):
                    break
        if read != expected:
            raise Rejected("Other bytes came back than were written")


async def _delete(destination: Destination, name: str) -> None:
    with _step("Deleting"):
        await destination.delete(name)
        if await destination.stat(name) is not None:
            raise Rejected("The file is still there")


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Put the name of the step before the text of what fails in it."""
    try:
        yield
    except StorageError as err:
        # A copy: others may be waiting for the same failed connection.
        told = copy(err)
        told.args = (f"{name}: {err}",)
        raise told from err
    except FileNotFoundError as err:
        raise Rejected(f"{name}: The file is not there") from err


@asynccontextmanager
async def _sources(workdir: Path, name: str) -> AsyncGenerator[list[Path]]:
    """Yield local probe files of random bytes, removed in the end."""
    paths = [workdir / f"{name}-{size}" for size in PROBE_SIZES]

    def write() -> None:
        workdir.mkdir(parents=True, exist_ok=True)
        for path, size in zip(paths, PROBE_SIZES, strict=True):
            path.write_bytes(token_bytes(size))

    def remove() -> None:
        for path in paths:
            with suppress(OSError):  # a cache folder; a leftover does no harm
                path.unlink(missing_ok=True)

    try:
        try:
            await asyncio.to_thread(write)
        except OSError as err:
            raise Rejected(f"Preparing the test failed: {err.strerror}") from err
        yield paths
    finally:
        await asyncio.to_thread(remove)


async def _clean_up(destination: Destination, name: str, temporary: str) -> None:
    """Remove what may be left, if the destination still answers."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLEANUP_TIMEOUT):
            for path in (temporary, name):
                with suppress(StorageError):  # the first failure is the one to tell
                    await destination.delete(path)
