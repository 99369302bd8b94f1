"""Is this MP4 whole, and what does it hold? The pictures themselves are not read."""

from dataclasses import dataclass, field
import os
from pathlib import Path
import struct
from typing import BinaryIO, Final

from .errors import MediaBroken
from .mp4_boxes import header
from .mp4_track import Track, read_moof, read_moov

_MAX_INDEX: Final = 16 * 1024 * 1024
"""Bytes of a box that is read into memory (moov, moof); ffmpeg's are far smaller."""
_MAX_BOXES: Final = 1_000_000
"""More than a day of fragments of a second each has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp4Info:
    """What a whole MP4 holds: seconds of video, and whether in fragments.

    Frigate 0.15+ streams fragments, 0.14 makes a plain file. `keyframes` are the
    times of the keyframes in seconds from the beginning, in order; empty where
    the file doesn't say which they are.
    """

    duration: float
    fragmented: bool
    keyframes: tuple[float, ...] = field(default=(), repr=False)


@dataclass(slots=True, kw_only=True)
class _Contents:
    """What was met on the way through a file."""

    last: bytes = b""
    fragmented: bool = False
    track: Track | None = None
    wanted: int = 0
    """Bytes that the samples of the last fragment take."""
    data: int = 0
    """Bytes of data in the whole file."""


def check_mp4(path: Path, *, max_boxes: int = _MAX_BOXES) -> Mp4Info:
    """Return what the MP4 file at `path` holds. Reads the disk: not on a loop.

    Every box must be there to its last byte, with as many bytes of data as its
    samples take; what is in them is not looked at, nor read. A file in fragments
    must end in the index (`mfra`) that ffmpeg writes when it finishes in good
    order.

    Raises:
        MediaBroken: The file is not whole, no MP4, or has no video in it.
        OSError: The file can't be read.

    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            raise MediaBroken("empty file")
        try:
            contents = _walk(file, size, max_boxes)
        except (struct.error, IndexError) as err:
            raise MediaBroken("MP4 has a box that is too small") from err
    return _judge(contents)


def _judge(contents: _Contents) -> Mp4Info:
    track = contents.track
    if track is None:
        raise MediaBroken("MP4 has no index (moov)")
    if not contents.data:
        raise MediaBroken("MP4 holds no video")
    begin = 0
    if contents.fragmented:
        if contents.last != b"mfra":
            raise MediaBroken("MP4 is cut off: its closing index (mfra) is missing")
        begin = track.end if track.begin is None else track.begin
        ticks = track.end - begin
    else:
        if contents.data < track.plain_bytes:
            raise MediaBroken("MP4 lacks data that its index names")
        ticks = track.duration
    if not ticks:
        raise MediaBroken("MP4 holds no video")
    return Mp4Info(
        duration=ticks / track.timescale,
        fragmented=contents.fragmented,
        keyframes=tuple((time - begin) / track.timescale for time in track.keyframes),
    )


def _walk(file: BinaryIO, size: int, max_boxes: int) -> _Contents:
    """Go from box to box through the file."""
    contents = _Contents()
    position = 0
    for _ in range(max_boxes):
        if position == size:
            return contents
        file.seek(position)
        kind, body, end = header(file.read(16), position, size)
        if not position and kind != b"ftyp":
            raise MediaBroken("not an MP4")
        if contents.last == b"moof" and kind != b"mdat":
            raise MediaBroken("MP4 has a fragment without data")
        if kind == b"moov":
            if contents.track is not None:
                raise MediaBroken("MP4 has two indexes (moov)")
            contents.track = read_moov(_content(file, body, end))
        elif kind == b"moof":
            if contents.track is None:
                raise MediaBroken("MP4 has a fragment before its index (moov)")
            contents.wanted = read_moof(_content(file, body, end), contents.track)
            contents.fragmented = True
        elif kind == b"mdat":
            if contents.last == b"moof" and end - body < contents.wanted:
                raise MediaBroken("MP4 has a fragment without all of its data")
            contents.data += end - body
        contents.last = kind
        position = end
    raise MediaBroken("MP4 has too many boxes")


def _content(file: BinaryIO, start: int, end: int) -> memoryview:
    if end - start > _MAX_INDEX:
        raise MediaBroken("MP4 has an index that is too large")
    file.seek(start)
    content = file.read(end - start)
    if len(content) != end - start:
        raise MediaBroken("MP4 is cut off")
    return memoryview(content)
