"""A test of a destination leaves nothing behind, whatever happens to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
import shutil
import stat
from typing import Any, override

import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.check import (
    PROBE_PREFIX,
    leftovers_of,
    probe_name,
)
from custom_components.frigate_snap_sync.storage.errors import Rejected, Unreachable
from custom_components.frigate_snap_sync.storage.layout import dated_layout
from custom_components.frigate_snap_sync.sync.engine import DestinationSetup
from custom_components.frigate_snap_sync.sync.ledger import LedgerError, probes

from .conftest import Bench, setup, until
from .fakes import FakeDestination
from .faults import Job, RunJob


class Leaving(FakeDestination):
    """Is gone for good in mid-test, like the machine that tests."""

    is_gone = False

    def probes(self) -> list[str]:
        """Return what lies there of probes."""
        return [name for name in self.files if name.startswith(PROBE_PREFIX)]

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await super().put(path, source, temporary=temporary)
        if self.is_gone:
            self.files[temporary] = b"half of the next"
            self.error = Unreachable("no answer")
        return stored


@pytest.fixture
def nas() -> Leaving:
    """Return a destination."""
    return Leaving()


async def test_the_probe_of_a_killed_test_is_removed_at_the_next_start(
    bench: Bench, nas: Leaving
) -> None:
    """Its name was kept before it was made."""
    await bench.start(setup(nas))
    nas.is_gone = True
    with pytest.raises(Unreachable):
        await bench.engine.test_destination("nas")
    await bench.stop()
    assert len(nas.probes()) == 2
    nas.is_gone, nas.error = False, None
    nas.files["frigate-snap-sync-check-of-somebody-else"] = b"not ours"
    await bench.start(setup(nas))
    await until(lambda: len(nas.probes()) == 1)
    assert nas.probes() == ["frigate-snap-sync-check-of-somebody-else"]


async def test_the_next_test_takes_the_same_name(bench: Bench, nas: Leaving) -> None:
    """So there is never more than one to remember."""
    await bench.start(setup(nas))
    nas.is_gone = True
    with pytest.raises(Unreachable):
        await bench.engine.test_destination("nas")
    left, puts = nas.probes(), len(nas.history)
    nas.is_gone, nas.error = False, None
    await bench.engine.test_destination("nas")
    assert nas.probes() == []
    # The worker may have looked for its return by itself before.
    assert nas.history[puts] in left
    await bench.engine.test_destination("nas")
    assert nas.history[-1] not in left


async def test_what_the_set_up_left_is_removed(bench: Bench, nas: Leaving) -> None:
    """The test of a destination in use has the name that the one before it had."""
    nas.files = {"frigate-snap-sync-check-one/frigate-snap-sync-check-one.mp4": b"left"}
    await bench.start(replace(setup(nas), probe="frigate-snap-sync-check-one"))
    await bench.engine.test_destination("nas")
    assert nas.probes() == []


async def test_two_tests_at_once(bench: Bench, nas: Leaving) -> None:
    """They come one after the other."""
    await bench.start(setup(nas))
    await asyncio.gather(*(bench.engine.test_destination("nas") for _ in range(3)))
    assert nas.probes() == []


async def test_a_test_tells_of_the_destination_not_of_the_ledger(
    bench: Bench, nas: Leaving
) -> None:
    """Whose trouble is told elsewhere."""
    await bench.start(setup(nas))

    async def full(job: Job, run: RunJob) -> Any:
        if job.__module__.endswith("probes"):
            raise LedgerError("disk full")
        return await run(job)

    bench.faults.run = full
    await bench.engine.test_destination("nas")
    nas.faults.append(Rejected("no"))
    with pytest.raises(Rejected):
        await bench.engine.test_destination("nas")


@pytest.mark.parametrize("place", [None, "there"])
async def test_what_a_killed_test_left_where_the_destination_was(
    bench: Bench, nas: Leaving, place: str | None
) -> None:
    """Nothing looks for it later, when the destination is removed or elsewhere."""
    await bench.start(replace(setup(nas), place="here"))
    await until(lambda: bench.status.destinations["nas"].connected)
    made = leftovers_of(probe_name("nas"), dated_layout(datetime.now().astimezone()))
    await bench.engine._ledger.run(probes.begin, "nas", made=made)  # noqa: SLF001
    nas.files |= dict.fromkeys(made.files, b"half")
    nas.files["a.jpg"] = b"not ours"
    wanted: Sequence[DestinationSetup] = ()
    if place is not None:
        wanted = [replace(setup(FakeDestination()), place=place)]
    await bench.engine.apply_destinations(wanted)
    await until(lambda: not nas.probes())
    await until(lambda: list(nas.files) == ["a.jpg"])


async def test_the_spool_stays_private(bench: Bench, nas: Leaving) -> None:
    """Should its folder be removed, and a test be what makes it once more."""
    await bench.start(setup(nas))
    folder = bench.folder / "spool"
    shutil.rmtree(folder)
    await bench.engine.test_destination("nas")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
