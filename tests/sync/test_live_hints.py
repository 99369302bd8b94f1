"""Film that leaves with the first sign, before its review is known."""

import asyncio
from dataclasses import replace
import re
import sqlite3
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    LiveRefused,
)
from custom_components.frigate_snap_sync.frigate.models import (
    LiveSource,
    Review,
    Severity,
)
from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    items,
    live_hints,
)
from custom_components.frigate_snap_sync.sync.live.unsettled import review_of
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from custom_components.frigate_snap_sync.sync.model.item import Item
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from ..harness.frigate import live
from ..waiting import until
from .conftest import FAST, Bench, setup
from .fakes import FakeDestination
from .faults import Held
from .live_film import Camera
from .test_live import LIVE, QUICK, arrived, camera, films, growing

__all__ = ["camera", "growing"]

PATIENT = replace(QUICK, live_hint=60)
"""Reviews may take long to follow."""


async def _signed(bench: Bench, camera: Camera, *pairs: Any) -> None:
    """Start with these destinations, let a sign come, and the camera show something."""
    await bench.start(*pairs)
    await until(lambda: bench.status.cameras)
    bench.live_snapshot()
    await camera.show(7)


def _rows(bench: Bench, what: str = "*") -> list[Any]:
    """Return what the ledger has of live files."""
    with sqlite3.connect(bench.folder / "ledger" / "one.db") as connection:
        return connection.execute(f"SELECT {what} FROM live_files").fetchall()  # noqa: S608


async def test_film_leaves_with_the_first_sign(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Its name is sorted as all others; it becomes the review's, which supersedes it."""
    bench.timing = PATIENT
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    assert re.fullmatch(
        r"(\d{4}-\d\d-\d\d)/\1_\d\d-\d\d-\d\d\+0\d00-front_door-recording-[0-9a-f]{6}"
        r"-live01\.mp4",
        name,
    )
    assert len(live.moments(growing.files[name])) == 7
    assert bench.status.destinations["nas"].pending_uploads == 0
    start = time.time()
    source_id = bench.review("new", start=start)
    for _ in range(3):
        await camera.show(7)
        await arrived(growing, camera)
    await until(lambda: _rows(bench, "item_id") != [(None,)])
    assert films(growing) == [name]
    assert bench.frigate.live_opened == ["front_door"]
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await bench.settled()
    await until(lambda: films(growing) == [])
    (whole,) = [path for path in growing.media if "recording" in path]
    assert "person-abc123" in whole
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)


@pytest.mark.parametrize("way", ["file", "pieces"])
async def test_a_sign_without_a_review_leaves_nothing(
    bench: Bench, camera: Camera, nas: FakeDestination, way: str
) -> None:
    """Neither a connection nor a file, nor does it count, whatever Frigate keeps."""
    bench.timing = replace(QUICK, live_hint=0.6, live_behind=10, probe=600)
    bench.frigate.footage = lambda camera, after, before: []
    if way == "file":
        nas.can = Capabilities(append=True)
    await bench.start(setup(nas, selection=LIVE))
    await bench.heard()
    uploaded = bench.status.destinations["nas"]
    bench.live_snapshot()
    await camera.show(35)
    await until(lambda: films(nas))
    await until(lambda: films(nas) == [])
    await until(lambda: not bench.engine.live.diagnostics["watched"])
    await until(lambda: _rows(bench) == [])
    shown = bench.status.destinations["nas"]
    assert shown.recordings_uploaded == uploaded.recordings_uploaded == 0
    assert [
        event.path for event in bench.uploaded if "live-snap" not in event.path
    ] == []


@pytest.mark.parametrize("why", ["taps", "paused", "closed"])
async def test_a_sign_of_which_the_film_was_ended_leaves_nothing(
    bench: Bench, camera: Camera, growing: FakeDestination, why: str
) -> None:
    """By us, not by a thief: an alert elsewhere needs the tap, or none may be sent."""
    bench.timing = replace(QUICK, live_hint=1, live_behind=10)
    bench.options = replace(bench.options, live_taps=1)
    bench.frigate.live["back-yard_2"] = LiveSource(stream="yard")
    bench.frigate.footage = lambda camera, after, before: []
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    if why == "taps":
        bench.review("new", camera="back-yard_2", source_id="1764000000.5-zzz999")
    elif why == "paused":
        await bench.engine.set_sending("nas", False)
    else:
        await bench.engine.set_closed(["nas"], since=time.time() - 60)
    await until(lambda: not camera.is_watched)
    await until(
        lambda: ("over", 1) in _rows(bench, "state, clean_up") or not films(growing)
    )
    if why == "paused":
        await bench.engine.set_sending("nas", True)
    await until(lambda: name not in growing.files)


