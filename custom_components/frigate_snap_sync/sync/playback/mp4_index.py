"""The index of a fragmented MP4: read at its end, written for its front."""

from collections.abc import Sequence
from dataclasses import dataclass
import struct
from typing import Final

from ...frigate.errors import MediaBroken
from ...frigate.mp4_boxes import child, children, header

_BASE_DATA_OFFSET: Final = 0x1
"""In the flags of a `tfhd`: its offsets count from a place in the file."""
_HAS_KEYFRAME: Final = 1 << 31 | 1 << 28
"""Of a subsegment: it begins with a keyframe, of the plainest kind."""
_MAX_REFERENCES: Final = 2**16 - 1
_MAX_SIZE: Final = 2**31 - 1
_MAX_DURATION: Final = 2**32 - 1

MFRO_SIZE: Final = 16
"""Bytes of the last box of an `mfra`, which says how long that is."""


def mfra_size(tail: bytes) -> int:
    """Return how long the `mfra` is that ends with `tail`; raises MediaBroken."""
    mfro = tail[-MFRO_SIZE:]
    if len(mfro) < MFRO_SIZE or mfro[4:8] != b"mfro":
        raise MediaBroken("MP4 has no closing index (mfra)")
    return int.from_bytes(mfro[12:])


def keyframes(mfra: bytes, track_id: int) -> tuple[list[int], list[int]]:
    """Return the times of the keyframes, and where the fragments of these begin.

    `mfra` is the whole box. Raises MediaBroken where it says nothing of the track, or
    nothing that can be so.
    """
    kind, body, end = header(mfra[:16], 0, len(mfra))
    if kind != b"mfra":
        raise MediaBroken("MP4 has no closing index (mfra)")
    for kind, content in children(memoryview(mfra)[body:end]):
        if kind == b"tfra" and struct.unpack_from(">I", content, 4) == (track_id,):
            return _random_access_points(content)
    raise MediaBroken("MP4 has a closing index (mfra) without its video")


def _random_access_points(content: memoryview) -> tuple[list[int], list[int]]:
    lengths, count = struct.unpack_from(">II", content, 8)
    # Behind time and offset come three numbers of one to four bytes each.
    others = (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3) + 3
    entry = struct.Struct(f">{'QQ' if content[0] else 'II'}{others}x")
    if count * entry.size != len(content) - 16:
        raise MediaBroken("MP4 has a closing index (mfra) with missing entries")
    times: list[int] = []
    offsets: list[int] = []
    for time, offset in entry.iter_unpack(content[16:]):
        if offsets and offset == offsets[-1]:
            continue  # Another keyframe of the same fragment.
        if offsets and (offset < offsets[-1] or time < times[-1]):
            raise MediaBroken("MP4 has a closing index (mfra) out of order")
        times.append(time)
        offsets.append(offset)
        if len(offsets) > _MAX_REFERENCES:
            raise MediaBroken("MP4 has more fragments than an index can list")
    if not offsets:
        raise MediaBroken("MP4 has an empty closing index (mfra)")
    return times, offsets


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsegments:
    """What a track's index lists: times, one more than there are, and places.

    `times` are in units of 1/`timescale` s, `stops` where each ends in the file.
    """

    track_id: int
    timescale: int
    times: Sequence[int]
    start: int
    stops: Sequence[int]

    def sidx(self, *, before: int) -> bytes:
        """Return the index, behind which come `before` bytes, and then the first.

        Raises MediaBroken where the box can't say it.
        """
        if before < 0 or len(self.stops) > _MAX_REFERENCES:
            raise MediaBroken("MP4 has more fragments than an index can list")
        references, start = bytearray(), self.start
        for number, stop in enumerate(self.stops):
            size, duration = stop - start, self.times[number + 1] - self.times[number]
            if size > _MAX_SIZE or not 0 <= duration <= _MAX_DURATION:
                raise MediaBroken("MP4 has a fragment that no index can list")
            references += struct.pack(">III", size, duration, _HAS_KEYFRAME)
            start = stop
        head = (1 << 24, self.track_id, self.timescale, self.times[0], before)
        return _box(
            b"sidx",
            struct.pack(">IIIQQHH", *head, 0, len(self.stops)) + references,
        )


def with_duration(init: bytes, duration: int, timescale: int) -> bytes:
    """Return the beginning of a film, saying how long all of its fragments last.

    `init` are its boxes up to the first fragment, `duration` is in units of
    1/`timescale` s. One that says it already is returned as it is. Raises MediaBroken.
    """
    moov, mvex = _find(init, 0, len(init), b"moov"), None
    if moov is not None:
        mvex = _find(init, moov[1], moov[2], b"mvex")
    if moov is None or mvex is None:
        raise MediaBroken("MP4 is not made of fragments")
    content = memoryview(init)[moov[1] : moov[2]]
    if (mvhd := child(content, b"mvhd")) is None:
        raise MediaBroken("MP4 has no clock of its own (mvhd)")
    if child(content, b"mvex", b"mehd") is not None:
        return init
    (clock,) = struct.unpack_from(">I", mvhd, 20 if mvhd[0] else 12)
    mehd = _box(b"mehd", struct.pack(">IQ", 1 << 24, -(-duration * clock // timescale)))
    made = bytearray(init)
    made[mvex[1] : mvex[1]] = mehd
    for start, body, end in (moov, mvex):
        if body - start != 8:
            raise MediaBroken("MP4 has an index (moov) of an odd form")
        made[start : start + 4] = (end - start + len(mehd)).to_bytes(4)
    return bytes(made)


def corrected(moof: bytes, shift: int) -> bytes:
    """Return a fragment's head whose data lie `shift` bytes further behind.

    Raises MediaBroken.
    """
    made = bytearray(moof)
    _, body, end = header(moof[:16], 0, len(moof))
    for _, traf_body, traf_end in _boxes(moof, body, end, b"traf"):
        for _, start, stop in _boxes(moof, traf_body, traf_end, b"tfhd"):
            if stop - start < 16 or not moof[start + 3] & _BASE_DATA_OFFSET:
                continue  # It counts from the fragment itself.
            offset = int.from_bytes(moof[start + 8 : start + 16]) + shift
            made[start + 8 : start + 16] = offset.to_bytes(8)
    return bytes(made)


def _boxes(
    data: bytes, position: int, end: int, wanted: bytes
) -> list[tuple[int, int, int]]:
    """Return start, start of content and end of the boxes of a kind."""
    found: list[tuple[int, int, int]] = []
    while position < end:
        kind, body, stop = header(data[position : position + 16], position, end)
        if kind == wanted:
            found.append((position, body, stop))
        position = stop
    return found


def _find(
    data: bytes, position: int, end: int, wanted: bytes
) -> tuple[int, int, int] | None:
    found = _boxes(data, position, end, wanted)
    return found[0] if found else None


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content
