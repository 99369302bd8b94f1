"""An engine on its own, as Home Assistant's side puts it together, in a probe."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
import json
from pathlib import Path
import secrets
import struct
import time
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp

from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)
from custom_components.frigate_snap_sync.sync.engine import (
    DestinationSetup,
    Engine,
    EngineOptions,
    EnginePaths,
    Services,
)
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import (
    EngineStatus,
    UploadEvent,
)

from .frigate_service import CAMERA

PREFIX: Final = "frigate"
_TIMEOUT: Final = 600.0
_CONNECT_TIMEOUT: Final = 60.0
_LONGEST: Final = 60_000
_COMMENT: Final = b"\xff\xfe"
_RECORDED: Final = Path(__file__).parents[1] / "tests" / "fixtures" / "recorded"
_IMAGE: Final = _RECORDED / "0.17.2" / "media" / "snapshot-mqtt.jpg"


class Rig:
    """An engine, and what it tells of uploads. Times are of `time.perf_counter`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        ledger: Path,
        spool: Path,
        options: EngineOptions,
    ) -> None:
        """Put the engine together, for the Frigate at `url`; nothing runs yet."""
        self.first_status: float | None = None
        self.status = EngineStatus()
        self._uploads: list[tuple[UploadEvent, float]] = []
        self._news = asyncio.Event()
        self.engine = Engine(
            client=FrigateClient(session, url),
            topic_prefix=PREFIX,
            services=Services.at(
                EnginePaths(ledger=ledger, spool=spool),
                spool_limit=options.spool_limit,
            ),
            options=options,
            time_zone=ZoneInfo("Europe/Berlin"),
            on_status=self._show,
            on_upload=self._uploaded,
        )

    def _show(self, status: EngineStatus) -> None:
        if self.first_status is None:
            self.first_status = time.perf_counter()
        self.status = status
        self._news.set()

    def _uploaded(self, event: UploadEvent) -> None:
        self._uploads.append((event, time.perf_counter()))
        self._news.set()

    async def start(self, setups: Sequence[DestinationSetup]) -> float:
        """Start; return the seconds until that was done and a status was shown."""
        begin = time.perf_counter()
        await self.engine.start(setups)
        started = time.perf_counter()
        await self._until(lambda: self.first_status is not None, _CONNECT_TIMEOUT)
        assert self.first_status is not None
        self.engine.handle_mqtt_connection(True)
        return max(started, self.first_status) - begin

    async def connected(self) -> None:
        """Wait until Frigate and all destinations are connected."""

        def all_connected() -> bool:
            destinations = self.status.destinations.values()
            return bool(self.status.frigate_connected) and all(
                destination.connected for destination in destinations
            )

        await self._until(all_connected, _CONNECT_TIMEOUT)

    def publish(self, topic: str, payload: bytes) -> None:
        """Let Frigate publish something."""
        self.engine.handle_message(f"{PREFIX}/{topic}", payload, retain=False)

    async def uploads(self, count: int) -> float:
        """Wait until so many copies are verified; return when the last one was.

        Raises RuntimeError if one of them never will be.
        """
        uploads = await self.ended(count, timeout=_TIMEOUT)
        if len(uploads) < count:
            raise TimeoutError
        for event, _ in uploads:
            if not event.verified:
                raise RuntimeError(f"{event.path} did not arrive: {event.reason}")
        return uploads[-1][1]

    async def ended(
        self, count: int, *, timeout: float
    ) -> list[tuple[UploadEvent, float]]:
        """Wait for so many uploads to end, at most so long; return those that have."""
        with suppress(TimeoutError):
            await self._until(lambda: len(self._uploads) >= count, timeout)
        ended, self._uploads = self._uploads, []
        return ended

    async def live_snapshot(self, image: bytes) -> float:
        """Let Frigate publish a picture; return the seconds until it is verified."""
        begin = time.perf_counter()
        self.publish(f"{CAMERA}/person/snapshot", image)
        return await self.uploads(1) - begin

    async def _until(self, condition: Callable[[], bool], timeout: float) -> None:
        async with asyncio.timeout(timeout):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def open_rig(
    *, url: str, ledger: Path, spool: Path, options: EngineOptions | None = None
) -> AsyncIterator[Rig]:
    """Make a rig, which is stopped at the end."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        rig = Rig(
            session,
            url=url,
            ledger=ledger,
            spool=spool,
            options=options or EngineOptions(),
        )
        try:
            yield rig
        finally:
            await rig.engine.stop()


def destination_setup(name: str, destination: Destination) -> DestinationSetup:
    """Return a destination that wants everything."""
    return DestinationSetup(
        id=name, name=name, selection=Selection(), destination=destination
    )


def sftp_destination(settings: dict[str, Any]) -> SftpDestination:
    """Return an SFTP destination; takes the arguments of `SftpSettings`."""
    return SftpDestination(SftpSettings(**settings))


def new_image(size: int) -> bytes:
    """Return a whole JPEG of so many bytes, or a few more, which never was before.

    What fills it up is comments of random bytes.
    """
    image = _IMAGE.read_bytes()
    missing = max(size - len(image), 16)
    comments = [
        _COMMENT + struct.pack(">H", length + 2) + secrets.token_bytes(length)
        for length in (*[_LONGEST] * (missing // _LONGEST), missing % _LONGEST)
    ]
    return b"".join((image[:2], *comments, image[2:]))


def review_message(*, seconds: float, ago: float = 600) -> bytes:
    """Return Frigate's message of a review of that length that began `ago` seconds ago."""
    start = time.time() - ago
    review = {
        "id": f"{start}-abc123",
        "camera": CAMERA,
        "start_time": start,
        "end_time": start + seconds,
        "severity": "alert",
        "data": {"objects": ["person"], "zones": [], "sub_labels": [], "audio": []},
    }
    return json.dumps({"type": "end", "before": review, "after": review}).encode()
