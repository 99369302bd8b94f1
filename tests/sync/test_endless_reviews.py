"""Reviews of which Frigate names no end that can be one: they end with their footage.

A manual event that is cut off ends at 9223372036854775807 (Frigate 0.16+).
"""

from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateServerError
from custom_components.frigate_snap_sync.frigate.models import Review, Segment
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.intake.endless_reviews import (
    EndlessReviews,
)
from custom_components.frigate_snap_sync.sync.ledger import items
from custom_components.frigate_snap_sync.sync.planning.footage_survey import (
    FootageSurvey,
)

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination, camera
from .test_catch_up import age, ids, review, show
from .test_long_reviews import film, names

ENDLESS = 9223372036854775807.0


def endless(name: str, start: float) -> Review:
    """Return a review that was cut off, as Frigate's API shows it."""
    return replace(review(name, start, None), ended=True)


async def end_of(bench: Bench, review_id: str) -> float | None:
    """Return the end of a review in the ledger."""
    known = await bench.engine._ledger.run(items.review, review_id)  # noqa: SLF001
    assert known is not None
    return known[0].end


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ([(-5, 10)], (-5, 10)),
        ([(-5, 10), (80, 90)], (-5, 90)),
        ([(-5, 600)], (-5, 305)),
    ],
)
async def test_an_end_over_mqtt(
    bench: Bench,
    nas: FakeDestination,
    there: list[tuple[float, float]],
    asked: tuple[float, float],
) -> None:
    """The recordings show where it ended, at the latest when Frigate said so."""
    start = float(int(time.time() - 300))
    clips = film(bench, start, *there)
    cut = replace(endless("abc123", 0), start_time=start)
    show(bench, cut)
    await bench.start(setup(nas))
    bench.review("end", source_id=cut.id, start=start, end=ENDLESS)
    await until(lambda: nas.media)
    assert await bench.settled() == {"verified": 1}
    assert names(nas) == [".mp4"]
    (clip,) = clips()
    assert clip[0] == asked[0]
    assert asked[1] <= clip[1] <= asked[1] + 3
    end = await end_of(bench, cut.id)
    assert end is not None
    assert end - start <= asked[1]


async def test_with_recordings_off_nothing_is_waited_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """That is why it was cut off, mostly: what there is leaves at once."""
    bench.timing = replace(FAST, settle=3600, off_settle=0.05)
    bench.frigate.cameras["front_door"] = camera("front_door", recordings=False)
    start = float(int(time.time() - 100))
    film(bench, start, (-5, 99))
    show(bench, replace(endless("abc123", 0), start_time=start))
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish("front_door/recordings/state", "OFF")
    bench.review("end", source_id="1.5-abc123", start=start, end=ENDLESS)
    await until(lambda: names(nas) == [".mp4"])


async def test_killed_before_its_end_was_known(
    bench: Bench, nas: FakeDestination
) -> None:
    """After the start it is asked for in Frigate's API again."""
    bench.timing = replace(FAST, settle=3600)
    start = float(int(time.time() - 100))
    cut = replace(endless("abc123", 0), start_time=start)
    clips = film(bench, start, (-5, 10))
    show(bench, cut)
    await bench.start(setup(nas))
    bench.review("end", source_id=cut.id, start=start, end=ENDLESS)
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await bench.at_rest()
    assert not nas.media
    await bench.stop()
    bench.timing = FAST
    await bench.start(setup(nas))
    await until(lambda: nas.media)
    assert clips() == [(-5, 10)]


async def test_an_end_that_the_api_tells(bench: Bench, nas: FakeDestination) -> None:
    """The message was missed: asked for in silence, and not up to that moment."""
    bench.timing = replace(FAST, silence=0)
    bench.options = EngineOptions(part_length=10)
    start = float(int(time.time()) - 800)
    film(bench, start, (-5, 30))
    cut = replace(endless("abc123", 0), start_time=start)
    show(bench, replace(cut, ended=False))
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    show(bench, cut)
    bench.review("update", source_id=cut.id, start=start)
    await until(lambda: names(nas) == [".mp4"])
    assert await end_of(bench, cut.id) == start + 30


@pytest.mark.parametrize(
    ("there", "following", "asked"),
    [
        # Recordings were switched off after a minute, and on again an hour later.
        ([(-5, 60), (3600, 10_700)], None, (-5, 60)),
        # They go on; the camera's next review says when this one was over.
        ([(-5, 10_700)], 200, (-5, 205)),
        # Frigate keeps only what moves.
        ([(-5, 60), (400, 440)], 2000, (-5, 440)),
    ],
)
async def test_one_that_is_caught_up(
    bench: Bench,
    nas: FakeDestination,
    there: list[tuple[float, float]],
    following: float | None,
    asked: tuple[float, float],
) -> None:
    """No hours of history are sent after it."""
    await age(bench, nas, hours=24)
    cut = endless("abc123", -3 * 3600)
    cut = replace(cut, start_time=float(int(cut.start_time)))
    start = cut.start_time
    clips = film(bench, start, *there)
    # One of another camera tells nothing.
    garden = replace(cut, id="1.5-garden", camera="back-yard_2")
    show(bench, cut, replace(garden, start_time=start + 20, end_time=start + 40))
    if following is not None:
        later = replace(cut, id="1.5-later", start_time=start + following)
        show(bench, replace(later, end_time=start + following + 10))
    await bench.start(setup(nas))
    await until(lambda: "abc123" in ids(nas))
    await bench.settled()
    assert [clip for clip in clips() if clip[0] == -5] == [asked]


async def test_what_frigate_can_not_list_is_no_end(bench: Bench) -> None:
    """The reviews that followed are too many for one answer; the footage tells."""

    async def fail(*, after: float, before: float) -> list[Review]:
        raise FrigateServerError("Answer of more than 16777216 bytes")

    bench.frigate.reviews = fail  # type: ignore[method-assign]
    cut = endless("abc123", -3 * 86400)
    survey = FootageSurvey(bench.frigate, timing=FAST)
    reviews = EndlessReviews(bench.frigate, survey=survey)
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=after, end_time=min(before, cut.start_time + 1.5 * 86400))
    ]
    found = await reviews.with_end(cut)
    assert found.end_time is not None
    assert abs(found.end_time - cut.start_time - 1.5 * 86400) <= 1


async def test_too_early_to_tell(bench: Bench) -> None:
    """There is footage up to now: it may go on, and it is asked again."""
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=after, end_time=before)
    ]
    survey = FootageSurvey(bench.frigate, timing=FAST)
    reviews = EndlessReviews(bench.frigate, survey=survey)
    for cut in (endless("abc123", -100), endless("abc124", -0.01)):
        assert await reviews.with_end(cut) is cut
    running = review("running", -100, None)
    assert await reviews.with_end(running) is running
