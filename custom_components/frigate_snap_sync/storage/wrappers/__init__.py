"""What any kind of destination can be wrapped in, and the one place that does it."""

from ..base import Destination
from .verified import Verified


def wrapped(destination: Destination, *, verify: bool = False) -> Destination:
    """Return the destination in what its owner chose.

    With `verify` each copy is read back and compared.
    """
    return Verified(destination) if verify else destination
