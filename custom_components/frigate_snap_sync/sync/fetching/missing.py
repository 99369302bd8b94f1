"""Files that Frigate will never give: lost there, or never there at all."""

from dataclasses import replace
import logging
import time

from ...frigate.errors import FrigateError
from ...frigate.protocol import FrigateApi
from ..ledger import items, outcomes, uploads
from ..ledger.fetch_queue import FetchJob
from ..model.item import UploadState
from ..model.spans import Spans
from ..monitoring.clock_monitor import ClockMonitor
from ..planning.unknown_items import UnknownItems
from ..services import Services

_LOGGER = logging.getLogger(__name__)


class MissingFiles:
    """Ends what can't be had."""

    def __init__(
        self,
        client: FrigateApi,
        *,
        clock: ClockMonitor,
        services: Services,
    ) -> None:
        """Keep what it works with."""
        self._clock = clock
        self._ledger = services.ledger
        self._services = services
        self._timing = services.timing
        self._unknown_items = UnknownItems(client, ledger=services.ledger)

    async def read_again(self, job: FetchJob) -> FetchJob:
        """Return the job with its report by the clock as it is now. Raises LedgerError.

        A clip may have taken minutes, in which the clock was set.
        """
        reported_at = await self._ledger.run(items.reported_at, job.item)
        return replace(job, item=replace(job.item, reported_at=reported_at))

    def is_final(self, job: FetchJob, *, age: float, patience: float) -> bool:
        """Tell whether what Frigate does not have will never come.

        The job was read just now. `age` is how long ago the file's time was over, by
        Frigate's clock. Any clock may be set: by one alone what has just begun may look
        old.
        """
        now = time.time()
        heard = now - self._clock.counted_from(job.item.reported_at)
        # What shows the middle of an active review was over long after its report.
        over = now - job.ended_at
        waited = min(heard, over) if over >= 0 else heard
        return (
            self._clock.is_steady
            and heard >= self._timing.least_patience
            and max(age, waited) > patience
        )

    async def end(
        self, job: FetchJob, error: FrigateError, *, shown: Spans
    ) -> list[str]:
        """End a file's uploads; return the destinations that waited for it.

        `error` is why it can't be had, `shown` what Frigate's recordings showed of
        it. Raises FrigateError when it can't be found out whether that is a loss, or
        LedgerError.
        """
        no_loss = await self._unknown_items.why_no_loss(job, error)
        waiting = await self._ledger.run(uploads.destinations_of, job.file_id)
        now = time.time()
        if no_loss is None:
            ended = await self._ledger.run(
                outcomes.finish_without_footage,
                job.file_id,
                str(error),
                shown=shown,
                now=now,
            )
        else:
            ended = await self._ledger.run(
                outcomes.finish, job.file_id, UploadState.SKIPPED, no_loss, now=now
            )
        _LOGGER.log(
            logging.WARNING if ended.events else logging.DEBUG,
            "Frigate has no %s of %s (%s): %s",
            job.item.media.kind.replace("_", " "),
            job.item.source_id,
            job.item.camera,
            no_loss or error,
        )
        await self._services.apply(ended)
        return waiting
