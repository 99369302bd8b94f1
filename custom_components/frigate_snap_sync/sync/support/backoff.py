"""How long to wait after failed attempts."""

from ..model.timing import Timing

BROKEN_TRIES = 3
"""After so many hangs or truncations smaller ranges are asked for."""


def doubled(delay: float, *, longest: float) -> float:
    """Return the delay that follows one, in seconds."""
    return min(delay * 2, longest)


def retry_delay(attempts: int, timing: Timing) -> float:
    """Return the seconds to wait after the given number of attempts: 10, 20, 40 … 300."""
    return min(timing.first_retry * 2.0 ** min(attempts - 1, 16), timing.longest_retry)


def upload_delay(attempts: int, *, is_own_fault: bool, timing: Timing) -> float:
    """Return the seconds until a file may be sent again after failed attempts.

    A file that fails with its destination is tried again first thing, but not
    for ever: it may be the cause, and must not hold up all others.
    """
    if is_own_fault:
        return retry_delay(attempts, timing)
    return 0.0 if attempts <= 2 else retry_delay(attempts - 2, timing)
