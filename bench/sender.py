"""The frame of a probe that sends: whoever sends, over one connection.

Each run is one connection and two or three transfers: one from the begin of the
connection on, one over the open connection, and one during which the delay of the event
loop and the growth of memory are measured.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
import secrets
from time import perf_counter
from typing import Any, ClassVar, Final, override

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.errors import StorageError
from custom_components.frigate_snap_sync.storage.names import temporary_name
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from .child import Job
from .measure import MemoryPeak, cpu_seconds, delay_during
from .runs import Run

IDLE_SECONDS: Final = 2.0
_FOLDER: Final = "files"


class Sender(ABC):
    """Sends files to folders of a server, over one connection."""

    name: ClassVar[str]

    def __init__(self, job: Job) -> None:
        """Take the job's `settings` and what else it has for this sender."""
        self.job = job
        self.settings: dict[str, Any] = job["settings"]

    @abstractmethod
    async def connect(self) -> None:
        """Log in."""

    @abstractmethod
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        """Send the files to a folder below the root, which is there."""

    @abstractmethod
    async def close(self) -> None:
        """Log out."""


class DestinationSender(Sender):
    """One of our destinations, as its worker uses it."""

    @abstractmethod
    def make(self) -> Destination:
        """Return the destination of the job's settings."""

    @override
    async def connect(self) -> None:
        self.destination = wrapped(self.make())
        await self.destination.connect()

    @override
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        """Send so many files at once; what a server fails at is sent once more.

        As boto3 and rclone do by themselves.
        """
        waiting = iter(sources)

        async def lane() -> None:
            for path in waiting:
                try:
                    await self._put(path, folder)
                except StorageError:
                    await self._put(path, folder)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.job["at_once"]):
                group.create_task(lane())

    @override
    async def close(self) -> None:
        await self.destination.close()

    async def _put(self, path: Path, folder: str) -> None:
        name = f"{folder}/{path.name}"
        source = FileSource(path, size=path.stat().st_size)
        temporary = await self.destination.prepare(
            name, source, temporary=temporary_name(name, secrets.token_hex(8))
        )
        await self.destination.put(name, source, temporary=temporary)


class _Transfers:
    """Transfers of the same files to the same folder, emptied after each."""

    def __init__(self, sender: Sender, source: Path, root: Path) -> None:
        self._sender = sender
        self._sources = sorted(source.iterdir()) if source.is_dir() else [source]
        self._target = root / _FOLDER
        self._target.mkdir()
        # The server may be another user.
        self._target.chmod(0o777)

    async def run(self, *, watch: bool = False) -> Run:
        """Send all, and return what that took; also what Home Assistant notices."""
        peak = MemoryPeak() if watch else None
        begin, used = perf_counter(), cpu_seconds()
        delay = memory = None
        if peak is not None:
            delay = await delay_during(self._send)
            memory = peak.growth()
        else:
            await self._send()
        run = Run(
            seconds=perf_counter() - begin,
            cpu=cpu_seconds() - used,
            delay=delay,
            memory=memory,
        )
        await asyncio.to_thread(self._check_and_remove)
        return run

    async def connect_and_run(self) -> float:
        """Do it from the begin of the connection on; return the seconds."""
        begin = perf_counter()
        await self._sender.connect()
        connected = perf_counter()
        run = await self.run()
        return connected - begin + run.seconds

    async def _send(self) -> None:
        await self._sender.send(self._sources, _FOLDER)

    def _check_and_remove(self) -> None:
        sent = {path.name: path.stat().st_size for path in self._sources}
        found = {
            path.name: path.stat().st_size
            for path in self._target.iterdir()
            if not path.name.startswith(".")
        }
        if found != sent:
            raise RuntimeError(
                f"{len(found)} files arrived, not {len(sent)} whole ones"
            )
        for name in found:
            (self._target / name).unlink()


async def send_job(senders: Mapping[str, type[Sender]], job: Job) -> Job:
    """Let one of these senders do a job; `root` is where what it stores can be seen."""
    sender = senders[job["sender"]](job)
    transfers = _Transfers(sender, Path(job["source"]), Path(job["root"]))
    delay = idle = memory = None
    cold = await transfers.connect_and_run()
    run = await transfers.run()
    if job["delay"]:
        idle = await delay_during(lambda: asyncio.sleep(IDLE_SECONDS))
        watched = await transfers.run(watch=True)
        delay, memory = watched.delay, watched.memory
    await sender.close()
    return replace(
        run, cold_seconds=cold, delay=delay, idle=idle, memory=memory
    ).to_json()
