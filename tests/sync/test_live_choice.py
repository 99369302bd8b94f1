"""Which film is watched, for whom, and when none leaves."""

import asyncio
from dataclasses import replace
from itertools import islice
import logging
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateForbidden,
    FrigateUnreachable,
    LiveDenied,
    MediaNotReady,
)
from custom_components.frigate_snap_sync.frigate.models import LiveSource, Severity
from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from ..waiting import until
from .conftest import Bench, setup
from .fakes import FULL_IMAGE, FakeDestination
from .live_film import Camera, messages
from .test_live import LIVE, QUICK, arrived, camera, films, growing

__all__ = ["camera", "growing"]


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "detection"},
        {"camera": "unknown"},
    ],
)
async def test_what_is_not_watched(
    bench: Bench, camera: Camera, growing: FakeDestination, change: dict[str, Any]
) -> None:
    """Detections, unless all is chosen; a camera that Frigate does not have."""
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", **change)
    await bench.at_rest()
    await asyncio.sleep(0.1)
    assert bench.frigate.live_opened == bench.frigate.pictures == []


async def test_stills_of_a_camera_that_go2rtc_does_not_show(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Frigate's newest picture, again and again; the whole supersedes them all."""
    bench.timing = replace(QUICK, live_still=0.02)
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    where: dict[str, Any] = {"camera": "back-yard_2", "start": start}
    source_id = bench.review("new", **where)
    await until(lambda: len(films(growing)) >= 12)
    names = [name.partition("-live")[2] for name in films(growing)]
    assert names[:2] == ["01-0001.jpg", "01-0002.jpg"]
    assert growing.files[films(growing)[0]] == FULL_IMAGE
    watched = (await bench.engine.diagnostics())["live"]["watched"]
    assert watched == {"back-yard_2": {"as": "stills", "error": None}}
    bench.review("end", source_id=source_id, end=time.time(), **where)
    await bench.settled()
    await until(lambda: films(growing) == [])
    asked = len(bench.frigate.pictures)
    await asyncio.sleep(0.2)
    assert len(bench.frigate.pictures) == asked
    assert bench.frigate.live_opened == []


async def _no_film(camera: Camera, over: asyncio.Event) -> None:
    """Let the film break off whenever it is asked for, before any picture.

    Until it is `over`: then it stays open, and no error is on its way.
    """
    while True:
        await camera.opened()
        if over.is_set():
            return
        camera.feed(FrigateUnreachable("The live film: HTTP status 502"))
        await until(lambda: not camera.is_watched)


async def test_a_camera_of_which_one_stream_is_forbidden(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another one is asked for, and only when there is none it is seen in stills."""
    bench.timing = replace(QUICK, live_still=0.02, live_refused=60)
    bench.frigate.live = {
        "front_door": LiveSource(stream="front_door", others=("live_view", "door"))
    }
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    view, last = Camera(bench.frigate, "live_view"), Camera(bench.frigate, "door")
    await camera.opened()
    camera.feed(FrigateForbidden("The live film: HTTP status 403"))
    await view.show(5)
    await arrived(growing, view)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
    view.feed(FrigateForbidden("The live film: HTTP status 403"))
    await last.opened()
    assert len(films(growing)) == 1
    last.feed(FrigateForbidden("The live film: HTTP status 403"))
    await until(lambda: any(name.endswith(".jpg") for name in films(growing)))
    assert bench.frigate.live_opened == ["front_door", "live_view", "door"]
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert errors == [
        "The live film of front_door can't be seen: The live film: HTTP status 403"
    ]


@pytest.mark.parametrize("is_reduced", [False, True])
async def test_a_login_that_is_refused_is_not_tried_by_another_stream(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
    is_reduced: bool,
) -> None:
    """Servers ban who does: all of the camera's are refused by that. It is said once."""
    bench.timing = replace(QUICK, live_still=0.02, live_refused=60)
    source = LiveSource(
        stream="front_door", others=("live_view",), detect_stream="door_sub"
    )
    bench.frigate.live = {"front_door": source}
    engine = await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.show(5)
    opened = ["front_door"]
    if is_reduced:
        engine.live._taps._sources.reduce("front_door")  # noqa: SLF001
        opened.append("door_sub")
        camera = Camera(bench.frigate, "door_sub")
    await camera.opened()
    camera.feed(LiveDenied("The live film: HTTP status 401"))
    await until(lambda: any(name.endswith(".jpg") for name in films(growing)))
    assert bench.frigate.live_opened == opened
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert errors == [
        "The live film of front_door can't be seen: The live film: HTTP status 401"
    ]


async def test_a_camera_without_film_has_none_by_another_stream(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Stills come sooner than it could be waited for each of its streams."""
    bench.timing = replace(QUICK, live_still=0.02, live_patience=0.1, live_blind=60)
    bench.frigate.live = {
        "front_door": LiveSource(stream="front_door", others=("live_view",))
    }
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    breaking = asyncio.create_task(_no_film(camera, asyncio.Event()))
    await until(lambda: films(growing))
    breaking.cancel()
    assert films(growing)[0].endswith(".jpg")
    assert set(bench.frigate.live_opened) == {"front_door"}


async def _no_keyframes(bench: Bench, camera: Camera) -> None:
    """Let pictures come without end, of which none can be shown by itself."""
    init, _, *film = islice(messages(), 11)
    while True:
        await camera.opened()
        feed = bench.frigate.live_feeds["front_door"]
        camera.feed(init)
        while bench.frigate.live_feeds.get("front_door") is feed:
            for each in film:
                feed.put_nowait(each)
            await asyncio.sleep(0.005)


async def test_a_door_that_is_dead_is_gone_round(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A camera of which no film comes is seen in stills; for a while, and said once."""
    bench.timing = replace(QUICK, live_still=0.02, live_patience=0.3, live_blind=0.3)
    await bench.start(setup(growing, selection=LIVE))
    begun = time.monotonic()
    bench.review("new")
    breaking = asyncio.create_task(_no_film(camera, over := asyncio.Event()))
    await until(lambda: films(growing))
    assert time.monotonic() - begun >= 0.3
    shown = len(bench.frigate.live_opened)
    assert shown > 1
    await until(lambda: len(bench.frigate.live_opened) > shown)
    stills = len(films(growing))
    await until(lambda: len(films(growing)) > stills + 3)
    over.set()
    await breaking
    assert all(name.endswith(".jpg") for name in films(growing))
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert errors == [
        "The live film of front_door can't be seen: no picture came from go2rtc"
        " (The live film: HTTP status 502)"
    ]
    await camera.show(12)
    await until(lambda: any(name.endswith(".mp4") for name in films(growing)))


@pytest.mark.parametrize("had_film", [False, True])
async def test_a_film_without_keyframes_is_none(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
    had_film: bool,
) -> None:
    """It can't be shown: another try where there was film, then stills; said once."""
    bench.timing = replace(
        QUICK,
        live_still=0.02,
        live_patience=0.1,
        live_keyframe=0.3,
        live_blind=60,
        # A busy machine may need a moment to ask for stills instead.
        live_longest_retry=60,
    )
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    if had_film:
        await camera.show(5)
        await arrived(growing, camera)
    feeding = asyncio.create_task(_no_keyframes(bench, camera))
    await until(lambda: any(name.endswith(".jpg") for name in films(growing)))
    opened = len(bench.frigate.live_opened)
    assert opened >= (2 if had_film else 1)
    await asyncio.sleep(0.3)
    feeding.cancel()
    assert len(bench.frigate.live_opened) == opened
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert errors == [
        "The live film of front_door can't be seen: no picture came from go2rtc"
        " (No keyframe came for some seconds)"
    ]


async def _show_bits(camera: Camera, how: str = "jumps") -> None:
    """Let a film come of which no two pictures belong together."""
    for second in (0, 5, 10, 15):
        init, key = islice(messages(first=second), 2)
        await camera.opened()
        if how != "jumps" or not second:
            camera.feed(init)
        camera.feed(key)
        if how == "breaks":
            camera.feed(FrigateUnreachable("go2rtc closed the film"))
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["jumps", "beginnings", "breaks"])
async def test_a_film_in_bits_is_seen_in_stills(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    """It would be a file a second, without end; said once."""
    bench.timing = replace(QUICK, live_still=0.02, live_takes=3, live_blind=60)
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await _show_bits(camera, how)
    await until(lambda: any(name.endswith(".jpg") for name in films(growing)))
    assert len([each for each in films(growing) if each.endswith(".mp4")]) <= 4
    assert not camera.is_watched
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert errors == [
        "The live film of front_door can't be seen: it breaks off or jumps again and"
        " again"
    ]


async def test_a_stream_that_is_watched_is_not_ended_to_ask_for_another(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It would be a gap and another file, every quarter of an hour."""
    bench.timing = replace(QUICK, live_refused=0.3)
    bench.frigate.live = {
        "front_door": LiveSource(stream="front_door", others=("live_view",))
    }
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.opened()
    camera.feed(FrigateForbidden("The live film: HTTP status 403"))
    view = Camera(bench.frigate, "live_view")
    end = time.monotonic() + 1
    while time.monotonic() < end:
        await view.show(2)
        await asyncio.sleep(0.02)
    await arrived(growing, view)
    assert bench.frigate.live_opened == ["front_door", "live_view"]
    # When it breaks off, nothing is lost by that.
    view.feed(FrigateUnreachable("go2rtc closed the film"))
    await camera.show(5)
    await arrived(growing, camera, 1)


async def test_a_film_in_bits_is_seen_by_another_stream(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One camera's streams need not all be torn: no stills, and nothing is said."""
    bench.timing = replace(QUICK, live_still=0.02, live_takes=3, live_blind=60)
    bench.frigate.live = {
        "front_door": LiveSource(stream="front_door", others=("live_view",))
    }
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    view = Camera(bench.frigate, "live_view")
    await _show_bits(camera)
    await view.show(12)
    await until(lambda: view.sent in growing.files.values())
    assert bench.frigate.live_opened == ["front_door", "live_view"]
    assert all(name.endswith(".mp4") for name in films(growing))
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("is_camera", [True, False])
async def test_a_frigate_without_pictures_gives_no_stills(
    bench: Bench, camera: Camera, growing: FakeDestination, is_camera: bool
) -> None:
    """It is starting, or the camera was cut: the film is what is waited for."""
    bench.timing = replace(QUICK, live_still=0.02, live_patience=0.1)
    await bench.start(setup(growing, selection=LIVE))
    await until(lambda: bench.status.cameras)
    if is_camera:
        bench.frigate.silent.add("front_door")
    bench.review("new")
    breaking = asyncio.create_task(_no_film(camera, over := asyncio.Event()))
    await until(lambda: bench.frigate.live_opened)
    if not is_camera:
        bench.frigate.error = FrigateUnreachable("away")
    await asyncio.sleep(0.5)
    assert films(growing) == bench.frigate.pictures == []
    over.set()
    bench.frigate.error = None
    await breaking
    await camera.show(12)
    await until(lambda: films(growing))
    assert films(growing)[0].endswith(".mp4")


async def test_stills_that_frigate_does_not_give(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Said once; and they are asked for again."""
    bench.timing = replace(QUICK, live_still=0.02)
    bench.frigate.latest_faults += [MediaNotReady("HTTP status 500")] * 3
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", camera="back-yard_2")
    await until(lambda: len(films(growing)) >= 2)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert errors == ["The live film of back-yard_2 can't be seen: HTTP status 500"]


@pytest.mark.parametrize("why", ["break", "length"])
async def test_stills_begin_another_file(
    bench: Bench, camera: Camera, nas: FakeDestination, why: str
) -> None:
    """After a break and a long time, as a film does; the whole supersedes them all."""
    bench.timing = replace(QUICK, live_still=0.02, live_take=60, live_break=0.2)
    if why == "length":
        bench.timing = replace(bench.timing, live_take=0.3)
    await bench.start(setup(nas, selection=LIVE))
    start = time.time() - 1
    where: dict[str, Any] = {"camera": "back-yard_2", "start": start}
    source_id = bench.review("new", **where)
    await until(lambda: films(nas))
    if why == "break":
        faults = bench.frigate.latest_faults
        faults += [MediaNotReady("HTTP status 500")] * 20
        await until(lambda: not faults)
    await until(lambda: any("-live02-0001.jpg" in name for name in films(nas)))
    bench.review("end", source_id=source_id, end=time.time(), **where)
    await bench.settled()
    await until(lambda: films(nas) == [])


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(live_footage=True, cameras=frozenset({"back-yard_2"})),
        Selection(live_footage=True, labels=frozenset({"cat"})),
        Selection(live_footage=True, zones=frozenset({"street"})),
    ],
)
async def test_only_what_a_destination_selects(
    bench: Bench, camera: Camera, growing: FakeDestination, selection: Selection
) -> None:
    """As for parts."""
    await bench.start(setup(growing, selection=selection))
    bench.review("new", zones=["porch"])
    await bench.at_rest()
    await asyncio.sleep(0.1)
    assert bench.frigate.live_opened == []


async def test_a_destination_without_recordings_may_have_live_film(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Nothing supersedes it there: it stays."""
    selection = replace(LIVE, media=frozenset({Media.SNAPSHOTS}))
    await bench.start(setup(growing, selection=selection))
    source_id = bench.review("new")
    await camera.show(5)
    await arrived(growing, camera)
    bench.review("end", source_id=source_id, end=time.time())
    await until(lambda: not camera.is_watched)
    await bench.at_rest()
    assert len(films(growing)) == 1


async def test_a_detection_that_becomes_an_alert(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Its film leaves from then on."""
    await bench.start(setup(growing, selection=LIVE))
    source_id = bench.review("new", severity="detection")
    await bench.at_rest()
    assert bench.frigate.live_opened == []
    bench.review("update", source_id=source_id)
    await camera.show(3)
    await arrived(growing, camera)


async def test_alerts_have_the_taps(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """There are only so many; a detection gives way."""
    bench.options = replace(bench.options, live_footage=LiveFootage.ALL, live_taps=1)
    bench.frigate.live["back-yard_2"] = LiveSource(stream="yard")
    yard = Camera(bench.frigate, "yard")
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new", severity=Severity.DETECTION.value)
    await camera.show(3)
    await arrived(growing, camera)
    alert = bench.review("new", camera="back-yard_2", source_id="1764000000.5-zzz999")
    await yard.show(3)
    await until(lambda: len(films(growing)) == 2)
    assert not camera.is_watched
    bench.review("end", camera="back-yard_2", source_id=alert, end=time.time())
    await camera.opened()
    assert not yard.is_watched


async def test_one_tap_for_all_destinations(
    bench: Bench, camera: Camera, growing: FakeDestination, cloud: FakeDestination
) -> None:
    """Whoever wants its film."""
    cloud.can = Capabilities(append=True)
    await bench.start(
        setup(growing, selection=LIVE), setup(cloud, name="cloud", selection=LIVE)
    )
    bench.review("new")
    await camera.show(10)
    await arrived(growing, camera)
    await arrived(cloud, camera)
    assert bench.frigate.live_opened == ["front_door"]


async def test_a_destination_that_is_selected_later(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It gets the film of what is active."""
    engine = await bench.start(setup(growing))
    bench.review("new")
    await bench.at_rest()
    assert not camera.is_watched
    await engine.apply_destinations([setup(growing, selection=LIVE)])
    await camera.show(3)
    await arrived(growing, camera)


async def test_nothing_leaves_while_capture_is_off(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """The film ends at once, and no sign begins another."""
    engine = await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(5)
    await arrived(growing, camera)
    await engine.set_capture(False)
    await until(lambda: not camera.is_watched)
    bench.live_snapshot()
    bench.review("new", source_id="1764000001.5-zzz999")
    await bench.at_rest()
    await asyncio.sleep(0.1)
    assert not camera.is_watched
    assert len(films(growing)) == 1


async def test_a_paused_destination_gets_nothing(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Nor is anything watched for it until it is sent to again."""
    engine = await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(5)
    name = await arrived(growing, camera)
    await engine.set_sending("nas", False)
    before = growing.files[name]
    await until(lambda: not camera.is_watched)
    bench.live_snapshot()
    await asyncio.sleep(0.1)
    assert not camera.is_watched
    assert growing.files[name] == before
    await engine.set_sending("nas", True)
    camera = Camera(bench.frigate)
    await camera.show(10)
    await until(lambda: len(films(growing)) == 2)


async def test_what_is_under_way_to_a_paused_destination_ends_at_once(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """On a slow line it would be sent for seconds."""
    bench.timing = replace(QUICK, live_look=60)
    engine = await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(5)
    await arrived(growing, camera)
    growing.hold_writes = True
    await camera.show(1)
    await until(lambda: growing.held_writes)
    begun = time.monotonic()
    await engine.set_sending("nas", False)
    await until(lambda: all(each.cancelled() for each in growing.held_writes))
    assert time.monotonic() - begun < 1


async def test_a_closed_destination_gets_nothing(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """As of everything else."""
    engine = await bench.start(setup(growing, selection=LIVE))
    await engine.set_closed(["nas"], since=time.time() - 60)
    bench.review("new", start=time.time() - 1)
    await bench.at_rest()
    await asyncio.sleep(0.1)
    assert not camera.is_watched
    assert films(growing) == []
