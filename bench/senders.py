"""The probe that sends over SFTP: ours, and the peers that are Python libraries."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
import threading
from typing import Any, Final, override

import asyncssh
import paramiko  # type: ignore[import-untyped]

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)

from .probe import probe_main
from .sender import DestinationSender, Sender, send_job


class Ours(DestinationSender):
    """Our SFTP destination."""

    name = "ours"

    @override
    def make(self) -> Destination:
        return SftpDestination(SftpSettings(**self.settings))


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


if __name__ == "__main__":
    probe_main(partial(send_job, SENDERS))
