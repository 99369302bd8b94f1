"""A destination that is paused, added, full or refuses a file harms no other."""

import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    NoSpace,
    Rejected,
)

from .conftest import Bench, setup, until
from .fakes import FakeDestination


async def test_a_paused_destination_keeps_its_queue(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also through a restart."""
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.pending(1)
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.destinations["nas"].sending is False
    await until(lambda: bench.status.frigate_connected)
    await bench.at_rest()
    assert not nas.history
    await bench.engine.set_sending("nas", True)
    await until(lambda: len(nas.media) == 1)


async def test_destinations_come_and_go_without_loss(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """A new one starts now, a changed one continues, a removed one's queue is cancelled."""
    nas.gate.clear()
    first = setup(nas)
    await bench.start(first)
    bench.live_snapshot(label="a")
    await until(lambda: len(nas.files) == 1)
    await bench.engine.apply_destinations([first, setup(cloud, name="cloud")])
    assert nas.closes == 0
    bench.live_snapshot(label="b")
    await until(lambda: len(cloud.media) == 1)
    changed = FakeDestination()
    await bench.engine.apply_destinations([setup(changed), setup(cloud, name="cloud")])
    assert nas.closes == 1
    await until(lambda: len(changed.media) == 2)
    changed.gate.clear()
    bench.live_snapshot(label="c")
    await until(lambda: len(changed.files) == 3)
    await bench.engine.apply_destinations([setup(cloud, name="cloud")])
    await until(lambda: len(cloud.media) == 2)
    await until(lambda: not bench.spooled())
    await until(lambda: set(bench.status.destinations) == {"cloud"})
    assert len(changed.history) == 2
    counts = (await bench.engine.diagnostics())["counts"]["uploads"]
    assert counts == {"verified": 4, "cancelled": 1}
    await until(lambda: bench.status.cameras["front_door"].snapshots_uploaded == 3)


async def test_one_refused_file_stops_no_other(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again later, more and more slowly."""
    await bench.start(setup(nas))
    nas.faults = [Rejected("no such name"), RuntimeError("a bug")]
    for number in range(4):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(nas.media) == 4)
    assert "refused" in caplog.text
    assert "RuntimeError: a bug" in caplog.text
    assert bench.status.destinations["nas"].connected is True


async def test_a_full_disk_is_found_to_have_room_again(
    bench: Bench, nas: FakeDestination, impatient: None
) -> None:
    """A connection proves nothing then: a probe file must be written."""
    await bench.start(setup(nas))
    nas.faults = [NoSpace("disk full")]
    bench.live_snapshot()
    await until(lambda: bench.status.destinations["nas"].reason == "disk full")
    await until(lambda: len(nas.media) == 1)
    assert bench.status.destinations["nas"].connected is True
    assert any("check" in path for path in nas.history)


async def test_the_test_button_ends_a_back_off(
    bench: Bench, nas: FakeDestination
) -> None:
    """The owner has fixed it and need not wait a quarter of an hour."""
    nas.error = AuthFailed("password refused")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected is False)
    with pytest.raises(AuthFailed):
        await bench.engine.test_destination("nas")
    bench.live_snapshot()
    connects = nas.connects
    await until(lambda: bench.status.destinations["nas"].pending_uploads == 1)
    await bench.at_rest()
    assert nas.connects == connects
    nas.error = None
    await bench.engine.test_destination("nas")
    await until(lambda: len(nas.media) == 1)
    await until(lambda: bench.status.destinations["nas"].connected is True)
