"""Blocking work in threads: bounded, cancelled, and not waited for in vain."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import suppress
import threading
import time

import pytest

from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.jobs import Job, JobRunner

from ..waiting import LONG, promptly, until


@pytest.fixture
def release() -> Generator[threading.Event]:
    """An event that hanging jobs wait for; set in the end in any case."""
    event = threading.Event()
    yield event
    event.set()


def hang_until(event: threading.Event) -> Callable[[Job], str]:
    """Return work that waits for the event without making a step."""

    def work(job: Job) -> str:
        assert event.wait(2 * LONG)
        return "done"

    return work


async def test_result_and_error() -> None:
    """What the work returns or raises comes back."""
    runner = JobRunner(limit=1, timeout=2 * LONG)
    assert await runner.run(lambda _: 42) == 42

    def fail(_: Job) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await runner.run(fail)


async def test_limit() -> None:
    """No more threads than allowed, and everybody gets his turn."""
    runner = JobRunner(limit=3, timeout=2 * LONG)
    running = most = 0
    lock, full = threading.Lock(), threading.Event()

    def work(_: Job) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # The others come while the first ones hold the places.
        assert full.wait(2 * LONG)
        with lock:
            running -= 1

    jobs = asyncio.gather(*(runner.run(work) for _ in range(20)))
    await until(lambda: running == 3)
    full.set()
    await jobs
    assert most == 3


async def test_hanging_job(release: threading.Event) -> None:
    """A job that hangs is given up, and keeps its place until it returns."""
    runner = JobRunner(limit=1, timeout=0.2)
    with pytest.raises(Unreachable):
        await runner.run(hang_until(release))

    started = threading.Event()
    with pytest.raises(Unreachable):
        await runner.run(lambda _: started.set())
    assert not started.is_set()

    release.set()

    async def works() -> bool:
        with suppress(Unreachable):
            return await runner.run(lambda _: True)
        return False

    await until(works)


async def test_steps_keep_a_job_alive() -> None:
    """Not the whole time counts, but that without a step."""
    runner = JobRunner(limit=1, timeout=2)

    def slow(job: Job) -> str:
        for _ in range(6):
            time.sleep(0.4)
            job.step()
        return "done"

    # The second one waits for the first all that time, which is fine, too.
    results = await asyncio.gather(runner.run(slow), runner.run(slow))
    assert list(results) == ["done", "done"]


async def test_same_name(release: threading.Event) -> None:
    """Jobs of one name run one after the other, even if the first was given up."""
    runner = JobRunner(limit=4, timeout=2 * LONG)
    order: list[int] = []

    def work(number: int) -> Callable[[Job], None]:
        def note(_: Job) -> None:
            time.sleep(0.02)  # Others would overtake the first.
            order.append(number)

        return note

    await asyncio.gather(*(runner.run(work(n), name="x") for n in range(4)))
    assert order == [0, 1, 2, 3]


async def test_same_name_as_one_that_hangs(release: threading.Event) -> None:
    """Its thread may still come back and write: no other may meet it."""
    runner = JobRunner(limit=4, timeout=0.2)
    order: list[int] = []

    with pytest.raises(Unreachable):
        await runner.run(hang_until(release), name="x")
    with pytest.raises(Unreachable):
        await runner.run(lambda _: order.append(5), name="x")

    async def works() -> bool:
        with suppress(Unreachable):
            await runner.run(lambda _: order.append(6), name="y")
        return bool(order)

    await until(works)
    assert 5 not in order


async def test_cancelled() -> None:
    """The thread notices at its next step; the caller waits for its clean-up."""
    runner = JobRunner(limit=1, timeout=2 * LONG)
    started = threading.Event()
    cleaned_up = threading.Event()

    def work(job: Job) -> None:
        started.set()
        try:
            while True:
                time.sleep(0.01)
                job.step()
        finally:
            cleaned_up.set()

    task = asyncio.create_task(runner.run(work))
    await until(started.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned_up.is_set()


async def test_cancelled_while_it_hangs(release: threading.Event) -> None:
    """A cancellation waits for a hanging thread but a moment."""
    runner = JobRunner(limit=1, timeout=2 * LONG, cancel_timeout=0.1)
    begun = threading.Event()

    def work(_: Job) -> None:
        begun.set()
        release.wait(2 * LONG)

    task = asyncio.create_task(runner.run(work))
    await until(begun.is_set)
    task.cancel()
    async with promptly():
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not release.is_set()


async def test_abandon_all() -> None:
    """Everybody who waits for a step gets to know that it is over."""
    runner = JobRunner(limit=2, timeout=2 * LONG)
    begun: list[Job] = []

    def work(job: Job) -> None:
        begun.append(job)
        while True:
            time.sleep(0.01)
            job.step()

    tasks = [asyncio.create_task(runner.run(work)) for _ in range(2)]
    await until(lambda: len(begun) == 2)
    runner.abandon_all()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, Unreachable)
