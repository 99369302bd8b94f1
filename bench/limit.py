"""The section on a destination's bandwidth limit: how even is it, in any ten seconds?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from tests.harness.openssh import OpenSshServer

from . import targets
from .context import Context
from .report import Row, spread_row
from .server import Access

_KIB: Final = 1024
_LIMIT: Final = 500
"""KiB/s."""
_WINDOW: Final = 10.0
_CLIPS: Final = 2
_CLIP: Final = 9_000 * _KIB
"""Bytes: two at once take 36 s."""
_STILL: Final = 100 * _KIB
_STILL_AFTER: Final = 12.0
_LOOK_INTERVAL: Final = 0.02


async def limit(context: Context) -> list[Row]:
    """Send two recordings and a still under a limit, to a folder and to a server."""
    rows: list[Row] = []
    root = context.folder / "folder"
    root.mkdir()
    local = LocalDestination(
        root, mount_point=await find_mount_point(root), is_allowed=lambda _: True
    )
    rows += await _measure(context, "a folder", local, root)
    async with _server(context.folder) as (sftp, root):
        rows += await _measure(context, "SFTP, loopback", sftp, root)
    return rows


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[Destination, Path]]:
    async with OpenSshServer(folder / "server") as server:
        root = server.root / "files"
        root.mkdir()
        access = Access.to(server, folder=folder / "access")
        yield SftpDestination(SftpSettings(**access.settings(root))), root


async def _measure(
    context: Context, where: str, destination: Destination, root: Path
) -> list[Row]:
    limited = wrapped(destination, rate=_LIMIT * _KIB)
    sources = [_source(context.folder / f"clip-{n}", _CLIP) for n in range(_CLIPS)]
    still = _source(context.folder / "still", _STILL, is_urgent=True)
    arrived: list[tuple[float, int]] = []
    watching = asyncio.create_task(_watch(root, arrived))
    took = 0.0

    async def send_still() -> None:
        nonlocal took
        await asyncio.sleep(_STILL_AFTER)
        begin = perf_counter()
        await limited.put("still.jpg", still, temporary=".still.tmp")
        took = perf_counter() - begin

    async with asyncio.TaskGroup() as group:
        group.create_task(send_still())
        for number, source in enumerate(sources):
            group.create_task(
                limited.put(f"{number}.mp4", source, temporary=f".{number}.tmp")
            )
    watching.cancel()
    await limited.close()
    rates = _windows(arrived)
    lowest, highest = min(rates), max(rates)
    context.say(f"Limit, {where}: {lowest:.0f} to {highest:.0f} KiB/s")
    case = f"Limit of {_LIMIT} KiB/s, 2 recordings and a still, {where}"
    return [
        spread_row(
            case,
            figure,
            [value],
            ours=f"{len(rates)} windows of {_WINDOW:.0f} s",
            unit="KiB/s",
            digits=0,
            wanted=wanted,
        )
        for figure, value, wanted in (
            ("slowest ten seconds", lowest, targets.LIMIT_LOWEST),
            ("fastest ten seconds", highest, targets.LIMIT_HIGHEST),
        )
    ] + [
        spread_row(
            case,
            "a still of 100 KiB in between",
            [took * 1000],
            ours=f"{took * 1000:.0f} ms",
            unit="ms",
            digits=0,
            wanted=targets.LIMIT_STILL,
        )
    ]


def _source(path: Path, size: int, *, is_urgent: bool = False) -> FileSource:
    path.write_bytes(bytes(size))
    return FileSource(path, size=size, is_urgent=is_urgent)


async def _watch(root: Path, arrived: list[tuple[float, int]]) -> None:
    """Note how much lies there, again and again, until cancelled."""
    while True:
        size = await asyncio.to_thread(_size, root)
        arrived.append((perf_counter(), size))
        await asyncio.sleep(_LOOK_INTERVAL)


def _size(root: Path) -> int:
    total = 0
    for path in root.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            return _size(root)  # It has just got its name.
    return total


def _windows(arrived: list[tuple[float, int]]) -> list[float]:
    """Return the KiB/s of every ten seconds in which something was on its way."""
    last = arrived[-1][1]
    busy = [(at, size) for at, size in arrived if 0 < size < last]
    rates: list[float] = []
    end = 0
    for at, size in busy:
        while end < len(busy) and busy[end][0] < at + _WINDOW:
            end += 1
        if end == len(busy):
            break
        rates.append((busy[end][1] - size) / (busy[end][0] - at) / _KIB)
    return rates
