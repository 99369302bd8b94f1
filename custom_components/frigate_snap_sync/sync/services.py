"""What nearly every part of the engine works with, handed over together."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
import sqlite3
from typing import Any, Concatenate, Protocol, Self

from ..storage.outlasting import outlast
from .ledger import Ledger
from .model.engine_options import EnginePaths
from .model.limits import Limits
from .model.timing import Timing
from .model.transition import Transition
from .spool.running_downloads import RunningDownloads
from .spool.spool import Spool
from .support.live_ends import LiveEnds
from .support.live_progress import LiveProgress
from .support.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ledger, the spool, how long to wait, how much to take on, the signals."""

    ledger: Ledger
    spool: Spool
    timing: Timing = field(default_factory=Timing)
    limits: Limits = field(default_factory=Limits)
    signals: Signals = field(default_factory=Signals)
    downloads: RunningDownloads = field(default_factory=RunningDownloads)
    live_progress: LiveProgress = field(default_factory=LiveProgress)
    live_ends: LiveEnds = field(default_factory=LiveEnds)
    begun: set[asyncio.Task[Any]] = field(default_factory=set)
    """What is finished although whoever waits for it is cancelled."""

    @classmethod
    def at(cls, paths: EnginePaths, *, spool_limit: int) -> Self:
        """Return the services of an engine with these files; nothing is opened yet.

        `spool_limit` is in bytes.
        """
        limits = Limits()
        return cls(
            ledger=Ledger(paths.ledger, generation_path=paths.generation),
            spool=Spool(paths.spool, limit=spool_limit, reserve=limits.spool_reserve),
            limits=limits,
        )

    async def finish[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Finish some work, also when the caller is cancelled meanwhile.

        What the ledger has begun is committed in any case: so must all be done that
        follows from it. Raises what the work raises.
        """
        task = asyncio.create_task(work)
        self.begun.add(task)
        task.add_done_callback(self.begun.discard)
        return await outlast(task)

    async def commit[**P](
        self,
        job: Callable[Concatenate[sqlite3.Connection, P], Transition],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Run a job of the ledger and `apply` what comes of it, both or neither.

        Raises LedgerError or SpoolError.
        """

        async def both() -> None:
            await self.apply(await self.ledger.run(job, *args, **kwargs))

        await self.finish(both())

    async def apply(self, transition: Transition) -> None:
        """Signal the uploads that ended, and remove what was freed from the spool.

        Raises SpoolError when a file can't be removed.
        """
        for event in transition.events:
            self.signals.upload_ended(event)
        await self.spool.remove(transition.freed)


class _Part(Protocol):
    _services: Services


def to_the_end[S: _Part, **P, T](
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let a method that was called be finished although its caller is cancelled."""

    @wraps(method)
    async def whole(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._services.finish(method(self, *args, **kwargs))

    return whole
