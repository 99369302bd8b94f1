"""The fetcher: asks Frigate once for each file, and puts it into the spool."""

import asyncio
from collections.abc import Callable, Iterable
import contextlib
import logging
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import FrigateError, MediaBroken, MediaGone, MediaNotReady
from ..frigate.media import check_jpeg, check_mp4
from .frigate_watch import FrigateWatch, is_about_one_file
from .items import Media
from .ledger import Ledger, LedgerError, files, uploads
from .ledger.files import FetchJob
from .policy import (
    FootageRange,
    Timing,
    footage_seconds,
    is_short,
    retry_delay,
    tail_is_missing,
)
from .spool import Spool, SpoolError, SpoolFile

_LOGGER = logging.getLogger(__name__)

AT_ONCE = 2
_PAUSE = 5.0


class Fetcher:
    """Fetches what is due, at most two files at a time.

    `on_fetched` is called with the destinations that wait for a new file,
    `on_change` when something shown has changed.
    """

    def __init__(
        self,
        client: FrigateClient,
        *,
        ledger: Ledger,
        spool: Spool,
        watch: FrigateWatch,
        timing: Timing,
        on_fetched: Callable[[Iterable[str]], None],
        on_change: Callable[[], None],
    ) -> None:
        """Keep what it works with; nothing is fetched before `run`."""
        self._client = client
        self._ledger = ledger
        self._spool = spool
        self._watch = watch
        self._timing = timing
        self._on_fetched = on_fetched
        self._on_change = on_change
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
            for _ in range(AT_ONCE):
                group.create_task(self._lane())

    async def _lane(self) -> None:
        while True:
            await self._watch.released.wait()
            await self._watch.answers.wait()
            news = self._news
            try:
                job = await self._claim()
                if job is None:
                    await self._wait_for_work(news)
                    continue
                try:
                    await self._fetch(job)
                finally:
                    self._in_flight.discard(job.file_id)
            except (LedgerError, SpoolError) as err:
                _LOGGER.error("Nothing can be fetched from Frigate for now: %s", err)
                await asyncio.sleep(_PAUSE)

    async def _claim(self) -> FetchJob | None:
        async with self._claiming:
            jobs = await self._ledger.run(
                files.next_fetches, now=time.time(), exclude=self._in_flight, limit=1
            )
            self._in_flight.update(job.file_id for job in jobs)
        return jobs[0] if jobs else None

    async def _wait_for_work(self, news: asyncio.Event) -> None:
        now = time.time()
        due = await self._ledger.run(files.next_due, after=now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if due is None else due - now):
                await news.wait()

    async def _fetch(self, job: FetchJob) -> None:
        """Bring one file into the spool, or note why it could not be."""
        try:
            if job.item.media is Media.SNAPSHOTS:
                file = await self._fetch_snapshot(job)
            else:
                file = await self._fetch_clip(job)
        except MediaGone as err:
            await self._end_or_retry(job, err, patience=self._timing.missing_after)
        except MediaNotReady as err:
            await self._end_or_retry(job, err, patience=None)
        except MediaBroken as err:
            await self._retry(job, err)
        except FrigateError as err:
            await self._retry(job, err)
            if not is_about_one_file(err):
                self._watch.failed(err)
        else:
            await self._keep(job, file)

    async def _fetch_snapshot(self, job: FetchJob) -> SpoolFile:
        image = await self._client.snapshot(job.item.source_id)
        check_jpeg(image)
        return await self._spool.store(image, job.item.media.extension)

    async def _fetch_clip(self, job: FetchJob) -> SpoolFile:
        asked = FootageRange(job.start, job.end)
        segments = await self._client.recordings(
            job.item.camera, after=asked.start, before=asked.end
        )
        expected = footage_seconds(segments, asked)
        if not expected:
            raise _NoFootage("Frigate's recordings show nothing for this time")
        if tail_is_missing(
            segments,
            end=min(job.item.end or asked.end, asked.end),
            age=self._age(job),
            timing=self._timing,
        ):
            raise MediaNotReady("The last seconds are not on Frigate's disk yet")
        async with self._spool.writer(job.item.media.extension) as writer:
            await self._client.clip(
                job.item.camera, start=asked.start, end=asked.end, write=writer.write
            )
            await writer.flush()
            info = await asyncio.to_thread(check_mp4, writer.path)
            if is_short(info.duration, expected=expected):
                raise MediaBroken(
                    f"The clip has {info.duration:.0f} s of {expected:.0f} s"
                )
            return await writer.finish()

    def _age(self, job: FetchJob) -> float:
        """Return how long ago the item ended, by Frigate's clock, in seconds."""
        end = job.item.end if job.item.end is not None else job.item.told
        return time.time() - self._client.clock_offset - end

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
            "Fetched the %s of %s (%s)",
            job.item.media.kind.replace("_", " "),
            job.item.source_id,
            job.item.camera,
        )
        if waiting:
            self._on_fetched(waiting)
        else:
            await self._spool.remove([file.name])

    async def _end_or_retry(
        self, job: FetchJob, error: FrigateError, *, patience: float | None
    ) -> None:
        """End the file if Frigate shows that it will never come, else try again."""
        age = max(self._age(job), time.time() - job.item.told)
        if patience is None:
            is_over = isinstance(error, _NoFootage) and age > self._timing.gone_after
        else:
            is_over = age > patience
        if not is_over:
            await self._retry(job, error)
            return
        freed = await self._ledger.run(
            uploads.finish_without_footage, job.file_id, str(error), now=time.time()
        )
        _LOGGER.warning(
            "Frigate has no %s of %s (%s) any more: %s",
            job.item.media.kind.replace("_", " "),
            job.item.source_id,
            job.item.camera,
            error,
        )
        if freed:
            await self._spool.remove([freed])
        self._on_change()

    async def _retry(self, job: FetchJob, error: FrigateError) -> None:
        delay = retry_delay(job.attempts + 1, self._timing)
        # The reason is told once; that it is still so is for the debug log.
        level = logging.INFO if job.attempts == 0 else logging.DEBUG
        _LOGGER.log(
            level,
            "The %s of %s (%s) is asked for again in %.0f s: %s",
            job.item.media.kind.replace("_", " "),
            job.item.source_id,
            job.item.camera,
            delay,
            error,
        )
        await self._ledger.run(
            files.postpone, job.file_id, due=time.time() + delay, error=str(error)
        )


class _NoFootage(MediaNotReady):
    """Frigate's recordings show nothing for the range."""
