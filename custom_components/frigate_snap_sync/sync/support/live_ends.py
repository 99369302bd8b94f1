"""Ends of live files that the ledger could not keep: they are kept later."""

from collections import deque
from collections.abc import Callable
import sqlite3
from typing import Final

type Job = Callable[[sqlite3.Connection], None]

_MOST: Final = 1000


class LiveEnds:
    """Jobs for the ledger that failed, by destination; the oldest come first.

    Without them a file would seem to grow until the next start, when it is no longer
    known what it shows: then nothing supersedes it.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._jobs: dict[str, deque[Job]] = {}

    def add(self, destination_id: str, job: Job) -> None:
        """Keep a job for later; beyond a thousand the oldest is left to the next start."""
        self._jobs.setdefault(destination_id, deque(maxlen=_MOST)).append(job)

    def next(self, destination_id: str) -> Job | None:
        """Return the oldest job of a destination."""
        jobs = self._jobs.get(destination_id)
        return jobs[0] if jobs else None

    def done(self, destination_id: str, job: Job) -> None:
        """Forget a job that succeeded."""
        self._jobs[destination_id].remove(job)
