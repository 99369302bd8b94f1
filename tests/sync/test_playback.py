"""What lies at the destinations is read again: from the nearest one that answers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
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
from custom_components.frigate_snap_sync.sync.ledger import Ledger, live_files
from custom_components.frigate_snap_sync.sync.model.destination_setup import (
    DestinationSetup,
)
from custom_components.frigate_snap_sync.sync.model.item import Media, Role
from custom_components.frigate_snap_sync.sync.model.stored import FileKey
from custom_components.frigate_snap_sync.sync.playback.byte_ranges import Span
from custom_components.frigate_snap_sync.sync.playback.nearness import Nearness
from custom_components.frigate_snap_sync.sync.playback.reading import (
    NotNow,
    NotThere,
    PlaybackTiming,
    Reader,
    Reading,
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
        self.most_readers = 0
        self.reads = 0
        self.piece = 1 << 20
        self.delay = 0.0
        self.pause = 0.0
        """Seconds before each piece."""
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
        self.most_readers = max(self.most_readers, self.readers)
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
                        await asyncio.sleep(self.pause)
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


async def take(reading: Reading, got: bytearray) -> None:
    """Add to `got` what is read, however it ends."""
    async for piece in reading.pieces():
        got += piece


def path_of(shelf: Shelf, content: bytes) -> str:
    """Return where a destination has a file."""
    return next(path for path, data in shelf.files.items() if data == content)


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
    near.piece = 100
    near.most_readers = 0

    async def look() -> None:
        assert await read(reader, stored.picture) == FULL_IMAGE

    reader = stored.reader()
    await asyncio.gather(*(look() for _ in range(30)))
    assert near.most_readers == 6
    near.pause = 0.01
    async with promptly():
        looks = [asyncio.create_task(look()) for _ in range(30)]
        await until(lambda: near.readers == 6)
        assert await read(reader, stored.clip, Span(0, 4)) == b"\0\0\0\x24"
        await asyncio.gather(*looks)


async def test_a_file_that_becomes_shorter(stored: Stored, near: Shelf) -> None:
    """Ends with an error, not as if it were whole; the next look sees what is there."""
    reader = stored.reader()
    await read(reader, stored.clip, Span(0, 10))
    path = path_of(near, CLIP)
    near.files[path] = CLIP[:100_000]
    with pytest.raises(MediaBroken):
        await read(reader, stored.clip)
    # It is no longer the file that was verified: the other copy is.
    assert await read(reader, stored.clip) == await whole(CLIP)


async def test_a_file_that_is_as_short_as_its_first_bytes(
    stored: Stored, near: Shelf, far: Shelf
) -> None:
    """Nothing was sent of it yet when that shows, so that the next copy is read."""
    reader = stored.reader()
    await read(reader, stored.picture)
    near.files[path_of(near, FULL_IMAGE)] = b""
    assert await read(reader, stored.picture) == FULL_IMAGE
    assert far.reads


async def test_a_short_picture_is_not_taken_for_a_whole_one(
    stored: Stored, near: Shelf
) -> None:
    """Its reader gets what is there, then the error, never an end."""
    reader = stored.reader()
    await read(reader, stored.picture)
    near.files[path_of(near, FULL_IMAGE)] = FULL_IMAGE[:100]
    got = bytearray()
    async with reader.open(stored.picture, everything) as reading:
        assert reading.size == len(FULL_IMAGE)
        with pytest.raises(MediaBroken):
            await take(reading, got)
    assert got == FULL_IMAGE[:100]
    assert await read(reader, stored.picture) == FULL_IMAGE


async def test_never_more_than_was_chosen(stored: Stored, near: Shelf) -> None:
    """Whatever a destination sends: it would be taken for the next answer."""

    class Generous(Shelf):
        @override
        async def open_read(
            self, path: str, *, start: int = 0, length: int | None = None
        ) -> AsyncGenerator[bytes]:
            async with aclosing(super().open_read(path)) as pieces:
                async for piece in pieces:
                    yield piece

    generous = Generous(is_local=True)
    generous.files = near.files
    for piece in (1000, 1 << 20):
        generous.piece = piece
        place = stored.places["near"]
        place.setup = replace(place.setup, destination=generous)
        for length in (1, 1000, 1001):
            got = await read(stored.reader(), stored.picture, Span(0, length))
            assert got == FULL_IMAGE[:length], length
    assert not generous.readers


async def test_a_copy_of_another_size_than_was_verified(
    stored: Stored, near: Shelf, far: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """Is broken, which is said once, and the next copy is read."""
    path = path_of(near, FULL_IMAGE)
    for wrong in (FULL_IMAGE[:-1], FULL_IMAGE + b"x", b""):
        near.files[path] = wrong
        far.reads = 0
        reader = stored.reader()
        caplog.clear()
        for _ in range(3):
            assert await read(reader, stored.picture) == FULL_IMAGE
        assert far.reads == 3
        assert [
            record.levelname for record in caplog.records if path in record.message
        ].count("WARNING") == 1
    del stored.places["far"]
    with pytest.raises(NotNow):
        await read(reader, stored.picture)
    near.files[path] = FULL_IMAGE
    assert await read(reader, stored.picture) == FULL_IMAGE


async def test_slow_clients_hold_up_no_one(
    stored: Stored, near: Shelf, far: Shelf
) -> None:
    """Their pictures wait in memory, and nothing is open for them."""
    near.piece = 100
    reader = stored.reader()
    async with AsyncExitStack() as stack, promptly():
        for _ in range(20):
            reading = await stack.enter_async_context(
                reader.open(stored.picture, everything)
            )
            await stack.enter_async_context(aclosing(reading.pieces()))
        assert near.readers == 0
        assert await read(reader, stored.picture) == FULL_IMAGE


async def test_a_picture_whose_turn_does_not_come(
    stored: Stored, near: Shelf, far: Shelf
) -> None:
    """Is not waited for without end: it can't be read now."""
    near.delay = far.delay = 60
    reader = stored.reader(PlaybackTiming(answer=600, turn=0.05))
    looks = [asyncio.create_task(read(reader, stored.picture)) for _ in range(6)]
    await asyncio.sleep(0.01)
    async with promptly():
        with pytest.raises(NotNow):
            await read(reader, stored.picture)
    for look in looks:
        look.cancel()
    await asyncio.gather(*looks, return_exceptions=True)
    near.delay = 0
    assert await read(reader, stored.picture) == FULL_IMAGE


