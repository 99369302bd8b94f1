"""Files that are seen at their destination while they grow, at real servers."""

import asyncio
from collections.abc import AsyncGenerator
import errno
import gc
import hashlib
from io import FileIO
import os
from pathlib import Path
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    InvalidPath,
    NoSpace,
    PermissionDenied,
    Rejected,
    SourceUnreadable,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.growing import (
    AlreadyThere,
    GrowingFile,
)
from custom_components.frigate_snap_sync.storage.jobs import JobRunner
from custom_components.frigate_snap_sync.storage.local.growing import LocalGrowingFile
from custom_components.frigate_snap_sync.storage.memory_source import MemorySource
from custom_components.frigate_snap_sync.storage.s3.upload import MAX_SINGLE
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..sync.fakes import FakeDestination
from ..waiting import LONG, Threads
from .places import PLACES as ALL_PLACES, Ceph, Place
from .test_conformance import ESCAPES, PLACES, Pieces, at, put
from .test_s3 import unfinished

MIB = 1024 * 1024
APPENDING = (
    *("local", "local-verified", "openssh", "openssh-reduced", "proftpd"),
    *("sftp-password", "sftp-plain"),
)
IN_PARTS = ("s3-ceph", "s3-rclone")
growing = [place for place in ALL_PLACES if place.name in APPENDING]


@at(PLACES)
async def test_who_can_append_says_so(place: Place) -> None:
    """The others refuse, and nothing comes of it."""
    assert place.destination.capabilities.append == (place.name in APPENDING)
    if place.name not in APPENDING:
        with pytest.raises(Rejected):
            await place.destination.grow("a/live.mp4")
        assert place.paths() == set()


class Download(Pieces):
    """A source that still grows: size and hash are known behind the last byte."""

    def __init__(self, *pieces: bytes, so_far: int) -> None:
        """Give these pieces; at first it says that `so_far` bytes are there."""
        super().__init__(*pieces)
        self.is_over = False
        self.so_far = so_far

    @property
    @override
    def size(self) -> int:
        return self.claimed if self.is_over else self.so_far

    @property
    @override
    def sha256(self) -> str | None:
        content = b"".join(self.pieces)
        return hashlib.sha256(content).hexdigest() if self.is_over else None

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        async for piece in super().open():
            yield piece
        self.is_over = True


@at(PLACES)
async def test_who_takes_what_still_grows_says_so(place: Place) -> None:
    """It is there at the end, whatever was known at first; else nothing is."""
    so_far = place.destination.capabilities.unsized_from
    if place.name not in (*APPENDING, *IN_PARTS):
        assert so_far is None
        return
    assert so_far == (0 if place.name in APPENDING else MAX_SINGLE + 1)
    pieces = [os.urandom(size) for size in (1000, *[MIB] * 17, 7)]
    stored = await put(place.destination, "a/file", Download(*pieces, so_far=so_far))
    assert stored == StoredFile(path="a/file", size=17 * MIB + 1007)
    assert place.content("a/file") == b"".join(pieces)
    broken = Download(*pieces, so_far=so_far)
    broken.error = SourceUnreadable("It will not come")
    with pytest.raises(SourceUnreadable):
        await put(place.destination, "a/broken", broken)
    assert place.paths() == {"a/file"}
    if isinstance(place, Ceph):
        assert not unfinished(place)


@at(growing)
async def test_it_is_seen_from_the_first_byte_on(place: Place) -> None:
    """It has its name and each byte at once, not only when it is closed."""
    file = await place.destination.grow("2026-11-22/live.mp4")
    assert place.content("2026-11-22/live.mp4") == b""
    content = b""
    for size in (1, 700, 100_000, 3):
        piece = os.urandom(size)
        await file.write(piece, at=len(content))
        content += piece
        assert place.content("2026-11-22/live.mp4") == content
    assert await file.close() == len(content)
    assert place.paths() == {"2026-11-22/live.mp4"}
    assert place.content("2026-11-22/live.mp4") == content


