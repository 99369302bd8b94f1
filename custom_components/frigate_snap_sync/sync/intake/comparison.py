"""One comparison of Frigate's API with the ledger: its time, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil

from ...frigate.errors import FrigateServerError, UnreadableRows
from ..ledger.tracked_objects import Remembered
from ..model.item import Media
from .backfill import Backfill

_DAY = 86400.0
MARGIN = 300.0
"""How far before the last complete catch-up is looked again: for clocks, and races."""
_UNREADABLE = 7 * _DAY
"""How long a day of which nothing can be understood is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time to look at, by our clock, and what may be sent of it.

    `since` tells for each destination what ended before it was there: that is
    only sent when the owner asked for this time.
    """

    after: float
    before: float
    since: Mapping[str, float] | None
    retries: bool = False
    """Whether what failed is tried again."""

    def destinations(self, end: float) -> frozenset[str] | None:
        """Return who may get what ended then (our clock); None for everybody."""
        if self.since is None:
            return None
        return frozenset(
            destination_id
            for destination_id, since in self.since.items()
            if end > since
        )


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One comparison: what it found, up to when all is known, and what is left.

    `rest` is of which Frigate had too many objects, `failed` of which it gave none.
    `running` are the objects that Frigate tracks at the moment, `remembered` those
    whose end was not heard of.
    """

    window: Window
    found: int = 0
    problem: FrigateServerError | None = None
    rest: list[tuple[float, float]] = field(default_factory=list)
    failed: list[tuple[float, float]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    remembered: dict[str, Remembered] = field(default_factory=dict)
    reached: float = field(init=False)

    def __post_init__(self) -> None:
        """All is known, as long as nothing fails."""
        self.reached = self.window.before

    def missed(self, after: float, error: FrigateServerError) -> None:
        """Note that Frigate could not give what is there from a moment on."""
        self.problem = error
        if isinstance(error, UnreadableRows):
            # They may never be readable, and the window must not grow for ever.
            after = max(after, self.window.before - _UNREADABLE)
        self.reached = min(self.reached, after)


def days(window: Window) -> Iterator[tuple[float, float]]:
    """Yield the window in equal parts of at most a day (and a second).

    Frigate gives all reviews of a time in one answer, which must be of bounded
    size. One that lasts longer than a part is given for several of them.
    """
    span = window.before - window.after
    count = max(1, ceil((span - 1) / _DAY))
    for number in range(count):
        yield (
            window.after + span * number / count,
            window.after + span * (number + 1) / count,
        )


async def serve(
    backfill: Backfill, media: Media, source_id: str, window: Window
) -> bool:
    """Give a known item to those who lack it, as far as that was asked for.

    Returns whether any do. Raises LedgerError or FrigateError.
    """
    is_retried = window.retries and await backfill.retry(media, source_id)
    if window.since is not None:
        return is_retried
    return await backfill.serve(media, source_id) or is_retried