@pytest.mark.parametrize(
    ("reviews", "found"),
    [
        ([("a", 990, 1000.5, "alert")], None),
        ([("a", 990, 1001.5, "alert")], "a"),
        ([("a", 990, None, "detection")], "a"),
        ([("a", 990, 1000.5, "alert"), ("b", 1003, None, "alert")], "b"),
        ([("b", 1005, None, "alert"), ("a", 1002, 1004, "alert")], "a"),
        ([("a", 990, 1004, "detection"), ("b", 1005, None, "alert")], "b"),
    ],
)
def test_whose_film_a_sign_s_is(
    reviews: list[tuple[str, float, float | None, str]], found: str | None
) -> None:
    """Of a review that was not over before it; and of an alert before a detection."""
    shown = [
        Review(
            id=id_,
            camera=camera,
            start_time=start,
            end_time=end,
            severity=Severity(severity),
            labels=frozenset(),
            zones=frozenset(),
        )
        for id_, start, end, severity in reviews
        for camera in ("front_door", f"not/front_door{id_}")
    ]
    review = review_of(
        live_hints.name_of("front_door", 1001, "f00f00"),
        shown[::-1],
        films=lambda severity: severity is Severity.ALERT,
    )
    assert (review and (review.id, review.camera)) == (found and (found, "front_door"))


def test_a_review_with_an_end_that_no_clock_shows() -> None:
    """It is over, no matter since when: a later sign is none of it."""
    review = Review(
        id="a",
        camera="front_door",
        start_time=900,
        end_time=None,
        ended=True,
        severity=Severity.ALERT,
        labels=frozenset(),
        zones=frozenset(),
    )
    hint = live_hints.name_of("front_door", 1001, "f00f00")
    assert review_of(hint, [review], films=lambda severity: True) is None


