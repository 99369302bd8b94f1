"""The moving picture of the simulated cameras, as H.264 in MP4.

The picture of a moment is always the same, and so are the bytes of a clip: a
test can compare what arrived with what was asked for.
"""

from collections import OrderedDict
from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import override

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
import numpy as np

from .footage import KEYFRAME_SECONDS, Piece
from .pictures import background, frame

WIDTH, HEIGHT, FPS = 320, 180, 5
_OPTIONS = {
    "preset": "ultrafast",
    "crf": "30",
    # One thread and no look at other groups of pictures: the same frames give
    # the same bytes, and each group can be made and kept by itself.
    "x264-params": "threads=1:bframes=0:scenecut=0:repeat-headers=0",
}
_CACHED_GROUPS = 512


class _Pipe(BytesIO):
    """An output that can't seek, as the pipe that Frigate's ffmpeg writes to."""

    @override
    def seekable(self) -> bool:
        return False


def configure(
    context: VideoCodecContext, *, fps: int = FPS, gop: int = FPS * KEYFRAME_SECONDS
) -> None:
    """Set up an encoder, or what writes what it made."""
    context.width = WIDTH
    context.height = HEIGHT
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(fps)
    context.time_base = Fraction(1, fps)
    context.gop_size = gop
    context.max_b_frames = 0
    context.thread_count = 1
    context.options = _OPTIONS
    context.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER


class Video:
    """Makes clips. Blocking, to be used in an executor; may be shared by threads."""

    def __init__(self) -> None:
        """Start with an empty cache of groups of pictures."""
        self._groups: OrderedDict[tuple[str, int], tuple[bytes, ...]] = OrderedDict()
        self._lock = Lock()

    def clip(self, camera: str, pieces: Sequence[Piece], *, plain: bool) -> bytes:
        """Return the pieces joined into one MP4.

        `plain`: as Frigate 0.14 makes it, a file with its index first; else
        fragmented and ending with `mfra`, as ffmpeg streams it. No piece: b"".
        """
        if not pieces:
            return b""
        with self._lock:
            packets = [
                packet for piece in pieces for packet in self._packets(camera, piece)
            ]
            return _mux(packets, plain=plain)

    def _packets(self, camera: str, piece: Piece) -> list[bytes]:
        packets: list[bytes] = []
        for start in range(piece.start, piece.end, KEYFRAME_SECONDS):
            frames = FPS * min(KEYFRAME_SECONDS, piece.end - start)
            packets += self._group(camera, start)[:frames]
        return packets

    def _group(self, camera: str, start: int) -> tuple[bytes, ...]:
        key = (camera, start)
        if (group := self._groups.get(key)) is None:
            group = self._groups[key] = _encode(camera, start)
        self._groups.move_to_end(key)
        while len(self._groups) > _CACHED_GROUPS:
            self._groups.popitem(last=False)
        return group


def _encode(camera: str, start: int) -> tuple[bytes, ...]:
    """Return the packets of the group of pictures that begins at that second."""
    encoder = VideoCodecContext.create("libx264", "w")
    configure(encoder)
    empty = background(camera, (WIDTH, HEIGHT))
    packets: list[bytes] = []
    for number in range(FPS * KEYFRAME_SECONDS):
        image = frame(empty, camera, start + number / FPS)
        picture = VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        picture.pts = number
        picture.time_base = Fraction(1, FPS)
        packets += [bytes(packet) for packet in encoder.encode(picture)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    return tuple(packets)


def _mux(packets: Sequence[bytes], *, plain: bool) -> bytes:
    if plain:
        # ffmpeg opens the file again by its name to move the index to the front.
        with NamedTemporaryFile(suffix=".mp4") as file:
            _write(file.name, packets, movflags="faststart")
            return file.read()
    pipe = _Pipe()
    _write(pipe, packets, movflags="frag_keyframe+empty_moov")
    return pipe.getvalue()


def _write(file: str | BytesIO, packets: Sequence[bytes], *, movflags: str) -> None:
    options = {"movflags": movflags}
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS)
        configure(stream.codec_context)
        container.start_encoding()
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream = stream
            packet.time_base = Fraction(1, FPS)
            packet.pts = packet.dts = number
            packet.duration = 1
            packet.is_keyframe = _is_keyframe(data)
            container.mux(packet)


def _is_keyframe(data: bytes) -> bool:
    """Tell whether an H.264 access unit (Annex B) holds an IDR picture."""
    position = data.find(b"\x00\x00\x01")
    while position >= 0 and position + 3 < len(data):
        if data[position + 3] & 0x1F == 5:
            return True
        position = data.find(b"\x00\x00\x01", position + 3)
    return False
