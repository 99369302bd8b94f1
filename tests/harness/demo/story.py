"""The story that the demo plays, as a list of steps."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import random

from ..frigate import Frigate, Story
from .outages import Outages


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a step may play with. `chance` brings the variation of each round."""

    frigate: Frigate
    story: Story
    outages: Outages
    chance: random.Random

    def camera(self) -> str:
        """Return any of the cameras."""
        return self.chance.choice(list(self.frigate.cameras))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of the story: `play` lets it begin, and the next follows `pause` s later.

    What it lets begin goes on by itself. `needs`: seconds that must be left of the
    time in which things begin, else it is left out.
    """

    title: str
    play: Callable[[Stage], Awaitable[None]]
    pause: float
    needs: float = 0


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


async def _server_dies(stage: Stage) -> None:
    stage.outages.let_server_die()


async def _frigate_restarts(stage: Stage) -> None:
    # In the middle of a visit, whose end nobody will tell.
    stage.story.visit(stage.camera(), "person", 30)
    await asyncio.sleep(15)
    await stage.outages.restart_frigate()


async def _broker_goes(stage: Stage) -> None:
    # That the visitor goes is not heard.
    stage.story.visit(stage.camera(), "person", 6)
    await asyncio.sleep(3)
    await stage.outages.restart_broker()


CAMERAS = ("front_door", "driveway", "garden")

_CALM = (
    Step(title="A person at the door", play=_person_at_the_door, pause=8),
    Step(title="A car in the driveway", play=_car, pause=8),
    Step(title="Two cameras at once", play=_two_cameras_at_once, pause=18),
    Step(title="A dog, then a person with it", play=_person_with_dog, pause=20),
)
_SERVER_DIES = Step(
    title="The next upload to the SFTP server will be its last for a while",
    play=_server_dies,
    pause=0,
)
_OUTAGES = (
    _SERVER_DIES,
    Step(title="A car in the driveway", play=_car, pause=15),
    Step(
        title="A person, and Frigate dies",
        play=_frigate_restarts,
        pause=10,
        needs=40,
    ),
    Step(
        title="A person, and the MQTT broker goes",
        play=_broker_goes,
        pause=10,
        needs=40,
    ),
)
_CALM_SECONDS = 120
"""How long a demo must be for a calm first minute."""


def story_of(seconds: float | None) -> tuple[Step, ...]:
    """Return the story of so many seconds, None for one without an end. Pure.

    The first minute is calm, unless there are only one or two.
    """
    if seconds is None or seconds >= _CALM_SECONDS:
        return (*_CALM, *_OUTAGES)
    return (_CALM[0], _SERVER_DIES, *_CALM[1:], *_OUTAGES[2:])
