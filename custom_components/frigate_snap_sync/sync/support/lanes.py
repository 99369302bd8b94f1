"""Lanes: jobs of the ledger, taken up one by one, in several lanes at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
import time
from typing import Protocol

from ...changes import Changes
from ..model.errors import LedgerError, SpoolError
from ..model.rank import Rank
from ..model.timing import Timing
from .home_health import note_success
from .outage_log import OutageLog
from .tasks import wait_for


class Queue[Job](Protocol):
    """Where the jobs come from. Its methods raise LedgerError."""

    def key(self, job: Job) -> int:
        """Return what tells a job from all others."""

    async def next(
        self, ranks: Collection[Rank], *, now: float, exclude: Collection[int]
    ) -> Job | None:
        """Return the first job of these ranks that is due, but for some keys."""

    async def next_due(self, *, after: float) -> float | None:
        """Return when the next job will be due that is not yet, or None."""


class Lanes[Job]:
    """Takes up what is due; no job is in two lanes at a time."""

    def __init__(self, queue: Queue[Job], *, outage: OutageLog, timing: Timing) -> None:
        """Keep where the jobs come from, and what logs that ledger or spool fail."""
        self.in_flight: dict[int, Job] = {}
        """The jobs that are being worked at, by their keys."""
        self.changes = Changes()
        """There may be something to do."""
        self._queue = queue
        self._outage = outage
        self._timing = timing
        self._claiming = asyncio.Lock()

    def wake(self) -> None:
        """Look for work now."""
        self.changes.notify()

    async def run(
        self,
        ranks: Collection[Rank],
        *,
        ready: Callable[[], Awaitable[None]],
        work: Callable[[Job], Awaitable[None]],
    ) -> None:
        """Work at the jobs of some ranks one after the other, until cancelled.

        `ready` is awaited before each. A job is in flight until `work` returns or
        raises; nothing comes in between.
        """
        while True:
            await ready()
            change, now = self.changes.next(), time.time()
            try:
                job = await self._claim(ranks, now)
                if job is None:
                    due = await self._queue.next_due(after=now)
                    note_success(self._outage)
                    await wait_for(change, None if due is None else due - time.time())
                    continue
                try:
                    await work(job)
                finally:
                    del self.in_flight[self._queue.key(job)]
            except (LedgerError, SpoolError) as err:
                self._outage.report(err)
                await asyncio.sleep(self._timing.failure_pause)
            else:
                self._outage.over()

    async def _claim(self, ranks: Collection[Rank], now: float) -> Job | None:
        async with self._claiming:
            job = await self._queue.next(ranks, now=now, exclude=self.in_flight)
            if job is not None:
                self.in_flight[self._queue.key(job)] = job
        return job
