"""Onsets: for how long something has been so, by a clock that never jumps."""

from collections.abc import Collection, Hashable


class Onsets:
    """Remembers since when each of some facts holds without a break."""

    def __init__(self) -> None:
        """Know of none."""
        self._since: dict[Hashable, float] = {}
        self._now = 0.0

    def update(self, present: Collection[Hashable], now: float) -> None:
        """Note which facts hold now (monotonic seconds); all others are over."""
        self._since = {fact: self._since.get(fact, now) for fact in present}
        self._now = now

    def lasting(self, fact: Hashable) -> float | None:
        """Return for how many seconds a fact has held, None if it does not."""
        since = self._since.get(fact)
        return None if since is None else self._now - since
