"""What the ledger has begun is finished in every part, though its caller is cancelled."""

import asyncio
from dataclasses import replace
import threading
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.sync.engine import _DRAIN_TIMEOUT
from custom_components.frigate_snap_sync.sync.ledger import (
    LedgerError,
    asked,
    destinations,
    outcomes,
)
from custom_components.frigate_snap_sync.sync.ledger.database import CLOSE_TIMEOUT
from custom_components.frigate_snap_sync.sync.model.status import CancelFilter
from custom_components.frigate_snap_sync.sync.reporting.home_check import _LAST_PATIENCE
from custom_components.frigate_snap_sync.sync.support.tasks import _STOP_TIMEOUT

from .conftest import Bench, setup, until
from .fakes import FakeDestination
from .faults import Job, Step
from .test_append_only import Vault, append_only
from .test_destinations import own_threads


class Commit:
    """Holds up the ledger's thread in mid-commit."""

    def __init__(self, job: Job | None = None) -> None:
        """Wait for a job, which is to be put in its place; None: be one."""
        self._job = job
        self.reached = threading.Event()
        self.may = threading.Event()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the job, when it may."""
        self.reached.set()
        assert self.may.wait(60)
        return None if self._job is None else self._job(*args, **kwargs)


async def cancelled(call: asyncio.Task[Any], commit: Commit) -> None:
    """Cancel a call in mid-commit."""
    await until(commit.reached.is_set)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    commit.may.set()


@pytest.mark.parametrize("waits", [False, True])
async def test_a_copy_that_has_just_arrived_when_its_destination_changes(
    bench: Bench, waits: bool
) -> None:
    """It is sent no second time, and is noted in every part: it may wait its turn even."""
    vault = Vault(is_blind=True)
    engine = await bench.start(append_only(vault))
    await until(lambda: vault.connects and bench.status.frigate_connected)
    vault.gate.clear()
    bench.live_snapshot()
    await until(lambda: any("check" not in name for name in vault.files))
    ledger = engine._ledger  # noqa: SLF001
    if waits:
        commit = Commit()
        running = asyncio.create_task(ledger.run(commit))
        await until(commit.reached.is_set)
        vault.gate.set()
        await until(lambda: vault.media and ledger._waiting)  # noqa: SLF001
    else:
        commit = bench.faults.jobs[outcomes.verified] = Commit(outcomes.verified)
        vault.gate.set()
        await until(commit.reached.is_set)
    changed = replace(append_only(vault), name="attic")
    change = asyncio.create_task(engine.apply_destinations([changed]))
    await until(lambda: not engine._pool.workers)  # noqa: SLF001
    commit.may.set()
    await change
    if waits:
        await running
    assert await bench.settled() == {"verified": 1}
    await bench.at_rest()
    assert len(vault.media) == 1
    assert len(bench.uploaded) == 1
    assert not bench.spooled()
    assert engine._services.spool.used == 0  # noqa: SLF001


async def test_a_switch_that_was_turned(bench: Bench, nas: FakeDestination) -> None:
    """It does what it shows."""
    engine = await bench.start(setup(nas))
    await engine.set_sending("nas", False)
    commit = bench.faults.jobs[destinations.set_sending] = Commit(
        destinations.set_sending
    )
    await cancelled(asyncio.create_task(engine.set_sending("nas", True)), commit)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    assert bench.status.destinations["nas"].sending


async def test_uploads_that_were_cancelled(bench: Bench, nas: FakeDestination) -> None:
    """They leave the spool."""
    engine = await bench.start(setup(nas))
    await engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.spooled_in_ledger(1)
    commit = bench.faults.jobs[asked.cancel] = Commit(asked.cancel)
    wanted = CancelFilter(destination_id="nas")
    await cancelled(asyncio.create_task(engine.requests.cancel(wanted)), commit)
    await until(lambda: not bench.spooled())


async def test_the_stop_waits_for_it(bench: Bench, nas: FakeDestination) -> None:
    """No task is left behind, with a disk that is slow even."""
    engine = await bench.start(setup(nas))
    await engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.spooled_in_ledger(1)
    reached = asyncio.Event()

    async def slowly(remove: Step) -> None:
        reached.set()
        await asyncio.sleep(0.5)
        await remove()

    bench.faults.remove = slowly
    call = asyncio.create_task(engine.requests.cancel(CancelFilter()))
    await reached.wait()
    call.cancel()
    await engine.stop()
    assert not engine._services.begun  # noqa: SLF001
    assert not bench.spooled()


async def test_a_dead_disk_delays_no_stop(bench: Bench, nas: FakeDestination) -> None:
    """It takes five seconds at the most, though all that is waited for hangs."""
    bounds = (_DRAIN_TIMEOUT, _STOP_TIMEOUT, _LAST_PATIENCE, CLOSE_TIMEOUT)
    assert sum(bounds) < 5
    engine = await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    commit = bench.faults.jobs[destinations.set_sending] = Commit(
        destinations.set_sending
    )
    call = asyncio.create_task(engine.set_sending("nas", False))
    await until(commit.reached.is_set)
    bench.live_snapshot()
    began = time.monotonic()
    try:
        await engine.stop()
        # Twice as long, for a busy machine.
        assert time.monotonic() - began < 2 * sum(bounds)
    finally:
        commit.may.set()
    with pytest.raises(LedgerError):
        await call
    await until(lambda: not own_threads())
