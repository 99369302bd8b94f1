"""Where a share is expected, and only the machine's own disk is found."""

from functools import partial
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from custom_components.frigate_snap_sync.storage.errors import StorageError
from custom_components.frigate_snap_sync.storage.local.destination import (
    find_disk_without_share,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.local.mounts import Mounts

TABLE = """\
overlay / overlay rw 0 0
/dev/sda8 /config ext4 rw 0 0
/dev/sda8 /media ext4 rw 0 0
/dev/sdb1 /mnt ext4 rw 0 0
nas:/export /net nfs4 rw 0 0
nas:/export /media/old\\040nas nfs4 rw 0 0
/dev/sdc1 /share ext4 rw 0 0
//nas/share /share cifs rw 0 0
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return the table of a system's mounts."""
    path = tmp_path / "mounts"
    path.write_text(TABLE)
    return path


@pytest.fixture
def mounts(table: Path) -> Mounts:
    """Return what that system has mounted."""
    return Mounts(table)


@pytest.mark.parametrize(
    ("path", "mount_point", "device"),
    [
        # The shares that are not there.
        ("/media/nas", "/media", "/dev/sda8"),
        ("/media/nas/frigate/clips", "/media", "/dev/sda8"),
        ("/mnt/nas", "/", "overlay"),
        ("/mnt/nas/frigate", "/mnt", "/dev/sdb1"),
        ("/run/media/me/stick", "/", "overlay"),
        ("/share/nas", "/", "overlay"),
        # All is well.
        ("/media", "/media", None),
        ("/mnt", "/", None),
        ("/media/nas", "/media/nas", None),
        ("/media/nas/frigate", "/media/nas", None),
        ("/media/old nas/frigate", "/media/old nas", None),
        ("/mnt/a/b", "/mnt/a/b", None),
        ("/config/frigate", "/config", None),
        ("/srv/media/nas", "/", None),
        ("/mediathek/nas", "/", None),
        # A share that is mounted right there.
        ("/net/frigate", "/net", None),
        ("/share/frigate", "/share", None),
    ],
)
def test_a_share_is_expected_below_some_folders(
    mounts: Mounts, path: str, mount_point: str, device: str | None
) -> None:
    """Where nothing is mounted below them, it is missing."""
    with (
        patch.object(Path, "resolve", lambda path: path),
        patch.object(os, "statvfs") as statvfs,
    ):
        statvfs.return_value.f_bavail = 7
        statvfs.return_value.f_blocks = 70
        statvfs.return_value.f_frsize = 4096
        disk = mounts.disk_without_share(Path(path), mount_point)
    if device is None:
        assert disk is None
    else:
        assert disk is not None
        assert (disk.mount_point, disk.device) == (mount_point, device)
        assert (disk.free, disk.total) == (7 * 4096, 70 * 4096)


def test_without_a_table_of_mounts(mounts: Mounts, table: Path) -> None:
    """The device is unknown, the question is asked all the same."""
    table.unlink()
    disk = mounts.disk_without_share(Path("/media/nas-that-is-nowhere"), "/")
    assert disk is not None
    assert disk.device == ""
    assert 0 < disk.free < disk.total


async def test_a_link_to_where_a_share_should_be(
    tmp_path: Path, mounts: Mounts
) -> None:
    """Its target counts."""
    link = tmp_path / "nas"
    link.symlink_to("/mnt/nas-that-is-nowhere")
    mount_point = await find_mount_point(link)
    assert not Path("/mnt/nas-that-is-nowhere").is_relative_to(tmp_path)
    find = partial(find_disk_without_share, mounts=mounts)
    assert await find(link, mount_point) is not None
    assert await find(tmp_path, mount_point) is None


async def test_a_file_system_that_fails(mounts: Mounts) -> None:
    """It is told, as all else that goes wrong with a destination."""
    with (
        patch.object(os, "statvfs", side_effect=OSError(5, "Input/output error")),
        pytest.raises(StorageError, match="Input/output error"),
    ):
        await find_disk_without_share(
            Path("/mnt/nas-that-is-nowhere"), "/", mounts=mounts
        )
