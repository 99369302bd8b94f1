"""Visitors: they come to all cameras, again and again."""

import asyncio
import contextlib
import random

from ..frigate import Frigate, Story

_LABELS = ("person", "person", "car", "dog", "traffic light")
_STAY = (5.0, 40.0)
_PAUSE = (1.0, 12.0)


class Visitors:
    """Lets things happen before the cameras of a Frigate until told to stop.

    When Frigate dies, say `frigate_died`, and `frigate_lives` when it is back.
    """

    def __init__(self, frigate: Frigate, *, seed: int) -> None:
        """Nobody comes before `play`."""
        self._frigate = frigate
        self._seed = seed
        self._story = Story(frigate)
        self._alive = asyncio.Event()
        self._alive.set()
        self._stopping = asyncio.Event()

    async def play(self) -> None:
        """Let visitors come until `stop`, and return when the last one is there."""
        async with asyncio.TaskGroup() as group:
            for camera in self._frigate.cameras:
                group.create_task(self._before(camera))

    def stop(self) -> None:
        """Let no more visitors come."""
        self._stopping.set()

    async def finish(self) -> None:
        """Wait until all who are there have gone, and their reviews have ended."""
        await self._alive.wait()
        await self._story.finish()

    async def frigate_died(self) -> None:
        """Nobody sees any more what goes on."""
        self._alive.clear()
        await self._story.stop()

    def frigate_lives(self) -> None:
        """Frigate runs again, and has forgotten who was there."""
        self._story = Story(self._frigate)
        self._alive.set()

    async def close(self) -> None:
        """Break everything off."""
        await self._story.stop()

    async def _before(self, camera: str) -> None:
        chance = random.Random(f"{self._seed} {camera}")
        while not self._stopping.is_set():
            seconds = self._begin(camera, chance)
            await self._rest(seconds + chance.uniform(*_PAUSE))
            await self._alive.wait()

    def _begin(self, camera: str, chance: random.Random) -> float:
        """Let something happen; returns how long it takes, in seconds."""
        what = chance.random()
        seconds = chance.uniform(*_STAY)
        if what < 0.1:
            self._story.visit(camera, "person", 2, false_positive=True)
            return 2
        if what < 0.15:
            self._story.manual_event(camera, "doorbell", 8)
            return 8
        zones = ["porch"] if chance.random() < 0.5 else []
        self._story.visit(camera, chance.choice(_LABELS), seconds, zones=zones)
        if what < 0.4:
            # In company: both are in one review.
            stay = chance.uniform(3, seconds)
            self._story.visit(camera, chance.choice(_LABELS), stay)
        return seconds

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
