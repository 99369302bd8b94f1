"""What to do about a clip that can't be had whole: look for a piece of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
import time

from ..ledger.fetch_queue import FetchJob
from ..model.item import Media, Role
from ..model.timing import Timing
from ..spool.eviction import TooLarge
from ..support.backoff import BROKEN_TRIES
from .downloads import Clip, ClipEmpty, Downloads, FootageLost

type Look = Callable[[FetchJob], Awaitable[Clip | None]]


class WaysOut:
    """Counts the answers that were no whole clip, and says how to look for less."""

    def __init__(self, downloads: Downloads, *, timing: Timing) -> None:
        """Keep who looks."""
        self._downloads = downloads
        self._timing = timing
        self._broken = Counter[int]()
        self._silent: dict[int, float] = {}

    def forget(self, file_id: int) -> None:
        """Forget all answers: the file is there, or over."""
        self.count_again(file_id)
        self._silent.pop(file_id, None)

    def count_again(self, file_id: int) -> None:
        """Begin to count again what was no whole clip."""
        self._broken.pop(file_id, None)

    def stays_silent(self, file_id: int) -> bool:
        """Note that nothing of a file plays; tell whether that has been so for long.

        The disk with Frigate's recordings may be away for a minute.
        """
        now = time.monotonic()
        return now - self._silent.setdefault(file_id, now) >= self._timing.gone_after

    def was_away(self, file_id: int) -> None:
        """Note that Frigate was away: so nothing is known of how long nothing plays."""
        self._silent.pop(file_id, None)

    def of(self, job: FetchJob, error: Exception) -> Look | None:
        """Return how to look for a piece of what can't be had whole, None if not yet.

        Only once for those who wait for it: then the whole is settled. A part comes late
        to Frigate's disk.
        """
        if job.item.media is not Media.RECORDINGS or job.is_settled:
            return None
        if isinstance(error, TooLarge):
            return self._downloads.fitting_beginning
        if isinstance(error, FootageLost):
            # Its recordings show that, which is no matter of luck.
            return self._downloads.remainder if job.attempts >= BROKEN_TRIES else None
        self._broken[job.file_id] += 1
        age, patience = self._downloads.age(job), self._timing.part_patience
        is_early = job.role is Role.PART and age < patience and not job.as_is
        if self._broken[job.file_id] < BROKEN_TRIES or is_early:
            return None
        if isinstance(error, ClipEmpty):
            return self._downloads.behind_beginning
        return self._downloads.longest_piece
