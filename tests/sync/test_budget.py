"""A monthly volume budget: what is sent of it, what waits, and when it is released."""

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path
import re
import sqlite3
from typing import override
from zoneinfo import ZoneInfo

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaNotReady
from custom_components.frigate_snap_sync.frigate.models import Segment, Severity
from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.source import open_source
from custom_components.frigate_snap_sync.sync.engine import (
    DestinationSetup,
    EngineOptions,
)
from custom_components.frigate_snap_sync.sync.ledger import budgets
from custom_components.frigate_snap_sync.sync.model.budget import (
    HELD_BACK,
    STAGES,
    Sendable,
    kind_of,
    month_of,
    sendable,
)
from custom_components.frigate_snap_sync.sync.model.item import Media, Role
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason

from ..waiting import promptly
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, GONE, IMAGE, FakeDestination
from .test_unknown_items import age_items

BERLIN = ZoneInfo("Europe/Berlin")
MANUAL = Path(__file__).parents[2] / "docs" / "uploads.md"
SIZE = 10_000_000
"""A budget that takes a few clips."""


class Calendar:
    """A clock that tells the month, and stands still."""

    def __init__(self, moment: str) -> None:
        """Begin at a local time."""
        self.set(moment)

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def set(self, moment: str) -> None:
        """Let it be another local time."""
        self.now = datetime.fromisoformat(moment).replace(tzinfo=BERLIN).timestamp()


@pytest.fixture
def calendar(bench: Bench) -> Calendar:
    """Return the clock of the month, in the middle of one."""
    calendar = Calendar("2026-11-15")
    bench.timing = replace(
        FAST, calendar=calendar, budget_flush=0.01, month_check=0.02, daily=0.05
    )
    return calendar


def budgeted(nas: FakeDestination, budget: int = SIZE) -> DestinationSetup:
    """Return a destination with a budget."""
    return replace(setup(nas), volume_budget=budget)


