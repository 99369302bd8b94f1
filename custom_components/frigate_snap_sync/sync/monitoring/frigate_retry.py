"""When a Frigate that does not answer is asked again. Pure: times are given to it."""

from ..model.timing import Timing
from ..support.backoff import doubled


class FrigateRetry:
    """Knows when to ask again: soon after a failure, then ever more slowly.

    A hint that Frigate lives begins the quick tries again; what hints there are,
    they don't add up to a storm. Refused credentials are tried once in
    `Timing.login_retry` seconds, and no hint shortens that: servers ban who
    knocks too often.

    Times are those of a clock that never goes back, in seconds.
    """

    def __init__(self, timing: Timing) -> None:
        """Begin with a Frigate that was never asked."""
        self._timing = timing
        self._due = float("-inf")
        self._delay = timing.first_poll_retry
        self._has_failed = False
        self._hint_pause = timing.hint_pause
        self._quick_at = float("-inf")
        self._is_hinted = False
        self._refused_until = float("-inf")
        self._answers_since: float | None = None
        self._is_shaky = False

    def is_back(self, now: float) -> bool:
        """Tell whether a Frigate that answers is believed to be there.

        One that was lost again at once, because it answers some requests with a web
        page, say, has to answer for a while.
        """
        since = self._answers_since
        if self._is_shaky and since is not None and now - since >= self._timing.shaky:
            self._is_shaky = False
        return not self._is_shaky

    def remaining(self, now: float) -> float:
        """Return the seconds until Frigate may be asked again."""
        due = self._due
        if self._is_hinted:
            due = min(due, self._quick_at + self._hint_pause)
        return max(due - now, self._refused_until - now, 0.0)

    def hint(self, now: float) -> bool:
        """Note a sign of life; return whether that brings the next try forward."""
        before = self.remaining(now)
        self._is_hinted = True
        return self.remaining(now) < before

    def asking(self, now: float) -> None:
        """Note that Frigate is being asked."""
        if self._is_hinted and now >= self._quick_at + self._hint_pause:
            self._is_hinted = False
            self._quick_at = now
            if self._hint_pause == self._timing.hint_pause:
                self._delay = self._timing.hint_retry

    def answered(self, now: float) -> None:
        """Note that Frigate is there."""
        self._is_hinted = False
        self._refused_until = float("-inf")
        if self._answers_since is None:
            self._answers_since = now

    def failed(self, now: float, *, is_refusal: bool) -> bool:
        """Note a failure; return whether it begins a new outage.

        Not if Frigate was back for a short while only: one request may always
        fail while others don't.
        """
        timing, since = self._timing, self._answers_since
        is_new = not self._has_failed or (
            since is not None and now - since >= timing.stable
        )
        if since is not None and self._has_failed and now - since < timing.shaky:
            # It comes and goes: hints no longer make the tries quick.
            self._is_shaky = True
            self._hint_pause = doubled(self._hint_pause, longest=timing.poll)
        elif since is not None or not self._has_failed:
            # What came while it was believed to be there holds.
            is_hinted = since is not None and now - self._quick_at < timing.hint_pause
            self._delay = timing.hint_retry if is_hinted else timing.first_poll_retry
            self._hint_pause = timing.hint_pause
        self._has_failed = True
        self._answers_since = None
        self._due = now + self._delay
        self._delay = doubled(self._delay, longest=timing.poll)
        if is_refusal:
            self._refused_until = now + timing.login_retry
        return is_new
