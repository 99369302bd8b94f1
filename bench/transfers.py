"""Transfers: what is sent, and by whom; the ways to an SFTP server."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
import os
from pathlib import Path
from typing import Any, Final, Self

from custom_components.frigate_snap_sync.sync.model.limits import Limits

from .child import BenchFailed, run_probe
from .peers import Rclone, Sftp, run_command
from .runs import Run
from .server import Access

MIB: Final = 1024 * 1024
_GIB: Final = 1024 * MIB
TIMEOUT: Final = 900.0
"""Seconds that one contender may take for one run."""


class Name(StrEnum):
    """The contenders; the values are for the table."""

    OURS = "ours"
    OURS_IN_THREAD = "ours, in a thread of its own"
    SFTP = "sftp (OpenSSH)"
    SFTP_GCM = "sftp, aes128-gcm"
    RCLONE = "rclone"
    RCLONE_FIRST = "rclone, first use of the server"
    RCLONE_PLAIN = "rclone, no hash check"
    PARAMIKO = "paramiko"
    ASYNCSSH = "asyncssh, its defaults"
    RAW = "the link itself (plain TCP)"
    RCLONE_8 = "rclone, --transfers 8"
    BOTO3 = "boto3"
    CURL = "curl -T"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: a file, or the files in a folder."""

    source: Path
    files: int
    size: int
    """Bytes of all."""

    @classmethod
    def make(cls, source: Path, *, files: int, size: int) -> Self:
        """Make random files: one of that size, or a folder of small ones."""
        if files == 1:
            _write(source, size)
        else:
            source.mkdir()
            for number in range(files):
                _write(source / f"{number:04}.jpg", size)
        return cls(source=source, files=files, size=files * size)

    def speed(self, seconds: float) -> str:
        """Return how fast it was sent."""
        if self.files == 1:
            return f"{seconds:.2f} s, {self.size / MIB / seconds:.1f} MiB/s"
        return f"{seconds:.2f} s, {self.files / seconds:.1f} files/s"

    def work(self, cpu: float) -> str:
        """Return how much CPU it took."""
        if self.files == 1:
            return f"{cpu / self.size * _GIB:.1f} CPU s/GiB"
        return f"{cpu / self.files * 1000:.1f} CPU ms/file"


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for begin in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - begin)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Somebody who sends a load to a folder, which is there and empty."""

    name: Name
    load: Load
    send: Callable[[Path], Awaitable[Run]]


@dataclass(slots=True, kw_only=True)
class Route:
    """A way to the server, by which the contenders send."""

    access: Access
    logs: Path
    """Where logs and the programs' settings go."""
    sftp: Sftp = field(init=False)
    rclone: Rclone = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the programs."""
        self.sftp = Sftp(self.access, folder=self.logs)
        self.rclone = Rclone(self.access, folder=self.logs)

    def library(self, name: Name, load: Load, *, delay: bool = False) -> Contender:
        """Return a contender in Python; see the module `senders`."""

        def job(target: Path) -> dict[str, Any]:
            return {
                "sender": name.name.lower(),
                "settings": self.access.settings(target),
                "key_file": str(self.access.key_file),
                "known_hosts": str(self.access.known_hosts),
            }

        return library("senders", name, load, job, logs=self.logs, delay=delay)

    def openssh(self, name: Name, load: Load, *, cipher: str = "") -> Contender:
        """Return OpenSSH's `sftp`."""

        async def send(target: Path) -> Run:
            command = self.sftp.put(load.source, target, cipher=cipher)
            return await self._run(command, load, target)

        return Contender(name=name, load=load, send=send)

    def rclone_copy(self, name: Name, load: Load, *, hashed: bool) -> Contender:
        """Return rclone, with its comparison of hashes or without."""

        async def send(target: Path) -> Run:
            command = self.rclone.copy(load.source, target, hashed=hashed)
            return await self._run(command, load, target)

        return Contender(name=name, load=load, send=send)

    def rclone_first_copy(self, name: Name, load: Load) -> Contender:
        """Return rclone with a server that it does not know."""

        async def send(target: Path) -> Run:
            command = self.rclone.first_copy(load.source, target)
            return await self._run(command, load, target)

        return Contender(name=name, load=load, send=send)

    async def _run(self, command: Sequence[str], load: Load, target: Path) -> Run:
        return await run_peer(command, load, target, logs=self.logs)


def library(
    module: str,
    name: Name,
    load: Load,
    job: Callable[[Path], dict[str, Any]],
    *,
    logs: Path,
    delay: bool,
) -> Contender:
    """Return a contender in Python: a probe's module, and its job for a target."""

    async def send(target: Path) -> Run:
        whole = job(target) | {
            "root": str(target),
            "source": str(load.source),
            "at_once": Limits().stills_at_once,
            "delay": delay,
        }
        return Run.from_json(
            await run_probe(module, whole, folder=logs, timeout=TIMEOUT)
        )

    return Contender(name=name, load=load, send=send)


async def run_peer(
    command: Sequence[str], load: Load, target: Path, *, logs: Path
) -> Run:
    """Send with a command, and see that all has arrived."""
    run = await run_command(command, home=logs, timeout=TIMEOUT, log=logs / "peer.log")
    sizes = [
        path.stat().st_size
        for path in target.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    ]
    if len(sizes) != load.files or sum(sizes) != load.size:
        raise BenchFailed(f"{command[0]} stored {len(sizes)} files, not all whole")
    return run
