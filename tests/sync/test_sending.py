"""What goes wrong on the way to a destination: bounded, told once, nobody else waits."""

from collections.abc import AsyncGenerator
from dataclasses import replace
import logging
import sqlite3
import time
from typing import Any, override

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    ConnectTimeout,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.sync.ledger import uploads
from custom_components.frigate_snap_sync.sync.model.rank import Rank
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.sending.breaker import Breaker

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, IMAGE, FakeDestination

_SPEED = 0.001
"""How much faster than in truth a failing destination is tried again."""


class Choosy(FakeDestination):
    """Fails for every file that has a certain text in its path."""

    def __init__(self, text: str, failure: StorageError) -> None:
        """Keep both."""
        super().__init__()
        self.puts = 0
        self.failed_at: list[float] = []
        self._text = text
        self._failure = failure

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self.puts += 1
        if self._text in path:
            self.failed_at.append(time.monotonic())
            raise self._failure
        return await super().put(path, source, temporary=temporary)


@pytest.fixture
def quick(bench: Bench) -> None:
    """Let all delays of a destination shrink by the same factor."""
    bench.timing = replace(
        FAST,
        first_retry=10 * _SPEED,
        longest_retry=300 * _SPEED,
        jitter=lambda low, high: (low + high) / 2 * _SPEED,
    )


def outage_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was told of a destination's going and coming back."""
    texts = [record.getMessage() for record in caplog.records]
    return [text for text in texts if "is failing" in text or "is back" in text]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("text", ["", "live-snapshot"])