async def test_the_recorder_is_taken_after_a_film_was_ended(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Frigate may have lost its review: the film stays unless the same seconds are there."""
    bench.timing = replace(QUICK, live_hint=2, live_behind=10)
    bench.frigate.footage = lambda camera, after, before: []
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    await bench.engine.set_sending("nas", False)
    await until(lambda: not camera.is_watched)
    bench.frigate.error = FrigateUnreachable("taken")
    await asyncio.sleep(3)
    bench.frigate.error = None
    await bench.engine.set_sending("nas", True)
    looks = len(bench.frigate.looks)
    await until(lambda: len(bench.frigate.looks) > looks + 1)
    assert name in growing.files
    assert _rows(bench, "state, clean_up") == [("kept", 0)]


async def test_a_sign_that_is_over_while_frigate_is_asked_about_another(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """That its film came until then is not forgotten."""
    bench.timing = replace(QUICK, live_hint=1, live_behind=10)
    bench.frigate.footage = lambda camera, after, before: []
    bench.frigate.live["back-yard_2"] = LiveSource(stream="yard")
    asked, answer, reviews = asyncio.Event(), asyncio.Event(), bench.frigate.reviews

    async def slow(*, after: float, before: float) -> list[Review]:
        if not answer.is_set() and films(growing):
            asked.set()
            await answer.wait()
        return await reviews(after=after, before=before)

    await _signed(bench, camera, setup(growing, selection=LIVE))
    bench.frigate.reviews = slow  # type: ignore[method-assign]
    await asyncio.sleep(0.3)
    bench.live_snapshot("back-yard_2")
    yard = Camera(bench.frigate, "yard")
    await yard.show(7)
    await asked.wait()
    await until(lambda: not yard.is_watched)
    answer.set()
    await until(lambda: films(growing) == [])


async def test_film_of_a_sign_of_which_nothing_is_known_ever(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """No clock was set when we were there again: it stays, and keeps no other."""
    name = await _ended(bench, camera, growing, "order")
    with sqlite3.connect(bench.folder / "ledger" / "one.db") as connection:
        connection.execute("UPDATE live_files SET held = '[]'")
    await bench.start(setup(growing, selection=LIVE))
    await bench.heard()
    bench.live_snapshot()
    camera = Camera(bench.frigate)
    await camera.show(5)
    await until(lambda: len(films(growing)) == 2)
    await until(lambda: films(growing) == [name])


async def test_two_reviews_that_come_at_once(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """The film of the sign before them is the alert's, and stays."""
    bench.timing = PATIENT

    def both(connection: sqlite3.Connection) -> list[Item]:
        found = items.open_reviews(connection)
        return found if len(found) == 2 else []

    bench.faults.jobs[items.open_reviews] = both
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    start = time.time()
    bench.review("new", severity="detection", start=start)
    bench.review("new", source_id=f"{start + 1}-zzz999", start=start + 1)
    await until(lambda: _rows(bench, "hint") == [(None,)])
    await camera.show(5)
    assert await arrived(growing, camera) == name
    await bench.stop()
    assert _rows(bench, "item_id IS NULL, state") == [(0, "kept")]


async def test_stills_leave_with_the_review(bench: Bench, nas: FakeDestination) -> None:
    """The live snapshot, which was the sign, shows as much."""
    bench.timing = replace(QUICK, live_hint=0.5, live_still=0.02)
    await bench.start(setup(nas, selection=LIVE))
    await bench.heard()
    bench.live_snapshot("back-yard_2")
    await until(lambda: bench.engine.live.diagnostics["watched"])
    await until(lambda: not bench.engine.live.diagnostics["watched"])
    assert films(nas) == []
    assert _rows(bench) == []
    bench.review("new", camera="back-yard_2")
    await until(lambda: films(nas))


async def test_signs_that_come_to_nothing_again_and_again_send_nothing_more(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """The camera is only watched for a while; a review gets what it has shown."""
    bench.timing = replace(QUICK, live_hint=0.4)
    await _signed(bench, camera, setup(growing, selection=LIVE))
    await arrived(growing, camera)
    await until(lambda: films(growing) == [] and not camera.is_watched)
    camera = Camera(bench.frigate)
    bench.live_snapshot()
    await camera.show(5)
    await asyncio.sleep(0.1)
    assert films(growing) == []
    bench.review("new", start=time.time())
    await camera.show(2)
    name = await arrived(growing, camera)
    assert len(live.moments(growing.files[name])) == 7


async def test_what_turns_out_to_be_a_detection_is_removed(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """At once; and all of its film leaves when it becomes an alert."""
    bench.timing = PATIENT
    await _signed(bench, camera, setup(growing, selection=LIVE))
    await arrived(growing, camera)
    start = time.time()
    source_id = bench.review("new", severity=Severity.DETECTION.value, start=start)
    await until(lambda: films(growing) == [])
    await camera.show(3)
    await bench.at_rest()
    assert films(growing) == []
    bench.review("update", source_id=source_id, start=start)
    name = await arrived(growing, camera)
    assert "person-abc123-live01" in name
    assert len(bench.frigate.live_opened) == 1


async def test_a_sign_while_a_detection_is_active(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Its camera is watched for a while, for it may become an alert: nothing leaves."""
    bench.timing = replace(QUICK, live_hint=2)
    await bench.start(setup(growing, selection=LIVE))
    await bench.heard()
    start = time.time()
    detection: dict[str, Any] = {"severity": "detection", "start": start}
    source_id = bench.review("new", **detection)
    await bench.at_rest()
    assert not camera.is_watched
    bench.live_snapshot()
    await camera.show(3)
    assert films(growing) == []
    await until(lambda: not camera.is_watched)
    camera = Camera(bench.frigate)
    bench.live_snapshot()
    await camera.show(3)
    bench.review("update", source_id=source_id, start=start)
    name = await arrived(growing, camera)
    assert "person-abc123-live01" in name
    assert [state for (state,) in _rows(bench, "state")] == ["growing"]


async def test_its_destination_is_changed_when_the_review_comes(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It wants the film all the same: what left with the sign may be all there is."""
    bench.timing = replace(QUICK, live_hint=1)
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    held = bench.faults.run = Held(destinations.keep_destinations)
    changed = replace(setup(growing, selection=LIVE), name="attic")
    change = asyncio.create_task(bench.engine.apply_destinations([changed]))
    await held.reached.wait()
    bench.review("new", start=time.time(), known=True)
    await until(lambda: _rows(bench, "item_id") != [(None,)])
    held.may.set()
    await change
    await bench.at_rest()
    assert name in films(growing)
    assert [row for row in _rows(bench, "state") if row != ("kept",)] in (
        [],
        [("growing",)],
    )


async def test_only_who_wants_the_review_keeps_its_film(
    bench: Bench, camera: Camera, growing: FakeDestination, cloud: FakeDestination
) -> None:
    """Where alerts alone are selected, what turns out to be a detection is removed."""
    bench.timing = PATIENT
    bench.options = replace(bench.options, live_footage=LiveFootage.ALL)
    cloud.can = Capabilities(append=True)
    alerts = replace(LIVE, severity=Severity.ALERT)
    await _signed(
        bench,
        camera,
        setup(growing, selection=LIVE),
        setup(cloud, name="cloud", selection=alerts),
    )
    await arrived(growing, camera)
    await arrived(cloud, camera)
    bench.review("new", severity=Severity.DETECTION.value, start=time.time())
    await until(lambda: films(cloud) == [])
    await camera.show(5)
    await arrived(growing, camera)
    assert len(films(growing)) == 1


@pytest.mark.parametrize(
    ("can", "selection"),
    [
        (Capabilities(append=True, can_delete=False), LIVE),
        (
            Capabilities(append=True),
            Selection(live_footage=True, labels=frozenset({"person"})),
        ),
        (
            Capabilities(append=True),
            Selection(live_footage=True, zones=frozenset({"porch"})),
        ),
    ],
)
async def test_who_can_not_take_what_may_be_unwanted_waits_for_the_review(
    bench: Bench,
    camera: Camera,
    nas: FakeDestination,
    can: Capabilities,
    selection: Selection,
) -> None:
    """Where nothing can be removed, or labels or zones decide; it gets all of the film."""
    bench.timing = PATIENT
    nas.can = can
    await _signed(bench, camera, setup(nas, selection=selection))
    await asyncio.sleep(0.1)
    assert films(nas) == []
    bench.review("new", zones=["porch"], start=time.time())
    name = await arrived(nas, camera)
    assert "person-abc123-live01" in name
    assert len(live.moments(nas.files[name])) == 7


async def _ended(
    bench: Bench, camera: Camera, growing: FakeDestination, by: str
) -> str:
    """Let film leave with a sign, and end us before its review; return its name.

    By a kill the ledger does not know how much there is.
    """
    bench.timing = PATIENT
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    assert _rows(bench, "state, clean_up") == [("growing", 0)]
    await bench.stop()
    if by == "kill":
        with sqlite3.connect(bench.folder / "ledger" / "one.db") as connection:
            connection.execute("UPDATE live_files SET state = 'growing', held = NULL")
    bench.timing = QUICK
    return name


@pytest.mark.parametrize("by", ["kill", "order"])
async def test_a_restart_before_the_review_leaves_nothing(
    bench: Bench, camera: Camera, growing: FakeDestination, by: str
) -> None:
    """If Frigate is there, has no review, and has the same seconds."""
    await _ended(bench, camera, growing, by)
    await bench.start(setup(growing, selection=LIVE))
    await until(lambda: films(growing) == [])
    await until(lambda: _rows(bench) == [])


@pytest.mark.parametrize("by", ["kill", "order"])
async def test_what_left_before_all_was_taken_stays(
    bench: Bench, camera: Camera, growing: FakeDestination, by: str
) -> None:
    """Frigate is away, or another one without this film: it may be all that is left."""
    name = await _ended(bench, camera, growing, by)
    content = growing.files[name]
    bench.frigate.error = FrigateUnreachable("taken")
    await bench.start(setup(growing, selection=LIVE))
    # All that is to be looked at there was, once.
    await until(lambda: _rows(bench, "state, held IS NULL") == [("kept", 0)])
    await bench.at_rest()
    assert growing.files[name] == content
    bench.frigate.footage = lambda camera, after, before: []
    bench.frigate.error = None
    await bench.heard()
    asked = len(bench.frigate.looks)
    await until(lambda: len(bench.frigate.looks) >= asked + 3)
    assert growing.files[name] == content
    # Its recordings are mounted again.
    bench.frigate.footage = None
    await until(lambda: films(growing) == [])


@pytest.mark.parametrize("severity", list(Severity))
async def test_a_review_that_frigate_shows_after_a_restart(
    bench: Bench, camera: Camera, growing: FakeDestination, severity: Severity
) -> None:
    """It gets what left with its sign, if its film is wanted."""
    name = await _ended(bench, camera, growing, "kill")
    bench.frigate.footage = lambda camera, after, before: []
    bench.options = replace(bench.options, padding_before=0)
    await bench.start(setup(growing, selection=LIVE))
    source_id = bench.review(
        "new", start=time.time() - 1, severity=severity.value, known=True
    )
    if severity is Severity.DETECTION:
        await until(lambda: name not in growing.files)
        return
    await until(lambda: _rows(bench, "item_id")[0] != (None,))
    assert name in growing.files
    assert source_id in bench.frigate.known_reviews


async def test_film_that_broke_off_before_its_review_came(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Both files are the review's: the destination was away for a moment."""
    bench.timing = PATIENT
    await _signed(bench, camera, setup(growing, selection=LIVE))
    first = await arrived(growing, camera)
    growing.error = Unreachable("for a moment")
    await camera.show(5)
    await until(lambda: ("kept", 0) in _rows(bench, "state, clean_up"))
    growing.error = None
    await camera.show(15)
    await until(lambda: len(films(growing)) == 2)
    start = time.time()
    source_id = bench.review("new", start=start)
    await until(lambda: (None,) not in _rows(bench, "item_id"))
    await bench.at_rest()
    assert first in films(growing)
    assert len(films(growing)) == 2
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await bench.settled()
    await until(lambda: films(growing) == [])


async def test_a_camera_that_is_cut_off_before_its_review_comes(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It is seen in stills then: what has left of its film is no less the review's."""
    bench.timing = replace(QUICK, live_hint=1)
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    bench.frigate.footage = lambda camera, after, before: []
    camera.feed(LiveRefused("go2rtc gives no film: no route to host"))
    # Once the sign is over: has Frigate the same seconds?
    await until(lambda: len(bench.frigate.looks) >= 2)
    assert name in growing.files
    assert _rows(bench, "state, clean_up") == [("kept", 0)]


async def test_what_left_before_the_recorder_was_taken_stays(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """No review can follow then. Frigate is back without one: it has the same seconds."""
    bench.timing = replace(QUICK, live_hint=0.5, live_patience=60)
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    content = growing.files[name]
    bench.frigate.error = FrigateUnreachable("taken")
    camera.feed(FrigateUnreachable("go2rtc closed the film"))
    await asyncio.sleep(1.5)
    assert growing.files[name] == content
    bench.frigate.error = None
    camera = Camera(bench.frigate)
    await camera.show(3)
    await until(lambda: films(growing) == [])


async def test_no_sign_sends_anything_while_capture_is_off(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """And the film of one before that ends."""
    bench.timing = PATIENT
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    await bench.engine.set_capture(False)
    await until(lambda: not camera.is_watched)
    size = len(growing.files[name])
    bench.live_snapshot()
    await asyncio.sleep(0.1)
    assert not camera.is_watched
    assert len(growing.files[name]) == size


@pytest.mark.parametrize("is_review", [True, False])
async def test_what_left_by_a_sign_before_capture_was_switched_off(
    bench: Bench, camera: Camera, growing: FakeDestination, is_review: bool
) -> None:
    """It is removed as soon as Frigate shows that no review has come, not before."""
    bench.timing = replace(QUICK, live_hint=2)
    start = time.time()
    await _signed(bench, camera, setup(growing, selection=LIVE))
    name = await arrived(growing, camera)
    await bench.engine.set_capture(False)
    await until(lambda: not camera.is_watched)
    asked = len(bench.frigate.windows)
    await until(lambda: len(bench.frigate.windows) > asked + 1)
    assert name in growing.files
    if is_review:
        bench.review("new", start=start, known=True)
        await until(lambda: _rows(bench, "item_id") != [(None,)])
        assert name in growing.files
    else:
        await until(lambda: films(growing) == [])


async def test_the_first_byte_is_outside_half_a_second_after_the_sign(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """And the first picture half a second after its keyframe, with the usual times."""
    bench.timing = FAST
    taken: list[float] = []
    for _ in range(3):  # Another program may need the processor just then.
        await bench.start(setup(growing, selection=LIVE))
        await until(lambda: bench.status.cameras)
        await bench.at_rest()
        begun = time.monotonic()
        bench.live_snapshot()
        await camera.show(1)
        await arrived(growing, camera)
        taken.append(time.monotonic() - begun)
        await bench.stop()
        growing.files.clear()
        camera = Camera(bench.frigate)
    assert min(taken) <= 0.5
