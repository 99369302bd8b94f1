"""Live film for tests of the engine: fragments as go2rtc sends them, at any speed."""

import asyncio
from collections.abc import Iterator
from itertools import count

from custom_components.frigate_snap_sync.frigate.errors import FrigateError
from custom_components.frigate_snap_sync.frigate.live_mp4 import (
    LiveFragment,
    LiveInit,
    parse_fragment,
    parse_init,
)

from ..harness.frigate import live
from ..waiting import LONG
from .fakes import FakeFrigate

START = 1_764_000_000
"""The moment that the first picture shows."""


def messages(
    *, size: int = 2000, first: int = 0, gop: int = 1
) -> Iterator[LiveInit | LiveFragment]:
    """Yield a film for ever: a keyframe every `gop` seconds, ten pictures a second.

    From each keyframe on the same pictures are shown again; the film's clock advances,
    and begins with second `first`.
    """
    init = parse_init(live.beginning())
    yield init
    units = live.pictures_of("front_door", START, seconds=gop)
    for number in count():
        data = live.fragment(
            units[number % len(units)],
            number=number + 1,
            ticks=(first * live.FPS + number) * live.TIMESCALE // live.FPS,
            is_key=number % len(units) == 0,
            size=size,
        )
        yield parse_fragment(data, init)


class Camera:
    """Feeds a fake Frigate's film, picture by picture."""

    def __init__(
        self, frigate: FakeFrigate, stream: str = "front_door", *, gop: int = 1
    ) -> None:
        """Feed that stream, with a keyframe every `gop` seconds."""
        self._frigate = frigate
        self._stream = stream
        self._gop = gop
        self._film = messages(gop=gop)
        self.sent = b""
        """What was fed since the last film began."""

    async def opened(self) -> None:
        """Wait until the film is watched."""
        async with asyncio.timeout(LONG):
            while self._stream not in self._frigate.live_feeds:
                await asyncio.sleep(0.005)

    async def continue_film(self, pause: float) -> None:
        """Show pictures for ever, so many seconds apart, whenever it is watched."""
        feed: object = None
        while True:
            await self.opened()
            if self._frigate.live_feeds[self._stream] is not feed:
                feed = self._frigate.live_feeds[self._stream]
                self._begin()
            await self.show(1)
            await asyncio.sleep(pause)

    def _begin(self) -> None:
        self._film = messages(gop=self._gop)
        self.sent = b""

    @property
    def is_watched(self) -> bool:
        """Tell whether the film is watched."""
        return self._stream in self._frigate.live_feeds

    async def show(self, pictures: int) -> None:
        """Let so many pictures happen, one right after the other."""
        await self.opened()
        for _ in range(pictures):
            message = next(self._film)
            if isinstance(message, LiveInit):
                self.feed(message)
                message = next(self._film)
            self.feed(message)
            await asyncio.sleep(0.002)

    def feed(self, message: LiveInit | LiveFragment | FrigateError) -> None:
        """Let that come."""
        self._frigate.live_feeds[self._stream].put_nowait(message)
        if not isinstance(message, FrigateError):
            self.sent += message.data

    async def break_off(self, error: FrigateError) -> None:
        """Let the film end, and another one begin."""
        feed = self._frigate.live_feeds[self._stream]
        self.feed(error)
        async with asyncio.timeout(LONG):
            while self._frigate.live_feeds.get(self._stream) in (feed, None):
                await asyncio.sleep(0.005)
        self._begin()
