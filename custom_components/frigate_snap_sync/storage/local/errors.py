"""What the system raises of its files, by cause."""

from collections.abc import Iterator
from contextlib import contextmanager
import errno
from typing import Final

from ..errors import NoSpace, PermissionDenied, Rejected, StorageError, Unreachable

_CAUSES: Final[dict[int, type[StorageError]]] = {
    errno.ENOSPC: NoSpace,
    errno.EDQUOT: NoSpace,
    errno.EACCES: PermissionDenied,
    errno.EPERM: PermissionDenied,
    errno.EROFS: PermissionDenied,
    errno.ELOOP: PermissionDenied,
    # What was there a moment ago is gone: made again at the next try.
    errno.ENOENT: Unreachable,
    errno.EIO: Unreachable,
    errno.ENODEV: Unreachable,
    errno.ENXIO: Unreachable,
    errno.ESTALE: Unreachable,
    errno.ENOTCONN: Unreachable,
    errno.ECONNABORTED: Unreachable,
    errno.ECONNRESET: Unreachable,
    errno.ECONNREFUSED: Unreachable,
    errno.ESHUTDOWN: Unreachable,
    errno.EPIPE: Unreachable,
    errno.EHOSTDOWN: Unreachable,
    errno.EHOSTUNREACH: Unreachable,
    errno.ENETDOWN: Unreachable,
    errno.ENETUNREACH: Unreachable,
    errno.ETIMEDOUT: Unreachable,
    errno.EAGAIN: Unreachable,
}


@contextmanager
def explained(what: str, step: str | None = None) -> Iterator[None]:
    """Turn an `OSError` of the destination into the `StorageError` of its cause."""
    try:
        yield
    except OSError as err:
        cause = _CAUSES.get(err.errno or 0, Rejected)
        said = err.strerror or ""
        error = cause(f"Failed to {what}: {said or err}", said=said)
        error.step = step
        raise error from err
