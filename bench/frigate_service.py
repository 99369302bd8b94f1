"""A simulated Frigate in a process of its own, whose clips are as large as asked."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
import os
import struct
from typing import Final, override

from tests.harness.frigate import Frigate, FrigateServer
from tests.harness.frigate.footage import Piece
from tests.harness.frigate.video import Video

from .child import Job, service_main

CAMERA: Final = "front_door"
_MIB: Final = 1024 * 1024
_YOUNGEST: Final = 300.0
"""Seconds ago: no recording that is asked for here is younger."""


class LargeVideo(Video):
    """Makes clips of at least so many bytes."""

    def __init__(self, size: int) -> None:
        """Take the bytes."""
        super().__init__()
        self._size = size

    @override
    def clip(self, camera: str, pieces: Sequence[Piece], *, plain: bool) -> bytes:
        return padded(super().clip(camera, pieces, plain=plain), self._size)


def padded(clip: bytes, size: int) -> bytes:
    """Return a clip in fragments with bytes added that no picture uses.

    They are added to the last of the boxes that hold pictures (`mdat`), so all that
    points to what is in the clip still does.
    """
    missing = size - len(clip)
    if missing <= 0:
        return clip
    begin, end = _last_box(clip, b"mdat")
    block = os.urandom(_MIB)
    return b"".join(
        (
            clip[:begin],
            struct.pack(">I", end - begin + missing),
            clip[begin + 4 : end],
            *(block for _ in range(missing // _MIB)),
            block[: missing % _MIB],
            clip[end:],
        )
    )


def _last_box(data: bytes, kind: bytes) -> tuple[int, int]:
    """Return where the last box of a kind begins and ends, of those at the top."""
    found: tuple[int, int] | None = None
    position = 0
    while position < len(data):
        end = position + int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] == kind:
            found = position, end
        position = end
    if found is None:
        raise ValueError(f"There is no {kind.decode()}")
    return found


def _ended_object(frigate: Frigate) -> str:
    """Let an object come and go; return the message that tells of its end."""
    messages: list[str] = []

    def listen(topic: str, payload: bytes, _retain: bool) -> None:
        if topic.endswith("/events"):
            messages.append(payload.decode())

    frigate.listeners.append(listen)
    frigate.connect()
    tracked = frigate.begin_object(CAMERA)
    frigate.confirm_object(tracked)
    frigate.end_object(tracked)
    frigate.disconnect()
    return messages[-1]


async def _film(frigate: Frigate, seconds: float) -> None:
    """Make the film of the last seconds now: it costs more than all that is measured."""
    now = frigate.clock()
    pieces = frigate.clip(CAMERA, now - seconds, now - _YOUNGEST)
    await asyncio.to_thread(frigate.video.clip, CAMERA, pieces, plain=False)


async def _serve(job: Job) -> AsyncGenerator[Job]:
    frigate = Frigate((CAMERA,))
    frigate.video = LargeVideo(job["clip_size"])
    if seconds := job.get("film"):
        await _film(frigate, seconds)
    async with FrigateServer(frigate) as server:
        objects = [_ended_object(frigate) for _ in range(job.get("objects", 1))]
        yield {"url": server.url, "object": objects[0], "objects": objects}
        yield {"clips": server.journal.count("*/clip.mp4")}


if __name__ == "__main__":
    service_main(_serve)
