"""How old the newest picture elsewhere is while a recording leaves by the same line."""

import asyncio
from collections.abc import AsyncGenerator
import os
from pathlib import Path
from statistics import median
import struct
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.errors import StorageError
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.sync.ledger.live_files import LiveFile
from custom_components.frigate_snap_sync.sync.live.film import Chunk, Film
from custom_components.frigate_snap_sync.sync.live.lane import LiveLane
from custom_components.frigate_snap_sync.sync.live.target import LiveTarget
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.support.live_progress import LiveProgress
from custom_components.frigate_snap_sync.sync.support.outage_log import OutageLog

from ..harness.network import Network, Way
from ..harness.openssh import OpenSshServer
from ..waiting import until
from .conftest import Connect

FILM = 2_000_000 // 8
"""Bytes a second of the film."""
LINE = 4_000_000 // 8
FPS = 25
DELAY = 0.02
SECONDS = 10
OLDEST = 1.0
"""Seconds: without precedence it would be about five."""

_HEAD = struct.Struct(">4sId")
_MARK = b"film"


class Target:
    """Where film goes, with neither ledger nor worker behind it."""

    id = name = "nas"
    is_open = True
    is_hint = False
    item = SimpleNamespace(source_id="review")

    def __init__(self, destination: Destination) -> None:
        """Send there."""
        self.destination = destination
        self.services = SimpleNamespace(limits=Limits(), live_progress=LiveProgress())
        self.worker = SimpleNamespace(note_failure=self._note_failure)
        self.failures: list[StorageError] = []
        self._files = 0

    def count(self, size: int) -> None:
        """Count nothing."""

    async def begin(self, first: Chunk, **_: object) -> LiveFile:
        """Return the next name."""
        self._files += 1
        path = f"live{self._files:02}.mp4"
        return cast(LiveFile, SimpleNamespace(id=self._files, path=path))

    async def own(self, file: LiveFile) -> None:
        """Keep nothing."""

    async def end(self, file: LiveFile, **_: object) -> None:
        """Keep nothing."""

    async def _note_failure(self, error: StorageError) -> None:
        self.failures.append(error)


class Seen:
    """The newest picture that lies whole at the server."""

    def __init__(self, root: Path) -> None:
        """Look below this folder."""
        self._root = root
        self._at: dict[Path, int] = {}
        self.newest = 0.0
        self.pictures = 0

    def look(self) -> float:
        """Return when it happened (steady clock)."""
        for path in self._root.glob("live*.mp4"):
            with path.open("rb") as file:
                at = self._at.get(path, 0)
                file.seek(at)
                data = file.read()
            begin = 0
            while begin + _HEAD.size <= len(data):
                mark, size, moment = _HEAD.unpack_from(data, begin)
                # What a gap of an older write still is, reads as zeros.
                if mark != _MARK or begin + size > len(data):
                    break
                self.newest = max(self.newest, moment)
                self.pictures += 1
                begin += size
            self._at[path] = at + begin
        return self.newest


async def _feed(film: Film) -> None:
    """Let the camera show something, with a keyframe each second."""
    begin = time.monotonic()
    for number in range(1, 1_000_000):
        is_key = number % FPS == 1
        size = FILM * 3 // 10 if is_key else FILM * 7 // 10 // (FPS - 1)
        now = time.monotonic()
        film.add(
            Chunk(
                number=number,
                take=1,
                init=b"",
                data=_HEAD.pack(_MARK, size, now) + bytes(size - _HEAD.size),
                is_keyframe=is_key,
                arrived=now,
                moment=now,
                seconds=number / FPS,
            )
        )
        await asyncio.sleep(max(0.0, begin + number / FPS - time.monotonic()))


@pytest.fixture
async def openssh(tmp_path: Path) -> AsyncGenerator[OpenSshServer]:
    """A real server."""
    async with OpenSshServer(tmp_path / "ssh") as server:
        yield server


async def test_a_recording_does_not_make_the_film_old(
    openssh: OpenSshServer, connect_to: Connect, tmp_path: Path
) -> None:
    """Both leave by a line of twice the film's rate; the recording gets the rest."""
    path = tmp_path / "recording"
    path.write_bytes(os.urandom(30_000_000))
    there, back = (Way(rate=LINE, delay=DELAY) for _ in range(2))
    async with Network(openssh.port, there=there, back=back) as network:
        destination = wrapped(connect_to(openssh, port=network.port))
        await destination.connect()
        film, target = Film(most_bytes=8 << 20), Target(destination)
        lane = LiveLane(
            cast(LiveTarget, target),
            film,
            timing=Timing(),
            since=0.0,
            is_recorded=True,
            outage=cast(OutageLog, SimpleNamespace(over=lambda: None)),
        )
        seen = Seen(openssh.root)
        put = destination.put(
            "recording.mp4",
            FileSource(path, size=path.stat().st_size),
            temporary=".recording.tmp",
        )
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(_feed(film)),
            asyncio.create_task(lane.run()),
        ]
        try:
            await until(lambda: seen.look() > 0)
            tasks.append(asyncio.create_task(put))
            sent = openssh.root / ".recording.tmp"
            await until(sent.exists)
            await asyncio.sleep(2)
            before, pictures, ages = sent.stat().st_size, seen.pictures, []
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                ages.append(time.monotonic() - seen.look())
                await asyncio.sleep(0.05)
            received = sent.stat().st_size - before
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=5)
    assert not target.failures
    assert median(ages) < OLDEST
    assert seen.pictures - pictures > 0.8 * FPS * SECONDS
    assert received > SECONDS * FILM / 32
