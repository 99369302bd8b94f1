"""A ledger and a spool of which a test decides when they are slow, or fail."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
import sqlite3
from typing import Any, Concatenate, cast, override

from custom_components.frigate_snap_sync.sync.ledger import Ledger
from custom_components.frigate_snap_sync.sync.spool.spool import (
    Spool,
    SpoolFile,
    SpoolWriter,
)

type Job = Callable[..., Any]
type RunJob = Callable[[Job], Awaitable[Any]]
type Step = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Faults:
    """What stands between an engine and its files; nothing at first."""

    run: Callable[[Job, RunJob], Awaitable[Any]] | None = None
    """Awaited instead of the ledger's `run`, with the job and with what runs a job."""
    jobs: dict[Job, Job] = field(default_factory=dict)
    """Jobs of the ledger, and what is run in their place."""
    store: Callable[[Step], Awaitable[SpoolFile]] | None = None
    """Awaited instead of the spool's `store`, with what stores the file."""
    finish: Callable[[Step], Awaitable[SpoolFile]] | None = None
    """The same for a writer's `finish`."""
    remove: Callable[[Step], Awaitable[None]] | None = None
    """The same for the spool's `remove`."""


class Held:
    """Holds a job of the ledger the first time: to be put in the place of its `run`."""

    def __init__(self, job: Job) -> None:
        """Wait for that one."""
        self._job = job
        self.reached = asyncio.Event()
        """Set once it is held."""
        self.may = asyncio.Event()
        """To be set when it may run."""

    async def __call__(self, job: Job, run: RunJob) -> Any:
        """Run a job, when it may."""
        if job is self._job and not self.reached.is_set():
            self.reached.set()
            await self.may.wait()
        return await run(job)


class FaultyLedger(Ledger):
    """A real ledger behind such faults."""

    def __init__(self, path: Path, *, generation_path: Path, faults: Faults) -> None:
        """Keep the faults, which a test may change at any time."""
        super().__init__(path, generation_path=generation_path)
        self._faults = faults

    @override
    async def run[**P, T](
        self,
        job: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async def run(what: Job) -> Any:
            if isinstance(what, partial) and what.func in self._faults.jobs:
                other = self._faults.jobs[what.func]
                what = partial(other, *what.args, **what.keywords)
            what = self._faults.jobs.get(what, what)
            return await super(FaultyLedger, self).run(what, *args, **kwargs)

        if self._faults.run is None:
            return cast(T, await run(job))
        return cast(T, await self._faults.run(job, run))


class FaultySpool(Spool):
    """A real spool behind such faults."""

    def __init__(
        self, folder: Path, *, limit: int, reserve: int, faults: Faults
    ) -> None:
        """Keep the faults, which a test may change at any time."""
        super().__init__(folder, limit=limit, reserve=reserve)
        self._faults = faults

    @override
    async def store(self, data: bytes, extension: str) -> SpoolFile:
        store = partial(super().store, data, extension)
        return await (self._faults.store(store) if self._faults.store else store())

    @override
    async def remove(self, names: Any) -> None:
        remove = partial(super().remove, names)
        await (self._faults.remove(remove) if self._faults.remove else remove())

    @override
    def writer(self, extension: str, *, reserve: int = 0) -> SpoolWriter:
        writer = super().writer(extension, reserve=reserve)
        finish = writer.finish

        async def finished() -> SpoolFile:
            return await (
                self._faults.finish(finish) if self._faults.finish else finish()
            )

        writer.finish = finished  # type: ignore[method-assign]
        return writer
