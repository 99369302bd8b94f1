"""Downloads that are under way: what has come of a file may leave before the rest."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
import hashlib
from pathlib import Path
import time
from typing import override

from ...changes import Changes
from ...storage.base import Source
from ...storage.errors import SourceUnreadable
from ...storage.jobs import in_thread
from ...storage.read_back import Content
from ...storage.source import PieceReader
from ..support.tasks import wait_for

_LOOK_INTERVAL = 1.0
"""Seconds after which who waits for more bytes looks whether that is still right."""


class DownloadGivenUp(SourceUnreadable):
    """The file will not come, or others wait meanwhile: nothing is at fault."""


class RunningDownload:
    """A file that Frigate still gives: how much of it is on the disk."""

    def __init__(self, path: Path) -> None:
        """Nothing of it has come; `path` is where it lies until it is whole."""
        self.path = path
        self.size = 0
        """Bytes that can be read at `path`."""
        self.content: Content | None = None
        """What it is, once it is whole and the ledger knows it."""
        self.is_over = False
        self.takers: Collection[str] = ()
        """The destinations that take it, once it is over."""
        self.left: set[str] = set()
        """The destinations that have tried to follow, and do so no more."""
        self._changes = Changes()

    def grow(self, size: int) -> None:
        """Note that so many bytes are there."""
        self.size = size
        self._changes.notify()

    def end(self, content: Content | None, takers: Collection[str]) -> None:
        """Note that it is over: it is whole, or will never be."""
        self.content, self.takers, self.is_over = content, takers, True
        if content is not None:
            self.size = content.size
        self._changes.notify()

    async def more(self, position: int) -> None:
        """Wait a moment for bytes behind this position, or the end."""
        if self.size <= position and not self.is_over:
            await wait_for(self._changes.next(), _LOOK_INTERVAL)


class RunningDownloads:
    """All downloads that are under way, by the ids of their files in the ledger."""

    def __init__(self) -> None:
        """Begin with none."""
        self._downloads: dict[int, RunningDownload] = {}

    def begin(self, file_id: int, path: Path) -> RunningDownload:
        """Note that a file is being downloaded to `path`, and return it."""
        self.end(file_id)
        self._downloads[file_id] = download = RunningDownload(path)
        return download

    def get(self, file_id: int) -> RunningDownload | None:
        """Return the download of a file, None if it is over."""
        return self._downloads.get(file_id)

    def to_follow(self, destination_id: str, *, least: int) -> list[int]:
        """Return the files of which a destination may have what is there.

        Those of which at least so many bytes are there.
        """
        return [
            file_id
            for file_id, download in self._downloads.items()
            if download.size >= least and destination_id not in download.left
        ]

    def end(
        self,
        file_id: int,
        content: Content | None = None,
        takers: Collection[str] = (),
    ) -> None:
        """Note that a download is over; without `content` the file did not come whole.

        `takers` are the destinations that wait for it.
        """
        if (download := self._downloads.pop(file_id, None)) is not None:
            download.end(content, takers)


class DownloadSource(Source):
    """A file that is sent to a destination while it is downloaded.

    What it must be is known at its end alone. It ends only when the download was found
    whole and the ledger has it: nothing gets its final name before.
    """

    def __init__(
        self,
        download: RunningDownload,
        destination_id: str,
        *,
        patience: float,
        others_wait: Callable[[], Awaitable[bool]],
        is_part: bool = False,
    ) -> None:
        """Keep whose it is; nothing is read yet.

        Whenever it has waited `patience` seconds for bytes in all, it asks
        `others_wait` whether it keeps something from being sent.
        """
        self._download = download
        self._destination_id = destination_id
        self._patience = patience
        self._others_wait = others_wait
        self._is_part = is_part

    @property
    @override
    def name(self) -> str:
        return self._download.path.name

    @property
    @override
    def size(self) -> int:
        content = self._download.content
        return self._download.size if content is None else content.size

    @property
    @override
    def sha256(self) -> str | None:
        content = self._download.content
        return None if content is None else content.sha256

    @property
    @override
    def is_part(self) -> bool:
        return self._is_part

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        """Yield what comes. Raises `DownloadGivenUp` if it won't come to an end."""
        download, digest, position = self._download, hashlib.sha256(), 0
        waited = 0.0
        try:
            reader = await asyncio.to_thread(PieceReader.open, download.path)
        except OSError as err:
            raise DownloadGivenUp(f"{self.name} can't be read: {err}") from err

        def read() -> bytes:
            piece = reader.read()
            digest.update(piece)
            return piece

        try:
            while position < download.size or not download.is_over:
                if position < download.size:
                    if not (piece := await asyncio.to_thread(read)):
                        raise DownloadGivenUp(f"{self.name} has become shorter")
                    position += len(piece)
                    yield piece
                    continue
                began = time.monotonic()
                await download.more(position)
                waited += time.monotonic() - began
                if waited >= self._patience:
                    waited = 0.0
                    if await self._others_wait():
                        raise DownloadGivenUp(f"Others wait behind {self.name}")
        except OSError as err:
            raise DownloadGivenUp(f"{self.name} can't be read: {err}") from err
        finally:
            # Not waited for: closing is not worth holding up a cancellation.
            in_thread(reader.close)
        if download.content != Content(size=position, sha256=digest.hexdigest()):
            raise DownloadGivenUp(f"{self.name} did not come whole")
        if self._destination_id not in download.takers:
            raise DownloadGivenUp(f"{self.name} is no longer wanted")
