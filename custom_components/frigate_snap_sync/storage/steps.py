"""The steps of a test of a destination, which its errors name."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

from .errors import Rejected, StorageError, Unreachable


@contextmanager
def step_of(name: str, *, is_broad: bool = False) -> Iterator[None]:
    """Put the name of the step before the text of what fails in it.

    A broad one has steps of its own, which the error knows better.
    """
    try:
        yield
    except StorageError as err:
        # A copy: others may be waiting for the same failed connection.
        named = copy(err)
        step = (is_broad and err.step) or name
        named.args = (f"{step}: {err}",)
        if not isinstance(err, Unreachable):
            named.step = step
        raise named from err
    except FileNotFoundError as err:
        raise Rejected(f"{name}: The file is not there", hint="file_missing") from err
