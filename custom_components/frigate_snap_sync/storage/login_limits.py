"""What a login can do at a destination besides writing, as a probe file proves it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from .base import Destination
from .errors import DELETING, LOOKING, READING, PermissionDenied, Rejected
from .probe_files import read_probe
from .source import FileSource
from .steps import step_of

_TRIES: Final = 3
"""How often a probe is written that another test may replace or delete meanwhile."""


async def may_read(
    destination: Destination,
    path: str,
    source: FileSource,
    write_again: Callable[[], Awaitable[None]] | None,
) -> bool:
    """Tell whether the bytes of a file that was just written come back.

    A refusal is no failure. Raises `StorageError` for others, and `Rejected` where other
    bytes come back or none: a server that only seems to store. `write_again` is None
    where no other test can be the reason.
    """
    for left in reversed(range(_TRIES if write_again else 1)):
        try:
            return await _is_back(destination, path, source)
        except PermissionDenied:
            return False
        except Rejected:
            if not (left and write_again):
                raise
        await write_again()
    raise AssertionError("the last try returns or raises")


async def _is_back(destination: Destination, path: str, source: FileSource) -> bool:
    expected = await asyncio.to_thread(source.local_path.read_bytes)
    with step_of(READING):
        await _compare(destination, path, expected)
    with step_of(LOOKING):
        stored = await destination.stat(path)
    # A login that may not list gets the same answer for what it may not look at.
    return stored is not None and stored.size == len(expected)


async def _compare(destination: Destination, path: str, expected: bytes) -> None:
    if await read_probe(destination, path, most=len(expected)) != expected:
        raise Rejected("Other bytes came back than were written", hint="other_bytes")


async def may_delete(destination: Destination, path: str, can_read: bool) -> bool:
    """Tell whether a file is gone after it was deleted, as far as can be seen.

    Raises `StorageError` for what is no refusal.
    """
    for _ in range(_TRIES):  # Another test may have written it again.
        try:
            with step_of(DELETING):
                await destination.delete(path)
        except PermissionDenied:
            return False
        with step_of(LOOKING):
            if not can_read or await destination.stat(path) is None:
                return True
    return False
