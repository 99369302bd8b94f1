"""Items that are over go to destinations that came later, if the owner asks for it."""

from collections.abc import Collection
from math import inf
import time

from ...frigate.protocol import FrigateApi
from ..ledger import backfill, retries
from ..ledger.backfill import Known
from ..model.footage_ranges import Bounds
from ..model.item import Media
from ..model.plans import FilePlan, FileState, UploadPlan
from ..model.recorded_footage import UNKNOWN
from ..planning.footage_survey import FootageSurvey
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..services import Services

_LEAST = 5.0
"""Seconds of a recording that may be missing: clocks are not compared more exactly."""


class Backfill:
    """Gives known items to destinations that want them and lack them, or some."""

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        planner: Planner,
        registry: ItemRegistry,
        survey: FootageSurvey,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._ledger = services.ledger
        self._signals = services.signals
        self._planner = planner
        self._registry = registry
        self._survey = survey

    async def serve(self, media: Media, source_id: str) -> bool:
        """Plan an item for those who lack it, or some of it; return whether any do.

        What the owner kept at home, with the switch `capture` off, stays there.
        Raises LedgerError or FrigateError.
        """
        known = await self._ledger.run(backfill.known, media, source_id)
        if known is None:
            return False
        uploads = self._planner.uploads(known.item)
        bounds: Bounds | None = Bounds()
        if media is Media.RECORDINGS:
            bounds = await self._registry.bounds(known.item)
        elif await self._registry.is_private(known.item):
            bounds = None
        if not uploads or bounds is None:
            return False
        openings = await self._registry.openings(known.item)
        # A whole shows closed time as well, even where only some of it was.
        uploads = tuple(
            upload for upload in uploads if upload.destination_id not in openings
        )
        files = await self._unwanted(known, uploads, bounds)
        if files:
            await self._ledger.run(backfill.plan, known, files)
        joined = await self._ledger.run(backfill.join, known, uploads, now=time.time())
        if not files and not joined:
            return False
        self._announce([upload.destination_id for upload in uploads])
        return True

    async def retry(self, media: Media, source_id: str) -> bool:
        """Try again what failed of an item; return whether anything did.

        Raises LedgerError.
        """
        known = await self._ledger.run(backfill.known, media, source_id)
        if known is None:
            return False
        waiting = await self._ledger.run(
            retries.retry_item,
            known.item_id,
            selections=self._planner.selections,
            now=time.time(),
        )
        if waiting:
            self._announce(waiting)
        return bool(waiting)

    def _announce(self, destination_ids: Collection[str]) -> None:
        """Let be fetched and sent what was planned for these destinations."""
        self._signals.files_wanted()
        self._signals.files_ready(destination_ids)

    async def _unwanted(
        self, known: Known, uploads: tuple[UploadPlan, ...], bounds: Bounds
    ) -> tuple[FilePlan, ...]:
        """Return the files that no destination wanted when the item was over.

        All of them, or those after the last half hour that one wanted.
        """
        item, progress = known.item, known.progress
        if item.media is Media.SNAPSHOTS:
            plan = FilePlan(state=FileState.WANTED, uploads=uploads, due=time.time())
            return () if progress.pieces else (plan,)
        if not is_unplanned(known, bounds):
            return ()
        left = self._planner.left(item, progress, bounds)
        return self._planner.recording(
            item,
            known=progress,
            footage=await self._survey.look(item.camera, left)
            if self._planner.is_long(left)
            else UNKNOWN,
            bounds=bounds,
            clock_offset=self._client.clock_offset,
        )


def is_unplanned(known: Known, bounds: Bounds) -> bool:
    """Tell whether no files were planned of the last seconds of a recording, or of all."""
    item, progress = known.item, known.progress
    # None: of what Frigate had lost no footage was asked for.
    until = progress.pieces_end if progress.pieces else -inf
    if until is None or item.end is None:
        return False
    return min(item.end, bounds.end) - until >= _LEAST
