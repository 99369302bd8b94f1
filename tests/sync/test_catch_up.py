"""What MQTT did not tell is found in Frigate's API: by id, not by a watermark."""

import asyncio
from dataclasses import replace
from itertools import pairwise
import logging
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.models import (
    Page,
    Review,
    Severity,
    TrackedObject,
)
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.model.limits import Limits

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination


def review(name: str, start: float, end: float | None) -> Review:
    """Return a review that Frigate's API shows; times are seconds from now."""
    now = time.time()
    return Review(
        id=f"1.5-{name}",
        camera="front_door",
        start_time=now + start,
        end_time=None if end is None else now + end,
        ended=end is not None,
        severity=Severity.ALERT,
        labels=frozenset({"person"}),
        zones=frozenset(),
    )


def tracked(name: str, start: float, end: float | None) -> TrackedObject:
    """Return a tracked object that Frigate's API shows; seconds from now."""
    now = time.time()
    return TrackedObject(
        id=f"1.5-{name}",
        camera="front_door",
        label="person",
        sub_label=None,
        start_time=now + start,
        end_time=None if end is None else now + end,
        severity=Severity.ALERT,
        zones=frozenset(),
        has_snapshot=True,
        false_positive=False,
    )


def show(bench: Bench, *rows: Review | TrackedObject) -> None:
    """Let Frigate's API show these."""
    for row in rows:
        if isinstance(row, Review):
            bench.frigate.known_reviews[row.id] = row
        else:
            bench.frigate.known_objects.append(row)


def ids(destination: FakeDestination) -> set[str]:
    """Return the ids in the names that lie there."""
    return {path.rpartition("-")[2].partition(".")[0] for path in destination.media}


async def age(bench: Bench, nas: FakeDestination, hours: float) -> None:
    """Let entry and destination be set up so many hours ago."""
    with pytest.MonkeyPatch.context() as patch:
        now = time.time
        patch.setattr(time, "time", lambda: now() - hours * 3600)
        await bench.start(setup(nas))
        await until(lambda: bench.frigate.windows)
        await bench.stop()
    bench.frigate.windows.clear()


