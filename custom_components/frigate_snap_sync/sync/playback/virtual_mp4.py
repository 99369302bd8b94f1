"""A fragmented MP4 as a player wants it: with an index in front.

Frigate streams its clips, so that their index lies at their end, where no player looks:
it would ask for the head of each fragment, one request after the other. The file that
is served has the index in front. It exists nowhere: its first bytes are made, and all
others are those of the stored file.
"""

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
        self._offsets = offsets
        self._end = end
        self._shift = len(prefix) - first

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
        held = bytearray()
        async with aclosing(read(position, stop - position)) as pieces:
            async for piece in pieces:
                if len(piece) <= passing:
                    passing -= len(piece)
                    position += len(piece)
                    yield piece
                    continue
                held += piece
                while held:
                    if not passing:
                        if (box := self._box(bytes(held[:16]), position)) is None:
                            break
                        kind, length = box
                        if kind == b"moof":
                            if len(held) < length:
                                break
                            yield corrected(bytes(held[:length]), self._shift)
                            del held[:length]
                            position += length
                            continue
                        passing = length
                    passed = bytes(held[:passing])
                    del held[:passing]
                    passing -= len(passed)
                    position += len(passed)
                    yield passed
        if position + len(held) < stop:
            raise MediaBroken("MP4 is cut off")
        if held:
            yield await self._beginning(read, position, len(held))

    async def _beginning(self, read: Read, position: int, length: int) -> bytes:
        """Return the first bytes of a box, which need the others to be corrected."""
        head = await _exactly(read, position, min(16, self._end - position))
        box = self._box(head, position)
        if box is None or box[0] != b"moof":
            return (await _exactly(read, position, length))[:length]
        moof = await _exactly(read, position, box[1])
        return corrected(moof, self._shift)[:length]

    def _box(self, head: bytes, position: int) -> tuple[bytes, int] | None:
        """Return kind and length of the box at `position`; None if more is needed."""
        if len(head) < 16 and len(head) < self._end - position:
            return None
        kind, _, end = header(head, position, self._end)
        if kind == b"moof" and end - position > _MAX_INDEX:
            raise MediaBroken("MP4 has a fragment with too large a head")
        return kind, end - position


async def open_virtual(read: Read, size: int) -> VirtualMp4 | None:
    """Return the film that is made of a stored one, None if that is served as it is.

    It is where it is not made of fragments, does not end in an index, or its index is
    odd. Raises whatever `read` raises.
    """
    try:
        return await _open(read, size)
    except MediaBroken, struct.error, IndexError:
        return None


async def _open(read: Read, size: int) -> VirtualMp4:
    init = await _init(read, size)
    track = read_moov(_moov(init))
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
    indexes = b""
    # A player that seeks looks for the place in each track.
    for sound in read_tracks(_moov(init), b"soun"):
        with suppress(MediaBroken):  # It is then not in the index: as good as can be.
            other = await _subsegments(sound, mfra, heads)
            # Its first fragment may be a later one.
            before = len(indexes) + other.start - video.start
            indexes = other.sidx(before=before) + indexes
    indexes = video.sidx(before=len(indexes)) + indexes
    duration = video.times[-1] - video.times[0]
    prefix = with_duration(init, duration, track.timescale) + indexes
    offsets = [video.start, *video.stops[:-1]]
    return VirtualMp4(prefix, offsets, first=video.start, end=end)


async def _subsegments(track: Track, mfra: bytes, heads: _Heads) -> Subsegments:
    """Return where the fragments of a track are, by the closing index."""
    times, offsets = keyframes(mfra, track.id)
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
    while True:
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

    async def duration(self, track: Track, position: int) -> int:
        """Return how long what a track has from `position` on lasts."""
        for _ in range(_MAX_BOXES):
            head = await self._at(position)
            kind, body, stop = header(head[:16], position, self.end)
            if kind == b"moof":
                moof = memoryview(head)[body - position : stop - position]
                read_moof(moof, track)
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
            if stop - position > _MAX_INDEX:
                raise MediaBroken("MP4 has a fragment with too large a head")
            if (missing := min(stop + 16, end) - position - len(data)) > 0:
                data += await _exactly(self._read, position + len(data), missing)
        self._known[position] = data
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
