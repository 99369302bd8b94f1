"""A Frigate and a destination that live in memory, for tests of the engine."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
import re
import time
from typing import Any, override

from custom_components.frigate_snap_sync.frigate.errors import FrigateError, MediaGone
from custom_components.frigate_snap_sync.frigate.live_stream import LiveMessage
from custom_components.frigate_snap_sync.frigate.models import (
    CameraConfig,
    FrigateConfig,
    LiveSource,
    Page,
    Review,
    Segment,
    Segments,
    TrackedObject,
)
from custom_components.frigate_snap_sync.frigate.version import FrigateVersion
from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Destination,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.check import FIXED_PROBE, PROBE_PREFIX
from custom_components.frigate_snap_sync.storage.errors import StorageError, Unreachable
from custom_components.frigate_snap_sync.storage.growing import (
    AlreadyThere,
    GrowingFile,
)
from custom_components.frigate_snap_sync.storage.source import open_source

from ..films import film

type Write = Callable[[bytes], Awaitable[None]]
type Film = Callable[[float, Write], Awaitable[int | None]]
"""Writes a clip of so many seconds and returns its size; None: the usual one comes."""

RECORDED = Path(__file__).parents[1] / "fixtures" / "recorded"
CLIP = (RECORDED / "0.17.2" / "media" / "clip-complete.mp4").read_bytes()
CLIP_SECONDS = 15.4
IMAGE = (RECORDED / "0.17.2" / "media" / "snapshot-mqtt.jpg").read_bytes()
FULL_IMAGE = (RECORDED / "0.17.2" / "media" / "snapshot-full.jpg").read_bytes()


def camera(
    name: str, *, snapshots: bool = True, recordings: bool = True
) -> CameraConfig:
    """Return a camera of Frigate's configuration."""
    return CameraConfig(
        name=name,
        snapshots_enabled=snapshots,
        recordings_enabled=recordings,
        keeps_everything=True,
    )


