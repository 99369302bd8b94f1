"""Film of which too much is left out is watched in fewer pixels."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
import logging
from statistics import quantiles
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.errors import LiveRefused
from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.growing import GrowingFile
from custom_components.frigate_snap_sync.sync.live.left_out import LeftOut
from custom_components.frigate_snap_sync.sync.live.sources import Sources

from ..harness.frigate import live
from ..waiting import until
from .conftest import Bench, setup
from .fakes import FakeDestination, FakeGrowingFile
from .live_film import Camera
from .test_live import LIVE, QUICK, camera, films

__all__ = ["camera"]

_RATE = 60_000
"""Bytes a second that a slow line takes; the film has three times as many."""
_MUCH = 500_000
"""Bytes of over twenty seconds of film."""
_PICTURE = 0.01
"""Seconds between two pictures, ten times as fast as the film's own clock."""
_WITH_DETECT = LiveSource(
    stream="front_door", is_recorded=True, detect_stream="door_sub"
)


@pytest.fixture(autouse=True)
def patient(bench: Bench, camera: Camera) -> None:
    """Let no destination be late because this machine is busy."""
    bench.timing = replace(QUICK, live_behind=1)


def much_left_out(line: FakeDestination, camera: Camera) -> bool:
    """Tell whether far more film was left out than may be."""
    (content, *_) = (line.files[name] for name in films(line))
    return len(camera.sent) - len(content) > _MUCH


class SlowLine(FakeDestination):
    """A destination that takes all that comes, but slowly."""

    def __init__(self, *, append: bool = True, rate: float = _RATE) -> None:
        """Be slow from the beginning: so many bytes a second."""
        super().__init__()
        self.can = Capabilities(append=append)
        self.rate = rate

    @override
    async def grow(self, path: str) -> GrowingFile:
        await super().grow(path)
        return _SlowFile(self, path)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        await asyncio.sleep(source.size / self.rate)
        return await super().put_at_once(path, source, temporary=temporary)


class _SlowFile(FakeGrowingFile):
    """A file that grows slowly: one write after the other."""

    def __init__(self, destination: SlowLine, path: str) -> None:
        """Let nothing be under way."""
        super().__init__(destination, path)
        self._line = asyncio.Lock()
        self._rate = destination.rate

    @override
    async def write(self, data: bytes, *, at: int) -> None:
        async with self._line:
            await asyncio.sleep(len(data) / self._rate)
            await super().write(data, at=at)


@asynccontextmanager
async def showing(camera: Camera, pause: float = _PICTURE) -> AsyncIterator[None]:
    """Let a camera show film, whenever it is watched."""
    task = asyncio.create_task(camera.continue_film(pause))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _as(bench: Bench) -> str:
    """Return how the camera is watched, for the diagnostics."""
    watched = (await bench.engine.diagnostics())["live"]["watched"]
    return str(watched["front_door"]["as"])


