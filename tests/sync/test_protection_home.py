"""What fails at home is shown: messages, tasks, ledger and disk."""

import asyncio
from dataclasses import replace
import threading
import time
from typing import Any, cast

import pytest

from custom_components.frigate_snap_sync.sync.engine import LedgerError
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason
from custom_components.frigate_snap_sync.sync.spool.spool import SpoolFile
from custom_components.frigate_snap_sync.sync.support import tasks

from ..harness.disk import SmallDisk, can_mount
from .conftest import Bench, until
from .fakes import IMAGE, FakeDestination
from .faults import Job, RunJob, Step
from .test_protection_shown import quick, shows, start

__all__ = ["quick"]


async def test_a_message_that_can_not_be_taken(
    bench: Bench, nas: FakeDestination
) -> None:
    """A disk that hangs says nothing; the message waits, and all others behind it."""
    bench.timing = replace(bench.timing, late=0.2)
    await start(bench, nas)
    gate = asyncio.Event()

    async def hang(store: Step) -> SpoolFile:
        await gate.wait()
        return cast(SpoolFile, await store())

    bench.faults.store = hang
    bench.live_snapshot()
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    gate.set()
    await until(shows(bench, Protection.PROTECTED))


@pytest.mark.parametrize("part", ["watch", "intake", "fetcher", "catching up", "nas"])
async def test_a_part_of_the_engine_crashes(
    bench: Bench, nas: FakeDestination, part: str
) -> None:
    """It is not known then what does not happen."""
    await start(bench, nas)
    health = bench.engine._parts.health  # noqa: SLF001

    async def crash() -> None:
        raise RuntimeError("a bug")

    task = tasks.supervise(part, crash, health=health, pause=0.02)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    await tasks.cancel([task])


async def test_a_bug_in_the_status_itself(bench: Bench, nas: FakeDestination) -> None:
    """The sensor must not go on showing what was."""
    await start(bench, nas)
    outages = bench.engine._outages  # noqa: SLF001
    note = outages.note
    outages.note = lambda **_: 1 / 0  # type: ignore[assignment, method-assign]
    bench.engine.handle_mqtt_connection(True)
    await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    outages.note = note  # type: ignore[method-assign]
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))


# Ledger and disk


class Trouble:
    """Lets the jobs of a ledger fail that a test names; all of them for `*`."""

    def __init__(self, bench: Bench) -> None:
        """Come between the engine and its ledger."""
        self.names: set[str] = set()
        self.text = "disk I/O error"

        async def faulty(job: Job, run: RunJob) -> Any:
            if self.names & {job.__name__, "*"}:
                raise LedgerError(f"Ledger one.db: {self.text}")
            return await run(job)

        bench.faults.run = faulty


@pytest.fixture
def trouble(bench: Bench) -> Trouble:
    """Return the switch for trouble."""
    return Trouble(bench)


@pytest.mark.parametrize(
    "job",
    [
        *("plan", "remember_open", "is_known"),
        *("next_fetches", "next_due", "fetched"),
        *("next_uploads", "next_retry", "started", "verified"),
        *("next_leftover", "left", "sample"),
        *("open_reviews", "summary", "waiting", "of_three_days", "keep_moment"),
        "*",
    ],
)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("disk I/O error", Reason.LEDGER_FAILING),
        ("database or disk is full", Reason.DISK_FULL),
    ],
)
async def test_the_ledger_fails_in_any_part(
    bench: Bench,
    nas: FakeDestination,
    trouble: Trouble,
    job: str,
    text: str,
    reason: Reason,
) -> None:
    """At once, whoever meets it first; and it is over when it works again."""
    bench.timing = replace(bench.timing, probe=0.05, audit=0)
    await start(bench, nas)
    trouble.text = text
    trouble.names = {job}
    bench.live_snapshot()
    review = bench.review("new")
    bench.review("end", source_id=review, end=time.time() - 50)
    await until(
        lambda: (
            bench.status.protection is Protection.AT_RISK
            and reason in bench.status.reasons
        )
    )
    assert text in bench.status.home_error
    causes = {
        Reason.DISK_FULL: bench.status.disk_cause,
        Reason.LEDGER_FAILING: bench.status.ledger_cause,
    }
    assert [each for each, cause in causes.items() if cause is not None] == [reason]
    trouble.names = set()
    await until(lambda: len(nas.media) == 2)
    await until(shows(bench, Protection.PROTECTED))
    assert not bench.status.home_error


