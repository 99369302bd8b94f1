"""Finds tracked objects in Frigate's API, which knows them by their start.

All times are of Frigate's clock.
"""

from collections.abc import AsyncIterator
import logging
from typing import Final

from ...frigate.errors import FrigateServerError, UnreadableRows
from ...frigate.models import Page, TrackedObject
from ...frigate.protocol import FrigateApi

_LOGGER = logging.getLogger(__name__)

_MOST_AT_ONCE: Final = 3200
_MOST_RUNNING: Final = 10
_STEP: Final = 0.001
_FAR: Final = 86400.0


class ObjectSearch:
    """Asks page by page, the newest first, and holds one page at a time.

    Every method raises FrigateError.
    """

    def __init__(self, client: FrigateApi, *, page: int) -> None:
        """Keep whom to ask, and for how many at once."""
        self._client = client
        self._page = page

    async def began_within(
        self, after: float, before: float, *, pages: int
    ) -> AsyncIterator[tuple[list[TrackedObject], float | None]]:
        """Yield the objects that began in that time, and before when more may have.

        At most so many `pages`; the last moment is None if that was enough.
        """
        seen = has_any = False
        for _ in range(pages):
            page = await self._next(after=after, before=before)
            has_any = has_any or page.oldest is not None
            seen = seen or bool(page.objects)
            if page.oldest is None:
                if has_any and not seen:
                    raise UnreadableRows("/api/events answers nothing readable")
                yield page.objects, None
                return
            # Others may have begun in the very same moment.
            before = page.oldest + _STEP
            yield page.objects, before

    async def lasted_until(
        self, moment: float, *, pages: int
    ) -> AsyncIterator[list[TrackedObject]]:
        """Yield the objects that began before a moment and had not ended then.

        Those only that have ended since. One that began an hour before has lasted an
        hour at least, so each page asks for longer ones, and there are few in the end.
        """
        before = moment
        for _ in range(pages):
            page = await self._next(
                after=0, before=before, min_length=max(0.0, moment - before)
            )
            yield page.objects
            if page.oldest is None:
                return
            before = page.oldest + _STEP
        raise FrigateServerError("Frigate has too many long tracked objects")

    async def running(self, now: float) -> list[TrackedObject]:
        """Return the objects that Frigate tracks at the moment, at most 1,000."""
        found: list[TrackedObject] = []
        before = now + _FAR
        for _ in range(_MOST_RUNNING):
            page = await self._next(after=0, before=before, in_progress=True)
            found += [each for each in page.objects if not each.ended]
            if page.oldest is None:
                break
            before = page.oldest + _STEP
        return found

    async def _next(
        self,
        *,
        after: float,
        before: float,
        min_length: float | None = None,
        in_progress: bool = False,
    ) -> Page:
        """Return the next page, a larger one if all of it began in the last moment."""
        limit = self._page
        while True:
            page = await self._client.events(
                after=after,
                before=before,
                limit=limit,
                min_length=min_length,
                in_progress=in_progress,
            )
            if page.oldest is None or after <= page.oldest < before - _STEP:
                return page
            limit *= 2
            if limit > _MOST_AT_ONCE:
                raise FrigateServerError("/api/events answers the same again and again")
