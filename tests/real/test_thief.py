"""A thief takes the recorder, Home Assistant and the line: what is elsewhere?"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
import random
import re
import time

import pytest
import pytest_asyncio

from ..harness.frigate import Frigate, Timing, live
from ..harness.network import Network, Way
from ..waiting import until
from .stage import SERVER, Stage, open_stage

CAMERA = "front_door"
BIT_RATE = 2_000_000
ROUND_TRIP = 0.04
OLDEST = 1.0
"""Seconds by which the newest picture elsewhere may be older than the theft."""
_LIVE = re.compile(r"-live\d\d\.mp4$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The stage, and the line between Home Assistant and the SFTP server."""

    stage: Stage
    line: Network


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="scene")
async def fixture_scene(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Scene]:
    """Start everything, and set the integration up as a person would."""
    folder = tmp_path_factory.mktemp("thief")
    frigate = Frigate((CAMERA,), timing=Timing(), live=True)
    async with open_stage(folder, frigate, destinations=(SERVER,)) as stage:
        stage.server.live.bit_rate = BIT_RATE
        delay = ROUND_TRIP / 2
        async with Network(
            stage.ssh.port, there=Way(delay=delay), back=Way(delay=delay)
        ) as line:
            await stage.add_server(await stage.add_frigate(), port=line.port)
            await stage.wait_ready()
            yield Scene(stage=stage, line=line)


def films(root: Path) -> list[Path]:
    """Return the live files, the oldest first."""
    found = [path for path in root.rglob("*.mp4") if _LIVE.search(path.name)]
    return sorted(found, key=lambda path: path.stat().st_ctime)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_newest_picture_elsewhere_is_a_second_old(
    scene: Scene, seed: int
) -> None:
    """At a random moment all is taken at once; what lies at the server plays."""
    stage, root = scene.stage, scene.stage.ssh.root
    known = set(films(root))
    stage.story.visit(CAMERA, "person", 120)
    await until(lambda: set(films(root)) - known)
    await asyncio.sleep(random.Random(seed).uniform(3, 9))

    taken = time.time()
    scene.line.cut()
    stage.frigate.kill()
    await stage.server.stop()
    await stage.link.cut()
    await stage.home_assistant.kill()
    await stage.story.stop()

    (film,) = set(films(root)) - known
    moments = live.moments(film.read_bytes())
    assert len(moments) >= 2 * live.FPS
    age = taken - moments[-1]
    assert age <= OLDEST, f"The newest picture is {age:.2f} s older than the theft"
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert max(gaps) == pytest.approx(1 / live.FPS, abs=0.01)

    stage.frigate.start_again()
    await stage.server.start()
    await stage.link.start()
    await stage.home_assistant.start()
    await stage.wait_ready()
