"""Onsets: for how long something has been so, by a clock that never jumps."""

from collections.abc import Mapping


class Onsets:
    """Remembers since when each of some facts holds without a break."""

    def __init__(self) -> None:
        """Know of none."""
        self._since: dict[str, float] = {}
        self._earlier: dict[str, float] = {}
        """The seconds that facts had lasted of which it is not known if they still hold."""
        self._now = 0.0

    def resume(self, earlier: Mapping[str, float]) -> None:
        """Take over how many seconds facts had lasted before a restart.

        They count for those that hold at the first look that tells.
        """
        self._earlier = dict(earlier)

    def update(self, facts: Mapping[str, bool | None], now: float) -> None:
        """Note which facts hold now (monotonic seconds).

        Of those that are None it is not known: they count on if they hold later. All
        others, and those that are not among them, are over.
        """
        lasted = self._lengths()
        self._since = {
            fact: self._since.get(fact, now) - self._earlier.get(fact, 0.0)
            for fact, holds in facts.items()
            if holds
        }
        self._earlier = {
            fact: seconds
            for fact, seconds in lasted.items()
            if fact in facts and facts[fact] is None
        }
        self._now = now

    def longer_than(self, seconds: float) -> dict[str, float]:
        """Return the facts that have lasted for longer, and for how many seconds.

        Those of before a restart are among them until it is known whether they hold.
        """
        return {
            fact: length for fact, length in self._lengths().items() if length > seconds
        }

    def lasting(self, fact: str) -> float | None:
        """Return for how many seconds a fact has held, None if it does not."""
        since = self._since.get(fact)
        return None if since is None else self._now - since

    def _lengths(self) -> dict[str, float]:
        """Return how many seconds each fact has lasted that holds, or may."""
        lasting = {fact: self._now - since for fact, since in self._since.items()}
        return self._earlier | lasting
