"""The look at a destination every few minutes, whether anything is to be sent or not."""

from ...storage.errors import StorageError
from ..ledger import LedgerError
from ..model.destination_setup import DestinationSetup
from ..services import Services
from ..support.home_health import note_success
from ..support.outage_log import OutageLog
from .audit import Audit
from .breaker import reaction_to
from .destination_health import DestinationHealth
from .drill_leftovers import DrillLeftovers


class RegularLook:
    """Sees whether one destination is there, and that all is well at it."""

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        health: DestinationHealth,
        drill_leftovers: DrillLeftovers,
        outage: OutageLog,
    ) -> None:
        """Keep what it works with; `outage` logs a ledger that fails."""
        self.free_space: int | None = None
        """The free bytes there, None while they are unknown."""
        self._destination = setup.destination
        self._health = health
        self._drill_leftovers = drill_leftovers
        self._audit = Audit(setup, services=services)
        self._outage = outage

    async def take(self) -> None:
        """Look once, clean up after tests, and audit if it is time."""
        try:
            await self._destination.connect()
            self.free_space = await self._ask_for_space()
            await self._health.clean()
            await self._drill_leftovers.clean()
            await self._audit.audit()
        except LedgerError as err:
            self._outage.report(err)
        except StorageError as err:
            # Whatever its cause: none of this is about a file that is to be sent.
            await self._health.fail(err)
        else:
            note_success(self._outage)
            self._health.contact(connected=True)
            self._health.settle()

    async def _ask_for_space(self) -> int | None:
        """Return the free bytes, None where the destination is there but does not say."""
        try:
            return await self._destination.free_space()
        except StorageError as err:
            if not reaction_to(err).is_contact:
                raise
            return None
