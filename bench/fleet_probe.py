"""A process of homes, each a whole engine with a key that can only write.

It is a service: ready when all are connected, and its last words are what came of it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
import hashlib
import json
import logging
from pathlib import Path
import sys
import time
from typing import Any, Final

import aiohttp

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.check import check_destination
from custom_components.frigate_snap_sync.storage.s3.destination import (
    ADDRESSING,
    PROOF,
    S3Destination,
)
from custom_components.frigate_snap_sync.storage.s3.settings import (
    Addressing,
    Proof,
    S3Settings,
)
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from homeassistant.runner import create_event_loop

from .child import BenchFailed, Job, service_main
from .fleet_load import LIVE, OBJECT, RECORDING, FleetSize, Sent
from .frigate_service import CAMERA
from .measure import MemoryPeak, cpu_seconds
from .rig import Rig, destination_setup, new_image, open_rig, review_message

_SECONDS: Final = 10.0
"""Of a recording."""
_APART: Final = 60
"""Seconds between the beginnings of two recordings of a home."""
_QUIET: Final = 5.0
"""Seconds between the calm phase and the burst, by which all processes have ended it."""

CALM: Final = "calm"


class _Home:
    """One engine, what it was given, and how long that took to be verified."""

    def __init__(self, name: str, rig: Rig) -> None:
        self.name = name
        self.rig = rig
        self.live: list[str] = []
        self.failed: list[str] = []
        self.last = 0.0
        """When the last copy was verified, of the clock that engines report by."""
        self._published: dict[tuple[str, str], float] = {}

    def publish_image(self, size: int) -> None:
        """Let its Frigate publish a picture that never was before."""
        image = new_image(size)
        self.live.append(hashlib.md5(image, usedforsecurity=False).hexdigest())
        digest = hashlib.sha256(image).hexdigest()
        self._publish((LIVE, digest), f"{CAMERA}/person/snapshot", image)

    def publish_object(self, message: str) -> None:
        """Let its Frigate tell of an object that has ended."""
        self._publish((OBJECT, _id_in(message)), "events", message.encode())

    def publish_review(self, number: int) -> None:
        """Let its Frigate tell of a review that has ended long ago.

        No other home's begins in the same second: they share a Frigate, which fails
        when it is asked for the same clip twice at once.
        """
        own = int(self.name.rpartition("-")[2]) % _APART
        ago = 600 + number * _APART + own
        message = review_message(seconds=_SECONDS, ago=ago)
        self._publish((RECORDING, _id_in(message.decode())), "reviews", message)

    def _publish(self, key: tuple[str, str], topic: str, payload: bytes) -> None:
        self._published[key] = time.perf_counter()
        self.rig.publish(topic, payload)

    async def arrived(self, count: int, *, timeout: float) -> dict[str, list[float]]:
        """Wait for so many copies; return their seconds by media."""
        waits: dict[str, list[float]] = defaultdict(list)
        for event, at in await self.rig.ended(count, timeout=timeout):
            if not event.verified:
                self.failed.append(f"{event.path}: {event.reason}")
                continue
            key = (event.media, event.item_id.rpartition("/")[2])
            waits[event.media].append(at - self._published[key])
            self.last = max(self.last, at)
        return waits


def _id_in(message: str) -> str:
    found: str = json.loads(message)["after"]["id"]
    return found


@asynccontextmanager
async def _bucket(
    settings: dict[str, Any], requests: Counter[str], folder: Path
) -> AsyncIterator[Destination]:
    """Yield a destination as the form stores it, after its test.

    Raises `BenchFailed` if the key can do more than write.
    """

    async def count(_session: object, _context: object, params: Any) -> None:
        requests[params.method] += 1

    traced = aiohttp.TraceConfig()
    traced.on_request_start.append(count)
    connector = aiohttp.TCPConnector()

    def open_session(*traces: aiohttp.TraceConfig) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector, connector_owner=False, trace_configs=list(traces)
        )

    found = S3Settings(**settings)
    tried = S3Destination(found, open_session=open_session)
    result = await check_destination(tried, workdir=folder / "test")
    await tried.close()
    if result.can_read or result.can_delete:
        raise BenchFailed(f"The key of {found.path} can do more than write")
    known = replace(
        found,
        addressing=Addressing(tried.findings[ADDRESSING]),
        proof=Proof(tried.findings[PROOF]),
        can_read=False,
        can_delete=False,
        limits_known=True,
    )
    destination = wrapped(
        S3Destination(known, open_session=partial(open_session, traced)),
        append_only=True,
        can_read=False,
    )
    try:
        yield destination
    finally:
        await destination.close()
        await connector.close()


async def _open_home(
    stack: AsyncExitStack,
    settings: dict[str, Any],
    requests: Counter[str],
    *,
    url: str,
    folder: Path,
) -> _Home:
    folder.mkdir(parents=True)
    destination = await stack.enter_async_context(_bucket(settings, requests, folder))
    rig = await stack.enter_async_context(
        open_rig(url=url, ledger=folder / "ledger.db", spool=folder / "spool")
    )
    await rig.start([destination_setup("bucket", destination)])
    return _Home(settings["path"], rig)


async def _calm(home: _Home, size: FleetSize, *, offset: float) -> list[float]:
    """Send a live snapshot now and then, at another moment than the other homes."""
    await asyncio.sleep(offset)
    for _ in range(size.calm):
        home.publish_image(size.image)
        await asyncio.sleep(size.pause)
    return (await home.arrived(size.calm, timeout=60))[LIVE]


async def _burst(
    home: _Home, size: FleetSize, objects: Sequence[str], timeout: float
) -> dict[str, list[float]]:
    """Send all there is at once."""
    for number in range(size.recordings):
        home.publish_review(number)
    for message in objects:
        home.publish_object(message)
    for _ in range(size.live):
        home.publish_image(size.image)
        await asyncio.sleep(0)
    return await home.arrived(size.burst, timeout=timeout)


async def _serve(job: Job) -> AsyncGenerator[Job]:
    size = FleetSize(**job["size"])
    folder = Path(job["folder"])
    memory = MemoryPeak()
    requests: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        homes = [
            await _open_home(
                stack,
                settings,
                requests,
                url=job["url"],
                folder=folder / settings["path"],
            )
            for settings in job["homes"]
        ]
        for home in homes:
            await home.rig.connected()
        at_rest = memory.growth()
        yield {}
        begin = time.perf_counter()
        step = size.pause / len(homes)
        calm = await asyncio.gather(
            *(_calm(home, size, offset=n * step) for n, home in enumerate(homes))
        )
        together = begin + (size.calm + 1) * size.pause + _QUIET
        await asyncio.sleep(max(together - time.perf_counter(), 0))
        begin, used = time.perf_counter(), cpu_seconds()
        bursts = await asyncio.gather(
            *(_burst(home, size, job["objects"], job["timeout"]) for home in homes)
        )
        waits = {CALM: [wait for waits in calm for wait in waits]}
        for media in (LIVE, OBJECT, RECORDING):
            waits[media] = [wait for burst in bursts for wait in burst.get(media, ())]
        report = Sent(
            live={home.name: home.live for home in homes},
            waits=waits,
            failed=[reason for home in homes for reason in home.failed],
            requests=dict(requests),
            begin=begin,
            end=max(home.last for home in homes),
            cpu=cpu_seconds() - used,
            at_rest=at_rest,
            peak=memory.growth(),
        )
    yield report.to_json()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    service_main(_serve, loop_factory=create_event_loop)
