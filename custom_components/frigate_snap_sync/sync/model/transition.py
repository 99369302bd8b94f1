"""What the end of uploads brings with it beside the ledger."""

from dataclasses import dataclass

from .status import UploadEvent


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of some uploads, to be applied once it is committed.

    `freed` are the names of the spool's files that are no longer needed, `events`
    the uploads that ended.
    """

    freed: tuple[str, ...] = ()
    events: tuple[UploadEvent, ...] = ()

    def __add__(self, other: Transition) -> Transition:
        """Return both together."""
        return Transition(self.freed + other.freed, self.events + other.events)


NOTHING = Transition()
