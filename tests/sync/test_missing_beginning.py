"""Recordings whose first file is missing on Frigate's disk: what follows is kept."""

from collections.abc import Collection
from dataclasses import replace
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateError,
    FrigateUnreachable,
    MediaBroken,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.fetching.ways_out import WaysOut
from custom_components.frigate_snap_sync.sync.ledger import (
    fetch_queue,
    items,
    outcomes,
    salvage,
)
from custom_components.frigate_snap_sync.sync.ledger.salvage import NOTHING_PLAYS
from custom_components.frigate_snap_sync.sync.model.coverage import Coverage
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.rank import Rank

from ..films import film
from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination, Write
from .ledgers import wanted
from .samples import ITEM

START = 1_000_000.0
LENGTH = 10.0
ASKED = (999_995.0, 1_000_300.0)
"""With five seconds before, and after."""
EMPTY = MediaNotReady("A clip: empty answer")


class Disk:
    """Frigate's segments of ten seconds, of which some files are missing."""

    def __init__(
        self, bench: Bench, missing: Collection[int], error: FrigateError
    ) -> None:
        """Let Frigate fail with `error` where the first file of a clip is missing."""
        self._bench = bench
        self.rows = [
            Segment(start_time=begin, end_time=begin + LENGTH)
            for begin in (START - 9.7 + LENGTH * number for number in range(31))
        ]
        self.missing = set(missing)
        self.error = error
        bench.timing = replace(FAST, first_retry=0.02, longest_retry=0.02)
        bench.frigate.footage = self._between
        bench.frigate.film = self._answer

    def _between(self, camera: str, after: float, before: float) -> list[Segment]:
        return [
            row
            for row in self.rows
            if row.end_time >= after and row.start_time <= before
        ]

    async def _answer(self, seconds: float, write: Write) -> int:
        """Give a clip up to the first missing file, as FFmpeg does, or none."""
        camera, start, end = self._bench.frigate.clips[-1]
        length = 0.0
        for row in self._between(camera, start, end):
            if self.rows.index(row) in self.missing:
                break
            length += min(end, row.end_time) - max(start, row.start_time)
        if length <= 0:
            raise self.error
        data = film(length)
        await write(data)
        return len(data)


async def over(bench: Bench, nas: FakeDestination) -> None:
    """Let a review of five minutes be over."""
    await bench.start(setup(nas))
    end = ASKED[1] - 5
    bench.review("end", source_id="1.5-abc123", start=START, end=end, known=True)


def endings(nas: FakeDestination) -> list[str]:
    """Return what follows the id in the names that lie there."""
    return [path.rpartition("abc123")[2] for path in sorted(nas.media)]


@pytest.mark.parametrize("error", [EMPTY, MediaBroken("nothing for 60 s")])
@pytest.mark.parametrize(
    ("missing", "begin", "end"),
    [
        ({0}, 1_000_001, 1_000_300),
        ({0, 1}, 1_000_011, 1_000_300),
        ({0, 1, 2}, 1_000_021, 1_000_300),
        (set(range(25)), 1_000_241, 1_000_300),
        (set(range(30)), 1_000_291, 1_000_300),
    ],
)
async def test_what_follows_is_kept(
    bench: Bench,
    nas: FakeDestination,
    missing: set[int],
    begin: int,
    end: int,
    error: FrigateError,
) -> None:
    """After a few tries, and found with few requests; the whole is asked for daily."""
    Disk(bench, missing, error)
    await over(bench, nas)
    await until(lambda: endings(nas) == ["-incomplete.mp4"])
    assert await bench.settled() == {"incomplete": 1, "verified": 1}
    ranges = [asked[1:] for asked in bench.frigate.clips]
    assert ranges[:3] == [ASKED] * 3
    assert len(ranges) <= 25
    kept = await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "SELECT start, end FROM files WHERE role = ?", (Role.INCOMPLETE,)
        ).fetchone()[:]
    )
    assert kept[0] == begin
    assert end - 10 < kept[1] <= end
    # Nothing that was only looked at stays.
    await until(lambda: not bench.spooled())


