"""What was fetched: into the ledger, and to those who wait for it."""

from collections.abc import Awaitable
from dataclasses import dataclass
import logging
import time

from ...storage.read_back import Content
from ..ledger import LedgerError, fetch_queue, salvage, uploads
from ..ledger.fetch_queue import FetchJob
from ..model.item import Role
from ..model.spans import Spans, total
from ..services import Services
from ..spool.spool import SpoolFile
from .downloads import Clip

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What there is of a clip that can't be had whole, and why it can't."""

    clip: Clip
    reason: str
    shown: Spans
    """What Frigate's recordings show of all that was asked for."""
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
        """Keep what there is of a file that can't be had whole, and plan the rest."""
        clip, is_whole = piece.clip, job.role is Role.WHOLE
        _LOGGER.log(
            logging.WARNING if is_whole else logging.DEBUG,
            "Only %.0f s of the %s of %s (%s) can be had as one piece; the whole is asked"
            " for daily: %s",
            total(clip.coverage.most),
            what(job),
            job.item.source_id,
            job.item.camera,
            piece.reason,
        )
        now = time.time()
        salvaged = salvage.Salvaged(
            start=clip.start,
            end=clip.end,
            spool_name=clip.file.name,
            size=clip.file.size,
            sha256=clip.file.sha256,
            coverage=clip.coverage,
            shown=piece.shown,
        )
        if is_whole:
            kept = self._ledger.run(
                salvage.of_whole,
                job,
                salvaged,
                again=now + self._timing.daily,
                reason=piece.reason,
                too_large_for=piece.too_large_for,
                now=now,
            )
        else:
            kept = self._ledger.run(salvage.of_other, job, salvaged, now=now)
        await self._hand_over(job, clip.file, kept)
        self._signals.files_wanted()
        if is_whole:
            # The piece of earlier may lie in the spool for who lacked it.
            of_file = uploads.destinations_of
            self._signals.files_ready(await self._ledger.run(of_file, job.file_id))

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
