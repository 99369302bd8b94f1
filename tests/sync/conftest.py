"""An engine on its own: fake Frigate, fake destinations, real ledger and spool."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
import json
from pathlib import Path
import sqlite3
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaNotReady
from custom_components.frigate_snap_sync.frigate.parsers import parse_review
from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.sync.engine import (
    DestinationSetup,
    Engine,
    EngineOptions,
    EnginePaths,
    Services,
)
from custom_components.frigate_snap_sync.sync.ledger import (
    cameras,
    destinations,
    schema,
)
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.naming import Render
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import (
    EngineStatus,
    Protection,
    UploadEvent,
    UploadFilter,
    UploadRow,
)
from custom_components.frigate_snap_sync.sync.model.timing import Timing

from ..waiting import LONG, Threads, promptly, until
from .fakes import IMAGE, FakeDestination, FakeFrigate
from .faults import Faults, FaultyLedger, FaultySpool

__all__ = ("FAST", "Bench", "setup", "until")

FAST = Timing(
    failure_pause=0.02,
    settle=0.05,
    part_settle=0.01,
    part_retry=0.05,
    first_retry=0.05,
    longest_retry=0.2,
    gone_after=600,
    missing_after=60,
    tail_patience=0,
    lookup=0.05,
    clock_check=0.02,
    least_patience=0,
    poll=30,
    space=0.05,
    shortest_poll=0.02,
    first_poll_retry=0.2,
    hint_retry=0.05,
    hint_pause=0.2,
    shaky=0,
    catch_up_pause=0.05,
    probe=30,
    unanswered=0.05,
    status_pause=0.01,
)


def setup(
    destination: Destination,
    *,
    name: str = "nas",
    selection: Selection | None = None,
    render: Render | None = None,
) -> DestinationSetup:
    """Return a destination as its owner set it up."""
    return DestinationSetup(
        id=name,
        name=name,
        selection=selection or Selection(),
        destination=destination,
        render=render,
    )


@dataclass
class Bench:
    """One Frigate, its engine, and what the engine told."""

    folder: Path
    frigate: FakeFrigate = field(default_factory=FakeFrigate)
    timing: Timing = FAST
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    options: EngineOptions = field(
        default_factory=lambda: EngineOptions(upload_during_review=False)
    )
    prefix: str = "frigate"
    statuses: list[EngineStatus] = field(default_factory=list)
    threads: Threads = field(default_factory=Threads)
    uploaded: list[UploadEvent] = field(default_factory=list)
    _engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """Return the engine, which a test has started."""
        assert self._engine is not None
        return self._engine

    @property
    def status(self) -> EngineStatus:
        """Return its status."""
        return self.engine.status

    async def start(self, *setups: DestinationSetup) -> Engine:
        """Start an engine on the same files as the one before."""
        self._engine = Engine(
            client=self.frigate,
            topic_prefix=self.prefix,
            services=self._services(),
            options=self.options,
            time_zone=ZoneInfo("Europe/Berlin"),
            on_status=self.statuses.append,
            on_upload=self.uploaded.append,
        )
        await self._engine.start(setups)
        self._engine.handle_mqtt_connection(True)
        return self._engine

    def _services(self) -> Services:
        paths = EnginePaths(
            ledger=self.folder / "ledger" / "one.db", spool=self.folder / "spool"
        )
        return Services(
            ledger=FaultyLedger(
                paths.ledger, generation_path=paths.generation, faults=self.faults
            ),
            spool=FaultySpool(
                paths.spool,
                limit=self.options.spool_limit,
                reserve=self.limits.spool_reserve,
                faults=self.faults,
            ),
            timing=self.timing,
            limits=self.limits,
        )

    async def stop(self) -> None:
        """Stop the engine, if it runs."""
        if self._engine is not None:
            await self._engine.stop()
            self._engine = None

    async def settled(self) -> dict[str, int]:
        """Wait until no upload is pending; return how many are in which state."""
        async with promptly():
            while True:
                counts = await self.engine.diagnostics()
                uploads: dict[str, int] = counts["counts"]["uploads"]
                if not uploads.get("pending") and not counts["queued_messages"]:
                    return uploads
                await asyncio.sleep(0.005)

    async def at_rest(self) -> None:
        """Wait until all has been done that does not wait for its time."""
        await until(lambda: not len(self.engine._inbox))  # noqa: SLF001
        await self.threads.at_rest()

    async def retried(self, times: int = 4) -> None:
        """Let Frigate refuse a snapshot so often, and wait until it gave it.

        What has failed before, and may be asked for again, has been by then.
        """
        self.frigate.snapshot_faults += [MediaNotReady("HTTP status 400")] * times
        asked = len(self.frigate.snapshots)
        self.tracked_object()
        await until(lambda: len(self.frigate.snapshots) > asked + times)

    async def uploads(self, **wanted: Any) -> list[UploadRow]:
        """Return the newest uploads that fit: `wanted` is of `UploadFilter`."""
        return await self.engine.list_uploads(UploadFilter(**wanted))

    async def pending(self, count: int) -> None:
        """Wait until the ledger has so many pending uploads, on their way or not."""
        async with asyncio.timeout(LONG):
            while len(await self.uploads(state="pending")) != count:
                await asyncio.sleep(0.005)

    async def heard(self) -> None:
        """Let Frigate be heard, and wait until all is well."""
        self.publish("stats", "{}")
        await until(lambda: self.status.protection is Protection.PROTECTED)

    async def spooled_in_ledger(self, count: int) -> None:
        """Wait until the ledger knows that so many files lie in the spool."""
        async with promptly():
            while True:
                counts = await self.engine.diagnostics()
                if counts["counts"]["files"].get("spooled") == count:
                    return
                await asyncio.sleep(0.005)

    def spooled(self) -> list[str]:
        """Return the whole files in the spool."""
        return [
            file.name
            for file in (self.folder / "spool").iterdir()
            if file.suffix != ".tmp"
        ]

    def publish(
        self, topic: str, payload: bytes | str | dict[str, Any], *, retain: bool = False
    ) -> None:
        """Let Frigate publish a message."""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        if isinstance(payload, str):
            payload = payload.encode()
        self.engine.handle_message(f"{self.prefix}/{topic}", payload, retain=retain)

    def live_snapshot(
        self, camera: str = "front_door", label: str = "person", image: bytes = IMAGE
    ) -> None:
        """Let Frigate publish an image."""
        self.publish(f"{camera}/{label}/snapshot", image)

    def review(
        self,
        kind: str,
        *,
        source_id: str | None = None,
        end: float | None = None,
        known: bool = False,
        **changes: Any,
    ) -> str:
        """Let Frigate publish a message about a review; return the review's id.

        If it is `known`, Frigate's API tells of it as well.
        """
        start = changes.pop("start", time.time() - 100)
        source_id = source_id or f"{start}-abc123"
        review = {
            "id": source_id,
            "camera": changes.pop("camera", "front_door"),
            "start_time": start,
            "end_time": end,
            "severity": changes.pop("severity", "alert"),
            "data": {
                "objects": changes.pop("objects", ["person"]),
                "zones": changes.pop("zones", []),
                "sub_labels": changes.pop("sub_labels", []),
                "audio": [],
                "detections": changes.pop("detections", []),
            },
        }
        if known:
            self.frigate.known_reviews[source_id] = parse_review(review)
        self.publish("reviews", {"type": kind, "before": review, "after": review})
        return source_id

    def tracked_object(
        self, kind: str = "end", *, source_id: str | None = None, **changes: Any
    ) -> str:
        """Let Frigate say something of a tracked object; return its id."""
        start = time.time() - 100
        source_id = source_id or f"{start}-def456"
        tracked = {
            "id": source_id,
            "camera": "front_door",
            "label": "person",
            "sub_label": None,
            "start_time": start,
            "end_time": start + 10,
            "has_snapshot": True,
            "has_clip": True,
            "false_positive": False,
            "entered_zones": [],
            "max_severity": "alert",
        } | changes
        self.publish("events", {"type": kind, "before": tracked, "after": tracked})
        return source_id


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Return a bench; its engine is stopped at the end."""
    bench = Bench(tmp_path)
    with bench.threads.watched():
        yield bench
        await bench.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger in a folder that is still to be made."""
    return tmp_path / "ledgers" / "one.db"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty ledger in memory, with a camera and two destinations."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    cameras.see_camera(connection, "front_door")
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    yield connection
    connection.close()


@pytest.fixture
def nas() -> FakeDestination:
    """Return a destination."""
    return FakeDestination()


@pytest.fixture
def cloud() -> FakeDestination:
    """Return another one."""
    return FakeDestination()


@pytest.fixture
def impatient(bench: Bench) -> None:
    """Let failing destinations be tried again at once."""
    bench.timing = replace(bench.timing, jitter=lambda low, high: 0.002)