async def test_a_destination_that_is_removed_while_a_file_is_looked_for(
    stored: Stored, near: Shelf
) -> None:
    """Has it no more: the next one is asked, and at last it is nowhere."""

    class Leaving(Shelf):
        @override
        async def stat(self, path: str) -> StoredFile | None:
            stored.places.pop("far")
            raise Unreachable("It is away")

    place = stored.places["near"]
    place.setup = replace(place.setup, destination=Leaving(is_local=True))
    reader = stored.reader()
    with pytest.raises(NotNow):
        await read(reader, stored.picture)
    assert not stored.places.keys() - {"near"}


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


async def test_film_that_still_grows(stored: Stored, near: Shelf, far: Shelf) -> None:
    """Each look finds what is there by now; it is served as it is, from either place."""
    source = stored.clip.source_id
    paths = {}
    for name, shelf in (("near", near), ("far", far)):
        file = await stored.ledger.run(
            live_files.begin, source, name, base="a.mp4", short_id="a", start=1000.0
        )
        assert file is not None
        await stored.ledger.run(live_files.own, file.id)
        paths[name] = file.path
        shelf.files[file.path] = b"film"
    film = replace(stored.clip, role=Role.LIVE, number=10_000)
    reader = stored.reader()
    assert await read(reader, film) == b"film"
    near.files[paths["near"]] += b" grows"
    assert await read(reader, film) == b"film grows"
    assert await read(reader, film, Span(5, 4)) == b"grow"
    assert far.reads == 0
    # It is stolen, too.
    del near.files[paths["near"]]
    assert await read(reader, film) == b"film"
    with pytest.raises(NotThere):
        await read(reader, replace(film, number=30_000))