@at(growing)
async def test_a_large_write(place: Place) -> None:
    """A server's limit for one request is kept: OpenSSH drops who sends more."""
    content = os.urandom(5 * MIB + 1)
    file = await place.destination.grow("live.mp4")
    await file.write(content, at=0)
    assert await file.close() == len(content)
    assert place.content("live.mp4") == content


@at(growing)
async def test_two_writes_at_once(place: Place) -> None:
    """Each goes where it says."""
    pieces = [os.urandom(300_000) for _ in range(6)]
    file = await place.destination.grow("live.mp4")
    await asyncio.gather(
        *(file.write(piece, at=number * 300_000) for number, piece in enumerate(pieces))
    )
    assert await file.close() == 6 * 300_000
    assert place.content("live.mp4") == b"".join(pieces)


@at(growing)
async def test_nothing_is_replaced(place: Place) -> None:
    """What has the name keeps it, with all its bytes."""
    place.plant("a/live.mp4", b"of somebody")
    with pytest.raises(AlreadyThere):
        await place.destination.grow("a/live.mp4")
    assert place.content("a/live.mp4") == b"of somebody"


@at(growing)
async def test_not_outside_of_the_root(place: Place) -> None:
    """No file grows elsewhere."""
    for path in ESCAPES:
        with pytest.raises(InvalidPath):
            await place.destination.grow(path)
    assert place.paths() == set()


@at(place for place in growing if not place.name.startswith("local"))
async def test_what_arrived_stays_when_the_connection_breaks(place: Place) -> None:
    """The file is not taken up again; the next one works."""
    file = await place.destination.grow("live01.mp4")
    start = os.urandom(200_000)
    await file.write(start, at=0)
    place.break_after(MIB)

    async def send() -> None:
        for number in range(40):
            await file.write(os.urandom(100_000), at=200_000 + number * 100_000)

    with pytest.raises(Unreachable):
        await send()
    with pytest.raises(StorageError):
        await file.close()

    content = place.content("live01.mp4")
    assert content is not None
    assert content.startswith(start)
    other = await place.destination.grow("live02.mp4")
    await other.write(b"more", at=0)
    assert await other.close() == 4
    assert place.content("live02.mp4") == b"more"


@at(growing, small=lambda place: True)
async def test_a_full_disk(place: Place) -> None:
    """It shows as such where the server says it; what arrived stays."""
    file = await place.destination.grow("live.mp4")

    async def fill() -> None:
        for number in range(12):
            await file.write(bytes(MIB), at=number * MIB)
        # ProFTPD takes what it has no space for without a word
        if await file.close() != 12 * MIB:
            raise Rejected("Not all has arrived")

    with pytest.raises(NoSpace if place.says_full else (NoSpace, Rejected)):
        await fill()
    content = place.content("live.mp4")
    assert content
    assert len(content) <= 6 * MIB


@at(growing, small=lambda place: place.is_small_to_deny)
async def test_a_place_that_refuses(place: Place) -> None:
    """No file begins where nothing may be written."""
    await place.destination.connect()
    await place.deny()
    with pytest.raises(PermissionDenied):
        await place.destination.grow("live.mp4")


@at(growing)
async def test_a_cancelled_beginning(place: Place) -> None:
    """Nothing stays open that the next ones would miss."""
    await place.destination.connect()
    for number in range(8):
        begun = asyncio.create_task(place.destination.grow(f"{number}.mp4"))
        for _ in range(number):
            await asyncio.sleep(0)
        begun.cancel()
        await asyncio.wait({begun})
    file = await place.destination.grow("live.mp4")
    await file.write(b"whole", at=0)
    assert await file.close() == 5


@at(growing)
async def test_append_only_places_take_new_ones(place: Place) -> None:
    """A growing file replaces nothing, so that it is allowed there."""
    kept = wrapped(place.destination, append_only=True)
    file = await kept.grow("live.mp4")
    await file.write(b"film", at=0)
    await file.close()
    assert place.content("live.mp4") == b"film"
    with pytest.raises(AlreadyThere):
        await kept.grow("live.mp4")


