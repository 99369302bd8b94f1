"""The fetcher: asks Frigate once for each file, and puts it into the spool."""

import asyncio
from collections.abc import Mapping
import logging
import time

from ...frigate.errors import (
    FrigateError,
    FrigateForbidden,
    MediaBroken,
    MediaGone,
    MediaNotReady,
)
from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, fetch_queue, footage, holds, retries
from ..ledger.fetch_queue import FetchJob
from ..ledger.salvage import NOTHING_PLAYS
from ..model.errors import SpoolError, SpoolFull
from ..model.item import Media, Role
from ..model.rank import Rank
from ..model.selection import Selection
from ..model.spans import NONE
from ..monitoring.clock_monitor import ClockMonitor
from ..monitoring.frigate_monitor import FrigateMonitor, is_about_one_file
from ..services import Services
from ..spool.eviction import SpoolSpace, TooLarge
from ..spool.spool import SpoolFile
from ..support.backoff import retry_delay
from ..support.home_health import note_success
from ..support.lanes import Lanes
from ..support.outage_log import OutageLog
from .arrivals import Arrivals, Piece, what
from .downloads import Clip, ClipEmpty, DoesNotFit, Downloads, NoFootage, NothingPlays
from .forbidden_cameras import ForbiddenCameras
from .missing import MissingFiles
from .pace import GaveWay
from .queue import FetchQueue
from .ways_out import WaysOut

_LOGGER = logging.getLogger(__name__)

# Two requests at a time; one of them is kept free of long clips.
_LANES = (tuple(Rank), tuple(Rank)[: Rank.ALERT_CLIP])
_OF_CAMERA = (MediaBroken, MediaGone, MediaNotReady)
"""What only a Frigate says that gives its user the camera's media."""


class HeldBack(Exception):
    """Frigate still has what the budgets of all who want it don't allow now."""


