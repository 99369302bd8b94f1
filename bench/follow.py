"""The section on a long recording: it leaves while Frigate is still giving it."""

from typing import Final

from tests.harness.openssh import OpenSshServer

from . import targets
from .child import run_probe, run_service
from .context import Context
from .link import RATE
from .report import Row, spread_row
from .server import Access, fast_place
from .stats import ratios
from .transfers import MIB

_SIZE: Final = 256 * MIB
_ROOM: Final = 5 * _SIZE
_TIMEOUT: Final = 600.0
_DELAY: Final = 0.001
"""Seconds each way: as in a house, where Frigate is."""


async def follow(
    context: Context, *, size: int = _SIZE, rate: float = RATE
) -> list[Row]:
    """Compare a recording's way to two places with its download or upload alone.

    Both go through lines of their own of 100 Mbit/s: without, one machine that does all
    at once is slower than one that does it one after the other.
    """
    case = f"{size // MIB} MiB recording, to a folder and SFTP, lines of 100 Mbit/s"
    engine: list[float] = []
    alone: list[float] = []
    for number in range(context.rounds):
        folder = context.folder / str(number)
        folder.mkdir()
        with fast_place(_ROOM, fallback=context.folder) as place:
            async with (
                OpenSshServer(place.folder / "server") as server,
                run_service(
                    "frigate_service", {"clip_size": size}, folder=folder
                ) as own,
                run_service(
                    "link",
                    {
                        "rate": rate,
                        "delay": _DELAY,
                        "is_shared": False,
                        "ports": [
                            int(own.ready["url"].rpartition(":")[2]),
                            server.port,
                        ],
                    },
                    folder=folder,
                ) as link,
            ):
                near, far = link.ready["ports"]
                access = Access.to(server, folder=folder / "access", port=far)
                roots = (server.root / "alone", server.root / "engine")
                answer = await run_probe(
                    "follow_probe",
                    {
                        "url": f"http://127.0.0.1:{near}",
                        "folder": str(place.folder),
                        "destinations": [access.settings(root) for root in roots],
                    },
                    folder=folder,
                    timeout=_TIMEOUT,
                )
        context.say(
            f"{case}, round {number + 1}: {answer['engine']:.1f} s, download alone"
            f" {answer['download']:.1f} s, upload alone {answer['upload']:.1f} s"
        )
        engine.append(answer["engine"])
        alone.append(max(answer["download"], answer["upload"]))
    return [
        spread_row(
            case,
            "time, beside the longer of download and upload alone",
            ratios(engine, alone),
            wanted=targets.FOLLOW,
        )
    ]
