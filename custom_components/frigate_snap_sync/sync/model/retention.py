"""The time by which the age of copies is judged. Pure."""

from typing import Final

FASTEST: Final = 24.0
"""Seconds by which that time may move on in one: after three months in which Home
Assistant was off it takes four days, and a clock that is a year ahead for an hour
makes nothing older than a day."""

EARLIEST: Final = 1735689600.0
"""The beginning of 2025: a clock that shows an earlier time was never set."""


def advanced(known: float, *, clock: float, elapsed: float) -> float:
    """Return the time by which ages are judged now.

    `known` is the one of the last look, and `elapsed` are the seconds since then, by a
    clock that is never set. What is deleted does not come back, so a `clock` that is
    ahead is followed slowly, and one that is behind at once.
    """
    return min(clock, known + FASTEST * elapsed)
