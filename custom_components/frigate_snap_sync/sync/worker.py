"""A worker: brings to one destination what waits for it, and tells how it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import logging
import secrets
import time

from ..storage.base import Destination, Rejected, StorageError
from ..storage.check import check_destination
from .breaker import Breaker, concerns_one_file, reaction_to
from .ledger import Ledger, LedgerError, counters, files, uploads
from .ledger.uploads import UploadJob
from .naming import Render, temporary_name
from .policy import Selection, Timing, retry_delay
from .spool import Spool, SpoolError

_LOGGER = logging.getLogger(__name__)

STILLS_AT_ONCE = 4
CLIPS_AT_ONCE = 1
_LEDGER_PAUSE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSetup:
    """A destination as its owner set it up.

    `id` never changes, whatever else does; `render` is None for the default
    file names.
    """

    id: str
    name: str
    selection: Selection
    destination: Destination
    render: Render | None = None


class Worker:
    """Sends to one destination, at its own pace.

    `on_change` is called when something shown has changed; `on_wanted` when a
    file must be fetched from Frigate again.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        ledger: Ledger,
        spool: Spool,
        timing: Timing,
        released: asyncio.Event,
        on_change: Callable[[], None],
        on_wanted: Callable[[], None],
    ) -> None:
        """Keep what it works with; nothing is done before `run`.

        `released` is set once uploads may begin after a start of Frigate.
        """
        self.setup = setup
        self.connected: bool | None = None
        self.free_space: int | None = None
        self._ledger = ledger
        self._spool = spool
        self._timing = timing
        self._released = released
        self._on_change = on_change
        self._on_wanted = on_wanted
        self._enabled = asyncio.Event()
        self._breaker = Breaker()
        self._probing = asyncio.Lock()
        self._claiming = asyncio.Lock()
        self._in_flight: set[int] = set()
        self._news = asyncio.Event()

    @property
    def _destination(self) -> Destination:
        return self.setup.destination

    def wake(self) -> None:
        """Look for work now."""
        self._news.set()
        self._news = asyncio.Event()

    def set_enabled(self, enabled: bool) -> None:
        """Go on, or pause: the queue waits. What is under way is finished."""
        if enabled:
            self._enabled.set()
        else:
            self._enabled.clear()

    async def run(self) -> None:
        """Send what is ready, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                for number in range(STILLS_AT_ONCE + CLIPS_AT_ONCE):
                    group.create_task(self._lane(stills=number < STILLS_AT_ONCE))
        finally:
            await self._destination.close()

    async def test(self) -> None:
        """Write, read back and delete a file, now. Raises StorageError."""
        try:
            await check_destination(self._destination, workdir=self._spool.folder)
        except StorageError as err:
            await self._fail(err)
            raise
        await self._succeed()

    async def _lane(self, *, stills: bool) -> None:
        while True:
            await self._usable()
            news = self._news
            try:
                job = await self._claim(stills=stills)
                if job is None:
                    await _wait(news, await self._next_retry())
                    continue
                try:
                    # Things may have changed while the job was looked for.
                    if self._is_usable:
                        await self._send(job)
                finally:
                    self._in_flight.discard(job.upload_id)
            except (LedgerError, SpoolError) as err:
                _LOGGER.error("Destination %s waits: %s", self.setup.name, err)
                await asyncio.sleep(_LEDGER_PAUSE)

    async def _claim(self, *, stills: bool) -> UploadJob | None:
        async with self._claiming:
            jobs = await self._ledger.run(
                uploads.next_uploads,
                self.setup.id,
                stills=stills,
                now=time.time(),
                exclude=self._in_flight,
                limit=1,
            )
            self._in_flight.update(job.upload_id for job in jobs)
        return jobs[0] if jobs else None

    async def _next_retry(self) -> float | None:
        now = time.time()
        moment = await self._ledger.run(uploads.next_retry, self.setup.id, after=now)
        return None if moment is None else moment - now

    async def _send(self, job: UploadJob) -> None:
        """Bring one file to the destination, or note why it could not be."""
        if await self._spool.size(job.spool_name) != job.size:
            await self._lose(job)
            return
        temporary = temporary_name(job.path, secrets.token_hex(8))
        try:
            if job.temporary:
                await self._destination.delete(job.temporary)
            await self._ledger.run(uploads.started, job.upload_id, temporary=temporary)
            stored = await self._destination.put(
                job.path, self._spool.path(job.spool_name), temporary=temporary
            )
        except FileNotFoundError:
            await self._lose(job)
            return
        except StorageError as err:
            await self._postpone(job, err)
            return
        except LedgerError, asyncio.CancelledError:
            raise
        except Exception as err:
            _LOGGER.exception("Destination %s failed unexpectedly", self.setup.name)
            await self._postpone(job, Rejected(f"{type(err).__name__}: {err}"))
            return
        freed = await self._ledger.run(
            uploads.verified, job.upload_id, size=stored.size, now=time.time()
        )
        _LOGGER.debug("Uploaded %s to %s", job.path, self.setup.name)
        await self._succeed()
        self._on_change()
        if freed:
            await self._spool.remove([freed])

    async def _postpone(self, job: UploadJob, error: StorageError) -> None:
        delay = 0.0
        if concerns_one_file(error):
            delay = retry_delay(job.attempts + 1, self._timing)
            _LOGGER.warning(
                "Destination %s refused %s: %s", self.setup.name, job.path, error
            )
            await self._record(error)
        else:
            await self._fail(error)
        await self._ledger.run(
            uploads.failed,
            job.upload_id,
            retry_at=time.time() + delay,
            reason=str(error),
        )

    async def _lose(self, job: UploadJob) -> None:
        again = await self._ledger.run(files.lost, job.file_id, now=time.time())
        _LOGGER.warning(
            "The spool no longer has %s whole; %s",
            job.path,
            "it is fetched from Frigate again" if again else "it is lost",
        )
        self._on_wanted()
        self._on_change()

    @property
    def _is_usable(self) -> bool:
        return (
            self._released.is_set()
            and self._enabled.is_set()
            and not self._breaker.is_open
        )

    async def _usable(self) -> None:
        """Wait until the destination may be used."""
        while True:
            await self._released.wait()
            await self._enabled.wait()
            if self._is_usable:
                return
            async with self._probing:
                while remaining := self._breaker.remaining(time.monotonic()):
                    await _wait(self._news, remaining)
                if self._breaker.is_open:
                    await self._probe()

    async def _probe(self) -> None:
        """See whether a failure is over."""
        error = self._breaker.error
        try:
            await self._destination.connect()
            if error is not None and reaction_to(error).needs_trial:
                await check_destination(self._destination, workdir=self._spool.folder)
        except StorageError as err:
            await self._fail(err)
        else:
            await self._succeed()

    async def _watch(self) -> None:
        """Look at the destination at the start and when it is idle."""
        while True:
            if not self._breaker.is_open:
                try:
                    await self._destination.connect()
                    self.free_space = await self._destination.free_space()
                except StorageError as err:
                    await self._fail(err)
                else:
                    self._contact(connected=True)
            elif not self._enabled.is_set():
                # The lanes, which look for its return, are paused.
                async with self._probing:
                    if not self._breaker.remaining(time.monotonic()):
                        await self._probe()
            await asyncio.sleep(self._timing.probe)

    async def _succeed(self) -> None:
        if self._breaker.succeed():
            _LOGGER.info("Destination %s is back", self.setup.name)
            self.wake()
        self._contact(connected=True)

    async def _fail(self, error: StorageError) -> None:
        if self._breaker.fail(error, time.monotonic()):
            _LOGGER.warning(
                "Destination %s is failing and is tried again until it is back: %s",
                self.setup.name,
                error,
            )
            self.wake()  # Idle lanes shall look for its return.
        await self._record(error)
        self._contact(connected=reaction_to(error).is_contact)

    async def _record(self, error: StorageError) -> None:
        try:
            await self._ledger.run(
                counters.record_error, self.setup.id, str(error), now=time.time()
            )
        except LedgerError as err:
            _LOGGER.error("Destination %s: %s", self.setup.name, err)
        self._on_change()

    def _contact(self, *, connected: bool) -> None:
        self.connected = connected
        self._on_change()


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, at most the given time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
