"""A folder of this machine as a destination, a mounted network share included."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, override

from ..base import Capabilities, Destination, Source, StoredFile
from ..growing import GrowingFile
from ..jobs import Job, JobRunner, in_thread
from ..limits import Limits
from ..source import PieceReader, open_source
from .errors import explained
from .files import LocalFolder
from .growing import LocalGrowingFile, open_growing
from .mounts import Disk, Mounts, mount_point_of
from .readers import LoopReader, OpenIn

MAX_JOBS: Final = 4
"""Threads that may work, or hang, for one destination."""


async def find_mount_point(path: Path) -> str:
    """Return the mount point of the file system that `path` lies on.

    To be remembered when a destination is set up. It is a better witness than
    the device's number, of which a network share gets a new one at every mount. `path`
    need not exist; symbolic links are followed. Raises `Unreachable` when the
    file system does not answer.
    """
    runner = JobRunner(limit=1, timeout=Limits().stall_timeout)
    return await runner.run(lambda _: mount_point_of(path))


async def find_disk_without_share(
    path: Path, mount_point: str, *, mounts: Mounts
) -> Disk | None:
    """Return the disk that `path` lies on where one would expect a share, or None.

    `mount_point` is that of the path. Raises `StorageError` when the file system does
    not answer.
    """

    def look(_: Job) -> Disk | None:
        with explained(f"look at the disk of {path}"):
            return mounts.disk_without_share(path, mount_point)

    runner = JobRunner(limit=1, timeout=Limits().stall_timeout)
    return await runner.run(look)


class LocalDestination(Destination):
    """A folder of a file system of this machine.

    All file work is done in executor threads, at most `MAX_JOBS` at once of each kind:
    reading, files that grow, and all else. A missing root folder is made, but only while
    its path lies on the mount point that it was set up on: a share that is not mounted
    raises `NotMounted`, and nothing is written in its place.
    """

    def __init__(
        self,
        path: Path,
        *,
        mount_point: str,
        is_allowed: Callable[[str], bool],
        limits: Limits | None = None,
    ) -> None:
        """Touch nothing yet.

        `path` is absolute; `mount_point` is what `find_mount_point` said of it
        at set-up. `is_allowed` may block; it is asked before every operation,
        in an executor thread, whether `path` may be used.
        """
        self._folder = LocalFolder(
            root=path, mount_point=mount_point, is_allowed=is_allowed
        )
        self._limits = limits or Limits()
        self._jobs = JobRunner(
            limit=MAX_JOBS,
            timeout=self._limits.stall_timeout,
            cancel_timeout=self._limits.cancel_timeout,
        )
        # Of their own: copying large files must not hold up what grows, or is played.
        self._growing = JobRunner(
            limit=MAX_JOBS,
            timeout=self._limits.stall_timeout,
            cancel_timeout=self._limits.cancel_timeout,
        )
        self._reading = JobRunner(
            limit=MAX_JOBS,
            timeout=self._limits.stall_timeout,
            cancel_timeout=self._limits.cancel_timeout,
        )

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(
            max_concurrent=MAX_JOBS, append=True, is_local=True, unsized_from=0
        )

    @override
    async def connect(self) -> None:
        await self._jobs.run(self._folder.make_root)

    @override
    async def close(self) -> None:
        self._jobs.abandon_all()
        self._growing.abandon_all()
        self._reading.abandon_all()

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if (local := source.local_path) is not None:
            return await self._put(
                path, lambda _: PieceReader.open(local, source), temporary
            )
        loop = asyncio.get_running_loop()
        async with open_source(source) as pieces:
            return await self._put(
                path, lambda job: LoopReader(job, pieces, loop), temporary
            )

    async def _put(self, path: str, open_in: OpenIn, temporary: str) -> StoredFile:
        return await self._jobs.run(
            partial(self._folder.put, path=path, open_in=open_in, temporary=temporary),
            name=temporary,
        )

    @override
    async def grow(self, path: str) -> GrowingFile:
        file = await self._growing.run(
            partial(open_growing, folder=self._folder, path=path),
            name=f"growing {path}",
        )
        return LocalGrowingFile(self._growing, file, path)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        return await self._reading.run(partial(self._folder.stat, path=path))

    @override
    async def delete(self, path: str) -> None:
        await self._jobs.run(partial(self._folder.delete, path=path))

    @override
    async def make_folder(self, path: str) -> bool:
        return await self._jobs.run(partial(self._folder.make_folder, path=path))

    @override
    async def remove_folder(self, path: str) -> None:
        await self._jobs.run(partial(self._folder.remove_folder, path=path))

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        files = self._folder.walk(path)

        def take(job: Job) -> list[StoredFile]:
            job.step()
            return list(islice(files, self._limits.list_batch))

        while batch := await self._jobs.run(take):
            for file in batch:
                yield file

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        reader = await self._reading.run(
            partial(self._folder.open_read, path=path, start=start, length=length)
        )
        try:
            while piece := await self._reading.run(lambda _: reader.read()):
                yield piece
        finally:
            # Not waited for: a share that hangs must not hold up the caller.
            in_thread(reader.close)

    @override
    async def free_space(self) -> int | None:
        return await self._jobs.run(self._folder.free_space)
