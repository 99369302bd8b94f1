"""From a message of Frigate to a verified file, with the parts put together."""

import asyncio
from dataclasses import replace
import hashlib
import logging
import random
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    MediaBroken,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import (
    FrigateConfig,
    Review,
    Segment,
    Severity,
)
from custom_components.frigate_snap_sync.storage.base import (
    AuthFailed,
    NoSpace,
    Rejected,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.naming import NameValues
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.sending import worker

from ..films import film
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, GONE, IMAGE, FakeDestination, camera


@pytest.fixture
def nas() -> FakeDestination:
    """Return a destination."""
    return FakeDestination()


@pytest.fixture
def cloud() -> FakeDestination:
    """Return another one."""
    return FakeDestination()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failing destinations be tried again at once."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.002)


def names(destination: FakeDestination) -> list[str]:
    """Return the kinds of files that lie there, in the order of arrival."""
    return [path.rpartition("/")[2].partition("-")[0] for path in destination.history]


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
    assert (one.snapshots_uploaded, one.recordings_uploaded) == (2, 1)
    assert one.data_uploaded == len(IMAGE) + len(FULL_IMAGE) + len(CLIP)
    assert one.connected is True
    assert one.free_space == nas.space
    assert one.last_error is None
    assert bench.status.frigate_connected is True
    assert bench.status.frigate_version == "0.17.2-3d4dd3a"
    assert bench.status.mqtt_connected is True
    await until(lambda: not bench.spooled())
    assert not any(name.endswith(".part") for name in nas.files)
    assert bench.told[-1] == bench.status


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
    assert names(nas).count("RecordingClip") == 1
    await until(lambda: bench.status.destinations["nas"].snapshots_uploaded == 3)
    assert bench.status.destinations["nas"].recordings_uploaded == 1
    assert len(bench.frigate.clips) == 1


async def test_an_outage_of_hours_loses_nothing(
    bench: Bench,
    nas: FakeDestination,
    cloud: FakeDestination,
    impatient: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other destination goes on; one line when it goes, one when it is back."""
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


async def test_order_of_work(
    bench: Bench, nas: FakeDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stills before clips, alerts before detections, one clip at a time."""
    monkeypatch.setattr(worker, "STILLS_AT_ONCE", 1)
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
    stills = [name for name in names(nas) if name != "RecordingClip"]
    clips = [path for path in nas.history if "RecordingClip" in path]
    assert stills == ["LiveSnapshot", "Snapshot"]
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


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(cameras=frozenset({"back-yard_2"})), set()),
        (Selection(media=frozenset({Media.LIVE_SNAPSHOTS})), {"LiveSnapshot"}),
        (Selection(media=frozenset({Media.RECORDINGS})), {"RecordingClip"}),
        (Selection(labels=frozenset({"car"})), set()),
        (Selection(zones=frozenset({"porch"})), {"LiveSnapshot"}),
    ],
)
async def test_only_what_is_wanted_leaves_the_house(
    bench: Bench,
    nas: FakeDestination,
    cloud: FakeDestination,
    selection: Selection,
    expected: set[str],
) -> None:
    """Nothing else is even asked of Frigate for this destination."""
    await bench.start(setup(nas, selection=selection), setup(cloud, name="cloud"))
    bench.live_snapshot()
    bench.tracked_object()
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(cloud.media) == 3)
    await bench.settled()
    assert set(names(nas)) == expected


async def test_a_review_that_nobody_wants_is_not_fetched(
    bench: Bench, nas: FakeDestination
) -> None:
    """No destination: no request."""
    bench.frigate.cameras["x"] = camera("x")
    await bench.start(setup(nas, selection=Selection(cameras=frozenset({"x"}))))
    bench.live_snapshot()
    bench.tracked_object()
    bench.review("end", end=time.time() - 50)
    bench.live_snapshot(camera="x")
    await until(lambda: len(nas.media) == 1)
    assert not bench.frigate.clips
    assert not bench.frigate.snapshots


