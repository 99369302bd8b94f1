"""Film that is still being made: a beginning, then one fragment after the other.

go2rtc sends an MP4 so: `ftyp` and `moov` first, then `moof` and `mdat` for each
picture. It never ends in an index, so `mp4.check_mp4` is not for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
import struct
from typing import BinaryIO, Final

from .errors import MediaBroken
from .mp4_boxes import header
from .mp4_track import Track, read_moof, read_moov

_MAX_INDEX: Final = 1024 * 1024
"""Bytes of a `moov` or `moof` with its head; those of go2rtc have hundreds."""
_HEAD: Final = 16
_KINDS: Final = frozenset({b"ftyp", b"free", b"moov", b"moof", b"mdat"})
_MOST_TRIES: Final = 1000
"""Places in the end of a file that look like a fragment; sound has tens a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveInit:
    """What stands in front of all fragments, and of every file that is cut of them."""

    data: bytes = field(repr=False)
    track: Track = field(repr=False)
    """The video track, without any samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The pictures of a fragment, in seconds of the film's own clock."""

    start: float
    end: float
    is_keyframe: bool
    """Whether the first of them can be shown without those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFragment:
    """Some pictures, or some sound, with all that is needed to add them to a file."""

    data: bytes = field(repr=False)
    pictures: Pictures | None
    """None of a fragment that holds sound alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHead:
    """How a file begins: its video track, and when its first picture is shown.

    In seconds of the film's own clock.
    """

    track: Track = field(repr=False)
    """Without any samples."""
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFileInfo:
    """What a file holds that was cut off at any byte."""

    size: int
    """Bytes up to the end of its last whole fragment."""
    duration: float
    """Seconds of pictures."""


def is_init(data: bytes) -> bool:
    """Tell whether a message begins a film."""
    return data[4:8] == b"ftyp"


def parse_init(data: bytes) -> LiveInit:
    """Return the beginning of a film. Raises `MediaBroken` unless it is one, whole."""
    moov = None
    for kind, body in _boxes(data):
        if kind == b"moov":
            moov = _small(body)
        elif kind not in (b"ftyp", b"free"):
            raise MediaBroken("A film's beginning holds something else")
    if moov is None:
        raise MediaBroken("A film's beginning has no index (moov)")
    with _boxes_read():
        return LiveInit(data=data, track=read_moov(moov))


def parse_fragment(data: bytes, init: LiveInit) -> LiveFragment:
    """Return a fragment of the film. Raises `MediaBroken` unless it is whole."""
    track = _empty(init.track)
    wanted: int | None = None
    has_data = False
    with _boxes_read():
        for kind, body in _boxes(data):
            if kind == b"moof" and wanted is None:
                wanted = read_moof(_small(body), track)
            elif kind == b"mdat" and wanted is not None:
                if len(body) < wanted:
                    raise MediaBroken("A fragment lacks some of its data")
                wanted, has_data = None, True
            else:
                raise MediaBroken("A fragment's boxes are in no good order")
    if wanted is not None or not has_data:
        raise MediaBroken("A fragment is without data")
    return LiveFragment(data=data, pictures=_pictures(track))


def look_at(file: BinaryIO) -> LiveFileInfo:
    """Return how much of a live file plays, wherever it was cut off.

    Reads the disk, box after box, so it needs no memory: not on a loop. Raises
    `MediaBroken` if nothing of it plays.
    """
    track: Track | None = None
    moof: bytes | None = None
    begin = end_time = 0
    position = whole = 0
    while len(head := _read(file, position, 8)) == 8:
        length, kind = int.from_bytes(head[:4]), head[4:]
        end = position + length
        if length < 8 or (kind != b"mdat" and length > _MAX_INDEX):
            break
        if not _is_there(file, end):
            break
        if kind == b"moov" and track is None:
            with _boxes_read():
                track = read_moov(memoryview(_read(file, position + 8, length - 8)))
        elif kind == b"moof" and track is not None:
            moof = _read(file, position + 8, length - 8)
        elif kind == b"mdat" and track is not None and moof is not None:
            found = _empty(track)
            with _boxes_read():
                wanted = read_moof(memoryview(moof), found)
            if length - 8 < wanted:
                break
            if found.begin is not None:
                begin = found.begin if not whole else min(begin, found.begin)
                end_time, whole = max(end_time, found.end), end
            elif whole:
                whole = end
            moof = None
        elif kind not in (b"ftyp", b"free"):
            break
        position = end
    if track is None or not whole:
        raise MediaBroken("a live file without a whole picture")
    return LiveFileInfo(size=whole, duration=(end_time - begin) / track.timescale)


