"""One drill at one destination: sent, read back, compared, deleted."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
import hashlib
import logging
import secrets

from ...storage.base import Source, StoredFile
from ...storage.errors import MAKING, READING, PermissionDenied, Rejected, StorageError
from ...storage.names import temporary_name
from ...storage.read_back import read_content
from ...storage.wrappers.paced import CountedSource
from ..ledger.drills import DrillFile
from ..model.drill import (
    DestinationDrill,
    DrillCause,
    Outcome,
    Proof,
    Step,
    drill_path,
    proof_of,
)
from ..model.naming import numbered
from ..sending.breaker import keeps_away
from ..sending.worker import Worker
from ..services import Services
from .material import DrillItem
from .stopwatch import Stopwatch

_LOGGER = logging.getLogger(__name__)


class DrillFailed(Exception):
    """What was sent is not what lies there; `cause` is the key."""

    def __init__(self, cause: DrillCause) -> None:
        """Keep the cause."""
        super().__init__(cause)
        self.cause = cause


class RoundTrip:
    """Takes a camera's files to a destination and back, as uploads go.

    Their names are in the ledger before they are used: what a killed drill leaves is
    removed at the next start, or by the next one.
    """

    def __init__(self, worker: Worker, camera: str, *, services: Services) -> None:
        """Keep where to send, and of which camera."""
        self._worker = worker
        self._setup = worker.setup
        self._destination = worker.setup.destination
        self._camera = camera
        self._spool = services.spool
        self._timing = services.timing
        self._proof = proof_of(self._destination.capabilities)
        self._watch = Stopwatch()
        self._leftovers = worker.drill_leftovers
        self._held = AsyncExitStack()
        """What is held while it runs: the lock of the leftovers."""
        self._made: list[str] = []
        """Names that were used."""

    async def run(self, items: Sequence[DrillItem]) -> DestinationDrill:
        """Return what came of it. Raises LedgerError.

        While a login is refused, or a server is another, no drill knocks again before
        the breaker's time has come; and what a drill meets is noted there.
        """
        async with self._held:
            return await self._outcome(items)

    async def _outcome(self, items: Sequence[DrillItem]) -> DestinationDrill:
        cause: str
        if (standing := self._worker.standing_refusal) is not None:
            self._log(standing)
            return self._failed(standing.code)
        is_there = True
        try:
            await self._run(items)
        except StorageError as err:
            cause = err.code
            self._log(err)
            is_there = not keeps_away(cause)
            await self._worker.note_refusal(err)
        except DrillFailed as err:
            cause = err.cause
        except TimeoutError:
            cause = DrillCause.TOO_SLOW
        except FileNotFoundError as err:
            cause = DrillCause.OTHER_BYTES
            self._log(err)
        else:
            return DestinationDrill(
                destination_id=self._setup.id,
                outcome=Outcome.PASSED,
                proof=self._proof,
                seconds=self._watch.seconds,
            )
        if is_there and self._leftovers.lock.locked():
            await self._give_up()
        return self._failed(cause)

    def _failed(self, cause: str) -> DestinationDrill:
        return DestinationDrill(
            destination_id=self._setup.id,
            outcome=Outcome.FAILED,
            cause=cause,
            step=self._watch.step or Step.CONNECT,
            seconds=self._watch.seconds,
        )

    async def _run(self, items: Sequence[DrillItem]) -> None:
        async with self._watch.measured(Step.CONNECT, most=self._timing.drill_step):
            await self._destination.connect()
            await self._held.enter_async_context(self._leftovers.lock)
            await self._leftovers.remove()
        sent: list[tuple[DrillItem, str]] = []
        for item in items:
            async with self._watch.measured(item.step, most=self._patience(item)):
                sent.append((item, await self._send(item)))
        if self._proof is Proof.READ_BACK:
            for item, path in sent:
                async with self._watch.measured(
                    Step.READ_BACK, most=self._patience(item)
                ):
                    await self._compare(item, path)
        if self._destination.capabilities.can_delete:
            async with self._watch.measured(Step.DELETE, most=self._timing.drill_step):
                await self._delete([path for _, path in sent])

    def _patience(self, item: DrillItem) -> float:
        return self._timing.drill_step + item.content.size / self._timing.drill_rate

    async def _send(self, item: DrillItem) -> str:
        """Send a file; return its path there."""
        folder = self._setup.layout().branches[0].fixed
        path = drill_path(folder, self._setup.id, self._camera, item.extension)
        try:
            await self._put(item, path)
        except (PermissionDenied, Rejected) as err:
            if self._destination.capabilities.can_delete or err.step in (
                MAKING,
                READING,
            ):
                raise
            # That of an earlier drill may be in the way, where the server itself
            # replaces nothing.
            path = numbered(path, secrets.token_hex(4))
            await self._put(item, path)
        return path

    async def _put(self, item: DrillItem, path: str) -> StoredFile:
        source: Source = self._spool.source(
            item.spool_name, item.content, is_urgent=item.step is Step.SEND_PICTURE
        )
        temporary = self._destination.unprepared(
            path,
            source,
            temporary=temporary_name(path, _digest(path), self._worker.form),
        )
        await self._remember(path, temporary)
        prepared = await self._destination.prepare(path, source, temporary=temporary)
        if prepared != temporary:
            await self._remember(path, prepared)
        if self._setup.volume_budget:
            source = CountedSource(source, self._worker.budget.count)
            return await self._destination.put(path, source, temporary=prepared)
        stored = await self._destination.put(path, source, temporary=prepared)
        self._worker.budget.count(stored.size)
        return stored

    async def _compare(self, item: DrillItem, path: str) -> None:
        found = await read_content(self._destination, path, most=item.content.size)
        if found != item.content:
            raise DrillFailed(DrillCause.OTHER_BYTES)

    async def _delete(self, paths: Sequence[str]) -> None:
        for path in paths:
            if not await self._leftovers.delete(path):
                raise DrillFailed(DrillCause.STILL_THERE)
        await self._leftovers.forget(self._made)

    async def _give_up(self) -> None:
        """Remove what was sent, if the destination still answers."""
        with suppress(TimeoutError, StorageError):
            async with asyncio.timeout(self._timing.drill_farewell):
                await self._leftovers.remove()

    async def _remember(self, path: str, temporary: str) -> None:
        """Keep what is about to be made, as far as it may ever be removed."""
        can = self._destination.capabilities
        files = []
        if can.can_delete:
            files.append(DrillFile(name=path, is_temporary=False))
        if can.can_delete or not can.uses_temporary:
            files.append(DrillFile(name=temporary, is_temporary=True))
        self._made += [file.name for file in files]
        await self._leftovers.remember(files)

    def _log(self, error: Exception) -> None:
        _LOGGER.debug(
            "The drill of %s at %s failed: %s", self._camera, self._setup.name, error
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
