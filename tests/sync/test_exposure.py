"""Since when something is not protected: a pause is the owner's wish."""

from dataclasses import replace
import time

from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.ledger import exposure
from custom_components.frigate_snap_sync.sync.model.status import Protection

from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, FakeDestination
from .test_incomplete import INCOMPLETE, Damage, names, over


async def since(bench: Bench) -> float | None:
    """Return since when something is not protected."""
    await bench.at_rest()
    return await bench.engine._ledger.run(exposure.unprotected_since)  # noqa: SLF001


async def test_what_waits_for_a_paused_destination(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It is protected as soon as another one has it, and only then."""
    nas.gate.clear()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: bench.status.frigate_connected)
    assert await since(bench) is None
    await bench.engine.set_sending("cloud", False)
    bench.live_snapshot()
    await bench.pending(2)
    assert await since(bench) is not None
    nas.gate.set()
    await bench.pending(1)
    assert not cloud.media
    assert await since(bench) is None
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot(image=FULL_IMAGE)
    await bench.pending(3)
    assert await since(bench) is not None


async def test_what_waits_for_a_failing_destination(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It is not protected as its owner wants it to be, whoever else has it."""
    cloud.error = Unreachable("no route")
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await bench.pending(1)
    assert await since(bench) is not None


async def test_parts_of_a_paused_destination(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Others have the whole, which has superseded their parts."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("cloud", False)
    bench.review("end", start=1000.0, end=1010.0)
    await until(lambda: len(nas.media) == 1)
    await bench.pending(1)
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE uploads SET state = 'superseded' WHERE state = 'verified'"
        )
    )
    assert await since(bench) is None


async def test_the_owner_is_told_of_it(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """A long pause of one destination is no risk, one of all is."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_sending("cloud", False)
    bench.live_snapshot()
    await bench.pending(1)
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute("UPDATE uploads SET expected_at = 0")
    )
    await bench.engine.set_sending("cloud", False)
    assert bench.status.protection is Protection.PROTECTED
    cloud.gate.clear()
    await bench.engine.set_sending("cloud", True)
    assert bench.status.protection is Protection.AT_RISK


async def test_a_whole_that_comes_after_all(bench: Bench, nas: FakeDestination) -> None:
    """It has been missing only since Frigate gave it: nobody waited for it."""
    bench.timing = replace(
        FAST, daily=0.4, first_retry=0.02, longest_retry=0.02, gone_after=0
    )
    damage = Damage(bench, good=10)
    await bench.start(setup(nas))
    over(bench)
    await until(lambda: names(nas) == ["-incomplete.mp4"])
    assert await bench.settled() == INCOMPLETE
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute("UPDATE uploads SET expected_at = 0")
    )
    before = time.time()
    nas.gate.clear()
    damage.is_mended = True
    await bench.pending(1)
    assert (await since(bench) or 0) >= before
    (row,) = await bench.uploads(state="pending")
    assert row.finished is None
