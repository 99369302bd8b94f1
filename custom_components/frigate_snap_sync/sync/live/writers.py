"""Ways in which live film lies at a destination: first of all a file that grows."""

from abc import ABC, abstractmethod
import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
import time
from typing import Any, Final, override

from ...storage.errors import Rejected, StorageError, Unreachable
from ...storage.growing import AlreadyThere, GrowingFile
from ...storage.outlasting import outlast
from ..ledger import LedgerError
from ..ledger.live_files import LiveFile
from ..model.spans import Spans
from .film import Batch, Chunk, Shown
from .target import LiveTarget

_AT_ONCE: Final = 2
"""Writes that are under way: the next one must not wait for an answer from far away."""
NAMES: Final = 100
"""Names that are tried for a file."""
FINISH_TIMEOUT: Final = 1.5
"""Seconds in which a file must be closed: Home Assistant may be stopping."""
_LOOK: Final = 0.1
"""How often it is looked meanwhile whether film may still be sent."""


class Gone(Exception):
    """The ledger no longer has the item or the destination."""


class LiveWriter(ABC):
    """Brings takes of a film to a destination, one after the other."""

    def __init__(self, target: LiveTarget) -> None:
        """Keep where to; nothing is sent yet."""
        self.target = target
        self.size = 0
        """Bytes of the take that lie there."""
        self._shown = Shown()
        self._tried = Shown()
        """What was sent, whether or not it has arrived."""
        self._file: LiveFile | None = None
        self._is_ours = False
        """Whether what lies under the name is ours for certain."""
        self._is_unanswered = False
        """Whether a request got no answer: the destination may yet carry it out."""

    @property
    def waiting_since(self) -> float | None:
        """Return when the oldest came of what is under way, by a steady clock."""
        return None

    @property
    def patience(self) -> float:
        """Return how much longer film may wait here, for what is sent at one go."""
        return 0.0

    @property
    def newest_spans(self) -> Spans:
        """Return the newest film of the take that has arrived."""
        return self._shown.newest

    @property
    def _pieces(self) -> int | None:
        """Return how many pieces were sent, None if it is one file."""
        return None

    async def ready(self) -> None:  # noqa: B027 - few wait
        """Wait until something may be sent at once. Raises StorageError."""

    @abstractmethod
    async def begin(self, first: Chunk) -> None:
        """Begin a take. Raises StorageError, LedgerError or Gone."""

    @abstractmethod
    async def send(self, batch: Batch) -> None:
        """Send what comes next of it. Raises StorageError or LedgerError."""

    async def end(self) -> None:
        """End the take, as well as can be; never raises, takes a moment at most."""
        with suppress(StorageError, LedgerError, TimeoutError):
            await self._finish()
        file, self._file = self._file, None
        if file is not None:
            held, tried = self._shown.held, self._tried.held
            await self.target.end(
                file,
                # The answer to a picture that has arrived may have got lost.
                held=held or tried,
                is_certain=bool(held) or not tried,
                size=self.size,
                is_ours=self._is_ours,
                is_unanswered=self._is_unanswered,
                pieces=self._pieces,
            )
        self._shown, self._tried, self.size = Shown(), Shown(), 0
        self._is_ours = self._is_unanswered = False

    @abstractmethod
    async def _finish(self) -> None:
        """Bring what is left of the take to an end, in a moment.

        Raises StorageError, LedgerError or TimeoutError.
        """

    async def _let_arrive(
        self, tasks: Iterable[asyncio.Task[Any]], *, due: float
    ) -> list[BaseException | None]:
        """Wait for what is under way, and cancel it then; return what it failed with.

        Until it is `due` (steady clock), and no longer than film may be sent there: its
        owner may want none from one moment to the next.
        """
        tasks = tuple(tasks)
        waiting = set(tasks)
        while (
            waiting and self.target.is_allowed and (left := due - time.monotonic()) > 0
        ):
            _, waiting = await asyncio.wait(waiting, timeout=min(left, _LOOK))
        for task in waiting:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return [each if isinstance(each, BaseException) else None for each in found]

    async def _reserve(
        self, first: Chunk, *, pieces: int | None, extension: str | None = None
    ) -> LiveFile:
        """Have a name in the ledger before there is anything of it."""
        self._file = await self.target.begin(first, pieces=pieces, extension=extension)
        if self._file is None:
            raise Gone
        return self._file

    @contextmanager
    def _answer(self) -> Iterator[None]:
        """Note whether a request that makes a file gets an answer."""
        before, self._is_unanswered = self._is_unanswered, True
        try:
            yield
        except StorageError as err:
            self._is_unanswered = before or isinstance(err, Unreachable)
            raise
        self._is_unanswered = before

    async def _own(self) -> None:
        """Keep that what lies there is ours. Raises LedgerError."""
        assert self._file is not None
        self._is_ours = True
        await self.target.own(self._file)

    async def _give_up_name(self) -> None:
        """Leave the name to who has it."""
        file, self._file = self._file, None
        if file is not None:
            await self.target.leave(file)


