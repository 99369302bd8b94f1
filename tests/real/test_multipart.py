"""A recording that goes in parts, and Home Assistant killed in the middle of it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..harness.clouds import BUCKET as NAME
from ..harness.frigate import Frigate, Kind, Timing
from ..harness.installation import add_bucket
from ..harness.s3_homes import client
from ..harness.s3_servers import ACCESS_KEY, SECRET_KEY, CephGateway
from ..waiting import until
from .stage import open_stage

TIMING = replace(Timing().scaled(0.1), alert_cutoff=6, detection_cutoff=6)
MORE = 75 * 1024 * 1024
"""Bytes that make a recording so large that it goes in parts."""
SLOW = 8 * 1024
"""KiB a second that leave time to kill."""
WHOLE = "/api/front_door/start/*/end/*/clip.mp4"
BUCKET = "evidence"


async def test_killed_in_mid_multipart(tmp_path: Path) -> None:
    """The next start ends what the kill left unfinished, and the recording arrives."""
    gateway = await asyncio.to_thread(CephGateway, tmp_path / "ceph")
    try:
        await _kill_and_look(tmp_path, gateway)
    finally:
        gateway.stop()


async def _kill_and_look(folder: Path, gateway: CephGateway) -> None:
    boto = client(gateway.url, ACCESS_KEY, SECRET_KEY)
    await asyncio.to_thread(boto.create_bucket, Bucket=BUCKET)

    async def unfinished() -> list[dict[str, str]]:
        found = await asyncio.to_thread(boto.list_multipart_uploads, Bucket=BUCKET)
        return [
            {"Key": upload["Key"], "UploadId": upload["UploadId"]}
            for upload in found.get("Uploads", ())
        ]

    async def half_sent() -> bool:
        """Tell whether some of a recording has arrived."""
        for upload in await unfinished():
            # One that was given up since is not there.
            with suppress(boto.exceptions.NoSuchKey, boto.exceptions.NoSuchUpload):
                found = await asyncio.to_thread(
                    boto.list_parts, Bucket=BUCKET, **upload
                )
                if found.get("Parts"):
                    return True
        return False

    async def recordings() -> list[str]:
        found = await asyncio.to_thread(boto.list_objects_v2, Bucket=BUCKET)
        names = [each["Key"] for each in found.get("Contents", ())]
        return [name for name in names if name.endswith(".mp4")]

    frigate = Frigate(("front_door",), timing=TIMING)
    async with open_stage(folder, frigate, destinations=()) as stage:
        entry_id = await stage.add_frigate()
        await add_bucket(
            stage.home_assistant.api,
            entry_id,
            gateway.url,
            bucket=BUCKET,
            storing={"bandwidth_limit": SLOW},
        )
        await stage.wait_ready()
        stage.server.faults.add(Kind.LARGE, "/api/*/clip.mp4", times=None, after=MORE)
        visit = stage.story.visit("front_door", "person", 4)
        await visit.ended.wait()
        await until(half_sent)
        (killed,) = await unfinished()
        await stage.home_assistant.kill()
        assert await unfinished() == [killed]
        assert await recordings() == []
        await stage.home_assistant.start()
        await stage.wait_ready()
        await until(recordings)
        await stage.wait_for_value(NAME, "sensor", "recordings_uploaded", "1")
        await stage.wait_for_value(NAME, "sensor", "pending_uploads", "0")
        assert await unfinished() == []
        (name,) = await recordings()
        copy = folder / "copy.mp4"
        await asyncio.to_thread(boto.download_file, BUCKET, name, str(copy))
        given = [served.body for served in stage.server.journal.find(WHOLE)]
        assert copy.read_bytes() in given
        assert copy.stat().st_size > MORE
        await stage.home_assistant.stop()
        assert not stage.home_assistant.complaints()
