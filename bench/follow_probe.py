"""The probe of a recording that leaves while Frigate is still giving it."""

import asyncio
from pathlib import Path
import time

import aiohttp

from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.source import FileSource

from .child import Job
from .frigate_service import CAMERA
from .probe import probe_main
from .rig import destination_setup, open_rig, review_message, sftp_destination

_SECONDS = 10.0


async def _compare(job: Job) -> Job:
    folder = Path(job["folder"])
    clip = folder / "clip.mp4"
    download = await _download(job["url"], clip)
    upload = await _upload(job, clip)
    clip.unlink()
    root = folder / "copies"
    root.mkdir()
    local = LocalDestination(
        root, mount_point=await find_mount_point(root), is_allowed=lambda _: True
    )
    async with open_rig(
        url=job["url"], ledger=folder / "ledger.db", spool=folder / "spool"
    ) as rig:
        server = sftp_destination(job["destinations"][1])
        await rig.start(
            [destination_setup("folder", local), destination_setup("server", server)]
        )
        await rig.connected()
        begin = time.perf_counter()
        rig.publish("reviews", review_message(seconds=_SECONDS))
        engine = await rig.uploads(2) - begin
    return {"download": download, "upload": upload, "engine": engine}


async def _download(url: str, clip: Path) -> float:
    """Return the seconds that a clip takes from Frigate onto this machine's disk."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        client = FrigateClient(session, url)
        await client.version()
        with clip.open("wb") as file:

            async def write(piece: bytes) -> None:
                await asyncio.to_thread(file.write, piece)

            begin, end = time.perf_counter(), time.time() - 600
            await client.clip(CAMERA, start=end - 10, end=end, write=write)
        return time.perf_counter() - begin


async def _upload(job: Job, clip: Path) -> float:
    """Return the seconds that it takes from there to the server, login not included."""
    destination = sftp_destination(job["destinations"][0])
    await destination.connect()
    source = FileSource(clip, size=clip.stat().st_size)
    begin = time.perf_counter()
    await destination.put("clip.mp4", source, temporary=".clip.tmp")
    seconds = time.perf_counter() - begin
    await destination.close()
    return seconds


if __name__ == "__main__":
    probe_main(_compare)
