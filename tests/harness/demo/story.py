"""The story that the demo plays, as a list of steps."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import random

from ..frigate import Frigate, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a step may play with. `chance` brings the variation of each round."""

    frigate: Frigate
    story: Story
    chance: random.Random

    def camera(self) -> str:
        """Return any of the cameras."""
        return self.chance.choice(list(self.frigate.cameras))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of the story: `play` lets it begin, and the next follows `pause` s later.

    What it lets begin goes on by itself.
    """

    title: str
    play: Callable[[Stage], Awaitable[None]]
    pause: float


async def _person_at_the_door(stage: Stage) -> None:
    stage.story.visit(
        "front_door", "person", stage.chance.uniform(5, 8), zones=["porch"]
    )


async def _car(stage: Stage) -> None:
    stage.story.visit("driveway", "car", stage.chance.uniform(4, 7))


async def _two_cameras_at_once(stage: Stage) -> None:
    first, second = stage.chance.sample(list(stage.frigate.cameras), 2)
    stage.story.visit(first, "person", stage.chance.uniform(5, 9))
    await asyncio.sleep(1)
    stage.story.visit(second, stage.chance.choice(["car", "dog"]), 5)


async def _person_with_dog(stage: Stage) -> None:
    camera = stage.camera()
    stage.story.visit(camera, "dog", 7)
    await asyncio.sleep(2)
    # The detection becomes an alert.
    stage.story.visit(camera, "person", 4)


CAMERAS = ("front_door", "driveway", "garden")

STORY = (
    Step(title="A person at the door", play=_person_at_the_door, pause=6),
    Step(title="A car in the driveway", play=_car, pause=6),
    Step(title="Two cameras at once", play=_two_cameras_at_once, pause=15),
    Step(title="A dog, then a person with it", play=_person_with_dog, pause=15),
)
