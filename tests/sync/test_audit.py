"""Copies that vanish or change after they were proven are noticed, and told once."""

from dataclasses import replace

import pytest

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
