"""The monthly volume budget of one destination: counted, and kept to."""

import asyncio
from collections.abc import Callable, Collection
from datetime import tzinfo
import logging
import time

from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, budgets
from ..ledger.uploads import UploadJob
from ..model.budget import BudgetStatus, Sendable, held_back, kind_of_item, month_of
from ..model.destination_setup import DestinationSetup
from ..model.errors import SpoolError
from ..monitoring.frigate_monitor import FrigateMonitor
from ..services import Services, to_the_end
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for

_LOGGER = logging.getLogger(__name__)


_SURE = 86400.0
"""Seconds that our clock may differ from Frigate's for the month to be sure."""


class Calendar:
    """Tells which month it is, and whether that is sure."""

    def __init__(
        self, client: FrigateApi, *, monitor: FrigateMonitor, time_zone: tzinfo
    ) -> None:
        """Keep the time zone of the months, and whose clock to compare with ours."""
        self._client = client
        self._monitor = monitor
        self._time_zone = time_zone

    @property
    def is_sure(self) -> bool:
        """Tell whether our clock agrees with Frigate's."""
        is_known = self._monitor.version is not None
        return is_known and abs(self._client.clock_offset) < _SURE

    def month(self, moment: float) -> str:
        """Return the month of a moment (epoch seconds), as in `2026-11`."""
        return month_of(moment, self._time_zone)


class Budget:
    """Counts what is sent to a destination, and holds back what may not be sent now.

    What is counted reaches the ledger within seconds, or half a minute where film alone
    is sent: each commit is a flush of the disk. A kill loses no more than that. A
    destination without a budget is counted as well, of film each minute: it may get one.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        calendar: Calendar,
    ) -> None:
        """Keep whose budget it is; nothing is known before `run`."""
        self._setup = setup
        self._services = services
        self._ledger = services.ledger
        self._timing = services.timing
        self._calendar = calendar
        self._spent = budgets.Spent(month="", bytes=0)
        self._uncounted = 0
        self._counted = asyncio.Event()
        self._is_due = asyncio.Event()
        """Set once more than film was counted."""
        self._working = asyncio.Lock()
        self.loaded = asyncio.Event()
        """Set once it is known what may be sent."""
        self._outage = OutageLog(_LOGGER, f"Counting what is sent to {setup.name}")

    @property
    def limit(self) -> int:
        """Return the bytes that may be sent in a month, 0 for no limit."""
        return self._setup.volume_budget

    @property
    def status(self) -> BudgetStatus | None:
        """Return how much of the budget is used, None where there is none."""
        if not self.limit or not self._spent.month:
            return None
        used = self._spent.bytes + self._uncounted
        return BudgetStatus(used=used, budget=self.limit, month=self._spent.month)

    def count(self, size: int, *, is_film: bool = False) -> None:
        """Note that so many bytes are being sent, as live film or otherwise."""
        self._uncounted += size
        if not is_film:
            self._is_due.set()
        if self.limit or not is_film:
            self._counted.set()

    def allows(self, job: UploadJob) -> bool:
        """Tell whether an upload may begin now."""
        return self.allows_kind(kind_of_item(job.item, job.role))

    def allows_kind(self, kind: Sendable) -> bool:
        """Tell whether something of this kind may be sent now."""
        used = self._spent.bytes + self._uncounted
        return kind not in held_back(used, self.limit)

    async def run(self, in_flight: Callable[[], Collection[int]]) -> None:
        """Keep what is counted, and look for the next month, until cancelled.

        `in_flight` returns the ids of the uploads that are on their way: they continue.
        """
        while not await self._try(()):
            await asyncio.sleep(self._timing.failure_pause)
        self.loaded.set()
        try:
            while True:
                await wait_for(self._counted, self._timing.month_check)
                if self._counted.is_set():
                    await wait_for(self._is_due, self._timing.film_flush)
                self._counted.clear()
                self._is_due.clear()
                await asyncio.sleep(self._timing.budget_flush)
                await self._try(in_flight())
        finally:
            await self._try(in_flight())

    async def settle(self, job: UploadJob, in_flight: Collection[int]) -> None:
        """Hold back what may no longer be sent, a failed upload among it.

        Raises LedgerError or SpoolError.
        """
        await self._update([id_ for id_ in in_flight if id_ != job.upload_id])
        await self._services.commit(budgets.settle_file, job.file_id, now=time.time())

    async def _try(self, in_flight: Collection[int]) -> bool:
        try:
            await self._update(in_flight)
        except (LedgerError, SpoolError) as err:
            self._outage.report(err)
            return False
        self._outage.over()
        return True

    @to_the_end
    async def _update(self, in_flight: Collection[int]) -> None:
        """Commit what was counted; hold back and release. Raises as `settle`.

        What was begun is finished although its caller is cancelled, or bytes would be
        counted twice: the next one waits for it.
        """
        async with self._working:
            size, shown = self._uncounted, self.status
            month = self._calendar.month(self._timing.calendar())
            self._spent = await self._ledger.run(
                budgets.spend,
                self._setup.id,
                size,
                month=month,
                is_sure=self._calendar.is_sure,
            )
            self._uncounted -= size
            used = self._spent.bytes + self._uncounted
            settled = await self._ledger.run(
                budgets.hold_back,
                self._setup.id,
                held_back(used, self.limit),
                now=time.time(),
                exclude=tuple(in_flight),
            )
        if settled is not None:
            await self._services.apply(settled)
            self._services.signals.files_wanted()
            self._services.signals.files_ready((self._setup.id,))
        if self.status != shown:
            self._services.signals.status_changed()
