"""A fragmented MP4 as a player wants it: with an index in front.

Frigate streams its clips, so that their index lies at their end, where no player looks:
it would ask for the head of each fragment, one request after the other. The file that
is served has the index in front. It exists nowhere: its first bytes are made, and all
others are those of the stored file.

What is in a file is not to be trusted: it is taken apart in threads, and only so much.
"""

from array import array
import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
import struct
from typing import Final

from ...frigate.errors import MediaBroken
from ...frigate.mp4_boxes import header
from ...frigate.mp4_track import Track, read_moof, read_moov, read_tracks
from .mp4_index import (
    MFRO_SIZE,
    Subsegments,
    corrected,
    keyframes,
    mfra_size,
    with_duration,
)

type Read = Callable[[int, int], AsyncGenerator[bytes]]
"""Yields so many bytes of the stored file, from a position on; fewer at its end."""

_HEAD: Final = 8 * 1024
"""Bytes that are read of the front: the boxes before the fragments, as a rule."""
_TAIL: Final = 8 * 1024
"""Bytes that are read of the end: the index, as a rule."""
_MAX_INDEX: Final = 4 * 1024 * 1024
"""Bytes of index or of a fragment's head that are kept in memory."""
_NEAR: Final = 32 * 1024
"""Bytes that are rather read and thrown away than looked past by another read."""
_MAX_BOXES: Final = 1000
"""Boxes of one fragment."""
_MAX_FRONT: Final = 64
"""Boxes before the first fragment; ffmpeg writes two."""
_MAX_TRACKS: Final = 8
"""Tracks of pictures and sound; Frigate's clips have two."""
_MAX_PREFIX: Final = 4 * 1024 * 1024
"""Bytes that are made, and so kept in memory as long as the film is known."""
_MAX_HEADS: Final = 2 * 1024 * 1024
"""Bytes that are read of the last fragments, to learn how long they last."""


class VirtualMp4:
    """A film with its index in front, and how to read any bytes of it."""

    def __init__(
        self, prefix: bytes, offsets: Sequence[int], *, first: int, end: int
    ) -> None:
        """Put `prefix` before the stored bytes from `first` to `end`.

        At each of the `offsets` a fragment begins in the stored file.
        """
        self.size = len(prefix) + end - first
        self._prefix = prefix
        self._offsets = array("Q", offsets)
        self._end = end
        self._shift = len(prefix) - first

    @property
    def weight(self) -> int:
        """Return how many bytes of memory it takes."""
        return len(self._prefix) + len(self._offsets) * self._offsets.itemsize

    async def read(self, read: Read, start: int, length: int) -> AsyncGenerator[bytes]:
        """Yield `length` bytes from `start` on; fewer at the end.

        Raises MediaBroken where the stored file is not what its index says, and
        whatever `read` raises.
        """
        stop = min(start + length, self.size)
        if made := self._prefix[start:stop]:
            yield made
        begin = max(start, len(self._prefix)) - self._shift
        stop -= self._shift
        if begin >= stop:
            return
        position, passing = await self._place(read, begin)
        async with aclosing(self._fragments(read, position, passing, stop)) as pieces:
            async for piece in pieces:
                if (skipped := max(0, begin - position)) < len(piece):
                    yield piece[skipped:] if skipped else piece
                position += len(piece)

    async def _place(self, read: Read, position: int) -> tuple[int, int]:
        """Return where to begin so that `position` is met, and which bytes just pass.

        That is the beginning of a box, or `position` itself inside of one whose bytes
        are the stored ones.
        """
        at = self._offsets[bisect_right(self._offsets, position) - 1]
        for _ in range(_MAX_BOXES):
            if position - at <= _NEAR:
                return at, 0
            # Data follow on the head as a rule: both are known by one read.
            head = await _exactly(read, at, min(_NEAR, self._end - at))
            for kind, start, end in _heads(head, at, self._end):
                if position < end and kind != b"moof":
                    return position, end - position
                if position < end:
                    return start, 0
                at = end
        raise MediaBroken("MP4 has a fragment of too many boxes")

    async def _fragments(
        self, read: Read, position: int, passing: int, stop: int
    ) -> AsyncGenerator[bytes]:
        """Yield the bytes from `position` on, the heads of the fragments corrected.

        The first `passing` of them belong to a box whose bytes are the stored ones.
        """
        passage = _Passage(self._box, self._shift, position, passing)
        async with aclosing(read(position, stop - position)) as pieces:
            async for piece in pieces:
                if passage.passes(piece):
                    yield piece
                elif made := await asyncio.to_thread(passage.made_of, piece):
                    yield made
        position, held = passage.position, len(passage.held)
        if position + held < stop:
            raise MediaBroken("MP4 is cut off")
        if held:
            yield await self._beginning(read, position, held)

    async def _beginning(self, read: Read, position: int, length: int) -> bytes:
        """Return the first bytes of a box, which need the others to be corrected."""
        head = await _exactly(read, position, min(16, self._end - position))
        box = self._box(head, position)
        if box is None or box[0] != b"moof":
            return (await _exactly(read, position, length))[:length]
        moof = await _exactly(read, position, box[1])
        return (await asyncio.to_thread(corrected, moof, self._shift))[:length]

    def _box(self, head: bytes, position: int) -> tuple[bytes, int] | None:
        """Return kind and length of the box at `position`; None if more is needed."""
        if len(head) < 16 and len(head) < self._end - position:
            return None
        kind, _, end = header(head, position, self._end)
        if kind == b"moof" and end - position > _MAX_INDEX:
            raise MediaBroken("MP4 has a fragment with too large a head")
        return kind, end - position


