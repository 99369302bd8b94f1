"""A camera's film as it comes in: cut into takes, its newest seconds kept in memory.

Nothing of it is put on this machine's disk: whoever is late for it gets the newest
pictures, and the gap from Frigate's recordings, later.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from ...changes import Changes
from ...frigate.live_mp4 import LiveFragment, LiveInit
from ..model.spans import Spans

_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A fragment of the film: pictures or sound.

    All of one `take` make one file, behind its `init`. `arrived` is by a steady clock,
    `moment` by Frigate's; `seconds` is how far the film's own clock has come.
    """

    number: int
    take: int
    init: bytes = field(repr=False)
    data: bytes = field(repr=False)
    is_keyframe: bool
    arrived: float
    moment: float
    seconds: float


class Takes:
    """Cuts a film into takes: each plays alone, and its clock has no hole. Pure.

    A new one begins when the film does, when its clock jumps, and every half hour; each
    with a keyframe. What comes before one can't be shown, and is left out.
    """

    def __init__(self, *, longest: float, jump: float) -> None:
        """Begin a take after so many seconds, and after a jump of so many."""
        self._longest = longest
        self._jump = jump
        self._init: LiveInit | None = None
        self._take = 0
        self._number = 0
        self._is_open = False
        self._begin = 0.0
        self._end = 0.0
        self._begun: deque[float] = deque()
        """When takes of the last minute began, by a steady clock."""

    def of_last_minute(self, now: float) -> int:
        """Return how many takes began within the last minute."""
        while self._begun and now - self._begun[0] > _MINUTE:
            self._begun.popleft()
        return len(self._begun)

    def feed(
        self, message: LiveInit | LiveFragment, *, arrived: float, moment: float
    ) -> Chunk | None:
        """Return what is to be kept of a message, if anything is."""
        if isinstance(message, LiveInit):
            self._init, self._is_open = message, False
            return None
        assert self._init is not None
        pictures = message.pictures
        is_keyframe = pictures is not None and pictures.is_keyframe
        if pictures is not None:
            if abs(pictures.start - self._end) > self._jump:
                self._is_open = False
            is_over = pictures.start - self._begin >= self._longest
            if is_keyframe and (is_over or not self._is_open):
                self._take += 1
                self._is_open, self._begin = True, pictures.start
                self.of_last_minute(arrived)
                self._begun.append(arrived)
            self._end = pictures.end
        if not self._is_open:
            return None
        self._number += 1
        return Chunk(
            number=self._number,
            take=self._take,
            init=self._init.data,
            data=message.data,
            is_keyframe=is_keyframe,
            arrived=arrived,
            moment=moment,
            seconds=self._end,
        )

    def interrupt(self) -> None:
        """Note that the connection broke: what comes next is another take."""
        self._is_open = False


class StillTakes:
    """Cuts stills into takes: not too many in one file, and none across a break. Pure."""

    def __init__(self, *, longest: float, pause: float) -> None:
        """Begin a take after so many seconds, and after so many without a still."""
        self._longest = longest
        self._pause = pause
        self._newest: Chunk | None = None
        self._begun = 0.0

    def feed(self, data: bytes, *, arrived: float, moment: float) -> Chunk:
        """Return a still as a chunk, which can be shown by itself."""
        last, take = self._newest, 1
        if last is not None:
            is_over = arrived - self._begun >= self._longest
            is_break = arrived - last.arrived >= self._pause
            take = last.take + (is_over or is_break)
        if last is None or take != last.take:
            self._begun = arrived
        self._newest = Chunk(
            number=1 if last is None else last.number + 1,
            take=take,
            init=b"",
            data=data,
            is_keyframe=True,
            arrived=arrived,
            moment=moment,
            seconds=arrived,
        )
        return self._newest


