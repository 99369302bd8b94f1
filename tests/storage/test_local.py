"""The local destination: mounts, links, and file systems that fail."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
import errno
import os
from pathlib import Path
import stat
import subprocess
import sys
import threading
from typing import Any, override
from unittest.mock import patch

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    NoSpace,
    NotMounted,
    PathNotAllowed,
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
from .places import small_disk

type Operation = Callable[[LocalDestination, Source], Any]


async def list_all(destination: LocalDestination) -> set[str]:
    """Return all listed paths."""
    async with aclosing(destination.list_files()) as files:
        return {file.path async for file in files}


async def read_one(destination: LocalDestination) -> bytes:
    """Read the file `file`."""
    async with aclosing(destination.open_read("file")) as pieces:
        return b"".join([piece async for piece in pieces])


OPERATIONS: dict[str, Operation] = {
    "connect": lambda to, _: to.connect(),
    "put": lambda to, source: to.put("file", source, temporary="part"),
    "stat": lambda to, _: to.stat("file"),
    "delete": lambda to, _: to.delete("file"),
    "list_files": lambda to, _: list_all(to),
    "open_read": lambda to, _: read_one(to),
    "free_space": lambda to, _: to.free_space(),
}


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


async def test_find_mount_point(tmp_path: Path) -> None:
    """The nearest mount point is found, for links and for what isn't there too."""
    found = await find_mount_point(tmp_path)
    assert os.path.ismount(found)
    assert await find_mount_point(tmp_path / "not" / "there") == found
    assert await find_mount_point(Path("/proc/self")) == "/proc"
    (tmp_path / "link").symlink_to("/proc/self")
    assert await find_mount_point(tmp_path / "link" / "fd") == "/proc"
    assert await find_mount_point(Path("/")) == "/"


async def test_a_share_comes_and_goes(tmp_path: Path, make_source: MakeSource) -> None:
    """Nothing is written where the share is not, and all works when it is back."""
    share = tmp_path / "share"
    root = share / "cameras"
    source = make_source()
    async with small_disk(share):
        mount_point = await find_mount_point(root)
        assert mount_point == str(share)
        destination = LocalDestination(
            root, mount_point=mount_point, is_allowed=lambda _: True
        )
        await destination.put("a/file", source, temporary="a/part")

    for operation in OPERATIONS.values():
        with pytest.raises(NotMounted, match="no longer on"):
            await operation(destination, source)
    assert list(share.iterdir()) == []
    share.rmdir()
    for operation in OPERATIONS.values():
        with pytest.raises(NotMounted):
            await operation(destination, source)
    assert not share.exists()

    async with small_disk(share):
        await destination.put("a/file", source, temporary="a/part")
        assert (root / "a/file").exists()


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
async def test_not_mounted(
    root: Path, make_source: MakeSource, operation: Operation
) -> None:
    """No operation works, and the root is not made, below the wrong mount point."""
    root.rmdir()
    destination = LocalDestination(root, mount_point="/proc", is_allowed=lambda _: True)
    with pytest.raises(NotMounted):
        await operation(destination, make_source())
    assert not root.exists()


