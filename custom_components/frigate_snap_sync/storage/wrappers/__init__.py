"""What any kind of destination can be wrapped in, and the one place that does it."""

from ..base import Destination
from .append_only import AppendOnly
from .film_first import FilmFirst
from .limited import Limited
from .rate import RateLimit
from .verified import Verified


def wrapped(
    destination: Destination,
    *,
    verify: bool = False,
    rate: int = 0,
    append_only: bool = False,
    can_read: bool | None = None,
) -> Destination:
    """Return the destination in what its owner chose.

    `rate` are the bytes a second that may be sent, 0 for no limit. With `append_only`
    nothing there is deleted or replaced; `can_read` is what its test found out about
    the login, None before. With `verify` each copy is read back and compared. Raises
    ValueError for what can't be read back.
    """
    if not destination.capabilities.is_local:
        destination = FilmFirst(destination)
    if rate:
        destination = Limited(destination, RateLimit(rate))
    if append_only:
        destination = AppendOnly(destination, can_read=can_read)
    if not verify:
        return destination
    if not destination.capabilities.can_read:
        raise ValueError("copies can't be verified where nothing can be read")
    return Verified(destination)
