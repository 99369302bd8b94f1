"""What the engine does when its own parts fail."""

from dataclasses import replace
import logging
from math import nan
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.models import Segments
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.engine import LedgerError, SpoolError
from custom_components.frigate_snap_sync.sync.intake import running_reviews
from custom_components.frigate_snap_sync.sync.ledger import (
    fetch_queue,
    items,
    off_periods,
)
from custom_components.frigate_snap_sync.sync.model.item import Item
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.timing import Timing

from .conftest import Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination
from .faults import Job, RunJob


class Trouble:
    """Lets the jobs of a ledger fail that a test names."""

    def __init__(self, bench: Bench) -> None:
        """Come between the engine and its ledger."""
        self.names: set[str] = set()
        self.refused = 0
        """How often one of them has failed."""

        async def faulty(job: Job, run: RunJob) -> Any:
            if job.__name__ in self.names:
                self.refused += 1
                raise LedgerError("database or disk is full")
            return await run(job)

        bench.faults.run = faulty
        bench.timing = replace(bench.timing, restart=0.02)


@pytest.fixture
def trouble(bench: Bench) -> Trouble:
    """Return the switch for trouble."""
    return Trouble(bench)


async def test_running_reviews_tell_once_that_they_wait(
    bench: Bench,
    nas: FakeDestination,
    trouble: Trouble,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And once that they go on."""
    bench.timing = replace(bench.timing, review_pause=0.01)
    caplog.set_level(logging.DEBUG)

    def told(level: int) -> int:
        return sum(
            record.levelno == level and record.name == running_reviews.__name__
            for record in caplog.records
        )

    trouble.names = {"open_reviews"}
    await bench.start(setup(nas))
    await until(lambda: told(logging.DEBUG) >= 3)
    assert told(logging.ERROR) == 1
    trouble.names = set()
    await until(lambda: told(logging.INFO) == 1)


async def test_what_the_ledger_can_not_hold_holds_up_nothing(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A message that would be refused for ever is dropped, and said so."""
    await bench.start(setup(nas))

    def without_start(
        connection: sqlite3.Connection, item: Item, *, heard_at: float
    ) -> None:
        items.remember_open(connection, replace(item, start=nan), heard_at=heard_at)

    bench.faults.jobs[items.remember_open] = without_start
    bench.review("new")
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    (record,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert "Message ignored: 'frigate/reviews': Ledger" in record.getMessage()
    assert "NOT NULL constraint failed: items.start" in record.getMessage()


@pytest.mark.parametrize(
    "job",
    [
        "plan",
        "remember_open",
        "next_uploads",
        "verified",
        "next_fetches",
        "fetched",
        "summary",
        "keep_error",
        "see_config",
        "open_reviews",
    ],
)
async def test_a_full_disk_under_the_ledger_loses_nothing(
    bench: Bench,
    nas: FakeDestination,
    trouble: Trouble,
    job: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever could not be written is done once it can be."""
    bench.timing = replace(bench.timing, jitter=lambda low, high: 0.004)
    await bench.start(setup(nas))
    trouble.names = {job}
    nas.faults = [Unreachable("connection lost")]
    bench.publish("available", "online")
    bench.live_snapshot()
    review = bench.review("new")
    bench.review("end", source_id=review, end=time.time() - 50)
    await until(lambda: trouble.refused)
    trouble.names = set()
    await until(lambda: set(nas.media.values()) >= {IMAGE} and len(nas.media) == 2)
    assert await bench.settled() == {"verified": 2}
    assert "disk is full" in caplog.text
    await until(lambda: not bench.spooled())


async def test_a_flood_of_messages_is_bounded(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The oldest go; it is said once; later messages are heard."""
    bench.limits = Limits(message_bytes=3 * len(IMAGE))
    await bench.start(setup(nas))
    for number in range(20):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.media) == 3)
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: len(nas.media) == 4)
    assert caplog.text.count("come faster than they can be kept") == 1