async def test_unmounted_while_copying(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """A share that goes in mid-file never gets the final name."""
    read = os.read

    def read_and_unmount(descriptor: int, size: int) -> bytes:
        mounts.return_value = False
        return read(descriptor, size)

    with (
        patch.object(Path, "is_mount", return_value=True) as mounts,
        patch.object(os, "read", read_and_unmount),
    ):
        destination = LocalDestination(
            root, mount_point=str(root), is_allowed=lambda _: True
        )
        with pytest.raises(NotMounted):
            await destination.put("file", make_source(), temporary="part")
    assert list(root.iterdir()) == []


async def test_dead_share(
    destination: LocalDestination, make_source: MakeSource
) -> None:
    """A share whose server is away is unreachable, not unmounted."""
    with (
        patch.object(Path, "lstat", side_effect=OSError(errno.EHOSTDOWN, "Host down")),
        pytest.raises(Unreachable, match="Host down"),
    ):
        await destination.connect()


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
async def test_not_allowed(
    root: Path, make_source: MakeSource, operation: Operation
) -> None:
    """Whether the path is allowed is asked each time, and not on the event loop."""
    (root / "file").touch()
    asked: list[tuple[str, bool]] = []
    allowed = True

    def is_allowed(path: str) -> bool:
        asked.append((path, threading.current_thread() is threading.main_thread()))
        return allowed

    destination = LocalDestination(
        root, mount_point=await find_mount_point(root), is_allowed=is_allowed
    )
    await operation(destination, make_source())
    assert set(asked) == {(str(root), False)}
    (root / "file").touch()
    allowed = False
    with pytest.raises(PathNotAllowed):
        await operation(destination, make_source())
    assert [path.name for path in root.iterdir()] == ["file"]


async def test_a_vanished_root_is_made_again(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """On its own file system, a folder that somebody removed comes back."""
    root.rmdir()
    assert await destination.stat("file") is None
    assert await list_all(destination) == set()
    assert (await destination.free_space() or 0) > 0
    assert not root.exists()
    await destination.connect()
    assert root.is_dir()
    root.rmdir()
    await destination.put("a/b", make_source(), temporary="a/part")
    assert (root / "a/b").exists()


async def test_a_vanished_root_on_a_read_only_file_system(
    destination: LocalDestination, root: Path
) -> None:
    """That is how a share that could not be mounted looks on Home Assistant OS."""
    root.rmdir()
    with (
        patch.object(Path, "mkdir", side_effect=OSError(errno.EROFS, "Read-only")),
        pytest.raises(NotMounted, match="read-only"),
    ):
        await destination.connect()


async def test_the_root_can_not_be_made(
    destination: LocalDestination, root: Path
) -> None:
    """Another obstacle has its own cause."""
    root.rmdir()
    with (
        patch.object(Path, "mkdir", side_effect=OSError(errno.EACCES, "Denied")),
        pytest.raises(PermissionDenied, match="Denied"),
    ):
        await destination.connect()
    root.touch()
    with pytest.raises(PermissionDenied, match="is no folder"):
        await destination.connect()


async def test_links_that_lead_out(
    destination: LocalDestination,
    root: Path,
    tmp_path: Path,
    make_source: MakeSource,
) -> None:
    """No link below the root leads an operation out of it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("untouched")
    (root / "out").symlink_to(outside)
    (root / "up").symlink_to("..")

    for path in ("out/file", "out/new/file", "up/outside/file"):
        with pytest.raises(PermissionDenied, match="leads out"):
            await destination.put(
                path, make_source(), temporary=f"{path.rpartition('/')[0]}/part"
            )
        with pytest.raises(PermissionDenied):
            await destination.stat(path)
        with pytest.raises(PermissionDenied):
            await destination.delete(path)
        with pytest.raises(PermissionDenied):
            async with aclosing(destination.open_read(path)) as pieces:
                await anext(pieces)
    with pytest.raises(PermissionDenied):
        async with aclosing(destination.list_files("out")) as files:
            await anext(files)
    assert await list_all(destination) == set()
    assert [path.name for path in outside.iterdir()] == ["file"]


async def test_links_that_are_files(
    destination: LocalDestination,
    root: Path,
    tmp_path: Path,
    make_source: MakeSource,
) -> None:
    """A link in a file's place is replaced or removed, never followed."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in ("file", "part"):
        (root / name).symlink_to(victim)
    assert await destination.stat("file") is None
    assert await list_all(destination) == set()
    with pytest.raises(PermissionDenied):
        await read_one(destination)

    await destination.put("file", make_source(7), temporary="part")

    assert not (root / "file").is_symlink()
    assert await destination.stat("file") == StoredFile(path="file", size=7)
    (root / "file").unlink()
    (root / "file").symlink_to(victim)
    await destination.delete("file")
    assert victim.read_text() == "untouched"


async def test_links_inside(
    destination: LocalDestination, root: Path, make_source: MakeSource
) -> None:
    """A link to another folder below the root is fine, and listed once."""
    (root / "folder").mkdir()
    (root / "link").symlink_to("folder")
    await destination.put("link/file", make_source(1), temporary="link/part")
    assert await list_all(destination) == {"folder/file"}


async def test_the_root_may_be_a_link(tmp_path: Path, make_source: MakeSource) -> None:
    """The owner may set up a link as the root."""
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real")
    destination = LocalDestination(
        tmp_path / "root",
        mount_point=await find_mount_point(tmp_path / "root"),
        is_allowed=lambda _: True,
    )
    await destination.put("a/file", make_source(), temporary="a/part")
    assert (tmp_path / "real/a/file").exists()


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
    destination = LocalDestination(
        root,
        mount_point=await find_mount_point(root),
        is_allowed=lambda _: True,
        limits=Limits(stall_timeout=1),
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
    await destination.put("file", source, temporary="part")
    assert await list_all(destination) == {"file"}


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
