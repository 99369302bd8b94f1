"""The report: one table of figures, each beside what is wanted of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self, override

from .stats import Spread

_HEADINGS: Final = ("Case", "Figure", "Ours", "Other", "Result", "Wanted", "Met")
_BEGIN: Final = "<!-- results -->"
_END: Final = "<!-- end of results -->"


class Relation(StrEnum):
    """How a figure must be to its limit."""

    AT_LEAST = "≥"
    AT_MOST = "≤"
    EXACTLY = "="


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a figure must be."""

    relation: Relation
    limit: float
    unit: str = ""

    @classmethod
    def at_least(cls, limit: float, unit: str = "") -> Self:
        """Want the limit or more."""
        return cls(Relation.AT_LEAST, limit, unit)

    @classmethod
    def at_most(cls, limit: float, unit: str = "") -> Self:
        """Want the limit or less."""
        return cls(Relation.AT_MOST, limit, unit)

    @classmethod
    def exactly(cls, limit: float, unit: str = "") -> Self:
        """Want the limit and nothing else."""
        return cls(Relation.EXACTLY, limit, unit)

    def is_met(self, value: float) -> bool:
        """Tell whether the value is as it must be."""
        match self.relation:
            case Relation.AT_LEAST:
                return value >= self.limit
            case Relation.AT_MOST:
                return value <= self.limit
            case Relation.EXACTLY:
                return value == self.limit

    @override
    def __str__(self) -> str:
        """Return it as the table shows it."""
        return f"{self.relation} {self.limit:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `value` is what is judged; without `wanted` it is information."""

    case: str
    figure: str
    ours: str = ""
    other: str = ""
    result: str = ""
    value: float | None = None
    wanted: Wanted | None = None

    @property
    def is_met(self) -> bool | None:
        """Tell whether the figure is what it should be, None if nothing is wanted."""
        if self.wanted is None:
            return None
        return self.value is not None and self.wanted.is_met(self.value)

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the row."""
        met = {None: "", True: "met", False: "NOT MET"}[self.is_met]
        wanted = "" if self.wanted is None else str(self.wanted)
        return (
            *(self.case, self.figure, self.ours, self.other),
            *(self.result, wanted, met),
        )


def spread_row(
    case: str,
    figure: str,
    values: Sequence[float],
    *,
    ours: str = "",
    other: str = "",
    unit: str = "",
    digits: int = 2,
    wanted: Wanted | None = None,
) -> Row:
    """Return a row whose figure is the median of the values of all rounds."""
    spread = Spread.of(values)
    tail = f" {unit}" if unit else ""
    result = f"{spread.median:,.{digits}f}{tail}"
    if len(values) > 1:
        result += f" [{spread.low:,.{digits}f}–{spread.high:,.{digits}f}]"
    return Row(
        case=case,
        figure=figure,
        ours=ours,
        other=other,
        result=result,
        value=spread.median,
        wanted=wanted,
    )


def table(rows: Iterable[Row]) -> str:
    """Return the rows as one Markdown table, to be read as it is, too."""
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    ruler = line(["-" * width for width in widths])
    return "\n".join([line(lines[0]), ruler, *map(line, lines[1:])])


def missed(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that are not what they should be."""
    return [row for row in rows if row.is_met is False]


def write_into(page: Path, text: str) -> None:
    """Put the text into a page, between its marks for results.

    Raises ValueError when the page has no such marks.
    """
    before, begin, rest = page.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no marks {_BEGIN} and {_END}")
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}")