async def test_a_bug_in_a_handler_stops_nothing(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message is let go, with a traceback; the next one is heard."""
    await bench.start(setup(nas))
    bench.faults.jobs[off_periods.was_off_within] = lambda *_, **__: 1 / 0
    bench.tracked_object()
    await until(lambda: "could not be handled" in caplog.text)
    bench.faults.jobs.clear()
    bench.tracked_object()
    await until(lambda: len(nas.media) == 1)


async def test_a_part_that_fails_is_started_again(
    bench: Bench,
    nas: FakeDestination,
    trouble: Trouble,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bug in the fetcher must not end all fetching."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.faults.jobs[fetch_queue.next_fetches] = lambda *_, **__: 1 / 0
    bench.review("end", end=time.time() - 50)
    await until(lambda: "fetcher failed and is started again" in caplog.text)
    bench.faults.jobs.clear()
    await until(lambda: len(nas.media) == 1)


async def test_a_file_that_makes_the_fetcher_stumble(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried again later; the others go on meanwhile."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    recordings = bench.frigate.recordings

    async def stumble(camera: str, *, after: float, before: float) -> Segments:
        if camera == "back-yard_2":
            raise OSError("a bug")
        return await recordings(camera, after=after, before=before)

    bench.frigate.recordings = stumble  # type: ignore[method-assign]
    bench.review("end", camera="back-yard_2", end=time.time() - 50)
    for number in range(3):
        bench.review("end", source_id=f"{number}.5-abc", end=time.time() - 50)
    await until(lambda: len(nas.media) == 3)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1


async def test_a_spool_that_can_not_be_used(bench: Bench, nas: FakeDestination) -> None:
    """The start fails with a reason, and can be tried again."""
    (bench.folder / "spool").write_text("in the way")
    with pytest.raises(SpoolError):
        await bench.start(setup(nas))
    bench._engine = None  # noqa: SLF001
    (bench.folder / "spool").unlink()
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)


async def test_a_damaged_ledger_takes_no_image_with_it(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody knows what the spool's files are then, but they are still evidence."""
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.spooled_in_ledger(1)
    await bench.stop()
    ledger = bench.folder / "ledger" / "one.db"
    ledger.write_bytes(ledger.read_bytes()[:4096] + b"\0" * 40960)
    await bench.start(setup(nas))
    assert "set aside" in caplog.text
    (aside,) = bench.folder.glob("spool.unknown-*")
    assert [file.read_bytes() for file in aside.iterdir()] == [IMAGE]
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)


async def test_files_that_the_spool_lost_while_it_was_off(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """The cache folder may be emptied by anybody."""
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.review("end", end=time.time() - 50)
    await bench.spooled_in_ledger(1)
    await bench.stop()
    for file in (bench.folder / "spool").iterdir():
        file.unlink()
    await bench.start(setup(nas))
    assert "The spool lost 1 file(s)" in caplog.text
    await bench.engine.set_sending("nas", True)
    await until(lambda: len(nas.media) == 1)
    assert len(bench.frigate.clips) == 2


async def test_a_file_that_vanishes_under_an_upload(
    bench: Bench, nas: FakeDestination
) -> None:
    """Between the look at it and its reading."""
    await bench.start(setup(nas))
    nas.faults = [FileNotFoundError("gone")]
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(nas.media) == 1)
    assert len(bench.frigate.clips) == 2


async def test_a_paused_destination_is_looked_at_all_the_same(
    bench: Bench, nas: FakeDestination
) -> None:
    """Its owner sees whether it is there."""
    bench.timing = Timing(probe=0.05, jitter=lambda low, high: 0.0)
    nas.error = Unreachable("connection refused")
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    await until(lambda: bench.status.destinations["nas"].connected is False)
    nas.error = None
    await until(lambda: bench.status.destinations["nas"].connected is True)


async def test_frigate_that_fails_in_one_request_is_not_away(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """An open review that can't be asked for is asked for the next time."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new", source_id="1.5-abc")
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    asked = []

    async def refuse(review_id: str) -> None:
        asked.append(review_id)
        raise (FrigateServerError, FrigateUnreachable)[len(asked) % 2]("no")

    bench.frigate.review = refuse  # type: ignore[method-assign]
    bench.publish("available", "online")
    await until(lambda: len(asked) >= 2)
    assert "Frigate is away" in caplog.text
    await until(lambda: bench.status.frigate_connected is True)


async def test_stopping_takes_no_time(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Uploads that hang are cancelled, and go on after the restart."""
    caplog.set_level(logging.DEBUG)
    nas.gate.clear()
    await bench.start(setup(nas))
    for number in range(Limits().stills_at_once + 2):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.files) == Limits().stills_at_once)
    began = time.monotonic()
    await bench.stop()
    assert time.monotonic() - began < 5
    nas.gate.set()
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == Limits().stills_at_once + 2)


async def test_diagnostics_of_a_ledger_that_fails(
    bench: Bench, nas: FakeDestination
) -> None:
    """They are wanted most then: they say so, and all else that is known."""
    engine = await bench.start(setup(nas))
    await bench.stop()
    found = await engine.diagnostics()
    assert found["counts"]["error"]
    assert "queued_messages" in found
