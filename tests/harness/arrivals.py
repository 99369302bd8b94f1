"""What the simulated Frigate published, and what of it lies at the destinations.

The bytes of every file are compared with those that Frigate gave away.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
import hashlib
import json
from pathlib import Path
import re
import time
from typing import Any
from zoneinfo import ZoneInfo

from .frigate import Frigate, FrigateServer, payloads
from .processes import wait_until

_LOOK_INTERVAL = 0.25
_SAID_WITHIN = 2.0
_CLIP = re.compile(r"/api/[^/]+/start/([0-9.]+)/end/([0-9.]+)/clip\.mp4")


class Kind(StrEnum):
    """The kinds of items, as their file names have them."""

    LIVE_SNAPSHOT = "live-snapshot"
    SNAPSHOT = "snapshot"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A file that has arrived: where, how long after it was published, is it right."""

    path: str
    seconds: float
    verified: bool


@dataclass(slots=True, kw_only=True)
class Item:
    """Something that is to be at every destination."""

    kind: Kind
    camera: str
    label: str
    start: float
    end: float | None = None
    frigate_id: str = ""
    """Frigate's id of the object or the review; a live snapshot has none."""
    tail: str
    """The end of the file's name: all of it that is the item's own."""
    image: bytes = b""
    """The bytes of a live snapshot."""
    published: float
    """`time.time()` of the message."""
    arrivals: dict[str, Arrival] = field(default_factory=dict)

    def path(self, zone: ZoneInfo) -> str:
        """Return the default name of its file.

        A live snapshot's is known only to the second or so: its time is that
        of the receipt.
        """
        start = datetime.fromtimestamp(int(self.start), zone)
        time = f"{start:%Y-%m-%d_%H-%M-%S%z}"
        words = [word for word in (time, self.camera, self.kind, self.label) if word]
        return f"{start:%Y-%m-%d}/{'-'.join(words)}{self.tail}"


