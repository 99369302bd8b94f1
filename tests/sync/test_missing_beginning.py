"""Recordings whose first file is missing on Frigate's disk: what follows is kept."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateError,
    FrigateUnreachable,
    MediaBroken,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.model.item import Role

from ..films import film
from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination, Write

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
        self._rows = [
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
            for row in self._rows
            if row.end_time >= after and row.start_time <= before
        ]

    async def _answer(self, seconds: float, write: Write) -> int:
        """Give a clip up to the first missing file, as FFmpeg does, or none."""
        camera, start, end = self._bench.frigate.clips[-1]
        length = 0.0
        for row in self._between(camera, start, end):
            if self._rows.index(row) in self.missing:
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
        # Another is missing further on: what lies between is kept.
        ({0, 20}, 1_000_001, 1_000_191),
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


async def test_the_whole_replaces_it(bench: Bench, nas: FakeDestination) -> None:
    """Once the disk that was away is back."""
    disk = Disk(bench, {0}, EMPTY)
    bench.timing = replace(bench.timing, daily=0.4)
    await over(bench, nas)
    await until(lambda: endings(nas) == ["-incomplete.mp4"])
    disk.missing.clear()
    await until(lambda: endings(nas) == [".mp4"])


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