@at(PLACES)
async def test_a_piece_at_once(place: Place) -> None:
    """It arrives under its name, in new folders, and may be replaced by a longer one."""
    destination = place.destination
    path = "2026-11-22/live01-0001.mp4"
    temporary = "2026-11-22/.live01-0001.mp4.tmp"
    for size in (100_000, 0, 3 * MIB):
        content = os.urandom(size)
        stored = await destination.put_at_once(
            path, MemorySource(path, content), temporary=temporary
        )
        assert stored == StoredFile(path=path, size=size)
        assert place.content(path) == content
        assert place.paths() == {path}


@at(PLACES)
async def test_a_piece_replaces_nothing_where_all_stays(place: Place) -> None:
    """Who sends pieces there takes new names."""
    kept = wrapped(place.destination, append_only=True)
    await kept.put_at_once(
        "live.mp4", MemorySource("live.mp4", b"first"), temporary=".x.tmp"
    )
    with pytest.raises(AlreadyThere):
        await kept.put_at_once(
            "live.mp4", MemorySource("live.mp4", b"second"), temporary=".x.tmp"
        )
    assert place.content("live.mp4") == b"first"


@at(PLACES)
async def test_a_piece_that_does_not_arrive(place: Place) -> None:
    """The next one does."""
    await place.destination.connect()
    place.break_after(MIB)
    source = MemorySource("a/live.mp4", os.urandom(4 * MIB))
    with pytest.raises(Unreachable):
        await place.destination.put_at_once(
            "a/live.mp4", source, temporary="a/.live.tmp"
        )
    await place.destination.put_at_once("a/other.mp4", source, temporary="a/.other.tmp")
    assert len(place.content("a/other.mp4") or b"") == 4 * MIB


class _Notebook(GrowingFile):
    """Notes when which bytes came."""

    def __init__(self) -> None:
        """Begin now."""
        self.begin = time.monotonic()
        self.content = b""
        self.times: list[float] = []

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        """Take what follows."""
        assert at == len(self.content)
        self.content += data
        self.times.append(time.monotonic() - self.begin)

    @override
    async def close(self) -> int:
        """End it."""
        return len(self.content)


class _Shelf(FakeDestination):
    """A destination with one file that grows."""

    def __init__(self) -> None:
        """Have one file."""
        super().__init__()
        self.file = _Notebook()

    @override
    async def grow(self, path: str) -> GrowingFile:
        """Return the file."""
        return self.file


async def test_a_growing_file_keeps_to_the_limit() -> None:
    """And every byte is where it belongs."""
    shelf = _Shelf()
    content = os.urandom(60_000)
    file = await wrapped(shelf, rate=100_000).grow("live.mp4")

    await file.write(content[:20_000], at=0)
    await file.write(content[20_000:], at=20_000)

    assert shelf.file.content == content
    assert 0.3 < shelf.file.times[-1] < 2
    assert await file.close() == 60_000


async def test_it_reaches_the_disk_each_second(tmp_path: Path) -> None:
    """A power cut takes no more; between them no one waits for the disk."""
    synced: list[float] = []
    clock = 100.0
    jobs = JobRunner(limit=1, timeout=LONG)
    file = LocalGrowingFile(
        jobs,
        FileIO(tmp_path / "live.mp4", "wb"),
        "live.mp4",
        sync=lambda _: synced.append(clock),
        clock=lambda: clock,
    )
    for number in range(25):
        await file.write(b"x", at=number)
        clock += 0.125
    assert synced == [101, 102, 103]
    assert await file.close() == 25
    assert len(synced) == 4


async def test_a_file_that_can_not_be_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A share that is gone by then, say: how much has arrived is known already."""

    class Gone(FileIO):
        @override
        def close(self) -> None:
            if not self.closed:
                super().close()
                raise OSError(errno.EIO, "gone")

    threads = Threads()
    with threads.watched():
        path = tmp_path / "live.mp4"
        jobs = JobRunner(limit=1, timeout=LONG)
        file = LocalGrowingFile(jobs, Gone(path, "wb"), "live.mp4")
        await file.write(b"film", at=0)
        assert await file.close() == 4
        await threads.at_rest()
    gc.collect()
    assert "never retrieved" not in caplog.text
