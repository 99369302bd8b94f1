"""Whole pictures and clips are told from broken ones."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path, PosixPath
import struct
from tempfile import TemporaryDirectory
from typing import Any, override

import av
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.frigate.media import Mp4Info, check_mp4

from .recorded import RECORDED, VERSIONS, media

FIXTURES = RECORDED.parent
CLIPS = sorted(
    path for path in RECORDED.glob("*/http/bodies/*.mp4") if path.stat().st_size
)


def picture(width: int, height: int) -> av.VideoFrame:
    """Return a frame that does not compress to nothing."""
    frame = av.VideoFrame(width, height, "yuvj420p")
    for number, plane in enumerate(frame.planes):
        plane.update(
            bytes((x * x // 7 + number * 40) % 256 for x in range(plane.buffer_size))
        )
    return frame


def encode(**options: str) -> bytes:
    """Return a film of 12 frames, 5 a second, a keyframe at every fourth."""
    with TemporaryDirectory() as folder:
        # ffmpeg reads what it wrote to put the index first: that needs a file
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", options=options) as film:
            stream = film.add_stream("mpeg4", rate=5)
            stream.width, stream.height = 48, 32
            stream.pix_fmt = "yuv420p"
            stream.gop_size = 4
            for number in range(12):
                frame = picture(48, 32).reformat(format="yuv420p")
                frame.pts = number
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
        return path.read_bytes()


FRAGMENTS = encode(movflags="frag_keyframe+empty_moov")
PLAIN = encode(movflags="+faststart")
PLAIN_INDEX_LAST = encode()


def box(kind: bytes, content: bytes = b"", *, large: bool = False) -> bytes:
    """Return a box."""
    if large:
        return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">I4s", len(content) + 8, kind) + content


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and bytes of each box."""
    found = []
    while data:
        length = int.from_bytes(data[:4])
        found.append((data[4:8], data[:length]))
        data = data[length:]
    return found


def short(value: object) -> str:
    """Return a name of a test's parameter."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


@pytest.fixture
def check(tmp_path: Path) -> Callable[[bytes], Mp4Info]:
    """Return a function that checks bytes as a file."""
    path = tmp_path / "clip.mp4"

    def check_bytes(data: bytes) -> Mp4Info:
        path.write_bytes(data)
        return check_mp4(path)

    return check_bytes


# MP4


@pytest.mark.parametrize(
    ("version", "duration"), [("0.16.4", 10.0), ("0.17.2", 15.4), ("0.18.0", 15.4)]
)
def test_recorded_clip_is_whole(version: str, duration: float) -> None:
    """A clip as Frigate streams it; the seconds are those that ffmpeg counts."""
    info = check_mp4(media(version, "clip-complete.mp4"))

    assert info.fragmented
    assert info.duration == pytest.approx(duration)


@pytest.mark.parametrize(
    "path", CLIPS, ids=lambda path: f"{path.parts[-4]} {path.stem}"
)
def test_duration_is_that_of_the_frames(path: Path) -> None:
    """Counted by ffmpeg, packet by packet."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert stream.time_base is not None
        ticks = sum(
            packet.duration or 0 for packet in film.demux(stream) if packet.size
        )
        duration = float(ticks * stream.time_base)

    assert check_mp4(path).duration == pytest.approx(duration)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_clips_that_are_not_whole(version: str) -> None:
    """One is cut inside of a box, one is empty."""
    with pytest.raises(MediaBroken, match="cut off"):
        check_mp4(media(version, "clip-truncated.mp4"))
    with pytest.raises(MediaBroken, match="empty file"):
        check_mp4(media(version, "clip-empty.mp4"))


