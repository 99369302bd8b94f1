"""A review, or a first sign of one, whose film is watched."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...frigate.models import Severity
from ..model.item import Item
from .lane import LiveLane
from .takers import Taker


@dataclass(slots=True)
class Running[T]:
    """Something that runs, and its task."""

    what: T
    task: asyncio.Task[None]


@dataclass(slots=True)
class Session:
    """A review whose film is watched; it is over at `ends` (Frigate's clock).

    Or a first sign of one (`is_hint`). Its film leaves if it `sends`, and `is_unbroken`
    as long as nothing has kept it from coming.
    """

    item: Item
    ends: float | None = None
    lanes: dict[str, Running[LiveLane]] = field(default_factory=dict)
    takers: Mapping[str, Taker] = field(default_factory=dict)
    is_hint: bool = False
    sends: bool = True
    is_unbroken: bool = True

    @property
    def urgency(self) -> tuple[bool, bool, bool]:
        """Return what decides whose camera is watched; the lowest comes first.

        What is at destinations that are away gives way to what can leave.
        """
        is_away = not any(taker.target.is_open for taker in self.takers.values())
        return self.is_hint, is_away, self.item.severity is Severity.DETECTION
