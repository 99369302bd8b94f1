"""The section on live footage: what it costs, and what Frigate is spared by it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from tests.harness.openssh import OpenSshServer

from . import targets
from .child import BenchFailed, Job, run_probe, run_service
from .context import Context
from .report import Row, spread_row
from .server import Access, fast_place
from .transfers import MIB

_ROOM: Final = 1024 * MIB
_TIMEOUT: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Films:
    """How many films there are, and for how long (s) they are looked at.

    A review of `review` seconds shows what Frigate is spared; 0: none does.
    """

    cameras: int = 4
    bit_rate: int = 8_000_000
    seconds: float = 15.0
    review: float = 200.0


_FILMS: Final = Films()


async def live(context: Context, *, films: Films = _FILMS) -> list[Row]:
    """Tell what films cost, and how many parts are not asked of Frigate for them."""
    with fast_place(_ROOM, fallback=context.folder) as place:
        async with OpenSshServer(place.folder / "server") as server:
            access = Access.to(server, folder=context.folder / "access")
            rows = await _cost(context, access, server.root, films)
            if films.review:
                rows.append(await _spared(context, access, server.root, films))
            return rows


async def _cost(
    context: Context, access: Access, root: Path, films: Films
) -> list[Row]:
    case = f"{films.cameras} films of {films.bit_rate // 1_000_000} Mbit/s, SFTP"
    job = {"live_footage": LiveFootage.ALERTS, "parts": False, "seconds": films.seconds}
    rounds: list[Mapping[str, float]] = []
    for number in range(context.rounds):
        folder = context.folder / f"cost-{number}"
        target = root / folder.name
        answer, _ = await _run(folder, access, target, films, job)
        arrived = sum(path.stat().st_size for path in target.rglob("*.mp4"))
        check_arrived(arrived, films)
        context.say(
            f"{case}, round {number + 1}: {answer['cpu']:.1%} of a core,"
            f" {arrived // MIB} MiB arrived"
        )
        rounds.append(answer)
    return [
        spread_row(
            case,
            figure,
            [one[name] * factor for one in rounds],
            unit=unit,
            digits=digits,
            wanted=wanted,
        )
        for figure, name, factor, unit, digits, wanted in (
            ("CPU above idle, of a core", "cpu", 100, "%", 1, targets.LIVE_CPU),
            ("event loop late, p50: above idle", "p50", 1, "ms", 2, targets.DELAY_P50),
            ("event loop late, p99: above idle", "p99", 1, "ms", 2, targets.DELAY_P99),
            (
                "memory: highest growth for each film",
                "growth",
                1 / MIB / films.cameras,
                "MiB",
                1,
                targets.LIVE_MEMORY,
            ),
        )
    ]


def check_arrived(arrived: int, films: Films) -> None:
    """Raise `BenchFailed` unless nearly all has arrived that was looked at."""
    least = 0.9 * films.cameras * films.bit_rate / 8 * 2 * films.seconds
    if arrived < least:
        raise BenchFailed(f"{arrived} bytes of film arrived, of at least {least:.0f}")


async def _spared(context: Context, access: Access, root: Path, films: Films) -> Row:
    """Compare the clips that are asked of Frigate while a review is active."""
    one = Films(cameras=1, bit_rate=2_000_000)

    async def parts(live_footage: LiveFootage) -> int:
        job = {"live_footage": live_footage, "parts": True, "seconds": films.review}
        folder = context.folder / f"parts-{live_footage}"
        _, ended = await _run(folder, access, root / folder.name, one, job)
        return int(ended["clips"])

    with_film, without = await asyncio.gather(
        parts(LiveFootage.ALERTS), parts(LiveFootage.OFF)
    )
    context.say(f"Parts asked of Frigate: {with_film} with film, {without} without")
    fewer = 100 * (1 - with_film / without) if without else 0.0
    return spread_row(
        f"A review of {films.review:.0f} s",
        "parts asked of Frigate: fewer with film",
        [fewer],
        ours=str(with_film),
        other=str(without),
        unit="%",
        digits=0,
        wanted=targets.LIVE_PARTS,
    )


async def _run(
    folder: Path, access: Access, root: Path, films: Films, job: Mapping[str, Any]
) -> tuple[Job, Job]:
    """Let an engine take the films; return its answer, and what Frigate was asked."""
    folder.mkdir()
    frigate_job = {"cameras": films.cameras, "bit_rate": films.bit_rate}
    async with run_service("live_service", frigate_job, folder=folder) as frigate:
        answer = await run_probe(
            "live_probe",
            {
                **job,
                **frigate.ready,
                "folder": str(folder),
                "destination": access.settings(root),
            },
            folder=folder,
            timeout=_TIMEOUT + 4 * job["seconds"],
        )
        return answer, await frigate.end()
