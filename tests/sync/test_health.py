"""What a destination's failures mean: for one file, for all, and until when."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
import logging
from pathlib import Path
import posixpath
import time
from typing import Any, override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.check import PROBE_PREFIX
from custom_components.frigate_snap_sync.storage.errors import (
    NoSpace,
    NotMounted,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
)
from custom_components.frigate_snap_sync.storage.names import TemporaryForm
from custom_components.frigate_snap_sync.sync.model.status import Problem

from ..harness.disk import SmallDisk
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FakeDestination
from .faults import Job, RunJob

_SPEED = 0.0005


@pytest.fixture
def quick(bench: Bench) -> None:
    """Let all delays of a destination shrink by the same factor."""
    bench.timing = replace(
        FAST,
        first_retry=10 * _SPEED,
        longest_retry=300 * _SPEED,
        jitter=lambda low, high: (low + high) / 2 * _SPEED,
    )


class Strict(FakeDestination):
    """Takes small probes, and of files what it is told to."""

    def __init__(self, refusal: StorageError) -> None:
        """Refuse nothing yet."""
        super().__init__()
        self.refusal = refusal
        self.largest: int | None = None
        """The most bytes that a file may have."""
        self.refused: list[str] = []

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if PROBE_PREFIX not in path and self.largest is not None:
            if source.size > self.largest:
                self.refused.append(path)
                raise self.refusal
        return await super().put(path, source, temporary=temporary)


def outage_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was told of a destination."""
    texts = [
        record.getMessage()
        for record in caplog.records
        if record.levelno > logging.INFO
    ]
    return [text for text in texts if "Destination nas" in text]


def problems(bench: Bench) -> list[Problem | None]:
    """Return what was shown of the destination, without what is shown twice."""
    shown = [status.destinations["nas"].problem for status in bench.statuses]
    return [
        problem
        for number, problem in enumerate(shown)
        if not number or shown[number - 1] is not problem
    ]


@pytest.mark.usefixtures("quick")
async def test_a_cause_that_hits_three_files_is_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """One line, one repair, until something arrives."""
    nas = Strict(Rejected("Failed to write: Bad message"))
    nas.largest = 0
    await bench.start(setup(nas))
    for number in range(20):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: bench.status.destinations["nas"].problem)
    status = bench.status.destinations["nas"]
    assert status.problem is Problem.NOT_WRITABLE
    assert status.reason == (
        "3 files in a row were refused: Failed to write: Bad message"
    )
    assert status.connected is True
    # A probe is taken all the time.
    await until(lambda: len([path for path in nas.history if "check" in path]) > 6)
    lines = outage_lines(caplog)
    assert len([line for line in lines if "is failing" in line]) == 1
    assert len([line for line in lines if "refused l" in line]) <= 1
    nas.largest = None
    assert await bench.settled() == {"verified": 20}
    await until(lambda: bench.status.destinations["nas"].problem is None)
    assert problems(bench) == [None, Problem.NOT_WRITABLE, None]


class Counting(Strict):
    """Counts the files that are on their way at a time."""

    at_once = most_at_once = 0

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self.at_once += PROBE_PREFIX not in path
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0.01)
            return await super().put(path, source, temporary=temporary)
        finally:
            self.at_once -= PROBE_PREFIX not in path


@pytest.mark.usefixtures("quick")
async def test_in_doubt_one_file_is_sent_at_a_time(bench: Bench) -> None:
    """Not ten at once to a destination that will refuse them all."""
    nas = Counting(Rejected("Bad message"))
    nas.largest = 0
    await bench.start(setup(nas))
    for number in range(20):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: bench.status.destinations["nas"].problem and not nas.at_once)
    nas.most_at_once, tries = 0, len(nas.refused)
    await until(lambda: len(nas.refused) > tries + 3)
    assert nas.most_at_once == 1
    nas.largest = None
    assert await bench.settled() == {"verified": 20}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("refusal", [NoSpace("Disk full"), PermissionDenied("No")])
