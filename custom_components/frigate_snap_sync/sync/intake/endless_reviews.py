"""Where a review ended of which Frigate names no end that can be one.

A manual event that was cut off ends at 9223372036854775807 (Frigate 0.16+), over MQTT
and in the API, for ever. Its end is where Frigate's recordings end.
"""

from dataclasses import replace
import logging
from math import ceil, floor
import time

from ...frigate.errors import FrigateError
from ...frigate.models import Review
from ...frigate.protocol import FrigateApi
from ..model.footage_ranges import FootageRange
from ..model.recorded_footage import last_shown, unbroken_until
from ..model.review_rules import is_endless
from ..monitoring.frigate_monitor import is_about_one_file
from ..planning.footage_survey import FootageSurvey

_LOGGER = logging.getLogger(__name__)

_DAY = 86400
_BREAK = 600
"""Seconds without footage that end a review. Frigate may keep only what moves."""
_MAX_KNOWN = 1000


class EndlessReviews:
    """Finds the ends that Frigate does not name; each is looked for once."""

    def __init__(self, client: FrigateApi, *, survey: FootageSurvey) -> None:
        """Keep what it works with."""
        self._client = client
        self._survey = survey
        self._ends: dict[str, float] = {}

    def has_found(self, review_id: str) -> bool:
        """Tell whether the end of a review was found in Frigate's recordings."""
        return review_id in self._ends

    async def with_end(self, review: Review, *, by: float | None = None) -> Review:
        """Return a review with an end that can be; unchanged if it is not known yet.

        `by` is when Frigate reported the end (its clock), where that was heard: it
        reports one that it forces at once. Else the review ended where its footage
        breaks off, or the camera's next review began. Raises FrigateError about Frigate
        as a whole.
        """
        now = time.time() - self._client.clock_offset
        if not review.ended or not is_endless(review.end_time, now=now):
            return review
        if by is not None:
            end: float | None = await self._last_shown(review, by)
        elif (end := self._ends.get(review.id)) is None:
            end = await self._unbroken_until(review)
            if end is not None:
                self._remember(review.id, end)
        return review if end is None else replace(review, end_time=end)

    async def _last_shown(self, review: Review, by: float) -> float:
        asked = FootageRange(floor(review.start_time), ceil(by))
        footage = await self._survey.look(review.camera, asked)
        shown = last_shown(footage, asked)
        return by if shown is None else max(review.start_time, min(shown, by))

    async def _unbroken_until(self, review: Review) -> float | None:
        """Return up to where there is footage without a break, a day at a time."""
        settled = self._survey.settled()
        begin = review.start_time
        while (until := min(floor(begin) + _DAY, settled)) > begin:
            following = await self._next_start(review, until)
            footage = await self._survey.look(
                review.camera, FootageRange(floor(begin), until)
            )
            end = unbroken_until(footage, begin, gap=_BREAK)
            if following is not None or end < until - _BREAK:
                return end if following is None else min(end, following)
            if until == settled:
                return None
            begin = end
        return None

    async def _next_start(self, review: Review, until: float) -> float | None:
        """Return when the camera's next review began: a camera has one at a time."""
        try:
            others = await self._client.reviews(after=review.start_time, before=until)
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Frigate can't list what followed %s: %s", review.id, err)
            return None
        return min(
            (
                other.start_time
                for other in others
                if other.camera == review.camera
                and other.start_time > review.start_time
            ),
            default=None,
        )

    def _remember(self, review_id: str, end: float) -> None:
        self._ends[review_id] = end
        if len(self._ends) > _MAX_KNOWN:
            del self._ends[next(iter(self._ends))]