async def spend(bench: Bench, percent: int, *, of: int = SIZE) -> None:
    """Let so much of the budget be used already, and the ledger know it."""
    worker = bench.engine._pool.workers["nas"]  # noqa: SLF001
    await asyncio.wait_for(worker.budget.loaded.wait(), 20)
    worker.budget.count(of * percent // 100)
    await worker.budget._update(())  # noqa: SLF001
    await until(
        lambda: (
            bench.status.destinations["nas"].budget is not None
            and bench.status.destinations["nas"].budget.percent >= percent
        )
    )


async def states(bench: Bench) -> dict[tuple[str, str], str]:
    """Return the uploads' states and reasons, by medium and severity's label."""
    return {
        (row.media, row.label): row.state if row.reason is None else row.reason
        for row in await bench.uploads()
    }


def test_the_manual_has_the_same_table() -> None:
    """What the code holds back is what the manual says."""
    rows = re.findall(
        r"(?m)^\| (?:below|from) (\d+) % \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$",
        MANUAL.read_text(),
    )
    kinds = {
        1: (Sendable.LIVE_SNAPSHOT, Sendable.LIVE_SNAPSHOT),
        2: (Sendable.ALERT_SNAPSHOT, Sendable.DETECTION_SNAPSHOT),
        3: (Sendable.ALERT_PART, Sendable.DETECTION_PART),
        4: (Sendable.ALERT_WHOLE, Sendable.DETECTION_WHOLE),
    }
    said = []
    for index, row in enumerate(rows):
        sent = set()
        for column, (alert, detection) in kinds.items():
            assert row[column] in ("all", "alerts", "none")
            sent |= {alert} if row[column] != "none" else set()
            sent |= {detection} if row[column] == "all" else set()
        said.append((int(row[0]) if index else 0, frozenset(sent)))
    assert rows[0][0] == rows[1][0] == "80"
    assert said == list(reversed(STAGES))


@pytest.mark.parametrize(
    ("used", "count"),
    [(0, 7), (799, 7), (800, 4), (949, 4), (950, 3), (999, 3), (1000, 1), (5000, 1)],
)
def test_the_borders(used: int, count: int) -> None:
    """A stage begins with its percent; without a budget there is none."""
    assert len(sendable(used, 1000)) == count
    assert sendable(used, 0) == set(Sendable)


def test_what_has_no_severity_counts_as_an_alert() -> None:
    """Frigate 0.14 gives objects none; one copy too many is better than one too few."""
    kind = kind_of(Media.SNAPSHOTS, Role.WHOLE, None)
    assert kind is Sendable.ALERT_SNAPSHOT
    kind = kind_of(Media.RECORDINGS, Role.INCOMPLETE, Severity.DETECTION)
    assert kind is Sendable.DETECTION_WHOLE


def test_a_month_is_that_of_the_time_zone() -> None:
    """Half past eleven in London is tomorrow in Berlin."""
    moment = datetime(2026, 11, 30, 23, 30, tzinfo=ZoneInfo("UTC")).timestamp()
    assert month_of(moment, ZoneInfo("UTC")) == "2026-11"
    assert month_of(moment, BERLIN) == "2026-12"


def test_a_clock_that_is_set_resets_nothing(connection: sqlite3.Connection) -> None:
    """Neither one that is years behind, nor one that was ahead."""

    def spent(size: int, month: str, *, is_sure: bool) -> tuple[str, int]:
        result = budgets.spend(connection, "nas", size, month=month, is_sure=is_sure)
        return result.month, result.bytes

    assert spent(100, "2026-11", is_sure=True) == ("2026-11", 100)
    # A machine without a clock of its own has just begun.
    assert spent(10, "1970-01", is_sure=False) == ("2026-11", 110)
    assert spent(0, "2026-11", is_sure=True) == ("2026-11", 110)
    # The clock is years ahead, and then right: what was sent meanwhile counts.
    assert spent(7, "2030-01", is_sure=False) == ("2030-01", 7)
    assert spent(1, "2026-11", is_sure=False) == ("2030-01", 8)
    assert spent(1, "2026-11", is_sure=True) == ("2026-11", 119)
    # A new month begins with nothing, also while Frigate is away.
    assert spent(0, "2026-12", is_sure=False) == ("2026-12", 0)
    # Another destination has a budget of its own.
    assert budgets.spend(
        connection, "cloud", 3, month="2026-12", is_sure=True
    ) == budgets.Spent(month="2026-12", bytes=3)


async def test_every_byte_counts_retries_too(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """What a failed try sent, and what arrived; kept over a restart."""

    class Breaking(FakeDestination):
        broken = False

        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if not self.broken and path.endswith(".mp4"):
                self.broken = True
                async with open_source(source) as file:
                    await file.read()
                raise Unreachable("the line broke")
            return await super().put(path, source, temporary=temporary)

    nas = Breaking()
    await bench.start(budgeted(nas))
    bench.review("end", end=datetime.now().timestamp() - 60)
    assert await bench.settled() == {"verified": 1}
    sent = 64 * 1024 + len(CLIP)
    await until(lambda: bench.status.destinations["nas"].budget.used == sent)  # type: ignore[union-attr]
    await bench.stop()

    await bench.start(budgeted(nas))
    await until(lambda: bench.status.destinations["nas"].budget is not None)
    status = bench.status.destinations["nas"].budget
    assert status is not None
    assert (status.used, status.budget, status.month) == (sent, SIZE, "2026-11")


async def test_without_a_budget_it_counts_too(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """An owner who sets one in mid-month has used some of it already."""
    await bench.start(setup(nas))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert bench.status.destinations["nas"].budget is None
    await bench.engine.apply_destinations([budgeted(nas)])
    await until(lambda: bench.status.destinations["nas"].budget is not None)
    status = bench.status.destinations["nas"].budget
    assert status is not None
    assert status.used == len(IMAGE)


@pytest.mark.parametrize(
    ("percent", "arriving"),
    [
        (79, {"live_snapshot", "snapshot", "recording"}),
        (80, {"live_snapshot"}),
        (100, {"live_snapshot"}),
    ],
)
async def test_detections_are_held_back_first(
    bench: Bench,
    nas: FakeDestination,
    calendar: Calendar,
    percent: int,
    arriving: set[str],
) -> None:
    """They wait unfetched, and that is no delay."""
    await bench.start(budgeted(nas))
    await spend(bench, percent)
    end = datetime.now().timestamp() - 60
    bench.live_snapshot()
    bench.tracked_object(max_severity="detection")
    bench.review("end", end=end, severity="detection")
    await until(lambda: len(nas.media) == len(arriving))
    await bench.pending(3 - len(arriving))
    await bench.at_rest()
    rows = await bench.uploads()
    assert {row.media for row in rows if row.state == "verified"} == arriving
    assert {row.reason for row in rows if row.state == "pending"} <= {HELD_BACK}
    if len(arriving) == 1:
        assert not bench.frigate.snapshots
        assert not bench.frigate.clips
        assert not bench.spooled()


@pytest.mark.parametrize(
    ("percent", "arriving"),
    [
        (94, {"live_snapshot", "snapshot", "recording"}),
        (95, {"live_snapshot", "snapshot"}),
        (100, {"live_snapshot"}),
    ],
)
async def test_alerts_are_held_back_last(
    bench: Bench,
    nas: FakeDestination,
    calendar: Calendar,
    percent: int,
    arriving: set[str],
) -> None:
    """First the whole recordings of alerts, then all but live snapshots."""
    budget = 1000 * SIZE
    await bench.start(budgeted(nas, budget))
    await spend(bench, percent, of=budget)
    bench.live_snapshot()
    bench.tracked_object()
    bench.review("end", end=datetime.now().timestamp() - 60)
    await until(lambda: len(nas.media) == len(arriving))
    await bench.pending(3 - len(arriving))
    await bench.at_rest()
    rows = await bench.uploads()
    assert {row.media for row in rows if row.state == "verified"} == arriving
    assert not bench.spooled()


async def test_parts_of_alerts_leave_while_wholes_wait(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """From 95 % on a recording is kept in its parts, which nothing supersedes."""
    bench.options = EngineOptions(part_length=10)
    budget = 1000 * SIZE
    await bench.start(budgeted(nas, budget))
    await spend(bench, 95, of=budget)
    start = datetime.now().timestamp() - 40
    review = bench.review("new", start=start)
    await until(lambda: nas.media)
    bench.review("end", source_id=review, start=start, end=start + 30)

    async def whole_waits() -> bool:
        pending = await bench.uploads(state="pending")
        return ["part" in row.path for row in pending] == [False]

    # A part that has just arrived may be pending still.
    await until(whole_waits)
    assert all("part" in path for path in nas.media)


async def test_a_detection_that_becomes_an_alert_leaves(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """With the parts that were held back until then."""
    bench.options = EngineOptions(part_length=10)
    await bench.start(budgeted(nas, 1000 * SIZE))
    await spend(bench, 80, of=1000 * SIZE)
    start = datetime.now().timestamp() - 40
    review = bench.review("new", start=start, severity="detection")
    async with promptly():
        while not await bench.uploads(state="pending"):
            await asyncio.sleep(0.01)
    await bench.at_rest()
    assert not nas.media
    assert not bench.frigate.clips
    bench.review("update", source_id=review, start=start, severity="alert")
    await until(lambda: nas.media)


async def test_the_next_month_releases_all(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """What waited is fetched then, and it is protected again."""
    await bench.start(budgeted(nas))
    bench.publish("stats", "{}")
    await spend(bench, 100)
    await until(lambda: bench.status.protection is Protection.AT_RISK)
    assert bench.status.reasons == (Reason.BUDGET_SPENT,)
    bench.review("end", end=datetime.now().timestamp() - 60)
    bench.tracked_object()
    await bench.pending(2)
    await bench.at_rest()
    assert not nas.media
    await until(lambda: bench.status.pending_uploads == 2)

    calendar.set("2026-11-30 23:59")
    await bench.at_rest()
    assert not nas.media
    calendar.set("2026-12-01")
    assert await bench.settled() == {"verified": 2}
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    status = bench.status.destinations["nas"].budget
    assert status is not None
    assert status.month == "2026-12"
    # And back again: that is no third month.
    await spend(bench, 100)
    calendar.set("2026-11-30")
    await bench.at_rest()
    assert bench.status.destinations["nas"].budget.is_spent  # type: ignore[union-attr]


async def test_a_raised_budget_releases_all(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """At once, and so does none at all."""
    await bench.start(budgeted(nas))
    await spend(bench, 100)
    bench.tracked_object()
    await bench.pending(1)
    await bench.engine.apply_destinations([budgeted(nas, 10 * SIZE)])
    assert await bench.settled() == {"verified": 1}
    await bench.engine.apply_destinations([budgeted(nas, 1)])
    bench.tracked_object()
    await bench.pending(1)
    await bench.engine.apply_destinations([setup(nas)])
    assert await bench.settled() == {"verified": 2}


async def test_a_restart_keeps_it_held_back(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """Nothing slips out before the budget is known again."""
    await bench.start(budgeted(nas))
    await spend(bench, 100)
    bench.review("end", end=datetime.now().timestamp() - 60)
    await bench.pending(1)
    await bench.stop()
    await bench.start(budgeted(nas))
    bench.live_snapshot()
    await until(lambda: nas.media)
    await bench.at_rest()
    assert len(nas.media) == 1
    assert not bench.frigate.clips


@pytest.mark.parametrize("released", [False, True])
async def test_what_frigate_has_lost_meanwhile_is_skipped(
    bench: Bench, nas: FakeDestination, calendar: Calendar, released: bool
) -> None:
    """It is no loss that must be acknowledged, and never `gone`: the owner knows why.

    Nor if that is seen only when it may leave again.
    """
    bench.timing = replace(
        bench.timing, gone_after=0, missing_after=0, daily=3600 if released else 0.05
    )
    await bench.start(budgeted(nas))
    await spend(bench, 100)
    now = datetime.now().timestamp()
    bench.review("end", start=now - 5000, end=now - 4900, known=True)
    bench.tracked_object()
    await bench.pending(2)
    await bench.at_rest()
    bench.frigate.footage = lambda camera, after, before: []
    bench.frigate.snapshot_faults += [GONE] * 20
    if released:
        calendar.set("2026-12-01")
    else:
        # What is held back for so long that Frigate is asked for it.
        ledger = bench.engine._ledger  # noqa: SLF001
        await ledger.run(
            lambda connection: connection.execute("UPDATE files SET due = 0")
        )
        bench.engine._fetcher.wake()  # noqa: SLF001
    assert await bench.settled() == {"skipped": 2}
    assert {row.reason for row in await bench.uploads()} == {"budget"}
    assert not bench.status.losses
    assert not nas.media


@pytest.mark.parametrize("spent", [100, 10])
async def test_an_open_review_that_frigate_has_lost_is_skipped(
    bench: Bench, nas: FakeDestination, calendar: Calendar, spent: int
) -> None:
    """Its recording could not have left; where it could, it is a loss."""
    bench.timing = replace(bench.timing, gone_after=0, missing_after=0)
    bench.frigate.footage = lambda camera, after, before: []
    other = FakeDestination()
    await bench.start(budgeted(nas), setup(other, name="other"))
    await spend(bench, spent)
    bench.review("new")
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await age_items(bench, 7200)
    bench.publish("available", "online")
    await until(lambda: bench.uploads(state="gone"))
    found = {row.destination_id: row.reason for row in await bench.uploads()}
    lost = "Frigate's recordings show nothing for this time"
    assert found == {"nas": "budget" if spent == 100 else lost, "other": lost}
    await until(lambda: bench.status.losses.count == (1 if spent == 100 else 2))
    assert len(bench.uploaded) == (1 if spent == 100 else 2)


def _broken(camera: str, after: float, before: float) -> list[Segment]:
    raise MediaNotReady("HTTP status 500")


async def test_frigate_is_asked_whether_it_still_has_it(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """Without a byte of it being fetched; then it waits for the next look."""
    await bench.start(budgeted(nas))
    await spend(bench, 100)
    bench.review("end", end=datetime.now().timestamp() - 60)
    await bench.pending(1)
    # An answer that tells nothing releases nothing.
    calm, bench.frigate.footage = bench.frigate.footage, _broken
    ledger = bench.engine._ledger  # noqa: SLF001
    await ledger.run(lambda connection: connection.execute("UPDATE files SET due = 0"))
    looks = len(bench.frigate.looks)
    bench.engine._fetcher.wake()  # noqa: SLF001
    await until(lambda: len(bench.frigate.looks) > looks)
    await bench.at_rest()
    bench.frigate.footage = calm
    await ledger.run(lambda connection: connection.execute("UPDATE files SET due = 0"))
    looks = len(bench.frigate.looks)
    await ledger.run(lambda connection: connection.execute("UPDATE files SET due = 0"))
    bench.engine._fetcher.wake()  # noqa: SLF001
    await until(lambda: len(bench.frigate.looks) > looks + 2)
    assert not bench.frigate.clips
    (row,) = await bench.uploads(state="pending")
    assert row.reason == HELD_BACK
    calendar.set("2026-12-01")
    assert await bench.settled() == {"verified": 1}


async def test_another_destination_is_not_held_back(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, calendar: Calendar
) -> None:
    """It gets all, and nothing stays in the spool for the one that waits."""
    await bench.start(budgeted(nas), setup(cloud, name="cloud"))
    await spend(bench, 100)
    bench.tracked_object()
    bench.review("end", end=datetime.now().timestamp() - 60)
    await until(lambda: len(cloud.media) == 2)
    await bench.pending(2)
    await until(lambda: not bench.spooled())
    assert not nas.media
    calendar.set("2026-12-01")
    await bench.settled()
    assert sorted(map(len, nas.media.values())) == sorted([len(FULL_IMAGE), len(CLIP)])
    assert len(bench.frigate.clips) == 2


async def test_what_is_on_its_way_is_finished(
    bench: Bench, nas: FakeDestination, calendar: Calendar
) -> None:
    """And if it fails, it waits like all else, leaving nothing in the spool."""
    await bench.start(budgeted(nas))
    nas.gate.clear()
    bench.tracked_object()
    await until(lambda: nas.files)
    await spend(bench, 100)
    await bench.at_rest()
    nas.faults.append(Unreachable("the line broke"))
    nas.gate.set()
    await until(lambda: not nas.faults)
    async with promptly():
        while bench.spooled():
            await asyncio.sleep(0.01)
    (row,) = await bench.uploads()
    assert (row.state, row.reason) == ("pending", HELD_BACK)


async def test_a_month(bench: Bench, nas: FakeDestination, calendar: Calendar) -> None:
    """Day by day, with a restart: what leaves becomes less, and the next month is new."""
    budget = 17 * (len(CLIP) + len(FULL_IMAGE))
    seen: list[tuple[float, set[str]]] = []

    async def start() -> None:
        await bench.start(budgeted(nas, budget))
        await until(lambda: bench.status.destinations["nas"].budget is not None)

    async def used() -> float:
        worker = bench.engine._pool.workers["nas"]  # noqa: SLF001
        assert worker.budget.status is not None
        return worker.budget.status.percent

    async def day(number: int) -> set[str]:
        """Let one of each happen; return what left at once."""
        before = set(nas.media)
        now = datetime.now().timestamp() - 100 * number
        for severity in ("alert", "detection"):
            bench.review(
                "end",
                source_id=f"{now - 20}-{severity[0]}{number:05}",
                start=now - 20,
                end=now,
                severity=severity,
            )
            bench.tracked_object(
                source_id=f"{now - 20}-{severity[0]}t{number:04}",
                max_severity=severity,
            )
        await bench.at_rest()
        async with promptly():
            while any(
                row.reason != HELD_BACK for row in await bench.uploads(state="pending")
            ):
                await asyncio.sleep(0.01)
        return {
            f"{path.rpartition('-')[2][0]}{path[-3:]}"
            for path in set(nas.media) - before
        }

    await start()
    for number in range(1, 16):
        calendar.set(f"2026-11-{2 * number:02} 12:00")
        percent = await used()
        seen.append((percent, await day(number)))
        if number == 5:
            await bench.stop()
            await start()
    for percent, left in seen:
        if percent >= 100:
            assert not left
        elif percent >= 95:
            assert left <= {"ajpg"}
        elif percent >= 80:
            assert not left & {"djpg", "dmp4"}
    assert seen[0][1] == {"ajpg", "amp4", "djpg", "dmp4"}
    assert seen[-1][0] >= 95
    assert not seen[-1][1] & {"amp4", "djpg", "dmp4"}
    # No more than the budget and what was on its way when it was used up.
    assert await used() < 100 + 400 * len(CLIP) / budget
    sent = sum(map(len, nas.media.values()))
    assert await used() == pytest.approx(sent * 100 / budget)

    calendar.set("2026-12-01")
    assert (await bench.settled())["verified"] > len(seen)
