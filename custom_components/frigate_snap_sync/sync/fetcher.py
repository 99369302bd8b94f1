"""The fetcher: asks Frigate once for each file, and puts it into the spool."""

import asyncio
from collections.abc import Callable, Collection, Iterable
import contextlib
import logging
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import FrigateError, MediaBroken, MediaGone, MediaNotReady
from .downloads import Downloads, NoFootage
from .frigate_watch import FrigateWatch, is_about_one_file
from .items import Media, Rank, Role
from .ledger import Ledger, LedgerError, files, outcomes
from .ledger.files import FetchJob
from .policy import BROKEN_TRIES, Timing, retry_delay
from .room import Room
from .spool import Spool, SpoolError, SpoolFile, SpoolFull
from .status import UploadEvent
from .trouble import Trouble

_LOGGER = logging.getLogger(__name__)

# Two requests at a time; one of them is kept free of long clips.
_LANES = (tuple(Rank), tuple(Rank)[: Rank.ALERT_CLIP])
_PAUSE = 5.0
_DAY = 86400.0


class Fetcher:
    """Fetches what is due, at most two files at a time.

    `on_fetched` is called with the destinations that wait for a new file,
    `on_upload` when an item ended without one, `on_change` when something shown
    has changed.
    """

    def __init__(
        self,
        client: FrigateClient,
        *,
        ledger: Ledger,
        spool: Spool,
        room: Room,
        watch: FrigateWatch,
        timing: Timing,
        on_fetched: Callable[[Iterable[str]], None],
        on_upload: Callable[[UploadEvent], None],
        on_change: Callable[[], None],
    ) -> None:
        """Keep what it works with; nothing is fetched before `run`."""
        self._client = client
        self._ledger = ledger
        self._spool = spool
        self._room = room
        self._watch = watch
        self._timing = timing
        self._downloads = Downloads(client, spool=spool, timing=timing)
        self._on_fetched = on_fetched
        self._on_upload = on_upload
        self._on_change = on_change
        self._trouble = Trouble(_LOGGER, "Fetching from Frigate")
        self._disk = Trouble(_LOGGER, "Keeping Frigate's media")
        self._claiming = asyncio.Lock()
        self._in_flight: set[int] = set()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Look for work now."""
        self._news.set()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Fetch what is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for ranks in _LANES:
                group.create_task(self._lane(ranks))

    async def _lane(self, ranks: Collection[Rank]) -> None:
        while True:
            await self._watch.released.wait()
            await self._watch.answers.wait()
            news, now = self._news, time.time()
            try:
                job = await self._claim(ranks, now)
                if job is None:
                    await self._wait_for_work(news, now)
                    continue
                try:
                    await self._fetch(job)
                finally:
                    self._in_flight.discard(job.file_id)
            except (LedgerError, SpoolError) as err:
                self._trouble.report(err)
                await asyncio.sleep(_PAUSE)
            else:
                self._trouble.over()

    async def _claim(self, ranks: Collection[Rank], now: float) -> FetchJob | None:
        async with self._claiming:
            jobs = await self._ledger.run(
                files.next_fetches,
                now=now,
                ranks=ranks,
                exclude=self._in_flight,
                limit=1,
            )
            self._in_flight.update(job.file_id for job in jobs)
        return jobs[0] if jobs else None

    async def _wait_for_work(self, news: asyncio.Event, now: float) -> None:
        due = await self._ledger.run(files.next_due, after=now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if due is None else due - time.time()):
                await news.wait()

    async def _fetch(self, job: FetchJob) -> None:
        """Bring one file into the spool, or note why it could not be."""
        try:
            await self._room.make(for_file=job.file_id, rank=job.rank)
            if job.item.media is Media.SNAPSHOTS:
                file = await self._downloads.snapshot(job)
            else:
                file = await self._downloads.clip(job)
        except MediaGone as err:
            age = max(self._downloads.age(job), time.time() - job.item.told)
            await self._end_or_retry(job, err, is_over=age > self._timing.missing_after)
        except NoFootage as err:
            age = max(self._downloads.age(job), time.time() - job.item.told)
            await self._end_or_retry(job, err, is_over=age > self._timing.gone_after)
        except MediaBroken as err:
            if job.role is Role.WHOLE and job.attempts + 1 == BROKEN_TRIES:
                await self._salvage(job, err)
            else:
                await self._retry(job, err)
        except FrigateError as err:
            await self._retry(job, err)
            if not is_about_one_file(err):
                self._watch.failed(err)
        except SpoolFull as err:
            self._room.report_full()
            await self._postpone(job, err, self._timing.longest_retry)
        except SpoolError as err:
            self._disk.report(err)
            await self._postpone(job, err, retry_delay(job.attempts + 1, self._timing))
        except Exception as err:
            _LOGGER.log(
                logging.ERROR if job.attempts == 0 else logging.DEBUG,
                "Fetching %s failed unexpectedly",
                job.item.source_id,
                exc_info=True,
            )
            await self._postpone(job, err, self._timing.longest_retry)
        else:
            self._disk.over()
            await self._keep(job, file)

    async def _keep(self, job: FetchJob, file: SpoolFile) -> None:
        try:
            waiting = await self._ledger.run(
                files.fetched,
                job.file_id,
                spool_name=file.name,
                size=file.size,
                sha256=file.sha256,
            )
        except LedgerError:
            await self._spool.remove([file.name])
            raise
        _LOGGER.debug(
            "Fetched the %s of %s (%s)", _what(job), job.item.source_id, job.item.camera
        )
        if waiting:
            self._on_fetched(waiting)
        else:
            await self._spool.remove([file.name])

    async def _salvage(self, job: FetchJob, error: FrigateError) -> None:
        """Keep the longest playable beginning of what Frigate can't give whole."""
        try:
            found = await self._downloads.longest_beginning(job)
        except FrigateError as err:
            found, error = None, err
        if found is None:
            await self._retry(job, error)
            return
        file, end = found
        _LOGGER.warning(
            "Frigate gives the %s of %s (%s) only up to %d s before its end; the rest"
            " is asked for daily: %s",
            _what(job),
            job.item.source_id,
            job.item.camera,
            job.end - end,
            error,
        )
        waiting = await self._ledger.run(
            files.salvaged,
            job,
            end=end,
            spool_name=file.name,
            size=file.size,
            sha256=file.sha256,
            again=time.time() + _DAY,
        )
        if waiting:
            self._on_fetched(waiting)
        else:
            await self._spool.remove([file.name])

    async def _end_or_retry(
        self, job: FetchJob, error: FrigateError, *, is_over: bool
    ) -> None:
        """End the file if Frigate shows that it will never come, else try again."""
        if not is_over:
            await self._retry(job, error)
            return
        freed = await self._ledger.run(
            outcomes.finish_without_footage, job.file_id, str(error), now=time.time()
        )
        events = await self._ledger.run(outcomes.failed_events, job.file_id)
        _LOGGER.log(
            logging.WARNING if events else logging.DEBUG,
            "Frigate has no %s of %s (%s) any more: %s",
            _what(job),
            job.item.source_id,
            job.item.camera,
            error,
        )
        await self._spool.remove(freed)
        for event in events:
            self._on_upload(event)
        self._on_change()

    async def _retry(self, job: FetchJob, error: FrigateError) -> None:
        delay = retry_delay(job.attempts + 1, self._timing)
        is_early = self._downloads.age(job) < self._timing.part_patience
        if job.role is Role.PART and is_early and isinstance(error, MediaNotReady):
            delay = self._timing.part_retry
        # The reason is told once; that it is still so is for the debug log.
        is_news = job.attempts == 0 and job.role is Role.WHOLE
        _LOGGER.log(
            logging.INFO if is_news else logging.DEBUG,
            "The %s of %s (%s) is asked for again in %.0f s: %s",
            _what(job),
            job.item.source_id,
            job.item.camera,
            delay,
            error,
        )
        await self._postpone(job, error, delay)

    async def _postpone(self, job: FetchJob, error: Exception, delay: float) -> None:
        if job.is_settled:
            delay = max(delay, _DAY)  # All have the longest piece that there is.
        await self._ledger.run(
            files.postpone, job.file_id, due=time.time() + delay, error=str(error)
        )


def _what(job: FetchJob) -> str:
    return job.item.media.kind.replace("_", " ")
