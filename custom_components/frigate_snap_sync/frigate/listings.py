"""The lists of Frigate's API: reviews, tracked objects, recordings.

A row that can't be understood hides no others. But a list of which no row can be
is an error, never "nothing there": a future Frigate may write them in another form.
"""

from collections.abc import Callable
from functools import partial
import logging
from typing import Final

from .api import Api
from .errors import FrigateServerError, MalformedMessage, UnreadableRows
from .fields import MOST_LABELS, mapping_or_empty, time_or_none
from .models import Page, Review, Segments, TrackedObject
from .parsers import parse_day, parse_object, parse_review, parse_segment
from .version import FrigateVersion

_LOGGER = logging.getLogger(__name__)

_DAY: Final = 86_400.0


class Listings:
    """Reads lists; every method raises only `FrigateError`.

    What is asked and answered is described at the methods of `FrigateClient`.
    """

    def __init__(self, api: Api) -> None:
        """Keep whom to ask."""
        self._api = api
        self._odd: set[str] = set()

    async def reviews(
        self, version: FrigateVersion, *, after: float, before: float
    ) -> list[Review]:
        """Return the reviews that overlap the time."""
        params = _window(after, before)
        if version < FrigateVersion(0, 16):
            params = _window(after - _DAY, before + _DAY)
        if version < FrigateVersion(0, 17):
            # Here 1 means "reviewed ones too", from 0.17 on "only reviewed ones"
            params["reviewed"] = "1"
        rows = await self._api.rows(
            partial(_readable, review_row), "review", params=params
        )
        reviews = [review for review in rows if review is not None]
        if rows and not reviews:
            raise UnreadableRows("/api/review answers nothing readable")
        self._report("review", len(rows) - len(reviews))
        return [
            review
            for review in reviews
            if review.start_time < before
            and (review.end_time is None or review.end_time > after)
        ]

    async def events(
        self,
        *,
        after: float,
        before: float,
        limit: int,
        min_length: float | None,
        in_progress: bool,
    ) -> Page:
        """Return the newest tracked objects of the time."""
        params = _window(after, before)
        params |= {"limit": str(limit), "include_thumbnails": "0"}
        if min_length is not None:
            params["min_length"] = f"{min_length:.6f}"
        if in_progress:
            params["in_progress"] = "1"
        rows = await self._api.rows(_object_and_start, "events", params=params)
        objects = [tracked for tracked, _ in rows if tracked is not None]
        starts = [start for _, start in rows if start is not None]
        is_full = len(rows) >= limit and bool(starts)
        if rows and not objects and not is_full:
            raise UnreadableRows("/api/events answers nothing readable")
        self._report("events", len(rows) - len(objects))
        return Page(objects=objects, oldest=min(starts) if is_full else None)

    async def recordings(self, camera: str, *, after: float, before: float) -> Segments:
        """Return the footage of the time, oldest first."""
        rows = await self._api.rows(
            partial(_readable, parse_segment),
            *(camera, "recordings"),
            params=_window(after, before),
        )
        segments = [segment for segment in rows if segment is not None]
        left_out = len(rows) - len(segments)
        if left_out and not any(
            segment.start_time < before and segment.end_time > after
            for segment in segments
        ):
            raise UnreadableRows(f"/api/{camera}/recordings answers nothing readable")
        self._report("recordings", left_out)
        segments.sort(key=lambda segment: segment.start_time)
        return Segments(segments, left_out=left_out)

    async def hours(self, camera: str) -> list[int]:
        """Return the hours in which footage begins, oldest first."""
        days = await self._api.rows(
            partial(_readable, parse_day),
            *(camera, "recordings", "summary"),
            params={"timezone": "utc"},
        )
        if None in days:
            raise FrigateServerError("/api/recordings/summary has an odd day")
        return sorted(hour for day in days for hour in day or ())

    def _report(self, name: str, count: int) -> None:
        """Say once that some rows of a kind are left out."""
        if count and name not in self._odd:
            self._odd.add(name)
            _LOGGER.warning(
                "%d row(s) of Frigate's %s can't be understood and are left out",
                count,
                name,
            )


def review_row(row: object) -> Review:
    """Read a review of the API, with all labels that may be asked for."""
    return parse_review(row, most_labels=MOST_LABELS)


def object_row(row: object) -> TrackedObject:
    """Read a tracked object of the API, with all zones that may be asked for."""
    return parse_object(row, most_labels=MOST_LABELS)


def _readable[T](parse: Callable[[object], T], row: object) -> T | None:
    try:
        return parse(row)
    except MalformedMessage:
        return None


def _object_and_start(row: object) -> tuple[TrackedObject | None, float | None]:
    start = time_or_none(mapping_or_empty(row).get("start_time"))
    return _readable(object_row, row), start


def _window(after: float, before: float) -> dict[str, str]:
    return {"after": f"{after:.6f}", "before": f"{before:.6f}"}