class _Passage:
    """Lets the stored bytes pass, the heads of the fragments corrected."""

    def __init__(
        self,
        box: Callable[[bytes, int], tuple[bytes, int] | None],
        shift: int,
        position: int,
        passing: int,
    ) -> None:
        """Begin at `position`; the next `passing` bytes are in a box without a head."""
        self.position = position
        """Where the bytes that are not held begin."""
        self.held = bytearray()
        """The beginning of a box, of which more is needed."""
        self._box = box
        self._shift = shift
        self._passing = passing

    def passes(self, piece: bytes) -> bool:
        """Tell whether a piece is to be sent as it is: no box begins in it."""
        if self.held or len(piece) > self._passing:
            return False
        self._passing -= len(piece)
        self.position += len(piece)
        return True

    def made_of(self, piece: bytes) -> bytes:
        """Return what can be sent after one more piece: all of it at once.

        There may be thousands of boxes in it. Raises MediaBroken.
        """
        self.held += piece
        made = bytearray()
        while self.held:
            if not self._passing:
                box = self._box(bytes(self.held[:16]), self.position)
                if box is None:
                    break
                kind, length = box
                if kind == b"moof":
                    if len(self.held) < length:
                        break
                    made += corrected(bytes(self.held[:length]), self._shift)
                    self._drop(length)
                    continue
                self._passing = length
            length = min(self._passing, len(self.held))
            made += self.held[:length]
            self._drop(length)
            self._passing -= length
        return bytes(made)

    def _drop(self, length: int) -> None:
        del self.held[:length]
        self.position += length


async def open_virtual(read: Read, size: int) -> VirtualMp4 | None:
    """Return the film that is made of a stored one, None if that is served as it is.

    It is where it is not made of fragments, does not end in an index, or its index is
    odd, or larger than any of Frigate's. Raises whatever `read` raises.
    """
    try:
        return await _open(read, size)
    except MediaBroken, struct.error, IndexError:
        return None


async def _open(read: Read, size: int) -> VirtualMp4:
    init = await _init(read, size)
    track, sounds = await asyncio.to_thread(_tracks, init)
    tail = await _exactly(read, max(0, size - _TAIL), min(_TAIL, size))
    length = mfra_size(tail)
    if not MFRO_SIZE < length <= min(_MAX_INDEX, size - len(init)):
        raise MediaBroken("MP4 has a closing index (mfra) of an odd size")
    end = size - length
    mfra = tail[-length:]
    if length > len(tail):
        mfra = await _exactly(read, end, length - len(tail)) + tail
    heads = _Heads(read, end)
    video = await _subsegments(track, mfra, heads)
    if video.start != len(init):
        raise MediaBroken("MP4 has a closing index (mfra) of other fragments")
    others: list[Subsegments] = []
    # A player that seeks looks for the place in each track.
    for sound in sounds:
        with suppress(MediaBroken):  # It is then not in the index: as good as can be.
            others.append(await _subsegments(sound, mfra, heads))
    return await asyncio.to_thread(_made, init, video, others, end)


def _tracks(init: bytes) -> tuple[Track, list[Track]]:
    """Return the track of pictures, and those of sound; raises MediaBroken."""
    moov = _moov(init)
    track, sounds = read_moov(moov), read_tracks(moov, b"soun")
    ids = {track.id, *(sound.id for sound in sounds)}
    if not len(ids) == 1 + len(sounds) <= _MAX_TRACKS:
        raise MediaBroken("MP4 has tracks of the same number, or too many")
    return track, sounds


