"""What a job reads that writes a file in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Final, Protocol

from ..errors import SourceUnreadable
from ..jobs import Job
from ..source import OpenSource

LOOK_INTERVAL: Final = 0.25
"""Seconds after which a job that waits for a piece looks whether it is still wanted."""


class Reader(Protocol):
    """What is to be written, for a thread to read piece by piece."""

    def size(self) -> int:
        """Return how many bytes there are."""

    def read(self) -> bytes:
        """Return the next piece, nothing at the end."""

    def close(self) -> None:
        """Release it; never waits."""


type OpenIn = Callable[[Job], Reader]
"""Opens a source for a job; raises what opening a file raises."""


class LoopReader:
    """A source without a file of its own, for a thread to read piece by piece."""

    def __init__(
        self, job: Job, source: OpenSource, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Read for a job, from a source that is opened in the loop."""
        self._job = job
        self._source = source
        self._loop = loop

    def size(self) -> int:
        """Return the bytes that the source should have."""
        return self._source.size

    def read(self) -> bytes:
        """Return the next piece, nothing at the end. May raise `Abandoned`.

        A source that is slow, such as one that is slowed down, is no destination
        that hangs: to wait for it counts as a step.
        """
        reading = asyncio.run_coroutine_threadsafe(self._source.read(), self._loop)
        try:
            while True:
                try:
                    return reading.result(LOOK_INTERVAL)
                except TimeoutError:
                    if reading.done():
                        raise
                    self._job.step()
        except CancelledError:
            raise SourceUnreadable("Reading the source was given up") from None
        finally:
            reading.cancel()

    def close(self) -> None:
        """Leave the source to who opened it."""