@dataclass
class FakeFrigate:
    """Answers as the client would, from what a test puts in; notes what was asked."""

    cameras: dict[str, CameraConfig] = field(
        default_factory=lambda: {
            name: camera(name) for name in ("front_door", "back-yard_2")
        }
    )
    mqtt_enabled: bool = True
    topic_prefix: str = "frigate"
    safe_mode: bool = False
    started: float = 3600.0
    clock_offset: float = 0.0
    known_reviews: dict[str, Review] = field(default_factory=dict)
    reviews_asked: list[str] = field(default_factory=list)
    known_objects: list[TrackedObject] = field(default_factory=list)
    odd: set[str] = field(default_factory=set)
    """Ids of known objects whose rows can't be understood."""
    events_asked: list[str] = field(default_factory=list)
    """Ids of the objects that were asked for one by one."""
    pages: int = 0
    """How often a page of objects was asked for."""
    windows: list[tuple[float, float]] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    """The cameras of whose footage the hours were asked for."""
    looks: list[tuple[float, float]] = field(default_factory=list)
    """The ranges of which the recordings were asked for."""
    footage: Callable[[str, float, float], list[Segment]] | None = None
    recorded: dict[str, list[Segment]] = field(default_factory=dict)
    """The usual footage, by camera."""
    shown: dict[str, list[Segment]] = field(default_factory=dict)
    """What was shown last, by camera."""
    _surveyors: set[asyncio.Task[Any] | None] = field(default_factory=set)
    error: FrigateError | None = None
    config_errors: list[FrigateError] = field(default_factory=list)
    clip_faults: list[FrigateError | bytes] = field(default_factory=list)
    snapshot_faults: list[FrigateError | bytes] = field(default_factory=list)
    clips: list[tuple[str, float, float]] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """Cameras that send nothing; there is a picture of them all the same."""
    latest_faults: list[FrigateError] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    """The cameras whose newest picture was asked for."""
    live: dict[str, LiveSource] = field(default_factory=dict)
    """The cameras that go2rtc shows."""
    live_opened: list[str] = field(default_factory=list)
    live_feeds: dict[str, asyncio.Queue[LiveMessage | FrigateError]] = field(
        default_factory=dict
    )
    """The films that are open, by their streams."""
    film: Film | None = None
    clips_at_once: int = 0
    most_clips_at_once: int = 0

    async def version(self) -> FrigateVersion:
        """Return what Frigate says."""
        self._check()
        return FrigateVersion.parse("0.17.2-3d4dd3a")

    async def config(self) -> FrigateConfig:
        """Return the cameras, unless a fault is due."""
        self._check()
        if self.config_errors:
            raise self.config_errors.pop(0)
        return FrigateConfig(
            # In safe mode Frigate has the defaults of what it could not read.
            mqtt_enabled=self.mqtt_enabled and not self.safe_mode,
            topic_prefix="frigate" if self.safe_mode else self.topic_prefix,
            cameras={} if self.safe_mode else dict(self.cameras),
            safe_mode=self.safe_mode,
            live=dict(self.live),
        )

    async def live_film(self, stream: str) -> AsyncGenerator[LiveMessage]:
        """Yield what a test feeds; an error among it ends the film."""
        self._check()
        self.live_opened.append(stream)
        feed = self.live_feeds[stream] = asyncio.Queue()
        try:
            while True:
                message = await feed.get()
                if isinstance(message, FrigateError):
                    raise message
                yield message
        finally:
            if self.live_feeds.get(stream) is feed:
                del self.live_feeds[stream]

    async def uptime(self) -> float:
        """Return the seconds since Frigate started."""
        self._check()
        return self.started

    async def camera_fps(self, camera: str) -> float:
        """Return the rate of a camera that works."""
        self._check()
        return 0.0 if camera in self.silent else 5.0

    async def review(self, review_id: str) -> Review | None:
        """Return a review that the test made known."""
        self._check()
        self.reviews_asked.append(review_id)
        return self.known_reviews.get(review_id)

    async def reviews(self, *, after: float, before: float) -> list[Review]:
        """Return the known reviews that overlap the time."""
        self._check()
        self.windows.append((after, before))
        return [
            review
            for review in self.known_reviews.values()
            if review.start_time < before
            and (review.end_time is None or review.end_time > after)
        ]

    async def event(self, event_id: str) -> TrackedObject | None:
        """Return a tracked object that the test made known."""
        self._check()
        self.events_asked.append(event_id)
        return next((each for each in self.known_objects if each.id == event_id), None)

    async def events(
        self,
        *,
        after: float,
        before: float,
        limit: int,
        min_length: float | None = None,
        in_progress: bool = False,
    ) -> Page:
        """Return the newest known tracked objects that began in the time."""
        self._check()
        self.pages += 1
        found = [
            tracked
            for tracked in self.known_objects
            if after < tracked.start_time < before
            and (not in_progress or tracked.end_time is None)
            and (
                min_length is None
                or (
                    tracked.end_time is not None
                    and tracked.end_time - tracked.start_time >= min_length
                )
            )
        ]
        found.sort(key=lambda tracked: -tracked.start_time)
        found = found[:limit]
        return Page(
            objects=[tracked for tracked in found if tracked.id not in self.odd],
            oldest=found[-1].start_time if len(found) == limit else None,
        )

    async def recordings(self, camera: str, *, after: float, before: float) -> Segments:
        """Return footage, by default as much as the clip has.

        What was shown once stays; what is asked for later is added to it.
        Who looks for where there is any, by the hour, finds it throughout.
        """
        self._check()
        self.looks.append((after, before))
        if self.footage is not None:
            rows = self.footage(camera, after, before)
        elif asyncio.current_task() in self._surveyors:
            return Segments([Segment(start_time=after, end_time=before)])
        else:
            rows = self._usual_footage(camera, after, before)
        self.shown[camera] = rows
        return rows if isinstance(rows, Segments) else Segments(rows)

    def _usual_footage(self, camera: str, after: float, before: float) -> list[Segment]:
        recorded = self.recorded.setdefault(camera, [])
        rows = [
            row for row in recorded if row.end_time > after and row.start_time < before
        ]
        newest = max((row.end_time for row in rows), default=after - CLIP_SECONDS)
        if newest < before - 1:
            begin = max(newest, before - CLIP_SECONDS)
            rows.append(Segment(start_time=begin, end_time=before))
            recorded.append(rows[-1])
        return sorted(rows, key=lambda row: row.start_time)

    async def hours(self, camera: str) -> list[int]:
        """Return the hours in which footage begins, of the last forty days."""
        self._check()
        self.summaries.append(camera)
        self._surveyors.add(asyncio.current_task())
        now = time.time() - self.clock_offset
        hours = range(int(now - 40 * 86400) // 3600 * 3600, int(now), 3600)
        return [
            hour
            for hour in hours
            if self.footage is None
            or any(
                hour <= segment.start_time < hour + 3600
                for segment in self.footage(camera, hour, hour + 3600)
            )
        ]

    async def snapshot(self, event_id: str) -> bytes:
        """Return the full-size image, or the next fault."""
        self._check()
        self.snapshots.append(event_id)
        if self.snapshot_faults:
            fault = self.snapshot_faults.pop(0)
            if isinstance(fault, bytes):
                return fault
            raise fault
        return FULL_IMAGE

    async def latest(self, camera: str) -> bytes:
        """Return the newest picture, or the next fault."""
        self._check()
        self.pictures.append(camera)
        if self.latest_faults:
            raise self.latest_faults.pop(0)
        return FULL_IMAGE

    async def clip(
        self,
        camera: str,
        *,
        start: float,
        end: float,
        write: Write,
    ) -> int:
        """Write the clip, or the next fault, in pieces."""
        self._check()
        self.clips.append((camera, start, end))
        if self.film is not None:
            size = await self.film(end - start, write)
            if size is not None:
                return size
        data: FrigateError | bytes = self._clip(camera, start, end)
        if self.clip_faults:
            data = self.clip_faults.pop(0)
        if isinstance(data, FrigateError):
            raise data
        self.clips_at_once += 1
        self.most_clips_at_once = max(self.most_clips_at_once, self.clips_at_once)
        try:
            await asyncio.sleep(0.01)
            for offset in range(0, len(data), 65536):
                await write(data[offset : offset + 65536])
        finally:
            self.clips_at_once -= 1
        return len(data)

    def _clip(self, camera: str, start: float, end: float) -> bytes:
        """Return the usual clip, or one that is as long as the footage shown last."""
        seconds = sum(
            max(0.0, min(row.end_time, end) - max(row.start_time, start))
            for row in self.shown.get(camera, ())
        )
        return CLIP if seconds < CLIP_SECONDS + 0.5 else film(seconds)

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


async def bytes_of(source: Source) -> bytes:
    """Return what is to be sent, if it is what it should be."""
    data = bytearray()
    async with open_source(source) as file:
        while piece := await file.read():
            data += piece
    return bytes(data)


class FakeDestination(Destination):
    """Keeps files in a dict; fails as a test tells it to."""

    def __init__(self) -> None:
        """Start empty and sound."""
        self.files: dict[str, bytes] = {}
        self.history: list[str] = []
        self.error: StorageError | None = None
        self.refused_with: StorageError | None = None
        """What every file is refused with; the rest works."""
        self.faults: list[BaseException] = []
        self.connects = 0
        self.closes = 0
        self.deleted: list[str] = []
        self.grew: list[str] = []
        """The files that have grown there."""
        self.hold_writes = False
        self.held_writes: list[asyncio.Future[None]] = []
        """Writes of files that grow, each of which a test lets succeed or fail."""
        self.faults_of_growth: list[BaseException] = []
        """What the next files that grow fail with."""
        self.lost_answers: list[bytes] = []
        """What lies there of the next files to grow, whose making got no answer."""
        self.made_unanswered: list[str] = []
        """The names of those files."""
        self.pieces: list[str] = []
        """The pieces that came by one request each, in their order."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.space: int | None = 1 << 30
        self.can = Capabilities()

    @property
    @override
    def capabilities(self) -> Capabilities:
        return self.can

    @property
    def media(self) -> dict[str, bytes]:
        """Return the media that are there under their final names."""
        return {
            name: data
            for name, data in self.files.items()
            if name.endswith((".jpg", ".mp4"))
            and PROBE_PREFIX not in name
            and not name.endswith(FIXED_PROBE)
        }

    @override
    async def connect(self) -> None:
        self.connects += 1
        self._check()

    @override
    async def close(self) -> None:
        self.closes += 1

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self._check()
        self.files[temporary] = b""
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        if self.refused_with is not None:
            raise self.refused_with
        data = await bytes_of(source)
        self._check()
        del self.files[temporary]
        self.files[path] = data
        self.history.append(path)
        return StoredFile(path=path, size=len(data))

    @override
    async def grow(self, path: str) -> GrowingFile:
        self._check()
        if self.faults_of_growth:
            raise self.faults_of_growth.pop(0)
        if path in self.files:
            raise AlreadyThere(path)
        if self.lost_answers:
            self.files[path] = self.lost_answers.pop(0)
            self.made_unanswered.append(path)
            raise Unreachable("The answer got lost")
        self.files[path] = b""
        self.grew.append(path)
        return FakeGrowingFile(self, path)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        self._check()
        await self.gate.wait()
        self.files[path] = await bytes_of(source)
        self._check()
        self.pieces.append(path)
        return StoredFile(path=path, size=len(self.files[path]))

    @override
    async def stat(self, path: str) -> StoredFile | None:
        self._check()
        if path not in self.files:
            return None
        return StoredFile(path=path, size=len(self.files[path]))

    @override
    async def delete(self, path: str) -> None:
        self._check()
        self.deleted.append(path)
        self.files.pop(path, None)

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        for name, data in self.files.items():
            yield StoredFile(path=name, size=len(data))

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        self._check()
        if path not in self.files:
            raise FileNotFoundError(path)
        yield self.files[path][start : None if length is None else start + length]

    @override
    async def free_space(self) -> int | None:
        self._check()
        return self.space

    async def pass_gate(self) -> None:
        """Wait as long as the destination hangs, then fail if it fails."""
        await self.gate.wait()
        self._check()

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


GONE = MediaGone("no such snapshot")


def names(destination: FakeDestination) -> list[str]:
    """Return the kinds of files that lie there, in the order of arrival."""
    return [kind_of(path) for path in destination.history]


def kind_of(path: str) -> str:
    """Return the kind of a file with a default name."""
    match = re.search("-(live-snapshot|snapshot|recording)-", path)
    assert match is not None, path
    return match[1]


class FakeGrowingFile(GrowingFile):
    """A file of a fake destination that grows."""

    def __init__(self, destination: FakeDestination, path: str) -> None:
        """Write into the destination's dict."""
        self._destination = destination
        self._path = path

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        await self._destination.pass_gate()
        if self._destination.hold_writes:
            held = asyncio.get_running_loop().create_future()
            self._destination.held_writes.append(held)
            await held
            return
        content = self._destination.files[self._path]
        assert at == len(content), "there is a hole"
        self._destination.files[self._path] = content + data

    @override
    async def close(self) -> int:
        await self._destination.pass_gate()
        return len(self._destination.files[self._path])
