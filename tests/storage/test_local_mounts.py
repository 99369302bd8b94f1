"""The local destination: shares that come and go, its root, and links."""

from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
import errno
import os
from pathlib import Path
import threading
from typing import Any
from unittest.mock import Mock, patch

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    FINDING,
    NotMounted,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.local.mounts import check_mounted
from homeassistant.core import HomeAssistant

from .conftest import MakeSource
from .places import small_disk
from .test_local import destination, list_all, root

__all__ = ["destination", "root"]


type Operation = Callable[[LocalDestination, Source], Any]


@contextmanager
def unmakable(number: int, *, hidden: Path | None = None) -> Iterator[None]:
    """Let no folder be made for this reason, nor that one be looked at."""
    error, look = OSError(number, "Denied"), Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if path == hidden:
            raise error
        return look(path)

    with patch.multiple(Path, mkdir=Mock(side_effect=error), lstat=lstat):
        yield


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


@pytest.mark.parametrize(
    ("root", "mount_point", "hint"),
    [
        # Set up when it was a folder of the machine's own disk.
        ("/proc/frigate", "/", "share_mounted_over"),
        ("/frigate", "/proc", "share_is_gone"),
    ],
)
def test_what_is_mounted_instead(root: str, mount_point: str, hint: str) -> None:
    """A share that came over a folder of this machine is not one that went away."""
    with pytest.raises(NotMounted) as caught:
        check_mounted(Path(root), mount_point)
    assert (caught.value.hint, caught.value.about) == (hint, "/proc")


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


@pytest.fixture
def allowed_share(hass: HomeAssistant, root: Path) -> LocalDestination:
    """Return a share mounted at the very folder that Home Assistant allows."""
    hass.config.allowlist_external_dirs = {str(root)}
    return LocalDestination(
        root, mount_point=str(root), is_allowed=hass.config.is_allowed_path
    )


async def test_an_allowed_share_whose_folder_is_gone(
    allowed_share: LocalDestination, root: Path
) -> None:
    """Home Assistant would judge the parent then, which it does not allow."""
    root.rmdir()
    with pytest.raises(NotMounted) as raised:
        await allowed_share.connect()
    assert raised.value.about == str(root)


async def test_an_allowed_share_that_is_dead(allowed_share: LocalDestination) -> None:
    """Home Assistant takes it for a folder that is not there."""
    with (
        patch.multiple(
            Path,
            lstat=Mock(side_effect=OSError(errno.EHOSTDOWN, "Host down")),
            exists=Mock(return_value=False),
        ),
        pytest.raises(Unreachable, match="Host down"),
    ):
        await allowed_share.connect()


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
    """On its own file system, a folder that was removed comes back."""
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
    with unmakable(errno.EROFS), pytest.raises(NotMounted, match="read-only"):
        await destination.connect()


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EINVAL]
)
async def test_the_root_can_not_be_made(
    destination: LocalDestination, root: Path, number: int
) -> None:
    """It does not exist: that is more than the error of the system says."""
    root.rmdir()
    with unmakable(number), pytest.raises(PathNotFound, match="Denied") as raised:
        await destination.connect()
    error = raised.value
    assert (error.hint, error.said) == ("folder_not_made", "Denied")
    assert error.step == FINDING


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL])
async def test_the_root_can_not_be_used(
    destination: LocalDestination, number: int
) -> None:
    """Where something is, or may be, the obstacle is said; it is none of one file."""
    with unmakable(number), pytest.raises(PermissionDenied, match="Denied") as raised:
        await destination.connect()
    assert raised.value.code == "not_writable"


async def test_the_root_is_hidden(destination: LocalDestination, root: Path) -> None:
    """What can't be looked at may be there."""
    root.rmdir()
    with (
        unmakable(errno.EACCES, hidden=root),
        pytest.raises(PermissionDenied, match="Denied") as raised,
    ):
        await destination.connect()
    assert raised.value.code == "not_writable"


async def test_the_root_is_a_file(destination: LocalDestination, root: Path) -> None:
    """Or lies below one, where no folder can be."""
    root.rmdir()
    root.touch()
    with pytest.raises(PermissionDenied, match="is no folder") as raised:
        await destination.connect()
    assert raised.value.hint == "no_folder"
    below = LocalDestination(
        root / "x", mount_point=await find_mount_point(root), is_allowed=lambda _: True
    )
    with pytest.raises(PathNotFound, match="is no folder"):
        await below.connect()


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
