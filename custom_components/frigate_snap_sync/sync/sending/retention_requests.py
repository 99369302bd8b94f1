"""What the owner asks of retention: to keep items, to show what is over, to look now."""

from collections.abc import Callable, Mapping

from ..ledger import sparing
from ..model.errors import Refusal, Refused
from ..model.status import ExpiredCopies, ProtectFilter
from ..services import Services
from .worker import Worker


class RetentionRequests:
    """Does at once what the owner asks of retention. Methods raise LedgerError."""

    def __init__(
        self,
        services: Services,
        *,
        workers: Mapping[str, Worker],
        clock_offset: Callable[[], float],
    ) -> None:
        """Keep what it works with; `clock_offset` is our clock less Frigate's."""
        self._ledger = services.ledger
        self._workers = workers
        self._clock_offset = clock_offset

    async def protect(self, wanted: ProtectFilter, *, is_protected: bool) -> int:
        """Let retention keep these items, or no longer; return how many there are."""
        offset = self._clock_offset()
        by_frigate = ProtectFilter(
            item_id=wanted.item_id,
            camera=wanted.camera,
            start=wanted.start - offset,
            end=wanted.end - offset,
        )
        count = await self._ledger.run(
            sparing.protect, by_frigate, is_protected=is_protected
        )
        for worker in self._workers.values():
            # What was to be removed may be spared.
            worker.wake()
        return count

    async def expired(
        self, destination_id: str | None, *, limit: int, apply: bool
    ) -> Mapping[str, ExpiredCopies]:
        """Return what is over at a destination, or all; `limit` rows of each at most.

        With `apply` it is deleted as it would be later. Raises Refused where nothing
        is ever deleted.
        """
        chosen = {
            id_: worker
            for id_, worker in self._workers.items()
            if destination_id in (None, id_) and worker.retention.is_active
        }
        if not chosen:
            raise Refused(Refusal.NO_RETENTION)
        found = {
            id_: await worker.retention.expired(limit) for id_, worker in chosen.items()
        }
        if apply:
            for worker in chosen.values():
                worker.retention.request()
        return found
