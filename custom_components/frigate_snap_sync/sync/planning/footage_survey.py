"""Asks Frigate where in a long time it has footage of a camera."""

import logging
from math import floor
import time

from ...frigate.errors import FrigateError
from ...frigate.protocol import FrigateApi
from ..model.footage_ranges import FootageRange
from ..model.recorded_footage import UNKNOWN, Footage, stretches, windows
from ..model.timing import Timing
from ..monitoring.frigate_monitor import is_about_one_file

_LOGGER = logging.getLogger(__name__)


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
        until = min(asked.end, self.settled())
        if until <= asked.start:
            return UNKNOWN
        found: list[FootageRange] = []
        for window in windows(await self._hours(camera), asked.start, until):
            found += await self._stretches(camera, window)
        return Footage(until=until).joined(found)

    async def _hours(self, camera: str) -> list[int] | None:
        try:
            return await self._client.hours(camera)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Frigate can't sum up the recordings of %s: %s", camera, err)
        return None

    async def _stretches(self, camera: str, window: FootageRange) -> list[FootageRange]:
        start, end = window.start, window.end
        try:
            segments = await self._client.recordings(camera, after=start, before=end)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Frigate can't list the recordings of %s: %s", camera, err)
            return [window]
        return stretches(segments, start, end)
