"""The probe of live footage: what films cost the process that takes and sends them."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
import time

from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .child import Job
from .measure import MemoryPeak, cpu_seconds, delay_during
from .probe import probe_main
from .rig import Rig, destination_setup, open_rig, sftp_destination

_SETTLED = 3.0
"""Seconds after which films flow."""


async def _watch(job: Job) -> Job:
    folder = Path(job["folder"])
    options = EngineOptions(
        live_footage=LiveFootage(job["live_footage"]),
        upload_during_review=job["parts"],
    )
    async with open_rig(
        url=job["url"],
        ledger=folder / "ledger.db",
        spool=folder / "spool",
        options=options,
    ) as rig:
        setup = destination_setup("server", sftp_destination(job["destination"]))
        await rig.start([replace(setup, selection=Selection(live_footage=True))])
        await rig.connected()
        seconds = job["seconds"]
        if job["parts"]:
            _publish(rig, job)
            await asyncio.sleep(seconds)
            return {}
        idle = await delay_during(partial(asyncio.sleep, seconds))
        idle_share = await _cpu_share(seconds)
        memory = MemoryPeak()
        _publish(rig, job)
        await asyncio.sleep(_SETTLED)
        busy = await delay_during(partial(asyncio.sleep, seconds))
        return {
            "cpu": await _cpu_share(seconds) - idle_share,
            "p50": busy.p50 - idle.p50,
            "p99": busy.p99 - idle.p99,
            "growth": memory.growth(),
        }


def _publish(rig: Rig, job: Job) -> None:
    for topic, payload in job["messages"]:
        rig.publish(topic.partition("/")[2], payload.encode())


async def _cpu_share(seconds: float) -> float:
    """Return how much of a core this process uses, for so long."""
    used, begin = cpu_seconds(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (cpu_seconds() - used) / (time.perf_counter() - begin)


if __name__ == "__main__":
    probe_main(_watch)
