"""The local destination: mounts, links, and file systems that fail."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
import errno
import os
from pathlib import Path
import stat
import subprocess
import sys
import threading
from typing import override
from unittest.mock import patch

import pytest

from custom_components.frigate_snap_sync.storage.base import Source
from custom_components.frigate_snap_sync.storage.errors import (
    NoSpace,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.limits import Limits
from custom_components.frigate_snap_sync.storage.local.destination import (
    MAX_JOBS,
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.source import PIECE_SIZE

from ..waiting import LONG, promptly, until
from .conftest import ClaimedSize, MakeSource


async def list_all(destination: LocalDestination) -> set[str]:
    """Return all listed paths."""
    async with aclosing(destination.list_files()) as files:
        return {file.path async for file in files}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder to store in."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
async def destination(root: Path) -> AsyncGenerator[LocalDestination]:
    """A destination that works."""
    destination = LocalDestination(
        root,
        mount_point=await find_mount_point(root),
        is_allowed=lambda _: True,
        limits=Limits(stall_timeout=2 * LONG),
    )
    yield destination
    await destination.close()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (errno.ENOSPC, NoSpace),
        (errno.EDQUOT, NoSpace),
        (errno.EACCES, PermissionDenied),
        (errno.EPERM, PermissionDenied),
        (errno.EROFS, PermissionDenied),
        (errno.EIO, Unreachable),
        (errno.ESTALE, Unreachable),
        (errno.ENOTCONN, Unreachable),
        (errno.EHOSTDOWN, Unreachable),
        (errno.ETIMEDOUT, Unreachable),
        (errno.ENOENT, Unreachable),
        (errno.ENAMETOOLONG, Rejected),
        (errno.EFBIG, Rejected),
    ],
    ids=errno.errorcode.get,
)
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
async def test_causes(
    destination: LocalDestination,
    root: Path,
    make_source: MakeSource,
    step: str,
    code: int,
    cause: type[StorageError],
) -> None:
    """Each failing step has its cause; the final name stays as it was."""
    (root / "file").write_text("old")
    owner = Path if step == "replace" else os
    with (
        patch.object(owner, step, side_effect=OSError(code, os.strerror(code))),
        pytest.raises(cause) as raised,
    ):
        await destination.put("file", make_source(), temporary="part")
    assert type(raised.value) is cause
    assert str(raised.value) == f"Failed to write file: {os.strerror(code)}"
    assert [path.name for path in root.iterdir()] == ["file"]
    assert (root / "file").read_text() == "old"


async def test_a_file_system_that_can_not_sync(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """Some network and FUSE file systems refuse fsync, on folders even more do."""
    with patch.object(os, "fsync", side_effect=OSError(errno.EINVAL, "Invalid")):
        await destination.put("a/file", make_source(7), temporary="a/part")
    fsync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "not on folders")
        fsync(descriptor)

    with patch.object(os, "fsync", refuse_folders):
        await destination.put("b/file", make_source(7), temporary="b/part")
    assert await list_all(destination) == {"a/file", "b/file"}


async def test_large_files_are_synced_on_the_way(
    destination: LocalDestination, make_source: MakeSource
) -> None:
    """So that each step takes a bounded time, on a slow disk too."""
    with patch.object(os, "fsync", wraps=os.fsync) as fsync:
        await destination.put("file", make_source(40 * PIECE_SIZE), temporary="part")
    assert fsync.call_count == 2 + 1 + 1  # every 16 MiB, at the end, and the folder


async def test_permissions_are_the_default(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """Files and folders get what this process gives to any, not the source's."""
    source = make_source()
    source.path.chmod(0o600)
    await destination.put("a/file", source, temporary="a/part")
    os.umask(umask := os.umask(0))
    assert stat.S_IMODE((root / "a/file").stat().st_mode) == 0o666 & ~umask
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o777 & ~umask


async def test_slow_uploads_do_not_hold_up_reading(
    destination: LocalDestination, root: Path
) -> None:
    """As many as may run wait for their source, and what lies there is played."""
    (root / "old.mp4").write_bytes(b"film")
    more = asyncio.Event()

    class Slow(Source):
        """Waits in the middle."""

        name = "slow"
        size = 8
        sha256 = None

        @override
        async def open(self) -> AsyncGenerator[bytes]:
            yield b"half"
            await more.wait()
            yield b"half"

    uploads = [
        asyncio.create_task(
            destination.put(f"{number}.mp4", Slow(), temporary=f".{number}.tmp")
        )
        for number in range(MAX_JOBS)
    ]
    await until(lambda: len([*root.glob(".*.tmp")]) == MAX_JOBS)
    async with promptly():
        assert await destination.stat("old.mp4") is not None
        got = [piece async for piece in destination.open_read("old.mp4")]
    assert b"".join(got) == b"film"
    assert not any(upload.done() for upload in uploads)
    more.set()
    await asyncio.gather(*uploads)


