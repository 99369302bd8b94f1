"""The boxes of an MP4 file (ISO/IEC 14496-12), as far as wholeness needs them."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import struct
import sys
from typing import BinaryIO, Final

from .errors import MediaBroken

_MAX_INDEX: Final = 16 * 1024 * 1024
"""Bytes of a box that is read into memory (moov, moof); ffmpeg's are far smaller."""
_MAX_CHILDREN: Final = 10_000
_MAX_BOXES: Final = 1_000_000
"""More than a day of fragments of a second each has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp4Info:
    """What a whole MP4 holds: seconds of video, and whether in fragments.

    Frigate 0.15+ streams fragments, 0.14 makes a plain file.
    """

    duration: float
    fragmented: bool


@dataclass(slots=True, kw_only=True)
class _Track:
    """The video track; times in units of 1/`timescale` s."""

    id: int = 0
    timescale: int = 0
    duration: int = 0
    default_sample_duration: int = 0
    begin: int | None = None
    end: int = 0

    def add(self, start: int | None, duration: int) -> None:
        """Take in a run of samples; without `start` it follows the one before."""
        if start is None:
            start = self.end
        self.begin = start if self.begin is None else min(self.begin, start)
        self.end = max(self.end, start + duration)


@dataclass(slots=True, kw_only=True)
class _Contents:
    """What was met on the way through a file."""

    last: bytes = b""
    has_data: bool = False
    fragmented: bool = False
    track: _Track | None = None


def check_mp4(path: Path) -> Mp4Info:
    """Return what the MP4 file at `path` holds. Reads the disk: not on a loop.

    Every box must be there to its last byte; the bytes of the pictures
    themselves are not looked at, nor read. A file in fragments must end in the
    index (`mfra`) that ffmpeg writes when it finishes in good order.

    Raises:
        MediaBroken: The file is not whole, no MP4, or has no video in it.
        OSError: The file can't be read.

    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            raise MediaBroken("empty file")
        try:
            contents = _walk(file, size)
        except (struct.error, IndexError) as err:
            raise MediaBroken("MP4 has a box that is too small") from err
    return _judge(contents)


def _judge(contents: _Contents) -> Mp4Info:
    track = contents.track
    if track is None:
        raise MediaBroken("MP4 has no index (moov)")
    if not contents.has_data:
        raise MediaBroken("MP4 holds no video")
    if contents.fragmented:
        if contents.last != b"mfra":
            raise MediaBroken("MP4 is cut off: its closing index (mfra) is missing")
        ticks = 0 if track.begin is None else track.end - track.begin
    else:
        ticks = track.duration
    if not ticks:
        raise MediaBroken("MP4 holds no video")
    return Mp4Info(duration=ticks / track.timescale, fragmented=contents.fragmented)


def _walk(file: BinaryIO, size: int) -> _Contents:
    """Go from box to box through the file."""
    contents = _Contents()
    position = 0
    for _ in range(_MAX_BOXES):
        if position == size:
            return contents
        file.seek(position)
        kind, body, end = _header(file.read(16), position, size)
        if not position and kind != b"ftyp":
            raise MediaBroken("not an MP4")
        if contents.last == b"moof" and kind != b"mdat":
            raise MediaBroken("MP4 has a fragment without data")
        if kind == b"moov":
            if contents.track is not None:
                raise MediaBroken("MP4 has two indexes (moov)")
            contents.track = _read_moov(_content(file, body, end))
        elif kind == b"moof":
            if contents.track is None:
                raise MediaBroken("MP4 has a fragment before its index (moov)")
            _read_moof(_content(file, body, end), contents.track)
            contents.fragmented = True
        elif kind == b"mdat":
            contents.has_data = True
        contents.last = kind
        position = end
    raise MediaBroken("MP4 has too many boxes")


def _header(head: bytes, position: int, size: int) -> tuple[bytes, int, int]:
    """Return kind, start of content, and end of the box at `position`.

    `head` is what lies there, up to 16 bytes, and `size` where it must end.
    """
    if len(head) < 8:
        raise MediaBroken("MP4 is cut off in the head of a box")
    length = int.from_bytes(head[:4])
    body = position + 8
    if length == 1:
        if len(head) < 16:
            raise MediaBroken("MP4 is cut off in the head of a box")
        length = int.from_bytes(head[8:])
        body = position + 16
    elif length == 0:
        # "Up to the end of the file": what a writer puts there first and
        # replaces when it has finished
        raise MediaBroken("MP4 was not finished")
    end = position + length
    if end < body:
        raise MediaBroken("MP4 has a box that is too small")
    if end > size:
        raise MediaBroken("MP4 is cut off")
    return head[4:8], body, end


