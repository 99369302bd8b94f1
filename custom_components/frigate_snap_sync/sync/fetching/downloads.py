"""Downloads: one file of Frigate into the spool, and whether it is whole."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil, floor
import time

from ...frigate.errors import FrigateError, MediaBroken, MediaGone, MediaNotReady
from ...frigate.media import check_mp4
from ...frigate.models import Segment, Segments
from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, uploads
from ..ledger.fetch_queue import FetchJob
from ..ledger.salvage import SHORTEST
from ..model.coverage import Coverage, coverage, lacks, shown
from ..model.errors import SpoolFull
from ..model.footage_ranges import FootageRange, tail_is_missing
from ..model.item import Media, Role
from ..model.spans import NONE, Spans, total, union, within
from ..model.status import Picture
from ..services import Services
from ..spool.running_downloads import RunningDownload
from ..spool.spool import SpoolFile
from .pace import Pace, giving_way


class NoFootage(MediaNotReady):
    """Frigate's recordings show nothing for the range."""


class DoesNotFit(SpoolFull):
    """The spool has no space for a clip; `size` is how many bytes of it came."""

    def __init__(self, size: int) -> None:
        """Keep the size."""
        super().__init__("The clip does not fit into the spool")
        self.size = size


class ClipEmpty(MediaNotReady):
    """Nothing comes of a range of which Frigate's recordings show footage."""


class NothingPlays(MediaNotReady):
    """Nothing can be played of a range of which the recordings show footage."""


class FootageLost(MediaBroken):
    """Frigate's recordings show less of the range than they did before."""


_OF_ONE_RANGE = (DoesNotFit, MediaBroken, MediaGone, MediaNotReady)
"""What another range may be free of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip in the spool: for which range it was asked, and what it holds."""

    file: SpoolFile
    start: int
    end: int
    coverage: Coverage


