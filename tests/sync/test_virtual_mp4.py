"""A stored clip is played as a film with its index in front."""

import asyncio
from collections.abc import AsyncGenerator
from fractions import Fraction
from functools import cache
from io import BytesIO
import random
import struct
from typing import override

import av
from hypothesis import given, settings, strategies as st
import numpy as np
import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.sync.playback.virtual_mp4 import (
    VirtualMp4,
    open_virtual,
)

from ..films import box, film
from ..frigate.recorded import RECORDED

RECORDED_CLIPS = sorted(RECORDED.glob("*/media/clip-complete.mp4"))
FPS = 10


class Stored:
    """A stored file, and what was read of it."""

    def __init__(self, data: bytes, *, piece: int = 1 << 20) -> None:
        """Keep the bytes, which are read in pieces of that size."""
        self.data = data
        self.piece = piece
        self.reads: list[tuple[int, int]] = []
        self.is_read = 0

    async def read(self, start: int, length: int) -> AsyncGenerator[bytes]:
        """Yield the bytes, as a destination does."""
        self.reads.append((start, length))
        self.is_read += 1
        try:
            stop = min(start + length, len(self.data))
            for at in range(start, stop, self.piece):
                yield self.data[at : min(at + self.piece, stop)]
        finally:
            self.is_read -= 1


class Pipe(BytesIO):
    """An output that can't seek, as the one that Frigate's ffmpeg writes to."""

    @override
    def seekable(self) -> bool:
        return False


