"""The section on memory: recordings of three sizes, each to three destinations."""

from pathlib import Path
from typing import Final

from . import targets
from .child import BenchFailed, run_probe, run_service
from .context import Context
from .report import Row
from .server import Access, ShellServer, fast_place
from .transfers import MIB

_SIZES: Final = (16, 256, 1024)
_DESTINATIONS: Final = 3
_ROOM: Final = 3400 * MIB
_TIMEOUT: Final = 900.0


async def memory(context: Context) -> list[Row]:
    """Tell how far memory grows, and how many times Frigate was asked for the clip."""
    rows: list[Row] = []
    growths: dict[int, float] = {}
    for size in _SIZES:
        growth, before, downloads = await _measure(context, size * MIB)
        case = f"{size:,} MiB recording, {_DESTINATIONS} destinations"
        growths[size] = growth / MIB
        context.say(f"{case}: {growth / MIB:.1f} MiB more, {downloads} download(s)")
        rows += [
            Row(
                case=case,
                figure="memory: highest growth since before the engine's start",
                ours=f"{before / MIB:.1f} MiB of it before the recording",
                result=f"{growth / MIB:.1f} MiB",
                value=growth / MIB,
                wanted=targets.MEMORY,
            ),
            Row(
                case=case,
                figure="clips asked of Frigate",
                result=str(downloads),
                value=downloads,
                wanted=targets.DOWNLOADS,
            ),
        ]
    smallest, largest = min(_SIZES), max(_SIZES)
    difference = growths[largest] - growths[smallest]
    rows.append(
        Row(
            case=f"{largest:,} MiB beside {smallest} MiB",
            figure="memory: how much more",
            ours=f"{growths[largest]:.1f} MiB",
            other=f"{growths[smallest]:.1f} MiB",
            result=f"{difference:.1f} MiB",
            value=difference,
            wanted=targets.MEMORY_DIFFERENCE,
        )
    )
    return rows


async def _measure(context: Context, size: int) -> tuple[int, int, int]:
    """Return the growth (bytes), that before the recording, and the downloads."""
    folder = context.folder / str(size)
    folder.mkdir()
    with fast_place(_ROOM, fallback=context.folder) as place:
        context.note(f"The recordings' copies are stored in {place.kind}")
        job = {"clip_size": size}
        async with (
            ShellServer(place.folder / "server") as server,
            run_service("frigate_service", job, folder=folder) as frigate,
        ):
            access = Access.to(server, folder=folder / "access")
            roots = [server.root / str(number) for number in range(_DESTINATIONS)]
            answer = await run_probe(
                "memory_probe",
                {
                    "url": frigate.ready["url"],
                    "folder": str(folder),
                    "destinations": [access.settings(root) for root in roots],
                },
                folder=folder,
                timeout=_TIMEOUT,
            )
            for root in roots:
                _check(root, size)
            last_words = await frigate.end()
    return answer["growth"], answer["before"], last_words["clips"]


def _check(root: Path, size: int) -> None:
    sizes = [path.stat().st_size for path in root.rglob("*") if path.is_file()]
    if len(sizes) != 1 or sizes[0] < size:
        raise BenchFailed(f"A destination has {sizes} bytes, not one file of {size}")
