"""Requests that got no answer: when are they surely over?"""

from collections.abc import Collection
import time

from ...storage.base import Destination


class Unanswered:
    """Waits until a destination can no longer carry out what it left unanswered.

    A server that hung, or was cut off, may still have the request: it carries it out
    when it continues, perhaps after what was asked later. What it makes then would
    lie there for ever if all had been removed and forgotten before.
    """

    def __init__(self, destination: Destination, *, patience: float) -> None:
        """Wait so many seconds from when the destination answers again."""
        self._destination = destination
        self._patience = patience
        self._dues: dict[int, float] = {}

    @property
    def waiting(self) -> set[int]:
        """Return the ids of what is to be left alone for now."""
        now = time.monotonic()
        return {id_ for id_, due in self._dues.items() if due > now}

    @property
    def dues(self) -> Collection[float]:
        """Return until when what is left alone waits, by a steady clock."""
        now = time.monotonic()
        return [due for due in self._dues.values() if due > now]

    async def is_over(self, id_: int, path: str) -> bool:
        """Tell whether a request for a path is over that got no answer.

        The wait begins when this is first asked. Raises StorageError.
        """
        if id_ not in self._dues:
            if self._destination.capabilities.can_read:
                await self._destination.stat(path)
            self._dues[id_] = time.monotonic() + self._patience
        return self._dues[id_] <= time.monotonic()

    def forget(self, id_: int) -> None:
        """Forget what was looked at, or removed."""
        self._dues.pop(id_, None)
