"""The name that film has while it happens: in the ledger first, and never another's."""

import asyncio
from dataclasses import replace
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaNotReady
from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import (
    ConnectTimeout,
    NotMounted,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.growing import GrowingFile
from custom_components.frigate_snap_sync.sync.ledger import live_files
from custom_components.frigate_snap_sync.sync.model.naming import NameValues

from ..harness.frigate import live
from ..waiting import until
from .conftest import Bench, setup
from .fakes import FakeDestination
from .live_film import Camera
from .test_live import LIVE, QUICK, arrived, camera, films, growing

__all__ = ["camera", "growing"]


async def test_a_file_is_known_to_be_ours_before_it_holds_anything(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Else a kill in that moment leaves one that is never removed, nor can be played."""
    found: list[bytes] = []

    def own(connection: sqlite3.Connection, live_id: int) -> None:
        found.extend(growing.files[name] for name in films(growing))
        live_files.own(connection, live_id)

    bench.faults.jobs[live_files.own] = own
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.show(5)
    await arrived(growing, camera)
    assert found == [b""]


@pytest.mark.parametrize("theirs", [b"", b"theirs"])
async def test_an_answer_that_got_lost(
    bench: Bench, camera: Camera, growing: FakeDestination, theirs: bytes
) -> None:
    """An empty file that was made all the same is removed; no other is."""
    growing.lost_answers.append(theirs)
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(3)
    await until(lambda: growing.made_unanswered)
    (lost,) = growing.made_unanswered
    await camera.show(15)
    await until(lambda: len(growing.grew) == 1)
    if theirs:
        assert films(growing) == sorted([lost, *growing.grew])
        assert growing.files[lost] == theirs
        assert not growing.deleted
    else:
        # The name is free again, and may have been taken since.
        await until(lambda: growing.deleted == [lost])
        await until(lambda: films(growing) == growing.grew)


async def test_a_template_that_fails_is_named_once_for_film_and_parts(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And once more after the owner has changed the destination."""

    def fail(values: NameValues) -> str:
        raise ValueError("no such variable")

    broken = setup(growing, selection=LIVE, render=fail)
    engine = await bench.start(broken)
    for times in (1, 2):
        bench.live_snapshot(label=f"car {times}")
        await until(lambda: "live-snapshot-car" in " ".join(growing.media))
        growing.media.clear()
        source_id = bench.review("new")
        await Camera(bench.frigate).show(3)
        await until(lambda: films(growing))
        bench.review("end", source_id=source_id, end=time.time())
        await until(lambda: not camera.is_watched)
        assert caplog.text.count("template of nas failed") == times
        await engine.apply_destinations([broken])


async def test_a_name_of_somebody_is_left_to_them(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Their file keeps its bytes, also when the whole is there."""
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, severity="detection")
    await bench.at_rest()
    theirs = None
    grow = growing.grow

    async def taken(name: str) -> object:
        nonlocal theirs
        if theirs is None:
            theirs = name
            growing.files[name] = b"theirs"
        return await grow(name)

    growing.grow = taken  # type: ignore[method-assign, assignment]
    bench.review("update", source_id=source_id, start=start)
    await camera.show(5)
    name = await arrived(growing, camera, 1)
    assert name.endswith("live02.mp4")
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await bench.settled()
    await until(lambda: films(growing) == [theirs])
    assert growing.files[str(theirs)] == b"theirs"


@pytest.mark.parametrize("cause", [Unreachable, NotMounted])
async def test_a_lost_answer_is_no_proof_that_a_file_is_ours(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    cause: type[StorageError],
) -> None:
    """Someone else may have the name: theirs stays, and it is not tried again."""
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    theirs = None
    grow = growing.grow

    async def lost(name: str) -> object:
        nonlocal theirs
        if theirs is None:
            theirs = name
            growing.files[name] = b"theirs"
            raise cause("the answer got lost")
        return await grow(name)

    growing.grow = lost  # type: ignore[method-assign, assignment]
    source_id = bench.review("new", start=start)
    await camera.show(20)
    await until(lambda: growing.grew)
    assert growing.grew[0].endswith("live02.mp4")
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await bench.settled()
    await until(lambda: films(growing) == [theirs])
    assert growing.files[str(theirs)] == b"theirs"


async def test_pictures_that_come_one_by_one_stay(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """A slow line: between any two some are left out. There is no whole."""
    bench.timing = replace(QUICK, live_still=0.1)
    bench.frigate.clip_faults = [MediaNotReady("no")] * 1000
    put = growing.put_at_once

    async def slow(path: str, source: Source, *, temporary: str) -> StoredFile:
        await asyncio.sleep(0.8)
        return await put(path, source, temporary=temporary)

    growing.put_at_once = slow  # type: ignore[method-assign]
    await bench.start(setup(growing, selection=LIVE))
    where: dict[str, Any] = {"camera": "back-yard_2", "start": time.time() - 1}
    source_id = bench.review("new", **where)
    await until(lambda: len(films(growing)) >= 3)
    bench.review("end", source_id=source_id, end=time.time(), **where)
    await asyncio.sleep(1.5)
    assert len(films(growing)) >= 3
    assert growing.deleted == []


async def test_a_piece_has_its_name_in_the_ledger_first(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Also the last one of a take for which the ledger could keep no more names."""
    bench.timing = replace(QUICK, live_piece=0.1)
    failed = 0

    def reserve(connection: sqlite3.Connection, live_id: int, *, pieces: int) -> None:
        nonlocal failed
        failed += 1
        raise sqlite3.OperationalError("disk I/O error")

    bench.faults.jobs[live_files.reserve] = reserve
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(120)
    await until(lambda: failed)
    await camera.show(30)
    await until(lambda: any("-live02-" in name for name in nas.pieces))
    assert {name[-8:] for name in nas.pieces if "-live01-" in name} == {
        f"{number:04}.mp4" for number in range(1, 11)
    }


async def test_no_number_comes_twice_where_nothing_can_be_seen(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Nothing is removed there either: a second file with the name would replace it."""
    bench.timing = replace(QUICK, live_piece=0.5)
    nas.can = Capabilities(can_read=False, can_delete=False)
    tried: list[str] = []
    put = nas.put_at_once

    async def noted(path: str, source: Source, *, temporary: str) -> StoredFile:
        tried.append(path)
        if len(tried) % 2:
            await put(path, source, temporary=temporary)
            raise Unreachable("the answer got lost")
        return await put(path, source, temporary=temporary)

    nas.put_at_once = noted  # type: ignore[method-assign]
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    for number in range(1, 7):
        await camera.show(22)
        await until(lambda: len(tried) > number)  # noqa: B023
    assert len(set(tried)) == len(tried)
    assert nas.deleted == []


def assert_once(destination: FakeDestination, camera: Camera) -> None:
    """Check that no picture lies in two pieces."""
    end = 0
    for name in films(destination):
        film = destination.files[name].removeprefix(live.beginning())
        begin = camera.sent.index(film)
        assert begin >= end, name
        end = begin + len(film)


@pytest.mark.parametrize("can_delete", [True, False])
async def test_film_has_one_number_though_the_answer_got_lost(
    bench: Bench, camera: Camera, nas: FakeDestination, can_delete: bool
) -> None:
    """Twice it would be there for good where nothing is removed."""
    bench.timing = replace(QUICK, live_piece=0.5)
    nas.can = Capabilities(can_delete=can_delete)
    put, tried = nas.put_at_once, 0

    async def lost(path: str, source: Source, *, temporary: str) -> StoredFile:
        nonlocal tried
        tried += 1
        stored = await put(path, source, temporary=temporary)
        if tried == 1:
            raise Unreachable("the answer got lost")
        return stored

    nas.put_at_once = lost  # type: ignore[method-assign]
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(22)
    await until(lambda: tried)
    await camera.show(30)
    await until(lambda: len(films(nas)) >= 2)
    assert_once(nas, camera)


PATIENT = replace(QUICK, unanswered=0.6)


def come_late(destination: FakeDestination, late: dict[str, bytes]) -> None:
    """Let files come a moment after one was looked for, or removed, the first time."""
    stat, delete = destination.stat, destination.delete
    timers: list[asyncio.TimerHandle] = []

    def come() -> None:
        destination.files.update(late)
        late.clear()

    def note(path: str) -> None:
        if "-live" in path and not timers:
            timers.append(asyncio.get_running_loop().call_later(0.2, come))

    async def stat_first(path: str) -> StoredFile | None:
        found = await stat(path)
        note(path)
        return found

    async def delete_first(path: str) -> None:
        await delete(path)
        note(path)

    destination.stat = stat_first  # type: ignore[method-assign]
    destination.delete = delete_first  # type: ignore[method-assign]


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_piece_that_comes_late_is_removed(
    bench: Bench, camera: Camera, nas: FakeDestination, pieces: int
) -> None:
    """A server that hung may carry out a request after what was asked later."""
    bench.timing = replace(PATIENT, live_piece=2)
    put, late = nas.put_at_once, dict[str, bytes]()

    async def hang(path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await put(path, source, temporary=temporary)
        if len(nas.pieces) == pieces:
            late[path] = nas.files.pop(path)
            raise ConnectTimeout("The server hangs")
        return stored

    nas.put_at_once = hang  # type: ignore[method-assign]
    await bench.start(setup(nas, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, known=True)
    await camera.show(20 * pieces + 2)
    await until(lambda: late)
    come_late(nas, late)
    bench.review("end", source_id=source_id, start=start, end=time.time(), known=True)
    await bench.settled()
    await until(lambda: not late)
    await until(lambda: not films(nas))


async def test_a_file_that_is_made_late_is_removed(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Nothing shows whether it is ours, but it is empty."""
    bench.timing = PATIENT
    grow, late = growing.grow, dict[str, bytes]()

    async def hang(path: str) -> GrowingFile:
        if not growing.grew and not late:
            late[path] = b""
            raise ConnectTimeout("The server hangs")
        return await grow(path)

    growing.grow = hang  # type: ignore[method-assign]
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(3)
    await until(lambda: late)
    (lost,) = late
    come_late(growing, late)
    await camera.show(15)
    await until(lambda: growing.grew)
    await until(lambda: not late)
    await until(lambda: films(growing) == growing.grew)
    assert lost in growing.deleted


async def test_a_piece_arrives_that_is_under_way_when_its_review_ends(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """As it is: it is not begun again under the next number."""
    put, tried = nas.put_at_once, list[str]()

    async def slow(path: str, source: Source, *, temporary: str) -> StoredFile:
        tried.append(path)
        await nas.pass_gate()
        return await put(path, source, temporary=temporary)

    nas.put_at_once = slow  # type: ignore[method-assign]
    await bench.start(setup(nas, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start)
    nas.gate.clear()
    await camera.show(31)
    await until(lambda: tried)
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await until(lambda: not camera.is_watched)
    nas.gate.set()
    await until(lambda: nas.pieces)
    await until(lambda: len(nas.pieces) == len(tried))
    assert_once(nas, camera)


async def test_a_destination_that_was_added_again_where_nothing_can_be_seen(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """In mid-review: its numbers begin again, and pieces of that name lie there."""
    bench.timing = replace(QUICK, live_piece=0.5)
    nas.can = Capabilities(can_read=False, can_delete=False)
    await bench.start(setup(nas, selection=LIVE))
    source_id = bench.review("new")
    await camera.show(22)
    await until(lambda: nas.pieces)
    first = len(nas.pieces)
    await bench.engine.apply_destinations([])
    await bench.engine.apply_destinations([setup(nas, name="again", selection=LIVE)])
    await until(lambda: not camera.is_watched)
    bench.review("update", source_id=source_id)
    await Camera(bench.frigate).show(22)
    await until(lambda: len(nas.pieces) > first)
    assert len(set(nas.pieces)) == len(nas.pieces)
    assert all("-live01-" in name for name in nas.pieces)
