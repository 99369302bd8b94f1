"""Live film goes before all else at a destination, as far as the line allows."""

import asyncio
from collections.abc import AsyncGenerator
import hashlib
from pathlib import Path
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.growing import GrowingFile
from custom_components.frigate_snap_sync.storage.memory_source import MemorySource
from custom_components.frigate_snap_sync.storage.source import FileSource, open_source
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.storage.wrappers.film_first import (
    FilmFirst,
    FilmGate,
)
from custom_components.frigate_snap_sync.storage.wrappers.precedence import (
    LARGEST_SLICE,
    LINGER,
    LONGEST_PAUSE,
    QUEUE,
    SHARE,
    Precedence,
)

from ..sync.fakes import FakeDestination
from ..waiting import LONG

KIB = 1024
WAY = 0.05


class Line:
    """A line on which all goes one behind the other, and a second of it passes at will.

    It says nothing: `Precedence` has to find out by the film how fast it is.
    """

    def __init__(self, rate: int, *, way: float = WAY) -> None:
        """Carry so many bytes a second, each for so many seconds."""
        self.now = 1000.0
        self.precedence = Precedence()
        self.worst = 0.0
        """Seconds that film took to arrive at most, of the last that was looked at."""
        self.others = 0
        self._rate = rate
        self._way = way
        self._free_at = self.now
        self._film: list[tuple[float, int]] = []

    def run(self, seconds: float, film: int, *, has_others: bool = True) -> None:
        """Let time pass: film is sent as a lane does, others send what they may."""
        step, sent = 0.01, self.now - 0.1
        end = self.now + seconds
        while self.now < end:
            self.now += step
            self._arrive()
            while film and sent + 0.1 <= self.now and len(self._film) < 2:
                # What would be too late is left out.
                sent = max(sent, self.now - 1.5)
                seconds = min(self.now - sent, 0.25)
                size = int(film * seconds)
                key = self.precedence.begin(self.now, size)
                self._film.append((self._send(size), key))
                self.worst = max(self.worst, self._film[-1][0] - sent)
                sent += seconds
            if has_others:
                self._send_others()

    def queued(self) -> float:
        """Return the seconds for which the line has something to send."""
        return max(0.0, self._free_at - self.now)

    def fill(self, size: int) -> None:
        """Put others' bytes onto the line that came before the film."""
        self._send(size)

    def _send_others(self) -> None:
        size = self.precedence.slice_size(self.now)
        while self.precedence.delay(self.now, size) == 0 and self.queued() < 10:
            self.precedence.passed(self.now, size)
            self._send(size)
            self.others += size
            size = self.precedence.slice_size(self.now)

    def _send(self, size: int) -> float:
        self._free_at = max(self._free_at, self.now) + size / self._rate
        return self._free_at + self._way

    def _arrive(self) -> None:
        while self._film and self._film[0][0] <= self.now:
            at, key = self._film.pop(0)
            self.precedence.end(key, at, has_arrived=True)


@pytest.mark.parametrize("rate", [450 * KIB, 1200 * KIB, 100_000 * KIB])
@pytest.mark.parametrize("way", [0.005, WAY, 0.25])
def test_what_the_film_leaves_is_used(rate: int, way: float) -> None:
    """Film of 250 KiB/s is never late, and others get most of what is left."""
    line = Line(rate, way=way)
    line.run(10, 250 * KIB)
    assert line.worst < 2
    line.worst, line.others = 0.0, 0
    line.run(20, 250 * KIB)
    assert line.worst < 0.8 + 2 * way
    assert line.others / 20 > 0.6 * min(rate - 250 * KIB, 20_000 * KIB)


def test_a_line_that_is_full_already_is_given_to_the_film() -> None:
    """What is on it can't be recalled; as soon as it has arrived, the film is new."""
    line = Line(500 * KIB)
    line.fill(2000 * KIB)
    line.run(6, 250 * KIB)
    assert line.worst > 3
    line.worst = 0.0
    line.run(10, 250 * KIB)
    assert line.worst < 0.8


def test_film_of_more_than_the_line_carries() -> None:
    """Others slow it down by a sixteenth alone, but get something all the time."""
    line = Line(190 * KIB)
    line.run(20, 250 * KIB, has_others=False)
    alone, line.worst = line.worst, 0.0
    line.run(60, 250 * KIB)
    assert line.worst < alone + 0.3
    assert 0.6 * 190 * KIB / SHARE < line.others / 60 < 1.5 * 190 * KIB / SHARE


def test_without_film_nothing_waits() -> None:
    """Before it, once it is over, and when none has come for some seconds."""
    decide = Precedence()
    assert decide.delay(0.0, LARGEST_SLICE) == 0
    for has_ended in (True, False):
        key = decide.begin(10.0, 1000)
        assert decide.slice_size(10.0) < LARGEST_SLICE
        decide.passed(10.0, LARGEST_SLICE)
        assert decide.delay(10.1, LARGEST_SLICE) > 0
        decide.end(key, 10.1, has_arrived=True)
        assert decide.delay(10.2, LARGEST_SLICE) > 0
        if has_ended:
            decide.stop()
            assert decide.delay(10.2, LARGEST_SLICE) == 0
    assert decide.delay(10.1 + LINGER, LARGEST_SLICE) == 0
    assert decide.slice_size(10.1 + LINGER) == LARGEST_SLICE