@pytest.mark.parametrize(
    ("data", "fragmented"),
    [(FRAGMENTS, True), (PLAIN, False), (PLAIN_INDEX_LAST, False)],
    ids=["fragments", "index first", "index last"],
)
def test_films_of_ffmpeg(
    check: Callable[[bytes], Mp4Info], data: bytes, fragmented: bool
) -> None:
    """12 frames at 5 a second, in the three shapes there are."""
    info = check(data)

    assert info.fragmented is fragmented
    assert info.duration == pytest.approx(2.4)


@pytest.mark.parametrize(
    "data",
    [FRAGMENTS, PLAIN, PLAIN_INDEX_LAST],
    ids=["fragments", "index first", "index last"],
)
def test_no_cut_clip_is_whole(tmp_path: Path, data: bytes) -> None:
    """Not one byte may be missing."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with path.open("r+b") as file:
        for length in reversed(range(len(data))):
            file.truncate(length)
            with pytest.raises(MediaBroken):
                check_mp4(path)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_recorded_clip_is_whole_when_cut(tmp_path: Path, version: str) -> None:
    """At the borders of boxes and around them."""
    data = media(version, "clip-complete.mp4").read_bytes()
    border = 0
    cuts = set(range(0, len(data), 997))
    for _, content in boxes(data):
        cuts.update(range(border, min(border + 20, len(data))))
        border += len(content)
        cuts.update(range(border - 20, border))
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with path.open("r+b") as file:
        for length in sorted(cuts, reverse=True):
            file.truncate(length)
            with pytest.raises(MediaBroken):
                check_mp4(path)


@pytest.mark.parametrize(
    "data", [FRAGMENTS, PLAIN, PLAIN_INDEX_LAST], ids=["fragments", "first", "last"]
)
def test_keyframes(check: Callable[[bytes], Mp4Info], data: bytes) -> None:
    """Every fourth of 12 frames, in the three shapes there are."""
    assert check(data).keyframes == pytest.approx((0.0, 0.8, 1.6))


@pytest.mark.parametrize(
    "path", CLIPS, ids=lambda path: f"{path.parts[-4]} {path.stem}"
)
def test_keyframes_are_those_that_ffmpeg_counts(path: Path) -> None:
    """Packet by packet."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert stream.time_base is not None
        packets = [packet for packet in film.demux(stream) if packet.dts is not None]
        times = [
            float(((packet.dts or 0) - (packets[0].dts or 0)) * stream.time_base)
            for packet in packets
            if packet.is_keyframe
        ]
    assert check_mp4(path).keyframes == pytest.approx(times)


def test_keyframes_that_each_sample_names(
    check: Callable[[bytes], Mp4Info],
) -> None:
    """With the flags of the first one given apart, or not."""
    no, yes = 0x10000, 0
    flags = struct.pack(">4I", 3, no, yes, no)
    film = moov(default=5) + moof(full(0, flags, 0x400))
    assert check(FTYP + film + MFRA).keyframes == (0.5,)
    flags = struct.pack(">5I", 3, yes, no, yes, no)
    film = moov(default=5) + moof(full(0, flags, 0x404))
    assert check(FTYP + film + MFRA).keyframes == (0.0, 0.5)


def test_a_film_whose_data_are_empty(check: Callable[[bytes], Mp4Info]) -> None:
    """Its index, with all times, is whole."""
    with pytest.raises(MediaBroken, match="without all of its data"):
        check_mp4(FIXTURES / "emptymdat.mp4")
    data = media("0.17.2", "clip-complete.mp4").read_bytes()
    one = next(content for kind, content in boxes(data) if kind == b"mdat")
    with pytest.raises(MediaBroken, match="without all of its data"):
        check(data.replace(one, box(b"mdat")))


def test_a_plain_film_that_lacks_data(check: Callable[[bytes], Mp4Info]) -> None:
    """Its box of data is too short for what the index names."""
    film = b"".join(
        box(kind, content[8:-1]) if kind == b"mdat" else content
        for kind, content in boxes(PLAIN_INDEX_LAST)
    )
    with pytest.raises(MediaBroken, match="lacks data"):
        check(film)


