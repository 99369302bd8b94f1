"""Half hours of a long review, and what its end and late news change of them."""

import asyncio
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Review, Severity
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination

ALERTS = Selection(severity=Severity.ALERT)
LABEL = Selection(labels=frozenset({"dog"}))


def names(destination: FakeDestination) -> list[str]:
    """Return what follows the id in the names that lie there."""
    return sorted(path.rpartition("abc123")[2] for path in destination.media)


async def there_since(bench: Bench, moment: float) -> None:
    """Let all destinations have been there since then."""
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE destinations SET since = ?", (moment,)
        )
    )


@pytest.fixture(autouse=True)
def short(bench: Bench) -> None:
    """Let half hours last ten seconds."""
    bench.timing = replace(FAST, review_pause=0.02, silence=30)
    bench.limits = Limits(piece=10, piece_remainder=1)
    bench.options = EngineOptions(
        upload_during_review=False, padding_before=0, padding_after=0
    )


@pytest.mark.parametrize(
    ("selection", "news"),
    [
        (ALERTS, {"severity": "alert"}),
        (LABEL, {"severity": "detection", "objects": ["person", "dog"]}),
    ],
)
@pytest.mark.parametrize("within", [0, 4])
async def test_wanted_late(
    bench: Bench,
    nas: FakeDestination,
    cloud: FakeDestination,
    selection: Selection,
    news: dict[str, object],
    within: int,
) -> None:
    """Who wants a review only later gets its first half hours at the end.

    Also if that lies within the last one that was planned.
    """
    await bench.start(setup(nas), setup(cloud, name="cloud", selection=selection))
    start = float(int(time.time())) - 24
    await there_since(bench, start)
    review = bench.review("new", start=start, severity="detection", known=True)
    await until(lambda: names(nas) == ["-01.mp4", "-02.mp4"])
    assert not cloud.media
    bench.review(
        "end",
        source_id=review,
        start=start,
        end=start + 23 - within,
        known=True,
        **news,
    )
    ends = ["-01.mp4", "-02.mp4"] + ["-03.mp4"] * (not within)
    await until(lambda: names(nas) == names(cloud) == ends)
    assert await bench.settled() == {"verified": 2 * len(ends)}
    await until(lambda: bench.status.destinations["cloud"].recordings_uploaded == 1)
    assert bench.status.destinations["nas"].recordings_uploaded == 1


async def test_added_while_it_lasts(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """A destination that was not there at the beginning gets the rest alone."""
    await bench.start(setup(nas))
    start = float(int(time.time())) - 24
    review = bench.review("new", start=start, known=True)
    await there_since(bench, start)
    await until(lambda: names(nas) == ["-01.mp4", "-02.mp4"])
    await bench.engine.apply_destinations([setup(nas), setup(cloud, name="cloud")])
    bench.review("end", source_id=review, start=start, end=start + 23, known=True)
    await until(lambda: names(cloud) == ["-03.mp4"])
    assert await bench.settled() == {"verified": 4}


@pytest.mark.parametrize("end", [16, 20])
async def test_the_end_lies_within_the_last_one(
    bench: Bench, nas: FakeDestination, end: int
) -> None:
    """Nothing is requested that lies beyond it, and the recording counts."""
    await bench.start(setup(nas))
    start = float(int(time.time())) - 21
    review = bench.review("new", start=start, known=True)
    await until(lambda: names(nas) == ["-01.mp4", "-02.mp4"])
    bench.review("end", source_id=review, start=start, end=start + end, known=True)
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert await bench.settled() == {"verified": 2}
    assert max(clip[2] for clip in bench.frigate.clips) == start + 20
    assert bench.status.cameras["front_door"].recordings_uploaded == 1


async def test_the_end_lies_within_one_that_is_on_its_way(
    bench: Bench, nas: FakeDestination
) -> None:
    """It becomes shorter, and counts when it has arrived."""
    bench.timing = replace(bench.timing, settle=0.5)
    await bench.start(setup(nas))
    start = float(int(time.time())) - 21
    review = bench.review("new", start=start, known=True)
    await bench.pending(2)
    bench.review("end", source_id=review, start=start, end=start + 16, known=True)
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert await bench.settled() == {"verified": 2}
    ends = sorted(clip[2] for clip in bench.frigate.clips)
    assert ends == [start + 10, start + 16]


async def test_none_of_them_had_footage(bench: Bench, nas: FakeDestination) -> None:
    """Then the recording is gone, also if it ended within the last one."""
    bench.frigate.footage = lambda camera, after, before: []
    bench.timing = replace(bench.timing, gone_after=0)
    await bench.start(setup(nas))
    start = float(int(time.time())) - 21
    review = bench.review("new", start=start, known=True)
    await until(lambda: len(bench.frigate.looks) >= 2)

    async def skipped() -> bool:
        states = [row.state for row in await bench.uploads()]
        return len(states) == 2 and "pending" not in states

    await until(skipped)
    bench.review("end", source_id=review, start=start, end=start + 16, known=True)
    await until(lambda: bench.status.destinations["nas"].failed_uploads > 0)
    assert "gone" in await bench.settled()


async def test_an_end_that_is_corrected_while_it_is_looked_up(
    bench: Bench, nas: FakeDestination
) -> None:
    """What Frigate says last counts, though the other end was asked about first."""
    await bench.start(setup(nas))
    start = float(int(time.time())) - 40
    await there_since(bench, start)
    ask, asked, answer = bench.frigate.review, asyncio.Event(), asyncio.Event()

    async def answer_late(review_id: str) -> Review | None:
        asked.set()
        await answer.wait()
        return await ask(review_id)

    bench.frigate.review = answer_late  # type: ignore[method-assign]
    review = bench.review("end", start=start, end=start + 18, known=True)
    await asked.wait()
    bench.review("end", source_id=review, start=start, end=start + 38, known=True)
    await bench.at_rest()
    answer.set()
    ends = ["-01.mp4", "-02.mp4", "-03.mp4", "-04.mp4"]
    await until(lambda: names(nas) == ends)
    assert await bench.settled() == {"verified": 4}
