"""Summaries: what was uploaded in some time, day by day."""

from datetime import datetime, tzinfo

from ..ledger import summaries
from ..model.summary import Summary, SummaryRow, days_of
from ..services import Services


class Summaries:
    """Adds up what the ledger knows of some time."""

    def __init__(self, services: Services, *, time_zone: tzinfo) -> None:
        """Keep whom to ask, and whose days they are."""
        self._ledger = services.ledger
        self._time_zone = time_zone

    async def of(
        self,
        start: datetime,
        end: datetime,
        *,
        camera: str | None = None,
        destination_id: str | None = None,
    ) -> Summary:
        """Return what was uploaded of the items that began in that time.

        Each day is a job of its own, so that nothing waits long. Raises LedgerError.
        """
        chosen = [destination_id] if destination_id else await self._destinations()
        rows: list[SummaryRow] = []
        for day, begin, until in days_of(start, end, self._time_zone):
            rows += await self._ledger.run(
                summaries.of_day,
                chosen,
                day=day.isoformat(),
                start=begin,
                end=until,
                camera=camera,
            )
        return Summary(rows=rows)

    async def _destinations(self) -> list[str]:
        return await self._ledger.run(summaries.destinations)
