"""A destination that is sent to no faster than its owner allows."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
import hashlib
from pathlib import Path
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.limits import Limits
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.source import FileSource, open_source
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.storage.wrappers.film_first import FilmFirst
from custom_components.frigate_snap_sync.storage.wrappers.limited import Limited
from custom_components.frigate_snap_sync.storage.wrappers.paced import CountedSource
from custom_components.frigate_snap_sync.storage.wrappers.rate import (
    Priority,
    RateLimit,
)

from ..sync.fakes import FakeDestination
from ..waiting import LONG, until
from .test_conformance import Pieces

KIB = 1024
RATE = 500 * KIB


class Time:
    """A clock that moves only while someone sleeps, and by a little too much."""

    def __init__(self, late: float = 0.0) -> None:
        """Begin at a moment; each sleep takes `late` seconds more than asked."""
        self.now = 1000.0
        self._late = late

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass, and the others run."""
        self.now += seconds + self._late
        await asyncio.sleep(0)

    def limit(self, rate: int = RATE) -> RateLimit:
        """Return a limit by this clock."""
        return RateLimit(rate, clock=self, sleep=self.sleep)


class Watched(FakeDestination):
    """Notes when which bytes came, by the clock of a test."""

    def __init__(self, time: Time) -> None:
        """Nothing has come."""
        super().__init__()
        self.time = time
        self.came: list[tuple[float, str, int]] = []

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        data = bytearray()
        async with open_source(source) as file:
            while piece := await file.read():
                self.came.append((self.time(), path, len(piece)))
                data += piece
        self.files[path] = bytes(data)
        return StoredFile(path=path, size=len(data))


def file_of(folder: Path, name: str, size: int, *, urgent: bool = False) -> FileSource:
    """Return a file to send."""
    content = name.encode() * size
    path = folder / name
    path.write_bytes(content[:size])
    return FileSource(
        path,
        size=size,
        sha256=hashlib.sha256(content[:size]).hexdigest(),
        is_urgent=urgent,
    )


@pytest.mark.parametrize("late", [0.0, 0.015])
async def test_every_ten_seconds_have_their_share(late: float) -> None:
    """Two files at once share 500 KiB/s, in whichever ten seconds one looks.

    An event loop that is always a little late costs none of it.
    """
    time = Time(late)
    inner = Watched(time)
    limited = Limited(inner, time.limit())
    await asyncio.gather(
        # No files: a thread that reads one takes its time by another clock.
        limited.put("a", Pieces(*[bytes(1000 * KIB)] * 9), temporary="a.tmp"),
        limited.put("b", Pieces(*[bytes(1000 * KIB)] * 9), temporary="b.tmp"),
    )
    begin, end = inner.came[0][0], inner.came[-1][0]
    assert 35 < end - begin < 37
    for tenth in range(250):
        since = begin + tenth / 10
        sent = sum(size for at, _, size in inner.came if since <= at < since + 10)
        assert 475 * KIB <= sent / 10 <= 525 * KIB
    # Both move on all the time.
    half = [path for at, path, _ in inner.came if at < (begin + end) / 2]
    assert min(half.count("a"), half.count("b")) > len(half) / 3
    assert {len(data) for data in inner.files.values()} == {9000 * KIB}


async def test_a_still_goes_before_a_recording(tmp_path: Path) -> None:
    """A still that comes in mid-recording takes the very next turns."""
    time = Time()
    inner = Watched(time)
    limited = Limited(inner, time.limit())
    recording = asyncio.create_task(
        limited.put("film", file_of(tmp_path, "film", 50000 * KIB), temporary="f.tmp")
    )
    await until(lambda: len(inner.came) > 10)
    still = file_of(tmp_path, "still", 200 * KIB, urgent=True)
    await limited.put("still", still, temporary="s.tmp")
    # What has the turn already passes; then the still alone does.
    begin = inner.came.index(next(row for row in inner.came if row[1] == "still"))
    assert [path for _, path, _ in inner.came[begin + 1 : begin + 4]] == ["still"] * 3
    await recording


async def test_nothing_is_saved_up(tmp_path: Path) -> None:
    """After an idle hour a file comes no faster than always."""
    time = Time()
    inner = Watched(time)
    limited = Limited(inner, time.limit())
    time.now += 3600
    begin = time.now
    await limited.put("a", file_of(tmp_path, "a", 1000 * KIB), temporary="a.tmp")
    assert 1.6 <= time.now - begin <= 2.1


async def test_who_gives_up_keeps_no_turn(tmp_path: Path) -> None:
    """A cancelled upload lets the others pass at once."""
    never = asyncio.Event()

    async def sleep(_: float) -> None:
        await never.wait()

    time = Time()
    limit = RateLimit(RATE, clock=time, sleep=sleep)
    await limit.take(1)
    first = asyncio.create_task(limit.take(1))
    second = asyncio.create_task(limit.take(1))
    await asyncio.sleep(0)
    time.now += 1
    first.cancel()
    async with asyncio.timeout(LONG):
        await second
    assert first.cancelled()


def test_a_rate_of_nothing_is_a_mistake() -> None:
    """Zero means no limit: nothing is in the way but film."""
    with pytest.raises(ValueError, match="nothing pass"):
        RateLimit(0)
    inner = FakeDestination()
    unlimited = wrapped(inner)
    assert isinstance(unlimited, FilmFirst)
    assert unlimited.inner is inner
    assert isinstance(wrapped(inner, rate=1), Limited)


