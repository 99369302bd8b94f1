"""What any kind of destination can be wrapped in, and the one place that does it."""

from ..base import Destination
from .limited import Limited
from .rate import RateLimit
from .verified import Verified


def wrapped(
    destination: Destination, *, verify: bool = False, rate: int = 0
) -> Destination:
    """Return the destination in what its owner chose.

    With `verify` each copy is read back and compared. `rate` are the bytes a second
    that may be sent, 0 for no limit.
    """
    if rate:
        destination = Limited(destination, RateLimit(rate))
    return Verified(destination) if verify else destination
