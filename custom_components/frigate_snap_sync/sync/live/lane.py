"""A live lane: one item's film on its way to one destination."""

import asyncio
import logging
from math import inf
import time
from typing import Final

from ...storage.errors import StorageError, Unreachable
from ...storage.outlasting import outlast
from ..ledger import LedgerError
from ..model.spans import Spans
from ..model.timing import Timing
from ..sending.worker import Worker
from ..support.live_progress import LiveProgress
from ..support.outage_log import OutageLog
from .film import Batch, Film, next_batch
from .left_out import LeftOut
from .numbered import PieceWriter, StillWriter
from .target import LiveTarget
from .writers import Gone, GrowingWriter, LiveWriter

_LOGGER = logging.getLogger(__name__)

_MOST_BYTES: Final = 512 * 1024
"""Bytes of one write."""
_LONGEST: Final = 0.25
"""Seconds of film in one write: what is under way on a slow line must not be many."""


def _writer_for(target: LiveTarget, film: Film, timing: Timing) -> LiveWriter:
    """Return what brings a film to a destination, in the way that it can."""
    if film.is_stills:
        return StillWriter(target)
    if target.destination.capabilities.append:
        return GrowingWriter(target)
    return PieceWriter(target, seconds=timing.live_piece)


class LiveLane:
    """Follows a film. It is late for nothing else, and nothing waits for it."""

    def __init__(
        self,
        target: LiveTarget,
        film: Film,
        *,
        timing: Timing,
        since: float,
        is_recorded: bool,
        outage: OutageLog,
    ) -> None:
        """Begin with the first keyframe after `since`, by a steady clock.

        `is_recorded` tells whether the film shows what Frigate records.
        """
        self.film = film
        self._is_recorded = is_recorded
        self._target = target
        self._timing = timing
        self._last = self._looked = film.before(since)
        self._progress: LiveProgress = target.services.live_progress
        self._outage = outage
        self._pause = timing.live_retry
        self._writer = _writer_for(target, film, timing)
        self._take = 0
        self._left_out = LeftOut(
            much=timing.live_left_out, within=timing.live_left_out_in
        )
        self._seconds = 0.0
        """How far the film's own clock had come with what was sent last."""
        self._sent_at: float | None = None
        """When film was sent last behind some that has arrived, by a steady clock."""
        self._has_lost = False
        """Whether the connection broke since film has arrived."""

    @property
    def worker(self) -> Worker:
        """Return whose destination it sends to."""
        return self._target.worker

    @property
    def is_local(self) -> bool:
        """Tell whether that is on a disk of this machine, or on a share."""
        return self._target.destination.capabilities.is_local

    @property
    def is_too_slow(self) -> bool:
        """Tell whether film arrives there, but much of it has to be left out."""
        return not self.film.is_stills and self._left_out.is_much(time.monotonic())

    @property
    def keeps_up(self) -> bool:
        """Tell whether film arrives there, and all of it but for a gap now and then."""
        if self._sent_at is None or self.is_too_slow:
            return False
        longest = 2 * self._timing.live_behind + self._writer.patience
        return time.monotonic() - self._sent_at <= longest

    async def hear(self, target: LiveTarget, *, begins: float) -> None:
        """Take what has been heard of the item meanwhile. Raises LedgerError.

        Of a first sign it may be its review; the recording of that `begins` then.
        """
        if self._target.is_hint and not target.is_hint:
            await self._target.adopt(target, begins=begins)
        self._target.item = target.item

    async def run(self) -> None:
        """Send until cancelled, or until the ledger no longer knows the item."""
        try:
            while True:
                try:
                    await self._follow()
                    self._pause = self._timing.live_retry
                except StorageError as err:
                    await self._note_failure(err)
                except LedgerError as err:
                    self._outage.report(err)
                except Gone:
                    return
                except Exception:
                    _LOGGER.exception("Live film for %s failed", self._target.name)
                await self._end_take()
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, self._timing.live_longest_retry)
        finally:
            # Also when Home Assistant stops: its end is bounded.
            await self._end_take()

    async def _note_failure(self, error: StorageError) -> None:
        """Tell the worker, which then says when the destination may be tried again.

        Only a connection that broke is made again at once, for film is late soon: if
        that fails, too, or no film arrives by it, the destination is at fault. A login
        that was refused is never tried again from here: servers ban who does.
        """
        _LOGGER.debug("Live film for %s: %s", self._target.name, error)
        is_first_loss = error.code == Unreachable.code and not self._has_lost
        self._has_lost = True
        if not is_first_loss:
            await self.worker.note_failure(error)

    async def _follow(self) -> None:
        """Send what comes. Returns when nothing may be sent for now."""
        is_first = True
        while True:
            await self.film.more(max(self._last, self._looked))
            if not is_first:
                await asyncio.sleep(self._to_gather())
            # Only then is it chosen what to send: it may be another keyframe by now.
            await self._writer.ready()
            if not self._target.is_open:
                return
            batch = next_batch(
                self.film.after(self._last),
                last=self._last,
                # What there was before it began is sent at one go.
                oldest=0 if is_first else self._oldest(),
                most_bytes=_MOST_BYTES,
                longest=inf if is_first else _LONGEST,
            )
            if batch is None or (not self._take and not batch.chunks[0].is_keyframe):
                self._skip(batch)
                continue
            await self._send(batch)
            is_first = False

    def _to_gather(self) -> float:
        """Return for how long what comes is gathered: not if it waits already."""
        first = self.film.first_after(max(self._last, self._looked))
        waited = 0.0 if first is None else time.monotonic() - first.arrived
        return max(self._timing.live_tick - waited, 0.0)

    def _oldest(self) -> float:
        """Return what is too late to be sent: all, if what is under way is."""
        behind = self._timing.live_behind + self._writer.patience
        oldest = time.monotonic() - behind
        since = self._writer.waiting_since
        return inf if since is not None and since < oldest else oldest

    async def _send(self, batch: Batch) -> None:
        first = batch.chunks[0]
        if first.take != self._take:
            await self._end_take()
            await self._writer.begin(first)
            self._take = first.take
        elif batch.is_jump:
            gap = first.seconds - self._seconds
            self._left_out.note(gap, now=time.monotonic())
        await self._writer.send(batch)
        self._last = batch.chunks[-1].number
        self._seconds = batch.chunks[-1].seconds
        if spans := self._writer.newest_spans:
            self._has_lost = False
            self._sent_at = time.monotonic()
        self._note(spans)
        self._pause = self._timing.live_retry
        self._outage.over()

    def _skip(self, batch: Batch | None) -> None:
        """Leave out what can't be shown without what was before it.

        Without a batch some is lost: what was sent last stays known, so that only a
        keyframe follows it.
        """
        if batch is not None:
            self._last = self.film.before_keyframe(batch.chunks[0].number)
        elif self.film.newest is not None:
            self._looked = self.film.newest.number

    def _note(self, spans: Spans) -> None:
        if not self._is_recorded or self._target.is_hint:
            # Stills, or a stream of few pixels: no part could be left out for them.
            return
        self._progress.note(self._target.item.source_id, self._target.id, spans)

    async def _end_take(self) -> None:
        """End the file, if there is one. The next one begins with a keyframe."""
        self._take = 0
        ending = asyncio.create_task(self._writer.end())
        try:
            await outlast(ending)
        except asyncio.CancelledError:
            # It ends in a moment: else writes would be left alone, and the file open.
            await asyncio.wait({ending})
            raise
