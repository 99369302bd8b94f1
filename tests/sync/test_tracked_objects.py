"""Pictures of objects whose end MQTT does not tell, however long they were there."""

from dataclasses import replace
import sqlite3
import sys
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.models import TrackedObject
from custom_components.frigate_snap_sync.frigate.parsers import parse_object
from custom_components.frigate_snap_sync.sync.ledger import (
    tracked_objects as ledger_tracked,
)
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .test_catch_up import age, ids, show, tracked
from .test_off_periods import switch_off

DAY = 86400.0


async def remembered(bench: Bench) -> set[str]:
    """Return the objects whose end is still to be heard of."""
    ledger = bench.engine._ledger  # noqa: SLF001
    return set(await ledger.run(ledger_tracked.remembered))


async def caught_up(bench: Bench) -> None:
    """Wait until the comparison at the start is over: it helps nobody any more."""
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.catch_up()


def change(bench: Bench, row: TrackedObject, **changes: object) -> None:
    """Let Frigate show a known object in another way."""
    objects = bench.frigate.known_objects
    objects[:] = [each for each in objects if each.id != row.id]
    objects.append(replace(row, **changes))  # type: ignore[arg-type]


# Objects that were there for long


@pytest.mark.parametrize("days", [0.5, 2, 40])
async def test_a_long_object_that_left_while_home_assistant_was_off(
    bench: Bench, nas: FakeDestination, days: float
) -> None:
    """Frigate knows it by its start, which lies far before the window."""
    bench.limits = Limits(object_page=20)
    await age(bench, nas, hours=60)
    others = [tracked(f"short{n}", -70000 - 60 * n, -69990 - 60 * n) for n in range(50)]
    show(bench, tracked("parked", -days * DAY, -60), *others)
    show(bench, tracked("before", -days * DAY - 1, -61 * 3600))
    await bench.start(setup(nas, selection=Selection(labels=frozenset({"person"}))))
    await until(lambda: "parked" in ids(nas))
    await bench.settled()
    assert "before" not in ids(nas)


async def test_long_objects_cost_few_questions(
    bench: Bench, nas: FakeDestination
) -> None:
    """Of all that began before the window only long ones are looked through."""
    await age(bench, nas, hours=30)
    show(
        bench, *(tracked(f"o{n}", -2 * DAY - 60 * n, -2 * DAY + 5) for n in range(900))
    )
    show(bench, tracked("parked", -20 * DAY, -60))
    bench.frigate.pages = 0
    await bench.start(setup(nas))
    await until(lambda: ids(nas) == {"parked"})
    await until(lambda: bench.frigate.pages)
    assert bench.frigate.pages < 10


@pytest.mark.parametrize("known_by", ["mqtt", "api", "review"])
async def test_what_a_killed_frigate_tracked(
    bench: Bench, nas: FakeDestination, known_by: str
) -> None:
    """It says later that it ended 30 s after its beginning, days ago."""
    await age(bench, nas, hours=3 * 24)
    car = tracked("car", -2.5 * DAY, None)
    await bench.start(setup(nas))
    await caught_up(bench)
    match known_by:
        case "mqtt":
            bench.tracked_object(
                "new", source_id=car.id, start_time=car.start_time, end_time=None
            )
        case "api":
            show(bench, car)
            await bench.engine.catch_up()
        case "review":
            bench.review("new", detections=[car.id])

    async def is_remembered() -> bool:
        return await remembered(bench) == {car.id}

    await until(is_remembered)
    await bench.stop()
    change(bench, car, end_time=car.start_time + 30)
    await bench.start(setup(nas))
    await until(lambda: "car" in ids(nas))
    assert not await remembered(bench)
    (row,) = await bench.uploads()
    assert row.item_id == car.id