async def test_a_detection_that_became_an_alert_is_one(
    bench: Bench, nas: FakeDestination
) -> None:
    """What is wanted is decided at the end, by all that was told until then."""
    await bench.start(setup(nas, selection=Selection(severity=Severity.ALERT)))
    review = bench.review("new", severity="detection", objects=["dog"])
    bench.review("update", source_id=review, severity="alert", objects=["person"])
    bench.review("end", source_id=review, severity="detection", end=time.time() - 50)
    await until(lambda: len(nas.media) == 1)


async def test_live_snapshots_follow_the_camera_s_switch(
    bench: Bench, nas: FakeDestination
) -> None:
    """ON, OFF, unreadable, ON again; the recordings' switch doesn't matter."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish("front_door/snapshots/state", "OFF", retain=True)
    bench.live_snapshot(label="a")
    bench.publish("front_door/snapshots/state", "on")
    bench.live_snapshot(label="b")
    bench.publish("front_door/snapshots/state", "ON")
    bench.frigate.cameras["front_door"] = camera("front_door", recordings=False)
    bench.publish("front_door/recordings/state", "OFF")
    bench.live_snapshot(label="c")
    bench.tracked_object()
    bench.review("end", end=time.time() - 50)
    await until(lambda: len(nas.media) == 3)
    assert [path for path in nas.history if "Live" in path][0].count("-c-") == 1
    await until(lambda: bench.status.cameras["front_door"].recordings_enabled is False)
    assert bench.status.cameras["front_door"].snapshots_enabled is True


async def test_a_retained_image_is_no_item(bench: Bench, nas: FakeDestination) -> None:
    """Its age is unknown."""
    await bench.start(setup(nas))
    bench.publish("front_door/person/snapshot", IMAGE, retain=True)
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: len(nas.media) == 1)
    assert list(nas.media.values()) == [FULL_IMAGE]


@pytest.mark.parametrize("is_on", [True, False])
async def test_an_image_is_held_while_the_switch_is_unknown(
    bench: Bench, nas: FakeDestination, is_on: bool
) -> None:
    """It is safe in the spool, also through a restart, until Frigate is asked."""
    bench.frigate.error = FrigateUnreachable("no route")
    bench.frigate.cameras["front_door"] = camera("front_door", snapshots=is_on)
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(bench.spooled)
    await bench.pending(1)
    await bench.stop()
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected is False)
    await bench.at_rest()
    assert not nas.history
    bench.frigate.error = None
    bench.engine.handle_mqtt_connection(False)
    bench.engine.handle_mqtt_connection(True)
    await until(lambda: not bench.spooled())
    assert len(nas.media) == is_on
    await bench.pending(0)


async def test_a_held_image_of_a_camera_that_frigate_lacks_is_skipped(
    bench: Bench, nas: FakeDestination
) -> None:
    """A topic anybody can write to is no camera."""
    await bench.start(setup(nas))
    bench.live_snapshot(camera="elsewhere")
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await until(lambda: not bench.spooled())
    await bench.pending(0)


async def test_camera_activity_tells_live_states(
    bench: Bench, nas: FakeDestination
) -> None:
    """Whoever asked for it: the reply is true where the states may not be."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish(
        "camera_activity",
        {"front_door": {"config": {"snapshots": False, "record": False}}},
    )
    await until(lambda: bench.status.cameras["front_door"].snapshots_enabled is False)
    bench.live_snapshot()
    bench.live_snapshot(camera="back-yard_2")
    await until(lambda: len(nas.media) == 1)
    assert "back-yard_2" in nas.history[0]


async def test_states_are_true_after_frigate_reconnected(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate then publishes what is configured, not what is live: ask it."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.publish("available", "offline")
    await until(lambda: bench.status.frigate_connected is False)
    bench.frigate.cameras["front_door"] = camera("front_door", recordings=False)
    bench.publish("front_door/recordings/state", "ON")
    bench.publish("available", "online")
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.cameras["front_door"].recordings_enabled is False)


