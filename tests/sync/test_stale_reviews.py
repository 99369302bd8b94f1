"""Reviews that claim to have begun long ago, or to go on when they don't any more.

Frigate's host may have begun without a clock, and MQTT's messages get lost.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateServerError
from custom_components.frigate_snap_sync.frigate.models import Review, Severity
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    fetch_queue,
    items,
    outcomes,
    review_ends,
    schema,
    uploads,
)
from custom_components.frigate_snap_sync.sync.model.item import (
    Item,
    Media,
    Role,
    UploadState,
)
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)
from custom_components.frigate_snap_sync.sync.model.rank import Rank

from ..waiting import LONG
from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .faults import Job, RunJob
from .test_long_reviews import DAY, film, names


@pytest.fixture
def nas(bench: Bench) -> FakeDestination:
    """Return a destination, of an engine that uploads during reviews."""
    bench.timing = replace(bench.timing, review_pause=0.02)
    bench.options = EngineOptions(part_length=10)
    return FakeDestination()


def known(bench: Bench, start: float, end: float | None = None) -> str:
    """Let Frigate's API know a review that began then; return its id."""
    review = Review(
        id=f"{start}-abc123",
        camera="front_door",
        start_time=start,
        end_time=end,
        ended=end is not None,
        severity=Severity.ALERT,
        labels=frozenset({"person"}),
        zones=frozenset(),
    )
    bench.frigate.known_reviews[review.id] = review
    return review.id


def looks(bench: Bench) -> Callable[[], int]:
    """Count how often Frigate was asked for single reviews."""
    ask = bench.frigate.review
    asked: list[str] = []

    async def count(review_id: str) -> Review | None:
        asked.append(review_id)
        return await ask(review_id)

    bench.frigate.review = count  # type: ignore[method-assign]
    return lambda: len(asked)


