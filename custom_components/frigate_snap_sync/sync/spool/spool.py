"""The spool: where media wait on Home Assistant's disk until every destination has them."""

import asyncio
from collections.abc import Callable, Collection, Iterable
import contextlib
from dataclasses import dataclass
import hashlib
import logging
import os
from pathlib import Path
import secrets
import shutil
from typing import BinaryIO, Self

from ...private_files import (
    make_private,
    make_private_folder,
    private_opener,
    put_in_place,
)
from ...storage.base import Source
from ...storage.outlasting import outlast
from ...storage.read_back import Content
from ...storage.source import FileSource
from ..model.errors import SpoolError, SpoolFull, words_of
from ..support.set_aside import name_aside

_LOGGER = logging.getLogger(__name__)

_CHUNK = 1 << 20
_ASIDE = "unknown"
_UNFINISHED = ".tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFile:
    """A whole file in the spool: its name there, its bytes, their SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Spool:
    """A folder of media files with random names, known to the ledger."""

    def __init__(self, folder: Path, *, limit: int, reserve: int = 0) -> None:
        """Keep the folder, which is made by `open`; it shall hold `limit` bytes.

        Clips leave `reserve` bytes of them to stills.
        """
        self.folder = folder
        self.limit = limit
        self._reserve = reserve
        self._sizes: dict[str, int] = {}

    @property
    def used(self) -> int:
        """Return the bytes of all files in the folder, unfinished ones too."""
        return sum(self._sizes.values())

    @property
    def reserve(self) -> int:
        """Return the bytes that clips leave to stills, of a small spool fewer."""
        return min(self._reserve, self.limit // 10)

    def note(self, name: str, size: int | None) -> None:
        """Note how many bytes a file has, None when it is gone."""
        if size is None:
            self._sizes.pop(name, None)
        else:
            self._sizes[name] = size

    async def open(
        self, known: Collection[str], *, keeps_unknown: bool = False
    ) -> set[str]:
        """Make the folder and remove what the ledger doesn't know.

        With `keeps_unknown`, for a ledger that may not know all, that is moved out
        of the way. Returns the names that the ledger knows and the folder lacks.
        Raises SpoolError.
        """

        def work() -> set[str]:
            make_private_folder(self.folder)
            for aside in self.folder.parent.glob(f"{self.folder.name}.{_ASIDE}-*"):
                make_private(aside)
            unknown = name_aside(self.folder, _ASIDE)
            missing = set(known)
            self._sizes.clear()
            for entry in os.scandir(self.folder):
                if not entry.is_file(follow_symlinks=False):
                    continue  # Such as a NAS's own folders.
                if entry.name in known:
                    make_private(self.folder / entry.name)
                    missing.discard(entry.name)
                    self._sizes[entry.name] = entry.stat().st_size
                elif keeps_unknown:
                    make_private_folder(unknown)
                    (self.folder / entry.name).rename(unknown / entry.name)
                else:
                    (self.folder / entry.name).unlink(missing_ok=True)
            if unknown.exists():
                _LOGGER.error(
                    "What waited in the spool, and the ledger does not know, was set"
                    " aside as %s",
                    unknown.name,
                )
            self._bound_aside()
            return missing

        return await _in_thread(work)

    def _bound_aside(self) -> None:
        """Remove the oldest of what was set aside beyond the spool's limit. Blocks.

        The newest stays, however large it is. No clock counts, for it may be wrong.
        """
        names = self.folder.parent.glob(f"{self.folder.name}.{_ASIDE}-*")
        size = 0
        for number, aside in enumerate(sorted(names, reverse=True)):
            size += _size_of(aside)
            if number and size > self.limit:
                _LOGGER.warning(
                    "%s is removed: what was set aside takes more than the spool may",
                    aside.name,
                )
                # What resists is removed the next time.
                shutil.rmtree(aside, ignore_errors=True)

    def source(
        self,
        name: str,
        content: Content,
        *,
        is_urgent: bool = False,
        is_part: bool = False,
    ) -> Source:
        """Return a file of the spool for sending, with what it must hold."""
        return FileSource(
            self.path(name),
            size=content.size,
            sha256=content.sha256,
            is_urgent=is_urgent,
            is_part=is_part,
        )

    def path(self, name: str) -> Path:
        """Return where a file of the spool lies."""
        return self.folder / name

    async def store(self, data: bytes, extension: str) -> SpoolFile:
        """Keep the bytes so that a power cut can't take them.

        Raises SpoolFull, or SpoolError.
        """
        async with self.writer(extension) as writer:
            await writer.write(data)
            return await writer.finish()

    def writer(self, extension: str, *, reserve: int = 0) -> SpoolWriter:
        """Return a writer for one new file, to be used with `async with`.

        It leaves `reserve` bytes below the spool's limit to others.
        """
        return SpoolWriter(self, f"{secrets.token_hex(16)}.{extension}", reserve)

    async def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone already don't matter.

        Also when cancelled meanwhile. Raises SpoolError.
        """
        if names := tuple(names):
            await outlast(asyncio.create_task(self._remove(names)))

    async def _remove(self, names: Collection[str]) -> None:
        def work() -> None:
            for name in names:
                self.path(name).unlink(missing_ok=True)

        await _in_thread(work)
        for name in names:
            self.note(name, None)