async def test_what_was_missed_is_found_at_the_start(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Reviews that ended or go on, objects that ended; each once."""
    caplog.set_level(logging.INFO)
    await age(bench, nas, hours=48)
    show(
        bench,
        review("long", -40000, -300),
        review("short", -500, -400),
        review("running", -100, None),
        tracked("object", -500, -450),
        tracked("parked", -500, None),
        replace(tracked("plain", -500, -450), has_snapshot=False),
    )
    await bench.start(setup(nas))
    await until(lambda: {"short", "object"} <= ids(nas))
    await until(lambda: len([path for path in nas.media if "long" in path]) == 23)
    await bench.settled()
    assert "Catching up found 4 item(s)" in caplog.text
    files = dict(nas.media)
    assert await bench.engine.catch_up() == 0
    show(bench, review("running", -100, -1))
    assert await bench.engine.catch_up() == 1
    await until(lambda: "running" in ids(nas))
    assert len(nas.history) == len(files) + 1


async def test_a_new_entry_starts_from_now(bench: Bench, nas: FakeDestination) -> None:
    """No history is sent unasked; what goes on at that moment is wanted."""
    show(
        bench,
        review("old", -500, -400),
        tracked("old", -500, -400),
        review("running", -100, None),
    )
    await bench.start(setup(nas))
    await until(lambda: bench.frigate.windows)
    show(bench, review("running", -100, 1), tracked("new", -50, 1))
    await bench.engine.catch_up()
    await until(lambda: ids(nas) == {"running", "new"})
    assert await bench.engine.catch_up(look_back=3600) == 2
    await until(lambda: ids(nas) == {"running", "new", "old"})


async def test_a_new_destination_starts_at_its_own_moment(
    bench: Bench, nas: FakeDestination
) -> None:
    """What ended before it was there goes only to the others."""
    await age(bench, nas, hours=2)
    cloud = FakeDestination()
    bench.frigate.error = FrigateUnreachable("no route")
    show(bench, review("before", -500, -400), tracked("before", -500, -400))
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    show(bench, review("after", -500, 2), tracked("after", -500, 2))
    bench.frigate.error = None
    bench.publish("available", "online")
    await until(lambda: len(nas.media) == 4)
    await until(lambda: ids(cloud) == {"after"})
    await bench.settled()
    assert len(cloud.media) == 2


async def test_an_end_that_can_not_be_one_is_listed_for_ever(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate never deletes such a review: it is no news of today."""
    await age(bench, nas, hours=60)
    old = replace(review("old", -80 * 3600, -1), end_time=None, ended=True)
    show(bench, old, review("new", -500, -400))
    await bench.start(setup(nas))
    await until(lambda: ids(nas) == {"new"})
    await bench.settled()
    assert ids(nas) == {"new"}


async def test_the_window_covers_an_outage_of_any_length(
    bench: Bench, nas: FakeDestination
) -> None:
    """At least `look_back`, at least since the last complete catch-up."""
    bench.options = EngineOptions(look_back=3600, upload_during_review=False)
    await age(bench, nas, hours=30)
    await bench.start(setup(nas))
    await until(lambda: len(bench.frigate.windows) == 2)
    (after, middle), (still_middle, before) = bench.frigate.windows
    assert middle == still_middle
    assert 30 * 3600 - 1 <= before - after <= 30 * 3600 + 301
    bench.frigate.windows.clear()
    await bench.engine.catch_up()
    after, before = bench.frigate.windows[-1]
    assert 3599 <= before - after <= 3601


async def test_an_incomplete_catch_up_is_done_again(
    bench: Bench, nas: FakeDestination
) -> None:
    """It doesn't move the window on."""
    bench.options = EngineOptions(look_back=60, upload_during_review=False)
    await age(bench, nas, hours=3)
    events = bench.frigate.events
    calls = []

    async def fail(*, after: float, **rest: Any) -> Page:
        calls.append(after)
        if len(calls) < 3:
            raise (FrigateServerError, FrigateUnreachable)[len(calls) % 2]("no")
        return await events(after=after, **rest)

    bench.frigate.events = fail  # type: ignore[method-assign]
    show(bench, review("missed", -7200, -7100))
    await bench.start(setup(nas))
    await until(lambda: len(calls) >= 3)
    assert ids(nas) <= {"missed"}
    windows = bench.frigate.windows
    assert len({round(after / 10) for after, _ in windows[:3]}) == 1
    await until(lambda: ids(nas) == {"missed"})
    assert len(nas.history) == 1


async def test_what_frigate_keeps_late_is_found(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its end lies before the last comparison, which could not see it yet."""
    bench.options = EngineOptions(look_back=0, upload_during_review=False)
    await age(bench, nas, hours=2)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    assert await bench.engine.catch_up() == 0
    await bench.at_rest()
    show(bench, review("late", -60, -50), tracked("late", -60, -50))
    await bench.engine.catch_up()
    await until(lambda: len(nas.media) == 2)
    assert ids(nas) == {"late"}


async def test_many_objects_are_read_page_by_page(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also where several began in the very same moment."""
    bench.limits = Limits(object_page=3)
    await age(bench, nas, hours=2)
    start = tracked("x", -500, -400).start_time
    for number in range(10):
        row = tracked(f"o{number}", -500, -400 + number)
        show(bench, replace(row, start_time=start + number // 2))
    await bench.start(setup(nas))
    await until(lambda: len(ids(nas)) == 10)


async def test_odd_objects_hide_no_older_ones(
    bench: Bench, nas: FakeDestination
) -> None:
    """Not even a whole page of them."""
    bench.limits = Limits(object_page=3)
    await age(bench, nas, hours=2)
    for number in range(10):
        show(bench, tracked(f"o{number}", -500 + number, -400))
    bench.frigate.odd = {"1.5-o9", "1.5-o6", "1.5-o5", "1.5-o4", "1.5-o3"}
    await bench.start(setup(nas))
    await until(lambda: ids(nas) == {"o0", "o1", "o2", "o7", "o8"})


async def test_a_day_that_fails_keeps_no_other_from_being_caught_up(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once that it fails, and once that it is over."""
    caplog.set_level(logging.INFO)
    bench.timing = replace(FAST, catch_up_pause=0.02, catch_up=0.3)
    await age(bench, nas, hours=70)
    show(
        bench,
        review("first", -69 * 3600, -69 * 3600 + 60),
        review("second", -35 * 3600, -35 * 3600 + 60),
        review("third", -3600, -3500),
        review("long", -38 * 3600, -500),
        tracked("object", -500, -450),
    )
    reviews = bench.frigate.reviews
    failures = 0
    second = time.time() - 35 * 3600

    async def fail(*, after: float, before: float) -> list[Review]:
        nonlocal failures
        assert before - after <= 86401
        if after < second < before:
            failures += 1
            raise FrigateServerError("Answer of more than 16777216 bytes")
        return await reviews(after=after, before=before)

    bench.frigate.reviews = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: failures >= 4)
    await until(lambda: {"first", "third", "object"} <= ids(nas))
    await until(lambda: len([path for path in nas.media if "long" in path]) == 76)
    assert "second" not in ids(nas)
    with pytest.raises(FrigateServerError):
        await bench.engine.catch_up()
    bench.frigate.reviews = reviews  # type: ignore[method-assign]
    await until(lambda: "second" in ids(nas))
    await until(lambda: "Catching up works again" in caplog.text)
    told = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.getMessage().startswith("Catching up") and "item" not in record.msg
    ]
    assert told == [
        ("ERROR", "Catching up has to wait: Answer of more than 16777216 bytes"),
        ("INFO", "Catching up works again"),
    ]
    assert len(nas.history) == len(set(nas.history))


async def test_a_failure_that_lasts_is_met_with_patience(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Each time after twice as long; it is told once, at the third time."""
    asked: list[float] = []

    async def fail(*, after: float, before: float) -> list[Review]:
        asked.append(time.monotonic())
        raise FrigateServerError("Answer of more than 16777216 bytes")

    def errors() -> list[str]:
        return [
            each.getMessage()
            for each in caplog.records
            if each.levelno > logging.INFO and each.name != "asyncio"
        ]

    bench.frigate.reviews = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: len(asked) >= 2)
    assert not errors()
    await until(lambda: len(asked) >= 6)
    pauses = [after - before for before, after in pairwise(asked)]
    # The connection to the broker, too, may have been a reason to ask.
    for number, pause in enumerate(pauses[1:]):
        assert pause >= FAST.catch_up_pause * 2**number * 0.9
    assert errors() == ["Catching up has to wait: Answer of more than 16777216 bytes"]


async def test_endless_pages_end(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A Frigate that always answers the same can't hold us up for ever."""
    bench.limits = Limits(object_page=2, object_pages=5)
    await age(bench, nas, hours=2)
    for number in range(20):
        show(bench, tracked(f"o{number}", -500 + number, -400 + number))
    await bench.start(setup(nas))
    await until(lambda: "more tracked objects than can be caught up" in caplog.text)


async def test_what_was_not_captured_stays_at_home(
    bench: Bench, nas: FakeDestination
) -> None:
    """Catching up must not send what the owner kept at home."""
    await bench.start(setup(nas))
    await bench.engine.set_capture(False)
    await asyncio.sleep(0.02)
    show(bench, review("home", -0.01, 3), tracked("home", -0.01, 3))
    await asyncio.sleep(0.02)
    await bench.engine.set_capture(True)
    assert await bench.engine.catch_up() == 0
    assert await bench.settled() == {"skipped": 2}
    assert not nas.history


async def test_every_quarter_of_an_hour(bench: Bench, nas: FakeDestination) -> None:
    """Without any event from outside."""
    bench.timing = replace(FAST, catch_up=0.05)
    await bench.start(setup(nas))
    await until(lambda: len(bench.frigate.windows) >= 3)


async def test_a_time_that_was_asked_for_moves_no_window(
    bench: Bench, nas: FakeDestination
) -> None:
    """What was missed before it is still to be looked for."""
    bench.options = EngineOptions(look_back=60, upload_during_review=False)
    await age(bench, nas, hours=30)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected is False)
    bench.frigate.error = None
    await bench.engine.catch_up(look_back=60)
    await bench.engine.catch_up()
    (after, _), (_, before) = bench.frigate.windows[1:3]
    assert before - after > 29 * 3600