class Downloads:
    """Asks Frigate for the media of one file and lets only whole ones pass."""

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        others_wait: Callable[[], Awaitable[bool]],
    ) -> None:
        """Keep what it works with.

        `others_wait` tells whether what comes too slowly should give way.
        """
        self._client = client
        timing = services.timing
        self._services = services
        self._spool = services.spool
        self._signals = services.signals
        self._timing = timing
        self._others_wait = others_wait
        self._part_timing = replace(
            timing, tail_patience=min(timing.part_tail, timing.tail_patience)
        )
        self._shown: dict[int, Spans] = {}

    def take_shown(self, file_id: int) -> Spans:
        """Return what Frigate's recordings showed of a file since this was asked."""
        return self._shown.pop(file_id, NONE)

    def age(self, job: FetchJob) -> float:
        """Return how long ago the file's time was over, by Frigate's clock, in s."""
        if job.item.media is Media.RECORDINGS:
            end = float(job.end)
        else:
            end = job.item.reported_at if job.item.end is None else job.item.end
        return time.time() - self._client.clock_offset - end

    async def snapshot(self, job: FetchJob) -> SpoolFile:
        """Fetch a tracked object's image; raises FrigateError or SpoolError."""
        item = job.item
        image = await self._client.snapshot(item.source_id)
        file = await self._spool.store(image, item.media.extension)
        taken = next(each for each in (item.pictured, item.end, item.start) if each)
        moment = datetime.fromtimestamp(taken + self._client.clock_offset, UTC)
        self._signals.pictured(Picture(camera=item.camera, image=image, moment=moment))
        return file

    async def clip(self, job: FetchJob, *, known: Spans) -> Clip:
        """Fetch a stretch of footage; raises FrigateError or SpoolError.

        `known` is what is known to have been footage, in epoch seconds of Frigate's
        clock. DoesNotFit when the clip is larger than the space in the spool;
        MediaBroken when it is not whole, or lacks what Frigate's recordings show, and
        ClipEmpty when it lacks all of that;
        FootageLost when those lack what is known; GaveWay when it comes too slowly
        while others wait.
        """
        asked = FootageRange(job.start, job.end)
        segments = await self._segments(job)
        is_early = tail_is_missing(
            segments,
            end=asked.end,
            age=self.age(job),
            attempts=job.attempts,
            timing=self._part_timing if job.role is Role.PART else self._timing,
        )
        if is_early and segments and not job.as_is:
            raise MediaNotReady("The last seconds are not on Frigate's disk yet")
        known = within(known, asked.start, asked.end)
        there = _require(segments, asked)
        if lost := lacks(there, known):
            raise FootageLost(
                f"Frigate has {total(known) - lost:.0f} s left of {total(known):.0f} s"
            )
        # One that was broken may be so again.
        return await self._download(job, asked, segments, is_followed=not job.attempts)

    async def remainder(self, job: FetchJob) -> Clip | None:
        """Fetch what Frigate still has of footage that it has lost some of.

        A piece of that if it can't be had as one; None if nothing can. Raises as
        `longest_piece`.
        """
        asked = FootageRange(job.start, job.end)
        with suppress(*_OF_ONE_RANGE):
            return await self._download(job, asked, await self._segments(job))
        return await self.longest_piece(job)

    async def look_for(self, job: FetchJob) -> None:
        """See whether Frigate still has what a file needs; raises FrigateError."""
        if job.item.media is Media.SNAPSHOTS:
            tracked = await self._client.event(job.item.source_id)
            if tracked is None or not tracked.has_snapshot:
                raise MediaGone("Frigate has no such snapshot any more")
            return
        _require(await self._segments(job), FootageRange(job.start, job.end))

    async def is_passed(self, job: FetchJob) -> bool:
        """Tell whether Frigate's recordings show footage behind a part, but none of it.

        Then its disk has passed the part, which will never be there. Before, it may be
        late: when its machine is slow it is so by minutes.
        """
        age = self.age(job)
        if not self._timing.part_patience < age <= self._timing.gone_after:
            return False  # Too early, or over in any case.
        now = ceil(job.end + age)
        try:
            segments = await self._client.recordings(
                job.item.camera, after=job.start, before=now
            )
        except FrigateError:
            return False  # The next request meets it, too.
        is_there = shown(segments, FootageRange(job.start, job.end))
        return not is_there and bool(shown(segments, FootageRange(job.end, now)))

    async def fitting_beginning(self, job: FetchJob) -> Clip | None:
        """Fetch a beginning that the spool has space for: a half, a quarter, ….

        From the first footage on. None if there is none. Raises FrigateError (about
        Frigate as a whole, or NoFootage) or SpoolError.
        """
        asked = FootageRange(job.start, job.end)
        segments = await self._segments(job)
        there = _require(segments, asked)
        asked = FootageRange(floor(there[0][0]), job.end)
        while asked.end - asked.start > SHORTEST:
            asked = FootageRange(asked.start, (asked.start + asked.end) // 2)
            try:
                return await self._download(job, asked, segments)
            except _OF_ONE_RANGE:
                continue
        return None

    async def longest_piece(self, job: FetchJob) -> Clip | None:
        """Fetch the longest playable beginning of a clip that is broken as a whole.

        If it has none, what can be played behind what can't. None if nothing can. What
        lies behind that is another file's.
        Raises FrigateError (about Frigate as a whole) or SpoolError.
        """
        segments = await self._segments(job)
        best = await self._beginning(job, segments, job.start)
        return best or await self._behind(job, segments)

    async def behind_beginning(self, job: FetchJob) -> Clip | None:
        """Fetch what can be played of a clip of which nothing comes.

        Frigate says nothing at all where its file of the first seconds is missing.
        None if nothing can. Raises as `longest_piece`.
        """
        return await self._behind(job, await self._segments(job))

    async def _behind(self, job: FetchJob, segments: Segments) -> Clip | None:
        start = await self._first_playable(job, segments)
        if start is None:
            return None
        with suppress(*_OF_ONE_RANGE):
            return await self._download(job, FootageRange(start, job.end), segments)
        return await self._beginning(job, segments, start)

    async def _first_playable(self, job: FetchJob, segments: Segments) -> int | None:
        """Return where the first segment begins that can be played, None if none can.

        The first of all is known not to. Of the others ever more are left out, and then
        it is looked between those that can and those that can't.
        """
        ranges = [
            # Frigate still takes the segment before for what begins in its last second.
            FootageRange(floor(each.start_time) + 1, min(floor(each.end_time), job.end))
            for each in sorted(segments, key=lambda each: each.start_time)
            if each.start_time > job.start
        ]
        ranges = [each for each in ranges if each.end > each.start]
        bad, good = -1, 0
        while good < len(ranges) and not await self._plays(job, ranges[good], segments):
            bad, good = good, 2 * good + 1
            if good >= len(ranges) > bad + 1:
                good = len(ranges) - 1
        if good >= len(ranges):
            return None
        while good - bad > 1:
            middle = (good + bad) // 2
            if await self._plays(job, ranges[middle], segments):
                good = middle
            else:
                bad = middle
        return ranges[good].start

    async def _plays(
        self, job: FetchJob, asked: FootageRange, segments: Segments
    ) -> bool:
        try:
            clip = await self._download(job, asked, segments)
        except _OF_ONE_RANGE:
            return False
        await self._spool.remove([clip.file.name])
        return True

    async def _beginning(
        self, job: FetchJob, segments: Segments, start: int
    ) -> Clip | None:
        best: Clip | None = None
        good, bad = start, job.end
        while bad - good > SHORTEST:
            middle = (good + bad) // 2
            asked = FootageRange(start, middle)
            try:
                clip = await self._download(job, asked, segments)
            except _OF_ONE_RANGE:
                bad = middle
                continue
            except BaseException:
                if best is not None:
                    await self._spool.remove([best.file.name])
                raise
            if best is not None:
                await self._spool.remove([best.file.name])
            best, good = clip, middle
        return best

    async def _segments(self, job: FetchJob) -> Segments:
        segments = await self._client.recordings(
            job.item.camera, after=job.start, before=job.end
        )
        seen = shown(segments, FootageRange(job.start, job.end))
        self._shown[job.file_id] = union(self._shown.get(job.file_id, NONE), seen)
        return segments

    async def _download(
        self,
        job: FetchJob,
        asked: FootageRange,
        segments: Segments,
        *,
        is_followed: bool = False,
    ) -> Clip:
        """Fetch a clip; who waits for it may follow while it comes, if it is whole.

        Whoever keeps it then says so to those who follow.
        """
        there = _require(segments, asked)
        size = 0
        pace = Pace(rate=self._timing.slow_rate, seconds=self._timing.slow_after)
        async with self._spool.writer(
            Media.RECORDINGS.extension, reserve=self._spool.reserve
        ) as writer:
            download = (
                self._services.downloads.begin(job.file_id, writer.path)
                if is_followed
                else None
            )

            async def write(data: bytes) -> None:
                nonlocal size
                size += len(data)
                pace.add(len(data))
                try:
                    await writer.write(data)
                except SpoolFull as err:
                    raise DoesNotFit(size) from err
                if download is not None:
                    await self._grown(job, download, writer.flushed)

            async with giving_way(pace, self._others_wait):
                try:
                    await self._client.clip(
                        job.item.camera, start=asked.start, end=asked.end, write=write
                    )
                except MediaNotReady as err:
                    raise ClipEmpty(str(err), said=err.said) from err
            await writer.flush()
            if download is not None:
                await self._grown(job, download, writer.flushed)
            info = await asyncio.to_thread(check_mp4, writer.path)
            holds = coverage(segments, asked, info, is_unclear=bool(segments.left_out))
            if lost := lacks(holds.most, there):
                raise MediaBroken(
                    f"The clip has {total(there) - lost:.0f} s of {total(there):.0f} s"
                )
            file = await writer.finish()
            return Clip(file=file, start=asked.start, end=asked.end, coverage=holds)

    async def _grown(self, job: FetchJob, download: RunningDownload, size: int) -> None:
        """Let those send what there is who wait for the file.

        Again and again: not each takes as little.
        """
        least, before = self._services.limits.followed_clip, download.size
        if size > before:
            download.grow(size)
        if before // least < size // least:
            with suppress(LedgerError):  # It leaves when it is whole.
                takers = await self._services.ledger.run(uploads.takers_of, job.file_id)
                self._signals.files_ready(takers)


def _require(segments: Sequence[Segment], asked: FootageRange) -> Spans:
    """Return what footage of the range there is; raises NoFootage if none."""
    if not (there := shown(segments, asked)):
        raise NoFootage("Frigate's recordings show nothing for this time")
    return there
