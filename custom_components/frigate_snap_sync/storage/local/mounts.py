"""What is mounted where: does a share lie in the place that is meant for it?"""

from contextlib import suppress
from dataclasses import dataclass
import os
from pathlib import Path
import re
from typing import Final

from ..errors import NotMounted
from .errors import explained

SHARE_FOLDERS: Final = tuple(
    Path(folder)
    for folder in ("/media", "/mnt", "/share", "/run/media", "/net", "/nfs", "/Volumes")
)
"""Folders below which shares and external disks are mounted, by custom.

Home Assistant OS mounts network storage at `/media/<name>` and `/share/<name>`.
"""

_NETWORK: Final = re.compile(r"nfs\d?|cifs|smb\w*|9p|ceph|glusterfs|afs|davfs|fuse\..+")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def mount_point_of(path: Path) -> str:
    """Return the mount point of the file system that `path` lies on.

    `path` need not exist; symbolic links are followed.
    """
    resolved = path.resolve()
    while not resolved.is_mount() and resolved != resolved.parent:
        resolved = resolved.parent
    return str(resolved)


def check_mounted(root: Path, mount_point: str) -> None:
    """Raise `NotMounted` unless a folder lies on the mount point of its set-up."""
    with (
        explained(f"reach {mount_point}"),
        suppress(FileNotFoundError, NotADirectoryError),
    ):
        # A dead share answers with its own error here. Asked below, it
        # would only look like no mount point.
        Path(mount_point).lstat()
    found = mount_point_of(root)
    if found == mount_point:
        return
    text = f"{root} lies on {found} and no longer on {mount_point}"
    if Path(found).is_relative_to(mount_point):
        raise NotMounted(text, hint="share_mounted_over", about=found)
    raise NotMounted(text, hint="share_is_gone", about=mount_point)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system that a folder lies on; sizes are in bytes.

    `device` is what is mounted at `mount_point`, empty where the system can't tell.
    """

    mount_point: str
    device: str
    free: int
    total: int


class Mounts:
    """What this machine has mounted."""

    def __init__(self, table: Path = Path("/proc/self/mounts")) -> None:
        """Read it from a table of the system."""
        self._table = table

    def disk_without_share(self, path: Path, mount_point: str) -> Disk | None:
        """Return the disk that `path` lies on where one would expect a share.

        That is the case below `/media/<name>` and the like, when nothing is mounted
        there: `mount_point`, that of the path, is further up. None if all is well. Symbolic
        links are followed. Raises OSError.
        """
        path, mounted = path.resolve(), Path(mount_point)
        is_expected = any(
            path.is_relative_to(folder)
            and path != folder
            and not (mounted.is_relative_to(folder) and mounted != folder)
            for folder in SHARE_FOLDERS
        )
        if not is_expected:
            return None
        device, kind = self._mounted_at(mount_point)
        if _NETWORK.fullmatch(kind):
            return None
        status = os.statvfs(mount_point)
        return Disk(
            mount_point=mount_point,
            device=device,
            free=status.f_bavail * status.f_frsize,
            total=status.f_blocks * status.f_frsize,
        )

    def _mounted_at(self, mount_point: str) -> tuple[str, str]:
        """Return what is mounted there and its kind; empty where the system can't tell."""
        device = kind = ""
        try:
            lines = self._table.read_text(errors="replace").splitlines()
        except OSError:
            return device, kind
        for line in lines:
            fields = line.split(" ")
            # The last one lies on top of the others.
            if len(fields) > 2 and _plain(fields[1]) == mount_point:
                device, kind = _plain(fields[0]), fields[2]
        return device, kind


def _plain(field: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), field)
