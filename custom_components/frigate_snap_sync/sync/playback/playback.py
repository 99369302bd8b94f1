"""What lies at the destinations: browsed by camera and day, and read."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from math import inf
from typing import Final

from ..ledger import Ledger, browsing
from ..model.stored import FileKey, MediaFile, SearchWord, ShownNames
from .nearness import Place
from .reading import PlaybackTiming, Reader

MAX_ITEMS: Final = 500
"""Items of a day, or an hour, that are listed."""


MAX_FOUND: Final = 100
"""Items that a search finds."""

_MAX_WORDS: Final = 10
_MAX_LETTERS: Final = 50
"""Of each word of a search: the ledger does nothing else meanwhile."""
_MAX_TEXT: Final = 1000


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

    async def picture(self, camera: str) -> FileKey | None:
        """Return the newest picture of a camera that lies somewhere."""
        return await self._ledger.run(
            browsing.newest_picture, camera, among=self.reader.nearness.readable
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
        since, until = _span(day, 24)
        found = await self._ledger.run(
            browsing.periods,
            camera,
            self._hour,
            among=self.reader.nearness.readable,
            since=since,
            until=until,
        )
        return [datetime.fromtimestamp(begin, self.time_zone) for begin in found]

    async def count(self, camera: str, begin: datetime, *, hours: int) -> int:
        """Return how many items of a camera began in some time."""
        since, until = _span(begin, hours)
        return await self._ledger.run(browsing.count, camera, since=since, until=until)

    async def files(
        self, camera: str, begin: datetime, *, hours: int
    ) -> list[MediaFile]:
        """Return what lies there of a camera and some time, newest first."""
        since, until = _span(begin, hours)
        return await self._ledger.run(
            browsing.files,
            camera,
            among=self.reader.nearness.readable,
            since=since,
            until=until,
            limit=MAX_ITEMS,
        )

    async def search(
        self,
        text: str,
        *,
        camera: str | None,
        is_video: bool | None,
        shown: ShownNames | None = None,
    ) -> list[MediaFile]:
        """Return the newest files that fit all words of a text, newest first.

        A word fits a label, a zone, a camera or a severity that holds it, as Frigate
        calls it or as it is `shown`, or a day. The first `_MAX_WORDS` count, and of
        each the first `_MAX_LETTERS`.
        """
        shown = shown or ShownNames()
        words: list[SearchWord] = []
        since, until = -inf, inf
        for word in _words(text):
            if (day := _begin_of_day(word, self.time_zone)) is None:
                words.append(shown.word(word))
                continue
            begin, end = _span(day, 24)
            since, until = max(since, begin), min(until, end)
        return await self._ledger.run(
            browsing.search,
            words,
            among=self.reader.nearness.readable,
            camera=camera,
            is_video=is_video,
            since=since,
            until=until,
            limit=MAX_FOUND,
        )

    def _day(self, moment: float) -> float:
        begin = datetime.fromtimestamp(moment, self.time_zone)
        return begin.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

    def _hour(self, moment: float) -> float:
        # An hour that a clock is set back by comes twice: `fold` tells which it is.
        begin = datetime.fromtimestamp(moment, self.time_zone)
        return begin.replace(minute=0, second=0, microsecond=0).timestamp()


def _span(begin: datetime, hours: int) -> tuple[float, float]:
    """Return when some hours, or whole days, begin and end; a day may have 23 hours."""
    days, hours = divmod(hours, 24)
    try:
        end = begin + timedelta(days=days)
    except OverflowError:
        return begin.timestamp(), inf
    return begin.timestamp(), end.timestamp() + hours * 3600.0


def _words(text: str) -> list[str]:
    """Return the words of a search that count, each once."""
    # Of half a letter, which is no text to the ledger, a mark is made.
    legal = text[:_MAX_TEXT].encode(errors="replace").decode()
    words = dict.fromkeys(word[:_MAX_LETTERS] for word in legal.split())
    return list(words)[:_MAX_WORDS]


def _begin_of_day(word: str, time_zone: tzinfo) -> datetime | None:
    """Return the day that a word names (2026-11-22); None if it names none."""
    try:
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=time_zone)
    except ValueError:
        return None
