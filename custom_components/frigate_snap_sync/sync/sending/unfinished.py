"""What an entry has left unfinished at its destinations, when it is removed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
import logging
from pathlib import Path
from typing import Self

from ...storage.base import Destination
from ...storage.leftovers import Leftovers
from ..ledger import Ledger, LedgerError, drills, probes, uploads
from .clean_up import discard_all

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What may lie at a destination: names of unfinished files, and of whole ones.

    And what tests of it have left.
    """

    names: Collection[str]
    whole: Collection[str]
    tested: Leftovers = field(default_factory=Leftovers)

    def with_uploads(self, names: Iterable[str]) -> Self:
        """Return this and what uploads have begun."""
        return replace(self, names=[*names, *self.names])

    def __bool__(self) -> bool:
        """Tell whether there may be anything."""
        return bool(self.names or self.whole or self.tested)

    async def discard(self, destination: Destination) -> None:
        """Remove it, as far as the destination answers in time."""
        await discard_all(destination, self.names, whole=self.whole, tested=self.tested)


async def left_by_tests(ledger: Ledger, destination_id: str) -> Unfinished:
    """Return what drills and tests may have left at a destination.

    Raises LedgerError.
    """
    drilled = await ledger.run(drills.left, destination_id)
    return Unfinished(
        names=[each.name for each in drilled if each.is_temporary],
        whole=[each.name for each in drilled if not each.is_temporary],
        tested=await ledger.run(probes.left, destination_id),
    )


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
            left = await left_by_tests(ledger, id_)
            left = left.with_uploads(await ledger.run(uploads.unfinished, id_))
            if left:
                found[id_] = left
    except LedgerError as err:
        _LOGGER.debug("What is unfinished can't be looked up: %s", err)
    finally:
        await ledger.close()
    return found
