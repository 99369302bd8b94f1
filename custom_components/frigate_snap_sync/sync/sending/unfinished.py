"""What an entry has left unfinished at its destinations, when it is removed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
import logging
from pathlib import Path
from typing import Self

from ...storage.base import Destination
from ..ledger import Ledger, LedgerError, drills, uploads
from ..ledger.drills import DrillFile
from .clean_up import discard_all

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What may lie at a destination: names of unfinished files, and of whole ones."""

    names: Collection[str]
    whole: Collection[str]

    @classmethod
    def of(cls, uploads: Iterable[str], drilled: Collection[DrillFile]) -> Self:
        """Return what uploads and drills may have left."""
        return cls(
            names=[*uploads, *(each.name for each in drilled if each.is_temporary)],
            whole=[each.name for each in drilled if not each.is_temporary],
        )

    def __bool__(self) -> bool:
        """Tell whether there may be anything."""
        return bool(self.names or self.whole)

    async def discard(self, destination: Destination) -> None:
        """Remove it, as far as the destination answers in time."""
        await discard_all(destination, self.names, whole=self.whole)


async def left_unfinished(
    path: Path, destination_ids: Collection[str]
) -> Mapping[str, Unfinished]:
    """Return what a ledger that no engine uses knows to be unfinished, by destination.

    Once the ledger is deleted nothing knows of it. One that can't be read says nothing.
    """
    ledger, found = Ledger(path), dict[str, Unfinished]()
    try:
        await ledger.open()
        for id_ in destination_ids:
            drilled = await ledger.run(drills.left, id_)
            left = Unfinished.of(await ledger.run(uploads.unfinished, id_), drilled)
            if left:
                found[id_] = left
    except LedgerError as err:
        _LOGGER.debug("What is unfinished can't be looked up: %s", err)
    finally:
        await ledger.close()
    return found