class Fetcher:
    """Fetches what is due, at most two files at a time."""

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        clock: ClockMonitor,
        space: SpoolSpace,
        monitor: FrigateMonitor,
    ) -> None:
        """Keep what it works with; nothing is fetched before `run`."""
        self._client = client
        self._ledger = services.ledger
        self._timing = services.timing
        self._limits = services.limits
        self._signals = services.signals
        self._running = services.downloads
        self._space = space
        self._monitor = monitor
        self._downloads = Downloads(
            client,
            services=services,
            others_wait=self._others_wait,
        )
        self._arrivals = Arrivals(services)
        self._forbidden = ForbiddenCameras(services.timing)
        self._missing = MissingFiles(client, clock=clock, services=services)
        self._ways_out = WaysOut(self._downloads, timing=services.timing)
        self._gave_way = 0
        self._outage = OutageLog(_LOGGER, "Fetching from Frigate")
        self._disk = OutageLog(_LOGGER, "Keeping Frigate's media")
        self._lanes = Lanes(
            FetchQueue(services), outage=self._outage, timing=services.timing
        )

    def wake(self) -> None:
        """Look for work now."""
        self._lanes.wake()

    async def retry_failed(self, selections: Mapping[str, Selection | None]) -> int:
        """Let failed uploads that are selected be tried again; return how many.

        Raises LedgerError.
        """
        now, count = time.time(), 0
        retry, most = retries.retry_failed, self._limits.retried_at_once
        while step := await self._ledger.run(
            retry, selections=selections, now=now, limit=most
        ):
            count += step
            self.wake()
        return count

    async def run(self) -> None:
        """Fetch what is due, until cancelled."""
        while not await self._begin():
            await asyncio.sleep(self._timing.failure_pause)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            for ranks in _LANES:
                group.create_task(
                    self._lanes.run(ranks, ready=self._ready, work=self._work)
                )

    async def _begin(self) -> bool:
        """Let be asked for what may be had now: by another user, or under a new limit."""
        try:
            await self._ledger.run(holds.try_forbidden, now=time.time())
            await self._space.begin()
        except LedgerError as err:
            self._outage.report(err)
            return False
        note_success(self._outage)
        return True

    async def _look(self) -> None:
        """See from time to time which clips are still too large for the spool."""
        while True:
            await asyncio.sleep(self._timing.too_large_check)
            try:
                await self._space.look()
            except LedgerError as err:
                self._outage.report(err)
            else:
                note_success(self._outage)

    async def _ready(self) -> None:
        """Wait until Frigate may be asked."""
        released, answers = self._monitor.released, self._monitor.answers
        while not (released.is_set() and answers.is_set()):
            await answers.wait()
            await released.wait()

    async def _work(self, job: FetchJob) -> None:
        try:
            await self._fetch(job)
        finally:
            self._downloads.take_shown(job.file_id)
            self._running.end(job.file_id)

    async def _fetch(self, job: FetchJob) -> None:
        """Bring one file into the spool, or note why it could not be."""
        camera, now = job.item.camera, time.monotonic()
        if held := self._forbidden.waiting(camera, now):
            await self._hold(camera, *held)
            return
        try:
            found = await self._find(job)
        except LedgerError:
            raise
        except GaveWay as err:
            await self._let_others_pass(job, err)
        except FrigateForbidden as err:
            held = self._forbidden.refused(camera, err, time.monotonic())
            await self._hold(camera, *held)
        except Exception as err:  # noqa: BLE001 - `_note` tells of what it does not know
            if isinstance(err, _OF_CAMERA):
                self._forbidden.over(camera)
            await self._note(job, err)
        else:
            self._forbidden.over(camera)
            self._disk.over()
            self._ways_out.forget(job.file_id)
            if job.rank >= Rank.ALERT_CLIP:
                self._gave_way = 0
            if not isinstance(found, Piece):
                self._space.forget(job.file_id)
                await self._arrivals.keep(job, found)
                return
            if job.role is not Role.WHOLE:
                self._space.forget(job.file_id)  # The file is no more than this.
            await self._arrivals.keep_piece(job, found)

    async def _find(self, job: FetchJob) -> SpoolFile | Clip | Piece:
        """Fetch a file, or the longest piece of it that can be had.

        Raises FrigateError, SpoolError or LedgerError.
        """
        try:
            return await self._find_whole(job)
        except (ClipEmpty, MediaBroken, TooLarge) as err:
            self._running.end(job.file_id)
            look = self._ways_out.of(job, err)
            if look is None:
                raise
            found = await look(job)
            self._ways_out.count_again(job.file_id)
            if found is None and (job.role is Role.WHOLE or isinstance(err, TooLarge)):
                raise
            if found is None:
                raise NothingPlays(f"{NOTHING_PLAYS}: {err}") from err
            return Piece(
                clip=found,
                reason=str(err),
                shown=self._downloads.take_shown(job.file_id),
                too_large_for=_limit_of(err),
            )

    async def _find_whole(self, job: FetchJob) -> SpoolFile | Clip:
        if job.is_held_back:
            await self._downloads.look_for(job)
            raise HeldBack
        if self._space.is_too_large(job.file_id):
            await self._downloads.look_for(job)
            raise self._space.too_large
        await self._space.make(
            for_file=job.file_id, rank=job.rank, fresh_since=self._fresh_since(job)
        )
        if job.item.media is Media.SNAPSHOTS:
            return await self._downloads.snapshot(job)
        known = NONE
        if job.role is Role.WHOLE:
            # A part is sent as it is: the whole is what must lack nothing.
            known = await self._ledger.run(footage.known, job.file_id)
        try:
            return await self._downloads.clip(job, known=known)
        except DoesNotFit as err:
            raise self._space.refuse(job.file_id, err.size) from err

    def _fresh_since(self, job: FetchJob) -> float | None:
        """Return since when footage is fresh, None if that of the job is not."""
        since = time.time() - self._timing.fresh
        return since if job.ended_at >= since and job.rank <= Rank.ALERT_CLIP else None

    async def _note(self, job: FetchJob, error: Exception) -> None:
        """Note why a file could not be had, and when it is asked for again."""
        match error:
            case MediaGone():
                await self._end_or_retry(job, error, self._timing.missing_after)
            case NoFootage():
                patience = self._timing.gone_after
                if job.role is Role.PART and await self._downloads.is_passed(job):
                    patience = self._timing.part_patience
                await self._end_or_retry(job, error, patience)
            case NothingPlays() if self._ways_out.stays_silent(job.file_id):
                # The whole answers for that time, and is asked for as ever.
                await self._end_or_retry(job, error, self._timing.gone_after)
            case FrigateError():
                await self._retry(job, error)
                if not is_about_one_file(error):
                    self._ways_out.was_away(job.file_id)
                    self._monitor.failed(error)
            case HeldBack():
                due = time.time() + self._timing.daily
                await self._ledger.run(holds.look_again, job.file_id, due=due)
                self.wake()
            case TooLarge():
                await self._postpone(job, error, self._timing.daily)
                self._signals.status_changed()
            case SpoolFull():
                self._space.report_full()
                is_fresh = self._fresh_since(job) is not None
                delay = retry_delay(job.attempts + 1, self._timing)
                await self._postpone(
                    job, error, delay if is_fresh else self._timing.longest_retry
                )
                self._signals.status_changed()
            case SpoolError():
                self._disk.report(error)
                delay = retry_delay(job.attempts + 1, self._timing)
                await self._postpone(job, error, delay)
            case _:
                _LOGGER.log(
                    logging.ERROR if job.attempts == 0 else logging.DEBUG,
                    "Fetching %s failed unexpectedly",
                    job.item.source_id,
                    exc_info=error,
                )
                await self._postpone(job, error, self._timing.longest_retry)

    async def _others_wait(self) -> bool:
        """Tell whether a job that comes slowly should give way.

        Not if many have in a row: then Frigate is slow, and none would ever arrive.
        """
        if self._gave_way >= self._limits.slow_clips:
            return False
        # While one lane is free it takes what waits, but for wholes.
        is_full = len(self._lanes.in_flight) >= len(_LANES)
        ranks = tuple(Rank) if is_full else tuple(Rank)[Rank.ALERT_CLIP :]
        try:
            return await self._ledger.run(
                fetch_queue.is_any_due,
                now=time.time(),
                ranks=ranks,
                exclude=self._lanes.in_flight,
            )
        except LedgerError:
            return False  # The job itself will meet it.

    async def _let_others_pass(self, job: FetchJob, error: GaveWay) -> None:
        self._gave_way += 1
        _LOGGER.info(
            "The %s of %s (%s) is asked for again after the others: %s",
            what(job),
            job.item.source_id,
            job.item.camera,
            error,
        )
        await self._ledger.run(fetch_queue.give_way, job.file_id)
        self.wake()

    async def _hold(self, camera: str, until: float, reason: str) -> None:
        """Let all files of a camera wait; `until` is the monotonic clock's time."""
        due = time.time() + until - time.monotonic()
        await self._ledger.run(holds.forbid, camera, due=due, error=reason)
        self._signals.status_changed()

    async def _end_or_retry(
        self, job: FetchJob, error: FrigateError, patience: float
    ) -> None:
        """End the file if Frigate shows that it will never come, else try again."""
        job = await self._missing.read_again(job)
        age = self._downloads.age(job)
        if not self._missing.is_final(job, age=age, patience=patience):
            await self._retry(job, error)
            return
        shown = self._downloads.take_shown(job.file_id)
        try:
            waiting = await self._missing.end(job, error, shown=shown)
        except FrigateError as err:
            await self._retry(job, err)
            if not is_about_one_file(err):
                self._monitor.failed(err)
            return
        self._ways_out.forget(job.file_id)
        self._space.forget(job.file_id)
        self._signals.files_ready(waiting)  # A try may have left something to clean up.
        self._signals.status_changed()

    async def _retry(self, job: FetchJob, error: FrigateError) -> None:
        delay = retry_delay(job.attempts + 1, self._timing)
        if job.role is Role.PART and isinstance(error, MediaNotReady):
            delay = self._part_delay(job, error, delay)
        # The reason is logged once; that it is still so is for the debug log.
        is_news = job.attempts == 0 and job.role is Role.WHOLE
        _LOGGER.log(
            logging.INFO if is_news else logging.DEBUG,
            "The %s of %s (%s) is asked for again in %.0f s: %s",
            what(job),
            job.item.source_id,
            job.item.camera,
            delay,
            error,
        )
        await self._postpone(job, error, delay)

    def _part_delay(self, job: FetchJob, error: MediaNotReady, delay: float) -> float:
        """Return how long a part waits that Frigate does not have yet."""
        age = self._downloads.age(job)
        if age < self._timing.part_patience:
            return self._timing.part_retry
        # Frigate's disk may be far behind: then it leaves a fifth later, at most.
        return min(delay, age / 5) if isinstance(error, NoFootage) else delay

    async def _postpone(self, job: FetchJob, error: Exception, delay: float) -> None:
        if job.is_settled:
            delay = max(
                delay, self._timing.daily
            )  # All have the longest piece that there is.
        await self._ledger.run(
            fetch_queue.postpone,
            job.file_id,
            due=time.time() + delay,
            error=str(error),
            too_large_for=_limit_of(error),
            shown=self._downloads.take_shown(job.file_id),
            # A still scene has none, for good: what is not there is not late.
            is_late=not (job.role is Role.PART and isinstance(error, NoFootage)),
        )
        self.wake()  # The other lanes may have looked when none was due.


def _limit_of(error: Exception) -> int | None:
    """Return the spool's limit that a clip did not fit into, if that is the error."""
    return error.limit if isinstance(error, TooLarge) else None
