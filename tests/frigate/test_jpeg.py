"""Is a JPEG whole?"""

from fractions import Fraction
from functools import partial
from pathlib import Path
import re
import struct

import av
import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.frigate.media import check_jpeg

from .recorded import RECORDED, media
from .test_media import picture, short

JPEGS = sorted(RECORDED.glob("*/media/*.jpg"))


def encode_jpeg(width: int = 32, height: int = 16) -> bytes:
    """Return a JPEG that ffmpeg made."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1)
    frame = picture(width, height)
    frame.pts = 0
    return b"".join(
        bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None))
    )


# JPEG


@pytest.mark.parametrize(
    "path", JPEGS, ids=lambda path: f"{path.parts[-3]} {path.stem}"
)
def test_recorded_pictures_are_whole(path: Path) -> None:
    """Real ones are."""
    check_jpeg(path.read_bytes())


@pytest.mark.parametrize("size", [(32, 16), (640, 360), (1920, 1080)])
def test_pictures_of_another_encoder_are_whole(size: tuple[int, int]) -> None:
    """Frigate is not the only one that can make one."""
    check_jpeg(encode_jpeg(*size))


def test_no_cut_picture_is_whole() -> None:
    """Not one byte may be missing."""
    for data in (media("0.17.2", "snapshot-mqtt.jpg").read_bytes(), encode_jpeg()):
        assert data.endswith(b"\xff\xd9")
        for length in range(len(data)):
            with pytest.raises(MediaBroken):
                check_jpeg(data[:length])


def segment(marker: int, content: bytes = b"") -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


FRAME = segment(0xC0, b"\x08\x00\x10\x00\x20\x01\x01\x11\x00")


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"data\xff\x00more\xff\xd0again"


SOI, EOI = b"\xff\xd8", b"\xff\xd9"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SOI + FRAME + SCAN + EOI, id="least"),
        pytest.param(SOI + FRAME + SCAN + EOI + bytes(7), id="zeros behind"),
        pytest.param(SOI + FRAME + SCAN + EOI + b"\r\n\xff\xff", id="padding behind"),
        pytest.param(SOI + b"\xff\xff" + FRAME + SCAN + b"\xff\xff" + EOI, id="fill"),
        pytest.param(SOI + FRAME + SCAN + SCAN + EOI, id="progressive"),
        pytest.param(SOI + b"\xff\x01" + FRAME + SCAN + EOI, id="marker alone"),
        pytest.param(
            SOI
            + segment(0xE1, b"Exif" + SOI + FRAME + SCAN + EOI)
            + FRAME
            + SCAN
            + EOI,
            id="thumbnail inside",
        ),
        pytest.param(
            SOI
            + FRAME.replace(b"\x00\x10\x00\x20", b"\x00\x00\x00\x20")
            + SCAN
            + segment(0xDC, b"\x00\x10")
            + EOI,
            id="height comes late",
        ),
    ],
)
def test_odd_pictures_that_are_whole(data: bytes) -> None:
    """The standard allows more than one encoder uses."""
    check_jpeg(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty image"),
        (b"<html></html>", "not a JPEG"),
        (b"\x89PNG\r\n", "not a JPEG"),
        (SOI + EOI, "no image data"),
        (SOI + FRAME + EOI, "no image data"),
        (SOI + SCAN + EOI, "without a frame"),
        (SOI + FRAME + SCAN, "cut off in the image data"),
        (SOI + FRAME + SCAN + b"\xff", "cut off in the image data"),
        (SOI + b"\0\0", "bad marker"),
        (SOI + b"\xff" * 1000, "bad marker"),
        (SOI + b"\xff\x00", "bad marker"),
        (SOI + b"\xff\xe0\x00\x01", "in a segment"),
        (SOI + b"\xff\xe0\xff\xff", "in a segment"),
        (SOI + b"\xff\xe0\x00", "in a segment"),
        (SOI + segment(0xC0, b"\x08\0\x10\0\0\x01\x01\x11\0") + SCAN + EOI, "no size"),
        (SOI + segment(0xC0, b"\x08") + SCAN + EOI, "no size"),
        (SOI + FRAME + SCAN + EOI + b"<html>", "behind its end"),
        (SOI + segment(0xE0) * 10_001 + FRAME + SCAN + EOI, "too many segments"),
        (media("0.16.4", "thumb.webp").read_bytes(), "not a JPEG"),
    ],
    ids=short,
)
def test_pictures_that_are_not_whole(data: bytes, reason: str) -> None:
    """The error says why."""
    with pytest.raises(MediaBroken, match=reason):
        check_jpeg(data)


@pytest.mark.parametrize(
    "filling", [b"\xff", b"\xff\x00", b"\xff\xd0", b"\x00", b"\xff\xff\x00"]
)
def test_hostile_pictures_take_no_time(filling: bytes) -> None:
    """16 MiB of the worst are judged by a few passes (the test has a time limit)."""
    for start in (SOI, SOI + FRAME + SCAN):
        with pytest.raises(MediaBroken):
            check_jpeg(start + filling * (16 * 1024 * 1024 // len(filling)))


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_pictures_are_looked_through_in_windows(window: int) -> None:
    """Nothing else runs while one is searched; what lies across two is found."""
    longest = 0

    def search(
        pattern: re.Pattern[bytes], data: bytes, start: int, end: int
    ) -> re.Match[bytes] | None:
        nonlocal longest
        longest = max(longest, end - start)
        return pattern.search(data, start, end)

    check = partial(check_jpeg, window=window, search=search)
    for count in range(9):
        data = SOI + b"\xff" * count + FRAME + SCAN + bytes(count) + EOI + bytes(count)
        check(data)
        with pytest.raises(MediaBroken, match="behind its end"):
            check(data + b"x")
        with pytest.raises(MediaBroken, match="cut off in the image data"):
            check(SOI + FRAME + SCAN + b"\xff" * count)
    assert longest == window + 1
