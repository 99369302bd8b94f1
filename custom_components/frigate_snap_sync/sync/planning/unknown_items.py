"""What Frigate never had is no loss, unlike what it has lost."""

import time
from typing import Final

from ...frigate.errors import FrigateError, MediaNeverThere
from ...frigate.protocol import FrigateApi
from ..ledger import Ledger, review_reports
from ..ledger.fetch_queue import FetchJob
from ..model.item import Item, Media, Role

_RECENT: Final = 3600.0
"""Seconds; of what was reported longer ago Frigate may have had it, and deleted it."""

UNKNOWN_REVIEW: Final = "Frigate knows no such review"


class UnknownItems:
    """Tells items that another program reported from those that Frigate has lost.

    Anybody on the broker can publish the end of a review, and a Frigate that
    crashed reported images which it never wrote.
    """

    def __init__(self, client: FrigateApi, *, ledger: Ledger) -> None:
        """Keep whom to ask."""
        self._client = client
        self._ledger = ledger

    async def why_no_loss(self, job: FetchJob, error: FrigateError) -> str | None:
        """Return why it is no loss that a file can't be had; None: it is one.

        Raises FrigateError or LedgerError.
        """
        item = job.item
        if item.media is Media.SNAPSHOTS:
            is_ours = not isinstance(error, MediaNeverThere) or not _is_recent(item)
            return None if is_ours else str(error)
        if item.is_range or job.role is not Role.WHOLE or not await self.may_be(item):
            return None
        is_known = await self._client.review(item.source_id) is not None
        return None if is_known else UNKNOWN_REVIEW

    async def may_be(self, item: Item) -> bool:
        """Tell whether nothing shows that Frigate ever had a review.

        Raises LedgerError.
        """
        return (
            _is_recent(item)
            and not await self._ledger.run(review_reports.is_confirmed, item.source_id)
            and not await self._ledger.run(review_reports.had_footage, item.source_id)
        )


def _is_recent(item: Item) -> bool:
    # Of what was reported at a time to come it is not known how long ago that was.
    return abs(time.time() - item.reported_at) < _RECENT
