"""A full spool: clips, which Frigate can give again, give way to what it can't."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from math import floor
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.spans import union
from custom_components.frigate_snap_sync.sync.model.status import Reason

from .conftest import Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, IMAGE, FakeDestination, Write


def limit(bench: Bench, clips: float) -> None:
    """Let the spool hold so many clips, and a bit; stills want a clip's room."""
    size = int(clips * len(CLIP))
    bench.options = EngineOptions(spool_limit=size, upload_during_review=False)
    bench.limits = Limits(spool_reserve=len(CLIP), smallest_clip=len(CLIP) // 2)
    bench.timing = replace(bench.timing, eviction_retry=0.05)


def limit_to_images(bench: Bench, count: int) -> None:
    """Let the spool hold so many images, a tenth of them kept free of clips."""
    size = count * len(IMAGE)
    bench.options = EngineOptions(spool_limit=size, upload_during_review=False)
    bench.limits = Limits(spool_reserve=size // 10, smallest_clip=len(IMAGE))


async def ended(bench: Bench, name: str, severity: str = "alert", **more: Any) -> None:
    """Let a review of long ago be over, and wait until it is planned."""
    bench.review(
        "end",
        source_id=f"1.5-{name}",
        start=1000.0,
        end=1010.0,
        severity=severity,
        **more,
    )
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001


def names(destination: FakeDestination) -> list[str]:
    """Return what follows the ids in the names of the clips that lie there."""
    return sorted(path.rpartition("big")[2] for path in destination.media)


def ids(destination: FakeDestination) -> list[str]:
    """Return the ids in the names of the clips that lie there."""
    return sorted(
        path.rpartition("-")[2].partition(".")[0]
        for path in destination.media
        if "-recording-" in path
    )


@pytest.mark.parametrize("is_slow", [False, True])
async def test_a_fresh_alert_finds_room_among_old_footage(
    bench: Bench,
    nas: FakeDestination,
    *,
    is_slow: bool,
) -> None:
    """It waits for a destination that works, but slowly; what gives way comes later."""
    limit(bench, 3.4)
    nas.gate.clear()
    await bench.start(setup(nas))
    for number in range(5):
        await ended(bench, f"a{number}")
    await until(lambda: len(bench.spooled()) == 2)
    await until(lambda: nas.files)
    now = time.time()
    start, end = (now - 40, now - 10) if is_slow else (1000.0, 1010.0)
    bench.review("end", source_id="2.5-fresh", start=start, end=end)
    await bench.pending(6)
    if is_slow:
        await until(lambda: len(bench.frigate.clips) == 3)
        await bench.spooled_in_ledger(2)
    nas.gate.set()
    await until(lambda: len(nas.media) == 6)
    order = [path.rpartition("-")[2].partition(".")[0] for path in nas.history]
    assert order[0] == "a0"
    assert (order[1] == "fresh") is is_slow
    assert sorted(order) == ["a0", "a1", "a2", "a3", "a4", "fresh"]


async def test_no_more_is_fetched_than_the_spool_holds(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rest waits at Frigate, and comes as soon as there is room."""
    limit(bench, 3.4)
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    for number in range(5):
        await ended(bench, f"a{number}")
    await until(lambda: bench.status.spool_full)
    await bench.at_rest()
    assert bench.status.spool_full
    assert len(bench.spooled()) == 2
    assert len(bench.frigate.clips) == 2
    await bench.pending(5)
    assert caplog.text.count("The spool has reached its limit of") == 1
    await bench.engine.set_sending("nas", True)
    await until(lambda: ids(nas) == ["a0", "a1", "a2", "a3", "a4"])
    assert await bench.settled() == {"verified": 5}
    await until(lambda: not bench.spooled())
    await ended(bench, "b")
    await until(lambda: bench.status.spool_full is False)


async def test_a_live_snapshot_pushes_a_detection_s_clip_out(
    bench: Bench, nas: FakeDestination
) -> None:
    """The clip is fetched again; nothing is lost."""
    limit(bench, 2.9)
    bench.timing = replace(bench.timing, eviction_retry=300.0)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("nas", False)
    await ended(bench, "alert")
    await bench.spooled_in_ledger(1)
    await ended(bench, "detection", severity="detection")
    await bench.spooled_in_ledger(2)
    bench.live_snapshot()
    await until(lambda: len(IMAGE) in sizes(bench))
    assert sizes(bench) == [len(IMAGE), len(CLIP)]
    await bench.engine.set_sending("nas", True)
    await until(lambda: len(nas.media) == 2)
    assert ids(nas) == ["alert"]
    assert IMAGE in nas.media.values()
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute("UPDATE files SET due = 0")
    )
    await ended(bench, "later")
    await until(lambda: ids(nas) == ["alert", "detection", "later"])
    assert await bench.settled() == {"verified": 4}


def sizes(bench: Bench) -> list[int]:
    """Return the sizes of the files in the spool, the smallest first."""
    found = []
    for name in bench.spooled():
        with suppress(FileNotFoundError):  # It has just given way.
            found.append((bench.folder / "spool" / name).stat().st_size)
    return sorted(found)


async def test_a_snapshot_that_frigate_has_is_fetched_again(
    bench: Bench, nas: FakeDestination
) -> None:
    """It gives way to live snapshots, and is no loss."""
    bench.limits = Limits(spool_reserve=0)
    bench.timing = replace(bench.timing, eviction_retry=0.1)
    size = 2 * len(IMAGE) + len(FULL_IMAGE) + 100
    bench.options = EngineOptions(spool_limit=size, upload_during_review=False)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.heard()
    await bench.engine.set_sending("nas", False)
    bench.tracked_object()
    await bench.spooled_in_ledger(1)
    for number in range(3):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: sizes(bench) == [len(IMAGE)] * 3)
    # It is asked for, and finds no space.
    await until(lambda: len(bench.frigate.snapshots) >= 2)
    await until(lambda: sizes(bench) == [len(IMAGE)] * 3)
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"verified": 4}
    assert not bench.status.losses


async def test_only_the_oldest_stills_are_dropped(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When there is nothing else to give way; the owner is told that he is at risk."""
    bench.limits = Limits(spool_reserve=0)
    size = 4 * len(IMAGE) + 100
    bench.options = EngineOptions(spool_limit=size, upload_during_review=False)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.heard()
    await bench.engine.set_sending("nas", False)
    for number in range(6):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: caplog.text.count("A live snapshot had to be dropped") == 2)
    await bench.spooled_in_ledger(4)
    assert sizes(bench) == [len(IMAGE)] * 4
    await until(lambda: Reason.ITEMS_LOST in bench.status.reasons)
    await until(lambda: bench.status.destinations["nas"].failed_uploads == 2)
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"dropped": 2, "verified": 4}
    dropped = await bench.uploads(state="dropped")
    assert [row.label for row in dropped] == ["l1", "l0"]
    assert dropped[0].reason == "The spool had reached its limit"


async def test_a_clip_makes_room_only_among_those_nobody_takes(
    bench: Bench, nas: FakeDestination
) -> None:
    """What waits for a paused destination must not hold up one that works."""
    limit(bench, 2.9)
    cloud = FakeDestination()
    garden = Selection(cameras=frozenset({"back-yard_2"}))
    door = Selection(cameras=frozenset({"front_door"}))
    await bench.start(
        setup(nas, selection=door), setup(cloud, name="cloud", selection=garden)
    )
    await bench.engine.set_sending("cloud", False)
    for name in ("one", "two", "three"):
        await ended(bench, name, camera="back-yard_2")
    await bench.spooled_in_ledger(2)
    await ended(bench, "door")
    await until(lambda: ids(nas) == ["door"])
    await bench.engine.set_sending("cloud", True)
    await until(lambda: ids(cloud) == ["one", "three", "two"])


async def test_a_clip_on_its_way_gives_way_to_no_other(
    bench: Bench, nas: FakeDestination
) -> None:
    """A slow destination that works gets one after the other, each fetched once."""
    limit(bench, 2.9)
    nas.gate.clear()
    await bench.start(setup(nas))
    for name in ("a", "b", "c", "d"):
        await ended(bench, name)
    await bench.spooled_in_ledger(2)
    await bench.at_rest()
    assert len(bench.frigate.clips) == 2
    nas.gate.set()
    await until(lambda: ids(nas) == ["a", "b", "c", "d"])
    assert len(bench.frigate.clips) == 4


async def test_a_clip_that_outgrows_the_limit_while_it_comes(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody knows its size before; it is stopped, and leaves nothing behind."""
    limit(bench, 0.8)
    await bench.start(setup(nas))
    await ended(bench, "big")
    await until(lambda: len(bench.frigate.clips) >= 2)
    assert "The spool has reached its limit of" in caplog.text
    bench.live_snapshot()
    await until(lambda: list(nas.media.values()) == [IMAGE])
    await bench.pending(1)
    assert not [size for size in sizes(bench) if size > len(IMAGE)]


@pytest.mark.parametrize("and_its_folder", [False, True])
async def test_files_that_somebody_removed_take_no_room(
    bench: Bench, nas: FakeDestination, *, and_its_folder: bool
) -> None:
    """The cache folder may be emptied by anybody, also while we run."""
    bench.limits = Limits(spool_reserve=0)
    size = 4 * len(IMAGE) + 100
    bench.options = EngineOptions(spool_limit=size, upload_during_review=False)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("nas", False)
    for number in range(4):
        bench.live_snapshot(label=f"l{number}")
    await bench.spooled_in_ledger(4)
    for name in bench.spooled():
        (bench.folder / "spool" / name).unlink()
    if and_its_folder:
        (bench.folder / "spool").rmdir()
    await bench.engine.set_sending("nas", True)
    await bench.settled()
    bench.live_snapshot(label="after")
    await until(lambda: nas.media)


async def test_a_clip_leaves_room_for_images_while_it_comes(
    bench: Bench, nas: FakeDestination
) -> None:
    """However big it is; none of them is dropped for it."""
    limit_to_images(bench, 20)
    gate, written = asyncio.Event(), []

    async def endless(seconds: float, write: Write) -> int:
        # Frigate stalls just before the limit is reached.
        for _ in range(17):
            await write(IMAGE)
        written.append(seconds)
        await gate.wait()
        return 0

    bench.frigate.film = endless
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot(label="first")
    await bench.spooled_in_ledger(1)
    nas.gate.clear()
    await bench.engine.set_sending("nas", True)
    await ended(bench, "big")
    await until(lambda: written)
    bench.live_snapshot(label="second")
    await bench.spooled_in_ledger(2)
    nas.gate.set()
    await until(lambda: len(nas.media) == 2)


async def test_a_clip_does_not_take_the_room_of_images(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is stopped before it has filled the spool."""
    limit_to_images(bench, 40)
    sent = []

    async def endless(seconds: float, write: Write) -> int:
        for count in range(40):
            await write(IMAGE)
            sent.append(count)
        return 0

    bench.frigate.film = endless
    await bench.start(setup(nas))
    await ended(bench, "big")
    await until(lambda: sent.count(0) >= 2)
    assert max(sent) < 36


async def test_a_spool_with_room_again_is_not_full(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also when nothing new is fetched: Frigate is away."""
    limit(bench, 3.4)
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    for number in range(3):
        await ended(bench, f"a{number}")
    await until(lambda: bench.status.spool_full)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.engine.set_sending("nas", True)
    await until(lambda: not bench.spooled())
    await bench.engine.set_sending("nas", True)
    await bench.pending(1)
    assert not bench.status.spool_full


class Large:
    """Clips of more than some seconds are larger than others: so many clips' size."""

    def __init__(self, bench: Bench, *, above: float, clips: float) -> None:
        """Come between the engine and Frigate."""
        self.asked: list[float] = []
        self.looked = 0
        self.above = above
        # A box that players skip, behind the first one.
        first = int.from_bytes(CLIP[:4])
        size = int(len(CLIP) * (clips - 1))
        box = size.to_bytes(4) + b"free" + bytes(size - 8)
        self.data = CLIP[:first] + box + CLIP[first:]
        bench.frigate.footage = self._footage
        bench.frigate.film = self._film

    def _footage(self, camera: str, after: float, before: float) -> list[Segment]:
        self.looked += 1
        return [Segment(start_time=before - 15, end_time=before)]

    async def _film(self, seconds: float, write: Write) -> int | None:
        if seconds <= self.above:
            return None
        self.asked.append(seconds)
        for offset in range(0, len(self.data), 16384):
            await write(self.data[offset : offset + 16384])
        return len(self.data)


async def errors(bench: Bench) -> set[str]:
    """Return why the files that are to be fetched could not be so far."""
    return await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: {
            row["error"]
            for row in connection.execute(
                "SELECT error FROM files WHERE state = 'wanted'"
            )
        }
    )


async def test_a_clip_larger_than_the_spool(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is not asked for on and on; what fits of it is kept, and the owner told."""
    bench.timing = replace(bench.timing, daily=0.1)
    limit(bench, 2.0)
    large = Large(bench, above=11, clips=3)
    await bench.start(setup(nas))
    await ended(bench, "big")
    await until(lambda: names(nas) == ["-incomplete.mp4", "-part001.mp4"])
    assert await bench.settled() == {"incomplete": 1, "verified": 2}
    assert caplog.text.count("is asked for daily") == 1
    (row,) = await bench.uploads(state="incomplete")
    assert "too large for the spool" in (row.reason or "")
    looked = large.looked
    await until(lambda: large.looked >= looked + 3)  # Does Frigate still have it?
    assert large.asked == [20.0]
    (error,) = await errors(bench)
    assert error.startswith("The clip is too large for the spool's limit of")
    assert bench.status.spool_full
    await bench.stop()

    bench.timing = replace(bench.timing, daily=86400.0)
    await bench.start(setup(nas))
    await until(lambda: bench.status.spool_full)
    await bench.at_rest()
    assert large.asked == [20.0]
    await bench.stop()

    limit(bench, 9.0)
    await bench.start(setup(nas))
    await until(lambda: list(nas.media.values()) == [large.data])
    assert await bench.settled() == {"superseded": 2, "verified": 1}
    await until(lambda: not bench.status.spool_full)
    assert large.asked == [20.0] * 2


@pytest.mark.parametrize("is_part", [False, True])
async def test_all_of_a_clip_larger_than_the_spool_leaves_in_pieces(
    bench: Bench, nas: FakeDestination, *, is_part: bool
) -> None:
    """What is behind the first piece is halved in turn, of a running review, too."""
    limit(bench, 2.0)
    large = Large(bench, above=11, clips=3)
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=after, end_time=before)
    ]
    start = floor(time.time()) - 70.0
    if is_part:
        bench.options = replace(
            bench.options, upload_during_review=True, part_length=60
        )
    await bench.start(setup(nas))
    kind, end = ("new", None) if is_part else ("end", start + 50)
    bench.review(kind, source_id="1.5-big", start=start, end=end)
    await until(lambda: large.asked)
    await until(lambda: len(nas.media) >= 6)
    counts = await bench.settled()
    assert set(counts) == ({"verified"} if is_part else {"verified", "incomplete"})
    assert len(large.asked) < 30
    rows = await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "SELECT start, files.end FROM files JOIN uploads ON file_id = files.id"
            " WHERE uploads.state = 'verified'"
        ).fetchall()
    )
    (only,) = union((row["start"], row["end"]) for row in rows)
    assert only == (start - 5, max(row["end"] for row in rows))
    assert only[1] >= start + 50
    # Only the whole is still asked for.
    assert bench.status.spool_full is not is_part


async def test_a_clip_that_is_too_large_is_gone_one_day(
    bench: Bench, nas: FakeDestination
) -> None:
    """Then the spool is no longer called full because of it."""
    bench.timing = replace(bench.timing, daily=0.1)
    bench.timing = replace(bench.timing, too_large_check=0.05)
    limit(bench, 2.0)
    large = Large(bench, above=1, clips=3)
    await bench.start(setup(nas))
    await ended(bench, "big")
    await until(lambda: bench.status.spool_full)
    bench.frigate.footage = lambda camera, after, before: []
    assert await bench.settled() == {"gone": 1}

    async def is_over() -> bool:
        await bench.engine.set_sending("nas", True)  # It looks at the status.
        return not bench.status.spool_full

    await until(is_over)
    # Once whole, and once each of its beginnings.
    assert large.asked.count(20.0) == 1


async def test_a_clip_that_did_not_fit_waits_for_more_room(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is not asked for, in vain, every few minutes."""
    limit(bench, 2.9)
    nas.gate.clear()
    await bench.start(setup(nas))
    await ended(bench, "small")
    await bench.spooled_in_ledger(1)
    large = Large(bench, above=11, clips=2)
    await ended(bench, "big")
    await until(lambda: large.asked)
    await until(lambda: bench.status.spool_full)
    await bench.retried()
    assert large.asked == [20.0]
    nas.gate.set()
    await until(lambda: {CLIP, large.data} <= set(nas.media.values()))
    assert large.asked == [20.0] * 2
    assert await bench.settled() == {"verified": 3}
    assert not bench.engine._parts.space._needs  # noqa: SLF001


async def test_a_clip_that_did_not_fit_and_is_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nobody keeps in mind for ever how much room it wanted."""
    limit(bench, 2.9)
    nas.gate.clear()
    await bench.start(setup(nas))
    await ended(bench, "small")
    await bench.spooled_in_ledger(1)
    large = Large(bench, above=11, clips=2)
    await ended(bench, "big")
    await until(lambda: bench.engine._parts.space._needs)  # noqa: SLF001
    bench.frigate.footage = lambda camera, after, before: []
    nas.gate.set()
    assert await bench.settled() == {"gone": 1, "verified": 1}
    assert large.asked == [20.0]
    await until(lambda: not bench.engine._parts.space._needs)  # noqa: SLF001
