"""What was found out of the files that are played, for a while."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from ..model.stored import Copy
from .virtual_mp4 import VirtualMp4

_MAX_FILES: Final = 64
_MAX_WEIGHT: Final = 16 * 1024 * 1024
"""Bytes of all their indexes; one has 4 MiB at most."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file at a destination, and until when."""

    size: int
    film: VirtualMp4 | None
    until: float


class KnownFiles:
    """Remembers files; those that were asked for longest ago give way."""

    def __init__(self, *, max_weight: int = _MAX_WEIGHT) -> None:
        """Know none; let the indexes of all take so many bytes at most."""
        self._max_weight = max_weight
        self._files: OrderedDict[Copy, Known] = OrderedDict()

    def get(self, copy: Copy, now: float) -> Known | None:
        """Return what is known of a file, None if it is to be looked at."""
        known = self._files.get(copy)
        if known is None or now >= known.until:
            return None
        self._files.move_to_end(copy)
        return known

    def keep(self, copy: Copy, known: Known) -> None:
        """Remember a file."""
        self._files[copy] = known
        self._files.move_to_end(copy)
        while len(self._files) > _MAX_FILES or self.weight > self._max_weight:
            self._files.popitem(last=False)

    def forget(self, copy: Copy) -> None:
        """Let the next one who asks look at the file."""
        self._files.pop(copy, None)

    @property
    def weight(self) -> int:
        """Return how many bytes the indexes take."""
        films = (known.film for known in self._files.values())
        return sum(film.weight for film in films if film is not None)
