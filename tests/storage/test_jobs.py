"""Blocking work in threads: bounded, cancelled, and not waited for in vain."""

import asyncio
from collections.abc import Callable, Generator
import threading
import time

import pytest

from custom_components.frigate_snap_sync.storage import jobs
from custom_components.frigate_snap_sync.storage.base import Unreachable
from custom_components.frigate_snap_sync.storage.jobs import Job, JobRunner


@pytest.fixture
def release() -> Generator[threading.Event]:
    """An event that hanging jobs wait for; set in the end in any case."""
    event = threading.Event()
    yield event
    event.set()


def hang_until(event: threading.Event) -> Callable[[Job], str]:
    """Return work that waits for the event without making a step."""

    def work(job: Job) -> str:
        assert event.wait(10)
        return "done"

    return work


async def test_result_and_error() -> None:
    """What the work returns or raises comes back."""
    runner = JobRunner(limit=1, timeout=5)
    assert await runner.run(lambda _: 42) == 42

    def fail(_: Job) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await runner.run(fail)


async def test_limit() -> None:
    """No more threads than allowed, and everybody gets his turn."""
    runner = JobRunner(limit=3, timeout=5)
    running = most = 0
    lock = threading.Lock()

    def work(_: Job) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    await asyncio.gather(*(runner.run(work) for _ in range(20)))
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
    await asyncio.sleep(0.1)
    assert await runner.run(lambda _: 1) == 1


async def test_steps_keep_a_job_alive() -> None:
    """Not the whole time counts, but that without a step."""
    runner = JobRunner(limit=1, timeout=0.4)

    def slow(job: Job) -> str:
        for _ in range(8):
            time.sleep(0.1)
            job.step()
        return "done"

    # The second one waits for the first all that time, which is fine, too.
    results = await asyncio.gather(runner.run(slow), runner.run(slow))
    assert list(results) == ["done", "done"]


async def test_same_name(release: threading.Event) -> None:
    """Jobs of one name run one after the other, even if the first was given up."""
    runner = JobRunner(limit=4, timeout=0.2)
    order: list[int] = []

    def work(number: int) -> Callable[[Job], None]:
        def note(_: Job) -> None:
            time.sleep(0.02)
            order.append(number)

        return note

    await asyncio.gather(*(runner.run(work(n), name="x") for n in range(4)))
    assert order == [0, 1, 2, 3]

    with pytest.raises(Unreachable):
        await runner.run(hang_until(release), name="x")
    with pytest.raises(Unreachable):
        await runner.run(work(5), name="x")
    await runner.run(work(6), name="y")
    assert order[-1] == 6


async def test_cancelled() -> None:
    """The thread notices at its next step; the caller waits for its clean-up."""
    runner = JobRunner(limit=1, timeout=5)
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
    while not started.is_set():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned_up.is_set()


async def test_cancelled_while_it_hangs(
    release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation waits for a hanging thread but a moment."""
    monkeypatch.setattr(jobs, "CANCEL_TIMEOUT", 0.1)
    runner = JobRunner(limit=1, timeout=5)
    task = asyncio.create_task(runner.run(hang_until(release)))
    await asyncio.sleep(0.05)
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 2


async def test_abandon_all() -> None:
    """Everybody who waits for a step gets to know that it is over."""
    runner = JobRunner(limit=2, timeout=5)

    def work(job: Job) -> None:
        while True:
            time.sleep(0.01)
            job.step()

    tasks = [asyncio.create_task(runner.run(work)) for _ in range(2)]
    await asyncio.sleep(0.05)
    runner.abandon_all()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, Unreachable)
