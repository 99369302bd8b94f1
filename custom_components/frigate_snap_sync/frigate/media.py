"""Is this JPEG, is this MP4 whole? Looked at from outside, without decoding."""

from collections.abc import Callable
from functools import partial
import re
from typing import Final

from .errors import MediaBroken
from .mp4 import Mp4Info, check_mp4

__all__ = ["Mp4Info", "check_jpeg", "check_mp4"]

_SOI: Final = b"\xff\xd8"
_SOS: Final = 0xDA
_EOI: Final = 0xD9
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a segment: TEM, and the restart markers."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame, for every kind of coding; holds the size of the picture."""
_MAX_SEGMENTS: Final = 10_000
_WINDOW: Final = 1024 * 1024
"""Bytes looked at in one go: no other thread runs meanwhile."""

_NO_FILL: Final = re.compile(rb"[^\xff]")
"""The end of a marker: one byte, before which come fill bytes of 0xFF."""
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The end of a stretch of image data, in which 0xFF00 stands for 0xFF."""
_NO_PADDING: Final = re.compile(rb"[^\x00\xff\r\n]")


type Search = Callable[[re.Pattern[bytes], bytes, int, int], re.Match[bytes] | None]
"""Looks for a pattern between two positions."""
type Find = Callable[[re.Pattern[bytes], bytes, int], int | None]
"""Returns where a pattern is found from a position on."""


def check_jpeg(
    data: bytes, *, window: int = _WINDOW, search: Search = re.Pattern.search
) -> None:
    """Raise `MediaBroken` with the reason unless `data` is a whole JPEG.

    Every segment from the first marker to the end-of-image marker must be
    there. After that only padding may come, as some encoders write it.
    It is searched `window` bytes at a time.
    """
    if not data.startswith(_SOI):
        raise MediaBroken("not a JPEG" if data else "empty image")
    find = partial(_find, window=window, search=search)
    position = len(_SOI)
    has_frame = has_scan = False
    for _ in range(_MAX_SEGMENTS):
        position, marker = _marker(find, data, position)
        if marker == _EOI:
            break
        if marker in _STANDALONE:
            continue
        end = position + int.from_bytes(data[position : position + 2])
        if end < position + 2 or end > len(data):
            raise MediaBroken("JPEG is cut off in a segment")
        if marker in _FRAMES:
            if end < position + 8 or not any(data[position + 5 : position + 7]):
                raise MediaBroken("JPEG tells no size")
            has_frame = True
        position = end
        if marker == _SOS:
            if not has_frame:
                raise MediaBroken("JPEG has image data without a frame")
            has_scan = True
            if (found := find(_NEXT_MARKER, data, position)) is None:
                raise MediaBroken("JPEG is cut off in the image data")
            position = found
    else:
        raise MediaBroken("JPEG has too many segments")
    if not has_scan:
        raise MediaBroken("JPEG has no image data")
    if find(_NO_PADDING, data, position) is not None:
        raise MediaBroken("JPEG has something behind its end")


def _marker(find: Find, data: bytes, position: int) -> tuple[int, int]:
    """Return the position behind the marker at `position`, and the marker."""
    end = find(_NO_FILL, data, position)
    if end is None or end == position or data[end] == 0:
        raise MediaBroken("JPEG is cut off or has a bad marker")
    return end + 1, data[end]


def _find(
    pattern: re.Pattern[bytes],
    data: bytes,
    position: int,
    *,
    window: int,
    search: Search,
) -> int | None:
    """Return where a pattern of at most two bytes is found, None if nowhere."""
    while position < len(data):
        found = search(pattern, data, position, position + window + 1)
        if found is not None:
            return found.start()
        position += window
    return None
