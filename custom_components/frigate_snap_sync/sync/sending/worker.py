"""A worker: brings to one destination what waits for it, and tells how it is."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, nullcontext
import logging
import time

from ...storage.errors import Rejected, SourceUnreadable, StorageError, Unreachable
from ...storage.names import TemporaryForm
from ...storage.outlasting import wait_for_end
from ..ledger import LedgerError, uploads
from ..ledger.uploads import UploadJob
from ..model.destination_setup import DestinationSetup
from ..model.errors import SpoolError
from ..services import Services
from ..spool.running_downloads import DownloadGivenUp
from ..support.backoff import upload_delay
from ..support.home_health import note_success
from ..support.lanes import Lanes
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .breaker import Sent, concerns_one_file, is_for_its_owner, reaction_to
from .budget import Budget, Calendar
from .clean_up import CleanUp
from .destination_health import DestinationHealth
from .drill_leftovers import DrillLeftovers
from .earlier_copies import EarlierCopies
from .follower import Follower
from .former_copies import FormerCopies
from .queue import STILLS, UploadQueue, lanes_for
from .regular_look import RegularLook
from .retention import Retention
from .sender import Sender
from .spool_losses import SpoolLosses

_LOGGER = logging.getLogger(__name__)

_TEST_TIMEOUT = 1.0
_PROOF_TIMEOUT = 30.0


class Worker:
    """Sends to one destination, at its own pace."""

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        released: asyncio.Event,
        earlier: EarlierCopies,
        calendar: Calendar,
        clock_offset: Callable[[], float],
    ) -> None:
        """Keep what it works with; nothing is done before `run`.

        `released` is set once uploads may begin after a start of Frigate. `earlier`
        finds what a restored ledger has forgotten. `clock_offset` returns our clock less
        Frigate's, in seconds.
        """
        self.setup = setup
        self.tested: float | None = None
        """When a test that was asked for last passed (epoch seconds)."""
        self._ledger = services.ledger
        self._timing = services.timing
        self._limits = services.limits
        self._signals = services.signals
        self._released = released
        self._enabled = asyncio.Event()
        self._outage = OutageLog(_LOGGER, f"Destination {setup.name}")
        self.budget = Budget(setup, services=services, calendar=calendar)
        self.drill_leftovers = DrillLeftovers(setup, services=services)
        self.sender = Sender(
            setup,
            services=services,
            earlier=earlier,
            count=self.budget.count,
            clock_offset=clock_offset,
        )
        self._losses = SpoolLosses(setup.name, services=services)
        self._clean_up = CleanUp(
            setup,
            services=services,
            sender=self.sender,
            form=lambda: self._health.form,
        )
        self.retention = Retention(
            setup, services=services, clock_offset=clock_offset, on_expired=self.wake
        )
        queue = UploadQueue(setup, services=services)
        self._follower = Follower(
            setup, services=services, queue=queue, sender=self.sender
        )
        self._lanes = Lanes(queue, outage=self._outage, timing=services.timing)
        self._health = DestinationHealth(
            setup, services=services, outage=self._outage, on_news=self.wake
        )
        self._look = RegularLook(
            setup,
            services=services,
            health=self._health,
            drill_leftovers=self.drill_leftovers,
            outage=self._outage,
        )
        self._former = FormerCopies(
            setup, services=services, on_failure=self._health.fail
        )
        self._probing = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._tests: set[asyncio.Task[None]] = set()
        self.is_retired = False
        """Whether it takes no more orders."""

    @property
    def error(self) -> StorageError | None:
        """Return why the destination is failing, None if it is not."""
        return self._health.error

    @property
    def connected(self) -> bool | None:
        """Tell whether it could be reached when it was last tried."""
        return self._health.connected

    @property
    def free_space(self) -> int | None:
        """Return the free bytes there, None while they are unknown."""
        return self._look.free_space

    @property
    def failing_since(self) -> float | None:
        """Return since when it is failing (epoch seconds), None if it is not."""
        return self._health.failing_since

    @property
    def is_usable(self) -> bool:
        """Tell whether files may be sent at the moment.

        No more than `_usable` waits for: it would ask again for ever without a pause.
        """
        return self.may_send and not self._health.blocks

    @property
    def may_send(self) -> bool:
        """Tell whether it is let send at the moment, be the destination there or not."""
        return self._released.is_set() and self._enabled.is_set()

    @property
    def is_enabled(self) -> bool:
        """Tell whether its owner lets it send."""
        return self._enabled.is_set()

    @property
    def form(self) -> TemporaryForm:
        """Return the form of temporary names that the destination takes."""
        return self._health.form

    @property
    def files_in_flight(self) -> Collection[int]:
        """Return the ids of the files that are being sent."""
        return [job.file_id for job in self._lanes.in_flight.values()]

    def follow_clock(self, seconds: float) -> None:
        """Bring what is remembered as a time in line with a clock that was set."""
        self._health.follow_clock(seconds)

    def wake(self) -> None:
        """Look for work now."""
        self._lanes.wake()

    def set_enabled(self, enabled: bool) -> None:
        """Send, or pause: the queue waits. What is under way is finished."""
        if enabled:
            self._enabled.set()
        else:
            self._enabled.clear()

    async def run(self) -> None:
        """Send what is ready, until cancelled."""
        try:
            await self._health.load()
        except LedgerError as err:
            self._outage.report(err)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self.budget.run(lambda: self._lanes.in_flight))
                group.create_task(self._clean())
                group.create_task(self.retention.run(self._usable))
                group.create_task(self._former.run(self._usable))
                for ranks in lanes_for(
                    self.setup.destination.capabilities,
                    stills_at_once=self._limits.stills_at_once,
                ):
                    group.create_task(
                        self._lanes.run(ranks, ready=self._usable, work=self._work)
                    )
        finally:
            # Twice: the first time a test still cleans up behind itself.
            for _ in range(2):
                for test in self._tests:
                    test.cancel()
                if self._tests:
                    await asyncio.wait(self._tests, timeout=_TEST_TIMEOUT)
            await self.setup.destination.close()

    async def note_failure(self, error: StorageError) -> None:
        """Note what failed of live film, unless it concerns one file alone."""
        if not concerns_one_file(error):
            await self._health.fail(error)

    def retire(self) -> None:
        """Take no more orders: the worker is about to be cancelled for good."""
        self.is_retired = True

    @property
    def standing_refusal(self) -> StorageError | None:
        """Return what keeps everybody from connecting at the moment, if anything does."""
        error = self._health.error
        if error is None or not self._health.blocks or not is_for_its_owner(error.code):
            return None
        return error

    async def note_refusal(self, error: StorageError) -> None:
        """Take over what another has met there, so that the breaker's time begins."""
        if is_for_its_owner(error.code):
            await self._health.fail(error)

    async def test(self) -> None:
        """Do once all that uploads do, now. Raises StorageError.

        Where that passed before and files failed, some of what waits must arrive, too.
        """
        if self.is_retired:
            raise Unreachable("The destination is no longer in use")
        test = asyncio.create_task(self._test())
        self._tests.add(test)
        test.add_done_callback(self._tests.discard)
        await wait_for_end(test)
        if test.cancelled():
            raise Unreachable("The destination is no longer in use")
        test.result()

    async def _test(self) -> None:
        await self._health.check()
        if self._health.error is not None and self.is_usable:
            try:
                await self._ledger.run(uploads.retry_now, self.setup.id)
            except LedgerError as err:
                self._outage.report(err)
            self.wake()
            await self._health.proven(timeout=_PROOF_TIMEOUT)
        self.tested = time.time()
        self._signals.status_changed()

    async def _work(self, job: UploadJob) -> None:
        """Send one file, if that may still be."""
        has_arrived = False
        try:
            async with self._turn():
                # Things may have changed while the job was looked for.
                if not self.budget.allows(job):
                    await self.budget.settle(job, self._lanes.in_flight)
                elif self.is_usable:
                    has_arrived = await self._send(job)
        finally:
            if job.rank not in STILLS or not has_arrived:
                # There may be something to clean up. Who is woken looks when the job
                # is no longer in flight: nothing is awaited until then.
                self.wake()

    def _turn(self) -> AbstractAsyncContextManager[object]:
        """Return what to hold while a file is sent: in doubt it is one at a time."""
        return self._one_at_a_time if self._health.is_narrow else nullcontext()

    async def _clean(self) -> None:
        """Remove what is no longer to lie there, until cancelled."""
        while True:
            await self._usable()
            change = self._lanes.changes.next()
            try:
                has_removed = await self._clean_up.remove_one(but=self._lanes.in_flight)
                note_success(self._outage)
                if has_removed:
                    self.retention.note_removed()
                    self._signals.status_changed()
                else:
                    await wait_for(change, self._clean_up.pause)
            except StorageError as err:
                if reaction_to(err).is_contact:
                    # It says nothing of what is to be sent, and keeps nothing back.
                    await self._health.record(err)
                else:
                    await self._health.fail(err)
            except (LedgerError, SpoolError) as err:
                self._outage.report(err)
                await asyncio.sleep(self._timing.failure_pause)

    async def _send(self, job: UploadJob) -> bool:
        """Bring one file to the destination, or note why it could not be.

        Returns whether it has arrived.
        """
        try:
            if not job.is_downloading:
                stored = await self.sender.send(job, self._health.form)
            elif self._health.is_narrow:
                raise DownloadGivenUp("One file goes at a time")  # noqa: TRY301
            else:
                stored = await self._follower.send(
                    job, self._health.form, self._lanes.in_flight
                )
        except DownloadGivenUp as err:
            await self._follower.note_given_up(job, err)
            return False
        except FileNotFoundError:
            await self._losses.note_missing(job)
            self._signals.status_changed()
            return False
        except SourceUnreadable as err:
            await self._losses.note_unreadable(job, err)
            self._signals.status_changed()
            return False
        except StorageError as err:
            await self._postpone(job, err)
            return False
        except LedgerError, asyncio.CancelledError:
            raise
        except Exception as err:
            _LOGGER.exception("Destination %s failed unexpectedly", self.setup.name)
            unexpected = Rejected(f"{type(err).__name__}: {err}", hint="unexpected")
            await self._postpone(job, unexpected)
            return False
        self._losses.over()
        await self.sender.note_arrival(job.upload_id, stored, now=time.time())
        await self._health.succeed(Sent(upload_id=job.upload_id, size=stored.size))
        self._signals.status_changed()
        return True

    async def _postpone(self, job: UploadJob, error: StorageError) -> None:
        """Note a failed try; other files go first the next time."""
        attempts = job.attempts + 1
        sent = Sent(upload_id=job.upload_id, size=job.content.size)
        is_own_fault = await self._health.refuse(error, job.path, sent)
        delay = upload_delay(attempts, is_own_fault=is_own_fault, timing=self._timing)
        if delay:
            # Counted from when others can be sent, so that they go first.
            delay += self._health.remaining
        await self._ledger.run(
            uploads.failed,
            job.upload_id,
            retry_at=time.time() + delay,
            reason=str(error),
        )
        if not self.budget.allows(job):
            await self.budget.settle(job, self._lanes.in_flight)

    async def _usable(self) -> None:
        """Wait until the destination may be used."""
        while True:
            await self._released.wait()
            await self._enabled.wait()
            await self.budget.loaded.wait()
            if self.is_usable:
                return
            async with self._probing:
                while remaining := self._health.remaining:
                    await wait_for(self._lanes.changes.next(), remaining)
                if self._health.blocks:
                    await self._health.check_again()

    async def _watch(self) -> None:
        """Look at the destination at the start, and then every few minutes."""
        while True:
            if not self._health.blocks:
                await self._look.take()
            elif not self._enabled.is_set():
                # The lanes, which look for its return, are paused.
                async with self._probing:
                    if not self._health.remaining:
                        await self._health.check_again()
            pause = self._timing.probe
            if self._health.is_looked_at:
                # A look costs nothing, and a share may be back at any time.
                pause = min(pause, max(self._health.remaining, 1.0))
            await asyncio.sleep(pause)
