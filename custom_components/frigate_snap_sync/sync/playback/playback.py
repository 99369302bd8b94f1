"""What lies at the destinations: browsed by camera and day, and read."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from math import inf
from typing import Final

from ..ledger import Ledger, browsing
from ..model.stored import StoredFile
from .nearness import Place
from .reading import PlaybackTiming, Reader

MAX_ITEMS: Final = 500
"""Items of a day, or an hour, that are listed."""


class Playback:
    """Lists and opens what lies at the destinations; methods raise LedgerError."""

    def __init__(
        self,
        ledger: Ledger,
        places: Mapping[str, Place],
        *,
        time_zone: tzinfo,
        timing: PlaybackTiming | None = None,
    ) -> None:
        """Keep what it works with; days and hours are those of `time_zone`."""
        self.time_zone = time_zone
        self.reader = Reader(ledger, places, timing=timing)
        self._ledger = ledger

    async def cameras(self) -> list[str]:
        """Return the cameras of which something lies somewhere, sorted."""
        return await self._ledger.run(
            browsing.cameras, among=self.reader.nearness.readable
        )

    async def days(self, camera: str) -> list[datetime]:
        """Return the days of which something of a camera lies there, newest first."""
        found = await self._ledger.run(
            browsing.periods,
            camera,
            self._day,
            among=self.reader.nearness.readable,
        )
        return [datetime.fromtimestamp(begin, self.time_zone) for begin in found]

    async def hours(self, camera: str, day: datetime) -> list[datetime]:
        """Return the hours of a day of which something lies there, newest first."""
        since, until = _span(day, days=1)
        found = await self._ledger.run(
            browsing.periods,
            camera,
            self._hour,
            among=self.reader.nearness.readable,
            since=since,
            until=until,
        )
        return [datetime.fromtimestamp(begin, self.time_zone) for begin in found]

    async def is_long(self, camera: str, day: datetime) -> bool:
        """Tell whether a day has more than is listed at once."""
        since, until = _span(day, days=1)
        count = await self._ledger.run(
            browsing.count, camera, since=since, until=until, limit=MAX_ITEMS + 1
        )
        return count > MAX_ITEMS

    async def files(
        self, camera: str, begin: datetime, *, hours: int
    ) -> list[StoredFile]:
        """Return what lies there of a camera and some time, newest first."""
        since, until = _span(begin, days=hours // 24, hours=hours % 24)
        return await self._ledger.run(
            browsing.files,
            camera,
            among=self.reader.nearness.readable,
            since=since,
            until=until,
            limit=MAX_ITEMS,
        )

    async def newest(self, camera: str, *, limit: int) -> list[StoredFile]:
        """Return what lies there of a camera, newest first."""
        return await self._ledger.run(
            browsing.files,
            camera,
            among=self.reader.nearness.readable,
            since=-inf,
            until=inf,
            limit=limit,
        )

    def _day(self, moment: float) -> float:
        begin = datetime.fromtimestamp(moment, self.time_zone)
        return begin.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

    def _hour(self, moment: float) -> float:
        # An hour that a clock is set back by comes twice: `fold` tells which it is.
        begin = datetime.fromtimestamp(moment, self.time_zone)
        return begin.replace(minute=0, second=0, microsecond=0).timestamp()


def _span(begin: datetime, *, days: int = 0, hours: int = 0) -> tuple[float, float]:
    """Return when a time begins and ends; a day may have 23 hours."""
    end = begin + timedelta(days=days)
    return begin.timestamp(), end.timestamp() + hours * 3600.0
