"""Copies that vanish or change after they were proven are noticed, and told once."""

from dataclasses import replace

import pytest

from custom_components.frigate_snap_sync.storage.base import StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import Ledger

from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, FakeDestination


async def test_a_copy_that_vanished_is_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not sent again: its owner may have deleted it."""
    bench.timing = replace(FAST, audit=0, probe=0.05)
    nas = FakeDestination()
    await bench.start(setup(nas))
    for number in range(4):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.media) == 4)
    assert await bench.settled() == {"verified": 4}
    gone, changed, *kept = sorted(nas.media)
    del nas.files[gone]
    nas.files[changed] += FULL_IMAGE
    await until(lambda: "no longer at nas" in caplog.text)
    told = next(text for text in caplog.messages if "no longer at nas" in text)
    assert gone in told
    assert changed in told
    caplog.clear()
    connects = nas.connects
    await until(lambda: nas.connects > connects + 3)
    assert "no longer at" not in caplog.text
    assert sorted(nas.media) == sorted([changed, *kept])
    assert len(nas.history) == 4


async def due(bench: Bench) -> None:
    """Let an audit be due at the next start."""
    ledger = Ledger(bench.folder / "ledger" / "one.db")
    await ledger.open()
    await ledger.run(
        lambda connection: connection.execute("UPDATE destinations SET last_audit = 0")
    )
    await ledger.close()


async def test_audits_come_daily(bench: Bench) -> None:
    """Not at every look, nor after every restart."""
    bench.timing = replace(FAST, probe=0.05)
    nas = FakeDestination()
    await bench.start(setup(nas))
    await until(lambda: nas.connects)
    bench.live_snapshot()
    await until(lambda: nas.media)
    await bench.settled()
    nas.files.clear()
    await bench.stop()
    nas.error = None
    looked = []
    stat = nas.stat

    async def note(path: str) -> object:
        looked.append(path)
        return await stat(path)

    nas.stat = note  # type: ignore[assignment,method-assign]
    await bench.start(setup(nas))
    connects = nas.connects
    await until(lambda: nas.connects > connects + 3)
    assert not looked


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_connection_that_drops_ends_no_audit(
    bench: Bench, is_restarted: bool
) -> None:
    """What was found is kept, and the rest is looked at when it is back."""
    bench.timing = replace(FAST, probe=0.05)
    nas = FakeDestination()
    await bench.start(setup(nas))
    for number in range(6):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.media) == 6)
    await bench.settled()
    await bench.stop()
    await due(bench)
    nas.files.clear()
    nas.error = None
    stat = nas.stat
    looked: list[str] = []
    dropped: list[str] = []

    async def drop(path: str) -> StoredFile | None:
        if "live-snapshot" in path:  # Not the file of a probe.
            looked.append(path)
        if len(looked) == 4 and not dropped:
            dropped.append(path)
            raise Unreachable("connection lost")
        return await stat(path)

    nas.stat = drop  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: len(looked) >= 4)
    if is_restarted:
        await until(lambda: bench.status.losses.count >= 3)
        await bench.stop()
        await bench.start(setup(nas))
    await until(lambda: bench.status.losses.count == 6)
    # The one that was being looked at comes last, and none is looked at twice.
    assert len(set(looked)) == 6
    assert looked[-1:] == dropped or is_restarted
    assert len(looked) == 7
    connects = nas.connects
    looked.clear()
    await until(lambda: nas.connects > connects + 2)
    assert not looked


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (Rejected("odd name"), 1),
        (PermissionDenied("its folder may not be read"), 1),
        (Unreachable("it hangs up"), 2),
    ],
)
async def test_a_copy_that_can_not_be_looked_at(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: StorageError, times: int
) -> None:
    """It holds up no other, nor the next audit; a refusal is none of the destination."""
    bench.timing = replace(FAST, probe=0.05)
    nas = FakeDestination()
    await bench.start(setup(nas))
    for number in range(3):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.media) == 3)
    await bench.settled()
    await bench.stop()
    await due(bench)
    odd, *others = sorted(nas.media)
    for path in others:
        del nas.files[path]
    nas.error = None
    stat, looked = nas.stat, []

    async def fail(path: str) -> StoredFile | None:
        if "live-snapshot" in path:  # Not the file of a probe.
            looked.append(path)
        if path == odd:
            raise error
        return await stat(path)

    nas.stat = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: looked.count(odd) == times)
    await until(lambda: bench.status.losses.count == 2)
    connects = nas.connects
    await until(lambda: nas.connects > connects + 2)
    assert len(looked) == 2 + times
    assert ("is failing" in caplog.text) is isinstance(error, Unreachable)