async def test_reading_is_not_slowed_down(tmp_path: Path) -> None:
    """Neither what is read back, nor what is hashed before it is sent."""

    async def sleep(_: float) -> None:
        pytest.fail("it waits")

    inner = FakeDestination()
    inner.files["a"] = bytes(3000)
    limited = Limited(inner, RateLimit(1, sleep=sleep))
    async with aclosing(limited.open_read("a")) as pieces:
        assert b"".join([piece async for piece in pieces]) == bytes(3000)

    class Hashing(FakeDestination):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            assert await source.md5() == hashlib.md5(b"b" * 3000).hexdigest()
            assert source.unpaced.local_path == tmp_path / "b"
            assert source.local_path is None
            return StoredFile(path=path, size=source.size)

    await Limited(Hashing(), RateLimit(1, sleep=sleep)).put(
        "b", file_of(tmp_path, "b", 3000), temporary="b.tmp"
    )


async def test_a_local_folder_that_is_slowed_down_is_no_dead_one(
    tmp_path: Path,
) -> None:
    """Waiting for the next slice is not waiting for the disk."""
    root = tmp_path / "root"
    root.mkdir()
    local = LocalDestination(
        root,
        mount_point=await find_mount_point(root),
        is_allowed=lambda _: True,
        limits=Limits(stall_timeout=2),
    )
    # A slice takes twice as long.
    limited = Limited(local, RateLimit(KIB // 4))
    async with asyncio.timeout(LONG):
        await limited.put("a", file_of(tmp_path, "a", 2 * KIB), temporary=".a.tmp")
    assert (root / "a").read_bytes() == b"a" * 2 * KIB


async def test_what_was_sent_of_a_failed_try_counts(tmp_path: Path) -> None:
    """To the slice; what is hashed before does not count."""
    sent: list[int] = []
    source = CountedSource(file_of(tmp_path, "a", 300 * KIB), sent.append)
    await source.md5()
    assert not sent
    pieces: AsyncGenerator[bytes] = source.open()
    got = len(await anext(pieces)) + len(await anext(pieces))
    await pieces.aclose()
    assert sum(sent) == got < 300 * KIB


async def test_a_limit_counts_what_it_lets_pass(tmp_path: Path) -> None:
    """A source that is counted is counted when its bytes may be sent, not before."""
    time = Time()
    inner = Watched(time)
    sent: list[float] = []
    source = CountedSource(
        file_of(tmp_path, "a", 500 * KIB), lambda _: sent.append(time())
    )
    await Limited(inner, time.limit()).put("a", source, temporary="a.tmp")
    assert sent == [at for at, _, _ in inner.came]
    assert sent[-1] - sent[0] > 0.6


@pytest.mark.parametrize("films", [1, 3])
async def test_live_film_leaves_a_share_to_the_rest(films: int) -> None:
    """A sixteenth, however much film there is; and stills wait for none of it."""
    time = Time()
    limit = time.limit()

    async def film() -> None:
        while True:
            await limit.take(10 * KIB, Priority.LIVE)

    tasks = [asyncio.create_task(film()) for _ in range(films)]
    begin = time.now
    async with asyncio.timeout(LONG):
        for _ in range(20):
            await limit.take(50 * KIB)
        assert 26 <= time.now - begin <= 36
        begin = time.now
        await limit.take(100 * KIB, Priority.STILL)
        assert time.now - begin < 0.3
    for task in tasks:
        task.cancel()


async def test_parts_go_before_wholes_and_leave_them_a_share() -> None:
    """And film goes before both; each gets something all the time."""
    time = Time()
    limit = time.limit()
    passed = Counter[Priority]()

    async def send(priority: Priority) -> None:
        while True:
            await limit.take(10 * KIB, priority)
            passed[priority] += 1

    tasks = [
        asyncio.create_task(send(priority))
        for priority in (Priority.OTHER, Priority.PART)
    ]
    await until(lambda: passed.total() >= 3000)
    assert 10 <= passed[Priority.PART] / passed[Priority.OTHER] <= 16
    tasks.append(asyncio.create_task(send(Priority.LIVE)))
    passed.clear()
    await until(lambda: passed.total() >= 3000)
    assert 10 <= passed[Priority.LIVE] / passed[Priority.PART] <= 17
    assert 10 <= passed[Priority.LIVE] / passed[Priority.OTHER] <= 20
    for task in tasks:
        task.cancel()


async def test_a_part_goes_before_a_recording() -> None:
    """A part that comes in mid-recording takes nearly all turns."""

    class Part(Pieces):
        is_part = True

    time = Time()
    inner = Watched(time)
    limited = Limited(inner, time.limit())
    pieces = [bytes(1000 * KIB)] * 50
    recording = asyncio.create_task(
        limited.put("film", Pieces(*pieces), temporary="f.tmp")
    )
    await until(lambda: len(inner.came) > 10)
    begin = time.now
    await limited.put("part", Part(*pieces[:2]), temporary="s.tmp")
    assert 3.5 < time.now - begin < 5
    recording.cancel()


async def test_live_film_goes_first_where_there_is_room(tmp_path: Path) -> None:
    """What is less than its share is never kept back by more than a slice."""
    time = Time()
    inner = Watched(time)
    inner.can = Capabilities(append=True)
    limited = Limited(inner, time.limit())
    recording = asyncio.create_task(
        limited.put("a", file_of(tmp_path, "a", 5000 * KIB), temporary="a.tmp")
    )
    growing = await limited.grow("film")
    for number in range(20):
        begin = time.now
        await growing.write(bytes(10 * KIB), at=number * 10 * KIB)
        assert time.now - begin <= 0.21
        await time.sleep(0.1)
    await recording
