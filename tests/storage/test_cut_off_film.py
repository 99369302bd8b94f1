"""Film that a crash ended, at real places: how much of it lies there?"""

import asyncio
from dataclasses import replace
from pathlib import Path
import random
import signal
import sys
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.frigate.live_mp4 import look_at_bytes
from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.sync.ledger import live_files
from custom_components.frigate_snap_sync.sync.model.engine_options import (
    EngineOptions,
    LiveFootage,
)

from ..harness.frigate import live
from ..source import ROOT
from ..sync.conftest import Bench, bench, setup
from ..sync.live_film import Camera
from ..sync.live_until_killed import bench_at, copies
from ..sync.test_live import LIVE, QUICK
from ..sync.test_live_look import end, long_after, looked_at, lost
from ..waiting import LONG, until
from .places import Place
from .test_conformance import PLACES, at

__all__ = ["bench"]


def _films(place: Place) -> list[str]:
    return sorted(path for path in place.paths() if "-live" in path)


def _duration(content: bytes) -> float:
    """Return for how many seconds film plays; its last piece may be a mere start."""
    try:
        return look_at_bytes(content).duration
    except MediaBroken:
        return 0.0


async def _nothing_more_comes(place: Place) -> None:
    """Wait for a server that still stores what it was sent before we stopped."""
    seen: list[bytes | None] = []
    while seen != (found := [place.content(path) for path in _films(place)]):
        seen = found
        await asyncio.sleep(1)


@at(PLACES)
async def test_what_is_there_is_looked_at(place: Place, bench: Bench) -> None:
    """Its two ends are read, and the whole supersedes it."""
    bench.timing = replace(QUICK, live_behind=LONG)
    bench.frigate.live = {"front_door": LiveSource(stream="front_door")}
    bench.options = EngineOptions(
        live_footage=LiveFootage.ALERTS, padding_after=0, upload_during_review=False
    )
    bench.faults.jobs = {live_files.ended: lost, live_files.end_all: long_after}
    camera = Camera(bench.frigate)
    await bench.start(setup(place.destination, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, known=True)
    await camera.show(28)
    await until(
        lambda: _films(place) and len(place.content(_films(place)[0]) or b"") > 40_000
    )
    await bench.stop()
    await _nothing_more_comes(place)
    last = place.content(_films(place)[-1])
    assert last is not None
    place.plant(_films(place)[-1], last[:-1000])
    contents = [place.content(path) or b"" for path in _films(place)]

    del bench.faults.jobs[live_files.ended]
    # Nothing more leaves, though the review is active.
    bench.options = replace(bench.options, live_footage=LiveFootage.OFF)
    await bench.start(setup(place.destination, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    ((begun, over),) = row.held
    plays = sum(map(_duration, contents))
    assert over - begun == pytest.approx(plays, abs=0.01)
    assert row.size == sum(len(content) for content in contents)
    await end(bench, source_id, start)
    await until(lambda: not _films(place))
    assert len(place.paths()) == 1


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_kill_in_mid_film(tmp_path: Path, seed: int) -> None:
    """What lies there plays, is measured after the start, and goes with the whole."""
    home, root = tmp_path / "home", tmp_path / "copies"
    home.mkdir()
    root.mkdir()
    start = time.time() - 1
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.sync.live_until_killed"),
        *(str(home), str(root), str(start)),
        cwd=ROOT,
    )
    try:
        await until(lambda: any(f.stat().st_size for f in root.rglob("*-live01.mp4")))
        await asyncio.sleep(random.Random(seed).uniform(1.5, 3))
    finally:
        program.kill()
        assert await program.wait() == -signal.SIGKILL
    (film,) = root.rglob("*-live01.mp4")
    shown = live.moments(film.read_bytes())
    assert len(shown) > live.FPS

    bench = bench_at(home)
    bench.faults.jobs[live_files.end_all] = long_after
    with bench.threads.watched():
        try:
            await bench.start(setup(await copies(root), selection=LIVE))
            (row,) = await looked_at(bench)
            assert row.held is not None
            ((begun, over),) = row.held
            plays = look_at_bytes(film.read_bytes())
            assert over - begun == pytest.approx(plays.duration, abs=0.01)
            assert over - begun == pytest.approx(len(shown) / live.FPS, abs=0.01)
            assert start < begun < over < time.time() + 1
            await end(bench, f"{start}-abc123", start)
            await until(lambda: not film.exists())
            assert len(list(root.rglob("*.mp4"))) == 1
        finally:
            await bench.stop()
