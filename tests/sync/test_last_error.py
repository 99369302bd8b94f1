"""What is shown of a destination's errors, and when it goes."""

import asyncio
from dataclasses import replace
from functools import partial
import time
from typing import Any, override

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    InvalidPath,
    NoSpace,
    NotMounted,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.engine import LedgerError
from custom_components.frigate_snap_sync.sync.ledger import destinations
from custom_components.frigate_snap_sync.sync.model.status import (
    DestinationStatus,
    LastError,
    Problem,
)

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .faults import Job, RunJob


@pytest.fixture
def impatient(bench: Bench) -> None:
    """Let failing destinations be tried again at once."""
    bench.timing = replace(bench.timing, jitter=lambda low, high: 0.002)


@pytest.mark.usefixtures("impatient")
async def test_a_look_that_shows_something_else(bench: Bench) -> None:
    """What a person is to do is another thing then."""
    nas = FakeDestination()
    nas.error = NotMounted("gone", hint="share_is_gone", about="/media")
    await bench.start(setup(nas))
    for hint, text in (("share_is_gone", "gone"), ("share_mounted_over", "over")):
        nas.error = NotMounted(text, hint=hint, about="/media")
        await until(lambda: (error := last_error(bench)) and error.text == text)  # noqa: B023


class Held(FakeDestination):
    """Holds each upload until its outcome is given, by a text in the path."""

    def __init__(self) -> None:
        """Hold all."""
        super().__init__()
        self.outcomes: dict[str, asyncio.Future[None]] = {}
        self.started: set[str] = set()

    def outcome(self, text: str) -> asyncio.Future[None]:
        """Return what an upload waits for."""
        future = asyncio.get_running_loop().create_future()
        return self.outcomes.setdefault(text, future)

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        for text, outcome in self.outcomes.items():
            if text in path:
                self.started.add(text)
                await asyncio.wait({outcome})
                outcome.result()
        return await super().put(path, source, temporary=temporary)


def shown(bench: Bench) -> DestinationStatus:
    """Return the status of the one destination."""
    return bench.status.destinations["nas"]


def last_error(bench: Bench) -> LastError | None:
    """Return its last error."""
    return shown(bench).last_error


def names_cause(bench: Bench, code: str) -> bool:
    """Tell whether the last error is of that cause."""
    error = last_error(bench)
    return error is not None and error.code == code


async def test_an_error_names_its_cause_its_file_and_its_time(bench: Bench) -> None:
    """And goes once another file has arrived since."""
    bench.timing = replace(FAST, first_retry=60, longest_retry=60)
    nas = FakeDestination()
    before = time.time()
    await bench.start(setup(nas))
    nas.faults = [InvalidPath("It leads out")]
    bench.live_snapshot(label="person")
    await until(lambda: last_error(bench))
    error = last_error(bench)
    assert error is not None
    assert (error.code, error.text) == ("invalid_path", "It leads out")
    assert error.file is not None
    assert "person" in error.file
    assert before <= error.time.timestamp() <= time.time()
    assert shown(bench).connected
    assert shown(bench).reason is None

    bench.live_snapshot(label="car")
    await until(lambda: len(nas.media) == 1)
    await until(lambda: last_error(bench) is None)
    await bench.pending(1)


@pytest.mark.usefixtures("impatient")
async def test_an_outage_names_its_cause_until_it_is_over(bench: Bench) -> None:
    """A probe that arrives is proof, too."""
    nas = FakeDestination()
    nas.error = Unreachable("No route")
    await bench.start(setup(nas))
    await until(lambda: last_error(bench))
    error = last_error(bench)
    assert error is not None
    assert (error.code, error.file) == ("cannot_connect", None)
    assert shown(bench).reason == "No route"
    nas.error = None
    await until(lambda: last_error(bench) is None)
    assert shown(bench).reason is None


@pytest.mark.usefixtures("impatient")
async def test_an_error_goes_though_the_ledger_failed_when_it_was_over(
    bench: Bench,
) -> None:
    """What arrives once the ledger works again takes it away."""
    nas = FakeDestination()
    nas.error = Unreachable("No route")
    await bench.start(setup(nas))
    await until(lambda: last_error(bench))
    refused = 0

    async def full(job: Job, run: RunJob) -> Any:
        nonlocal refused
        if job is destinations.keep_error:
            refused += 1
            raise LedgerError("database or disk is full")
        return await run(job)

    bench.faults.run = full
    nas.error = None
    await until(lambda: shown(bench).reason is None)
    await until(lambda: refused)
    bench.faults.run = None
    assert names_cause(bench, "cannot_connect")
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await until(lambda: last_error(bench) is None)


async def test_an_error_survives_a_restart(bench: Bench) -> None:
    """It is over when the destination has worked, not when nothing was tried."""
    bench.timing = replace(FAST, first_retry=60, longest_retry=60)
    nas = FakeDestination()
    await bench.start(setup(nas))
    nas.faults = [Rejected("No such name")]
    bench.live_snapshot()
    await until(lambda: last_error(bench))
    error = last_error(bench)
    await bench.stop()
    await bench.start(setup(nas))
    await until(lambda: shown(bench).connected)
    assert last_error(bench) == error
    await bench.engine.test_destination("nas")
    await until(lambda: last_error(bench) is None)


@pytest.mark.parametrize(
    "errors",
    [
        (NoSpace("The disk is full"), Rejected("No such name")),
        (Unreachable("No route"), InvalidPath("It leads out")),
    ],
)
async def test_an_outage_is_explained_by_its_own_error(
    bench: Bench, errors: tuple[StorageError, StorageError]
) -> None:
    """Two stills are under way: the second fails for a reason of its own."""
    nas = Held()
    await bench.start(setup(nas))
    outcomes = [nas.outcome(label) for label in ("person", "car")]
    for label in ("person", "car"):
        bench.live_snapshot(label=label)
    await until(lambda: nas.started == {"person", "car"})
    for outcome, error in zip(outcomes, errors, strict=True):
        outcome.set_exception(error)
        await until(partial(names_cause, bench, error.code))
    status = shown(bench)
    assert status.reason == str(errors[0])
    assert status.problem == (
        Problem.NO_SPACE if isinstance(errors[0], NoSpace) else None
    )
