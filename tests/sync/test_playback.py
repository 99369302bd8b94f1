"""What lies at the destinations is read again: from the nearest one that answers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.storage.base import Capabilities, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    NoSpace,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import Ledger
from custom_components.frigate_snap_sync.sync.model.destination_setup import (
    DestinationSetup,
)
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.stored import FileKey
from custom_components.frigate_snap_sync.sync.playback.byte_ranges import Span
from custom_components.frigate_snap_sync.sync.playback.nearness import Nearness
from custom_components.frigate_snap_sync.sync.playback.reading import (
    NotNow,
    NotThere,
    PlaybackTiming,
    Reader,
)

from ..waiting import promptly
from .conftest import Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, FakeDestination
from .test_virtual_mp4 import whole

QUICK = PlaybackTiming(answer=0.2)


class Shelf(FakeDestination):
    """Counts who reads, and does it as slowly as a test wants."""

    def __init__(self, *, is_local: bool = False) -> None:
        """Start empty."""
        super().__init__()
        self.is_local = is_local
        self.readers = 0
        self.reads = 0
        self.piece = 1 << 20
        self.delay = 0.0
        self.breaks_after: int | None = None

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(is_local=self.is_local)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        await asyncio.sleep(self.delay)
        return await super().stat(path)

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        self.reads += 1
        self.readers += 1
        try:
            sent = 0
            async with aclosing(
                super().open_read(path, start=start, length=length)
            ) as all_:
                async for data in all_:
                    for at in range(0, len(data), self.piece):
                        if self.breaks_after is not None and sent >= self.breaks_after:
                            raise Unreachable("The connection was lost")
                        piece = data[at : at + self.piece]
                        sent += len(piece)
                        yield piece
        finally:
            self.readers -= 1


@dataclass
class Stand:
    """What is known of a destination."""

    setup: DestinationSetup
    connected: bool | None = True
    error: StorageError | None = None


@pytest.fixture
def near() -> Shelf:
    """Return a folder of this machine."""
    return Shelf(is_local=True)


@pytest.fixture
def far() -> Shelf:
    """Return a server."""
    return Shelf()


@dataclass
class Stored:
    """A recording and a picture that both destinations have."""

    ledger: Ledger
    places: dict[str, Stand]
    clip: FileKey
    picture: FileKey

    def reader(self, timing: PlaybackTiming = QUICK) -> Reader:
        """Return a reader that knows nothing yet."""
        return Reader(self.ledger, self.places, timing=timing)


@pytest.fixture
async def stored(bench: Bench, near: Shelf, far: Shelf) -> Stored:
    """Let an engine bring them there."""
    setups = {"near": setup(near, name="near"), "far": setup(far, name="far")}
    engine = await bench.start(*setups.values())
    review = bench.review("end", end=time.time() - 50)
    tracked = bench.tracked_object()
    assert await bench.settled() == {"verified": 4}
    near.reads = far.reads = 0
    return Stored(
        ledger=engine._ledger,  # noqa: SLF001
        places={name: Stand(each) for name, each in setups.items()},
        clip=FileKey(media=Media.RECORDINGS, source_id=review),
        picture=FileKey(media=Media.SNAPSHOTS, source_id=tracked),
    )


def everything(size: int) -> Span:
    """Choose all bytes."""
    return Span(0, size)


async def read(reader: Reader, key: FileKey, span: Span | None = None) -> bytes:
    """Return some bytes of a file, all by default."""
    async with reader.open(key, lambda size: span or Span(0, size)) as reading:
        return b"".join([piece async for piece in reading.pieces()])


async def test_a_recording_is_served_with_its_index_in_front(
    stored: Stored, near: Shelf, far: Shelf
) -> None:
    """The stored file is what Frigate gave; any range is one of the served film."""
    reader, film = stored.reader(), await whole(CLIP)
    assert await read(reader, stored.clip) == film != CLIP
    assert await read(reader, stored.clip, Span(100_000, 5000)) == film[100_000:105_000]
    assert CLIP in near.files.values()
    async with reader.open(stored.clip, lambda size: None) as reading:
        assert (reading.size, reading.span) == (len(film), None)
        assert [piece async for piece in reading.pieces()] == []
    assert not far.reads
    assert not near.readers


async def test_a_picture_is_served_as_it_is(stored: Stored) -> None:
    """Byte for byte."""
    assert await read(stored.reader(), stored.picture) == FULL_IMAGE


async def test_the_next_one_when_the_nearest_does_not_answer(
    stored: Stored, near: Shelf, far: Shelf
) -> None:
    """Be it away, hanging, or without the file; and it is left alone for a while."""
    film = await whole(CLIP)
    reader = stored.reader()
    near.error = Unreachable("It is away")
    assert await read(reader, stored.clip) == film
    near.error = None
    assert await read(reader, stored.clip) == film
    assert not near.reads

    near.delay = 5
    async with promptly():
        assert await read(stored.reader(), stored.clip) == film
    near.delay = 0
    near.files.clear()
    assert await read(stored.reader(), stored.clip) == film
    far.files.clear()
    with pytest.raises(NotThere):
        await read(stored.reader(), stored.clip)


async def test_a_copy_whose_first_bytes_do_not_come(
    stored: Stored, near: Shelf, far: Shelf
) -> None:
    """Is given up for another one, for nothing was sent of it."""
    near.breaks_after = 0
    reader = stored.reader()
    assert await read(reader, stored.picture) == FULL_IMAGE
    assert far.reads == 1
    near.breaks_after, near.piece = 1000, 1000
    reader = stored.reader()
    with pytest.raises(Unreachable):
        await read(reader, stored.picture)
    assert not near.readers
    # Who asks again does not get it from there.
    assert await read(reader, stored.picture) == FULL_IMAGE


async def test_none_answers(stored: Stored, near: Shelf, far: Shelf) -> None:
    """That is another answer than that there is no such file."""
    near.error = far.error = Unreachable("The network is away")
    reader = stored.reader()
    for key in (stored.clip, stored.picture):
        with pytest.raises(NotNow):
            await read(reader, key)
    with pytest.raises(NotThere):
        await read(reader, replace(stored.clip, source_id="2.5-other"))
    stored.places.clear()
    with pytest.raises(NotThere):
        await read(reader, stored.clip)


async def test_no_storm_of_logins(stored: Stored, near: Shelf, far: Shelf) -> None:
    """A page of pictures asks a server that refuses the login no more than once."""
    del stored.places["near"]
    logins = 0

    class Refusing(Shelf):
        @override
        async def stat(self, path: str) -> StoredFile | None:
            nonlocal logins
            logins += 1
            raise AuthFailed("The password is wrong")

    place = stored.places["far"]
    place.setup = replace(place.setup, destination=Refusing())
    reader = stored.reader()
    for _ in range(20):
        with pytest.raises(NotNow):
            await read(reader, stored.picture)
    assert logins == 1
    # Nor one that is known to refuse it.
    place.connected, place.error = False, AuthFailed("The password is wrong")
    with pytest.raises(NotNow):
        await read(stored.reader(), stored.picture)
    assert logins == 1


async def test_what_was_looked_at_is_known_for_a_while(
    stored: Stored, near: Shelf
) -> None:
    """A player asks for range after range; but not for ever."""
    now = 100.0
    reader = Reader(stored.ledger, stored.places, clock=lambda: now)
    await read(reader, stored.clip, Span(0, 10))
    first = near.reads
    await read(reader, stored.clip, Span(60_000, 10))
    assert near.reads == first + 1
    now += 61
    await read(reader, stored.clip, Span(0, 10))
    assert near.reads > first + 3


async def test_who_leaves_closes_what_was_open(stored: Stored, near: Shelf) -> None:
    """In the middle, before the first byte was taken, or while it is opened."""
    near.piece = 1000
    reader = stored.reader()
    async with reader.open(stored.clip, lambda size: Span(60_000, size - 60_000)):
        assert near.readers == 1
    assert not near.readers
    async with (
        reader.open(stored.clip, everything) as reading,
        aclosing(reading.pieces()) as pieces,
    ):
        for _ in range(9):
            await anext(pieces)
        assert near.readers == 1
    assert not near.readers
    near.delay = 60
    opening = asyncio.create_task(read(stored.reader(), stored.picture))
    await asyncio.sleep(0.01)
    opening.cancel()
    with suppress(asyncio.CancelledError):
        await opening
    assert not near.readers


async def test_few_pictures_at_once(stored: Stored, near: Shelf) -> None:
    """A page of a hundred does not open a hundred files; a film waits for none."""
    most = 0
    near.piece = 100

    async def look() -> None:
        nonlocal most
        async with reader.open(stored.picture, everything) as reading:
            async for _ in reading.pieces():
                most = max(most, near.readers)
                await asyncio.sleep(0)

    reader = stored.reader()
    await asyncio.gather(*(look() for _ in range(30)))
    assert most == 6
    async with promptly():
        looks = [asyncio.create_task(look()) for _ in range(30)]
        await until(lambda: near.readers == 6)
        assert await read(reader, stored.clip, Span(0, 4)) == b"\0\0\0\x24"
        await asyncio.gather(*looks)


async def test_a_file_that_becomes_shorter(stored: Stored, near: Shelf) -> None:
    """Ends with an error, not as if it were whole; the next look sees what is there."""
    reader = stored.reader()
    await read(reader, stored.clip, Span(0, 10))
    path = next(path for path, data in near.files.items() if data == CLIP)
    near.files[path] = CLIP[:100_000]
    with pytest.raises(MediaBroken):
        await read(reader, stored.clip)
    assert await read(reader, stored.clip) == CLIP[:100_000]


def test_the_nearest_first() -> None:
    """Local ones, then by what was measured; those that are away come last."""
    now = 0.0
    places = {
        name: Stand(setup(Shelf(is_local=name.startswith("local")), name=name))
        for name in ("quick", "slow", "unknown", "away", "local", "local_away")
    }
    places["away"].connected = places["local_away"].connected = False
    nearness = Nearness(places, clock=lambda: now)
    for _ in range(3):
        nearness.note_success("slow", 3.0)
        nearness.note_success("quick", 0.1)
    nearness.note_success("away", 0.01)
    assert nearness.ordered(places) == [
        "local",
        "quick",
        "unknown",
        "slow",
        "local_away",
        "away",
    ]
    assert nearness.ordered({"slow": 1, "quick": 1}) == ["quick", "slow"]
    for _ in range(20):
        nearness.note_success("quick", 9.0)
    assert nearness.ordered({"slow": 1, "quick": 1}) == ["slow", "quick"]


def test_who_is_not_asked() -> None:
    """After a failure, for as long as sending would wait; a full disk can be read."""
    now = 0.0
    places = {"one": Stand(setup(Shelf(), name="one"))}
    nearness = Nearness(places, clock=lambda: now)
    for error, seconds in (
        (Unreachable("away"), 5),
        (AuthFailed("refused"), 900),
        (NoSpace("full"), 0),
    ):
        nearness.note_failure("one", error)
        assert nearness.ordered(places) == ([] if seconds else ["one"])
        now += seconds + 0.1
        assert nearness.ordered(places) == ["one"]
    places["one"].connected = False
    for error, is_asked in ((Unreachable("away"), True), (AuthFailed("no"), False)):
        places["one"].error = error
        assert nearness.ordered(places) == (["one"] if is_asked else [])
    places["one"].connected = True
    places["one"].error = NoSpace("full")
    assert nearness.ordered(places) == ["one"]
