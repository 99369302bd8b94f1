"""What nearly every part of the engine works with, handed over together."""

from dataclasses import dataclass, field

from .ledger import Ledger
from .model.timing import Timing
from .model.transition import Transition
from .spool.spool import Spool
from .support.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ledger, the spool, how long to wait for what, and the signals."""

    ledger: Ledger
    spool: Spool
    timing: Timing
    signals: Signals = field(default_factory=Signals)

    async def apply(self, transition: Transition) -> None:
        """Signal the uploads that ended, and remove what was freed from the spool.

        Raises SpoolError when a file can't be removed.
        """
        for event in transition.events:
            self.signals.upload_ended(event)
        await self.spool.remove(transition.freed)