async def test_the_frigate_s_switch_keeps_its_time_at_home(
    bench: Bench, nas: FakeDestination
) -> None:
    """Items that begin while it is off are skipped for good, also after a restart."""
    await bench.start(setup(nas))
    await bench.engine.set_capture(False)
    assert bench.status.capture is False
    now = time.time()
    bench.live_snapshot()
    bench.tracked_object(start_time=now, end_time=now)
    bench.review("end", source_id="2.5-bbb", start=now, end=now)
    assert await bench.settled() == {"skipped": 3}
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.capture is False
    await bench.engine.set_capture(True)
    bench.live_snapshot()
    bench.review("end", source_id="2.5-bbb", start=now, end=now)
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: len(nas.media) == 1)
    assert list(nas.media.values()) == [FULL_IMAGE]
    assert not bench.frigate.clips
    counts = (await bench.engine.diagnostics())["counts"]["uploads"]
    assert counts == {"skipped": 3, "verified": 1}


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
    """A new one starts now, a changed one goes on, a removed one's queue is cancelled."""
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
    """The owner has mended it and need not wait a quarter of an hour."""
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


async def test_a_clip_that_is_not_ready_is_asked_for_again(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused, empty, truncated, short, hanging; told once in the log."""
    caplog.set_level(logging.INFO)
    bench.frigate.clip_faults = [
        MediaNotReady("400"),
        b"",
        CLIP[:-100],
        MediaBroken("nothing for 60 s"),
        FrigateUnreachable("reset"),
        CLIP,
    ]
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 50)
    await until(lambda: list(nas.media.values()) == [CLIP], seconds=10)
    assert caplog.text.count("is asked for again") == 1
    await until(lambda: len(bench.spooled()) == 0)


async def test_a_short_clip_is_asked_for_again(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's recordings show more than the clip has."""
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=before - 60, end_time=before)
    ]
    bench.frigate.clip_faults = [CLIP, CLIP]
    await bench.start(setup(nas))
    now = time.time()
    bench.review("end", start=now - 200, end=now - 100)
    await until(lambda: list(nas.media.values()) == [film(60)])
    assert len(bench.frigate.clips) == 3