@cache
def noisy_clip(*, flags: str = "frag_keyframe+empty_moov", seconds: int = 6) -> bytes:
    """Return a clip of frames that don't compress, with B-frames and sound.

    A keyframe every two seconds, about 400 KB each.
    """
    generator = np.random.default_rng(7)
    file = Pipe()
    with av.open(file, "w", format="mp4", options={"movflags": flags}) as container:
        picture = container.add_stream("libx264", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        picture.codec_context.gop_size = 2 * FPS
        picture.codec_context.max_b_frames = 2
        picture.options = {"preset": "ultrafast", "x264-params": "bframes=2:threads=1"}
        sound = container.add_stream("aac", rate=8000, layout="mono")
        for number in range(seconds * FPS):
            pixels = generator.integers(0, 255, (120, 160, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            frame.time_base = Fraction(1, FPS)
            container.mux(picture.encode(frame))
            samples = generator.integers(-9000, 9000, (1, 800), dtype=np.int16)
            tone = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            tone.sample_rate, tone.pts = 8000, number * 800
            container.mux(sound.encode(tone))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return file.getvalue()


async def opened(data: bytes) -> VirtualMp4:
    """Return the film that is made of these bytes."""
    made = await open_virtual(Stored(data).read, len(data))
    assert made is not None
    return made


async def read(film: VirtualMp4, stored: Stored, start: int, length: int) -> bytes:
    """Return some bytes of a film."""
    return b"".join([piece async for piece in film.read(stored.read, start, length)])


async def whole(data: bytes) -> bytes:
    """Return all bytes of the film that is made of a clip."""
    made = await opened(data)
    return await read(made, Stored(data, piece=7001), 0, made.size)


def frames(data: bytes) -> list[tuple[str, int | None, bytes]]:
    """Return what all packets of a film decode to."""
    with av.open(BytesIO(data), "r") as container:
        return [
            (packet.stream.type, frame.pts, frame.to_ndarray().tobytes())
            for packet in container.demux()
            for frame in packet.decode()
            if isinstance(frame, av.VideoFrame | av.AudioFrame)
        ]


def boxes(data: bytes) -> list[tuple[bytes, int]]:
    """Return kind and place of the boxes of a file."""
    found, position = [], 0
    while position < len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        found.append((kind, position))
        position += size
    return found


CLIPS = [pytest.param(path.read_bytes(), id=path.parts[-3]) for path in RECORDED_CLIPS]
CLIPS.append(pytest.param(noisy_clip(), id="noise"))
CLIPS.append(
    pytest.param(
        noisy_clip(flags="frag_keyframe+empty_moov+default_base_moof"), id="moof-based"
    )
)


@pytest.mark.parametrize("clip", CLIPS)
async def test_the_same_frames(clip: bytes) -> None:
    """Pictures and sound, at the same times; the indexes are all that is new."""
    made = await whole(clip)
    assert frames(made) == frames(clip)
    kinds = [kind for kind, _ in boxes(made)]
    assert kinds[:2] == [b"ftyp", b"moov"]
    with av.open(BytesIO(clip), "r") as container:
        tracks = len(container.streams)
    assert kinds[2 : 2 + tracks] == [b"sidx"] * tracks
    assert kinds[2 + tracks :] == [
        kind for kind, _ in boxes(clip) if kind in (b"moof", b"mdat")
    ]


@pytest.mark.parametrize("clip", CLIPS)
async def test_the_index_names_every_fragment(clip: bytes) -> None:
    """That of each track: its sizes lead from fragment to fragment up to the end."""
    made = await whole(clip)
    fragments = [place for kind, place in boxes(made) if kind == b"moof"]
    tracks = []
    for kind, position in boxes(made):
        if kind != b"sidx":
            continue
        track, timescale = struct.unpack_from(">II", made, position + 12)
        first, _, count = struct.unpack_from(">QHH", made, position + 28)
        tracks.append(track)
        at = position + int.from_bytes(made[position : position + 4]) + first
        begins, lasts = [], 0
        for number in range(count):
            begins.append(at)
            size, duration = struct.unpack_from(
                ">II", made, position + 40 + 12 * number
            )
            at += size
            lasts += duration
        assert begins == fragments
        assert at == len(made)
        with av.open(BytesIO(clip), "r") as container:
            stream = container.streams[track - 1]
            base = stream.time_base or Fraction(0)
            ticks = sum(each.duration or 0 for each in container.demux(track - 1))
        assert lasts / timescale == pytest.approx(float(ticks * base), abs=0.25)
    with av.open(BytesIO(clip), "r") as container:
        assert tracks == [stream.index + 1 for stream in container.streams]


@pytest.mark.parametrize("clip", CLIPS)
async def test_it_says_how_long_it_is(clip: bytes) -> None:
    """Without a look at the fragments: only its first bytes are there."""
    made = await whole(clip)
    with av.open(BytesIO(clip), "r") as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(0)
        ticks = sum(each.duration or 0 for each in container.demux(0))
    lasts = float(ticks * base)
    (moov,) = (place for kind, place in boxes(made) if kind == b"moov")
    mehd = made.index(b"mehd", moov)
    mvhd = made.index(b"mvhd", moov)
    (ticks,) = struct.unpack_from(">Q", made, mehd + 8)
    (clock,) = struct.unpack_from(">I", made, mvhd + 16)
    assert ticks / clock == pytest.approx(lasts, abs=0.01)
    with av.open(BytesIO(made), "r") as container:
        shown = container.streams.video[0].duration
    assert shown is not None
    assert float(shown * base) == pytest.approx(lasts, abs=0.5)


@pytest.mark.parametrize("clip", CLIPS)
async def test_seeking(clip: bytes) -> None:
    """Leads to the same frame as in the stored file."""
    made = await whole(clip)
    for second in (0, 1, 2.5, 3.5, 4.5, 5.5):
        shown = []
        for data in (clip, made):
            with av.open(BytesIO(data), "r") as container:
                container.seek(int(second * av.time_base))
                frame = next(container.decode(video=0))
                shown.append((frame.pts, frame.to_ndarray().tobytes()))
        assert shown[0] == shown[1]


NOISE = noisy_clip()


@cache
def noise_film() -> tuple[VirtualMp4, bytes]:
    """Return the film of noise, and all of its bytes."""

    async def make() -> tuple[VirtualMp4, bytes]:
        return await opened(NOISE), await whole(NOISE)

    return asyncio.run(make())


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_any_range_is_that_of_the_whole(data: st.DataObject) -> None:
    """Also one that begins or ends in a head that is corrected, in pieces of any size."""
    made, expected = noise_film()
    heads = [place for kind, place in boxes(expected) if kind in (b"moof", b"mdat")]
    near = st.sampled_from(heads).flatmap(
        lambda place: st.integers(max(0, place - 40), place + 400)
    )
    anywhere = st.integers(0, made.size + 10)
    start = data.draw(near | anywhere)
    length = data.draw(st.integers(1, 300) | st.integers(1, made.size))
    piece = data.draw(st.sampled_from([1, 13, 997, 65536, 1 << 20]))
    if piece == 1:
        length = min(length, 500)
    stored = Stored(NOISE, piece=piece)
    got = asyncio.run(read(made, stored, start, length))
    assert got == expected[start : start + length]
    assert not stored.is_read


async def test_few_reads() -> None:
    """What is far behind a fragment's head is not reached by reading up to it."""
    stored = Stored(NOISE)
    made = await open_virtual(stored.read, len(NOISE))
    assert made is not None
    assert len(stored.reads) <= 4
    assert sum(length for _, length in stored.reads) < 100_000
    del stored.reads[:]
    expected = noise_film()[1]
    moof = [place for kind, place in boxes(expected) if kind == b"moof"][1]
    await read(made, stored, moof, 1000)
    assert len(stored.reads) <= 2
    del stored.reads[:]
    await read(made, stored, moof + 200_000, 1000)
    assert len(stored.reads) == 2
    assert sum(length for _, length in stored.reads) < 40_000


async def test_reading_ends_with_its_reader() -> None:
    """Who leaves in the middle leaves nothing open."""
    made, _ = noise_film()
    stored = Stored(NOISE, piece=100)
    pieces = made.read(stored.read, 0, made.size)
    for _ in range(20):
        await anext(pieces)
    assert stored.is_read == 1
    await pieces.aclose()
    assert not stored.is_read


async def test_a_stored_file_that_became_shorter() -> None:
    """Its reader learns it, and does not wait for the remainder."""
    made, _ = noise_film()
    stored = Stored(NOISE[: len(NOISE) // 2])
    with pytest.raises(MediaBroken):
        await read(made, stored, 0, made.size)
    with pytest.raises(MediaBroken):
        await read(made, stored, made.size - 1000, 1000)


def odd_files() -> dict[str, bytes]:
    """Return files that are no clip of which such a film can be made."""
    closing = NOISE.rindex(b"mfra") - 4
    first = NOISE.index(b"moof") - 4
    tfra = NOISE.index(b"tfra", closing)
    elsewhere = bytearray(NOISE)
    elsewhere[tfra + 32] ^= 1
    indexed = NOISE[:first] + box(b"sidx", bytes(40)) + NOISE[first:]
    zero = bytearray(NOISE)
    zero[-4:] = bytes(4)
    huge = bytearray(NOISE)
    huge[-4:] = b"\xff\xff\xff\xff"
    return {
        "empty": b"",
        "picture": (RECORDED / "0.17.2/media/snapshot-full.jpg").read_bytes(),
        "plain": noisy_clip_plain(),
        "cut off": NOISE[:closing],
        "cut off in the index": NOISE[:-1],
        "made up": film(10),
        "an offset of another file": bytes(elsewhere),
        "an index of its own": indexed,
        "no size of the index": bytes(zero),
        "too large an index": bytes(huge),
        "zeros": bytes(100_000),
        "growing": NOISE[:closing] + NOISE[:20],
    }


def noisy_clip_plain() -> bytes:
    """Return a film that is not made of fragments."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("kind", odd_files())
async def test_other_files_are_served_as_they_are(kind: str) -> None:
    """Whatever they are, nothing is made of them."""
    data = odd_files()[kind]
    assert await open_virtual(Stored(data).read, len(data)) is None


async def test_no_damage_makes_it_fail() -> None:
    """Bytes that were changed give a film, or none, and any read ends."""
    generator = random.Random(5)
    interesting = [
        *range(NOISE.index(b"moof") + 200),
        *range(NOISE.rindex(b"moof") - 4, NOISE.rindex(b"mdat") + 4),
        *range(NOISE.rindex(b"mfra") - 4, len(NOISE)),
    ]
    for _ in range(400):
        damaged = bytearray(NOISE)
        for place in generator.sample(interesting, 3):
            damaged[place] = generator.choice((0, 1, 0x7F, 0x80, 0xFF))
        stored = Stored(bytes(damaged))
        made = await open_virtual(stored.read, len(damaged))
        if made is not None:
            start = generator.randrange(made.size)
            try:
                got = await read(made, stored, start, 200_000)
            except MediaBroken:
                continue
            assert len(got) == min(200_000, made.size - start)
