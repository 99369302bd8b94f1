"""The probe that sends: ours, and those of the peers that are Python libraries.

They run on an event loop as Home Assistant makes it. Each run is one connection and
two or three transfers: one from the begin of the connection on, one over the open
connection, and one during which the delay of the event loop is measured.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
import secrets
import threading
from time import perf_counter
from typing import Any, ClassVar, Final, override

import asyncssh
import paramiko  # type: ignore[import-untyped]

from custom_components.frigate_snap_sync.storage.names import temporary_name
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)
from custom_components.frigate_snap_sync.storage.source import FileSource

from .child import Job
from .measure import cpu_seconds, delay_during
from .probe import probe_main
from .runs import Run

IDLE_SECONDS: Final = 2.0


class Sender(ABC):
    """Sends files to folders of a server, over one connection."""

    name: ClassVar[str]

    def __init__(self, job: Job) -> None:
        """Take the job's `settings`, `known_hosts`, `key_file` and `at_once`."""
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


class Ours(Sender):
    """Our destination, as its worker uses it."""

    name = "ours"

    @override
    async def connect(self) -> None:
        self._destination = SftpDestination(SftpSettings(**self.settings))
        await self._destination.connect()

    @override
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        waiting = iter(sources)

        async def lane() -> None:
            for source in waiting:
                path = f"{folder}/{source.name}"
                temporary = temporary_name(path, secrets.token_hex(8))
                size = source.stat().st_size
                await self._destination.put(
                    path, FileSource(source, size=size), temporary=temporary
                )

        async with asyncio.TaskGroup() as group:
            for _ in range(self.job["at_once"]):
                group.create_task(lane())

    @override
    async def close(self) -> None:
        await self._destination.close()


class OursInThread(Ours):
    """Our destination, in a thread with an event loop of its own."""

    name = "ours_in_thread"

    @override
    async def connect(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        await self._there(super().connect())

    @override
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        await self._there(super().send(sources, folder))

    @override
    async def close(self) -> None:
        await self._there(super().close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def _there(self, work: Coroutine[Any, Any, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


class Asyncssh(Sender):
    """asyncssh with its own defaults, on the event loop."""

    name = "asyncssh"

    @override
    async def connect(self) -> None:
        settings = self.settings
        self._connection = await asyncssh.connect(
            settings["host"],
            settings["port"],
            username=settings["username"],
            client_keys=[asyncssh.import_private_key(settings["private_key"])],
            known_hosts=([asyncssh.import_public_key(settings["host_key"])], [], []),
            config=None,
            agent_path=None,
        )
        self._client = await self._connection.start_sftp_client()

    @override
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        root = self.settings["path"]
        for source in sources:
            await self._client.put(source, f"{root}/{folder}/{source.name}")

    @override
    async def close(self) -> None:
        self._connection.close()
        await self._connection.wait_closed()


class Paramiko(Sender):
    """paramiko with its own defaults, in a thread; it looks at the size, too."""

    name = "paramiko"

    @override
    async def connect(self) -> None:
        await asyncio.to_thread(self._connect)

    def _connect(self) -> None:
        self._client = paramiko.SSHClient()
        self._client.load_host_keys(self.job["known_hosts"])
        self._client.connect(
            self.settings["host"],
            self.settings["port"],
            username=self.settings["username"],
            key_filename=self.job["key_file"],
            allow_agent=False,
            look_for_keys=False,
        )
        self._sftp = self._client.open_sftp()

    @override
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        root = self.settings["path"]
        for source in sources:
            await asyncio.to_thread(
                self._sftp.put, str(source), f"{root}/{folder}/{source.name}"
            )

    @override
    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)


SENDERS: Final = {
    sender.name: sender for sender in (Ours, OursInThread, Asyncssh, Paramiko)
}

_FOLDER: Final = "files"


class _Transfers:
    """Transfers of the same files to the same folder, emptied after each."""

    def __init__(self, sender: Sender, source: Path, root: Path) -> None:
        self._sender = sender
        self._sources = sorted(source.iterdir()) if source.is_dir() else [source]
        self._target = root / _FOLDER
        self._target.mkdir()

    async def run(self, *, watch: bool = False) -> Run:
        """Send all, and return what that took; with the event loop's delay or not."""
        begin, used = perf_counter(), cpu_seconds()
        delay = None
        if watch:
            delay = await delay_during(self._send)
        else:
            await self._send()
        run = Run(seconds=perf_counter() - begin, cpu=cpu_seconds() - used, delay=delay)
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
        found = {path.name: path.stat().st_size for path in self._target.iterdir()}
        if found != sent:
            raise RuntimeError(
                f"{len(found)} files arrived, not {len(sent)} whole ones"
            )
        for name in found:
            (self._target / name).unlink()


async def _send(job: Job) -> Job:
    sender = SENDERS[job["sender"]](job)
    transfers = _Transfers(sender, Path(job["source"]), Path(job["settings"]["path"]))
    delay = idle = None
    cold = await transfers.connect_and_run()
    run = await transfers.run()
    if job["delay"]:
        idle = await delay_during(lambda: asyncio.sleep(IDLE_SECONDS))
        delay = (await transfers.run(watch=True)).delay
    await sender.close()
    return replace(run, cold_seconds=cold, delay=delay, idle=idle).to_json()


if __name__ == "__main__":
    probe_main(_send)
