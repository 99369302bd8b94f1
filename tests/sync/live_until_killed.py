"""An engine whose film leaves to a folder until someone kills it: a program."""

import asyncio
from dataclasses import replace
from pathlib import Path
import sys

from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.sync.model.engine_options import (
    EngineOptions,
    LiveFootage,
)

from ..harness.frigate import live
from .conftest import Bench, setup
from .live_film import Camera
from .test_live import LIVE, QUICK


def bench_at(folder: Path) -> Bench:
    """Return the bench of it, with all that it keeps in a folder."""
    bench = Bench(folder)
    bench.timing = replace(QUICK, live_tick=0.01)
    bench.options = EngineOptions(
        live_footage=LiveFootage.ALERTS, padding_after=0, upload_during_review=False
    )
    return bench


async def copies(root: Path) -> LocalDestination:
    """Return a folder as a destination."""
    return LocalDestination(
        root,
        mount_point=await find_mount_point(root),
        is_allowed=lambda path: path == str(root),
    )


async def main(home: Path, root: Path, start: float) -> None:
    """Let a review begin then, and its film leave as it happens, for ever."""
    bench = bench_at(home)
    bench.frigate.live = {"front_door": LiveSource(stream="front_door")}
    camera = Camera(bench.frigate)
    await bench.start(setup(await copies(root), selection=LIVE))
    bench.review("new", start=start, known=True)
    while True:
        await camera.show(1)
        await asyncio.sleep(1 / live.FPS)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
