"""What was uploaded in some time, added up. All pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Copies that have arrived, and their bytes; parts of recordings apart.

    A recording in several files is one copy. `failed` counts the files that a
    destination never got.
    """

    copies: int = 0
    bytes: int = 0
    parts: int = 0
    part_bytes: int = 0
    failed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(
            copies=self.copies + other.copies,
            bytes=self.bytes + other.bytes,
            parts=self.parts + other.parts,
            part_bytes=self.part_bytes + other.part_bytes,
            failed=self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """What a destination has of a day of a camera, of one kind, with these labels.

    `media` is `live_snapshot`, `snapshot` or `recording`.
    """

    day: str
    camera: str
    media: str
    labels: tuple[str, ...]
    destination_id: str
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All rows of a time, in the order of their days."""

    rows: Sequence[SummaryRow] = field(default_factory=tuple)

    @property
    def total(self) -> Counts:
        """Return all of it together."""
        return sum((row.counts for row in self.rows), Counts())

    def by(self, keys: Callable[[SummaryRow], Iterable[str]]) -> dict[str, Counts]:
        """Return what belongs to each key, sorted; a row may have several."""
        found: dict[str, Counts] = {}
        for row in self.rows:
            for key in keys(row):
                found[key] = found.get(key, Counts()) + row.counts
        return dict(sorted(found.items()))


def days_of(
    start: datetime, end: datetime, time_zone: tzinfo
) -> Iterator[tuple[date, float, float]]:
    """Yield each day of a time as it is in a time zone, with its seconds since 1970.

    The first and the last may be cut. A day may have 23 or 25 hours.
    """
    day = start.astimezone(time_zone).date()
    begin = start
    while begin < end:
        next_day = day + timedelta(days=1)
        midnight = datetime.combine(next_day, time(), time_zone)
        until = min(midnight, end)
        yield day, begin.timestamp(), until.timestamp()
        day, begin = next_day, until
