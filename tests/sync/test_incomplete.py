"""Recordings that Frigate can't give whole: the longest piece, and one more chance."""

from dataclasses import replace
from itertools import pairwise
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    MediaBroken,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import Reason

from ..waiting import promptly
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, IMAGE, FakeDestination, Write
from .faults import Job, RunJob

START = 1_000_000.0
INCOMPLETE = {"incomplete": 1, "verified": 1, "skipped": 1}
"""The whole, its beginning, and what lies behind that, of which nothing plays."""


class Damage:
    """Footage that can't be played from some second on, until it is repaired."""

    def __init__(self, bench: Bench, good: float) -> None:
        """Let the first `good` seconds be playable."""
        self._clips = bench.frigate.clips
        self._begin: float | None = None
        self.good = good
        self.is_mended = False
        self.asked: list[float] = []
        self.asked_at: list[float] = []
        self.error: Exception = MediaBroken("nothing for 60 s")
        bench.frigate.footage = self._footage
        bench.frigate.film = self.answer

    def _footage(self, camera: str, after: float, before: float) -> list[Segment]:
        return [Segment(start_time=after, end_time=before)]

    async def answer(self, seconds: float, write: Write) -> None:
        """Note a request from the beginning on; fail if it reaches the damage."""
        _, begin, end = self._clips[-1]
        if self._begin is None:
            self._begin = begin
        if begin == self._begin:
            self.asked.append(seconds)
            self.asked_at.append(time.monotonic())
        if not self.is_mended and end - self._begin > self.good:
            raise self.error


@pytest.fixture
def damage(bench: Bench) -> Damage:
    """Return a Frigate with damaged footage, playable for ten seconds."""
    bench.timing = replace(FAST, first_retry=0.02, longest_retry=0.02, gone_after=0)
    return Damage(bench, good=10)


def over(bench: Bench) -> str:
    """Let a review of 30 seconds be over; return its id."""
    return bench.review(
        "end", source_id="1.5-abc123", start=START, end=START + 30, known=True
    )


def names(destination: FakeDestination) -> list[str]:
    """Return what follows the id in the names that lie there."""
    return [path.rpartition("abc123")[2] for path in sorted(destination.media)]


