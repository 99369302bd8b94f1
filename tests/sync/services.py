"""Services of parts that are tested without an engine."""

from pathlib import Path

from custom_components.frigate_snap_sync.sync.ledger import Ledger
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.services import Services
from custom_components.frigate_snap_sync.sync.spool.spool import Spool

_NOWHERE = Path("nowhere")


def unopened(
    *,
    ledger: Ledger | None = None,
    timing: Timing = Timing(),
    limits: Limits = Limits(),
) -> Services:
    """Return services whose files are not open, but for a ledger that is given."""
    return Services(
        ledger=ledger or Ledger(_NOWHERE / "one.db"),
        spool=Spool(_NOWHERE / "spool", limit=0),
        timing=timing,
        limits=limits,
    )