@pytest.mark.parametrize("append", [True, False])
async def test_a_slow_line_gets_fewer_pixels(
    bench: Bench,
    camera: Camera,
    append: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until the review is over; the next one begins with all of them."""
    caplog.set_level(logging.DEBUG)
    bench.frigate.live = {"front_door": _WITH_DETECT}
    line, small = SlowLine(append=append), Camera(bench.frigate, "door_sub")
    await bench.start(setup(line, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start)
    async with showing(camera):
        await small.opened()
        assert not camera.is_watched
    assert await _as(bench) == "detect stream"
    await small.show(30)
    await until(lambda: any("-live02" in name for name in films(line)))
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await until(lambda: not small.is_watched)
    said = [r.getMessage() for r in caplog.records if "is watched instead" in r.msg]
    assert said == [
        "Too much film of front_door is left out: its stream door_sub is watched"
        " instead"
    ]
    bench.review("new", source_id=f"{start}-zzz999", start=time.time())
    await camera.opened()
    assert bench.frigate.live_opened == ["front_door", "door_sub", "front_door"]
    assert await _as(bench) == "film"


async def test_a_camera_without_a_detect_stream(bench: Bench, camera: Camera) -> None:
    """It is watched as before, with gaps."""
    line = SlowLine()
    await bench.start(setup(line, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    async with showing(camera):
        await until(lambda: films(line) and much_left_out(line, camera))
    assert bench.frigate.live_opened == ["front_door"]
    assert await _as(bench) == "film"


@pytest.mark.parametrize(("rate", "oldest"), [(1.2, 4.5), (4, 3)])
async def test_pieces_on_a_line_that_carries_the_film(
    bench: Bench, camera: Camera, rate: float, oldest: float
) -> None:
    """With a fifth to spare nothing is left out, however long each request takes.

    The newest picture there is older then than on a line with much to spare.
    """
    pause, size = 0.03, 2000
    bench.timing = replace(QUICK, live_behind=0.3, live_tick=0.05)
    bench.frigate.live = {"front_door": _WITH_DETECT}
    line = SlowLine(append=False, rate=rate * size / pause)
    await bench.start(setup(line, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    missing: list[int] = []
    init = live.beginning()

    def is_shown() -> bool:
        names = films(line)
        there = sum(len(line.files[name]) - len(init) for name in names)
        if names:
            missing.append(len(camera.sent) - len(init) - there)
        return len(names) >= 9

    async with showing(camera, pause):
        await until(is_shown)
        sent = camera.sent
    # But for a moment in which this machine is busy.
    second = (len(sent) - len(init)) / len(live.moments(sent)) * live.FPS
    assert quantiles(missing, n=20)[-1] / second < oldest
    pieces = [line.files[name] for name in films(line)]
    assert all(piece.startswith(init) for piece in pieces)
    joined = init + b"".join(piece.removeprefix(init) for piece in pieces)
    assert sent.startswith(joined)
    assert bench.frigate.live_opened == ["front_door"]


@pytest.mark.parametrize("how", ["dead", "hanging", "closed"])
async def test_a_destination_that_takes_nothing(
    bench: Bench, camera: Camera, how: str
) -> None:
    """Be it away, hanging or switched off: that says nothing of the pixels."""
    bench.frigate.live = {"front_door": _WITH_DETECT}
    nas = FakeDestination()
    nas.can = Capabilities(append=True)
    engine = await bench.start(setup(nas, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    async with showing(camera):
        await until(lambda: films(nas))
        match how:
            case "dead":
                nas.error = Unreachable("away")
            case "hanging":
                nas.gate.clear()
            case "closed":
                await engine.set_sending("nas", False)
        await asyncio.sleep(2)
        nas.error = None
        nas.gate.set()
        await engine.set_sending("nas", True)
        await asyncio.sleep(0.5)
    # It may have ended meanwhile, and begun again.
    assert set(bench.frigate.live_opened) == {"front_door"}


@pytest.mark.parametrize("is_local", [False, True])
async def test_another_destination_that_keeps_up(
    bench: Bench, camera: Camera, is_local: bool
) -> None:
    """It loses no pixels because one is slow; a disk in the house does not count."""
    bench.frigate.live = {"front_door": _WITH_DETECT}
    nas, line = FakeDestination(), SlowLine()
    nas.can = Capabilities(append=True, is_local=is_local)
    await bench.start(
        setup(nas, selection=LIVE), setup(line, name="line", selection=LIVE)
    )
    bench.review("new", start=time.time() - 1)
    small = Camera(bench.frigate, "door_sub")
    async with showing(camera):
        if is_local:
            await small.opened()
        else:
            await until(lambda: films(line) and much_left_out(line, camera))
            assert len(films(nas)) == 1
    opened = ["front_door", "door_sub"] if is_local else ["front_door"]
    assert bench.frigate.live_opened == opened


async def test_a_detect_stream_that_is_refused(bench: Bench, camera: Camera) -> None:
    """Then it is the other one again, and that stays."""
    bench.frigate.live = {"front_door": _WITH_DETECT}
    line, small = SlowLine(), Camera(bench.frigate, "door_sub")
    await bench.start(setup(line, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    async with showing(camera):
        await small.opened()
        small.feed(LiveRefused("go2rtc gives no film: not found"))
        await camera.opened()
        await asyncio.sleep(4)
    assert bench.frigate.live_opened == ["front_door", "door_sub", "front_door"]


def test_another_stream_may_be_too_much_as_well() -> None:
    """Unless it is the one of few pixels itself."""
    known = LiveSource(
        stream="a", others=("b", "c"), is_recorded=True, detect_stream="c"
    )
    sources = Sources(lambda: {"door": known})
    assert sources.all()["door"] == known
    sources.refuse("door", known, until=10)
    second = sources.all()["door"]
    assert second == LiveSource(stream="b", others=("c",), detect_stream="c")
    sources.reduce("door")
    assert sources.all()["door"] == LiveSource(stream="c")
    sources.keep(())
    sources.refuse("door", second, until=10)
    assert sources.all()["door"] == LiveSource(stream="c")
    sources.reduce("door")
    assert not sources.is_reduced("door")
    sources.refuse("door", LiveSource(stream="c"), until=10)
    assert sources.all() == {}
    sources.ask_again(11, seen=["door"])
    assert sources.all() == {}
    sources.ask_again(11, seen=())
    assert sources.all()["door"] == known


def test_two_cameras_that_share_a_stream() -> None:
    """What is refused of one says nothing of the other."""
    known = {
        "door": LiveSource(stream="a", others=("b",)),
        "yard": LiveSource(stream="b"),
    }
    sources = Sources(lambda: known)
    sources.refuse_all("door", known["door"], until=10)
    assert sources.all() == {"yard": known["yard"]}


async def test_stills_have_no_other_stream(bench: Bench, camera: Camera) -> None:
    """Most of them are left out wherever a line is slow."""
    bench.timing = replace(bench.timing, live_still=0.02, live_refused=60)
    bench.frigate.live = {"front_door": _WITH_DETECT}
    line = SlowLine()
    await bench.start(setup(line, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.opened()
    camera.feed(LiveRefused("go2rtc gives no film: not found"))
    await until(lambda: len(films(line)) >= 4)
    assert set(bench.frigate.live_opened) == {"front_door"}


def test_how_much_is_left_out() -> None:
    """Again and again, within a minute; one gap alone is none of a slow line."""
    gaps = LeftOut(much=5, within=60)
    assert not gaps.is_much(0)
    gaps.note(40, now=0)
    gaps.note(4, now=10)
    assert not gaps.is_much(10)
    gaps.note(0.5, now=20)
    assert gaps.is_much(20)
    assert gaps.is_much(60)
    gaps.note(0.4, now=61)
    assert not gaps.is_much(61), "the long one was over a minute ago"
    gaps.note(0.2, now=62)
    assert gaps.is_much(62)
    assert not gaps.is_much(200)
