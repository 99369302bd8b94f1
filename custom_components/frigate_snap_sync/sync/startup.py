"""The start of an engine: its ledger and its spool are made to agree."""

import logging
import time

from .ledger import (
    Ledger,
    Origin,
    clock,
    live_files,
    milestones,
    restored as ledger_restored,
    spooled_files,
)
from .services import Services

_LOGGER = logging.getLogger(__name__)


async def open_home(services: Services) -> float:
    """Open the spool, as the ledger knows it, which is open.

    Returns when the ledger began again with less than it had known, or 0. Raises
    LedgerError or SpoolError.
    """
    ledger, spool = services.ledger, services.spool
    # Before the ledger's times are brought in line: they show whether the clock is behind.
    await ledger.run(live_files.end_all, now=time.time())
    await ledger.run(
        clock.begin, now=time.time(), longest=services.timing.longest_retry
    )
    await ledger.run(milestones.moment, milestones.SINCE, default=time.time())
    restored = await _restored_at(ledger)
    known = await ledger.run(spooled_files.spool_names)
    is_own = ledger.origin is Origin.OWN
    if missing := await spool.open(known, keeps_unknown=not is_own):
        _LOGGER.warning(
            "The spool lost %d file(s); what Frigate has is fetched again", len(missing)
        )
        await services.apply(
            await ledger.run(spooled_files.lost_names, missing, now=time.time())
        )
    await ledger.run(milestones.forget, milestones.UNSETTLED)
    return restored


async def _restored_at(ledger: Ledger) -> float:
    """Return when the ledger began again with less than it had known, or 0."""
    if ledger.origin is not Origin.OWN:
        await ledger.run(milestones.keep_moment, milestones.RESTORED, time.time())
        await ledger.run(ledger_restored.distrust)
    return await ledger.run(milestones.moment, milestones.RESTORED, default=0.0)
