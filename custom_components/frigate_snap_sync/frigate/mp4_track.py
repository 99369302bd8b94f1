"""The video track of an MP4 file: how long it is, where its keyframes are."""

from array import array
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
import struct
import sys
from typing import Final

from .errors import MediaBroken
from .mp4_boxes import child, children

MAX_KEYFRAMES: Final = 100_000
"""More than a day of one a second has; of a longer film the first ones are kept."""

_NOT_A_KEYFRAME: Final = 0x10000
"""`sample_is_non_sync_sample` in the flags of a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the samples of a track have that say nothing else (`trex`, `tfhd`)."""

    duration: int = 0
    size: int = 0
    flags: int = 0


@dataclass(slots=True, kw_only=True)
class Track:
    """The video track; times in units of 1/`timescale` s."""

    id: int = 0
    timescale: int = 0
    duration: int = 0
    defaults: Mapping[int, Defaults] = field(default_factory=dict)
    """Of every track, by its id."""
    begin: int | None = None
    end: int = 0
    keyframes: list[int] = field(default_factory=list)
    plain_bytes: int = 0
    """Bytes that the samples of a film without fragments take."""

    def add(self, start: int | None, run: Run) -> None:
        """Take in a run of samples; without `start` it follows the one before."""
        if start is None:
            start = self.end
        self.begin = start if self.begin is None else min(self.begin, start)
        self.end = max(self.end, start + run.duration)
        for offset in run.keyframes[: MAX_KEYFRAMES - len(self.keyframes)]:
            insort(self.keyframes, start + offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive samples: how long, how many bytes, and which are keyframes."""

    duration: int
    size: int
    keyframes: tuple[int, ...]
    """Their times from the run's start."""


def read_moov(content: memoryview) -> Track:
    """Return the first video track."""
    if not (tracks := read_tracks(content, b"vide")):
        raise MediaBroken("MP4 has no video track")
    return tracks[0]


def read_tracks(content: memoryview, wanted: bytes) -> list[Track]:
    """Return the tracks of a kind: `vide` are pictures, `soun` is sound."""
    found: list[Track] = []
    # Once for all: they are as many as the tracks, and a file may have thousands.
    defaults = _defaults(content)
    for kind, trak in children(content):
        if kind != b"trak":
            continue
        hdlr = child(trak, b"mdia", b"hdlr")
        tkhd = child(trak, b"tkhd")
        mdhd = child(trak, b"mdia", b"mdhd")
        if hdlr is None or tkhd is None or mdhd is None or bytes(hdlr[8:12]) != wanted:
            continue
        # Version 1 has 64-bit times
        (track_id,) = struct.unpack_from(">I", tkhd, 20 if tkhd[0] else 12)
        if mdhd[0]:
            timescale, duration = struct.unpack_from(">IQ", mdhd, 20)
        else:
            timescale, duration = struct.unpack_from(">II", mdhd, 12)
        if not timescale:
            raise MediaBroken("MP4 has a track without a clock")
        track = Track(
            id=track_id,
            timescale=timescale,
            duration=duration,
            defaults=defaults,
        )
        if (stbl := child(trak, b"mdia", b"minf", b"stbl")) is not None:
            track.plain_bytes = _plain_bytes(stbl)
            track.keyframes = _plain_keyframes(stbl)
        found.append(track)
    return found


def read_moof(content: memoryview, track: Track) -> int:
    """Add the samples that a fragment has of the track.

    Returns how many bytes the samples of all tracks take.
    """
    return sum(
        _read_traf(traf, track) for kind, traf in children(content) if kind == b"traf"
    )


def _defaults(moov: memoryview) -> dict[int, Defaults]:
    if (mvex := child(moov, b"mvex")) is None:
        return {}
    found: dict[int, Defaults] = {}
    for kind, content in children(mvex):
        if kind == b"trex":
            track_id, _, duration, size, flags = struct.unpack_from(">5I", content, 4)
            found[track_id] = Defaults(duration=duration, size=size, flags=flags)
    return found


def _read_traf(content: memoryview, track: Track) -> int:
    tfhd = child(content, b"tfhd")
    if tfhd is None:
        raise MediaBroken("MP4 has a fragment without a head")
    flags, track_id = struct.unpack_from(">II", tfhd)
    defaults = track.defaults.get(track_id, Defaults())
    offset = 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    values: dict[str, int] = {}
    for flag, name in ((0x8, "duration"), (0x10, "size"), (0x20, "flags")):
        if flags & flag:
            (values[name],) = struct.unpack_from(">I", tfhd, offset)
            offset += 4
    defaults = Defaults(
        duration=values.get("duration", defaults.duration),
        size=values.get("size", defaults.size),
        flags=values.get("flags", defaults.flags),
    )
    start = None
    if (tfdt := child(content, b"tfdt")) is not None:
        (start,) = struct.unpack_from(">Q" if tfdt[0] else ">I", tfdt, 4)
    size = 0
    for kind, trun in children(content):
        if kind != b"trun":
            continue
        run = _read_run(trun, defaults)
        size += run.size
        if track_id == track.id:
            track.add(start, run)
            start = None
    return size


def _read_run(content: memoryview, defaults: Defaults) -> Run:
    flags, count = struct.unpack_from(">II", content)
    offset = 8 + (4 if flags & 0x1 else 0)
    first_flags: int | None = None
    if flags & 0x4:
        (first_flags,) = struct.unpack_from(">I", content, offset)
        offset += 4
    columns = _columns(content, offset, flags, count)
    durations, sizes, sample_flags = columns
    return Run(
        duration=sum(durations) if durations else count * defaults.duration,
        size=sum(sizes) if sizes else count * defaults.size,
        keyframes=_keyframes(
            count,
            first=first_flags,
            flags=sample_flags,
            durations=durations,
            defaults=defaults,
        ),
    )


def _columns(
    content: memoryview, offset: int, flags: int, count: int
) -> tuple[array[int], array[int], array[int]]:
    """Return durations, sizes and flags of the samples, empty where not given."""
    width = (flags & 0xF00).bit_count()
    if offset + count * width * 4 > len(content):
        raise MediaBroken("MP4 has a fragment with missing samples")
    # Only then are there as many values as the count says.
    values = array("I", content[offset : offset + count * width * 4].tobytes())
    if sys.byteorder == "little":  # pragma: no branch
        values.byteswap()
    found, place = [], 0
    for flag in (0x100, 0x200, 0x400):
        if flags & flag:
            found.append(values[place::width])
            place += 1
        else:
            found.append(array("I"))
    return found[0], found[1], found[2]


def _keyframes(
    count: int,
    *,
    first: int | None,
    flags: array[int],
    durations: array[int],
    defaults: Defaults,
) -> tuple[int, ...]:
    """Return the times of the keyframes of a run, from its start."""
    if not count:
        return ()
    if not flags:
        # Those behind the first have the default, which of video says "no keyframe".
        is_first = (defaults.flags if first is None else first) & _NOT_A_KEYFRAME == 0
        return (0,) if is_first else ()
    found, time = [], 0
    for number, sample in enumerate(flags):
        if number == 0 and first is not None:
            sample = first
        if not sample & _NOT_A_KEYFRAME:
            found.append(time)
        time += durations[number] if durations else defaults.duration
    return tuple(found)


def _plain_bytes(stbl: memoryview) -> int:
    """Return how many bytes the samples of a track without fragments take."""
    if (stsz := child(stbl, b"stsz")) is None:
        return 0
    size, count = struct.unpack_from(">II", stsz, 4)
    if size:
        return int(size * count)
    return sum(_numbers(stsz, 12, count))


def _plain_keyframes(stbl: memoryview) -> list[int]:
    """Return the times of the keyframes of a track without fragments."""
    stts, stss = child(stbl, b"stts"), child(stbl, b"stss")
    if stts is None or stss is None:
        return []
    (runs,) = struct.unpack_from(">I", stts, 4)
    (count,) = struct.unpack_from(">I", stss, 4)
    lengths = _numbers(stts, 8, runs * 2)
    found: list[int] = []
    number, time, run = 1, 0, 0
    for keyframe in sorted(_numbers(stss, 8, count)[:MAX_KEYFRAMES]):
        # Sample numbers begin with 1.
        while run < len(lengths) and number + lengths[run] <= keyframe:
            number += lengths[run]
            time += lengths[run] * lengths[run + 1]
            run += 2
        if run >= len(lengths):
            break
        found.append(time + (keyframe - number) * lengths[run + 1])
    return found


def _numbers(content: memoryview, offset: int, count: int) -> array[int]:
    if offset + count * 4 > len(content):
        raise MediaBroken("MP4 has an index with missing samples")
    values = array("I", content[offset : offset + count * 4].tobytes())
    if sys.byteorder == "little":  # pragma: no branch
        values.byteswap()
    return values
