"""A review, or a first sign of one, whose film is watched."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import logging
from typing import Any

from ...frigate.models import Severity
from ..model.item import Item
from ..support.tasks import finish
from .lane import LiveLane
from .takers import Taker

_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class Running[T]:
    """Something that runs, and its task."""

    what: T
    task: asyncio.Task[None]


class Ending:
    """Tasks that were cancelled; they end within seconds, which nothing waits for."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tasks: set[asyncio.Task[None]] = set()

    def end(self, running: Iterable[Running[Any]]) -> None:
        """Cancel tasks."""
        for each in running:
            each.task.cancel()
            self._tasks.add(each.task)
            each.task.add_done_callback(self._ended)

    async def wait(self) -> None:
        """Wait a few seconds for them after all: we are being stopped."""
        await finish(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("Live film failed unexpectedly", exc_info=error)


@dataclass(slots=True)
class Session:
    """A review whose film is watched; it is over at `ends` (Frigate's clock).

    Or a first sign of one (`is_hint`). Its film leaves if it `sends`; else the newest of
    it is there if it does later. It `is_unbroken` as long as nothing has kept it from
    coming; it `was_fed` if it came until another camera was watched instead, or no
    destination took it.
    """

    item: Item
    ends: float | None = None
    lanes: dict[str, Running[LiveLane]] = field(default_factory=dict)
    takers: Mapping[str, Taker] = field(default_factory=dict)
    is_hint: bool = False
    sends: bool = True
    is_unbroken: bool = True
    was_fed: bool = False

    @property
    def urgency(self) -> tuple[bool, bool, bool]:
        """Return what decides whose camera is watched; the lowest comes first.

        What is at destinations that are away gives way to what can leave.
        """
        is_away = not any(taker.target.is_open for taker in self.takers.values())
        is_mere_sign = self.is_hint or not self.sends
        return is_mere_sign, is_away, self.item.severity is Severity.DETECTION