def look_at_bytes(data: bytes) -> LiveFileInfo:
    """Do as `look_at` with what is in memory."""
    return look_at(BytesIO(data))


def look_at_head(head: bytes, *, size: int) -> LiveHead | None:
    """Return how a live file of `size` bytes begins, of which `head` are the first.

    Raises `MediaBroken` if it was cut off before its first picture was whole. None if
    that can't be known: more of them are needed, or it is no file of a live film.
    """
    track: Track | None = None
    found: Track | None = None
    wanted = position = 0
    while position + 8 <= size:
        if position + 8 > len(head):
            return None
        length, kind = _box_at(head, position)
        end = position + length
        if length < 8 or kind not in _KINDS:
            if any(head[position:]):
                return None
            break  # A disk lost power.
        if end > size:
            break
        if kind in (b"moov", b"moof"):
            if end > len(head) or (kind == b"moov") != (track is None):
                return None
            body = memoryview(head)[position + 8 : end]
            try:
                with _boxes_read():
                    if track is None:
                        track = read_moov(body)
                    else:
                        found = _empty(track)
                        wanted = read_moof(body, found)
            except MediaBroken:
                return None
        elif kind == b"mdat":
            if track is None or found is None or length - 8 < wanted:
                return None
            if found.begin is not None:
                return LiveHead(
                    track=_empty(track), start=found.begin / found.timescale
                )
        position = end
    raise MediaBroken("a live file without a whole picture")


def last_picture(tail: bytes, head: LiveHead) -> float | None:
    """Return when the last whole picture in the end of a live file is over.

    By the film's own clock; `tail` may begin anywhere. None if it has no whole picture.
    """
    at = len(tail)
    for _ in range(_MOST_TRIES):
        at = tail.rfind(b"moof", 4, at)
        if at < 0:
            return None
        found = _fragment_at(tail, at - 4, head.track)
        if found is not None and found.begin is not None:
            return found.end / found.timescale
    return None


def _fragment_at(data: bytes, position: int, track: Track) -> Track | None:
    """Return the samples of the fragment at a position, None unless a whole one is."""
    length, _ = _box_at(data, position)
    end = position + length
    if not 8 <= length <= _MAX_INDEX or end + 8 > len(data):
        return None
    data_length, kind = _box_at(data, end)
    if kind != b"mdat" or end + data_length > len(data):
        return None
    found = _empty(track)
    try:
        with _boxes_read():
            wanted = read_moof(memoryview(data)[position + 8 : end], found)
    except MediaBroken:
        return None
    return found if data_length - 8 >= wanted else None


def _box_at(data: bytes, position: int) -> tuple[int, bytes]:
    """Return length and kind of the box at a position, both as they stand there."""
    return (
        int.from_bytes(data[position : position + 4]),
        data[position + 4 : position + 8],
    )


def _empty(track: Track) -> Track:
    return Track(id=track.id, timescale=track.timescale, defaults=track.defaults)


def _pictures(track: Track) -> Pictures | None:
    if track.begin is None:
        return None
    return Pictures(
        start=track.begin / track.timescale,
        end=track.end / track.timescale,
        is_keyframe=track.keyframes[:1] == [track.begin],
    )


def _small(index: memoryview) -> memoryview:
    """Return an index that is walked on the loop, and read again in the file later."""
    if len(index) + 8 > _MAX_INDEX:
        raise MediaBroken("A film's index is too large")
    return index


def _boxes(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(data)
    position = 0
    while position < len(data):
        kind, body, end = header(data[position : position + _HEAD], position, len(data))
        yield kind, view[body:end]
        position = end


@contextmanager
def _boxes_read() -> Iterator[None]:
    """Turn what reading a short box raises into `MediaBroken`."""
    try:
        yield
    except (struct.error, IndexError) as err:
        raise MediaBroken("A fragment has a box that is too small") from err


def _read(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)


def _is_there(file: BinaryIO, end: int) -> bool:
    """Tell whether a file has so many bytes."""
    return len(_read(file, end - 1, 1)) == 1
