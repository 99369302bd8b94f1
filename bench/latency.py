"""The section on the way of one live snapshot: how long it takes.

Once with the engine alone, from its `handle_message`; and once all the way, from a
publication to Mosquitto through a real Home Assistant.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from tests.harness.frigate import Frigate, FrigateServer, MqttLink
from tests.harness.home_assistant import HomeAssistant
from tests.harness.installation import add_frigate, add_mqtt, add_sftp, wait_subscribed
from tests.harness.mosquitto import Mosquitto
from tests.harness.openssh import OpenSshServer

from . import targets
from .child import run_probe, run_service
from .context import Context
from .frigate_service import CAMERA
from .latency_probe import IMAGE_SIZE
from .report import Row, Wanted, spread_row
from .rig import new_image
from .server import Access, fast_place
from .stats import percentile

_COUNT: Final = 30
_ROOM: Final = 64 << 20
_TIMEOUT: Final = 300.0
_ARRIVAL_TIMEOUT: Final = 30.0
_LOOK_INTERVAL: Final = 0.001
_NOTICED: Final = 0.3
"""Seconds in which Home Assistant notices that a connection is gone."""

_CASE: Final = "1 live snapshot of 100 KB, loopback"


async def latency(context: Context) -> list[Row]:
    """Tell how long a live snapshot takes, over a cold and a warm connection."""
    rows: list[Row] = []
    with fast_place(_ROOM, fallback=context.folder) as place:
        async with OpenSshServer(place.folder / "server") as server:
            cold, warm = await _engine(context, server)
            context.say(f"Engine: cold {_ms(cold)}, warm {_ms(warm)}")
            rows += [
                _row("message to verified, login included", cold),
                _row("message to verified, connection open", warm, targets.SNAPSHOT),
                spread_row(
                    _CASE,
                    "open connection: share of with login",
                    [median(warm) / median(cold)],
                    ours=_ms(warm),
                    other=_ms(cold),
                    wanted=targets.SNAPSHOT_RATIO,
                ),
            ]
            cold, warm = await _home_assistant(context, server)
            context.say(f"Home Assistant: cold {_ms(cold)}, warm {_ms(warm)}")
            what = "Home Assistant and Mosquitto: published to named"
            rows += [
                _row(f"{what}, login included", cold),
                _row(f"{what}, connection open", warm),
            ]
    return rows


def _ms(times: Sequence[float]) -> str:
    return f"{median(times) * 1000:.1f} ms"


def _row(figure: str, times: Sequence[float], wanted: Wanted | None = None) -> Row:
    return spread_row(
        _CASE,
        figure,
        [seconds * 1000 for seconds in times],
        ours=f"{len(times)} times, p95 {percentile(times, 0.95) * 1000:.0f} ms",
        unit="ms",
        digits=1,
        wanted=wanted,
    )


async def _engine(
    context: Context, server: OpenSshServer
) -> tuple[list[float], list[float]]:
    """Return seconds with the login, and over the open connection."""
    folder = context.folder
    async with run_service("frigate_service", {"clip_size": 0}, folder=folder) as own:
        access = Access.to(server, folder=folder / "access")
        job = {
            "url": own.ready["url"],
            "folder": str(folder),
            "destination": access.settings(server.root / "engine"),
            "count": _COUNT,
        }
        answer = await run_probe("latency_probe", job, folder=folder, timeout=_TIMEOUT)
    return answer["cold"], answer["warm"]


async def _home_assistant(
    context: Context, server: OpenSshServer
) -> tuple[list[float], list[float]]:
    """Return the same through a real Home Assistant, up to the file's final name."""
    folder, root = context.folder, server.root / "home-assistant"
    frigate = Frigate((CAMERA,))
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Mosquitto(folder / "mosquitto"))
        api_server = await stack.enter_async_context(FrigateServer(frigate))
        await stack.enter_async_context(MqttLink(frigate, "127.0.0.1", broker.port))
        home_assistant = await stack.enter_async_context(
            HomeAssistant(folder / "config")
        )
        api = home_assistant.api
        await add_mqtt(api, broker.port)
        entry_id = await add_frigate(api, api_server.url)
        await add_sftp(
            api,
            entry_id,
            name="Server",
            port=server.port,
            username=server.username,
            path=str(root),
            fingerprint=server.fingerprint,
            authorize=server.authorize,
        )
        await wait_subscribed(api)
        arrivals = _Arrivals(frigate, root)
        await arrivals.time_one()
        cold, warm = [], []
        for _ in range(_COUNT):
            await server.cut_sessions()
            await asyncio.sleep(_NOTICED)
            cold.append(await arrivals.time_one())
            warm.append(await arrivals.time_one())
    return cold, warm


class _Arrivals:
    """Lets Frigate publish a picture, and watches the folder where it shall arrive."""

    def __init__(self, frigate: Frigate, root: Path) -> None:
        self._frigate, self._root = frigate, root
        self._known = 0

    async def time_one(self) -> float:
        """Return the seconds from the publication to one more picture."""
        image = new_image(IMAGE_SIZE)
        begin = perf_counter()
        self._frigate.send(f"{CAMERA}/person/snapshot", image)
        async with asyncio.timeout(_ARRIVAL_TIMEOUT):
            while self._pictures() == self._known:
                await asyncio.sleep(_LOOK_INTERVAL)
        self._known += 1
        return perf_counter() - begin

    def _pictures(self) -> int:
        return sum(1 for _ in self._root.glob("*/*.jpg"))
