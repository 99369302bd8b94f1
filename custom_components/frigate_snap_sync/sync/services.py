"""What nearly every part of the engine works with, handed over together."""

from dataclasses import dataclass, field
from typing import Self

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

    async def apply(self, transition: Transition) -> None:
        """Signal the uploads that ended, and remove what was freed from the spool.

        Raises SpoolError when a file can't be removed.
        """
        for event in transition.events:
            self.signals.upload_ended(event)
        await self.spool.remove(transition.freed)