def _made(
    init: bytes, video: Subsegments, others: Sequence[Subsegments], end: int
) -> VirtualMp4:
    """Return the film, its index written; raises MediaBroken."""
    indexes = b""
    for other in others:
        with suppress(MediaBroken):
            # Its first fragment may be a later one.
            before = len(indexes) + other.start - video.start
            indexes = other.sidx(before=before) + indexes
    indexes = video.sidx(before=len(indexes)) + indexes
    duration = video.times[-1] - video.times[0]
    prefix = with_duration(init, duration, video.timescale) + indexes
    if len(prefix) > _MAX_PREFIX:
        raise MediaBroken("MP4 has too large an index")
    offsets = [video.start, *video.stops[:-1]]
    return VirtualMp4(prefix, offsets, first=video.start, end=end)


async def _subsegments(track: Track, mfra: bytes, heads: _Heads) -> Subsegments:
    """Return where the fragments of a track are, by the closing index."""
    times, offsets = await asyncio.to_thread(keyframes, mfra, track.id)
    if offsets[-1] >= heads.end:
        raise MediaBroken("MP4 has a closing index (mfra) of other fragments")
    times.append(times[-1] + await heads.duration(track, offsets[-1]))
    return Subsegments(
        track_id=track.id,
        timescale=track.timescale,
        times=times,
        start=offsets[0],
        stops=[*offsets[1:], heads.end],
    )


async def _init(read: Read, size: int) -> bytes:
    """Return the boxes before the first fragment."""
    data = await _exactly(read, 0, min(_HEAD, size))
    position = 0
    for _ in range(_MAX_FRONT):
        kind, _, end = header(data[position : position + 16], position, size)
        if not position and kind != b"ftyp":
            raise MediaBroken("not an MP4")
        if kind == b"moof" and position:
            return data[:position]
        if kind in (b"mdat", b"mfra", b"sidx") or end > _MAX_INDEX:
            raise MediaBroken("MP4 is not made of fragments")
        if (wanted := min(end + 16, size)) > len(data):
            data += await _exactly(read, len(data), wanted - len(data))
        position = end
    raise MediaBroken("MP4 has too many boxes before its fragments")


def _moov(init: bytes) -> memoryview:
    position = 0
    while position < len(init):
        kind, body, end = header(init[position : position + 16], position, len(init))
        if kind == b"moov":
            return memoryview(init)[body:end]
        position = end
    raise MediaBroken("MP4 has no index (moov)")


class _Heads:
    """The heads of the last fragments, each read once for all tracks."""

    def __init__(self, read: Read, end: int) -> None:
        """Read a file whose fragments end there."""
        self.end = end
        self._read = read
        self._known: dict[int, bytes] = {}
        self._left = _MAX_HEADS

    async def duration(self, track: Track, position: int) -> int:
        """Return how long what a track has from `position` on lasts."""
        for _ in range(_MAX_BOXES):
            head = await self._at(position)
            kind, body, stop = header(head[:16], position, self.end)
            if kind == b"moof":
                moof = memoryview(head)[body - position : stop - position]
                await asyncio.to_thread(read_moof, moof, track)
                # Its data need not be looked at.
                stop = _heads(head, position, self.end)[-1][2]
            position = stop
            if position == self.end:
                if track.begin is None:
                    raise MediaBroken("MP4 has a fragment without samples")
                return track.end - track.begin
        raise MediaBroken("MP4 has a fragment of too many boxes")

    async def _at(self, position: int) -> bytes:
        """Return what is there: of a fragment's head all, and the next box's head."""
        if (known := self._known.get(position)) is not None:
            return known
        end = self.end
        data = await _exactly(self._read, position, min(_NEAR, end - position))
        kind, _, stop = header(data[:16], position, end)
        if kind == b"moof":
            if stop - position > self._left:
                raise MediaBroken("MP4 has a fragment with too large a head")
            if (missing := min(stop + 16, end) - position - len(data)) > 0:
                data += await _exactly(self._read, position + len(data), missing)
        if (left := self._left - len(data)) < 0:
            raise MediaBroken("MP4 has a fragment with too large a head")
        self._known[position], self._left = data, left
        return data


def _heads(data: bytes, position: int, end: int) -> list[tuple[bytes, int, int]]:
    """Return kind, start and end of the boxes whose heads are in `data`.

    `data` lie at `position`; the last box may end far behind them.
    """
    found: list[tuple[bytes, int, int]] = []
    at = position
    while at < end and (head := data[at - position : at - position + 16]):
        if len(head) < min(16, end - at):
            break
        kind, _, stop = header(head, at, end)
        found.append((kind, at, stop))
        at = stop
    return found


async def _exactly(read: Read, start: int, length: int) -> bytes:
    """Return these bytes; raises MediaBroken where there are fewer."""
    data = bytearray()
    async with aclosing(read(start, length)) as pieces:
        async for piece in pieces:
            data += piece
    if len(data) < length:
        raise MediaBroken("MP4 is cut off")
    return bytes(data)