async def test_the_longest_playable_beginning_is_kept(
    bench: Bench,
    nas: FakeDestination,
    damage: Damage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After three tries; found with few requests, and told once."""
    await bench.start(setup(nas))
    review = over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])
    assert list(nas.media.values()) == [CLIP]
    assert await bench.settled() == INCOMPLETE
    assert damage.asked[:3] == [40.0] * 3
    assert len(damage.asked) <= 8
    best = max(seconds for seconds in damage.asked if seconds <= damage.good)
    assert best >= damage.good - 5
    assert caplog.text.count("is asked for daily") == 1
    await until(lambda: not bench.spooled())
    await until(lambda: bench.status.destinations["nas"].failed_uploads == 1)
    assert bench.status.destinations["nas"].recordings_uploaded == 0
    (row,) = await bench.uploads(state="incomplete")
    assert row.item_id == review
    assert row.finished is not None
    assert {row.state: row.role for row in await bench.uploads()} == {
        "incomplete": "whole",
        "verified": "incomplete",
        "skipped": "part",
    }
    (attempts, error) = await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "SELECT attempts, error FROM files WHERE role = 'whole'"
        ).fetchone()
    )
    assert attempts == 3
    assert error == "nothing for 60 s"


async def send_incomplete(
    bench: Bench,
    nas: FakeDestination,
    *,
    day: float,
) -> None:
    """Let an engine with days of so many seconds have sent an incomplete recording."""
    bench.timing = replace(bench.timing, daily=day)
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])


@pytest.fixture
async def incomplete(
    bench: Bench,
    nas: FakeDestination,
    damage: Damage,
) -> None:
    """Let an engine with short days have sent an incomplete recording."""
    await send_incomplete(bench, nas, day=0.4)


@pytest.mark.usefixtures("incomplete")
async def test_the_whole_is_asked_for_daily_and_supersedes_it(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """Frigate may have been mended meanwhile; also after a restart."""
    await bench.settled()
    await bench.stop()
    damage.is_mended = True
    await bench.start(setup(nas))
    await until(lambda: names(nas) == [".mp4"])
    assert await bench.settled() == {"superseded": 1, "verified": 1, "skipped": 1}
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert bench.status.destinations["nas"].failed_uploads == 0
    assert bench.status.cameras["front_door"].recordings_uploaded == 1


@pytest.mark.usefixtures("incomplete")
async def test_it_is_a_loss_until_the_whole_is_there(
    bench: Bench, damage: Damage
) -> None:
    """Known footage is missing: an owner who has not seen that is not protected."""
    await until(lambda: bench.status.losses.count == 1)
    (lost,) = bench.status.losses.newest
    assert "-incomplete" not in lost.path
    assert lost.reason
    assert Reason.ITEMS_LOST in bench.status.reasons
    damage.is_mended = True
    await until(lambda: bench.status.losses.count == 0)
    await until(lambda: Reason.ITEMS_LOST not in bench.status.reasons)


@pytest.mark.usefixtures("incomplete")
async def test_it_is_a_loss_until_it_is_acknowledged(bench: Bench) -> None:
    """Asking daily for the whole in vain does not take that back."""
    await until(lambda: bench.status.losses.count == 1)
    await bench.engine.acknowledge_losses(bench.status.losses.until)
    asked = len(bench.frigate.clips)
    await until(lambda: len(bench.frigate.clips) > asked)
    await bench.at_rest()
    assert bench.status.losses.count == 0


async def test_a_recording_of_which_nothing_can_be_played(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """It is asked for on and on: Frigate still has it."""
    damage.good = 0
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: damage.asked.count(40.0) >= 5)
    counts = (await bench.engine.diagnostics())["counts"]["uploads"]
    assert counts == {"pending": 1}
    assert not bench.spooled()
    damage.is_mended = True
    await until(lambda: names(nas) == [".mp4"])


async def test_frigate_that_goes_away_in_mid_search(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """What was found so far is let go; the recording waits."""
    asked = damage.asked

    async def leave(seconds: float, write: Write) -> None:
        if len(asked) == 5:
            asked.append(0)
            raise FrigateUnreachable("reset")
        await damage.answer(seconds, write)

    bench.frigate.film = leave
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: 0 in asked)
    damage.is_mended = True
    await until(lambda: names(nas) == [".mp4"])
    assert await bench.settled() == {"verified": 1}
    await until(lambda: not bench.spooled())
    assert not [path for path in nas.history if "incomplete" in path]


async def test_failed_uploads_can_be_tried_anew(
    bench: Bench, nas: FakeDestination
) -> None:
    """What was gone arrives if Frigate has it after all."""
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    over(bench)
    assert await bench.settled() == {"gone": 1}
    assert await bench.engine.retry_failed() == 1
    assert await bench.settled() == {"gone": 1}
    bench.frigate.footage = None
    assert await bench.engine.retry_failed() == 1
    await until(lambda: names(nas) == [".mp4"])
    assert await bench.settled() == {"verified": 1}
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert bench.status.destinations["nas"].failed_uploads == 0
    assert await bench.engine.retry_failed() == 0


async def test_what_can_not_be_had_again_is_not_tried(
    bench: Bench, nas: FakeDestination
) -> None:
    """A live snapshot that was lost, and what was for a removed destination."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot(image=IMAGE)
    await bench.spooled_in_ledger(1)
    for name in bench.spooled():
        (bench.folder / "spool" / name).unlink()
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"dropped": 1}
    bench.frigate.footage = lambda camera, after, before: []
    over(bench)
    assert await bench.settled() == {"dropped": 1, "gone": 1}
    await bench.engine.apply_destinations([])
    assert await bench.engine.retry_failed() == 0
    await bench.pending(0)


ELSEWHERE = Selection(cameras=frozenset({"elsewhere"}))


@pytest.mark.usefixtures("incomplete")
async def test_an_incomplete_one_that_is_no_longer_selected(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """The whole is not requested any more, and does not leave."""
    await bench.settled()
    await bench.engine.apply_destinations([setup(nas, selection=ELSEWHERE)])
    damage.is_mended = True
    counts = (await bench.engine.diagnostics())["counts"]
    assert counts["uploads"] == {"verified": 1, "skipped": 2}
    assert counts["files"] == {"released": 3}
    assert await bench.engine.retry_failed() == 0
    assert names(nas) == ["-incomplete.mp4"]


async def test_what_failed_and_is_no_longer_selected_is_not_tried(
    bench: Bench, nas: FakeDestination
) -> None:
    """However it is tried, at that destination; what is selected is."""
    bench.timing = replace(FAST, gone_after=0)
    bench.frigate.footage = lambda camera, after, before: []
    cloud = FakeDestination()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    now = time.time()
    bench.review("end", start=now - 60, end=now - 50, known=True)
    assert await bench.settled() == {"gone": 2}
    await bench.engine.apply_destinations(
        [setup(nas, selection=ELSEWHERE), setup(cloud, name="cloud")]
    )
    assert await bench.engine.retry_failed() == 1
    assert await bench.settled() == {"gone": 2}
    bench.frigate.footage = None
    await bench.engine.catch_up(look_back=3600)
    await until(lambda: names(cloud) == [".mp4"])
    assert await bench.settled() == {"gone": 1, "verified": 1}
    assert not nas.media


@pytest.mark.usefixtures("incomplete")
async def test_the_whole_is_asked_for_only_daily(damage: Damage) -> None:
    """Also when the daily try has failed."""
    asked = len(damage.asked)
    await until(lambda: len(damage.asked_at) >= asked + 3)
    for before, after in pairwise(damage.asked_at[asked:]):
        assert after - before >= 0.4


async def test_an_incomplete_one_tried_anew_is_incomplete_again(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """It doesn't wait for ever."""
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])
    await bench.settled()
    assert await bench.engine.retry_failed() == 1
    assert await bench.settled() == INCOMPLETE
    (row,) = await bench.uploads(state="incomplete")
    assert row.finished is not None
    assert names(nas) == ["-incomplete.mp4"]
    await until(lambda: not bench.spooled())