class Arrivals:
    """Watches a Frigate's messages and the destinations' folders.

    `folders`: by the destination's name, the local folder in which its files
    can be seen. Call `look` often, or let `watch` do it; `items` are all that
    were published.
    """

    def __init__(
        self, frigate: Frigate, server: FrigateServer, folders: Mapping[str, Path]
    ) -> None:
        """Watch from now on."""
        self.items: list[Item] = []
        self._frigate = frigate
        self._server = server
        self._folders = dict(folders)
        self._looking = asyncio.Lock()
        frigate.listeners.append(self._hear)

    def close(self) -> None:
        """Hear of nothing more."""
        self._frigate.listeners.remove(self._hear)

    def _hear(self, topic: str, payload: bytes, _retain: bool) -> None:
        match topic.removeprefix(f"{self._frigate.topic_prefix}/").split("/"):
            case [camera, label, "snapshot"]:
                if self._frigate.cameras[camera].snapshots:
                    self.items.append(live_snapshot(camera, label, payload))
            case ["events"]:
                message = json.loads(payload)
                if message["type"] == "end" and message["after"]["has_snapshot"]:
                    self.items.append(_snapshot(message["after"]))
            case ["reviews"]:
                message = json.loads(payload)
                if message["type"] == "end":
                    self.items.append(_recording(message["after"]))

    def _see_what_was_not_said(self) -> None:
        """Add what Frigate's API shows although it was never said over MQTT.

        As after a kill of Frigate, or when the broker was away.
        """
        known = {item.frigate_id for item in self.items}
        moment = self._frigate.clock() - _SAID_WITHIN
        for tracked in self._frigate.objects.values():
            if (
                tracked.id not in known
                and tracked.confirmed
                and tracked.has_snapshot
                and tracked.end is not None
                and tracked.end < moment
            ):
                state = payloads.event_state(self._frigate.version, tracked)
                self.items.append(_snapshot(state))
        for review in self._frigate.reviews.values():
            if (
                review.id not in known
                and review.end is not None
                and review.end < moment - self._frigate.timing.alert_cutoff
            ):
                row = payloads.review_row(self._frigate.version, review)
                self.items.append(_recording(row))

    @property
    def waiting(self) -> list[Item]:
        """Return what has not arrived everywhere."""
        return [
            item for item in self.items if item.arrivals.keys() != self._folders.keys()
        ]

    @property
    def wrong(self) -> list[Item]:
        """Return what has arrived, but not as it should."""
        return [
            item
            for item in self.items
            if not all(arrival.verified for arrival in item.arrivals.values())
        ]

    async def look(self) -> None:
        """Look for what has arrived since the last time."""
        async with self._looking:
            self._see_what_was_not_said()
            if not (waiting := self.waiting):
                return
            found = await asyncio.to_thread(self._find, waiting)
            for item, name, path, data in found:
                item.arrivals[name] = Arrival(
                    path=path,
                    seconds=max(0.0, time.time() - item.published),
                    verified=self._is_right(item, data),
                )

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_INTERVAL)

    def _find(self, waiting: Iterable[Item]) -> list[tuple[Item, str, str, bytes]]:
        found = []
        for name, folder in self._folders.items():
            files = list(files_below(folder))
            for item in waiting:
                if name in item.arrivals:
                    continue
                for path in files:
                    file = path.rsplit("/", 1)[-1]
                    if f"-{item.camera}-{item.kind}-" in file and file.endswith(
                        item.tail
                    ):
                        found.append((item, name, path, (folder / path).read_bytes()))
                        break
        return found

    def _is_right(self, item: Item, data: bytes) -> bool:
        match item.kind:
            case Kind.LIVE_SNAPSHOT:
                return data == item.image
            case Kind.SNAPSHOT:
                path = f"/api/events/{item.frigate_id}/snapshot.jpg"
                return data in self._server.journal.bodies(path)
            case Kind.RECORDING:
                return any(data == body for body in self._clips(item))

    def _clips(self, item: Item) -> Iterable[bytes]:
        """Yield the clips that Frigate gave away of the item's whole time."""
        for served in self._server.journal.find(
            f"/api/{item.camera}/start/*/end/*/clip.mp4"
        ):
            times = _CLIP.fullmatch(served.path)
            if times is None or served.body is None or not served.complete:
                continue
            start, end = float(times[1]), float(times[2])
            # Whole seconds may be asked for: the fraction of the end is cut.
            if start <= item.start and (item.end is None or end >= int(item.end)):
                yield served.body

    async def wait(self, *, timeout: float) -> None:
        """Wait until all has arrived everywhere; raises TimeoutError after that (s)."""

        async def arrived() -> bool:
            await self.look()
            return not self.waiting

        await wait_until(arrived, "everything has arrived", timeout=timeout)


def files_below(folder: Path) -> Iterable[str]:
    """Yield the paths, relative to the folder, of all files below it."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def live_snapshot(camera: str, label: str, image: bytes) -> Item:
    """Return the item that a live snapshot is, published now."""
    digest = hashlib.sha256(image).hexdigest()[:8]
    return Item(
        kind=Kind.LIVE_SNAPSHOT,
        camera=camera,
        label=label,
        start=time.time(),
        tail=f"-{digest}.jpg",
        image=image,
        published=time.time(),
    )


def _snapshot(after: dict[str, Any]) -> Item:
    return Item(
        kind=Kind.SNAPSHOT,
        camera=after["camera"],
        label=after["label"],
        start=after["start_time"],
        frigate_id=after["id"],
        tail=f"-{_random_part(after['id'])}.jpg",
        published=time.time(),
    )


def _recording(after: dict[str, Any]) -> Item:
    return Item(
        kind=Kind.RECORDING,
        camera=after["camera"],
        label="+".join(sorted(after["data"]["objects"])),
        start=after["start_time"],
        end=after["end_time"],
        frigate_id=after["id"],
        tail=f"-{_random_part(after['id'])}.mp4",
        published=time.time(),
    )


def _random_part(frigate_id: str) -> str:
    return frigate_id.rsplit("-", 1)[-1]
