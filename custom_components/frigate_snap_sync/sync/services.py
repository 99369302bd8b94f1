"""What nearly every part of the engine works with, handed over together."""

from dataclasses import dataclass, field

from .ledger import Ledger
from .model.timing import Timing
from .spool.spool import Spool
from .support.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ledger, the spool, how long to wait for what, and the signals."""

    ledger: Ledger
    spool: Spool
    timing: Timing
    signals: Signals = field(default_factory=Signals)