async def test_a_beginning_that_could_not_be_had_then(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """It leaves when it is found again: a piece that is nowhere settles nothing."""
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])
    await bench.settled()
    nas.files.clear()

    def end(connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE uploads SET state = IIF(role = 'whole', 'gone', 'skipped')"
        )

    await bench.engine._ledger.run(end)  # noqa: SLF001
    damage.good = 15
    assert await bench.engine.retry_failed() == 1
    assert (await bench.settled())["incomplete"] == 1
    assert names(nas) == ["-incomplete.mp4"]


async def test_an_incomplete_one_that_frigate_has_lost_meanwhile(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """It is no new loss: the beginning is there, and the owner knows of the rest."""
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])
    await until(lambda: bench.status.losses.count == 1)
    await bench.engine.acknowledge_losses(bench.status.losses.until)
    await until(lambda: bench.status.losses.count == 0)
    events = len(bench.uploaded)
    bench.frigate.footage = lambda camera, after, before: []
    assert await bench.engine.retry_failed() == 1
    assert await bench.settled() == INCOMPLETE
    await bench.at_rest()
    assert bench.status.losses.count == 0
    assert len(bench.uploaded) == events
    # Frigate is not asked for it any more.
    assert (await bench.engine.diagnostics())["counts"]["files"] == {"released": 3}


async def test_answers_of_another_kind_don_t_count(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """Frigate was not ready at first, and then gave nothing whole."""
    damage.error = MediaNotReady("HTTP status 400")
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: len(damage.asked) >= 4)
    damage.error = MediaBroken("nothing for 60 s")
    await until(lambda: names(nas) == ["-incomplete.mp4"])


@pytest.mark.parametrize("is_removed", [True, False])
async def test_another_destination_no_longer_waits_for_it(
    bench: Bench,
    nas: FakeDestination,
    damage: Damage,
    is_removed: bool,
) -> None:
    """Since it was removed, or selects it no longer: the daily try goes on."""
    bench.timing = replace(bench.timing, daily=0.4)
    cloud = FakeDestination()
    cloud.error = Unreachable("no route")
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])
    elsewhere = Selection(cameras=frozenset({"elsewhere"}))
    rest = [] if is_removed else [setup(cloud, name="cloud", selection=elsewhere)]
    await bench.engine.apply_destinations([setup(nas), *rest])
    damage.is_mended = True
    await until(lambda: names(nas) == [".mp4"])
    await until(lambda: not bench.spooled())


async def test_its_destination_is_removed(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """Frigate is no longer asked for the whole, and nothing waits for nobody."""
    await send_incomplete(bench, nas, day=0.2)
    assert await bench.settled() == INCOMPLETE
    await until(lambda: not bench.spooled())
    await bench.engine.apply_destinations([])
    damage.is_mended = True
    await until(lambda: not bench.spooled())
    counts = (await bench.engine.diagnostics())["counts"]
    assert counts["uploads"] == {"cancelled": 1, "verified": 1, "skipped": 1}
    assert counts["files"] == {"released": 3}
    await bench.at_rest()
    asked = len(damage.asked)
    # A day of another destination is over.
    await bench.engine.apply_destinations([setup(FakeDestination(), name="cloud")])
    await bench.retried()
    assert len(damage.asked) == asked


async def test_a_whole_that_is_gone_is_no_longer_asked_for(
    bench: Bench, nas: FakeDestination, damage: Damage
) -> None:
    """What is there of it stays."""
    await send_incomplete(bench, nas, day=0.2)
    assert await bench.settled() == INCOMPLETE
    bench.frigate.footage = lambda camera, after, before: []

    async def is_released() -> bool:
        counts = (await bench.engine.diagnostics())["counts"]
        return bool(counts["files"] == {"released": 3})

    await until(is_released)
    assert await bench.settled() == INCOMPLETE
    assert names(nas) == ["-incomplete.mp4"]


async def test_what_failed_is_tried_anew_in_steps(
    bench: Bench, nas: FakeDestination
) -> None:
    """Each is one transaction, and what fails again meanwhile is not tried again."""
    bench.limits = Limits(retried_at_once=2)
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    for number in range(5):
        end = START + 10 + number
        bench.review("end", source_id=f"1.5-{number}", start=START, end=end, known=True)
    assert await bench.settled() == {"gone": 5}
    steps: list[int] = []

    async def slowly(job: Job, run: RunJob) -> Any:
        if job.__name__ != "retry_failed":
            return await run(job)
        await bench.settled()
        steps.append(await run(job))
        return steps[-1]

    bench.faults.run = slowly
    async with promptly():
        assert await bench.engine.retry_failed() == 5
    assert steps == [2, 2, 1, 0]
