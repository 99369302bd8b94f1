"""A file in a folder of this machine that grows."""

from collections.abc import Callable
from contextlib import suppress
from io import FileIO
import os
from time import monotonic
from typing import Final, override

from ..base import path_segments
from ..growing import AlreadyThere, GrowingFile
from ..jobs import Job, JobRunner, in_thread
from .errors import explained
from .files import LocalFolder, make_folders, open_new, sync, sync_folder

SYNC_INTERVAL: Final = 1.0
"""Seconds between two waits for the disk."""


def open_growing(job: Job, folder: LocalFolder, path: str) -> FileIO:
    """Open a new file at `path`, where nothing may lie.

    If it is forgotten (who asked was cancelled), it closes itself.
    """
    segments = path_segments(path)
    parent = make_folders(folder.make_root(job), path, segments[:-1])
    with explained(f"write {path}"):
        try:
            file = FileIO(open_new(parent / segments[-1]), "wb")
        except FileExistsError:
            raise AlreadyThere(f"{path} is there already") from None
    with suppress(OSError):  # the file is there, whatever a folder's sync says
        sync_folder(parent)
    return file


class LocalGrowingFile(GrowingFile):
    """An open file; each step of its work has a thread of its own."""

    def __init__(
        self,
        jobs: JobRunner,
        file: FileIO,
        path: str,
        *,
        sync: Callable[[int], None] = sync,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Own a new file from now on. `clock` is a steady one, in seconds."""
        self._jobs = jobs
        self._file = file
        self._path = path
        self._sync = sync
        self._clock = clock
        self._synced = clock()

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        def work(job: Job) -> None:
            with explained(f"write {self._path}"):
                rest, position = memoryview(data), at
                while rest:
                    job.step()
                    written = os.pwrite(self._file.fileno(), rest, position)
                    rest, position = rest[written:], position + written
                if self._clock() - self._synced >= SYNC_INTERVAL:
                    job.step()
                    self._sync(self._file.fileno())
                    self._synced = self._clock()

        await self._run(work)

    @override
    async def close(self) -> int:
        def work(job: Job) -> int:
            with explained(f"write {self._path}"):
                self._sync(self._file.fileno())
                job.step()
                return os.fstat(self._file.fileno()).st_size

        try:
            return await self._run(work)
        finally:
            # Not waited for: it may hang on a share that is away.
            in_thread(self._file.close)

    async def _run[T](self, work: Callable[[Job], T]) -> T:
        return await self._jobs.run(work, name=f"growing {self._path}")
