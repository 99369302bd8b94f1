"""From a message of Frigate to a verified file: each one arrives, once, in order."""

import logging
import time

import pytest

from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.storage.errors import Unreachable

from .conftest import Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, IMAGE, FakeDestination, kind_of, names


async def test_every_medium_arrives_everywhere(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """One download, two destinations, counters that say so, an empty spool."""
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    bench.live_snapshot()
    bench.tracked_object()
    bench.review("new")
    start = time.time() - 60
    bench.review("end", source_id=f"{start}-l0g9kw", start=start, end=start + 5.5)
    await until(lambda: len(nas.media) == len(cloud.media) == 3)
    for destination in (nas, cloud):
        assert sorted(destination.media.values(), key=len) == [IMAGE, FULL_IMAGE, CLIP]
    assert nas.media == cloud.media
    assert bench.frigate.clips == [("front_door", int(start - 5), int(start + 11.5))]
    assert len(bench.frigate.snapshots) == 1
    await until(lambda: bench.status.cameras["front_door"].recordings_uploaded == 1)
    await bench.pending(0)
    front = bench.status.cameras["front_door"]
    assert (front.snapshots_uploaded, front.recordings_uploaded) == (2, 1)
    assert front.last_upload is not None
    assert (front.snapshots_enabled, front.recordings_enabled) == (True, True)
    one = bench.status.destinations["nas"]
    assert one.live_snapshots_uploaded == 1
    assert (one.snapshots_uploaded, one.recordings_uploaded) == (1, 1)
    assert one.data_uploaded == len(IMAGE) + len(FULL_IMAGE) + len(CLIP)
    assert one.connected is True
    assert one.free_space == nas.space
    assert one.last_error is None
    assert bench.status.frigate_connected is True
    assert bench.status.frigate_version == "0.17.2-3d4dd3a"
    assert bench.status.mqtt_connected is True
    await until(lambda: not bench.spooled())
    assert set(nas.files) == set(nas.media)
    assert bench.statuses[-1] == bench.status


async def test_nothing_is_sent_twice(bench: Bench, nas: FakeDestination) -> None:
    """Not the same image, nor a repeated end, nor anything after a restart."""
    await bench.start(setup(nas))

    def everything() -> None:
        bench.live_snapshot()
        bench.live_snapshot()
        bench.tracked_object(source_id="5.5-aaa111")
        bench.review("end", source_id="7.5-bbb222", start=1000.0, end=1010.0)
        bench.review("end", source_id="7.5-bbb222", start=1000.0, end=1010.0)
        bench.review("update", source_id="7.5-bbb222", start=1000.0)

    everything()
    await until(lambda: len(nas.media) == 3)
    assert await bench.settled() == {"verified": 3}
    await bench.stop()
    await bench.start(setup(nas))
    everything()
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: len(nas.history) == 4)
    assert names(nas).count("recording") == 1
    await until(lambda: bench.status.destinations["nas"].live_snapshots_uploaded == 2)
    assert bench.status.destinations["nas"].snapshots_uploaded == 1
    assert bench.status.destinations["nas"].recordings_uploaded == 1
    assert len(bench.frigate.clips) == 1


async def test_an_outage_of_hours_loses_nothing(
    bench: Bench,
    nas: FakeDestination,
    cloud: FakeDestination,
    impatient: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other destination works; one line when it goes, one when it is back."""
    caplog.set_level(logging.INFO)
    nas.error = Unreachable("connection refused")
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: bench.status.destinations["nas"].connected is False)
    for number in range(3):
        bench.live_snapshot(label=f"person{number}")
        bench.tracked_object(source_id=f"{number}.5-def456")
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(cloud.media) == 7)
    await until(lambda: bench.status.destinations["nas"].pending_uploads == 7)
    last_error = bench.status.destinations["nas"].last_error
    assert last_error is not None
    assert last_error.code == "cannot_connect"
    assert "connection refused" in last_error.text
    assert bench.status.cameras["front_door"].snapshots_uploaded == 0
    nas.error = None
    await until(lambda: len(nas.media) == 7)
    assert nas.media == cloud.media
    await until(lambda: bench.status.cameras["front_door"].snapshots_uploaded == 6)
    assert caplog.text.count("Destination nas is failing") == 1
    assert caplog.text.count("Destination nas is back") == 1
    assert len(bench.frigate.clips) == 1


async def test_a_restart_in_mid_upload_goes_on(
    bench: Bench, nas: FakeDestination
) -> None:
    """What the crashed try left under its temporary name is removed first."""
    await bench.start(setup(nas))
    await until(lambda: nas.connects)
    nas.gate.clear()
    bench.live_snapshot()
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(nas.files) == 2)
    leftovers = set(nas.files)
    await bench.stop()
    assert nas.closes
    nas.gate.set()
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 2 and not leftovers & set(nas.files))
    assert leftovers <= set(nas.deleted)
    assert len(bench.frigate.clips) == 1


async def test_order_of_work(bench: Bench, nas: FakeDestination) -> None:
    """Stills before clips, alerts before detections, one clip at a time."""
    nas.can = Capabilities(max_concurrent=1)
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.review("end", source_id="1.5-aaa", severity="detection", end=time.time() - 50)
    bench.review("end", source_id="2.5-bbb", severity="alert", end=time.time() - 50)
    bench.tracked_object()
    bench.live_snapshot()
    await bench.spooled_in_ledger(4)
    assert not nas.history
    nas.gate.clear()
    await bench.engine.set_sending("nas", True)
    await until(lambda: len(nas.files) == 2)
    nas.gate.set()
    await until(lambda: len(nas.media) == 4)
    stills = [name for name in names(nas) if name != "recording"]
    clips = [path for path in nas.history if kind_of(path) == "recording"]
    assert stills == ["live-snapshot", "snapshot"]
    assert ["bbb" in clip for clip in clips] == [True, False]


async def test_one_long_clip_is_asked_for_at_a_time(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's machine is small, and a second request is kept for what is short."""
    await bench.start(setup(nas))
    for number in range(8):
        bench.review("end", source_id=f"{number}.5-a{number}", end=time.time() - 50)
    await until(lambda: len(nas.media) == 8)
    assert bench.frigate.most_clips_at_once == 1
    assert len(bench.frigate.clips) == 8


async def test_what_is_lost_from_the_spool(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """A clip is fetched again; a live snapshot exists nowhere else."""
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.review("end", end=time.time() - 50)
    bench.live_snapshot()
    await bench.spooled_in_ledger(2)
    for file in (bench.folder / "spool").iterdir():
        file.write_bytes(b"")
    await bench.engine.set_sending("nas", True)
    await until(lambda: list(nas.media.values()) == [CLIP])
    await bench.pending(0)
    assert len(bench.frigate.clips) == 2
    assert "it is lost" in caplog.text
    counts = (await bench.engine.diagnostics())["counts"]["uploads"]
    assert counts == {"dropped": 1, "verified": 1}
