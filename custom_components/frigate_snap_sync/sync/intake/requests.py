"""What a person asks for by name: a review, a stretch of footage, or neither any more."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor
import time

from ...frigate.protocol import FrigateApi
from ..ledger import asked, backfill, items as ledger_items, off_periods
from ..ledger.backfill import Known
from ..model.errors import Refusal, Refused
from ..model.footage_ranges import Bounds, FootageRange, first_fetch
from ..model.item import Item, Media, range_item, recording_item
from ..model.plans import FilePlan, Progress
from ..model.recorded_footage import UNKNOWN
from ..model.review_rules import ended, is_endless
from ..model.status import CancelFilter, Queued
from ..planning.footage_survey import FootageSurvey, Measured
from ..planning.planner import Planner
from ..planning.ranges import range_files, range_pieces, without
from ..planning.registry import ItemRegistry
from ..services import Services, to_the_end
from .backfill import is_unplanned
from .catch_up import CatchUp
from .reviews import ReviewIntake


class UploadRequests:
    """Queues what a person chose, whatever the destinations select.

    What the owner kept at home, with the switch `capture` off, stays there. Methods
    raise Refused, FrigateError, LedgerError or SpoolError.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        planner: Planner,
        registry: ItemRegistry,
        survey: FootageSurvey,
        reviews: ReviewIntake,
        catch_up: CatchUp,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._services = services
        self._ledger = services.ledger
        self._signals = services.signals
        self._planner = planner
        self._registry = registry
        self._survey = survey
        self._reviews = reviews
        self._catch_up = catch_up

    async def upload_review(
        self, review_id: str, destination_id: str | None = None
    ) -> Queued:
        """Queue the recording of a review for a destination, or for all."""
        destination_ids = await self._destinations(destination_id)
        known = await self._review(review_id)
        bounds = await self._registry.bounds(known.item)
        if bounds is None:
            raise Refused(Refusal.CAPTURE_WAS_OFF)
        # Whoever asks does not mind what a destination takes otherwise.
        bounds = replace(bounds, openings={})
        item = known.item
        if item.end is None:
            raise Refused(Refusal.NO_FOOTAGE)  # Frigate had lost it.
        whole = self._planner.left(item, Progress(), bounds)
        measured = await self._survey.measure(item.camera, whole)
        left = self._planner.left(item, known.progress, bounds)
        files: tuple[FilePlan, ...] = ()
        if is_unplanned(known, bounds) and _is_there(left, measured, bounds):
            is_long = self._planner.is_long(left)
            files = self._planner.recording(
                item,
                known=known.progress,
                footage=measured.footage if is_long else UNKNOWN,
                bounds=bounds,
                clock_offset=self._client.clock_offset,
                asked=destination_ids,
            )
        return await self._queue(known, destination_ids, files, measured, bounds)

    async def upload_range(
        self,
        camera: str,
        start: float,
        end: float,
        destination_id: str | None = None,
    ) -> Queued:
        """Queue a camera's footage of some time (our clock), half hour by half hour."""
        destination_ids = await self._destinations(destination_id)
        now, offset = time.time(), self._client.clock_offset
        item = range_item(camera, start, end, clock_offset=offset, reported_at=now)
        off = await self._ledger.run(off_periods.within, start, end)
        periods = without(start, end, off)
        if not periods:
            raise Refused(Refusal.CAPTURE_WAS_OFF)
        measured = await self._survey.measure(
            camera, FootageRange(floor(item.start), ceil(item.end or item.start))
        )
        ranges = range_pieces(
            periods,
            measured.footage,
            clock_offset=offset,
            limits=self._services.limits,
        )
        known = await self._known(item.source_id)
        if known is None:
            if not ranges:
                raise Refused(Refusal.NO_FOOTAGE)
            await self._registry.plan(item, ())
            known = await self._known(item.source_id)
            assert known is not None  # It was just planned.
        files: tuple[FilePlan, ...] = ()
        if not known.progress.pieces:
            files = range_files(
                ranges,
                self._planner.uploads(known.item, asked=destination_ids),
                footage=measured.footage,
                due=first_fetch(
                    ranges[-1].end if ranges else now,
                    now=now,
                    clock_offset=offset,
                    settle=self._services.timing.settle,
                ),
                clock_offset=offset,
            )
        return await self._queue(known, destination_ids, files, measured, Bounds())

    @to_the_end
    async def cancel(self, wanted: CancelFilter) -> int:
        """End what waits, as far as it fits; return how many uploads."""
        found = await self._ledger.run(asked.cancel, wanted, now=time.time())
        await self._services.apply(found.transition)
        # A try may have left something to clean up.
        self._signals.files_ready(found.destination_ids)
        self._signals.status_changed()
        return found.count

    async def _destinations(self, destination_id: str | None) -> Sequence[str]:
        if not await self._ledger.run(off_periods.capture_on):
            raise Refused(Refusal.CAPTURE_OFF)
        found = self._planner.destination_ids
        if destination_id is not None:
            found = tuple(each for each in found if each == destination_id)
        if not found:
            raise Refused(Refusal.NO_DESTINATION)
        return found

    async def _known(self, source_id: str) -> Known | None:
        return await self._ledger.run(backfill.known, Media.RECORDINGS, source_id)

    async def _review(self, review_id: str) -> Known:
        """Return a review that has ended; the ledger has it then."""
        known = await self._ledger.run(ledger_items.review, review_id)
        if known is None:
            review = await self._client.review(review_id)
            if review is None:
                raise Refused(Refusal.REVIEW_NOT_FOUND, review_id)
            if not review.ended:
                raise Refused(Refusal.REVIEW_NOT_ENDED, review_id)
            # It may have been missed: then those get it, too, that want it anyway.
            await self._catch_up.catch_up()
            review = await self._reviews.with_end(review)
            now = time.time()
            by = now - self._client.clock_offset
            if is_endless(review.end_time, now=by):
                raise Refused(Refusal.REVIEW_NOT_ENDED, review_id)
            item = ended(recording_item(review, reported_at=now), by=by)
            if await self._ledger.run(ledger_items.review, review_id) is None:
                await self._registry.plan(self._planner.bounded(item), ())
        found = await self._known(review_id)
        if found is None or found.item.is_range:
            raise Refused(Refusal.REVIEW_NOT_ENDED, review_id)
        return found

    @to_the_end
    async def _queue(
        self,
        known: Known,
        destination_ids: Sequence[str],
        files: tuple[FilePlan, ...],
        measured: Measured,
        bounds: Bounds,
    ) -> Queued:
        """Queue new files, and what is there of the known ones that a destination lacks."""
        pieces = await self._ledger.run(asked.lacking, known.item_id, destination_ids)
        numbers = [
            piece.number
            for piece in pieces
            if piece.is_spooled
            or _is_there(FootageRange(piece.start, piece.end), measured, bounds)
        ]
        if not files and not numbers:
            if pieces or known.progress.pieces_end is None:
                raise Refused(Refusal.NO_FOOTAGE)
            return Queued(item_id=known.item.source_id)
        queued = await self._ledger.run(
            asked.give,
            known,
            files=files,
            uploads=self._planner.uploads(known.item, asked=destination_ids),
            numbers=numbers,
            now=time.time(),
        )
        self._signals.files_wanted()
        self._signals.files_ready(destination_ids)
        self._signals.status_changed()
        return _summed(known.item, queued, measured.bytes_per_second)


def _is_there(piece: FootageRange, measured: Measured, bounds: Bounds) -> bool:
    """Tell whether Frigate has footage of a piece that may be sent."""
    inside = bounds.cut(piece)
    return inside is not None and bool(
        measured.footage.within(inside.start, inside.end)
    )


def _summed(item: Item, seconds: Sequence[int], rate: float | None) -> Queued:
    total = sum(seconds)
    return Queued(
        item_id=item.source_id,
        files=len(seconds),
        seconds=total,
        size=None if rate is None else round(rate * total),
    )
