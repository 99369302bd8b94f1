"""Cameras that Frigate keeps from its user: nothing is given up, and nobody pestered."""

from dataclasses import replace
import logging

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateForbidden
from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.sync.fetching.forbidden_cameras import (
    ForbiddenCameras,
)
from custom_components.frigate_snap_sync.sync.model.timing import Timing

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP_SECONDS, GONE, FakeDestination

FORBIDDEN = FrigateForbidden("HTTP status 403: Access denied")


class Role:
    """A user who may not see the camera front_door, until he may."""

    def __init__(self, bench: Bench) -> None:
        """Come between the engine and Frigate."""
        self.may_see_all = False
        self.asked: list[str] = []
        bench.frigate.footage = self._footage

    def _footage(self, camera: str, after: float, before: float) -> list[Segment]:
        self.asked.append(camera)
        if camera == "front_door" and not self.may_see_all:
            raise FORBIDDEN
        return [Segment(start_time=before - CLIP_SECONDS, end_time=before)]


@pytest.fixture
def role(bench: Bench) -> Role:
    """Return what Frigate's user may do."""
    return Role(bench)


def ended(bench: Bench, name: str, camera: str = "front_door") -> None:
    """Let a review of long ago be over."""
    bench.review(
        "end", source_id=f"1.5-{name}", start=1000.0, end=1010.0, camera=camera
    )


async def errors(bench: Bench) -> list[str]:
    """Return why the files that are to be fetched could not be so far."""
    return await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: [
            row["error"]
            for row in connection.execute(
                "SELECT error FROM files WHERE state = 'wanted'"
            )
        ]
    )


async def test_a_refused_camera_waits_and_nobody_else(
    bench: Bench,
    nas: FakeDestination,
    role: Role,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told once, with the reason in the ledger, and goes on when it may."""
    caplog.set_level(logging.INFO)
    bench.timing = replace(FAST, forbidden_retry=0.5)
    await bench.start(setup(nas))
    for name in ("a", "b", "c"):
        ended(bench, name)
    ended(bench, "yard", camera="back-yard_2")
    await until(lambda: len(nas.media) == 1)
    await until(lambda: role.asked.count("front_door") == 2)
    assert (
        await errors(bench)
        == [f"Frigate's user may not have this camera's media: {FORBIDDEN}"] * 3
    )
    await bench.pending(3)
    rows = await bench.uploads(camera="front_door", state="pending")
    assert "user may not have this camera" in (rows[0].reason or "")
    role.may_see_all = True
    await until(lambda: len(nas.media) == 4)
    assert await bench.settled() == {"verified": 4}
    assert caplog.text.count("refuses its user the media of camera front_door") == 1
    assert caplog.text.count("the media of camera front_door again") == 1


async def test_a_refused_camera_of_which_frigate_has_nothing(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who is told so may have its media."""
    caplog.set_level(logging.INFO)
    bench.frigate.snapshot_faults = [FORBIDDEN, GONE]
    bench.timing = replace(FAST, missing_after=0, forbidden_retry=0.1)
    await bench.start(setup(nas))
    bench.tracked_object()
    assert await bench.settled() == {"gone": 1}
    assert caplog.text.count("the media of camera front_door again") == 1


async def test_a_restart_asks_at_once(
    bench: Bench, nas: FakeDestination, role: Role
) -> None:
    """The owner may have given another user."""
    await bench.start(setup(nas))
    ended(bench, "a")
    await until(lambda: role.asked)
    await bench.pending(1)
    await bench.stop()
    role.may_see_all = True
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 1)


def test_the_pauses_grow_to_a_day() -> None:
    """From a quarter of an hour; the first refusal after a return is news again."""
    known, now, pauses = ForbiddenCameras(Timing()), 0.0, []
    for _ in range(9):
        assert known.waiting("yard", now) is None
        due, reason = known.refused("yard", FORBIDDEN, now)
        # One that was under way at that time.
        assert known.refused("yard", FORBIDDEN, now + 1) == (due, reason)
        assert known.waiting("yard", due - 1) == (due, reason)
        pauses.append((due - now) / 60)
        now = due
    assert pauses == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    known.over("yard")
    assert known.waiting("yard", now - 1) is None
    assert known.refused("yard", FORBIDDEN, now)[0] == now + 900


async def test_an_image_of_a_refused_camera(bench: Bench, nas: FakeDestination) -> None:
    """It waits as well."""
    bench.timing = replace(FAST, forbidden_retry=0.2)
    bench.frigate.snapshot_faults = [FORBIDDEN, FORBIDDEN]
    await bench.start(setup(nas))
    bench.tracked_object()
    await until(lambda: len(bench.frigate.snapshots) == 2)
    assert not nas.media
    await until(lambda: len(nas.media) == 1)