@dataclass(frozen=True, slots=True)
class _Write:
    """Bytes on their way: up to which position of the file, and what they show."""

    task: asyncio.Task[None]
    end: int
    batch: Batch | None


class GrowingWriter(LiveWriter):
    """One file a take, seen from its first byte on."""

    def __init__(self, target: LiveTarget) -> None:
        """Keep where to."""
        super().__init__(target)
        self._growing: GrowingFile | None = None
        self._position = 0
        self._init = 0
        """Bytes before the first picture."""
        self._writes: deque[_Write] = deque()
        """What is under way, in the order of the file."""

    @property
    @override
    def waiting_since(self) -> float | None:
        batches = (write.batch for write in self._writes if not write.task.done())
        return next((each.chunks[0].arrived for each in batches if each), None)

    @override
    async def begin(self, first: Chunk) -> None:
        for _ in range(NAMES):
            file = await self._reserve(first, pieces=None)
            try:
                with self._answer():
                    self._growing = await self.target.destination.grow(file.path)
            except AlreadyThere:
                await self._give_up_name()
            else:
                break
        else:
            raise Rejected("Every name for a live file is taken")
        self._position, self._init = 0, len(first.init)
        # Before there is anything in it: after a kill only an empty file may be ours.
        await self._own()
        await self._write(first.init, None)

    @override
    async def send(self, batch: Batch) -> None:
        await self._write(batch.data, batch)

    @override
    async def ready(self) -> None:
        while self._writes and (
            self._writes[0].task.done() or len(self._writes) >= _AT_ONCE
        ):
            # Who is cancelled here may yet count what is on its way.
            await outlast(self._writes[0].task)
            self._note(self._writes.popleft())

    async def _write(self, data: bytes, batch: Batch | None) -> None:
        assert self._growing is not None
        await self.ready()
        if batch is not None:
            self._tried.add(batch)
        at, self._position = self._position, self._position + len(data)
        self.target.count(len(data))
        task = asyncio.create_task(self._growing.write(data, at=at))
        self._writes.append(_Write(task, self._position, batch))

    def _note(self, write: _Write) -> None:
        """Count what has arrived, and all before it."""
        self.size = write.end
        if write.batch is not None:
            self._shown.add(write.batch)

    @override
    async def _finish(self) -> None:
        writes, self._writes = tuple(self._writes), deque()
        growing, self._growing = self._growing, None
        due = time.monotonic() + FINISH_TIMEOUT
        failures = await self._let_arrive((write.task for write in writes), due=due)
        for write, failure in zip(writes, failures, strict=True):
            if failure is not None:
                break  # What follows can't be played.
            self._note(write)
        if growing is not None:
            async with asyncio.timeout(FINISH_TIMEOUT):
                if await growing.close() <= self._init:
                    # Nothing of what was tried is there.
                    self._tried = Shown()
