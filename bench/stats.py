"""What a few noisy measurements say: medians, quartiles, percentiles, ratios."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median, quantiles
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of some values, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Return the spread of at least one value."""
        if len(values) == 1:
            return cls(median=values[0], low=values[0], high=values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median=median(values), low=low, high=high)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share (0-1) does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Return round by round how many times as large theirs are."""
    return [their / our for their, our in zip(theirs, ours, strict=True)]


def differences(upper: Sequence[float], lower: Sequence[float]) -> list[float]:
    """Return round by round by how much the first ones are larger."""
    return [high - low for high, low in zip(upper, lower, strict=True)]
