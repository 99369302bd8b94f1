"""Live film where no file can grow: pieces or stills, each by one request."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable
from math import inf
import time
from typing import ClassVar, Final, override

from ...storage.errors import Rejected, Unreachable
from ...storage.memory_source import MemorySource
from ...storage.outlasting import outlast
from ..ledger.live_files import LiveFile, live_temporary, piece_path
from ..model.coverage import TOLERANCE
from .film import Batch, Chunk
from .target import LiveTarget
from .writers import FINISH_TIMEOUT, NAMES, LiveWriter

_PATIENCE: Final = 1.5
"""How much longer than it should be a piece may wait for its keyframe."""
_LONGEST_WAIT: Final = 3.0
"""Seconds that leave by then, whether a keyframe has come or not."""
_LONG_PIECE: Final = 10.0
"""Seconds of a piece that is not sent once more with what follows, so that it plays: one
may be longer than that by what leaves at one go."""
_QUICK: Final = 1 / 3
"""How long a piece may take to be sent, for each second that is new in it, on a line with
enough to spare for sending it once more, longer."""
_ROUNDING: Final = 0.01
"""Seconds that don't count."""
_PAUSE: Final = TOLERANCE
"""Seconds between two stills that show what happened meanwhile. After more Frigate may
have been away, and there is no recording that could replace what they don't show."""


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
        self._before = 0
        """Bytes that lie there under the numbers before the last one."""
        self._sending: asyncio.Task[None] | None = None

    @property
    @override
    def _pieces(self) -> int | None:
        return self._number

    @override
    async def begin(self, first: Chunk) -> None:
        self._number, self._reserved = 0, self.reserved_at_once
        for _ in range(NAMES):
            file = await self._reserve(
                first, pieces=self._reserved, extension=self.extension
            )
            if not await self._is_taken(file):
                break
            await self._give_up_name()
        else:
            raise Rejected("Every name for a live file is taken")

    @override
    async def send(self, batch: Batch) -> None:
        # What is under way when the film ends may arrive: see `_finish`.
        self._sending = asyncio.create_task(self._send(batch))
        await outlast(self._sending)

    @abstractmethod
    async def _send(self, batch: Batch) -> None:
        """Send what comes next of the take. Raises StorageError or LedgerError."""

    @override
    async def _finish(self) -> None:
        sending, self._sending = self._sending, None
        due = time.monotonic() + FINISH_TIMEOUT
        if sending is not None:
            await self._let_arrive([sending], due=due)
        last = asyncio.create_task(self._send_rest())
        (failure,) = await self._let_arrive([last], due=due)
        if isinstance(failure, Exception):
            raise failure

    async def _send_rest(self) -> None:
        """Send what is left of the take. Raises StorageError or LedgerError."""

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
            self._before = self.size
        self._tried.add(batch)
        path = piece_path(self._file.path, self._number)
        self.target.count(len(data))
        source = await asyncio.to_thread(MemorySource, path, data)
        temporary = live_temporary(path, self.target.worker.form)
        with self._answer():
            await self.target.destination.put_at_once(path, source, temporary=temporary)
        self.size = self._before + len(data)
        self._shown.add(batch)
        if not self._is_ours:
            await self._own()


class StillWriter(NumberedWriter):
    """Pictures, of which the newest one is worth more than all before it."""

    extension = "jpg"
    reserved_at_once = 40
    _came = -inf
    """When the picture came that was sent last."""

    @override
    async def _send(self, batch: Batch) -> None:
        newest = batch.chunks[-1]
        is_pause = newest.arrived - self._came > _PAUSE
        is_jump = batch.is_jump or is_pause or len(batch.chunks) > 1
        self._came = newest.arrived
        sent = Batch(chunks=(newest,), is_jump=is_jump)
        await self._put(newest.data, sent, is_new=True)


class PieceWriter(NumberedWriter):
    """Pieces of some seconds, each of which plays alone, by one request each.

    A piece ends before a keyframe. One that comes late does not keep what there is from
    leaving: the piece is sent once more, longer, in its place or under the next number.
    """

    def __init__(
        self,
        target: LiveTarget,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep where to, and how long a piece should be."""
        super().__init__(target)
        self._clock = clock
        self._seconds = seconds
        self._init = b""
        self._chunks: list[Chunk] = []
        self._sent = 0
        self._has_number = False
        """Whether the piece was sent, be it there or not."""
        self._is_jump = False
        self._may_replace = target.destination.capabilities.can_delete
        self._most_bytes = target.services.limits.live_bytes

    @property
    @override
    def patience(self) -> float:
        # A line that carries the film takes a piece in no longer than it shows, and what
        # comes meanwhile waits for that.
        return self._seconds

    @override
    async def begin(self, first: Chunk) -> None:
        await super().begin(first)
        self._init = first.init
        self._next_piece()

    def _next_piece(self) -> None:
        self._chunks, self._sent, self._has_number = [], 0, False

    @override
    async def _send(self, batch: Batch) -> None:
        if batch.is_jump and self._chunks:
            await self._put_piece()
            self._next_piece()
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
                self._next_piece()
            self._chunks.append(chunk)
            is_late = not self._may_replace and self._unsent > _LONGEST_WAIT
            if is_late or self._is_large:
                is_quick = await self._put_quickly()
                self._has_number = False
                if self._is_large or not self._plays_alone or not is_quick:
                    # What follows plays behind this alone; but it leaves.
                    self._next_piece()
        if self._may_replace and self._unsent >= self._seconds * _PATIENCE:
            await self._put_piece()

    @property
    def _is_large(self) -> bool:
        return sum(len(chunk.data) for chunk in self._chunks) >= self._most_bytes

    @property
    def _plays_alone(self) -> bool:
        """Tell whether the piece begins with a keyframe of not too long ago."""
        first, last = self._chunks[0], self._chunks[-1]
        return first.is_keyframe and last.seconds - first.seconds < _LONG_PIECE

    def _length(self, until: Chunk) -> float:
        return until.seconds - self._chunks[0].seconds + _ROUNDING

    @property
    def _unsent(self) -> float:
        """Return how many seconds of the piece have not left."""
        if self._sent >= len(self._chunks):
            return 0.0
        first = self._chunks[max(self._sent - 1, 0)]
        return self._chunks[-1].seconds - first.seconds

    async def _put_quickly(self) -> bool:
        """Send the piece as far as it is; return whether the line has much to spare."""
        new, begun = self._unsent, self._clock()
        await self._put_piece()
        return self._clock() - begun < _QUICK * new

    async def _put_piece(self) -> None:
        """Send the piece as far as it is."""
        if self._sent >= len(self._chunks):
            return
        data = self._init + b"".join(chunk.data for chunk in self._chunks)
        fresh = Batch(chunks=tuple(self._chunks[self._sent :]), is_jump=self._is_jump)
        before = self._sent, self._is_jump
        is_new, self._has_number = not self._has_number, True
        # What fails is not sent again with the rest: a server bans who is refused and
        # knocks again, and a second number would hold the same film.
        self._sent, self._is_jump = len(self._chunks), False
        try:
            await self._put(data, fresh, is_new=is_new)
        except Unreachable as err:
            if self._may_replace and err.code == Unreachable.code:
                # Only a connection that broke is made again, for the same number.
                self._sent, self._is_jump = before
            raise

    @override
    async def _send_rest(self) -> None:
        if self.target.is_allowed:
            await self._put_piece()

    @override
    async def end(self) -> None:
        await super().end()
        self._next_piece()
