"""What was fetched: into the ledger, and to those who wait for it."""

from collections.abc import Awaitable
from dataclasses import dataclass
import logging
import time

from ...storage.read_back import Content
from ..ledger import LedgerError, fetch_queue, spooled_files
from ..ledger.fetch_queue import FetchJob
from ..model.spans import total
from ..services import Services
from ..spool.spool import SpoolFile
from .downloads import Clip

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What there is of a clip that can't be had whole, and why it can't."""

    clip: Clip
    reason: str
    too_large_for: int | None = None
    """The spool's limit that the clip did not fit into, if that is why."""


class Arrivals:
    """Keeps what was fetched. Every method raises LedgerError or SpoolError."""

    def __init__(self, services: Services) -> None:
        """Keep what it works with."""
        self._ledger = services.ledger
        self._spool = services.spool
        self._timing = services.timing
        self._signals = services.signals
        self._running = services.downloads

    async def keep(self, job: FetchJob, found: SpoolFile | Clip) -> None:
        """Keep a whole file."""
        file = found.file if isinstance(found, Clip) else found
        _LOGGER.debug(
            "Fetched the %s of %s (%s)", what(job), job.item.source_id, job.item.camera
        )
        kept = self._ledger.run(
            fetch_queue.fetched,
            job.file_id,
            spool_name=file.name,
            size=file.size,
            sha256=file.sha256,
            coverage=found.coverage if isinstance(found, Clip) else None,
            end=found.end if isinstance(found, Clip) else None,
            now=time.time(),
        )
        await self._hand_over(job, file, kept)

    async def keep_piece(self, job: FetchJob, piece: Piece) -> None:
        """Keep what there is of a file that can't be had whole."""
        clip = piece.clip
        _LOGGER.warning(
            "Only %.0f s of the %s of %s (%s) can be had; the whole is asked for"
            " daily: %s",
            total(clip.coverage.most),
            what(job),
            job.item.source_id,
            job.item.camera,
            piece.reason,
        )
        now = time.time()
        kept = self._ledger.run(
            spooled_files.salvaged,
            job,
            start=clip.start,
            end=clip.end,
            spool_name=clip.file.name,
            size=clip.file.size,
            sha256=clip.file.sha256,
            coverage=clip.coverage,
            again=now + self._timing.daily,
            reason=piece.reason,
            too_large_for=piece.too_large_for,
            now=now,
        )
        await self._hand_over(job, clip.file, kept)

    async def _hand_over(
        self, job: FetchJob, file: SpoolFile, kept: Awaitable[list[str]]
    ) -> None:
        """Wake those who wait for a file once it is in the ledger, or release it."""
        try:
            waiting = await kept
        except LedgerError:
            await self._spool.remove([file.name])
            raise
        content = Content(size=file.size, sha256=file.sha256)
        self._running.end(job.file_id, content, waiting)
        if waiting:
            self._signals.files_ready(waiting)
        else:
            await self._spool.remove([file.name])


def what(job: FetchJob) -> str:
    """Return what a person calls the job's medium."""
    return job.item.media.kind.replace("_", " ")