async def test_the_ledger_fails_in_the_comparison_alone(
    bench: Bench, nas: FakeDestination, trouble: Trouble
) -> None:
    """It is tried again long after that failure of the ledger is no news any more."""
    bench.timing = replace(bench.timing, catch_up=0.4)
    await start(bench, nas)
    health = bench.engine._parts.health  # noqa: SLF001
    # What is forgotten after 90 s is so after a twentieth of a second.
    health._steady = lambda: 1800 * time.monotonic()  # noqa: SLF001
    trouble.names = {"remembered"}
    await until(lambda: Reason.LEDGER_FAILING in bench.status.reasons)
    seen = len(bench.statuses)
    for _ in range(2):
        await until(shows(bench, Protection.AT_RISK, Reason.CATCH_UP_FAILING))
        await until(lambda: Reason.LEDGER_FAILING in bench.status.reasons)
    assert not any(
        status.protection is Protection.PROTECTED for status in bench.statuses[seen:]
    )
    trouble.names = set()
    await until(shows(bench, Protection.PROTECTED))


async def test_a_ledger_that_does_not_answer(
    bench: Bench, nas: FakeDestination
) -> None:
    """On a disk that hangs: no error ever comes."""
    bench.timing = replace(bench.timing, ledger_patience=0.2)
    await start(bench, nas)
    gate = asyncio.Event()

    async def hang(job: Job, run: RunJob) -> Any:
        await gate.wait()
        return await run(job)

    bench.faults.run = hang
    await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    gate.set()
    await until(shows(bench, Protection.PROTECTED))


async def test_home_assistant_s_disk_hangs(bench: Bench, nas: FakeDestination) -> None:
    """With the ledger that lies there, while it is looked how much space it has."""
    bench.timing = replace(bench.timing, ledger_patience=0.2)
    await start(bench, nas)
    gate, answers, asked = asyncio.Event(), threading.Event(), threading.Event()
    health = bench.engine._parts.health  # noqa: SLF001
    look = health._look  # noqa: SLF001

    def hang_look() -> bool:
        asked.set()
        answers.wait()
        return look()

    async def hang(job: Job, run: RunJob) -> Any:
        await gate.wait()
        return await run(job)

    health._look = hang_look  # type: ignore[method-assign] # noqa: SLF001
    try:
        await until(asked.is_set)
        bench.faults.run = hang
        await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    finally:
        answers.set()
        gate.set()
    await until(shows(bench, Protection.PROTECTED))


async def test_a_ledger_that_can_only_be_read(
    bench: Bench, nas: FakeDestination
) -> None:
    """Found out although nothing happens: the next image could not be kept."""
    await start(bench, nas)

    async def only_reading(value: str) -> None:
        ledger = bench.engine._ledger  # noqa: SLF001
        await asyncio.wrap_future(
            ledger._thread.submit(  # noqa: SLF001
                lambda: ledger._connection.execute(  # type: ignore[union-attr] # noqa: SLF001
                    f"PRAGMA query_only = {value}"
                )
            )
        )

    await only_reading("ON")
    await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    assert "readonly" in bench.status.home_error
    await only_reading("OFF")
    await until(shows(bench, Protection.PROTECTED))


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a file system")
async def test_home_assistant_s_disk_is_full(
    bench: Bench, nas: FakeDestination
) -> None:
    """A real one: shown at once, though nothing may happen, and over with the space."""
    async with SmallDisk(bench.folder / "disk", size=16) as disk:
        if not disk.is_real:
            pytest.skip("not allowed to mount a file system")
        bench.folder = disk.folder
        await start(bench, nas)
        bench.live_snapshot()
        await until(lambda: len(nas.media) == 1)
        await bench.settled()
        disk.fill()
        await until(shows(bench, Protection.AT_RISK, Reason.DISK_FULL))
        for number in range(20):
            bench.live_snapshot(image=IMAGE + b"\0" * number, label=f"l{number}")
        bench.review("end", end=time.time() - 30)
        seen = len(bench.statuses)
        await until(lambda: len(bench.engine._inbox) >= 20)  # noqa: SLF001
        await until(lambda: bench.status.disk_full)
        assert {each.protection for each in bench.statuses[seen:]} <= {
            Protection.AT_RISK
        }
        disk.free()
        await until(lambda: len(nas.media) == 22)
        await until(shows(bench, Protection.PROTECTED))
        await bench.stop()