async def test_what_a_probe_can_not_show_does_not_flap(
    bench: Bench, caplog: pytest.LogCaptureFixture, refusal: StorageError
) -> None:
    """The probe fits and stills do, a clip does not: they arrive, it is still shown."""
    nas = Strict(refusal)
    nas.largest = len(CLIP) - 1
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.destinations["nas"].problem)
    problem = bench.status.destinations["nas"].problem
    for number in range(20):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.media) == 20)
    tries = len(nas.refused)
    await until(lambda: len(nas.refused) > tries + 3)
    assert bench.status.destinations["nas"].failing_since is not None
    assert problems(bench) == [None, problem]
    assert len([line for line in outage_lines(caplog) if "is failing" in line]) == 1

    nas.largest = None
    assert await bench.settled() == {"verified": 21}
    await until(lambda: bench.status.destinations["nas"].problem is None)
    assert problems(bench) == [None, problem, None]


@pytest.mark.usefixtures("quick")
async def test_a_test_proves_more_than_a_probe_where_files_failed(
    bench: Bench,
) -> None:
    """No "it works again" while what waits is refused; and at once when it is not."""
    nas = Strict(NoSpace("Disk full"))
    nas.largest = len(CLIP) - 1
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.destinations["nas"].problem)
    with pytest.raises(NoSpace, match="Disk full"):
        await bench.engine.test_destination("nas")
    await bench.at_rest()
    assert bench.status.destinations["nas"].tested is None
    nas.largest = None
    await bench.engine.test_destination("nas")
    assert list(nas.media.values()) == [CLIP]
    await until(lambda: bench.status.destinations["nas"].tested is not None)


async def test_a_test_does_not_wait_for_the_time_of_a_retry(bench: Bench) -> None:
    """Its owner has made room, and wants to see it."""
    bench.timing = replace(FAST, first_retry=600, longest_retry=600)
    nas = Strict(NoSpace("Disk full"))
    nas.largest = len(CLIP) - 1
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.destinations["nas"].problem)
    with pytest.raises(NoSpace):
        await bench.engine.test_destination("nas")
    assert len(nas.refused) == 2
    nas.largest = None
    await bench.engine.test_destination("nas")
    assert list(nas.media.values()) == [CLIP]
    await until(lambda: bench.status.destinations["nas"].problem is None)


class Picky(FakeDestination):
    """May refuse temporary names that begin with a dot."""

    refuses_dots = False

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if self.refuses_dots and posixpath.basename(temporary).startswith("."):
            raise PermissionDenied("Forbidden filename")
        self.temporary = temporary
        return await super().put(path, source, temporary=temporary)


