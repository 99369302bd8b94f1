"""What lies at a destination of film that a crash ended."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass, replace
import random
import sqlite3
import time
from typing import Any, override

import pytest

from custom_components.frigate_snap_sync.frigate.live_mp4 import look_at_bytes
from custom_components.frigate_snap_sync.storage.base import Capabilities, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import items, live_files
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.spans import Spans, from_text

from ..films import box
from ..waiting import until
from .conftest import Bench, setup
from .fakes import FULL_IMAGE, FakeDestination
from .faults import Job, RunJob
from .live_film import Camera, messages
from .samples import ITEM
from .test_live import LIVE, QUICK, arrived, camera, films, growing
from .test_live_files import REVIEW, begin, left, states
from .test_superseding import stretch, upload

__all__ = ["camera", "growing"]

_LONG_AFTER = 4000.0
"""Seconds after the crash when we are there again, for the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A live file in the ledger."""

    path: str
    state: str
    start: float
    held: Spans | None
    size: int
    pieces: int | None


async def rows(bench: Bench) -> list[Row]:
    """Return the live files in the ledger."""

    def read(connection: sqlite3.Connection) -> list[Row]:
        return [
            Row(
                path=row["path"],
                state=row["state"],
                start=row["start"],
                held=None if row["held"] is None else from_text(row["held"]),
                size=row["size"],
                pieces=row["pieces"],
            )
            for row in connection.execute("SELECT * FROM live_files ORDER BY id")
        ]

    return await bench.engine._ledger.run(read)  # noqa: SLF001


async def looked_at(bench: Bench, count: int = 1) -> list[Row]:
    """Wait until it is known of all live files what they show, and return them."""
    while True:
        found = await rows(bench)
        if len(found) == count and all(row.held is not None for row in found):
            return found
        await asyncio.sleep(0.01)


def lost(*arguments: object, **more: object) -> None:
    """Keep nothing of what a crash came before."""
    raise sqlite3.OperationalError("killed before that")


def long_after(connection: sqlite3.Connection, *, now: float) -> int:
    """End all live files, as a start does long after the crash."""
    count = live_files.end_all(connection, now=now)
    connection.execute(
        "UPDATE live_files SET ended_by = start + ? WHERE ended_by IS NOT NULL",
        (_LONG_AFTER,),
    )
    return count


async def crash(
    bench: Bench, camera: Camera, destination: FakeDestination, *, pictures: int
) -> tuple[str, float]:
    """Let a crash end a review's film; return the review's id, and its start.

    Without any `pictures` it is some stills. The next start is long after that, and
    nothing more leaves then.
    """
    bench.faults.jobs[live_files.ended] = lost
    bench.faults.jobs[live_files.end_all] = long_after
    await bench.start(setup(destination, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, known=True)
    if not pictures:
        # go2rtc does not show it.
        await until(lambda: len(films(destination)) >= 12)
    elif destination.can.append:
        await camera.show(pictures)
        await arrived(destination, camera)
    else:
        await camera.show(pictures)
        await until(lambda: len(films(destination)) == pictures // 20)
    await bench.stop()
    del bench.faults.jobs[live_files.ended]
    bench.options = replace(bench.options, live_footage=LiveFootage.OFF)
    return source_id, start


async def end(bench: Bench, source_id: str, start: float) -> None:
    """Let the review end, and its whole arrive."""
    bench.review("end", source_id=source_id, start=start, end=time.time(), known=True)
    await bench.settled()


async def test_the_whole_supersedes_film_that_a_crash_ended(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Cut off at any byte: it is seen how far it goes, whenever we are back."""
    source_id, start = await crash(bench, camera, growing, pictures=40)
    (name,) = films(growing)
    content = growing.files[name]
    cut = random.Random(3).randrange(len(content) // 2, len(content))
    growing.files[name] = content[:cut]
    await bench.start(setup(growing, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    ((begin_, end_),) = row.held
    assert begin_ == pytest.approx(row.start)
    plays = look_at_bytes(content[:cut]).duration
    assert end_ - begin_ == pytest.approx(plays, abs=0.01)
    assert row.size == cut
    await end(bench, source_id, start)
    await until(lambda: films(growing) == [])


async def test_a_film_with_gaps_shows_all_between_at_most(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Seconds were left out: of these it is not known which."""
    await crash(bench, camera, growing, pictures=20)
    (name,) = films(growing)
    film = messages(first=7)
    next(film)
    growing.files[name] += b"".join(next(film).data for _ in range(10))
    await bench.start(setup(growing, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    ((begin_, end_),) = row.held
    assert end_ - begin_ == pytest.approx(8)


async def test_pieces_that_a_crash_ended(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Those that are there tell how far the film goes; the last one may be cut off."""
    source_id, start = await crash(bench, camera, nas, pictures=45)
    last = films(nas)[-1]
    nas.files[last] = nas.files[last][:-3000]
    plays = 4 + look_at_bytes(nas.files[last]).duration
    size = sum(len(nas.files[name]) for name in films(nas))
    await bench.start(setup(nas, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    ((begin_, end_),) = row.held
    assert 4 < end_ - begin_ < 6
    assert end_ - begin_ == pytest.approx(plays, abs=0.01)
    assert (row.size, row.pieces) == (size, 4), "and one under a temporary name"
    await end(bench, source_id, start)
    await until(lambda: films(nas) == [])


async def test_pieces_of_which_some_were_removed(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Without the first one it is not known when the film began."""
    await crash(bench, camera, nas, pictures=45)
    del nas.files[films(nas)[0]]
    await bench.start(setup(nas, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    ((begin_, end_),) = row.held
    assert end_ - begin_ == pytest.approx(_LONG_AFTER)


async def test_a_last_piece_without_a_picture(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """The one before it tells how far the film goes."""
    await crash(bench, camera, nas, pictures=45)
    last = films(nas)[-1]
    nas.files[last] = nas.files[last][:400]
    await bench.start(setup(nas, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    assert row.held[0][1] - row.held[0][0] == pytest.approx(4)


@pytest.mark.parametrize("first", [True, False])
async def test_stills_that_a_crash_ended(
    bench: Bench, camera: Camera, growing: FakeDestination, first: bool
) -> None:
    """They have no clock: they may show all until we are there again.

    If there is one, and it is not whole, it is removed.
    """
    bench.timing = replace(QUICK, live_still=0.02)
    bench.frigate.live.clear()
    await crash(bench, camera, growing, pictures=0)
    count = len(films(growing))
    if first:
        for name in films(growing)[1:]:
            del growing.files[name]
        growing.files[films(growing)[0]] = FULL_IMAGE[:-100]
    else:
        growing.files[films(growing)[-1]] = FULL_IMAGE[:-100]
    await bench.start(setup(growing, selection=LIVE))
    if first:
        await until(lambda: films(growing) == [])
        return
    (row,) = await looked_at(bench)
    assert row.held is not None
    assert row.held[0][1] - row.held[0][0] == pytest.approx(_LONG_AFTER)
    assert row.size == len(FULL_IMAGE) * count - 100
    assert row.pieces in (count, count + 1)


@pytest.mark.parametrize("left_over", [0, 3, 500, 1500])
@pytest.mark.parametrize("append", [True, False])
async def test_what_does_not_play_is_removed(
    bench: Bench, camera: Camera, nas: FakeDestination, left_over: int, append: bool
) -> None:
    """Nothing, or less than the first picture."""
    nas.can = Capabilities(append=append)
    await crash(bench, camera, nas, pictures=25)
    name, *others = films(nas)
    for other in others:
        del nas.files[other]
    nas.files[name] = nas.files[name][:left_over]
    await bench.start(setup(nas, selection=LIVE))
    await until(lambda: films(nas) == [])
    assert set(nas.deleted) >= {name}


@pytest.mark.parametrize("is_still", [True, False])
async def test_what_is_no_film_any_more_stays(
    bench: Bench, camera: Camera, growing: FakeDestination, is_still: bool
) -> None:
    """Its owner put something else there, such as a film that was cut."""
    bench.timing = replace(QUICK, live_still=0.02)
    if is_still:
        bench.frigate.live.clear()
    source_id, start = await crash(
        bench, camera, growing, pictures=0 if is_still else 5
    )
    for name in films(growing)[1:]:
        del growing.files[name]
    (name,) = films(growing)
    theirs = box(b"ftyp", b"isom") + box(b"mdat", bytes(100))
    growing.files[name] = b"\x89PNG" if is_still else theirs
    await bench.start(setup(growing, selection=LIVE))
    (row,) = await looked_at(bench)
    await end(bench, source_id, start)
    await bench.at_rest()
    assert row.path in (name, name.replace("-0001", ""))
    assert growing.files[name]


async def test_what_is_not_there_is_forgotten(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Nothing is removed under its name, whoever has it later."""
    await crash(bench, camera, growing, pictures=5)
    growing.files.clear()
    await bench.start(setup(growing, selection=LIVE))

    async def is_forgotten() -> bool:
        return not await rows(bench)

    await until(is_forgotten)
    assert growing.deleted == []


@pytest.mark.parametrize("append", [True, False])
async def test_where_nothing_can_be_read(
    bench: Bench, camera: Camera, nas: FakeDestination, append: bool
) -> None:
    """It may show all until we are there again: so it stays."""
    nas.can = Capabilities(append=append)
    source_id, start = await crash(bench, camera, nas, pictures=45)
    nas.can = Capabilities(append=append, can_read=False)
    kept = films(nas)
    await bench.start(setup(nas, selection=LIVE))
    await end(bench, source_id, start)
    await bench.at_rest()
    (row,) = await rows(bench)
    assert (row.state, row.held) == ("kept", None)
    assert films(nas) == kept


async def test_where_all_is_kept(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It is looked at, and stays, though the whole has come before."""
    source_id, start = await crash(bench, camera, growing, pictures=5)
    growing.can = Capabilities(append=True, can_delete=False, can_read=False)
    await bench.start(setup(growing, selection=LIVE))
    await end(bench, source_id, start)
    await bench.stop()
    growing.can = Capabilities(append=True, can_delete=False)
    await bench.start(setup(growing, selection=LIVE))
    (row,) = await looked_at(bench)
    await bench.at_rest()
    assert row.state == "kept"
    assert films(growing) == [row.path]
    assert growing.deleted == []


async def test_a_destination_that_is_away(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Its files are looked at when it is back."""
    await crash(bench, camera, growing, pictures=5)
    growing.error = Unreachable("away")
    bench.timing = replace(QUICK, jitter=lambda low, high: 0.002)
    await bench.start(setup(growing, selection=LIVE))
    await until(lambda: bench.status.destinations["nas"].connected is False)
    (row,) = await rows(bench)
    assert row.held is None
    growing.error = None
    await looked_at(bench)


async def test_uploads_go_first(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It is looked when nothing is being sent."""
    sending = asyncio.Event()

    async def held(job: Job, run: RunJob) -> Any:
        if job is live_files.next_leftover:
            await sending.wait()
        return await run(job)

    bench.timing = replace(QUICK, probe=0.05)
    await crash(bench, camera, growing, pictures=5)
    bench.faults.run = held
    await bench.start(setup(growing, selection=LIVE))
    growing.gate.clear()
    bench.tracked_object()
    await until(lambda: any(name.endswith(".tmp") for name in growing.files))
    sending.set()
    await asyncio.sleep(0.3)
    (row,) = await rows(bench)
    assert row.held is None
    growing.gate.set()
    await looked_at(bench)


class Watched(FakeDestination):
    """Notes how much is read, and refuses some of it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.can = Capabilities(append=True)
        self.read = 0
        self.refused: dict[str, StorageError] = {}
        self.looks: list[str] = []

    @override
    async def stat(self, path: str) -> StoredFile | None:
        self.looks.append(path)
        if error := self.refused.get(path):
            raise error
        return await super().stat(path)

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        async for piece in super().open_read(path, start=start, length=length):
            self.read += len(piece)
            yield piece


@pytest.mark.parametrize("last", [1000, 1_000_000])
async def test_little_of_a_long_film_is_read(
    bench: Bench, camera: Camera, last: int
) -> None:
    """Its two ends; more of the second only where a picture is that large."""
    nas = Watched()
    await crash(bench, camera, nas, pictures=2)
    (name,) = films(nas)
    film = messages(size=200_000, first=1)
    next(film)
    nas.files[name] += b"".join(next(film).data for _ in range(100))
    film = messages(size=last, first=11)
    next(film)
    nas.files[name] += next(film).data + next(film).data[:-1]
    nas.read = 0
    await bench.start(setup(nas, selection=LIVE))
    (row,) = await looked_at(bench)
    assert row.held is not None
    assert row.held[0][1] - row.held[0][0] == pytest.approx(11.1)
    assert nas.read <= 400_000 if last == 1000 else nas.read < 6_000_000


@pytest.mark.parametrize(
    "error", [Rejected("no"), PermissionDenied("no"), Unreachable("lost")]
)
async def test_a_file_that_can_not_be_looked_at(
    bench: Bench, camera: Camera, error: StorageError
) -> None:
    """It holds up no other, and says nothing of the destination for good."""
    nas = Watched()
    bench.timing = replace(QUICK, jitter=lambda low, high: 0.002)
    await crash(bench, camera, nas, pictures=5)
    (name,) = films(nas)
    nas.refused[name] = error
    other = name.replace("live01", "live02")
    nas.files[other] = nas.files[name]
    with closing(sqlite3.connect(bench.folder / "ledger" / "one.db")) as ledger:
        ledger.execute(
            "INSERT INTO live_files (item_id, destination_id, number, base, path,"
            " path_key, start, state, is_ours) SELECT item_id, destination_id, 2, base,"
            " ?, ?, start + 1, 'growing', 1 FROM live_files",
            (other, other),
        )
        ledger.commit()
    await bench.start(setup(nas, selection=LIVE))

    async def is_known() -> bool:
        return [row.held is None for row in await rows(bench)] == [True, False]

    await until(is_known)
    await until(lambda: bench.status.destinations["nas"].failing_since is None)
    assert nas.looks.count(name) == (5 if isinstance(error, Unreachable) else 1)


async def test_it_is_looked_at_once(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Also after another start."""
    await crash(bench, camera, growing, pictures=5)
    for _ in range(2):
        await bench.start(setup(growing, selection=LIVE))
        (row,) = await looked_at(bench)
        await bench.at_rest()
        await bench.stop()
        growing.files[row.path] = b""
    assert films(growing) == [row.path]


def cut_off(connection: sqlite3.Connection, *, ended_by: float, **more: Any) -> int:
    """Let a crash end a live file of a review that is known; return its id."""
    file = begin(connection, **more)
    live_files.end_all(connection, now=ended_by)
    return file.id


@pytest.mark.parametrize(
    ("seconds", "whole", "stays"),
    [
        (20, ((995, 1026),), False),
        # Frigate had the newest seconds in its memory alone.
        (20, ((995, 1012),), True),
        (60, ((995, 1026),), True),
        # It is not known how long it is.
        (None, ((995, 1026),), True),
    ],
)
def test_the_whole_supersedes_what_was_seen(
    connection: sqlite3.Connection, seconds: float | None, whole: Spans, stays: bool
) -> None:
    """Before or after the whole has come."""
    for is_first in (True, False):
        items.remember_open(connection, REVIEW)
        live_id = cut_off(connection, ended_by=9000)
        seen = {"seconds": seconds, "size": 7}
        if is_first:
            live_files.looked_at(connection, live_id, **seen)  # type: ignore[arg-type]
        items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
        upload(connection, Role.WHOLE, 1, shown=((995, 1026),), held=whole)
        if not is_first:
            assert states(connection) == ["kept"]
            live_files.looked_at(connection, live_id, **seen)  # type: ignore[arg-type]
        assert states(connection) == ["kept" if stays else "superseded"]
        assert len(left(connection)) == (0 if stays else 1)
        for table in ("live_files", "uploads", "files", "items"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608


def test_it_shows_nothing_of_after_we_were_there_again(
    connection: sqlite3.Connection,
) -> None:
    """A camera's clock may be fast; without a clock of ours that tells nothing."""
    items.remember_open(connection, REVIEW)
    live_files.looked_at(
        connection, cut_off(connection, ended_by=1010), seconds=20, size=7
    )
    live_files.looked_at(
        connection, cut_off(connection, ended_by=900), seconds=20, size=7
    )
    live_files.looked_at(
        connection, cut_off(connection, ended_by=900), seconds=None, size=7
    )
    held = connection.execute("SELECT held FROM live_files ORDER BY id").fetchall()
    assert [from_text(row["held"]) for row in held] == [
        ((1000, 1010),),
        ((1000, 1020),),
        (),
    ]
    assert states(connection) == ["kept"] * 3


def test_the_whole_reaches_to_what_was_seen(connection: sqlite3.Connection) -> None:
    """Without a clock at the start nothing was known of its end."""
    items.remember_open(connection, REVIEW)
    live_id = cut_off(connection, ended_by=900)
    items.plan(connection, ITEM, (stretch(Role.WHOLE, 1, (995, 1026)),))
    live_files.looked_at(connection, live_id, seconds=35.5, size=7)
    (whole_end,) = connection.execute(
        "SELECT end FROM files WHERE role = 'whole'"
    ).fetchone()
    assert whole_end == 1036


def test_who_is_looked_at(connection: sqlite3.Connection) -> None:
    """What is ours, of a crash, at this destination, and is not known yet."""
    items.remember_open(connection, REVIEW)
    begin(connection, is_ours=False)
    ours = cut_off(connection, ended_by=1010, pieces=10)
    begin(connection, destination="cloud")
    live_files.ended(connection, begin(connection).id, held=((1000, 1001),), size=7)
    growing = begin(connection)
    found = live_files.next_cut_off(connection, "nas", exclude=())
    assert found is not None
    assert (found.id, found.pieces) == (ours, 10)
    # The last request of what a crash ended may yet be carried out.
    assert found.is_unanswered
    assert live_files.next_cut_off(connection, "nas", exclude=(ours,)) is None
    for live_id in (ours, growing.id):
        live_files.looked_at(connection, live_id, seconds=5, size=8, pieces=3)
    live_files.looked_at(connection, ours, seconds=0, size=9)
    assert states(connection) == ["over", "kept", "growing", "kept", "growing"]
    assert live_files.next_cut_off(connection, "nas", exclude=()) is None


def test_what_lies_there_in_pieces_is_removed_in_pieces(
    connection: sqlite3.Connection,
) -> None:
    """No more of them than there may be."""
    items.remember_open(connection, REVIEW)
    live_id = cut_off(connection, ended_by=1010, pieces=10)
    live_files.looked_at(connection, live_id, seconds=0, size=9, pieces=2)
    assert len(left(connection)) == 2


@pytest.mark.parametrize("has_arrived", [False, True])
async def test_a_file_whose_answers_got_lost(
    bench: Bench, camera: Camera, growing: FakeDestination, has_arrived: bool
) -> None:
    """It is looked at, without a restart: what does not play would stay for good."""
    bench.timing = replace(QUICK, jitter=lambda low, high: 0.002)
    growing.hold_writes = True
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, known=True)
    await camera.show(1)
    # What comes before the first picture, and that.
    await until(lambda: len(growing.held_writes) == 2)
    (name,) = growing.grew
    growing.files[name] = camera.sent[: None if has_arrived else -5]
    growing.error = Unreachable("The line is cut")
    for write in growing.held_writes:
        write.set_exception(Unreachable("The line is cut"))
    await camera.show(1)
    while (await rows(bench))[0].state == "growing":
        await asyncio.sleep(0.01)
    growing.hold_writes, growing.error = False, None
    if has_arrived:
        while not (await rows(bench))[0].held:
            await asyncio.sleep(0.01)
        assert name in films(growing)
        await end(bench, source_id, start)
    await until(lambda: name in growing.deleted)
