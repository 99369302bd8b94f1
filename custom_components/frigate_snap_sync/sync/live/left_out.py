"""How much film a destination has to leave out, for it is too slow. Pure."""

from collections import deque
from typing import Final

_FEWEST: Final = 3
"""Gaps of a destination that is too slow; one that hung has one, however long."""
_KEPT: Final = 100


class LeftOut:
    """The gaps of the newest film at a destination that takes it all the time."""

    def __init__(self, *, much: float, within: float) -> None:
        """Let so many seconds be much, within so many."""
        self._much = much
        self._within = within
        self._gaps: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def note(self, seconds: float, *, now: float) -> None:
        """Note that so much is left out; `now` is by a steady clock."""
        self._gaps.append((now, seconds))

    def is_much(self, now: float) -> bool:
        """Tell whether much is left out, again and again."""
        newest = [seconds for at, seconds in self._gaps if now - at <= self._within]
        return len(newest) >= _FEWEST and sum(newest) >= self._much
