"""A thief takes the recorder, Home Assistant and the line: what is elsewhere?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
import random
import re
import time

import pytest
import pytest_asyncio
from yarl import URL

from ..harness.clouds import BUCKET, CLOUD, open_clouds
from ..harness.frigate import Frigate, Timing, live
from ..harness.network import Network, Way
from ..waiting import until
from .stage import SERVER, Stage, open_stage

CAMERA = "front_door"
BIT_RATE = 2_000_000
ROUND_TRIP = 0.04
OLDEST = {SERVER: 1.0, BUCKET: 3.0, CLOUD: 3.0}
"""Seconds by which the newest picture elsewhere may be older than the theft."""
_LIVE = re.compile(r"-live\d\d(-\d{4})?\.mp4$")
_MEDIA = {"media": ["snapshots", "recordings", "live_footage"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The stage, the lines to the servers, and the folders where these keep files."""

    stage: Stage
    lines: tuple[Network, ...]
    folders: dict[str, Path]

    def films(self) -> dict[str, list[Path]]:
        """Return the live files at each server in the order of their names."""
        return {
            name: sorted(
                path for path in root.rglob("*.mp4") if _LIVE.search(path.name)
            )
            for name, root in self.folders.items()
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="scene")
async def fixture_scene(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Scene]:
    """Start everything, and set the integration up as a person would."""
    folder = tmp_path_factory.mktemp("thief")
    frigate = Frigate((CAMERA,), timing=Timing(), live=True)
    async with AsyncExitStack() as stack:
        bucket, cloud = await stack.enter_async_context(open_clouds(folder))
        stage = await stack.enter_async_context(
            open_stage(folder, frigate, destinations=(SERVER,))
        )
        stage.server.live.bit_rate = BIT_RATE
        delay = ROUND_TRIP / 2
        lines = [
            await stack.enter_async_context(
                Network(port, there=Way(delay=delay), back=Way(delay=delay))
            )
            for port in (stage.ssh.port, _port_of(bucket.url), _port_of(cloud.url))
        ]
        entry_id = await stage.add_frigate()
        await stage.add_server(entry_id, port=lines[0].port)
        await stage.add_bucket(
            entry_id,
            bucket,
            endpoint_url=f"http://127.0.0.1:{lines[1].port}",
            selection=_MEDIA,
        )
        await stage.add_cloud(
            entry_id,
            cloud,
            url=f"http://127.0.0.1:{lines[2].port}/",
            selection=_MEDIA,
        )
        await stage.wait_ready()
        yield Scene(
            stage=stage,
            lines=tuple(lines),
            folders={
                SERVER: stage.ssh.root,
                BUCKET: bucket.folder,
                CLOUD: cloud.root,
            },
        )


def _port_of(url: str) -> int:
    port = URL(url).port
    assert port is not None
    return port


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_newest_picture_elsewhere_is_seconds_old(
    scene: Scene, seed: int
) -> None:
    """At a random moment all is taken at once; what lies at the servers plays."""
    stage, known = scene.stage, scene.films()
    stage.story.visit(CAMERA, "person", 120)
    await until(
        # That of earlier scenes goes meanwhile, where its whole has arrived.
        lambda: all(set(now) - set(known[name]) for name, now in scene.films().items())
    )
    await asyncio.sleep(random.Random(seed).uniform(3, 9))

    taken = time.time()
    for line in scene.lines:
        line.cut()
    stage.frigate.kill()
    await stage.server.stop()
    await stage.link.cut()
    await stage.home_assistant.kill()
    await stage.story.stop()

    for name, films in scene.films().items():
        moments = [
            moment
            for film in films
            if film not in known[name]
            for moment in live.moments(film.read_bytes())
        ]
        assert len(moments) >= 2 * live.FPS
        age = taken - moments[-1]
        assert age <= OLDEST[name], f"{name}: the newest picture is {age:.2f} s old"
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert max(gaps) == pytest.approx(1 / live.FPS, abs=0.01)

    stage.frigate.start_again()
    await stage.server.start()
    await stage.link.start()
    await stage.home_assistant.start()
    await stage.wait_ready()
