"""The server that all send to, and where its files lie."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import re
import shutil
import tempfile
from typing import Any, Final, Self

from tests.harness.openssh import HOST, OpenSshServer

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - asked for, as it is no disk
_PREFIX: Final = "frigate-snap-sync-bench-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What somebody must know to log in to a server."""

    port: int
    username: str
    host_key: str
    key_file: Path
    known_hosts: Path
    host: str = HOST

    @classmethod
    def to(
        cls, server: OpenSshServer, *, folder: Path, port: int | None = None
    ) -> Self:
        """Return the access to a server, also through another port of this machine.

        Keys are put into `folder`, which is made.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        port = port or server.port
        access = cls(
            port=port,
            username=server.username,
            host_key=server.host_key,
            key_file=folder / "key",
            known_hosts=folder / f"known_hosts-{port}",
        )
        access.key_file.touch(mode=0o600)
        access.key_file.write_text(server.private_key)
        access.known_hosts.write_text(f"[{HOST}]:{port} {server.host_key}\n")
        return access

    def settings(self, path: Path) -> dict[str, Any]:
        """Return the arguments of `SftpSettings` for a folder there."""
        return {
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "private_key": self.key_file.read_text(),
            "path": str(path),
            "host_key": self.host_key,
        }


class ShellServer(OpenSshServer):
    """A server with a shell, as most have: rclone computes its hashes there."""

    def __init__(self, folder: Path) -> None:
        """Put everything into `folder`, which is made."""
        super().__init__(folder)
        # What sshd is told first holds, whatever its settings say afterwards.
        script = folder / "sshd"
        script.write_text(f'#!/bin/sh\nexec {self._sshd} -o ForceCommand=none "$@"\n')
        script.chmod(0o700)
        self._sshd = str(script)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder for files that are sent and stored; `kind` tells what it lies on."""

    folder: Path
    kind: str


@contextmanager
def fast_place(size: int, *, fallback: Path) -> Iterator[Place]:
    """Yield a folder in memory if `size` bytes have room there, else below another.

    What is in it is removed in the end.
    """
    in_memory = _has_room(size)
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=_MEMORY if in_memory else fallback
    ) as folder:
        kind = "memory (tmpfs)" if in_memory else file_system(fallback)
        yield Place(folder=Path(folder), kind=kind)


def _has_room(size: int) -> bool:
    """Tell whether so many bytes fit into memory, and as many are left."""
    if file_system(_MEMORY) != "tmpfs" or not os.access(_MEMORY, os.W_OK):
        return False
    free = re.search(r"^MemAvailable:\s+(\d+) kB$", _memory(), re.MULTILINE)
    return (
        free is not None
        and int(free[1]) * 1024 >= 2 * size
        and shutil.disk_usage(_MEMORY).free >= size
    )


def _memory() -> str:
    return Path("/proc/meminfo").read_text()


def file_system(path: Path) -> str:
    """Return the type of the file system that a path lies on."""
    best, kind = -1, "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        mount, name = line.split()[1:3]
        if path.resolve().is_relative_to(mount) and len(mount) > best:
            best, kind = len(mount), name
    return kind
