"""A stored clip that was made to do harm is served as it is, and stops nothing."""

import asyncio
from collections.abc import Callable
from functools import partial
import struct
import time
from typing import Self

import pytest

from custom_components.frigate_snap_sync.sync.model.stored import Copy
from custom_components.frigate_snap_sync.sync.playback.known import Known, KnownFiles
from custom_components.frigate_snap_sync.sync.playback.virtual_mp4 import (
    VirtualMp4,
    open_virtual,
)

from ..films import box, full
from ..waiting import promptly
from .test_virtual_mp4 import Stored, read

STALL = 0.2
"""Seconds that the event loop may compute at once, far less than what is harmful."""


def _track(number: int, kind: bytes) -> bytes:
    tkhd = box(b"tkhd", full(struct.pack(">3I", 0, 0, number)))
    mdhd = box(b"mdhd", full(struct.pack(">4I", 0, 0, 1000, 0)))
    hdlr = box(b"hdlr", full(bytes(4) + kind + bytes(12)))
    return box(b"trak", tkhd + box(b"mdia", mdhd + hdlr))


def _fragment(number: int, tracks: int, runs: int) -> bytes:
    moof = box(b"mfhd", bytes(8))
    for track in range(1, 1 + tracks):
        tfhd = box(b"tfhd", full(struct.pack(">I", track), 0x20000))
        tfdt = box(b"tfdt", full(struct.pack(">I", number * 1000)))
        run = box(b"trun", full(struct.pack(">I", 1)))
        moof += box(b"traf", tfhd + tfdt + run * runs)
    return box(b"moof", moof) + box(b"mdat")


def made_up(
    *,
    sounds: tuple[int, ...] = (2,),
    fragments: int = 10,
    front: bytes = b"",
    between: bytes = b"",
    runs: int = 1,
) -> bytes:
    """Return a clip whose tracks of sound have these numbers.

    `front` comes before its fragments, `between` behind the first one.
    """
    mvhd = box(b"mvhd", full(struct.pack(">3I", 0, 0, 1000) + bytes(80)))
    tracks = len({*sounds})
    trex = b"".join(
        box(b"trex", full(struct.pack(">5I", number, 1, 1000, 0, 0)))
        for number in range(1, 2 + tracks)
    )
    moov = mvhd + _track(1, b"vide")
    moov += b"".join(_track(number, b"soun") for number in sounds)
    data = bytearray(box(b"ftyp", b"isom") + box(b"moov", moov + box(b"mvex", trex)))
    data += front
    begins = []
    for number in range(fragments):
        if number == 1:
            data += between
        begins.append(len(data))
        data += _fragment(number, 1 + tracks, runs if number == fragments - 1 else 1)
    entries = b"".join(
        struct.pack(">II3x", number * 1000, begin)
        for number, begin in enumerate(begins)
    )
    index = b"".join(
        box(b"tfra", full(struct.pack(">III", track, 0, fragments) + entries))
        for track in range(1, 2 + tracks)
    )
    end = struct.pack(">I", len(index) + 24)
    return bytes(data + box(b"mfra", index + box(b"mfro", bytes(4) + end)))


class Stall:
    """Measures for how long the event loop computes at once.

    What a busy machine takes away does not count.
    """

    def __init__(self) -> None:
        """Measure nothing yet."""
        self.longest = 0.0

    async def __aenter__(self) -> Self:
        """Begin to measure."""
        self._task = asyncio.create_task(self._turn())
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *args: object) -> None:
        """End it."""
        await asyncio.sleep(0.01)
        self._task.cancel()

    async def _turn(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.thread_time() - began)


@pytest.mark.parametrize(
    ("make", "is_made"),
    [
        pytest.param(partial(made_up), True, id="usual"),
        pytest.param(partial(made_up, sounds=tuple(range(2, 9))), True, id="8 tracks"),
        pytest.param(
            partial(made_up, sounds=tuple(range(2, 10))), False, id="9 tracks"
        ),
        pytest.param(partial(made_up, sounds=(2, 2)), False, id="same number"),
        pytest.param(partial(made_up, sounds=(1,)), False, id="number of the video"),
        pytest.param(partial(made_up, sounds=(2,) * 2000), False, id="2000 tracks"),
        pytest.param(
            partial(made_up, fragments=2**16, sounds=()), False, id="fragments"
        ),
        pytest.param(
            partial(made_up, fragments=10_000, front=box(b"free", bytes(4_100_000))),
            False,
            id="too large an index",
        ),
        pytest.param(partial(made_up, front=box(b"free") * 50), True, id="front"),
        pytest.param(
            partial(made_up, front=box(b"free") * 100), False, id="too many in front"
        ),
        pytest.param(
            partial(made_up, runs=9_000, sounds=()), True, id="many runs of samples"
        ),
        pytest.param(
            partial(made_up, runs=150_000, sounds=()), False, id="too many runs"
        ),
    ],
)
async def test_what_is_made_of_it(make: Callable[[], bytes], is_made: bool) -> None:
    """No index of more than Frigate would ever write, and no stall meanwhile."""
    data = make()
    stored = Stored(data)
    async with promptly(), Stall() as stall:
        film = await open_virtual(stored.read, len(data))
    assert (film is not None) == is_made
    assert stall.longest < STALL
    assert len(stored.reads) < 80


async def test_thousands_of_boxes_between_the_fragments() -> None:
    """Are sent together, not one by one, and are put together in a thread."""
    data = made_up(fragments=3, between=box(b"free") * 200_000)
    stored = Stored(data, piece=1 << 22)
    film = await open_virtual(stored.read, len(data))
    assert film is not None
    pieces = 0
    got = bytearray()
    async with promptly(), Stall() as stall:
        async for piece in film.read(stored.read, 0, film.size):
            pieces += 1
            got += piece
    assert pieces < 20
    assert len(got) == film.size
    assert stall.longest < STALL
    again = await read(film, Stored(data, piece=100_000), 0, film.size)
    assert again == bytes(got)


async def test_what_is_known_takes_so_much_memory_and_no_more() -> None:
    """Be it few large indexes or many small ones; the newest is always known."""

    def known(weight: int) -> Known:
        film = VirtualMp4(bytes(weight), [], first=0, end=10)
        assert film.weight == weight
        return Known(10, film, until=100.0)

    copies = [Copy(destination_id="nas", path=str(n), size=10) for n in range(200)]
    files = KnownFiles(max_weight=1000)
    for copy in copies:
        files.keep(copy, known(300))
    assert files.weight == 900
    assert [copy for copy in copies if files.get(copy, 50.0)] == copies[-3:]
    assert files.get(copies[-3], 50.0)
    files.keep(copies[0], known(300))
    assert [copy for copy in copies if files.get(copy, 50.0)] == [
        copies[0],
        copies[-3],
        copies[-1],
    ]
    assert files.get(copies[0], 100.0) is None
    for copy in copies:
        files.keep(copy, Known(10, None, until=100.0))
    assert [copy for copy in copies if files.get(copy, 50.0)] == copies[-64:]
    weight = VirtualMp4(b"", range(1000), first=0, end=10).weight
    assert weight == 8000