async def test_a_new_one_that_began_days_ago(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is looked up first, and planned from what the recordings show."""
    now = time.time()
    start = float(int(now) - 5 * 86400)
    asked = film(bench, start, (-5, 9), (5 * DAY - 30, 5 * DAY - 18))
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    # Else it finds the review as well.
    await bench.engine.catch_up()
    review = known(bench, start)
    hours, counted = bench.frigate.hours, looks(bench)

    async def nothing_planned_yet(camera: str) -> list[int]:
        assert counted() == 1
        assert not await bench.uploads()
        return await hours(camera)

    bench.frigate.hours = nothing_planned_yet  # type: ignore[method-assign]
    before = len(bench.frigate.summaries)
    bench.review("new", source_id=review, start=start)
    await until(lambda: "-01.mp4" in names(nas) and "-part001.mp4" in names(nas))
    assert len(bench.frigate.summaries) == before + 1
    first, *others = asked()
    assert first == (-5, 9)
    assert all(begin >= 5 * DAY - 30 for begin, _ in others)
    assert len(await bench.uploads(limit=1000)) <= 4


async def test_one_that_ends_three_seconds_later(
    bench: Bench, nas: FakeDestination
) -> None:
    """What Frigate recorded of it under either clock arrives, and not days of nothing."""
    now = float(int(time.time()))
    start = now - 5 * DAY
    asked = film(bench, start, (-5, 9), (5 * DAY - 20, 5 * DAY - 7))
    review = known(bench, start)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", source_id=review, start=start)
    bench.review("end", source_id=review, start=start, end=now - 8)
    await until(lambda: {"-01.mp4", "-02.mp4"} <= set(names(nas)))
    await bench.settled()
    wholes = {clip for clip in asked() if clip[0] in (-5, 5 * DAY - 20)}
    assert (-5, 9) in wholes
    assert (5 * DAY - 20, 5 * DAY - 7) in wholes
    assert len(await bench.uploads(limit=1000)) <= 5


async def test_it_has_ended_without_a_word(bench: Bench, nas: FakeDestination) -> None:
    """Frigate's API says so when it is looked up."""
    start = float(int(time.time()) - 1000)
    review = known(bench, start, start + 20)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("update", source_id=review, start=start)
    await until(lambda: names(nas) == [".mp4"])
    assert await bench.settled() == {"verified": 1}


async def test_one_that_frigate_does_not_know(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing is planned of it until it does."""
    start = float(int(time.time()) - 1000)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    counted = looks(bench)
    review = bench.review("new", start=start)
    await until(counted)
    assert await bench.settled() == {}
    assert not bench.frigate.clips
    known(bench, start)
    bench.review("update", source_id=review, start=start)
    await until(lambda: "-part001.mp4" in names(nas))


@pytest.mark.parametrize("minutes", [9, 11])
async def test_an_honest_one_is_planned_without_a_look(
    bench: Bench, nas: FakeDestination, minutes: int
) -> None:
    """Up to ten minutes: after a restart of Home Assistant, say."""
    bench.timing = replace(FAST, silence=-1)
    start = float(int(time.time()) - minutes * 60)
    known(bench, start)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", start=start)
    await until(lambda: "-part001.mp4" in names(nas))
    assert bool(bench.frigate.summaries) is (minutes > 10)


async def test_one_that_has_a_half_hour_already_is_looked_up(
    bench: Bench, nas: FakeDestination
) -> None:
    """Without parts that would be the first that is planned of it."""
    bench.options = EngineOptions(upload_during_review=False)
    start = float(int(time.time()) - 35 * 60)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    counted = looks(bench)
    review = bench.review("new", start=start)
    await until(counted)
    assert await bench.settled() == {}
    known(bench, start)
    bench.review("update", source_id=review, start=start)
    await until(lambda: "-01.mp4" in names(nas))


async def test_a_clock_that_jumps_in_mid_review(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's host learns the time: that is no reason to plan five days."""
    bench.frigate.clock_offset = 5 * DAY
    start = float(int(time.time() - 5 * DAY) - 30)
    asked = film(bench, start, (-5, 12), (5 * DAY + 20, 5 * DAY + 600))
    review = known(bench, start)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", source_id=review, start=start)
    await until(lambda: "-part001.mp4" in names(nas))
    assert not bench.frigate.summaries
    bench.frigate.clock_offset = 0
    bench.review("update", source_id=review, start=start)
    await until(lambda: bench.frigate.summaries)
    await until(lambda: any(begin > 5 * DAY for begin, _ in asked()))
    assert len(await bench.uploads(limit=1000)) <= 6


async def test_the_end_cancels_what_was_planned_beyond_it(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its end was missed, and Frigate went away; then it is told."""
    bench.timing = replace(FAST, stale=3600, gone_after=3600, part_patience=3600)
    bench.frigate.footage = lambda camera, after, before: []
    start = time.time() - 700
    review = known(bench, start)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", source_id=review, start=start)
    await bench.pending(2)
    bench.review("end", source_id=review, start=start, end=start + 20)
    async with asyncio.timeout(LONG):
        while not (skipped := await bench.uploads(state="skipped")):
            await asyncio.sleep(0.01)
    bench.frigate.footage = None
    await until(lambda: names(nas) == [".mp4"])
    await bench.settled()
    assert {row.reason for row in skipped} == {review_ends.BEYOND_THE_END}
    assert max(end for _, _, end in bench.frigate.clips) <= start + 26
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)


async def test_an_end_that_was_missed_is_asked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """With nothing heard, when the next part is planned: no catch-up comes before."""
    bench.timing = replace(FAST, silence=0, catch_up=900)
    # The second part begins in 6 s. One of a time after the end would stay.
    start = time.time() - 14
    review = known(bench, start)
    await bench.start(setup(nas))
    await until(lambda: bench.frigate.windows)
    bench.review("new", source_id=review, start=start)
    await until(lambda: "-part001.mp4" in names(nas))
    caught_up = len(bench.frigate.windows)
    known(bench, start, time.time() - 6)
    await until(lambda: names(nas) == [".mp4"])
    assert len(bench.frigate.windows) == caught_up


async def test_an_end_is_asked_for_while_the_review_is_greeted(
    bench: Bench, nas: FakeDestination
) -> None:
    """Whether Frigate shows the review at all is asked first; the rest is not dropped."""
    bench.timing = replace(FAST, silence=3600, catch_up=900)
    await bench.start(setup(nas))
    await until(lambda: bench.frigate.windows)
    start = time.time() - 14
    greeted: list[str] = []

    async def ask_meanwhile(job: Job, run: RunJob) -> Any:
        if job is items.review and not greeted:
            greeted.append(known(bench, start, time.time() - 6))
            bench.engine._services.signals.review_unsure(greeted[0])  # noqa: SLF001
        return await run(job)

    bench.faults.run = ask_meanwhile
    bench.review("new", start=start)
    await until(lambda: greeted)
    await until(lambda: names(nas) == [".mp4"])


async def test_a_review_is_asked_for_once_a_part_and_only_in_silence(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate tells of most of them."""
    bench.timing = replace(FAST, silence=3600)
    counted = looks(bench)
    start = time.time() - 19
    review = known(bench, start)
    await bench.start(setup(nas))
    bench.review("new", source_id=review, start=start)
    await until(lambda: "-part001.mp4" in names(nas))
    # At the start all that go on are looked at, and then once a part.
    at_start = counted()
    await until(lambda: "-part002.mp4" in names(nas))
    assert counted() == at_start
    await bench.stop()
    bench.timing = replace(FAST, silence=0)
    await bench.start(setup(nas))
    await until(lambda: "-part003.mp4" in names(nas))
    assert at_start < counted() <= at_start + 3


async def test_frigate_can_not_tell_of_the_review(
    bench: Bench, nas: FakeDestination
) -> None:
    """An answer that is broken keeps no footage from leaving."""

    async def fail(review_id: str) -> Review | None:
        raise FrigateServerError("Answer of more than 16777216 bytes")

    bench.frigate.review = fail  # type: ignore[method-assign]
    start = float(int(time.time()) - 5 * 86400)
    film(bench, start, (-5, 9), (5 * DAY - 30, 5 * DAY - 18))
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", start=start)
    await until(lambda: "-01.mp4" in names(nas) and "-part001.mp4" in names(nas))


@pytest.fixture
def connection() -> sqlite3.Connection:
    """Return an empty ledger in memory with a destination."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    destinations.keep_destinations(connection, ["nas"], now=0)
    return connection


def item(name: str, severity: Severity = Severity.ALERT) -> Item:
    """Return a review of that name."""
    return Item(
        media=Media.RECORDINGS,
        source_id=f"1.5-{name}",
        camera="front_door",
        label="",
        labels=frozenset(),
        zones=frozenset(),
        severity=severity,
        start=1.5,
        end=None,
        reported_at=2,
    )


def plan(start: int, end: int, number: int = 1, role: Role = Role.WHOLE) -> FilePlan:
    """Return a file that is due since it was over."""
    return FilePlan(
        state=FileState.WANTED,
        uploads=(UploadPlan(destination_id="nas", path="a/b.mp4"),),
        role=role,
        number=number,
        suffix=f"{role}{number}",
        start=start,
        end=end,
        due=end,
        ended_at=end,
    )


def test_an_end_cuts_files_that_are_not_sent_yet(
    connection: sqlite3.Connection,
) -> None:
    """What lies behind it is skipped, fetched or not; what holds it becomes shorter."""
    review = item("abc123")
    items.remember_open(connection, review)
    parts = [plan(0, 30, 1, Role.PART), plan(30, 60, 2, Role.PART)]
    parts += [plan(60, 90, 3, Role.PART), plan(90, 120, 4, Role.PART)]
    items.add_files(connection, review, (*parts, plan(0, 1800), plan(1800, 3600, 2)))
    for number in (1, 4):
        fetch_queue.fetched(
            connection, number, spool_name=f"s{number}", size=7, sha256="00"
        )
    outcomes.verified(connection, 1, size=7, now=1)
    ended = review_ends.cut_off(connection, review.source_id, end=50, now=130)
    assert list(ended.freed) == ["s4"]
    rows = connection.execute(
        "SELECT files.role, number, files.state AS file, end, uploads.state AS upload, reason"
        " FROM files JOIN uploads ON file_id = files.id ORDER BY files.id"
    )
    reason = review_ends.BEYOND_THE_END
    assert [tuple(row)[1:] for row in rows] == [
        (1, "released", 30, "verified", None),
        (2, "wanted", 50, "pending", None),
        (3, "released", 90, "skipped", reason),
        (4, "released", 120, "skipped", reason),
        (1, "wanted", 50, "pending", None),
        (2, "released", 3600, "skipped", reason),
    ]
    progress = items.progress(connection, review.source_id, end=50)
    assert (progress.parts, progress.parts_end) == (4, 50)
    assert (progress.pieces, progress.pieces_end) == (2, 50)
    # Of one that has ended nothing is cut any more.
    items.plan(connection, replace(review, end=45), ())
    ended = review_ends.cut_off(connection, review.source_id, end=10, now=130)
    assert not ended.freed


def test_fresh_alerts_wait_for_nothing_old(connection: sqlite3.Connection) -> None:
    """Neither in fetching nor in sending, whatever is due since when; then the rest."""
    now = 1e6
    stale = [plan(at, at + 1800, at) for at in range(1, 500_000, 1800)]
    stale += [plan(at, at + 600, at, Role.PART) for at in (500_000, 500_600)]
    for name, severity, plans in (
        ("stale01", Severity.ALERT, stale),
        ("fresh1", Severity.DETECTION, [plan(999_000, 999_100)]),
        ("fresh2", Severity.ALERT, [plan(999_000, 999_200)]),
        ("fresh3", Severity.ALERT, [plan(999_000, 999_300, 1, Role.PART)]),
        ("fresh4", Severity.DETECTION, [plan(999_000, 999_400, 1, Role.PART)]),
    ):
        items.plan(connection, replace(item(name, severity), end=9), tuple(plans))
    fetches = fetch_queue.next_fetches(
        connection, now=now, ranks=list(Rank), exclude=(), limit=999, fresh_for=3600
    )
    names = [job.item.short_id for job in fetches]
    assert names[:3] == ["fresh3", "fresh4", "fresh2"]
    assert set(names[3:-1]) == {"stale01"}
    assert names[-1] == "fresh1"
    assert len(names) == len(stale) + 4
    assert [job.role for job in fetches[3:6]] == [Role.PART, Role.PART, Role.WHOLE]
    # Files that others fetch are left out of each turn.
    taken = {job.file_id for job in fetches[:3]}
    (first,) = fetch_queue.next_fetches(
        connection, now=now, ranks=list(Rank), exclude=taken, limit=1, fresh_for=3600
    )
    assert first.file_id == fetches[3].file_id

    for job in fetches:
        fetch_queue.fetched(
            connection, job.file_id, spool_name=f"{job.file_id}", size=7, sha256="00"
        )
    sends = uploads.next_uploads(
        connection,
        "nas",
        ranks=list(Rank),
        now=now,
        exclude=(),
        limit=999,
        fresh_for=3600,
    )
    assert [job.file_id for job in sends[:3]] == [job.file_id for job in fetches[:3]]
    assert {job.item.short_id for job in sends[3:-1]} == {"stale01"}
    assert sends[-1].item.short_id == "fresh1"
    assert len(sends) == len(fetches)


def test_what_is_not_due_yet_holds_up_nothing(connection: sqlite3.Connection) -> None:
    """A fresh alert that Frigate does not have yet lets older ones pass."""
    late = replace(plan(999_000, 999_100), due=1e6 + 1)
    items.plan(connection, replace(item("late"), end=9), (late,))
    items.plan(connection, replace(item("old"), end=9), (plan(1, 100),))
    (job,) = fetch_queue.next_fetches(
        connection, now=1e6, ranks=list(Rank), exclude=(), limit=1, fresh_for=3600
    )
    assert job.item.short_id == "old"


async def test_a_fresh_alert_beside_days_of_backlog(
    bench: Bench, nas: FakeDestination
) -> None:
    """It arrives at once, and the backlog is worked through after it."""
    bench.options = EngineOptions(upload_during_review=False)
    start = float(int(time.time()) - 2 * 86400)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("end", start=start, end=start + 86400)
    await until(lambda: len(nas.history) >= 2)
    before = len(nas.history)
    now = time.time()
    bench.review("end", source_id=f"{now}-fresh1", start=now - 40, end=now - 6)
    await until(lambda: any("fresh1" in path for path in nas.media))
    place = next(number for number, path in enumerate(nas.history) if "fresh1" in path)
    # What was being fetched, what was being sent, and what one of them did meanwhile.
    assert place - before <= 5
    assert len(nas.history) < 48
    await until(lambda: len(nas.media) == 49, seconds=60)
    assert UploadState.PENDING not in await bench.settled()
