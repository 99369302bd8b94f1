"""The live film of the simulated cameras, as go2rtc behind Frigate gives it.

Ten pictures a second, a keyframe at each whole one. The moment of each picture is
burned into its first rows, where `moment_of` reads it again. Its boxes are those
that go2rtc writes, byte for byte.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
import functools
from io import BytesIO
import json
import math
import struct
from typing import Any, Final, override

from aiohttp import web
import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
import numpy as np

from .pictures import background, frame
from .video import HEIGHT, WIDTH, configure

PATH: Final = "/live/mse/api/ws"
FPS: Final = 10
TIMESCALE: Final = 90_000
_BITS: Final = 40
_BLOCK: Final = 8
_CODECS: Final = 'video/mp4; codecs="avc1.42C01E"'


class _Pipe(BytesIO):
    """An output that can't seek."""

    @override
    def seekable(self) -> bool:
        return False


def moment_of(picture: np.ndarray[Any, Any]) -> float:
    """Return the moment that is burned into a picture (rows of red, green, blue)."""
    number = 0
    for bit in range(_BITS):
        block = picture[2 : _BLOCK - 2, bit * _BLOCK + 2 : (bit + 1) * _BLOCK - 2]
        number = number * 2 + int(block.mean() > 127)
    return number / FPS


def moments(data: bytes) -> list[float]:
    """Return the moments of all pictures of a live file, as far as it can be played."""
    found: list[float] = []
    try:
        with av.open(BytesIO(data), "r") as container:
            found.extend(
                moment_of(picture.to_ndarray(format="rgb24"))
                for picture in container.decode(video=0)
            )
    except av.error.FFmpegError:
        if not found:
            raise
    return found


def _burn(image: Any, moment: float) -> np.ndarray[Any, Any]:
    picture = np.asarray(image).copy()
    number = round(moment * FPS)
    for bit in range(_BITS):
        on = number >> (_BITS - 1 - bit) & 1
        picture[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 255 if on else 0
    return picture


@functools.lru_cache(maxsize=64)
def pictures_of(camera: str, second: int, seconds: int = 1) -> tuple[bytes, ...]:
    """Return the pictures of some seconds, each as an access unit with start codes.

    Only the first is a keyframe.
    """
    encoder = VideoCodecContext.create("libx264", "w")
    configure(encoder, fps=FPS, gop=FPS * seconds)
    empty = background(camera, (WIDTH, HEIGHT))
    units: list[bytes] = []
    for number in range(FPS * seconds):
        moment = second + number / FPS
        image = _burn(frame(empty, camera, moment), moment)
        picture = VideoFrame.from_ndarray(image, format="rgb24")
        picture.pts, picture.time_base = number, Fraction(1, FPS)
        units += [bytes(packet) for packet in encoder.encode(picture)]
    units += [bytes(packet) for packet in encoder.encode(None)]
    return tuple(units)


@functools.cache
def beginning() -> bytes:
    """Return `ftyp` and `moov`, the same for every camera."""
    pipe = _Pipe()
    options = {
        "movflags": "empty_moov+default_base_moof",
        "video_track_timescale": str(TIMESCALE),
    }
    with av.open(pipe, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS)
        configure(stream.codec_context, fps=FPS, gop=FPS)
        container.start_encoding()
        packet = av.Packet(pictures_of("", 0)[0])
        packet.stream, packet.time_base = stream, Fraction(1, FPS)
        packet.pts = packet.dts = 0
        packet.is_keyframe = True
        container.mux(packet)
    data = pipe.getvalue()
    return data[: data.index(b"moof") - 4]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def fragment(
    unit: bytes, *, number: int, ticks: int, is_key: bool, size: int = 0
) -> bytes:
    """Return one picture as `moof` and `mdat`, filled up to `size` bytes of data."""
    sample = _length_prefixed(unit, size)
    flags = 0x02000000 if is_key else 0x01010000
    tfhd = struct.pack(">IIIII", 0x020038, 1, TIMESCALE // FPS, len(sample), flags)
    traf = (
        _box(b"tfhd", tfhd)
        + _box(b"tfdt", struct.pack(">IQ", 0x01000000, ticks))
        + _box(b"trun", struct.pack(">III", 1, 1, 108))
    )
    moof = _box(b"mfhd", struct.pack(">II", 0, number)) + _box(b"traf", traf)
    return _box(b"moof", moof) + _box(b"mdat", sample)


def _length_prefixed(unit: bytes, size: int) -> bytes:
    """Return an access unit as MP4 has it; filler NAL units make it larger."""
    parts = [part.rstrip(b"\0") for part in unit.split(b"\0\0\1") if part.strip(b"\0")]
    sample = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    if (padding := size - len(sample) - 6) > 0:
        sample += struct.pack(">I", padding + 2) + b"\x0c" + b"\xff" * padding + b"\x80"
    return sample


@dataclass(slots=True)
class LiveDoor:
    """What go2rtc behind the simulated Frigate does.

    `bit_rate` fills the pictures up to so many bits a second. A camera in `silent` has
    a gap: its sockets stay open and nothing comes. `opened` are the streams that were
    asked for, one after the other.
    """

    bit_rate: int = 0
    silent: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)
    _requests: dict[int, tuple[web.Request, str]] = field(default_factory=dict)

    @property
    def watched(self) -> list[str]:
        """Return the cameras that are seen right now, once for each socket."""
        return [camera for _, camera in self._requests.values()]

    def restart(self) -> None:
        """Break all sockets, as go2rtc does when it starts again."""
        for request, _ in tuple(self._requests.values()):
            if request.transport is not None:
                request.transport.abort()

    async def serve(
        self,
        request: web.Request,
        *,
        streams: dict[str, str],
        clock: Callable[[], float],
        stopping: asyncio.Event,
    ) -> web.WebSocketResponse:
        """Give the film of `src`; `streams` has the camera of each stream."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        stream = request.query.get("src", "")
        self.opened.append(stream)
        asked = await socket.receive_json()
        camera = streams.get(stream)
        if asked.get("type") != "mse" or camera is None:
            await socket.send_json({"type": "error", "value": "mse: stream not found"})
            await socket.receive()
            return socket
        self._requests[id(request)] = (request, camera)
        sending = asyncio.create_task(self._send(socket, camera, clock))
        leaving = asyncio.create_task(socket.receive())
        stopped = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait(
                {sending, leaving, stopped}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            del self._requests[id(request)]
            for task in (sending, leaving, stopped):
                task.cancel()
            await asyncio.gather(sending, leaving, stopped, return_exceptions=True)
        return socket

    async def _send(
        self, socket: web.WebSocketResponse, camera: str, clock: Callable[[], float]
    ) -> None:
        await socket.send_str(json.dumps({"type": "mse", "value": _CODECS}))
        await socket.send_bytes(beginning())
        async for data in self.film(camera, clock):
            await socket.send_bytes(data)

    async def film(
        self, camera: str, clock: Callable[[], float]
    ) -> AsyncGenerator[bytes]:
        """Yield the fragments of a camera as its pictures happen, from a keyframe on."""
        first = math.ceil(clock())
        count = 0
        while True:
            second, number = divmod(count, FPS)
            moment = first + count / FPS
            await asyncio.sleep(max(moment - clock(), 0))
            units = await asyncio.to_thread(pictures_of, camera, first + second)
            if camera not in self.silent:
                yield fragment(
                    units[number],
                    number=count + 1,
                    ticks=count * TIMESCALE // FPS,
                    is_key=number == 0,
                    size=self.bit_rate // 8 // FPS,
                )
            count += 1