def held(missing: set[int]) -> list[tuple[int, int]]:
    """Return the stretches of whole seconds around the missing files."""
    numbers = [each for each in range(31) if each not in missing]
    seconds = {
        second
        for number in numbers
        for second in range(999_991 + 10 * number, 1_000_000 + 10 * number)
        if ASKED[0] <= second < ASKED[1]
    }
    begins = sorted(each for each in seconds if not {each - 1, each - 2} & seconds)
    ends = sorted(each + 1 for each in seconds if not {each + 1, each + 2} & seconds)
    return list(zip(begins, ends, strict=True))


async def pieces(bench: Bench) -> list[tuple[str, int, int]]:
    """Return the pieces that arrived: role, start and end."""
    return await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: [
            tuple(row)
            for row in connection.execute(
                "SELECT files.role, start, end FROM files JOIN uploads"
                " ON file_id = files.id WHERE uploads.state = 'verified' ORDER BY start"
            )
        ]
    )


@pytest.mark.parametrize("error", [EMPTY, MediaBroken("nothing for 60 s")])
@pytest.mark.parametrize("missing", [{0, 20}, {2}, {1, 9, 10, 25}, {15}, {29}, {3, 5}])
async def test_what_lies_around_holes_is_kept(
    bench: Bench, nas: FakeDestination, missing: set[int], error: FrigateError
) -> None:
    """All that plays leaves: the first piece, and parts of what is behind it."""
    Disk(bench, missing, error)
    bench.timing = replace(bench.timing, gone_after=0)
    await over(bench, nas)
    await until(lambda: "-incomplete.mp4" in endings(nas))
    states = await bench.settled()
    found = await pieces(bench)
    wanted = held(missing)
    assert states["incomplete"] == 1
    assert found[0][0] == Role.INCOMPLETE
    assert {role for role, _, _ in found[1:]} == {Role.PART}
    for begin, end in wanted:
        # At the edge of a hole a few seconds may be lost.
        assert any(
            start <= begin + 1 and until_ >= end - 5 for _, start, until_ in found
        ), (begin, end, found)
    assert len(endings(nas)) == len(found)
    await until(lambda: not bench.spooled())


async def test_the_whole_replaces_all_its_pieces(
    bench: Bench, nas: FakeDestination
) -> None:
    """Once the file that was missing is back."""
    disk = Disk(bench, {7, 20}, EMPTY)
    bench.timing = replace(bench.timing, daily=0.6)
    await over(bench, nas)
    await until(lambda: len(nas.media) == 3)
    disk.missing.clear()
    await until(lambda: endings(nas) == [".mp4"])


