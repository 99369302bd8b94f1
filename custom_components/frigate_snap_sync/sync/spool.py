"""The spool: where media wait on Home Assistant's disk until every destination has them."""

import asyncio
from collections.abc import Callable, Collection, Iterable
import contextlib
from dataclasses import dataclass
import hashlib
import os
from pathlib import Path
import secrets
from typing import BinaryIO, Self

_CHUNK = 1 << 20
_UNFINISHED = ".part"


class SpoolError(Exception):
    """The spool's disk refused; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFile:
    """A whole file in the spool: its name there, its bytes, their SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Spool:
    """A folder of media files with random names, known to the ledger."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder; it is made by `open`."""
        self.folder = folder

    async def open(self, known: Collection[str]) -> set[str]:
        """Make the folder and remove what the ledger doesn't know.

        Returns the names that the ledger knows and the folder lacks.
        Raises SpoolError.
        """

        def work() -> set[str]:
            self.folder.mkdir(parents=True, exist_ok=True)
            present = {entry.name for entry in os.scandir(self.folder)}
            for name in present.difference(known):
                (self.folder / name).unlink(missing_ok=True)
            return set(known) - present

        return await _in_thread(work)

    def path(self, name: str) -> Path:
        """Return where a file of the spool lies."""
        return self.folder / name

    async def size(self, name: str) -> int | None:
        """Return a file's bytes, or None if it is gone."""

        def work() -> int | None:
            try:
                return self.path(name).stat().st_size
            except FileNotFoundError:
                return None

        return await _in_thread(work)

    async def store(self, data: bytes, extension: str) -> SpoolFile:
        """Keep the bytes so that a power cut can't take them. Raises SpoolError."""
        async with self.writer(extension) as writer:
            await writer.write(data)
            return await writer.finish()

    def writer(self, extension: str) -> SpoolWriter:
        """Return a writer for one new file, to be used with `async with`."""
        return SpoolWriter(self.folder, f"{secrets.token_hex(16)}.{extension}")

    async def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone already don't matter. Raises SpoolError."""
        names = tuple(names)
        if names:

            def work() -> None:
                for name in names:
                    self.path(name).unlink(missing_ok=True)

            await _in_thread(work)


class SpoolWriter:
    """Writes one file in bounded steps off the event loop, hashing on the way."""

    def __init__(self, folder: Path, name: str) -> None:
        """Keep the names; the file is made on entering."""
        self._name = name
        self._final = folder / name
        self.path = folder / f"{name}{_UNFINISHED}"
        self._hash = hashlib.sha256()
        self._size = 0
        self._buffer = bytearray()
        self._file: BinaryIO | None = None

    async def __aenter__(self) -> Self:
        """Make the file. Raises SpoolError."""
        self._file = await _in_thread(lambda: self.path.open("xb"))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the file, and remove it unless it was finished."""

        def work() -> None:
            if self._file is not None:
                with contextlib.suppress(OSError):  # Its last bytes don't fit: no loss.
                    self._file.close()
            self.path.unlink(missing_ok=True)

        await asyncio.shield(asyncio.ensure_future(_in_thread(work)))

    async def write(self, data: bytes) -> None:
        """Add bytes; they reach the disk in steps of 1 MiB. Raises SpoolError."""
        self._buffer += data
        if len(self._buffer) >= _CHUNK:
            await self.flush()

    async def flush(self) -> None:
        """Write what is buffered to the file. Raises SpoolError."""
        data, self._buffer = bytes(self._buffer), bytearray()
        await _in_thread(lambda: self._write(data))

    async def finish(self) -> SpoolFile:
        """Make the file whole and durable, under its final name. Raises SpoolError."""
        await self.flush()

        def work() -> SpoolFile:
            file = self._opened
            os.fsync(file.fileno())
            self.path.rename(self._final)
            return SpoolFile(
                name=self._name, size=self._size, sha256=self._hash.hexdigest()
            )

        return await _in_thread(work)

    @property
    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise SpoolError("The spool file is not open")
        return self._file

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)
        self._opened.write(data)
        self._opened.flush()  # Others may look into the file before it is finished.


async def _in_thread[T](work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as err:
        raise SpoolError(f"Spool: {err.strerror or err}") from err