def test_large_sizes(check: Callable[[bytes], Mp4Info]) -> None:
    """A box may tell its size in 64 bits."""
    parts = boxes(PLAIN_INDEX_LAST)
    film = b"".join(
        box(kind, content[8:], large=True) if kind == b"mdat" else content
        for kind, content in parts
    )

    assert check(film).duration == pytest.approx(2.4)


def test_missing_file(tmp_path: Path) -> None:
    """That is no question of wholeness."""
    with pytest.raises(FileNotFoundError):
        check_mp4(tmp_path / "none.mp4")


def full(version: int, content: bytes, flags: int = 0) -> bytes:
    """Return the content of a box with version and flags."""
    return struct.pack(">I", version << 24 | flags) + content


def moov(
    *,
    handler: bytes = b"vide",
    version: int = 0,
    timescale: int = 10,
    duration: int = 30,
    default: int | None = None,
    leave_out: bytes = b"",
) -> bytes:
    """Return an index with a track of the id 7."""
    wide = "Q" if version else "I"
    parts = {
        b"tkhd": box(b"tkhd", full(version, struct.pack(f">{wide * 2}I", 0, 0, 7))),
        b"mdhd": box(
            b"mdhd",
            full(
                version,
                struct.pack(f">{wide * 2}I{wide}", 0, 0, timescale, duration),
            ),
        ),
        b"hdlr": box(b"hdlr", full(0, bytes(4) + handler + bytes(12))),
    }
    parts.pop(leave_out, None)
    mdia = box(b"mdia", parts.get(b"mdhd", b"") + parts.get(b"hdlr", b""))
    extends = b""
    if default is not None:
        extends = box(
            b"mvex",
            box(b"mehd", full(0, bytes(4)))
            + box(b"trex", full(0, struct.pack(">5I", 6, 1, 99, 0, 0)))
            + box(b"trex", full(0, struct.pack(">5I", 7, 1, default, 0, 0))),
        )
    return box(
        b"moov", box(b"mvhd") + box(b"trak", parts.get(b"tkhd", b"") + mdia) + extends
    )


def moof(*runs: bytes, tfhd: bytes | None = None, tfdt: bytes | None = None) -> bytes:
    """Return a fragment of the track 7, with its data."""
    head = full(0, struct.pack(">I", 7)) if tfhd is None else tfhd
    traf = box(b"tfhd", head)
    if tfdt is not None:
        traf += box(b"tfdt", tfdt)
    traf += b"".join(box(b"trun", run) for run in runs)
    return box(b"moof", box(b"mfhd") + box(b"traf", traf)) + MDAT


FTYP = box(b"ftyp", b"isom")
MDAT = box(b"mdat", b"data" * 50)
MFRA = box(b"mfra")
TWO_SAMPLES = full(0, struct.pack(">I", 2))


