"""What Frigate gives for a fire drill, and what it must not show."""

from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateUnreachable,
    MediaBroken,
    MediaGone,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import CameraConfig, Segment
from custom_components.frigate_snap_sync.sync.model.drill import DrillCause, Outcome
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import Reason

from .conftest import Bench, setup, until
from .fakes import FULL_IMAGE, camera
from .test_drill import STEPS, Place, at, drill, nas, ready

__all__ = ["nas"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (FrigateUnreachable("no answer"), DrillCause.FRIGATE_AWAY),
        (FrigateAuthFailed("no"), DrillCause.FRIGATE_LOGIN_REFUSED),
        (FrigateForbidden("no"), DrillCause.CAMERA_FORBIDDEN),
        (MediaGone("no camera"), DrillCause.NO_PICTURE),
        (MediaNotReady("the camera is offline"), DrillCause.NO_PICTURE),
    ],
)
async def test_frigate_has_no_picture(
    bench: Bench, nas: Place, error: FrigateError, cause: DrillCause
) -> None:
    """That is a failure as well: nothing would be saved."""
    await ready(bench, ("nas", nas))
    bench.frigate.latest_faults = [error]
    done = await drill(bench)
    assert (done.outcome, done.cause, done.step) == (Outcome.FAILED, cause, "picture")
    assert not done.destinations
    assert not nas.sent
    assert not bench.spooled()
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))


async def test_a_clip_that_breaks_once(bench: Bench, nas: Place) -> None:
    """Frigate mixes up two requests at once: it is asked again, a few times."""
    bench.timing = replace(bench.timing, part_retry=0.01)
    await ready(bench, ("nas", nas))
    bench.frigate.clip_faults = [MediaBroken("cut off"), b"no film"]
    assert (await drill(bench)).outcome is Outcome.PASSED
    bench.frigate.clip_faults = [MediaNotReady("empty")] * 3
    done = await drill(bench)
    assert (done.cause, done.step) == (DrillCause.FOOTAGE_BROKEN, "footage")
    assert not bench.spooled()


async def test_a_camera_that_sends_nothing(bench: Bench, nas: Place) -> None:
    """Frigate shows a picture all the same: that proves nothing."""
    await ready(bench, ("nas", nas))
    bench.frigate.silent.add("front_door")
    done = await drill(bench)
    assert (done.cause, done.step) == (DrillCause.CAMERA_SILENT, "picture")
    assert not nas.sent
    assert not bench.spooled()
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    assert (await drill(bench, "back-yard_2")).outcome is Outcome.PASSED


@pytest.mark.parametrize("age", [None, 59 * 60, 150])
async def test_a_camera_that_records_no_more(
    bench: Bench, nas: Place, age: float | None
) -> None:
    """Frigate keeps every moment of it, and has none of the last ones."""
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=begin, end_time=begin + 10)
        for begin in (() if age is None else (time.time() - age,))
        if begin + 10 > after and begin < before
    ]
    await ready(bench, ("nas", nas))
    done = await drill(bench)
    assert (done.outcome, done.cause, done.step) == (
        Outcome.FAILED,
        DrillCause.NO_FOOTAGE,
        "footage",
    )
    assert not nas.sent
    assert not bench.spooled()


async def test_footage_that_nobody_wants(bench: Bench, nas: Place) -> None:
    """Where pictures alone are selected, it is not missed, nor asked for."""
    bench.frigate.footage = lambda camera, after, before: []
    media = frozenset({Media.SNAPSHOTS})
    await bench.start(setup(nas, selection=Selection(media=media)))
    await bench.heard()
    done = await drill(bench)
    assert (done.outcome, set(done.seconds)) == (Outcome.PASSED, {"picture"})
    assert not at(done, "nas").picture_only


@pytest.mark.parametrize(
    "config",
    [
        camera("front_door", recordings=False),
        replace(camera("front_door"), keeps_everything=False),
    ],
)
async def test_a_camera_without_recordings(
    bench: Bench, nas: Place, config: CameraConfig
) -> None:
    """Its picture alone is drilled, and that is said."""
    bench.frigate.footage = lambda camera, after, before: []
    bench.frigate.cameras["front_door"] = config
    await ready(bench, ("nas", nas))
    done = await drill(bench)
    assert done.outcome is Outcome.PASSED
    assert at(done, "nas").picture_only
    assert list(nas.sent.values()) == [FULL_IMAGE]
    assert set(at(done, "nas").seconds) == STEPS - {"send_footage"}


async def test_footage_that_was_to_stay_at_home(bench: Bench, nas: Place) -> None:
    """Capture was off a moment ago: those seconds don't leave, the picture does."""
    await ready(bench, ("nas", nas))
    await bench.engine.set_capture(False)
    with pytest.raises(Refused) as caught:
        await bench.engine.drills.run()
    assert caught.value.code is Refusal.CAPTURE_OFF
    await bench.engine.set_capture(True)
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=before - 13.9, end_time=before + 1.5)
    ]
    await drill(bench)
    assert list(nas.sent.values()) == [FULL_IMAGE]


@pytest.mark.parametrize(("opened", "count"), [(2, 1), (30, 2)])
async def test_footage_of_a_closed_time(
    bench: Bench, nas: Place, opened: float, count: int
) -> None:
    """What was before it was opened is not for it; what was closed long ago is over."""
    await ready(bench, ("nas", nas))
    await bench.engine.set_closed(["nas"], since=time.time() - 60)
    await bench.engine.set_closed([], since=time.time() - opened)
    assert (await drill(bench)).outcome is Outcome.PASSED
    assert len(nas.sent) == count
    assert FULL_IMAGE in nas.sent.values()
