"""Ways in which live film lies at a destination: a file that grows, pieces, or stills."""

from abc import ABC, abstractmethod
import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final, override

from ...storage.errors import Rejected, StorageError
from ...storage.growing import AlreadyThere, GrowingFile
from ...storage.memory_source import MemorySource
from ..ledger import LedgerError
from ..ledger.live_files import LiveFile, live_temporary, piece_path
from ..model.spans import Spans
from .film import Batch, Chunk, Shown
from .target import LiveTarget

_AT_ONCE: Final = 2
"""Writes that are under way: the next one must not wait for an answer from far away."""
_PATIENCE: Final = 1.5
"""How much longer than it should be a piece may wait for its keyframe."""
_LONGEST_PIECE: Final = 3.0
"""Seconds of a piece that can't be sent again, whether a keyframe has come or not."""
_ROUNDING: Final = 0.01
"""Seconds that don't count."""
_NAMES: Final = 100
"""Names that are tried for a file."""
_GOODBYE: Final = 1.5
"""Seconds in which a file must be closed: Home Assistant may be stopping."""


class Gone(Exception):
    """The ledger no longer has the item or the destination."""


class LiveWriter(ABC):
    """Brings takes of a film to a destination, one after the other."""

    def __init__(self, target: LiveTarget) -> None:
        """Keep where to; nothing is sent yet."""
        self.target = target
        self.size = 0
        """Bytes of the take that have arrived."""
        self._shown = Shown()
        self._tried = Shown()
        """What was sent, whether or not it has arrived."""
        self._file: LiveFile | None = None
        self._is_ours = False
        """Whether what lies under the name is ours for certain."""

    @property
    def waiting_since(self) -> float | None:
        """Return when the oldest came of what is under way, by a steady clock."""
        return None

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
            await self.target.end(
                file,
                # The answer to a picture that has arrived may have got lost.
                held=self._shown.held or self._tried.held,
                size=self.size,
                is_ours=self._is_ours,
                pieces=self._pieces,
            )
        self._shown, self._tried, self.size = Shown(), Shown(), 0
        self._is_ours = False

    @abstractmethod
    async def _finish(self) -> None:
        """Bring what is left of the take to an end, in a moment.

        Raises StorageError, LedgerError or TimeoutError.
        """

    async def _reserve(
        self, first: Chunk, *, pieces: int | None, extension: str | None = None
    ) -> LiveFile:
        """Have a name in the ledger before there is anything of it."""
        self._file = await self.target.begin(first, pieces=pieces, extension=extension)
        if self._file is None:
            raise Gone
        return self._file

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


class NumberedWriter(LiveWriter):
    """Several files a take, with numbers, by one request each."""

    extension: ClassVar[str | None] = None
    """Of the files, if it is another than that of the item's."""
    reserved_at_once: ClassVar[int] = 10
    """Names that are kept in the ledger by one commit."""

    def __init__(self, target: LiveTarget) -> None:
        """Keep where to."""
        super().__init__(target)
        self._number = 0
        self._reserved = 0

    @property
    @override
    def _pieces(self) -> int | None:
        return self._number

    @override
    async def begin(self, first: Chunk) -> None:
        self._number, self._reserved = 0, self.reserved_at_once
        for _ in range(_NAMES):
            file = await self._reserve(
                first, pieces=self._reserved, extension=self.extension
            )
            if not await self._is_taken(file):
                break
            await self._give_up_name()
        else:
            raise Rejected("Every name for a live file is taken")

    async def _is_taken(self, file: LiveFile) -> bool:
        """Tell whether the first one's name is taken."""
        if not self.target.destination.capabilities.can_read:
            return False
        first = piece_path(file.path, 1)
        return await self.target.destination.stat(first) is not None

    async def _put(self, data: bytes, batch: Batch, *, is_new: bool) -> None:
        """Send a file, or the last one once more; `batch` is what is new in it."""
        assert self._file is not None
        if is_new:
            number = self._number + 1
            if number > self._reserved:
                reserved = self._reserved + self.reserved_at_once
                await self.target.reserve(self._file, reserved)
                self._reserved = reserved
            if not self._is_ours and self.target.destination.capabilities.can_read:
                # It was seen that the name is free.
                await self._own()
            self._number = number
        self._tried.add(batch)
        path = piece_path(self._file.path, self._number)
        self.target.count(len(data))
        source = await asyncio.to_thread(MemorySource, path, data)
        await self.target.destination.put_at_once(
            path, source, temporary=live_temporary(path, self.target.worker.form)
        )
        self.size += batch.size
        self._shown.add(batch)
        if not self._is_ours:
            await self._own()


