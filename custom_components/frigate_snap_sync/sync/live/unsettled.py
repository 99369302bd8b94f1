"""Film that left with first signs: has Frigate a review of it?"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
import logging
from math import ceil, floor
import time

from ...frigate.errors import FrigateError
from ...frigate.models import Review, Severity
from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, items as ledger_items, live_hints
from ..model.coverage import lacks, shown
from ..model.engine_options import EngineOptions
from ..model.footage_ranges import FootageRange
from ..model.item import Item
from ..model.spans import Spans
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..services import Services
from ..support.backoff import retry_delay
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .takers import Takers

_LOGGER = logging.getLogger(__name__)


def review_of(
    hint: str, reviews: Iterable[Review], *, films: Callable[[Severity], bool]
) -> Review | None:
    """Return the review that a sign's film belongs to, if any of these. Pure.

    None that was over before the sign, though film of some seconds before leaves with
    it, nor one whose end no clock shows. Of several the first one whose severity is one
    of which there are `films`.
    """
    camera, moment = live_hints.camera_of(hint), live_hints.moment_of(hint)
    followed = [
        review
        for review in reviews
        if review.camera == camera
        and (not review.ended if review.end_time is None else review.end_time > moment)
    ]
    return min(
        followed,
        key=lambda review: (not films(review.severity), review.start_time),
        default=None,
    )


class UnsettledFilm:
    """Settles what becomes of film whose sign is over, or that was left by a restart.

    It may be all that is left after a theft, and is only removed once Frigate answers,
    and shows no review that it belongs to. If the film broke off, or we were ended,
    Frigate may have been, too, before it could store that review: then it must have the
    same seconds itself. Else the film stays, until its retention is over.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        monitor: FrigateMonitor,
        takers: Takers,
        options: EngineOptions,
        is_watched: Callable[[str], bool],
    ) -> None:
        """Keep what it works with; `is_watched` tells of which signs more may come."""
        self._client = client
        self._ledger = services.ledger
        self._timing = services.timing
        self._monitor = monitor
        self._takers = takers
        self._options = options
        self._is_watched = is_watched
        self._unbroken: set[str] = set()
        """Signs whose film came until they were over."""
        self._outage = OutageLog(_LOGGER, "Film of first signs")
        self._news = asyncio.Event()

    def note(self, hint: str, *, is_unbroken: bool) -> None:
        """Note that a sign is over, and whether its film came until then."""
        if is_unbroken:
            self._unbroken.add(hint)
        self._news.set()

    async def give(self, hint: str, review: Item) -> None:
        """Give a sign's film to its review where that is wanted; the rest is to go.

        Raises LedgerError.
        """
        is_live = self._options.films(review.severity)
        await self._ledger.run(
            live_hints.settle,
            hint,
            review.source_id,
            bases=self._takers.bases(review) if is_live else {},
            short_id=review.short_id,
            begins=review.start - self._options.padding_before,
        )
        self._takers.wake()

    async def run(self) -> None:
        """Ask Frigate about signs while any are unsettled, until cancelled."""
        attempts = 0
        while True:
            attempts = 0 if self._news.is_set() else attempts
            self._news.clear()
            await self._answered()
            is_any = True
            try:
                is_any = await self._look()
            except FrigateError as err:
                self._unbroken.clear()
                self._monitor.failed(err)
            except LedgerError as err:
                self._outage.report(err)
            else:
                self._outage.over()
            attempts += 1
            pause = retry_delay(attempts, self._timing) if is_any else None
            await wait_for(self._news, pause)

    async def _answered(self) -> None:
        """Wait until Frigate answers. If it did not, it may have lost a review."""
        if not self._monitor.answers.is_set():
            await self._monitor.answers.wait()
            self._unbroken.clear()

    async def _look(self) -> bool:
        """Look at all that is over; return whether there was any."""
        left = await self._ledger.run(live_hints.unsettled)
        self._unbroken &= left.keys()
        found = {
            hint: films for hint, films in left.items() if not self._is_watched(hint)
        }
        for hint, films in found.items():
            # Of others what they show is still to be noted, or looked at, or never known.
            known = {id_: spans for id_, spans in films.items() if spans}
            try:
                if known:
                    await self._settle(hint, known)
            except FrigateError as err:
                if not is_about_one_file(err):
                    raise
                _LOGGER.debug("Frigate can't tell of the sign %s: %s", hint, err)
        return bool(found)

    async def _settle(self, hint: str, films: Mapping[str, Spans]) -> None:
        """Settle film that lies at destinations, of which it is known what it shows."""
        patience = self._timing.live_hint
        begin = min(spans[0][0] for spans in films.values())
        end = max(spans[-1][1] for spans in films.values())
        reviews = await self._client.reviews(after=begin, before=end + patience)
        review = review_of(hint, reviews, films=self._options.films)
        if review is not None:
            known = await self._ledger.run(ledger_items.review, review.id)
            # Of one that is still unknown we hear when catching up.
            if known is not None:
                # The ledger may hear later of what it has become.
                await self.give(hint, replace(known[0], severity=review.severity))
            return
        is_unbroken = hint in self._unbroken
        if not is_unbroken and time.time() - self._client.clock_offset < end + patience:
            return
        camera = live_hints.camera_of(hint)
        for destination_id, spans in films.items():
            if is_unbroken or await self._has_footage(camera, spans):
                await self._ledger.run(live_hints.drop, hint, destination_id)
                self._takers.wake()

    async def _has_footage(self, camera: str, spans: Spans) -> bool:
        """Tell whether Frigate has the same seconds. Raises FrigateError."""
        asked = FootageRange(floor(spans[0][0]), ceil(spans[-1][1]))
        rows = await self._client.recordings(
            camera, after=asked.start, before=asked.end
        )
        return not lacks(shown(rows, asked), spans)