async def test_two_destinations_get_the_same_pieces(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Each is fetched once, for both."""
    Disk(bench, {2}, EMPTY)
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    end = ASKED[1] - 5
    bench.review("end", source_id="1.5-abc123", start=START, end=end, known=True)
    await until(lambda: len(nas.media) == len(cloud.media) == 2)
    assert endings(nas) == endings(cloud) == ["-incomplete.mp4", "-part001.mp4"]
    assert await bench.settled() == {"incomplete": 2, "verified": 4}
    roles = await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: [
            row["role"] for row in connection.execute("SELECT role FROM files")
        ]
    )
    assert sorted(roles) == ["incomplete", "part", "whole"]


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("missing", [{0}, {2}, {3}, {0, 1, 2, 3}])
async def test_a_part_with_a_hole(
    bench: Bench, nas: FakeDestination, missing: set[int], is_over: bool
) -> None:
    """What plays of it leaves, and nothing is waited for at the end."""
    disk = Disk(bench, missing, EMPTY)
    begun = float(int(time.time())) - 25
    disk.rows = [
        Segment(start_time=begun - 8 + 10 * each, end_time=begun + 2 + 10 * each)
        for each in range(4)
    ]
    bench.timing = replace(
        bench.timing, part_patience=0.1, gone_after=0, review_pause=0.02, late=1
    )
    bench.options = EngineOptions(part_length=60)
    await bench.start(setup(nas))
    review = bench.review("new", start=begun, known=True)
    await until(lambda: bench.frigate.clips)
    if is_over:
        bench.review("end", source_id=review, start=begun, end=begun + 24, known=True)

    async def is_done() -> bool:
        states = [row.state for row in await bench.uploads()]
        return bool(states) and "pending" not in states

    # Of the whole of which nothing plays it is asked on and on.
    if not (is_over and len(missing) == 4):
        await until(is_done)
    parts = [each[1:] for each in await pieces(bench) if each[0] == Role.PART]
    there = {second for begin, end in parts for second in range(int(begin), int(end))}
    if len(missing) == 4:
        assert not there
    elif not is_over:
        begun_at = int(begun)
        kept = {0: begun_at + 15, 2: begun_at, 3: begun_at + 10}[min(missing)]
        assert kept in there


async def test_the_whole_replaces_it(bench: Bench, nas: FakeDestination) -> None:
    """Once the disk that was away is back."""
    disk = Disk(bench, {0}, EMPTY)
    bench.timing = replace(bench.timing, daily=0.4)
    await over(bench, nas)
    await until(lambda: endings(nas) == ["-incomplete.mp4"])
    disk.missing.clear()
    await until(lambda: endings(nas) == [".mp4"])


async def test_the_disk_is_away_for_a_moment(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing plays of an old part then, which says nothing of later."""
    disk = Disk(bench, range(2, 31), EMPTY)
    await over(bench, nas)
    await until(lambda: endings(nas) == ["-incomplete.mp4"])
    clips = bench.frigate.clips

    def tries() -> int:
        ends = [asked[1] for asked in clips if asked[2] == ASKED[1]]
        return max((ends.count(each) for each in ends if each > ASKED[0]), default=0)

    # After the third it was searched for what plays.
    await until(lambda: tries() > 3)
    disk.missing = {2}
    await until(lambda: endings(nas) == ["-incomplete.mp4", "-part001.mp4"])
    assert await bench.settled() == {"incomplete": 1, "verified": 2}


async def test_frigate_is_away_while_nothing_plays() -> None:
    """Its disk may come later than itself: the time counts from the next answer on."""
    asks_none: Any = None
    ways_out = WaysOut(asks_none, timing=replace(FAST, gone_after=0.05))
    assert not ways_out.stays_silent(1)
    await until(lambda: ways_out.stays_silent(1))
    ways_out.was_away(1)
    assert not ways_out.stays_silent(1)


@pytest.mark.parametrize(
    ("reason", "is_planned"),
    [("No longer selected", True), (f"{NOTHING_PLAYS}: empty", False)],
)
def test_a_part_that_was_skipped(
    connection: sqlite3.Connection, reason: str, is_planned: bool
) -> None:
    """What plays of its time is planned, unless that is known not to."""
    part = replace(wanted("nas"), role=Role.PART, suffix="part001", start=1000)
    items.plan(connection, ITEM, (wanted("nas"), part))
    (whole,) = (
        job
        for job in fetch_queue.next_fetches(
            connection, now=99, ranks=list(Rank), exclude=(), limit=9
        )
        if job.role is Role.WHOLE
    )
    shown = ((995.0, 1026.0),)
    outcomes.finish_without_footage(connection, 2, reason, shown=shown, now=99)
    begun = ((995.0, 1000.0),)
    piece = salvage.Salvaged(
        start=995,
        end=1000,
        spool_name="s",
        size=7,
        sha256="00",
        coverage=Coverage(shown=begun, least=begun, most=begun),
        shown=shown,
    )
    salvage.of_whole(connection, whole, piece, again=1e9, reason="hole", now=99)
    (parts,) = connection.execute(
        "SELECT COUNT(*) FROM files WHERE role = 'part' AND state = 'wanted'"
    ).fetchone()
    assert parts == is_planned


async def test_nothing_can_be_played(bench: Bench, nas: FakeDestination) -> None:
    """It is asked for on and on, and arrives when it can be had."""
    disk = Disk(bench, range(31), EMPTY)
    await over(bench, nas)
    clips = bench.frigate.clips
    await until(lambda: sum(asked[1:] == ASKED for asked in clips) >= 5)
    assert [row.state for row in await bench.uploads()] == ["pending"]
    disk.missing.clear()
    await until(lambda: endings(nas) == [".mp4"])


async def test_frigate_leaves_in_mid_search(bench: Bench, nas: FakeDestination) -> None:
    """That says nothing of what can be played: the search begins again."""
    Disk(bench, range(10), EMPTY)
    await over(bench, nas)
    await until(lambda: len(bench.frigate.clips) > 4)
    bench.frigate.error = FrigateUnreachable("reset")
    await until(lambda: bench.status.frigate_connected is False)
    bench.frigate.error = None
    await until(lambda: endings(nas) == ["-incomplete.mp4"])
