"""Where live film goes: a destination, as far as live lanes know it."""

from dataclasses import dataclass
from functools import partial
import time

from ...storage.base import Destination
from ..ledger import LedgerError, live_files, live_hints
from ..ledger.live_files import LiveFile
from ..model.budget import kind_of_item
from ..model.item import Item, Role
from ..model.selection import wants_live
from ..model.spans import Spans
from ..sending.worker import Worker
from ..services import Services
from .film import Chunk


@dataclass(slots=True, kw_only=True)
class LiveTarget:
    """One item's film at one destination; `base` is what its files are called there.

    Of the `item` more may be heard meanwhile: a detection that becomes an alert, say. If
    it `is_hint`, it stands for a review that is not known yet.
    """

    item: Item
    is_hint: bool = False
    base: str
    worker: Worker
    services: Services

    @property
    def id(self) -> str:
        """Return the destination's id."""
        return self.worker.setup.id

    @property
    def name(self) -> str:
        """Return what its owner calls the destination."""
        return self.worker.setup.name

    @property
    def destination(self) -> Destination:
        """Return the destination."""
        return self.worker.setup.destination

    @property
    def is_open(self) -> bool:
        """Tell whether film can be sent there now."""
        worker = self.worker
        return self.is_allowed and worker.is_usable and not worker.is_retired

    @property
    def is_allowed(self) -> bool:
        """Tell whether film may be sent there: its owner may not want any now."""
        kind = kind_of_item(self.item, Role.PART)
        budget = self.worker.budget
        is_known = budget.loaded.is_set()
        return self.worker.may_send and is_known and budget.allows_kind(kind)

    @property
    def takes_hints(self) -> bool:
        """Tell whether film may be sent there that turns out to be unwanted.

        It must be possible to remove it, and what is selected be known.
        """
        can = self.destination.capabilities
        is_selected = wants_live(self.worker.setup.selection, self.item)
        return is_selected and can.can_delete and can.can_read

    def count(self, size: int) -> None:
        """Note that so many bytes are being sent."""
        self.worker.budget.count(size, is_film=True)

    async def begin(
        self, first: Chunk, *, pieces: int | None, extension: str | None = None
    ) -> LiveFile | None:
        """Keep that a live file begins there with a chunk. Raises LedgerError."""
        can = self.destination.capabilities
        may_be_taken = not can.can_read and await self.worker.sender.is_taken_unseen(
            self.item, self.base
        )
        arrived = time.time() - (time.monotonic() - first.arrived)
        return await self.services.ledger.run(
            live_files.begin,
            self.item.source_id,
            self.id,
            base=self.base,
            short_id=self.item.short_id,
            start=first.moment,
            ahead=first.moment - arrived,
            pieces=pieces,
            extension=extension,
            may_be_taken=may_be_taken,
            is_hint=self.is_hint,
        )

    async def adopt(self, review: LiveTarget, *, begins: float) -> None:
        """Go on as the film of a review that has come. Raises LedgerError.

        First what is there is noted in the ledger, then what was begun meanwhile.
        """
        hint_id = self.item.source_id
        for _ in range(2):
            await self.services.ledger.run(
                live_hints.adopt,
                hint_id,
                review.item.source_id,
                self.id,
                base=review.base,
                short_id=review.item.short_id,
                begins=begins,
            )
            self.item, self.base, self.is_hint = review.item, review.base, False

    async def own(self, file: LiveFile) -> None:
        """Keep that what lies under its name is ours. Raises LedgerError."""
        await self.services.ledger.run(live_files.own, file.id)

    async def leave(self, file: LiveFile) -> None:
        """Keep that its name belongs to someone else. Raises LedgerError."""
        await self.services.ledger.run(live_files.taken, file.id)

    async def reserve(self, file: LiveFile, pieces: int) -> None:
        """Keep that it may have so many pieces. Raises LedgerError."""
        await self.services.ledger.run(live_files.reserve, file.id, pieces=pieces)

    async def end(
        self,
        file: LiveFile,
        *,
        held: Spans,
        is_certain: bool,
        size: int,
        is_ours: bool,
        is_unanswered: bool,
        pieces: int | None,
    ) -> None:
        """Keep what it shows; later if the ledger can't now.

        If that is not certain, and can be seen there, it is looked at.
        """
        can = self.destination.capabilities
        job = partial(
            live_files.ended,
            live_id=file.id,
            held=held,
            is_certain=is_certain or not can.can_read,
            size=size,
            is_ours=is_ours,
            is_unanswered=is_unanswered,
            pieces=pieces,
            keep=not can.can_delete,
        )
        try:
            await self.services.ledger.run(job)
        except LedgerError:
            self.services.live_ends.add(self.id, job)
            return
        self.worker.wake()