async def test_the_last_seconds_are_waited_for(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate's disk has a moment only some 15 s after it."""
    bench.timing = replace(FAST, tail_patience=60)
    now = time.time()
    seen = []

    def footage(camera: str, after: float, before: float) -> list[Segment]:
        seen.append(camera)
        end = now - 20 if len(seen) < 3 else now - 5
        return [Segment(start_time=now - 40, end_time=end)]

    bench.frigate.footage = footage
    await bench.start(setup(nas))
    bench.review("end", start=now - 40, end=now - 10)
    await until(lambda: len(nas.media) == 1)
    assert len(seen) == 3
    assert len(bench.frigate.clips) == 1


async def test_gone_when_frigate_shows_that_it_has_nothing(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Not before ten minutes after the end, and then not asked for any more."""
    asked: list[float] = []

    def nothing(camera: str, after: float, before: float) -> list[Segment]:
        asked.append(after)
        return []

    bench.frigate.footage = nothing
    await bench.start(setup(nas))
    now = time.time()
    ids = {"1.5-old": (now - 700, now - 650), "2.5-new": (now - 70, now - 60)}
    for source_id, (start, end) in ids.items():
        bench.review("end", source_id=source_id, start=start, end=end, known=True)
    await until(lambda: "Frigate has no recording of 1.5-old" in caplog.text)
    await until(lambda: len([after for after in asked if after > now - 100]) >= 3)
    counts = (await bench.engine.diagnostics())["counts"]["uploads"]
    assert counts == {"gone": 1, "pending": 1}
    assert not bench.frigate.clips


async def test_a_snapshot_that_frigate_lacks_is_gone(
    bench: Bench, nas: FakeDestination
) -> None:
    """A 404 just after the end may be a race; later it is the truth."""
    bench.frigate.snapshot_faults = [GONE, GONE, MediaBroken("no JPEG")]
    await bench.start(setup(nas))
    now = time.time()
    bench.tracked_object(source_id="1.5-new", start_time=now - 5, end_time=now)
    await until(lambda: len(nas.media) == 1)
    bench.frigate.snapshot_faults = [GONE]
    bench.tracked_object(source_id="2.5-old", start_time=now - 95, end_time=now - 90)
    await until(lambda: len(bench.frigate.snapshots) == 5)
    await bench.pending(0)


async def test_a_long_recording_is_kept_in_pieces(
    bench: Bench, nas: FakeDestination
) -> None:
    """One item; a half hour without footage is not asked for, and it counts once."""
    start = float(int(time.time()) - 5500)
    there = [
        Segment(start_time=start + at, end_time=start + at + 15) for at in (0, 5e3)
    ]
    bench.frigate.footage = lambda camera, after, before: [
        each for each in there if each.end_time > after and each.start_time < before
    ]
    await bench.start(setup(nas))
    bench.review("end", source_id="1.5-abc", start=start, end=start + 5400)
    await until(lambda: len(nas.media) == 2)
    assert await bench.settled() == {"verified": 2}
    tails = sorted(path[-10:] for path in nas.history)
    assert tails == ["abc-01.mp4", "abc-02.mp4"]
    asked = sorted(
        (begin - start, end - start) for _, begin, end in bench.frigate.clips
    )
    assert asked == [
        (0, 15),
        (5000, 5015),
    ]
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert bench.status.cameras["front_door"].recordings_uploaded == 1


async def test_a_long_recording_without_any_footage_is_gone(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and not for each of its half hours."""
    bench.frigate.footage = lambda camera, after, before: []
    bench.timing = replace(FAST, gone_after=0)
    await bench.start(setup(nas))
    now = time.time()
    bench.review("end", start=now - 5500, end=now - 100, known=True)
    await until(lambda: "Frigate has no recording" in caplog.text)
    counts = await bench.settled()
    assert counts == {"gone": 1}
    assert not bench.frigate.clips
    assert bench.status.destinations["nas"].recordings_uploaded == 0


async def test_a_review_whose_end_was_missed_is_finished(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate is asked when it is back, and after a restart; so is a vanished one."""
    bench.timing = replace(FAST, missing_after=0)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    now = time.time()
    bench.review("new", source_id="1.5-missed", start=now - 60)
    bench.review("new", source_id="2.5-running", start=now - 60)
    bench.review("new", source_id="3.5-vanished", start=now - 60)
    assert await bench.settled() == {}
    await bench.stop()
    running = Review(
        id="2.5-running",
        camera="front_door",
        start_time=now - 60,
        end_time=None,
        severity=Severity.ALERT,
        labels=frozenset({"person"}),
        zones=frozenset(),
    )
    bench.frigate.known_reviews = {
        "1.5-missed": replace(running, id="1.5-missed", end_time=now - 40, ended=True),
        "2.5-running": running,
    }
    bench.frigate.error = None
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 1)
    assert "missed" in nas.history[0]
    counts = await bench.settled()
    assert counts == {"skipped": 1, "verified": 1}
    bench.frigate.known_reviews["2.5-running"] = replace(
        running, end_time=now - 5, ended=True
    )
    bench.publish("available", "online")
    await until(lambda: len(nas.media) == 2)


async def test_frigate_away_is_told_once(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked until it is back; the spool goes on leaving meanwhile."""
    caplog.set_level(logging.INFO)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.frigate.error = FrigateUnreachable("connection refused")
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.frigate_connected is False)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    bench.frigate.error = None
    bench.publish("available", "online")
    await until(lambda: len(nas.media) == 2)
    await until(lambda: bench.status.frigate_connected)
    assert caplog.text.count("Frigate is away") == 1
    assert caplog.text.count("Frigate is back") == 1


async def test_uploads_wait_for_a_frigate_that_has_just_started(
    bench: Bench, nas: FakeDestination
) -> None:
    """They are delayed, not dropped."""
    bench.frigate.started = 0.0
    delay = 0.4
    bench.options = EngineOptions(delay_after_startup=delay, upload_during_review=False)
    began = time.monotonic()
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    bench.review("end", end=time.time() - 50)
    await until(lambda: nas.media)
    assert time.monotonic() - began >= delay
    await until(lambda: len(nas.media) == 2)


async def test_cameras_come_and_go(bench: Bench, nas: FakeDestination) -> None:
    """Shown at the first word, hidden after a day of configurations without it."""
    bench.timing = replace(FAST, camera_absence=0.3)
    read, reads = bench.frigate.config, 0

    async def count() -> FrigateConfig:
        nonlocal reads
        config = await read()
        reads += 1
        return config

    async def read_again() -> None:
        before = reads
        bench.publish("available", "online")
        await until(lambda: reads > before)
        await bench.at_rest()

    bench.frigate.config = count  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: len(bench.status.cameras) == 2)
    bench.publish("new_one/snapshots/state", "ON", retain=True)
    bench.frigate.cameras["late"] = camera("late")
    bench.publish("late/snapshots/state", "ON")
    await until(lambda: "late" in bench.status.cameras)
    assert "new_one" not in bench.status.cameras
    bench.publish("bad name!/snapshots/state", "ON")
    bench.frigate.cameras = {}
    await read_again()
    await asyncio.sleep(0.4)  # They are missing for longer than that.
    await read_again()
    assert len(bench.status.cameras) == 3
    bench.frigate.cameras = {"late": camera("late")}
    await read_again()
    assert len(bench.status.cameras) == 3
    await asyncio.sleep(0.4)
    bench.publish("available", "online")
    await until(lambda: set(bench.status.cameras) == {"late"})
    await bench.engine.forget_camera("late")
    assert not bench.status.cameras


async def test_file_name_templates(
    bench: Bench,
    nas: FakeDestination,
    cloud: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A name that would collide gets the id; a failing template costs no file."""

    def fail(values: NameValues) -> str:
        raise ValueError("no such variable")

    await bench.start(
        setup(nas, render=lambda values: f"{values.camera}/../{values.kind}"),
        setup(cloud, name="cloud", render=fail),
    )
    bench.live_snapshot()
    bench.live_snapshot(label="car")
    await until(lambda: len(nas.media) == 2 and len(cloud.media) == 2)
    digest = hashlib.sha256(IMAGE).hexdigest()[:8]
    assert set(nas.media) == {
        "front_door/live_snapshot.jpg",
        f"front_door/live_snapshot-{digest}.jpg",
    }
    assert all("LiveSnapshot-front_door" in path for path in cloud.history)
    assert caplog.text.count("template of cloud failed") == 1


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


async def test_bad_messages_stop_nothing(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Each reason is logged once per topic."""
    await bench.start(setup(nas))
    for _ in range(3):
        bench.publish("reviews", b"{")
        bench.publish("reviews", b"\xff\xfe")
        bench.publish("front_door/person/snapshot", b"not a JPEG")
        bench.publish("front_door/person/snapshot", IMAGE[:-50])
    bench.publish("reviews", {"type": "genai", "after": {}})
    bench.live_snapshot()
    await until(lambda: list(nas.media.values()) == [IMAGE])
    complaints = [
        record
        for record in caplog.records
        if record.getMessage().startswith("Message ignored:")
        and record.levelno == logging.WARNING
    ]
    assert 3 <= len(complaints) <= 4