class SpoolWriter:
    """Writes one file in bounded steps off the event loop, hashing on the way."""

    def __init__(self, spool: Spool, name: str, reserve: int) -> None:
        """Keep the names; the file is made on entering."""
        self._spool = spool
        self._reserve = reserve
        self._name = name
        self._final = spool.path(name)
        self.path = spool.path(f"{name}{_UNFINISHED}")
        self._is_finished = False
        self._hash = hashlib.sha256()
        self._size = 0
        self.flushed = 0
        """Bytes that others can read at `path`."""
        self._buffer = bytearray()
        self._file: BinaryIO | None = None

    async def __aenter__(self) -> Self:
        """Make the file, and its folder if that was removed. Raises SpoolError."""

        def work() -> BinaryIO:
            try:
                return open(self.path, "xb", opener=private_opener)
            except FileNotFoundError:
                make_private_folder(self.path.parent)
                return open(self.path, "xb", opener=private_opener)

        self._file = await _in_thread(work)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the file, and remove it unless it was finished."""

        def work() -> None:
            if self._file is not None:
                with contextlib.suppress(OSError):  # Its last bytes don't fit: no loss.
                    self._file.close()
            self.path.unlink(missing_ok=True)

        if not self._is_finished:
            self._spool.note(self._name, None)
        await outlast(asyncio.create_task(_in_thread(work)))

    async def write(self, data: bytes) -> None:
        """Add bytes; they reach the disk in steps of 1 MiB.

        Raises SpoolFull when the spool's limit is reached, or SpoolError.
        """
        if self._spool.used + len(data) > self._spool.limit - self._reserve:
            raise SpoolFull("The spool has reached its limit")
        self._size += len(data)
        self._spool.note(self._name, self._size)
        self._buffer += data
        if len(self._buffer) >= _CHUNK:
            await self.flush()

    async def flush(self) -> None:
        """Write what is buffered to the file. Raises SpoolError."""
        data, self._buffer = bytes(self._buffer), bytearray()
        await _in_thread(lambda: self._write(data))
        self.flushed += len(data)

    async def finish(self) -> SpoolFile:
        """Make the file whole and durable, under its final name. Raises SpoolError."""
        await self.flush()

        def work() -> SpoolFile:
            self._opened.flush()
            put_in_place(self.path, self._final)
            return SpoolFile(
                name=self._name, size=self._size, sha256=self._hash.hexdigest()
            )

        finished = await _in_thread(work)
        self._is_finished = True
        return finished

    @property
    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise SpoolError("The spool file is not open")
        return self._file

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._opened.write(data)
        self._opened.flush()  # Others may look into the file before it is finished.


def _size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


async def _in_thread[T](work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as err:
        raise SpoolError(f"Spool: {err.strerror or err}", said=words_of(err)) from err
