"""To a bucket and a WebDAV server: real processes, a kill and an outage in the middle."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from ..harness.arrivals import Kind, files_below
from ..harness.clouds import BUCKET, CLOUD, open_clouds
from ..harness.frigate import Frigate, Timing
from ..harness.s3_servers import RcloneS3
from ..harness.webdav import Rclone
from ..waiting import until
from .stage import Stage, open_stage

RECORDING_SECONDS = 60
TIMING = replace(Timing().scaled(0.1), alert_cutoff=6, detection_cutoff=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clouds:
    """The stage, and the two servers beside it."""

    stage: Stage
    bucket: RcloneS3
    cloud: Rclone
    folders: dict[str, Path]

    def names(self) -> dict[str, set[str]]:
        """Return what lies there."""
        return {name: set(files_below(path)) for name, path in self.folders.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="clouds")
async def fixture_clouds(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Clouds]:
    """Start everything, and set the integration up as a person would."""
    folder = tmp_path_factory.mktemp("clouds")
    frigate = Frigate(("front_door",), timing=TIMING)
    async with AsyncExitStack() as stack:
        bucket, cloud = await stack.enter_async_context(open_clouds(folder))
        folders = {BUCKET: bucket.folder, CLOUD: cloud.root}
        stage = await stack.enter_async_context(
            open_stage(folder, frigate, destinations=(), others=folders)
        )
        entry_id = await stage.add_frigate()
        await stage.add_bucket(entry_id, bucket)
        await stage.add_cloud(entry_id, cloud)
        await stage.wait_ready()
        yield Clouds(stage=stage, bucket=bucket, cloud=cloud, folders=folders)
        await stage.home_assistant.stop()
        assert not stage.home_assistant.complaints()


async def _all_arrived(clouds: Clouds) -> None:
    """Wait until all is there, byte for byte, and nothing else."""
    arrivals = clouds.stage.arrivals
    await arrivals.wait(timeout=RECORDING_SECONDS)
    assert not arrivals.wrong
    paths = {
        name: {item.arrivals[name].path for item in arrivals.items}
        for name in clouds.folders
    }
    # Parts go when the whole is verified.
    await until(lambda: clouds.names() == paths)
    assert paths[BUCKET] == paths[CLOUD]


async def test_everything_arrives(clouds: Clouds) -> None:
    """A visit's three files reach bucket and WebDAV server."""
    visit = clouds.stage.story.visit("front_door", "person", 4)
    await visit.ended.wait()
    await _all_arrived(clouds)
    assert [item.kind for item in clouds.stage.arrivals.items] == [
        Kind.LIVE_SNAPSHOT,
        Kind.SNAPSHOT,
        Kind.RECORDING,
    ]
    for name in clouds.folders:
        for key in ("live_snapshots_uploaded", "recordings_uploaded"):
            await clouds.stage.wait_for_value(name, "sensor", key, "1")
        assert await clouds.stage.value(name, "sensor", "last_error") == "none"


async def test_an_outage_and_a_kill_lose_nothing(clouds: Clouds) -> None:
    """Both servers are away while it happens, and Home Assistant is killed then."""
    stage = clouds.stage
    await clouds.bucket.stop()
    clouds.cloud.stop()
    visit = stage.story.visit("front_door", "person", 4)
    await visit.ended.wait()
    for name in clouds.folders:
        await stage.wait_for_value(
            name, "binary_sensor", "connection", "off", timeout=60
        )
    await stage.home_assistant.kill()
    await clouds.bucket.start()
    await clouds.cloud.start()
    await stage.home_assistant.start()
    await stage.wait_ready()
    await _all_arrived(clouds)
    for name in clouds.folders:
        await stage.wait_for_value(name, "sensor", "recordings_uploaded", "2")
        await stage.wait_for_value(name, "sensor", "pending_uploads", "0")