@pytest.mark.parametrize(
    ("film", "duration"),
    [
        pytest.param(moov(default=5) + moof(TWO_SAMPLES), 1.0, id="default of track"),
        pytest.param(
            moov(default=5)
            + moof(TWO_SAMPLES, tfhd=full(0, struct.pack(">II", 7, 10), 0x8)),
            2.0,
            id="default of fragment",
        ),
        pytest.param(
            moov(default=5)
            + moof(TWO_SAMPLES, tfhd=full(0, struct.pack(">IQII", 7, 0, 1, 10), 0xB)),
            2.0,
            id="default of fragment behind others",
        ),
        pytest.param(
            moov() + moof(full(0, struct.pack(">I4I", 2, 3, 100, 4, 100), 0x300)),
            0.7,
            id="each sample",
        ),
        pytest.param(
            moov() + moof(full(0, struct.pack(">IiI2I", 2, 0, 0, 3, 4), 0x105)),
            0.7,
            id="each sample behind others",
        ),
        pytest.param(
            moov(default=5) + moof(TWO_SAMPLES, TWO_SAMPLES), 2.0, id="two runs"
        ),
        pytest.param(
            moov(default=5) + moof(TWO_SAMPLES) + moof(TWO_SAMPLES),
            2.0,
            id="two fragments without time",
        ),
        pytest.param(
            moov(default=5)
            + moof(TWO_SAMPLES, tfdt=full(0, struct.pack(">I", 100)))
            + moof(TWO_SAMPLES, tfdt=full(1, struct.pack(">Q", 130))),
            4.0,
            id="two fragments with a gap",
        ),
        pytest.param(
            moov(default=5)
            + moof(TWO_SAMPLES)
            + moof(TWO_SAMPLES, tfhd=full(0, struct.pack(">I", 6))),
            1.0,
            id="another track",
        ),
        pytest.param(
            moov(version=1, default=5) + moof(TWO_SAMPLES), 1.0, id="64-bit times"
        ),
        pytest.param(
            moov(default=5).replace(struct.pack(">II", 7, 1), struct.pack(">II", 8, 1))
            + moof(TWO_SAMPLES, tfhd=full(0, struct.pack(">II", 7, 10), 0x8)),
            2.0,
            id="no default of track",
        ),
    ],
)
def test_durations_of_fragments(
    check: Callable[[bytes], Mp4Info], film: bytes, duration: float
) -> None:
    """There are many ways to tell how long a sample lasts."""
    info = check(FTYP + film + MFRA)

    assert info.fragmented
    assert info.duration == pytest.approx(duration)


def test_duration_of_a_plain_film(check: Callable[[bytes], Mp4Info]) -> None:
    """It stands in the index, in 32 or 64 bits."""
    assert check(FTYP + moov() + MDAT).duration == 3.0
    assert check(FTYP + moov(version=1) + MDAT).duration == 3.0


WHOLE = FTYP + moov(default=5) + moof(TWO_SAMPLES) + MFRA


@pytest.mark.parametrize(
    ("film", "reason"),
    [
        (b"<html></html>", "cut off|not an MP4"),
        (box(b"styp") + WHOLE, "not an MP4"),
        (moov() + FTYP, "not an MP4"),
        (FTYP, "no index"),
        (FTYP + box(b"mdat"), "no index"),
        (FTYP + moov(), "no video"),
        (FTYP + moov(default=5) + MFRA, "no video"),
        (FTYP + moov(duration=0) + MDAT, "no video"),
        (FTYP + moov() + moov() + box(b"mdat"), "two indexes"),
        (FTYP + moof(TWO_SAMPLES) + MFRA, "before its index"),
        (WHOLE + box(b"free"), "mfra"),
        (WHOLE.removesuffix(MFRA), "mfra"),
        (WHOLE + moof(TWO_SAMPLES), "mfra"),
        (WHOLE.replace(MDAT, box(b"free")), "without data"),
        (WHOLE.replace(MDAT, box(b"mdat")), "no video"),
        (FTYP + moov() + box(b"mdat"), "no video"),
        (
            FTYP
            + moov(default=5)
            + moof(full(0, struct.pack(">3I", 2, 100, 101), 0x200))
            + MFRA,
            "without all of its data",
        ),
        (
            FTYP
            + moov(default=5)
            + moof(TWO_SAMPLES, tfhd=full(0, struct.pack(">II", 7, 101), 0x10))
            + MFRA,
            "without all of its data",
        ),
        (FTYP + moov() + moof(TWO_SAMPLES) + MFRA, "no video"),
        (FTYP + moov(handler=b"soun") + box(b"mdat"), "no video track"),
        (FTYP + moov(leave_out=b"tkhd") + box(b"mdat"), "no video track"),
        (FTYP + moov(leave_out=b"mdhd") + box(b"mdat"), "no video track"),
        (FTYP + moov(leave_out=b"hdlr") + box(b"mdat"), "no video track"),
        (FTYP + moov(timescale=0) + box(b"mdat"), "without a clock"),
        (FTYP + box(b"moov") + box(b"mdat"), "no video track"),
        (
            FTYP + moov(default=5) + box(b"moof", box(b"traf")) + box(b"mdat") + MFRA,
            "without a head",
        ),
        (
            FTYP + moov() + moof(full(0, struct.pack(">I", 2**31), 0x100)) + MFRA,
            "missing samples",
        ),
        (FTYP + moov(default=5) + moof(b"\0") + MFRA, "too small"),
        (FTYP + moov(default=5) + moof(b"") + MFRA, "too small"),
        (FTYP + struct.pack(">I4s", 7, b"free"), "too small"),
        (FTYP + struct.pack(">I4sQ", 1, b"free", 15), "too small"),
        (FTYP + struct.pack(">I4sQ", 1, b"free", 2**64 - 1), "cut off"),
        (FTYP + struct.pack(">I4sI", 1, b"free", 0), "head of a box"),
        (FTYP + b"\0\0\0", "head of a box"),
        (FTYP + moov() + struct.pack(">I4s", 0, b"mdat") + b"data", "not finished"),
        (FTYP + box(b"moov", struct.pack(">I4s", 0, b"trak")), "not finished"),
        (FTYP + box(b"moov", struct.pack(">I4s", 99, b"trak")), "cut off"),
        (FTYP + box(b"moov", box(b"free") * 10_001), "too many boxes"),
        (FTYP + box(b"moov", bytes(16 * 1024 * 1024 + 1)), "too large"),
    ],
    ids=short,
)
def test_films_that_are_not_whole(
    check: Callable[[bytes], Mp4Info], film: bytes, reason: str
) -> None:
    """The reason is told."""
    with pytest.raises(MediaBroken, match=reason):
        check(film)