async def test_what_a_killed_frigate_tracked_in_a_time_with_capture_off(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nobody knows when its picture was taken."""
    await age(bench, nas, hours=72)
    car = tracked("car", -3000, None)
    show(bench, car)
    await bench.start(setup(nas))
    await caught_up(bench)
    assert await remembered(bench) == {car.id}
    await switch_off(bench, time.time() - 1000, time.time() - 900)
    change(bench, car, end_time=car.start_time + 30)
    assert await bench.engine.catch_up() == 0
    assert await bench.settled() == {"skipped": 1}
    assert not await remembered(bench)


async def test_a_review_that_names_what_a_killed_frigate_tracked(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its end is as wrong when the object is asked for because of the review."""
    await age(bench, nas, hours=72)
    car = tracked("car", -3000, None)
    show(bench, car)
    only = Selection(media=frozenset({Media.SNAPSHOTS}))
    await bench.start(setup(nas, selection=only))
    await caught_up(bench)
    assert await remembered(bench) == {car.id}
    await switch_off(bench, time.time() - 1000, time.time() - 900)
    change(bench, car, end_time=car.start_time + 30)
    bench.review("end", start=car.start_time, end=time.time(), detections=[car.id])

    async def is_forgotten() -> bool:
        return not await remembered(bench)

    await until(is_forgotten)
    assert await bench.settled() == {"skipped": 1}
    assert not nas.media


async def test_a_later_destination_gets_what_was_tracked_when_it_came(
    bench: Bench, nas: FakeDestination
) -> None:
    """Although a killed Frigate says that it had long ended then."""
    await age(bench, nas, hours=72)
    car = tracked("car", -2 * DAY, None)
    show(bench, car)
    cloud = FakeDestination()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await caught_up(bench)
    change(bench, car, end_time=car.start_time + 30)
    await bench.engine.catch_up()
    await until(lambda: ids(nas) == ids(cloud) == {"car"})


@pytest.mark.parametrize("end", ["later", float("nan"), sys.maxsize, True, -1])
@pytest.mark.parametrize("known_by", ["mqtt", "review", "api"])
async def test_an_end_that_can_not_be_a_time(
    bench: Bench, nas: FakeDestination, known_by: str, end: object
) -> None:
    """It has ended all the same: its picture comes, and nothing is remembered."""
    await bench.start(setup(nas))
    await caught_up(bench)
    car = replace(tracked("car", -100, None), start_time=time.time() - 10)
    match known_by:
        case "mqtt":
            bench.tracked_object("new", source_id=car.id, end_time=None)
        case "review":
            bench.frigate.error = FrigateServerError("busy")
            bench.review("new", detections=[car.id])
        case "api":
            show(bench, car)
            await bench.engine.catch_up()

    async def is_remembered() -> bool:
        return await remembered(bench) == {car.id}

    await until(is_remembered)
    bench.frigate.error = None
    row: dict[str, object] = {"id": car.id, "camera": "front_door"}
    row |= {"label": "person", "has_snapshot": True}
    row |= {"start_time": car.start_time, "end_time": end}
    bench.frigate.known_objects[:] = [parse_object(row)]
    await bench.engine.catch_up()
    await until(lambda: "car" in ids(nas))
    assert not await remembered(bench)
    await bench.engine.catch_up()
    await bench.settled()
    assert bench.frigate.snapshots == [car.id]


async def test_what_never_had_a_picture_is_forgotten(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate keeps no row of it, or one without a picture."""
    bench.timing = replace(FAST, missing_after=0.05)
    await bench.start(setup(nas))
    await caught_up(bench)
    plain = tracked("plain", -100, None)
    bench.tracked_object("new", source_id="1.5-never", end_time=None)
    bench.tracked_object("new", source_id=plain.id, end_time=None)

    async def are_remembered() -> bool:
        return len(await remembered(bench)) == 2

    await until(are_remembered)
    show(bench, replace(plain, end_time=time.time(), has_snapshot=False))

    async def are_forgotten() -> bool:
        await bench.engine.catch_up()
        return not await remembered(bench)

    await until(are_forgotten)
    assert not nas.media


async def test_what_is_heard_is_forgotten(bench: Bench, nas: FakeDestination) -> None:
    """With the item in the same step; who wants no pictures remembers nothing."""
    await bench.start(setup(nas))
    await caught_up(bench)
    bench.tracked_object("new", source_id="1.5-visitor", end_time=None)
    bench.tracked_object(source_id="1.5-visitor")
    await until(lambda: nas.media)
    assert not await remembered(bench)
    only = Selection(media=frozenset({Media.RECORDINGS}))
    await bench.engine.apply_destinations([setup(nas, selection=only)])
    bench.tracked_object("new", source_id="1.5-next", end_time=None)
    bench.review("new", detections=["1.5-other"])
    bench.tracked_object("end", source_id="1.5-next")
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    assert not await remembered(bench)
    assert not bench.frigate.events_asked


async def test_one_object_that_frigate_can_not_give_stops_no_other(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is asked for again at the next comparison."""
    await age(bench, nas, hours=72)
    rows = [tracked(name, -2 * DAY, None) for name in ("odd", "car")]
    show(bench, *rows)
    await bench.start(setup(nas))
    await caught_up(bench)
    for row in rows:
        change(bench, row, end_time=row.start_time + 30)
    event = bench.frigate.event

    async def fail(event_id: str) -> TrackedObject | None:
        if event_id == rows[0].id:
            raise FrigateServerError("/api/events: odd")
        return await event(event_id)

    bench.frigate.event = fail  # type: ignore[method-assign]
    await bench.engine.catch_up()
    await until(lambda: ids(nas) == {"car"})
    bench.frigate.event = event  # type: ignore[method-assign]
    await bench.engine.catch_up()
    await until(lambda: ids(nas) == {"car", "odd"})


# Objects that only a review names


async def test_the_picture_of_a_manual_event(
    bench: Bench, nas: FakeDestination
) -> None:
    """It comes as soon as its review is heard of: nothing else is on MQTT."""
    await bench.start(setup(nas))
    await caught_up(bench)
    bell = replace(tracked("bell", -1, 29), label="doorbell")
    show(bench, bell)
    bench.review("update", start=time.time(), detections=[bell.id])
    await until(lambda: ids(nas) == {"bell"})
    assert bench.frigate.snapshots == [bell.id]


async def test_the_ledger_fails_when_a_review_names_an_object(
    bench: Bench, nas: FakeDestination
) -> None:
    """The message is taken once more, and the object is looked up then."""
    failed: list[str] = []

    def fail_once(connection: sqlite3.Connection, *args: Any, **kwargs: Any) -> None:
        if not failed:
            failed.append("once")
            raise sqlite3.OperationalError("disk I/O error")
        ledger_tracked.remember(connection, *args, **kwargs)

    await bench.start(setup(nas))
    await caught_up(bench)
    bell = replace(tracked("bell", -1, 29), label="doorbell")
    show(bench, bell)
    bench.faults.jobs[ledger_tracked.remember] = fail_once
    bench.review("update", start=time.time(), detections=[bell.id])
    await until(lambda: ids(nas) == {"bell"})
    assert failed


async def test_a_manual_event_without_an_end(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its picture can be had when it is over; Frigate may be late to say so."""
    bench.timing = replace(FAST, lookup_patience=60)
    await bench.start(setup(nas))
    await caught_up(bench)
    bell = tracked("bell", -1, None)
    show(bench, bell)
    start = time.time()
    review = bench.review("update", start=start, detections=[bell.id])
    await until(lambda: bench.frigate.events_asked)
    bench.frigate.events_asked.clear()
    bench.review(
        "end", source_id=review, start=start, end=start + 1, detections=[bell.id]
    )
    await until(lambda: bench.frigate.events_asked)
    assert ids(nas) <= {"abc123"}
    change(bench, bell, end_time=start + 1)
    await until(lambda: "bell" in ids(nas))


@pytest.mark.parametrize("has_ended", [True, False])
@pytest.mark.parametrize("is_named", [True, False])
async def test_a_manual_event_of_a_review_whose_messages_got_lost(
    bench: Bench, nas: FakeDestination, is_named: bool, has_ended: bool
) -> None:
    """Its end, or the one that names the event: the API tells when it is asked."""
    bench.timing = replace(FAST, catch_up=3600, lookup_patience=60)
    await bench.start(setup(nas))
    await caught_up(bench)
    bell = tracked("bell", -1, None)
    show(bench, bell)
    start = time.time()
    review = bench.review(
        "update", start=start, detections=[bell.id] if is_named else [], known=True
    )
    known = replace(
        bench.frigate.known_reviews[review], detections=frozenset({bell.id})
    )

    async def is_left_for_later() -> bool:
        ledger = bench.engine._ledger  # noqa: SLF001
        return await ledger.run(ledger_tracked.tracked_at, bell.id) is not None

    if is_named:
        await until(is_left_for_later)
    await bench.at_rest()
    change(bench, bell, end_time=start + 1)
    if has_ended:
        known = replace(known, end_time=start + 1, ended=True)
    bench.frigate.known_reviews[review] = known
    bench.engine._services.signals.review_unsure(review)  # noqa: SLF001
    await until(lambda: "bell" in ids(nas))
    assert bench.frigate.snapshots == [bell.id]


async def test_a_row_that_comes_late(bench: Bench, nas: FakeDestination) -> None:
    """Frigate may tell of a review before its object is in the database."""
    await bench.start(setup(nas))
    await caught_up(bench)
    bell = tracked("bell", -1, 29)
    bench.review("update", start=time.time(), detections=[bell.id])
    await until(lambda: bench.frigate.events_asked)
    show(bench, bell)
    await until(lambda: ids(nas) == {"bell"})


async def test_what_mqtt_tells_of_is_not_asked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """Whichever message comes first; its end comes by itself."""
    bench.timing = replace(FAST, lookup=0.3)
    await bench.start(setup(nas))
    await caught_up(bench)
    for number, order in enumerate((("new", "review"), ("review", "new"))):
        for kind in order:
            if kind == "new":
                bench.tracked_object("new", source_id=f"1.5-o{number}", end_time=None)
            else:
                bench.review("new", start=number, detections=[f"1.5-o{number}"])
    # One that is asked for, so that the two before it have been decided on.
    bench.review("update", start=2.0, detections=["1.5-manual"])
    await until(lambda: bench.frigate.events_asked)
    assert set(bench.frigate.events_asked) == {"1.5-manual"}


async def test_an_end_that_was_missed(bench: Bench, nas: FakeDestination) -> None:
    """The end of the review tells that the object has left."""
    await bench.start(setup(nas))
    await caught_up(bench)
    person = tracked("person", -60, -40)
    start = time.time() - 60
    bench.tracked_object("new", source_id=person.id, end_time=None)
    review = bench.review("new", start=start, detections=[person.id])
    show(bench, person)
    bench.review(
        "end", source_id=review, start=start, end=start + 20, detections=[person.id]
    )
    await until(lambda: "person" in ids(nas))


async def test_frigate_is_away_when_a_review_names_an_object(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is asked for when Frigate is back, also after a restart in between."""
    await bench.start(setup(nas))
    await caught_up(bench)
    bench.frigate.error = FrigateUnreachable("no route")
    bell = tracked("bell", -1, 29)
    show(bench, bell)
    bench.review("update", start=time.time(), detections=[bell.id])

    async def is_remembered() -> bool:
        return await remembered(bench) == {bell.id}

    await until(is_remembered)
    await bench.stop()
    await bench.start(setup(nas))
    bench.frigate.error = None
    bench.publish("available", "online")
    await until(lambda: ids(nas) == {"bell"})


async def test_a_review_that_names_very_many_objects(
    bench: Bench, nas: FakeDestination
) -> None:
    """What is kept of them is bounded, and so is what waits."""
    await bench.start(setup(nas))
    await caught_up(bench)
    for number in range(12):
        names = [f"1.5-o{number}-{other}" for other in range(1000)]
        bench.review("update", start=float(number), detections=names)
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    assert len(await remembered(bench)) == ledger_tracked.MOST
    assert len(bench.engine._parts.intake.lookup._waiting) <= 1000  # noqa: SLF001
