"""Only what a destination wants leaves the house, under the name its owner wants."""

import hashlib
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.naming import NameValues
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .conftest import Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination, camera, names


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(cameras=frozenset({"back-yard_2"})), set()),
        (Selection(media=frozenset({Media.LIVE_SNAPSHOTS})), {"live-snapshot"}),
        (Selection(media=frozenset({Media.RECORDINGS})), {"recording"}),
        (Selection(labels=frozenset({"car"})), set()),
        (Selection(zones=frozenset({"porch"})), {"live-snapshot"}),
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
    """What is wanted is decided at the end, by all that was reported until then."""
    await bench.start(setup(nas, selection=Selection(severity=Severity.ALERT)))
    review = bench.review("new", severity="detection", objects=["dog"])
    bench.review("update", source_id=review, severity="alert", objects=["person"])
    bench.review("end", source_id=review, severity="detection", end=time.time() - 50)
    await until(lambda: len(nas.media) == 1)


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
    assert all("-front_door-live-snapshot-" in path for path in cloud.history)
    assert caplog.text.count("template of cloud failed") == 1