async def test_a_destination_that_connects_but_takes_nothing(
    bench: Bench, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried more and more slowly, and told of once; also if probes arrive."""
    caplog.set_level(logging.INFO)
    nas = Choosy(text, Unreachable("The connection broke"))
    await bench.start(setup(nas))
    bench.live_snapshot()
    # 5, 10, 20, 40, 80, 160 and 300 s at that speed lie in between: the file is tried
    # once when a pause is over and the probe has passed.
    await until(lambda: len(nas.failed_at) >= 8)
    assert nas.failed_at[7] - nas.failed_at[0] > 600 * _SPEED
    assert 1 <= len(outage_lines(caplog)) <= 3
    assert not nas.media


def test_causes_that_take_turns_are_one_outage() -> None:
    """Nothing answers, or not in time: the pauses grow, and it is told once."""
    breaker, now = Breaker(Timing()), 0.0
    news, pauses = [], []
    for number in range(20):
        error = (Unreachable, ConnectTimeout)[number % 2]("no answer")
        news.append(breaker.fail(error, now))
        pauses.append(breaker.remaining(now))
        now += pauses[-1]
    assert news == [True, *[False] * 19]
    assert pauses[0] < 7
    assert min(pauses[8:]) >= 300


async def test_a_refused_file_is_told_of_once(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """However often it is refused; each file of its own."""
    bench.timing = replace(FAST, first_retry=0.01, longest_retry=0.01)
    nas.faults = [Rejected("no such name") for _ in range(8)]
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    nas.faults = [Rejected("no such name") for _ in range(2)]
    bench.live_snapshot(label="car")
    await until(lambda: len(nas.media) == 2)
    warnings = [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and "refused" in record.getMessage()
    ]
    assert len(warnings) == 2
    assert len(set(warnings)) == 2


async def test_a_retry_that_falls_due_while_work_is_looked_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """A slow disk under the ledger must not let it be missed."""
    look = uploads.next_uploads
    delayed: list[float] = []

    def slowly(connection: sqlite3.Connection, *args: Any, **kwargs: Any) -> object:
        found = look(connection, *args, **kwargs)
        (due,) = connection.execute(
            "SELECT MIN(retry_at) FROM uploads WHERE state = 'pending' AND retry_at > 0"
        ).fetchone()
        if due and not found and not delayed and Rank.ALERT_CLIP in kwargs["ranks"]:
            time.sleep(max(due - time.time(), 0) + 0.01)
            delayed.append(due)
        return found

    bench.faults.jobs[look] = slowly
    nas.faults = [Rejected("not now")]
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: delayed)
    await until(lambda: list(nas.media.values()) == [CLIP])


async def test_a_foreign_file_is_not_overwritten(
    bench: Bench, nas: FakeDestination
) -> None:
    """A template may give a name that something else has already; our own, though."""
    nas.files["mine/live_snapshot.jpg"] = b"foreign"
    render = lambda values: f"mine/{values.kind}"  # noqa: E731
    await bench.start(setup(nas, render=render))
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 2)
    assert nas.files.pop("mine/live_snapshot.jpg") == b"foreign"
    ((path, data),) = nas.media.items()
    assert path.startswith("mine/live_snapshot-")
    assert data == IMAGE
    await bench.pending(0)
    (row,) = await bench.uploads()
    assert row.path == path


async def test_foreign_files_with_several_names(
    bench: Bench, nas: FakeDestination
) -> None:
    """Each is tried once: of an earlier ledger there may be many."""
    names = ["mine/snapshot.jpg", "mine/snapshot-abc123.jpg"]
    nas.files.update(dict.fromkeys(names, b"foreign"))
    await bench.start(setup(nas, render=lambda values: f"mine/{values.kind}"))
    bench.tracked_object(source_id="1.5-abc123")
    await until(lambda: "mine/snapshot-abc123-2.jpg" in nas.media)
    assert [nas.files[name] for name in names] == [b"foreign"] * 2


async def test_a_folder_in_which_every_name_is_taken(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server that answers so is asked again later, and nothing is overwritten."""
    stat = nas.stat

    async def taken(path: str) -> StoredFile | None:
        return await stat(path) or StoredFile(path=path, size=1)

    nas.stat = taken  # type: ignore[method-assign]
    await bench.start(setup(nas, render=lambda values: f"mine/{values.kind}"))
    bench.tracked_object()
    await until(lambda: "is taken" in caplog.text)
    (row,) = await bench.uploads()
    assert (row.state, row.attempts) == ("pending", 0)
    assert not nas.media
    nas.stat = stat  # type: ignore[method-assign]
    await until(lambda: len(nas.media) == 1)


class ReadBack(FakeDestination):
    """Gives back what it was told to, before what it really holds."""

    def __init__(self) -> None:
        """Start sound."""
        super().__init__()
        self.wrong: list[bytes | StorageError] = []
        self.reads = 0

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        self.reads += 1
        if not self.wrong:
            yield self.files[path]
            return
        answer = self.wrong.pop(0)
        if isinstance(answer, StorageError):
            raise answer
        yield answer


async def test_a_copy_is_read_back_and_compared(bench: Bench) -> None:
    """Once if it is right; nothing is removed then."""
    nas = ReadBack()
    await bench.start(setup(wrapped(nas, verify=True)))
    bench.live_snapshot()
    bench.review("end", end=time.time() - 50)
    assert await bench.settled() == {"verified": 2}
    assert nas.reads == 2
    assert not nas.deleted


async def test_nothing_is_read_back_unasked(bench: Bench) -> None:
    """It costs as much traffic as the upload."""
    nas = ReadBack()
    await bench.start(setup(nas))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert not nas.reads


async def test_a_copy_that_differs_is_removed_and_sent_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """It never counts as verified; the destination is not thought to be away."""
    nas = ReadBack()
    nas.wrong = [IMAGE[:-1] + b"x", IMAGE[:-1]]
    await bench.start(setup(wrapped(nas, verify=True)))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    (path,) = nas.media
    assert nas.history == [path] * 3
    assert nas.deleted.count(path) == 2
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert ["is not what was sent" in each.getMessage() for each in warnings] == [True]
    await until(lambda: bench.status.destinations["nas"].live_snapshots_uploaded == 1)
    status = bench.status.destinations["nas"]
    assert status.connected is True
    assert status.data_uploaded == len(IMAGE)
    assert status.last_error is None


@pytest.mark.usefixtures("quick")
async def test_a_connection_that_breaks_while_a_copy_is_read_back(
    bench: Bench,
) -> None:
    """Nothing is known of the copy then: it is sent once more."""
    nas = ReadBack()
    nas.wrong = [Unreachable("The connection broke")]
    await bench.start(setup(wrapped(nas, verify=True)))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert list(nas.media.values()) == [IMAGE]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "failure",
    [Unreachable("The connection broke"), PermissionDenied("No right to write")],
)
async def test_a_clip_that_always_fails_holds_up_no_other(
    bench: Bench, failure: StorageError
) -> None:
    """Whether it kills the connection, or may not be written where it belongs."""
    nas = Choosy("poison", failure)
    await bench.start(setup(nas))
    bench.review("end", source_id="1.5-poison", end=time.time() - 50)
    await until(lambda: nas.puts)
    for number in range(4):
        bench.review("end", source_id=f"{number}.5-good{number}", end=time.time() - 50)
    await until(lambda: len([path for path in nas.media if "good" in path]) == 4)
