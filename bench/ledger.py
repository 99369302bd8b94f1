"""The section on the ledger: what a long history costs."""

from collections.abc import Mapping, Sequence
import os
from pathlib import Path
import random
from statistics import median
from typing import Any, Final

from . import targets
from .child import run_probe, run_service
from .context import Context
from .history import multiply
from .report import Row, spread_row
from .server import fast_place
from .stats import ratios

_SIZES: Final = (0, 10_000, 100_000, 1_000_000)
_UPLOADS: Final = 300
_ROOM: Final = 256 << 20
_TIMEOUT: Final = 600.0
_ORDER: Final = 4242

type Times = Mapping[str, Sequence[float]]


async def ledger(context: Context) -> list[Row]:
    """Tell how start and uploads depend on the number of items in the ledger."""
    folder = context.folder
    template = folder / "template.db"
    job = {"clip_size": 0}
    with fast_place(_ROOM, fallback=folder) as place:
        async with run_service("frigate_service", job, folder=folder) as frigate:
            common: dict[str, Any] = {**frigate.ready, "spool": str(place.folder)}
            answer = await run_probe(
                "ledger_probe",
                {**common, "ledger": str(template)},
                folder=folder,
                timeout=_TIMEOUT,
            )
            ledgers = {size: folder / f"{size}.db" for size in _SIZES}
            for size, path in ledgers.items():
                multiply(template, path, items=size)
                context.say(f"Ledger of {size:,} items: {_mebibytes(path):,.0f} MiB")
            common |= {"sizes": answer["sizes"], "count": _UPLOADS}
            times = await _rounds(context, common, ledgers)
    sizes = {size: _mebibytes(path) for size, path in ledgers.items()}
    for path in ledgers.values():
        path.unlink()
    return [row for size in _SIZES for row in _rows(size, sizes[size], times)]


async def _rounds(
    context: Context, job: dict[str, Any], ledgers: Mapping[int, Path]
) -> Mapping[int, Times]:
    times: dict[int, dict[str, list[float]]] = {size: {} for size in ledgers}
    chance = random.Random(_ORDER)
    for number in range(1, context.rounds + 1):
        for size in chance.sample(list(ledgers), len(ledgers)):
            _forget(ledgers[size])
            answer = await run_probe(
                "ledger_probe",
                {**job, "ledger": str(ledgers[size])},
                folder=context.folder,
                timeout=_TIMEOUT,
            )
            for name, seconds in answer.items():
                times[size].setdefault(name, []).append(seconds)
            context.say(
                f"Ledger of {size:,} items, round {number}: start"
                f" {answer['first'] * 1000:.0f} ms, upload"
                f" {answer['upload'] * 1000:.2f} ms"
            )
    return times


def _forget(path: Path) -> None:
    """Let the kernel forget what it knows of a file, as after a restart."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _mebibytes(path: Path) -> float:
    return path.stat().st_size / 2**20


def _rows(size: int, mebibytes: float, times: Mapping[int, Times]) -> list[Row]:
    case = f"Ledger of {size:,} items ({mebibytes:,.0f} MiB)"
    own, empty = times[size], times[0]
    is_largest = size == max(_SIZES)
    rows = [
        spread_row(
            case,
            figure,
            own[name],
            unit="s",
            digits=3,
            wanted=targets.START if is_largest and is_judged else None,
        )
        for figure, name, is_judged in (
            ("engine's start, nothing of it in memory", "first", True),
            ("engine's start", "again", True),
            ("engine's start after a crash, all of it checked", "crashed", False),
        )
    ]
    for figure, name in (
        ("one upload, message to verified, by time", "upload"),
        ("one upload, by CPU time", "cpu"),
    ):
        rows.append(
            spread_row(
                case,
                figure,
                ratios(own[name], empty[name]),
                ours=f"{median(own[name]) * 1000:.2f} ms",
                other=f"{median(empty[name]) * 1000:.2f} ms (no items)",
                wanted=targets.UPLOAD_RATIO if is_largest else None,
            )
        )
    return rows