def _content(file: BinaryIO, start: int, end: int) -> memoryview:
    if end - start > _MAX_INDEX:
        raise MediaBroken("MP4 has an index that is too large")
    file.seek(start)
    content = file.read(end - start)
    if len(content) != end - start:
        raise MediaBroken("MP4 is cut off")
    return memoryview(content)


def _children(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and content of the boxes in a box."""
    position = 0
    for _ in range(_MAX_CHILDREN):
        if position == len(content):
            return
        head = bytes(content[position : position + 16])
        kind, body, end = _header(head, position, len(content))
        yield kind, content[body:end]
        position = end
    raise MediaBroken("MP4 has too many boxes")


def _child(content: memoryview, *path: bytes) -> memoryview | None:
    """Return the content of the first box at `path` below, if there is one."""
    for name in path:
        for kind, inner in _children(content):
            if kind == name:
                content = inner
                break
        else:
            return None
    return content


def _read_moov(content: memoryview) -> _Track:
    """Return the first video track."""
    for kind, trak in _children(content):
        if kind != b"trak":
            continue
        hdlr = _child(trak, b"mdia", b"hdlr")
        tkhd = _child(trak, b"tkhd")
        mdhd = _child(trak, b"mdia", b"mdhd")
        if hdlr is None or tkhd is None or mdhd is None or bytes(hdlr[8:12]) != b"vide":
            continue
        # Version 1 has 64-bit times
        (track_id,) = struct.unpack_from(">I", tkhd, 20 if tkhd[0] else 12)
        if mdhd[0]:
            timescale, duration = struct.unpack_from(">IQ", mdhd, 20)
        else:
            timescale, duration = struct.unpack_from(">II", mdhd, 12)
        if not timescale:
            raise MediaBroken("MP4 has a track without a clock")
        return _Track(
            id=track_id,
            timescale=timescale,
            duration=duration,
            default_sample_duration=_trex_duration(content, track_id),
        )
    raise MediaBroken("MP4 has no video track")


def _trex_duration(moov: memoryview, track_id: int) -> int:
    """Return the duration of samples that say nothing else, for one track."""
    if (mvex := _child(moov, b"mvex")) is None:
        return 0
    for kind, content in _children(mvex):
        if kind == b"trex" and struct.unpack_from(">I", content, 4)[0] == track_id:
            return int(struct.unpack_from(">I", content, 12)[0])
    return 0


def _read_moof(content: memoryview, track: _Track) -> None:
    """Add the samples that a fragment has of the track."""
    for kind, traf in _children(content):
        if kind == b"traf":
            _read_traf(traf, track)


def _read_traf(content: memoryview, track: _Track) -> None:
    tfhd = _child(content, b"tfhd")
    if tfhd is None:
        raise MediaBroken("MP4 has a fragment without a head")
    flags, track_id = struct.unpack_from(">II", tfhd)
    if track_id != track.id:
        return
    sample_duration = track.default_sample_duration
    if flags & 0x8:
        offset = 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
        (sample_duration,) = struct.unpack_from(">I", tfhd, offset)
    start = None
    if (tfdt := _child(content, b"tfdt")) is not None:
        (start,) = struct.unpack_from(">Q" if tfdt[0] else ">I", tfdt, 4)
    for kind, trun in _children(content):
        if kind == b"trun":
            track.add(start, _trun_duration(trun, sample_duration))
            start = None


def _trun_duration(content: memoryview, sample_duration: int) -> int:
    """Return how long a run of samples lasts."""
    flags, count = struct.unpack_from(">II", content)
    offset = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    columns = (flags & 0xF00).bit_count()
    if offset + count * columns * 4 > len(content):
        raise MediaBroken("MP4 has a fragment with missing samples")
    if not flags & 0x100:
        return int(count * sample_duration)
    values = array("I", content[offset : offset + count * columns * 4].tobytes())
    if sys.byteorder == "little":  # pragma: no branch
        values.byteswap()
    return sum(values[::columns])