async def test_the_source_fails(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """A source that can't be read, or changes, leaves nothing behind."""
    with (
        patch.object(os, "read", side_effect=OSError(errno.EIO, "broken")),
        pytest.raises(Rejected, match="Reading the source failed: broken"),
    ):
        await destination.put("file", make_source(), temporary="part")
    with pytest.raises(Rejected, match="Of 999 bytes 1000 were read and 1000 arrived"):
        await destination.put("file", ClaimedSize(999, bytes(1000)), temporary="part")
    assert list(root.iterdir()) == []


async def test_a_hanging_file_system(root: Path, make_source: MakeSource) -> None:
    """It is unreachable after a while; what hung undoes itself when it goes on."""
    mount_point = await find_mount_point(root)
    destination, patient = (
        LocalDestination(
            root,
            mount_point=mount_point,
            is_allowed=lambda _: True,
            limits=Limits(stall_timeout=seconds),
        )
        for seconds in (1, LONG)
    )
    release = threading.Event()

    def hang(_: int) -> None:
        assert release.wait(2 * LONG)

    source = make_source()
    with patch.object(os, "fsync", hang):
        for _ in range(2):
            with pytest.raises(Unreachable):
                await destination.put("file", source, temporary="part")
        assert [path.name for path in root.iterdir()] == ["part"]
        # Another name does not hang on the first, but in its own thread.
        results = await asyncio.gather(
            *(
                destination.put(f"{n}", source, temporary=f"{n}.part")
                for n in range(10)
            ),
            return_exceptions=True,
        )
        assert all(isinstance(result, Unreachable) for result in results)
        assert len(list(root.iterdir())) == 4  # one thread each, and no more
        release.set()
        await until(lambda: not list(root.iterdir()))
    # A disk may take a second for it.
    await patient.put("file", source, temporary="part")
    assert await list_all(patient) == {"file"}


async def test_deep_folders(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """A list ends somewhere, however deep somebody's folders are."""
    deep = "/".join("d" * 70)
    (root / deep).mkdir(parents=True)
    (root / deep / "file").touch()
    (root / deep).parents[20].joinpath("found").touch()
    assert {path.rpartition("/")[2] for path in await list_all(destination)} == {
        "found"
    }


async def test_files_that_go_while_they_are_listed(
    root: Path,
) -> None:
    """A file that is gone when its size is asked for is left out."""
    destination = LocalDestination(
        root,
        mount_point=await find_mount_point(root),
        is_allowed=lambda _: True,
        limits=Limits(list_batch=1),
    )
    for n in range(10):
        (root / str(n)).touch()
    async with aclosing(destination.list_files()) as files:
        await anext(files)
        for path in root.iterdir():
            path.unlink()
        assert [file async for file in files] == []


async def test_killed_in_the_middle(
    destination: LocalDestination, root: Path, make_source: MakeSource, tmp_path: Path
) -> None:
    """What a killed process leaves is a temporary file, and the next put takes it."""
    source = make_source(32 * PIECE_SIZE)
    script = """
import asyncio, os, sys
from pathlib import Path
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination, find_mount_point
)
from custom_components.frigate_snap_sync.storage.source import FileSource
async def main(root, source):
    to = LocalDestination(
        root, mount_point=await find_mount_point(root), is_allowed=lambda _: True
    )
    await to.put(
        "file", FileSource(source, size=source.stat().st_size), temporary="part"
    )
def kill(descriptor):
    os.kill(os.getpid(), 9)
os.fsync = kill
asyncio.run(main(*map(Path, sys.argv[1:])))
"""
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, str(root), str(source.path)],
        timeout=60,
        check=False,
    )
    assert process.returncode == -9
    assert [path.name for path in root.iterdir()] == ["part"]
    await destination.put("file", source, temporary="part")
    assert await list_all(destination) == {"file"}
    assert (root / "file").read_bytes() == source.read_bytes()
