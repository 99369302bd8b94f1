"""Asks Frigate where in a long time it has footage of a camera."""

from collections.abc import Iterable
from dataclasses import dataclass
import logging
from math import floor
import time

from ...frigate.errors import FrigateError
from ...frigate.models import Segment, Segments
from ...frigate.protocol import FrigateApi
from ..model.footage_ranges import FootageRange
from ..model.recorded_footage import UNKNOWN, Footage, stretches, windows
from ..model.timing import Timing
from ..monitoring.frigate_monitor import is_about_one_file

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Where there is footage, and how large a second of it is (None: not known)."""

    footage: Footage
    bytes_per_second: float | None = None


class FootageSurvey:
    """Looks through Frigate's recordings, in a bounded number of requests."""

    def __init__(self, client: FrigateApi, *, timing: Timing) -> None:
        """Keep what it works with."""
        self._client = client
        self._timing = timing

    def settled(self) -> int:
        """Return up to when Frigate has all on disk that it will, by its clock."""
        late = self._timing.settle + self._timing.tail_patience
        return floor(time.time() - self._client.clock_offset - late)

    async def look(self, camera: str, asked: FootageRange) -> Footage:
        """Return where in a range there is footage: at both ends, and in between.

        What is too young for Frigate's disk counts as there, and so does what
        Frigate can't tell of. Raises FrigateError about Frigate as a whole.
        """
        return (await self.measure(camera, asked)).footage

    async def measure(self, camera: str, asked: FootageRange) -> Measured:
        """Return where in a range there is footage, as `look` does, and how much.

        Raises FrigateError about Frigate as a whole.
        """
        until = min(asked.end, self.settled())
        if until <= asked.start:
            return Measured(footage=UNKNOWN)
        unclear: list[FootageRange] = []
        seen: list[FootageRange] = []
        segments: list[Segment] = []
        for window in windows(await self._hours(camera), asked.start, until):
            rows = await self._segments(camera, window)
            if rows is None or rows.left_out:
                unclear.append(window)
            if rows is not None:
                seen += stretches(rows, window.start, window.end)
                segments += rows
        return Measured(
            footage=Footage(until=until, seen=tuple(seen)).joined((*unclear, *seen)),
            bytes_per_second=_rate(segments),
        )

    async def _hours(self, camera: str) -> list[int] | None:
        try:
            return await self._client.hours(camera)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Frigate can't sum up the recordings of %s: %s", camera, err)
        return None

    async def _segments(self, camera: str, window: FootageRange) -> Segments | None:
        """Return Frigate's recordings of a range, None if it can't tell."""
        try:
            return await self._client.recordings(
                camera, after=window.start, before=window.end
            )
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Frigate can't list the recordings of %s: %s", camera, err)
        return None


def _rate(segments: Iterable[Segment]) -> float | None:
    """Return how many bytes a second of footage has, None if Frigate does not tell."""
    sized = [(each, each.size) for each in segments if each.size is not None]
    seconds = sum(each.end_time - each.start_time for each, _ in sized)
    return sum(size for _, size in sized) / seconds if seconds > 0 else None