def test_film_of_many_boxes(tmp_path: Path) -> None:
    """A walk has an end."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(FTYP + box(b"free") * 100)
    with pytest.raises(MediaBroken, match="too many boxes"):
        check_mp4(path, max_boxes=100)


class Shrinking(BytesIO):
    """A file that loses its second half once the head of its index was read."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if data[4:8] == b"moov":
            self.truncate(500_000)
        return data


class ShrinkingPath(PosixPath):
    """Where such a file lies."""

    @override
    def open(self, *_: object, **__: object) -> Any:
        return Shrinking(self.read_bytes())

    @override
    def read_bytes(self) -> bytes:
        return FTYP + box(b"moov", box(b"free", bytes(1_000_000)))


def test_film_that_shrinks_meanwhile() -> None:
    """What was there when its size was asked for may be gone when it is read."""
    with pytest.raises(MediaBroken, match="cut off"):
        check_mp4(ShrinkingPath("clip.mp4"))


def test_hostile_counts_take_no_memory(check: Callable[[bytes], Mp4Info]) -> None:
    """Four thousand million samples that have no bytes of their own."""
    run = full(0, struct.pack(">I", 2**32 - 1))

    assert check(FTYP + moov(default=1) + moof(run) + MFRA).duration == pytest.approx(
        (2**32 - 1) / 10
    )


@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(FRAGMENTS)), st.integers(0, 9), st.binary(max_size=9)
        ),
        min_size=1,
        max_size=4,
    ),
    data=st.sampled_from([FRAGMENTS, PLAIN, PLAIN_INDEX_LAST]),
)
@settings(
    max_examples=1000,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_random_damage(
    tmp_path_factory: pytest.TempPathFactory,
    edits: list[tuple[int, int, bytes]],
    data: bytes,
) -> None:
    """Whatever the bytes, there is an answer: whole, or broken and why."""
    film = bytearray(data)
    for position, length, replacement in edits:
        film[position : position + length] = replacement
    path = tmp_path_factory.getbasetemp() / "damaged.mp4"
    path.write_bytes(film)
    try:
        info = check_mp4(path)
    except MediaBroken:
        return
    assert info.duration > 0