@pytest.mark.usefixtures("quick")
async def test_a_server_that_refuses_dot_files_one_day(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """The test finds the form that works; it is remembered over a restart."""
    nas = Picky()
    await bench.start(setup(nas))
    bench.live_snapshot(label="a")
    await until(lambda: len(nas.media) == 1)
    assert posixpath.basename(nas.temporary).startswith(".")
    nas.refuses_dots = True
    bench.live_snapshot(label="b")
    await until(lambda: len(nas.media) == 2)
    assert not posixpath.basename(nas.temporary).startswith(".")
    assert nas.temporary.endswith(".tmp")
    await until(lambda: bench.status.destinations["nas"].problem is None)
    await bench.stop()

    caplog.clear()
    await bench.start(setup(nas))
    bench.live_snapshot(label="c")
    await until(lambda: len(nas.media) == 3)
    assert not outage_lines(caplog)


async def test_the_form_that_was_found_at_set_up(bench: Bench) -> None:
    """It is used from the first file on; another place begins anew."""
    nas = Picky()
    nas.refuses_dots = True
    plain = replace(setup(nas), temporary_form=TemporaryForm.PLAIN)
    await bench.start(plain)
    bench.live_snapshot(label="a")
    await until(lambda: len(nas.media) == 1)
    assert bench.status.destinations["nas"].failing_since is None


@pytest.mark.usefixtures("quick")
async def test_another_place_forgets_the_form_of_the_one_before(bench: Bench) -> None:
    """It was that server's rule."""
    nas, other = Picky(), Picky()
    nas.refuses_dots = True
    await bench.start(setup(nas))
    bench.live_snapshot(label="a")
    await until(lambda: len(nas.media) == 1)
    await bench.engine.apply_destinations([setup(other)])
    bench.live_snapshot(label="b")
    await until(lambda: len(other.media) == 1)
    assert posixpath.basename(other.temporary).startswith(".")


@pytest.fixture
async def share(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    """Return a disk to mount, where that is permitted."""
    disk = SmallDisk(tmp_path / "share", size=8)
    async with disk:
        if not disk.is_real:
            pytest.skip("mounting a file system is not permitted here")
        yield disk


async def test_a_share_that_is_back_is_noticed_soon(
    bench: Bench, share: SmallDisk
) -> None:
    """Within ten seconds, by a look at the mount point: nothing is written meanwhile."""
    root = share.folder / "frigate"
    nas = LocalDestination(
        root, mount_point=str(share.folder), is_allowed=lambda path: True
    )
    await bench.start(setup(nas))
    bench.live_snapshot(label="a")
    assert await bench.settled() == {"verified": 1}
    await share.__aexit__()
    assert not list(share.folder.iterdir())
    bench.live_snapshot(label="b")
    await until(lambda: bench.status.destinations["nas"].problem)
    assert bench.status.destinations["nas"].problem is Problem.NOT_MOUNTED
    jobs: list[str] = []

    async def noted(job: Job, run: RunJob) -> Any:
        jobs.append(job.__module__.rpartition(".")[2])
        return await run(job)

    bench.faults.run = noted
    await asyncio.sleep(7)
    bench.faults.run = None
    assert "probes" not in jobs
    assert not list(share.folder.iterdir()), "not the machine's own disk"
    await share.__aenter__()
    began = time.monotonic()
    await until(lambda: list(root.rglob("*.jpg")))
    assert time.monotonic() - began < 10
    await until(lambda: bench.status.destinations["nas"].problem is None)


class Share(FakeDestination):
    """A folder of a share that this machine has mounted."""

    def __init__(self) -> None:
        """Start sound."""
        super().__init__()
        self.can = Capabilities(is_local=True)
        self.tries = 0

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self.tries += 1
        return await super().put(path, source, temporary=temporary)


AWAY = (NotMounted("another file system"), Unreachable("Host is down"))


async def test_a_mounted_share_whose_server_is_back_is_noticed_soon(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it was away; one line says that it is, and one that it is back."""
    bench.timing = replace(FAST, jitter=lambda low, high: 0.02)  # 5 s are 0.1 s
    nas = Share()
    await bench.start(setup(nas))
    nas.error = Unreachable("Host is down")
    bench.live_snapshot()
    await until(lambda: bench.status.destinations["nas"].connected is False)
    # By doubling it would be minutes by now.
    connects, tries = nas.connects, nas.tries
    await until(lambda: nas.connects > connects + 30, seconds=15)
    assert nas.tries == tries, "A look costs no probe"
    nas.error = None
    await until(lambda: nas.media)
    await until(lambda: "Destination nas is back" in caplog.text)
    assert len(outage_lines(caplog)) == 1
    assert caplog.text.count("Destination nas is back") == 1


@pytest.mark.parametrize("error", AWAY)
async def test_a_paused_destination_s_share_is_looked_for_as_well(
    bench: Bench, error: StorageError
) -> None:
    """Its owner sees that it is back."""
    nas = Share()
    nas.error = error
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected is False)
    await bench.engine.set_sending("nas", False)
    nas.error = None
    await until(lambda: bench.status.destinations["nas"].connected is True)


@pytest.mark.usefixtures("quick")
async def test_a_share_that_is_back_and_fails_otherwise(bench: Bench) -> None:
    """What the look finds is told as any other failure."""
    nas = FakeDestination()
    nas.error = NotMounted("another file system")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].problem)
    nas.error = Unreachable("Host is down")
    await until(lambda: bench.status.destinations["nas"].reason == "Host is down")
    nas.error = None
    await until(lambda: bench.status.destinations["nas"].connected is True)
