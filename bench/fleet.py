"""The section on many homes: an installer's, which send to one Ceph gateway at once.

Each home is a whole engine, with a prefix and a key of its own that can only write.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
import os
from pathlib import Path
from typing import Any, Final

from custom_components.frigate_snap_sync.storage.check import FIXED_PROBE
from tests.harness.s3_homes import Home, SharedBucket
from tests.harness.s3_servers import CephGateway

from . import targets
from .child import Service, run_service
from .context import Context
from .fleet_load import (
    LIVE,
    OBJECT,
    RECORDING,
    Comparison,
    FleetSize,
    Sent,
    compare,
    joined,
)
from .fleet_probe import CALM
from .report import Row, Wanted, spread_row
from .server import fast_place
from .stats import percentile
from .transfers import MIB

SIZE: Final = FleetSize(
    homes=50, processes=5, calm=10, pause=2.0, live=40, objects=8, recordings=4
)
_BUCKET: Final = "fleet"
_ROOM: Final = 2048 * MIB
_FILM: Final = 1000.0
"""Seconds: the oldest recording begins so long ago."""
_BURST_TIMEOUT: Final = 300.0
_TIMEOUT: Final = 420.0


async def fleet(context: Context) -> list[Row]:
    """Let 50 homes send at once, and tell what it takes and whether all arrived."""
    return await measure(context, SIZE)


async def measure(context: Context, size: FleetSize) -> list[Row]:
    """Do it with so many homes."""
    with fast_place(_ROOM, fallback=context.folder) as place:
        context.note(f"The homes' ledgers and spools lie on {place.kind}")
        async with _gateway(context.folder) as gateway:
            shared = SharedBucket(gateway, _BUCKET)
            context.say(f"Fleet: {size.homes} users with a policy each")
            homes = await asyncio.to_thread(_add_all, shared, size)
            context.say("Fleet: the homes send")
            used = _cpu_of(gateway)
            reports = await _send(context, size, gateway.url, homes, place.folder)
            used = _cpu_of(gateway) - used
            objects = await asyncio.to_thread(shared.objects)
    live = {name: md5s for report in reports for name, md5s in report.live.items()}
    result = compare(objects, live, size, ignored=FIXED_PROBE)
    for reason in (reason for report in reports for reason in report.failed):
        context.say(f"Fleet: {reason}")
    return rows(size, reports, result, gateway_cpu=used)


@asynccontextmanager
async def _gateway(folder: Path) -> AsyncIterator[CephGateway]:
    gateway = await asyncio.to_thread(CephGateway, folder / "ceph")
    try:
        yield gateway
    finally:
        gateway.stop()


def _add_all(shared: SharedBucket, size: FleetSize) -> dict[str, Home]:
    names = [name for process in range(size.processes) for name in size.names(process)]
    return {name: shared.add(name) for name in names}


async def _send(
    context: Context,
    size: FleetSize,
    url: str,
    homes: Mapping[str, Home],
    folder: Path,
) -> list[Sent]:
    """Run the processes, all of whose homes are connected before the first one sends."""
    frigate_job = {
        "clip_size": size.clip,
        "objects": size.objects,
        "film": _FILM,
    }
    async with AsyncExitStack() as stack:
        frigate = await stack.enter_async_context(
            run_service("frigate_service", frigate_job, folder=context.folder)
        )
        services: list[Service] = []
        for process in range(size.processes):
            job = {
                "size": asdict(size),
                "url": frigate.ready["url"],
                "objects": frigate.ready["objects"],
                "folder": str(folder),
                "homes": [_settings(url, homes[x]) for x in size.names(process)],
                "timeout": _BURST_TIMEOUT,
            }
            services.append(
                await stack.enter_async_context(
                    run_service("fleet_probe", job, folder=context.folder)
                )
            )
        answers = await asyncio.gather(*(x.end(timeout=_TIMEOUT) for x in services))
    return [Sent.from_json(answer) for answer in answers]


def _settings(url: str, home: Home) -> dict[str, Any]:
    return {
        "endpoint_url": url,
        "region": "us-east-1",
        "bucket": _BUCKET,
        "access_key_id": home.access_key_id,
        "secret_access_key": home.secret_access_key,
        "path": home.name,
    }


def _cpu_of(gateway: CephGateway) -> float:
    """Return the CPU seconds that monitor, store and gateway have used so far."""
    ticks = 0
    for file in (gateway.folder / "run").glob("*.pid"):
        stat = Path(f"/proc/{file.read_text().strip()}/stat").read_text()
        # Behind the name, which may have blanks: the fields from the third one on.
        user, system = stat.rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def rows(
    size: FleetSize,
    reports: Sequence[Sent],
    result: Comparison,
    *,
    gateway_cpu: float,
) -> list[Row]:
    """Return the figures of all processes together."""
    case = f"{size.homes} homes, write-only keys, 1 Ceph gateway"
    seconds = max(x.end for x in reports) - min(x.begin for x in reports)
    burst = size.homes * size.burst
    volume = result.size - size.homes * size.calm * size.image
    cpu = sum(report.cpu for report in reports)
    requests = Counter[str]()
    for report in reports:
        requests.update(report.requests)
    puts = requests.pop("PUT", 0)

    def figure(
        name: str,
        value: float,
        unit: str = "",
        *,
        ours: str = "",
        digits: int = 1,
        wanted: Wanted | None = None,
    ) -> Row:
        return spread_row(
            case, name, [value], ours=ours, unit=unit, digits=digits, wanted=wanted
        )

    shares = f"{size.live} live, {size.objects} objects, {size.recordings} recordings"
    table = [
        figure(
            "published, not in the bucket (owner's list)",
            result.lost,
            digits=0,
            ours=f"{size.published:,} published, {result.files:,} there",
            wanted=targets.FLEET_LOST,
        ),
        figure(
            "in the bucket twice, or of no home",
            result.extra,
            digits=0,
            wanted=targets.FLEET_LOST,
        ),
        figure(
            "PUT requests for each file",
            puts / size.published,
            digits=3,
            ours=f"others: {requests.total():,}, looks at the bucket",
            wanted=targets.FLEET_PUTS,
        ),
        figure(
            "all at once: files",
            burst / seconds,
            "files/s",
            ours=f"{burst:,} in {seconds:.1f} s; each home {shares}",
        ),
        figure("all at once: volume", volume / MIB / seconds, "MiB/s"),
        figure("all at once: CPU of a home", cpu / size.homes, "s", digits=2),
        figure(
            "CPU of Ceph, for 1,000 files",
            gateway_cpu / size.published * 1000,
            "s",
            digits=2,
        ),
        figure(
            "memory of a home, connected",
            sum(x.at_rest for x in reports) / size.homes / MIB,
            "MiB",
            ours=f"{size.processes} processes; their growth",
        ),
        figure(
            "memory of a home, highest",
            sum(x.peak for x in reports) / size.homes / MIB,
            "MiB",
            wanted=targets.FLEET_MEMORY,
        ),
    ]
    phases = {
        CALM: f"a live snapshot in {size.pause:g} s from each home",
        LIVE: "all at once: live snapshots",
        OBJECT: "all at once: snapshots of objects",
        RECORDING: f"all at once: recordings of {size.clip / MIB:.0f} MiB",
    }
    for phase, name in phases.items():
        if not (waits := joined(reports, phase)):
            continue
        for share in (0.5, 0.95):
            wanted = targets.FLEET_CALM if (phase, share) == (CALM, 0.95) else None
            table.append(
                figure(
                    f"message to verified, p{share * 100:.0f}: {name}",
                    percentile(waits, share),
                    "s",
                    digits=3,
                    ours=f"{len(waits):,} copies",
                    wanted=wanted,
                )
            )
    return table