class Film:
    """The newest chunks of a film, for all who follow it."""

    def __init__(self, *, most_bytes: int, is_stills: bool = False) -> None:
        """Keep no more than so many bytes; a keyframe is the first, if one fits.

        `is_stills`: each chunk is a picture of its own, a JPEG.
        """
        self.is_stills = is_stills
        self._most = most_bytes
        self._chunks: deque[Chunk] = deque()
        self._size = 0
        self._changes = Changes()

    @property
    def newest(self) -> Chunk | None:
        """Return the newest chunk that is there."""
        return self._chunks[-1] if self._chunks else None

    def add(self, chunk: Chunk) -> None:
        """Add a chunk, and drop the oldest ones if there are too many bytes."""
        self._chunks.append(chunk)
        self._size += len(chunk.data)
        while self._size > self._most and len(self._chunks) > 1:
            self._drop()
            if any(chunk.is_keyframe for chunk in self._chunks):
                while not self._chunks[0].is_keyframe:
                    self._drop()
        if self._size > self._most and not self._chunks[0].is_keyframe:
            self._drop()
        self._changes.notify()

    def after(self, number: int) -> list[Chunk]:
        """Return the chunks behind that number."""
        first, end = self._index_after(number), len(self._chunks)
        return [self._chunks[index] for index in range(first, end)]

    def first_after(self, number: int) -> Chunk | None:
        """Return the first chunk behind that number, None if there is none yet."""
        first = self._index_after(number)
        return self._chunks[first] if first < len(self._chunks) else None

    def _index_after(self, number: int) -> int:
        return max(number + 1 - self._chunks[0].number, 0) if self._chunks else 0

    def before(self, moment: float) -> int:
        """Return the number before the first keyframe that came after a moment.

        `moment` is by the steady clock. Without such a keyframe it is the last number.
        """
        for chunk in self._chunks:
            if chunk.is_keyframe and chunk.arrived >= moment:
                return chunk.number - 1
        return self._chunks[-1].number if self._chunks else 0

    def before_keyframe(self, number: int) -> int:
        """Return the number before the first keyframe behind `number`.

        Without such a keyframe it is the last number.
        """
        found = self.after(number)
        return next(
            (chunk.number - 1 for chunk in found if chunk.is_keyframe),
            found[-1].number if found else number,
        )

    async def more(self, number: int) -> None:
        """Wait until there is something behind that number."""
        while not self._chunks or self._chunks[-1].number <= number:
            await self._changes.wait()

    def _drop(self) -> None:
        self._size -= len(self._chunks.popleft().data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be sent next: chunks of one take; `is_jump`: some before are left out."""

    chunks: tuple[Chunk, ...]
    is_jump: bool = False

    @property
    def data(self) -> bytes:
        """Return the bytes."""
        return b"".join(chunk.data for chunk in self.chunks)


def next_batch(
    chunks: Sequence[Chunk],
    *,
    last: int,
    oldest: float,
    most_bytes: int,
    longest: float = inf,
) -> Batch | None:
    """Return what to send behind the chunk with the number `last`. Pure.

    What came before `oldest` (steady clock) is too late: then it continues with the newest
    keyframe, if there is one further on. Up to `most_bytes`, and so many seconds, but at
    least one chunk.
    """
    if not chunks:
        return None
    first = 0
    is_lost = chunks[0].number != last + 1
    if is_lost or chunks[0].arrived < oldest:
        keyframes = [n for n, chunk in enumerate(chunks) if chunk.is_keyframe]
        if keyframes and (chunks[keyframes[-1]].number > last + 1 or is_lost):
            first = keyframes[-1]
        elif is_lost:
            return None
    found: list[Chunk] = []
    size = 0
    for chunk in chunks[first:]:
        if found and (
            size + len(chunk.data) > most_bytes
            or chunk.take != found[0].take
            or chunk.arrived - found[0].arrived > longest
        ):
            break
        found.append(chunk)
        size += len(chunk.data)
    is_jump = is_lost or bool(first)
    return Batch(chunks=tuple(found), is_jump=is_jump)


_ALONE: Final = 1.0
"""Seconds that a picture alone counts for, when it is asked who holds what it shows."""
_NEWEST: Final = 10
"""Spans that are more than what the writes can add that are under way."""
_STEP: Final = 1.0
"""Seconds by which Frigate's clock must differ from a steady one to have been set."""


class Shown:
    """The seconds that a file shows, by Frigate's clock, as they arrive."""

    def __init__(self) -> None:
        """Begin with none."""
        self._spans: list[tuple[float, float]] = []
        self._last: Chunk | None = None

    @property
    def newest(self) -> Spans:
        """Return the newest film that there is; a moment alone is none.

        Of a take with many gaps: what lies before never changes again.
        """
        newest = self._spans[-_NEWEST:]
        return _merged((begin, end) for begin, end in newest if end > begin)

    @property
    def held(self) -> Spans:
        """Return what there is, pictures alone as well: nothing of it may get lost."""
        return _merged(
            (begin, end if end > begin else begin + _ALONE)
            for begin, end in self._spans
        )

    def add(self, batch: Batch) -> None:
        """Note that what a batch shows has arrived."""
        if batch.is_jump:
            self._last = None
        for chunk in batch.chunks:
            last, self._last = self._last, chunk
            if last is None or _was_set(last, chunk):
                self._spans.append((chunk.moment, chunk.moment))
            else:
                begin, end = self._spans[-1]
                self._spans[-1] = begin, max(end, chunk.moment)


def _was_set(last: Chunk, chunk: Chunk) -> bool:
    """Tell whether Frigate's clock was set between two chunks."""
    passed = chunk.arrived - last.arrived
    return abs(chunk.moment - last.moment - passed) > _STEP


def _merged(spans: Iterable[tuple[float, float]]) -> Spans:
    """Return spans in their order, each second once; gaps stay."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return tuple(found)
