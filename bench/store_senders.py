"""The probe that sends to a bucket or over WebDAV: ours, and boto3."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, override

import aiohttp
import boto3
from botocore.config import Config

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.s3.destination import S3Destination
from custom_components.frigate_snap_sync.storage.s3.settings import S3Settings
from custom_components.frigate_snap_sync.storage.webdav.destination import (
    WebdavDestination,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings

from .probe import probe_main
from .sender import DestinationSender, Sender, send_job


class _HttpSender(DestinationSender):
    """One with sessions as Home Assistant has them: they share their connections."""

    @override
    async def connect(self) -> None:
        self._connector = aiohttp.TCPConnector()
        await super().connect()

    def open_session(self) -> aiohttp.ClientSession:
        """Return another session."""
        return aiohttp.ClientSession(connector=self._connector, connector_owner=False)

    @override
    async def close(self) -> None:
        await super().close()
        await self._connector.close()


class OurS3(_HttpSender):
    """Our bucket."""

    name = "s3"

    @override
    def make(self) -> Destination:
        settings = S3Settings(**self.settings)
        return S3Destination(settings, open_session=self.open_session)


class OurWebdav(_HttpSender):
    """Our WebDAV server."""

    name = "webdav"

    @override
    def make(self) -> Destination:
        return WebdavDestination(WebdavSettings(**self.settings), self.open_session)


class Boto3(Sender):
    """boto3's own way to upload a file, in a thread."""

    name = "boto3"

    @override
    async def connect(self) -> None:
        settings = self.settings
        self._client = await asyncio.to_thread(
            boto3.client,
            "s3",
            endpoint_url=settings["endpoint_url"],
            region_name=settings["region"],
            aws_access_key_id=settings["access_key_id"],
            aws_secret_access_key=settings["secret_access_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    @override
    async def send(self, sources: Sequence[Path], folder: str) -> None:
        for source in sources:
            key = f"{self.settings['path']}/{folder}/{source.name}"
            await asyncio.to_thread(
                self._client.upload_file, str(source), self.settings["bucket"], key
            )

    @override
    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)


SENDERS: Final = {sender.name: sender for sender in (OurS3, OurWebdav, Boto3)}


if __name__ == "__main__":
    probe_main(partial(send_job, SENDERS))