class StillWriter(NumberedWriter):
    """Pictures, of which the newest one is worth more than all before it."""

    extension = "jpg"
    reserved_at_once = 40

    @override
    async def send(self, batch: Batch) -> None:
        newest = batch.chunks[-1]
        sent = Batch(chunks=(newest,), is_jump=batch.is_jump or len(batch.chunks) > 1)
        await self._put(newest.data, sent, is_new=True)

    @override
    async def _finish(self) -> None:
        """Nothing is left: each picture left by itself."""


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
        for _ in range(_NAMES):
            file = await self._reserve(first, pieces=None)
            try:
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
            await self._writes[0].task
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
        tasks = {write.task for write in writes}
        if tasks:
            await asyncio.wait(tasks, timeout=_GOODBYE)
        for task in tasks:
            task.cancel()
        failures = await asyncio.gather(
            *(w.task for w in writes), return_exceptions=True
        )
        for write, failure in zip(writes, failures, strict=True):
            if failure is not None:
                break  # What follows can't be played.
            self._note(write)
        if growing is not None:
            async with asyncio.timeout(_GOODBYE):
                if await growing.close() <= self._init:
                    # Nothing of what was tried is there.
                    self._tried = Shown()


class PieceWriter(NumberedWriter):
    """Pieces of some seconds, each of which plays alone, by one request each.

    A piece ends before a keyframe. One that comes late does not keep what there is from
    leaving: the piece is sent once more, longer, where it may be replaced.
    """

    def __init__(self, target: LiveTarget, *, seconds: float) -> None:
        """Keep where to, and how long a piece should be."""
        super().__init__(target)
        self._seconds = seconds
        self._init = b""
        self._chunks: list[Chunk] = []
        self._sent = 0
        self._is_jump = False
        self._may_replace = target.destination.capabilities.can_delete
        self._most_bytes = target.services.limits.live_bytes

    @override
    async def begin(self, first: Chunk) -> None:
        await super().begin(first)
        self._init, self._chunks, self._sent = first.init, [], 0

    @override
    async def send(self, batch: Batch) -> None:
        if batch.is_jump and self._chunks:
            await self._put_piece()
            self._chunks, self._sent = [], 0
        self._is_jump = self._is_jump or batch.is_jump
        for chunk in batch.chunks:
            if (
                chunk.is_keyframe
                and self._chunks
                and (
                    self._length(chunk) >= self._seconds
                    or not self._chunks[0].is_keyframe
                )
            ):
                await self._put_piece()
                self._chunks, self._sent = [], 0
            self._chunks.append(chunk)
            if self._is_full:
                # What follows plays behind this alone; but it leaves.
                await self._put_piece()
                self._chunks, self._sent = [], 0
        if self._may_replace and self._unsent >= self._seconds * _PATIENCE:
            await self._put_piece()

    @property
    def _is_full(self) -> bool:
        """Tell whether the piece may wait no longer for a keyframe."""
        if sum(len(chunk.data) for chunk in self._chunks) >= self._most_bytes:
            return True
        return not self._may_replace and self._length(self._chunks[-1]) > _LONGEST_PIECE

    def _length(self, until: Chunk) -> float:
        return until.seconds - self._chunks[0].seconds + _ROUNDING

    @property
    def _unsent(self) -> float:
        """Return how many seconds of the piece have not left."""
        if self._sent >= len(self._chunks):
            return 0.0
        first = self._chunks[max(self._sent - 1, 0)]
        return self._chunks[-1].seconds - first.seconds

    async def _put_piece(self) -> None:
        """Send the piece as far as it is."""
        if self._sent >= len(self._chunks):
            return
        data = self._init + b"".join(chunk.data for chunk in self._chunks)
        fresh = Batch(chunks=tuple(self._chunks[self._sent :]), is_jump=self._is_jump)
        await self._put(data, fresh, is_new=not self._sent)
        self._sent, self._is_jump = len(self._chunks), False

    @override
    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(_GOODBYE):
                await self._put_piece()
        finally:
            self._chunks, self._sent = [], 0