def test_film_that_hangs_keeps_no_connection_silent() -> None:
    """Servers end one on which nothing comes, which would be sent once more."""
    decide = Precedence()
    decide.begin(0.0, 1000)
    decide.passed(0.0, KIB)
    passed = []
    for tenth in range(600):
        while decide.delay(tenth / 10, 16 * KIB) == 0:
            decide.passed(tenth / 10, 16 * KIB)
            passed.append(tenth / 10)
    late = [at for at in passed if at > 2]
    assert 60 / LONGEST_PAUSE - 2 <= len(late) <= 60 / LONGEST_PAUSE
    assert late[-1] > 60 - 2 * LONGEST_PAUSE


def test_a_piece_has_the_line_for_itself() -> None:
    """Others fill the time between two pieces, as fast as the line was for one."""
    decide = Precedence()
    key = decide.begin(0.0, 500 * KIB, is_piece=True)
    for tenth in range(1, 10):
        assert decide.delay(tenth / 10, 64 * KIB) > 0
    decide.end(key, 1.0, has_arrived=True)
    decide.passed(1.1, 30 * KIB)  # What was owed.
    sent, now = 30 * KIB, 1.1
    while now < 2.1:
        while decide.delay(now, 16 * KIB) == 0:
            decide.passed(now, 16 * KIB)
            sent += 16 * KIB
        now += 0.01
    assert 400 * KIB < sent < 650 * KIB


def test_film_that_fails_says_nothing_of_the_line() -> None:
    """It is refused at once, or hangs until it is given up."""
    decide = Precedence()
    for now, took in ((0.0, 0.001), (1.0, 60.0)):
        key = decide.begin(now, 1000)
        decide.end(key, now + took, has_arrived=False)
    key = decide.begin(61.0, 1000)
    decide.passed(61.0, 64 * KIB)
    assert decide.delay(61.0 + QUEUE, 16 * KIB) <= 64 * KIB / (64 * KIB)
    assert decide.delay(62.1, 16 * KIB) > 0


class Held(GrowingFile):
    """A growing file whose writes take until they are let through."""

    def __init__(self) -> None:
        """Let them through."""
        self.may = asyncio.Event()
        self.may.set()
        self.error: Exception | None = None

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        await self.may.wait()
        if self.error is not None:
            raise self.error

    @override
    async def close(self) -> int:
        return 0


