"""A small disk of its own, which can be filled up."""

import asyncio
import contextlib
import os
from pathlib import Path
import shutil
import subprocess
from typing import Self

_TIMEOUT = 30


def can_mount() -> bool:
    """Tell whether this process may mount a file system, as far as that can be seen."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


class SmallDisk:
    """A tmpfs at `folder`, which is made if need be; a context manager.

    `size` is in MiB. Without the right to mount (in a container, say) it is an
    ordinary folder, and `is_real` is false: then it can't be filled.
    """

    def __init__(self, folder: Path, *, size: int) -> None:
        """Keep where it will be; `folder` has nothing in it yet."""
        self.folder = folder
        self.is_real = False
        self._size = size
        self._ballast = folder / "ballast"

    async def __aenter__(self) -> Self:
        """Mount it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if can_mount():
            self.is_real = await self._run(
                *("mount", "-t", "tmpfs", "-o", f"size={self._size}m"),
                *("frigate-snap-sync-test", str(self.folder)),
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take it away, with all that is on it."""
        if self.is_real and not await self._run("umount", str(self.folder)):
            # Somebody still has a file open; it goes when that one does.
            await self._run("umount", "--lazy", str(self.folder))

    def fill(self, *, leave: int = 0) -> None:
        """Take all the space there is, but for `leave` bytes."""
        if not self.is_real:
            raise RuntimeError(f"No disk of its own: {self.folder}")
        with self._ballast.open("wb") as file:
            taken = 0
            while (size := self._free() - leave) > 0:
                # All or nothing: if others wrote meanwhile, the rest is looked at again.
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), taken, size)
                    taken += size

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)

    def _free(self) -> int:
        space = os.statvfs(self.folder)
        return space.f_bavail * space.f_frsize

    async def _run(self, *command: str) -> bool:
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
        return done.returncode == 0
