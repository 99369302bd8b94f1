"""Files that the spool can't give to a worker: lost, or not to be read for a while."""

import logging
import time

from ...storage.errors import SourceDamaged, SourceUnreadable
from ...storage.source import verify
from ..ledger import spooled_files, uploads
from ..ledger.spooled_files import Loss
from ..ledger.uploads import UploadJob
from ..model.rank import Rank
from ..services import Services, to_the_end
from ..support.backoff import retry_delay
from ..support.outage_log import OutageLog

_LOGGER = logging.getLogger(__name__)


class SpoolLosses:
    """Notes what becomes of such a file; the destination has no part in it."""

    def __init__(self, name: str, *, services: Services) -> None:
        """Keep what it works with; `name` is the destination's, for the log."""
        self._services = services
        self._ledger = services.ledger
        self._spool = services.spool
        self._timing = services.timing
        self._signals = services.signals
        self._outage = OutageLog(_LOGGER, f"Reading the spool for {name}")

    @to_the_end
    async def note_missing(self, job: UploadJob) -> None:
        """Note that the spool no longer has a job's file, or never had it whole.

        Raises LedgerError or SpoolError.
        """
        now = time.time()
        loss, transition = await self._ledger.run(
            spooled_files.lost, job.file_id, job.spool_name, now=now
        )
        await self._ledger.run(
            uploads.failed,
            job.upload_id,
            retry_at=now,
            reason=f"The spool no longer had it; {loss}",
        )
        if loss is not Loss.NO_LOSS:
            _LOGGER.warning("The spool no longer has %s whole; %s", job.path, loss)
            await self._services.apply(transition)
        self._signals.files_wanted()

    async def note_unreadable(self, job: UploadJob, error: SourceUnreadable) -> None:
        """Note that what lies in the spool could not be sent: it is lost, or waits.

        Raises LedgerError or SpoolError.
        """
        if await self._is_lost(job):
            await self.note_missing(job)
            return
        self._outage.report(error)
        await self._ledger.run(
            uploads.failed,
            job.upload_id,
            retry_at=time.time() + retry_delay(job.attempts + 1, self._timing),
            reason=str(error),
        )

    def over(self) -> None:
        """Note that a file could be read."""
        self._outage.over()

    async def _is_lost(self, job: UploadJob) -> bool:
        """Read a file once more, to see whether it is lost.

        What exists nowhere else is not given up while the disk just can't read it.
        """
        try:
            await verify(self._spool.source(job.spool_name, job.content))
        except FileNotFoundError, SourceDamaged:
            return True
        except SourceUnreadable:
            return job.rank is not Rank.LIVE_SNAPSHOT
        return False