class Shelf(FakeDestination):
    """Notes what comes of which file; its films are held."""

    def __init__(self) -> None:
        """Nothing has come."""
        super().__init__()
        self.can = Capabilities(append=True)
        self.came: list[tuple[str, int]] = []
        self.film = Held()

    @override
    async def grow(self, path: str) -> GrowingFile:
        return self.film

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        data = bytearray()
        async with open_source(source) as file:
            while piece := await file.read():
                self.came.append((path, len(piece)))
                data += piece
                await asyncio.sleep(0)
        self.files[path] = bytes(data)
        return StoredFile(path=path, size=len(data))

    def of(self, path: str) -> int:
        """Return how many bytes have come of a file."""
        return sum(size for name, size in self.came if name == path)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        """Begin some time."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, _: float) -> None:
        """Let others run; the time is the test's."""
        await asyncio.sleep(0)

    async def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass, in small steps."""
        for _ in range(int(seconds * 100)):
            self.now += 0.01
            for _ in range(3):
                await asyncio.sleep(0)


class Bytes(Source):
    """Bytes without a file of their own, that are no still."""

    sha256 = None

    def __init__(self, name: str, size: int, *, is_part: bool = False) -> None:
        """Be a whole, or a part."""
        self._name, self._size, self._is_part = name, size, is_part

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def size(self) -> int:
        return self._size

    @property
    @override
    def is_part(self) -> bool:
        return self._is_part

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        left = self._size
        while left:
            piece = bytes(min(left, 1024 * KIB))
            left -= len(piece)
            yield piece


def first(shelf: Shelf) -> tuple[FilmFirst, Clock]:
    """Return a destination at which film goes first, and its time."""
    clock = Clock()
    gate = FilmGate(clock=clock, sleep=clock.sleep)
    return FilmFirst(shelf, gate), clock


async def late_film(
    destination: FilmFirst, shelf: Shelf
) -> tuple[GrowingFile, asyncio.Task[None]]:
    """Begin to write film that does not arrive; return its file, and the write."""
    film = await destination.grow("live.mp4")
    shelf.film.may.clear()
    return film, asyncio.create_task(film.write(bytes(10 * KIB), at=0))


async def test_a_recording_steps_back_for_film_and_continues_behind_it() -> None:
    """While film is late next to nothing of it is sent; no byte of it gets lost."""
    shelf = Shelf()
    destination, clock = first(shelf)
    film = await destination.grow("live.mp4")
    await film.write(bytes(10 * KIB), at=0)
    put = asyncio.create_task(
        destination.put("whole", Bytes("whole", 5000 * KIB), temporary=".t")
    )
    shelf.film.may.clear()
    write = asyncio.create_task(film.write(bytes(10 * KIB), at=10 * KIB))
    await clock.pass_by(1)
    before = shelf.of("whole")
    await clock.pass_by(10)
    assert shelf.of("whole") - before <= 3 * 16 * KIB
    assert not put.done()
    shelf.film.may.set()
    await write
    await film.close()
    async with asyncio.timeout(LONG):
        stored = await put
    assert stored.size == len(shelf.files["whole"]) == 5000 * KIB


@pytest.mark.parametrize("is_still", [True, False])
async def test_a_still_does_not_wait_for_film(is_still: bool) -> None:
    """It is small, and wanted at once; so is a still of film, and one that it sends."""
    shelf = Shelf()
    destination, clock = first(shelf)
    _, write = await late_film(destination, shelf)
    await clock.pass_by(3)
    source = MemorySource("still", bytes(300 * KIB))
    async with asyncio.timeout(LONG):
        if is_still:
            await destination.put("still", source, temporary=".t")
        else:
            await destination.put_at_once("still", source, temporary=".t")
    write.cancel()
    assert len(shelf.files["still"]) == 300 * KIB


async def test_parts_go_before_wholes_and_leave_them_a_little() -> None:
    """Or the server would end a connection on which nothing comes."""
    shelf = Shelf()
    destination, clock = first(shelf)
    _, write = await late_film(destination, shelf)
    puts = [
        asyncio.create_task(destination.put(name, source, temporary=f".{name}"))
        for name, source in (
            ("whole", Bytes("whole", 5000 * KIB)),
            ("part", Bytes("part", 5000 * KIB, is_part=True)),
        )
    ]
    await clock.pass_by(20)
    before = shelf.of("part"), shelf.of("whole")
    await clock.pass_by(200)
    part, whole = shelf.of("part") - before[0], shelf.of("whole") - before[1]
    assert part > 5 * whole > 0
    for task in (write, *puts):
        task.cancel()


async def test_film_that_fails_lets_others_pass() -> None:
    """What broke off holds nothing back."""
    shelf = Shelf()
    destination, clock = first(shelf)
    film = await destination.grow("live.mp4")
    shelf.film.error = Unreachable("gone")
    with pytest.raises(Unreachable):
        await film.write(bytes(10 * KIB), at=0)
    await film.close()
    clock.now += 0.01
    async with asyncio.timeout(LONG):
        await destination.put("whole", Bytes("whole", 5000 * KIB), temporary=".t")


async def test_who_gives_up_holds_others_back_no_longer(tmp_path: Path) -> None:
    """A recording that is cancelled while it waits."""
    shelf = Shelf()
    destination, clock = first(shelf)
    film, write = await late_film(destination, shelf)
    path = tmp_path / "part"
    path.write_bytes(bytes(500 * KIB))
    part = FileSource(path, size=500 * KIB, is_part=True)
    puts = [
        asyncio.create_task(destination.put("part", part, temporary=".p")),
        asyncio.create_task(
            destination.put("whole", Bytes("w", 500 * KIB), temporary=".w")
        ),
    ]
    async with asyncio.timeout(LONG):
        # Its file is opened in a thread, however long that takes.
        while not shelf.of("part"):
            await clock.pass_by(1)
    puts[0].cancel()
    shelf.film.may.set()
    await write
    await film.close()
    async with asyncio.timeout(LONG):
        await puts[1]
    assert puts[0].cancelled()


async def test_hashing_does_not_wait() -> None:
    """What is read before it is sent is not sent."""
    shelf = Shelf()
    destination, _ = first(shelf)
    _, write = await late_film(destination, shelf)
    hashed = []

    class Hashing(Shelf):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            hashed.append(await source.md5())
            return StoredFile(path=path, size=source.size)

    destination.inner = Hashing()
    async with asyncio.timeout(LONG):
        await destination.put("whole", Bytes("w", 3000 * KIB), temporary=".t")
    expected = hashlib.md5(bytes(3000 * KIB), usedforsecurity=False).hexdigest()
    assert hashed == [expected]
    write.cancel()


def test_where_there_is_a_line() -> None:
    """A folder of this machine has none: its disk takes all at once."""

    class Local(FakeDestination):
        @property
        @override
        def capabilities(self) -> Capabilities:
            return Capabilities(is_local=True)

    local = Local()
    assert wrapped(local) is local
    assert isinstance(wrapped(FakeDestination()), FilmFirst)
