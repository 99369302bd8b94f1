"""How a destination is: may it be used, what is shown of it, what the log says."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
import logging
import time
from typing import Final

from ...changes import Changes
from ...storage.errors import NotMounted, StorageError, Unreachable
from ...storage.names import TemporaryForm
from ..ledger import LedgerError, destinations
from ..model.destination_setup import DestinationSetup
from ..model.status import LastError
from ..services import Services
from ..support.outage_log import OutageLog
from .breaker import Breaker, Sent, reaction_to
from .probe import Probe

_LOGGER = logging.getLogger(__name__)

MAX_WARNED: Final = 1000
"""Refused uploads that are remembered, to log each once."""


def _same(known: StorageError | None, error: StorageError) -> bool:
    """Tell whether a person reads the same of an error as of the known one."""
    return known is not None and (known.code, known.hint, known.about) == (
        error.code,
        error.hint,
        error.about,
    )


class DestinationHealth:
    """Keeps count of what succeeds and what fails at one destination.

    `on_news` is called when it may or may no longer be used. `outage` logs a ledger
    that fails.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        outage: OutageLog,
        on_news: Callable[[], None],
    ) -> None:
        """Know nothing yet."""
        self.connected: bool | None = None
        self.failing_since: float | None = None
        self._setup = setup
        self._ledger = services.ledger
        self._signals = services.signals
        self._outage = outage
        self._on_news = on_news
        self._breaker = Breaker(services.timing)
        self._probe = Probe(
            setup, ledger=services.ledger, workdir=services.spool.folder
        )
        self._may_have_error = True
        self._warned: set[int] = set()
        """Uploads whose refusal was logged."""
        self._has_warned = False
        """Whether one was logged since something has arrived."""
        self._judged = Changes()

    @property
    def error(self) -> StorageError | None:
        """Return why the destination is failing, None if it is not."""
        return self._breaker.error

    @property
    def blocks(self) -> bool:
        """Tell whether nothing but a probe may be sent."""
        return self._breaker.blocks

    @property
    def is_narrow(self) -> bool:
        """Tell whether only one file may be sent at a time."""
        return self._breaker.is_narrow

    @property
    def is_looked_at(self) -> bool:
        """Tell whether a mere look, at a share of this machine, shows that it is away."""
        error, can = self.error, self._setup.destination.capabilities
        return isinstance(error, NotMounted) or (
            isinstance(error, Unreachable) and can.is_local
        )

    @property
    def remaining(self) -> float:
        """Return the seconds until the next try."""
        return self._breaker.remaining(time.monotonic())

    @property
    def form(self) -> TemporaryForm:
        """Return the form of temporary names that the destination takes."""
        return self._probe.form

    async def load(self) -> None:
        """Recall what an earlier test has found out. Raises LedgerError."""
        await self._probe.load()

    async def check(self) -> None:
        """Test the destination end to end. Raises StorageError."""
        try:
            await self._probe.check()
        except StorageError as err:
            await self.fail(err)
            raise
        await self.succeed()

    async def check_again(self) -> None:
        """See whether a failure is over: a connection alone would prove nothing.

        Where a share is away that is looked at first: it costs no probe file, and
        nothing is noted of it.
        """
        with suppress(StorageError):  # Noted already.
            if self.is_looked_at:
                try:
                    await self._setup.destination.connect()
                except StorageError as err:
                    await self._fail_by_look(err)
                    return
            await self.check()

    async def _fail_by_look(self, error: StorageError) -> None:
        if _same(self.error, error):
            self._breaker.fail(error, time.monotonic(), by_look=True)
        else:
            await self.fail(error)

    async def clean(self) -> None:
        """Remove what a test had to leave. Raises StorageError or LedgerError."""
        await self._probe.clean()

    async def proven(self, *, timeout: float) -> None:
        """Wait until files have shown what a probe can't, at most so many seconds.

        Raises the `StorageError` that is still in force then.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self.error is not None and not self.blocks:
                    await self._judged.wait()
        if self.error is not None:
            raise self.error

    async def succeed(self, sent: Sent | None = None) -> None:
        """Note that a file, or a probe, has arrived."""
        was_narrow = self.is_narrow
        if sent is not None:
            self._has_warned = False
            self._warned.discard(sent.upload_id)
        self._note_end(self._breaker.succeed(time.monotonic(), sent))
        if was_narrow != self.is_narrow:
            self._on_news()
        self.contact(connected=True)
        if self._may_have_error and not self._breaker.is_open:
            self._may_have_error = False
            if not await self._keep_error(None):
                self._may_have_error = True  # What arrives next takes it away.

    def settle(self) -> None:
        """End a doubt that nothing has confirmed for long."""
        self._note_end(self._breaker.settle(time.monotonic()))

    async def refuse(self, error: StorageError, path: str, sent: Sent) -> bool:
        """Note that a file failed; return whether that concerns it alone."""
        if not self._breaker.is_own_fault(error, time.monotonic(), sent):
            await self.fail(error, path, sent)
            return False
        # Once a file, and of one alone where several may have the same cause.
        is_news = not (self._has_warned or sent.upload_id in self._warned or self.error)
        if is_news:
            if len(self._warned) >= MAX_WARNED:
                self._warned.clear()
            self._warned.add(sent.upload_id)
            self._has_warned = True
        _LOGGER.log(
            logging.WARNING if is_news else logging.DEBUG,
            "Destination %s refused %s: %s",
            self._setup.name,
            # Most texts name the file themselves.
            "a file" if path in str(error) else path,
            error,
        )
        await self.record(error, path)
        return True

    async def fail(
        self,
        error: StorageError,
        path: str | None = None,
        sent: Sent | None = None,
    ) -> None:
        """Note a failure of the destination, and say so once."""
        if self.failing_since is None:
            self.failing_since = time.time()
        is_news = self._breaker.fail(error, time.monotonic(), sent)
        if is_news:
            _LOGGER.warning(
                "Destination %s is failing and is tried again until it is back: %s",
                self._setup.name,
                self.error,
            )
        self._on_news()  # Idle lanes shall look for its return.
        self._judged.notify()
        await self.record(error, path)
        self.contact(connected=reaction_to(error).is_contact)

    async def record(self, error: StorageError, path: str | None = None) -> None:
        """Show an error as the last one, until the destination has worked."""
        self._may_have_error = True
        moment = datetime.now(UTC)
        await self._keep_error(
            LastError(code=error.code, text=str(error), file=path, time=moment)
        )

    def follow_clock(self, seconds: float) -> None:
        """Bring what is remembered as a time in line with a clock that was set."""
        if self.failing_since is not None:
            self.failing_since += seconds

    def contact(self, *, connected: bool) -> None:
        """Show whether the destination can be reached."""
        self.connected = connected
        self._signals.status_changed()

    def _note_end(self, has_ended: bool) -> None:
        if has_ended:
            self.failing_since = None
            if self._breaker.said.end():
                _LOGGER.info("Destination %s is back", self._setup.name)
            self._on_news()
        self._judged.notify()

    async def _keep_error(self, error: LastError | None) -> bool:
        """Keep the last error; return whether the ledger took it."""
        try:
            await self._ledger.run(destinations.keep_error, self._setup.id, error)
        except LedgerError as err:
            self._outage.report(err)
            return False
        self._signals.status_changed()
        return True
