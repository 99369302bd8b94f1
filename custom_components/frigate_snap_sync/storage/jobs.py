"""Blocking file work in executor threads: a few at once, none waited for in vain."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any

from .errors import Unreachable
from .limits import Limits


class Abandoned(Exception):
    """This job is waited for no longer: undo it and end."""


class Job:
    """What a thread and the event loop know of one piece of work."""

    def __init__(self) -> None:
        """Start the clock."""
        self.progressed = monotonic()
        self.abandoned = False

    def step(self) -> None:
        """Tell, from the thread, that the work continues; may raise `Abandoned`."""
        if self.abandoned:
            raise Abandoned
        self.progressed = monotonic()


def in_thread[T](work: Callable[[], T]) -> asyncio.Future[T]:
    """Begin work in a thread. It need not be waited for: then its failure is no one's."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    future.add_done_callback(_retrieve)
    return future


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from logging as an error what no one waited for."""
    if not future.cancelled():
        future.exception()


class JobRunner:
    """Runs blocking work in the loop's default executor.

    A thread that hangs in the kernel (a dead network share) can't be ended. So
    it keeps its place among the `limit` ones until it returns, and whoever
    waits gets `Unreachable` when no step was made for `timeout` seconds.
    """

    def __init__(
        self,
        *,
        limit: int,
        timeout: float,
        cancel_timeout: float = Limits().cancel_timeout,
    ) -> None:
        """Set the most threads at once, and the seconds a step may take.

        A cancelled caller waits `cancel_timeout` seconds for its thread to clean up.
        """
        self._limit = limit
        self._timeout = timeout
        self._cancel_timeout = cancel_timeout
        self._running: dict[asyncio.Future[Any], Job] = {}
        self._names: dict[str, asyncio.Future[Any]] = {}

    async def run[T](self, work: Callable[[Job], T], *, name: str | None = None) -> T:
        """Return what `work` returns, or raise what it raises.

        Of the jobs with the same `name` only one runs at a time. When the
        caller is cancelled, the job finds out at its next step.
        """
        while waited := self._in_the_way(name):
            await self._wait(waited)
        job = Job()
        future = in_thread(partial(work, job))
        self._running[future] = job
        if name is not None:
            self._names[name] = future
        future.add_done_callback(partial(self._ended, name))
        try:
            await self._wait({future: job})
        except Unreachable:
            job.abandoned = True
            raise
        except asyncio.CancelledError:
            job.abandoned = True
            await asyncio.wait({future}, timeout=self._cancel_timeout)
            raise
        try:
            return future.result()
        except Abandoned as err:
            raise Unreachable("The destination was closed meanwhile") from err

    def abandon_all(self) -> None:
        """Tell every job to end at its next step."""
        for job in self._running.values():
            job.abandoned = True

    def _in_the_way(self, name: str | None) -> dict[asyncio.Future[Any], Job]:
        """Return the jobs one of which must end before a new one may start."""
        if name is not None and (future := self._names.get(name)) is not None:
            return {future: self._running[future]}
        if len(self._running) >= self._limit:
            return self._running.copy()
        return {}

    async def _wait(self, jobs: Mapping[asyncio.Future[Any], Job]) -> None:
        """Wait until one of the jobs ends, as long as one of them runs."""
        while True:
            progressed = max(job.progressed for job in jobs.values())
            remaining = progressed + self._timeout - monotonic()
            done, _ = await asyncio.wait(
                jobs, timeout=max(remaining, 0), return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return
            if remaining <= 0:
                raise Unreachable(f"No answer for {self._timeout:g} seconds")

    def _ended(self, name: str | None, future: asyncio.Future[Any]) -> None:
        del self._running[future]
        if name is not None:
            del self._names[name]
