"""Film that leaves while it happens: an engine with a fake go2rtc."""

import asyncio
from dataclasses import replace
import logging
import re
import sqlite3
import sys
import threading
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    LiveRefused,
)
from custom_components.frigate_snap_sync.frigate.live_mp4 import look_at_bytes
from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.storage.errors import Rejected, Unreachable
from custom_components.frigate_snap_sync.sync.ledger import live_files
from custom_components.frigate_snap_sync.sync.model.engine_options import (
    EngineOptions,
    LiveFootage,
)
from custom_components.frigate_snap_sync.sync.model.errors import LedgerError
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.spans import from_text

from ..harness.frigate import live
from ..waiting import LONG, until
from .conftest import FAST, Bench, setup
from .fakes import FakeDestination
from .live_film import START, Camera

LIVE = Selection(live_footage=True)
QUICK = replace(
    FAST,
    live_look=0.02,
    live_retry=0.02,
    live_longest_retry=0.05,
    live_tick=0.001,
    live_hint=0.3,
    live_behind=0.5,
)


@pytest.fixture
def camera(bench: Bench) -> Camera:
    """Return a camera that go2rtc shows, and let alerts be sent live."""
    bench.timing = QUICK
    bench.frigate.live = {"front_door": LiveSource(stream="front_door")}
    bench.options = EngineOptions(
        live_footage=LiveFootage.ALERTS, padding_after=0, upload_during_review=False
    )
    return Camera(bench.frigate)


@pytest.fixture
def growing(nas: FakeDestination) -> FakeDestination:
    """Return a destination where files can grow."""
    nas.can = Capabilities(append=True)
    return nas


def films(destination: FakeDestination) -> list[str]:
    """Return the names of the live files that lie there."""
    return sorted(name for name in destination.files if re.search(r"-live\d", name))


async def begin_film(
    bench: Bench, camera: Camera, growing: FakeDestination, *, pictures: int
) -> None:
    """Let a review begin, and wait until so many pictures of it have left."""
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(pictures)
    await arrived(growing, camera)


async def arrived(destination: FakeDestination, camera: Camera, number: int = 0) -> str:
    """Wait until all that the camera has shown is there; return the file's name."""
    await until(
        lambda: (
            len(films(destination)) > number
            and destination.files[films(destination)[number]] == camera.sent
        )
    )
    return films(destination)[number]


async def test_a_film_is_there_while_it_happens(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Each picture, at once, under the name it will keep."""
    await bench.start(setup(growing, selection=LIVE))
    await bench.heard()
    bench.review("new", start=1_764_000_000.5)
    await camera.show(3)
    name = await arrived(growing, camera)
    assert (
        name
        == "2025-11-24/2025-11-24_17-00-00+0100-front_door-recording-person-abc123-live01.mp4"
    )
    assert live.moments(growing.files[name]) == [
        1_764_000_000 + n / 10 for n in range(3)
    ]
    for _ in range(5):
        await camera.show(4)
        await arrived(growing, camera)
    assert bench.frigate.live_opened == ["front_door"]


async def test_it_is_gone_when_the_whole_is_there(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """And the film ends with its review."""
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start)
    await camera.show(12)
    await arrived(growing, camera)
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await until(lambda: not camera.is_watched)
    await bench.settled()
    await until(lambda: films(growing) == [])
    (name,) = growing.media
    assert "-live" not in name
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert [event.path for event in bench.uploaded] == [name]


async def test_pieces_where_no_file_can_grow(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Each plays alone, and joined they are the film."""
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(61)
    await until(lambda: len(films(nas)) == 3)
    pieces = [nas.files[name] for name in films(nas)]
    assert [name.partition("-live")[2] for name in films(nas)] == [
        f"01-{number:04}.mp4" for number in (1, 2, 3)
    ]
    for piece in pieces:
        assert piece.startswith(live.beginning())
        assert len(live.moments(piece)) == 20
        assert look_at_bytes(piece).duration == pytest.approx(2)
    joined = live.beginning() + b"".join(
        piece.removeprefix(live.beginning()) for piece in pieces
    )
    assert camera.sent.startswith(joined)


async def test_the_last_piece_leaves_at_the_end(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """Also when it is short; then the whole comes, and all pieces go."""
    await bench.start(setup(nas, selection=LIVE))
    start = time.time() - 1
    nas.gate.clear()
    source_id = bench.review("new", start=start)
    await camera.show(25)
    nas.gate.set()
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await until(lambda: len(nas.pieces) >= 2)
    await bench.settled()
    await until(lambda: films(nas) == [])
    assert len(nas.media) == 1


async def test_what_is_left_leaves_when_all_is_stopped(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """It may be all there is for long: the destination has a moment for it."""
    bench.timing = replace(QUICK, live_behind=LONG)
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(25)
    # The second piece has begun.
    await until(lambda: len(films(nas)) == 1)
    nas.gate.clear()
    stopping = asyncio.create_task(bench.stop())
    await asyncio.sleep(0.3)
    nas.gate.set()
    await stopping
    shown = [live.moments(nas.files[name]) for name in films(nas)]
    assert len(shown[0]) == 20
    assert 1 <= len(shown[1]) <= 5


async def test_a_long_gop_does_not_keep_a_piece_from_leaving(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """The same piece leaves again, longer."""
    bench.timing = replace(QUICK, live_piece=0.5)
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(10)
    await until(lambda: nas.pieces)
    await camera.show(11)
    await until(lambda: len(nas.pieces) >= 3)
    assert len(set(nas.pieces)) < len(nas.pieces)
    assert live.moments(nas.files[nas.pieces[0]])[:3] == [
        1_764_000_000 + n / 10 for n in range(3)
    ]


async def test_no_piece_is_replaced_where_all_is_kept(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """It leaves when it is over."""
    bench.timing = replace(QUICK, live_piece=0.5)
    nas.can = Capabilities(can_delete=False)
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(35)
    await until(lambda: len(nas.pieces) == 3)
    assert len(set(nas.pieces)) == 3


@pytest.mark.usefixtures("camera")
async def test_each_piece_plays_where_all_is_kept(
    bench: Bench, nas: FakeDestination
) -> None:
    """Keyframes are five seconds apart: the pieces between begin with the last one."""
    camera = Camera(bench.frigate, gop=5)
    bench.timing = replace(QUICK, live_piece=0.5)
    nas.can = Capabilities(can_delete=False)
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new")
    await camera.show(90)
    await until(lambda: len(nas.pieces) == 3)
    shown = [live.moments(nas.media[path]) for path in nas.pieces]
    assert [len(each) for each in shown] == [32, 50, 32]
    assert [each[0] for each in shown] == [START] * 3


async def test_a_film_that_breaks_off_is_another_file(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """go2rtc was restarted, or the camera was silent: each file plays."""
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(5)
    first = await arrived(growing, camera)
    await camera.break_off(FrigateUnreachable("go2rtc closed the film"))
    await camera.show(5)
    second = await arrived(growing, camera, 1)
    assert (first[-10:], second[-10:]) == ("live01.mp4", "live02.mp4")
    assert len(live.moments(growing.files[first])) == 5
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


async def test_what_go2rtc_refuses_is_seen_in_stills(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For a while; it is said once, however many reviews there are."""
    bench.timing = replace(QUICK, live_refused=0.5, live_still=0.02)
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    for _ in range(2):
        await camera.opened()
        camera.feed(LiveRefused("go2rtc gives no film: not found"))
        shown = len(films(growing))
        await until(lambda: len(films(growing)) > shown + 3)  # noqa: B023
        assert not camera.is_watched
    errors = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [r.getMessage() for r in errors] == [
        "The live film of front_door can't be seen: go2rtc gives no film: not found"
    ]
    assert all(name.endswith(".jpg") for name in films(growing))
    await camera.show(3)
    await until(
        lambda: any(data == camera.sent for data in growing.files.values()),
    )


async def test_a_bug_ends_no_film_for_good(
    bench: Bench,
    camera: Camera,
    growing: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, and the film begins again."""
    await begin_film(bench, camera, growing, pictures=3)
    bench.frigate.live_feeds["front_door"].put_nowait("no message")  # type: ignore[arg-type]
    await until(lambda: "The live film of front_door failed" in caplog.text)
    growing.faults_of_growth.append(ZeroDivisionError("a bug"))
    camera = Camera(bench.frigate)
    await camera.show(15)
    await until(lambda: "Live film for nas failed" in caplog.text)
    await camera.show(15)
    await until(
        lambda: (
            len(films(growing)) >= 2 and b"moof" in growing.files[films(growing)[-1]]
        )
    )
    assert live.moments(growing.files[films(growing)[-1]])


async def test_a_file_that_takes_nothing(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """A file into which nothing could be written does not stay."""
    growing.hold_writes = True
    await bench.start(setup(growing, selection=LIVE))
    bench.review("new")
    await camera.show(3)
    # What comes before the first picture, and that.
    await until(lambda: len(growing.held_writes) == 2)
    growing.hold_writes = False
    for write in growing.held_writes:
        write.set_exception(Rejected("Not this one"))
    (empty,) = growing.grew
    await camera.show(15)
    await until(lambda: empty in growing.deleted)


async def test_a_ledger_that_fails_ends_no_film(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """What has its name in the ledger continues."""
    await begin_film(bench, camera, growing, pictures=3)

    async def fail(job: object, run: object) -> None:
        raise LedgerError("disk I/O error")

    bench.faults.run = fail
    for _ in range(4):
        await camera.show(5)
        await asyncio.sleep(0.05)
    await arrived(growing, camera)
    bench.faults.run = None
    await camera.show(5)
    await arrived(growing, camera)
    assert len(films(growing)) == 1


async def test_an_end_that_the_ledger_could_not_keep(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """It is kept later, and the whole supersedes the film all the same."""

    def ended(*arguments: object, **more: object) -> None:
        del bench.faults.jobs[live_files.ended]
        failed.set()
        raise sqlite3.OperationalError("disk I/O error")

    failed = threading.Event()
    bench.faults.jobs[live_files.ended] = ended
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start)
    await camera.show(12)
    await arrived(growing, camera)
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await until(failed.is_set)
    await bench.settled()
    await until(lambda: films(growing) == [])
    assert len(growing.media) == 1


async def test_a_destination_that_hangs_holds_nothing_up(
    bench: Bench, camera: Camera, growing: FakeDestination, cloud: FakeDestination
) -> None:
    """Neither the film nor another destination; back again, it gets the newest."""
    cloud.can = Capabilities(append=True)
    await bench.start(
        setup(growing, selection=LIVE), setup(cloud, name="cloud", selection=LIVE)
    )
    bench.review("new")
    await camera.show(5)
    await arrived(cloud, camera)
    cloud.gate.clear()
    for _ in range(12):
        await camera.show(10)
        await arrived(growing, camera)
        await asyncio.sleep(0.1)
    cloud.gate.set()
    await camera.show(10)
    await arrived(growing, camera)
    await until(lambda: live.moments(cloud.files[films(cloud)[0]])[-1:] != [])
    content = cloud.files[films(cloud)[0]]
    assert look_at_bytes(content).size == len(content)
    assert len(content) < len(camera.sent)
    assert bench.frigate.live_opened == ["front_door"]


async def test_a_destination_that_fails_gets_another_file(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """What lies there stays until the whole is there."""
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start)
    await camera.show(5)
    await arrived(growing, camera)
    growing.error = Unreachable("gone")
    await camera.show(5)
    await asyncio.sleep(0.1)
    growing.error = None
    await camera.show(15)
    await until(
        lambda: len(films(growing)) == 2 and b"moof" in growing.files[films(growing)[1]]
    )
    assert live.moments(growing.files[films(growing)[1]])[0] == 1_764_000_000
    bench.review("end", source_id=source_id, start=start, end=time.time())
    await bench.settled()
    await until(lambda: films(growing) == [])


async def test_what_follows_on_a_hole_counts_for_nothing(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Of two writes under way the first one fails: the second can't be played."""
    bench.timing = replace(QUICK, live_tick=0)
    await begin_film(bench, camera, growing, pictures=4)
    begun = time.time()
    growing.hold_writes = True
    await camera.show(4)
    await until(lambda: len(growing.held_writes) == 2)
    first, second = growing.held_writes
    second.set_result(None)
    await asyncio.sleep(0.02)
    growing.hold_writes = False
    first.set_exception(Unreachable("lost"))
    await camera.show(12)
    await until(lambda: len(films(growing)) == 2)

    def held(connection: sqlite3.Connection) -> str:
        rows = connection.execute("SELECT held FROM live_files WHERE number = 1")
        return str(rows.fetchone()["held"])

    ((_, end),) = from_text(await bench.engine._ledger.run(held))  # noqa: SLF001
    assert end <= begun


async def test_a_restart_takes_no_file_up_again(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """What is there is there; the whole supersedes it."""
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, known=True)
    await camera.show(5)
    first = await arrived(growing, camera)
    content = growing.files[first]
    await bench.stop()
    camera = Camera(bench.frigate)
    await bench.start(setup(growing, selection=LIVE))
    # Nothing comes over MQTT: Frigate's API shows that the review is active.
    await camera.show(5)
    await until(lambda: len(films(growing)) == 2)
    assert growing.files[first] == content
    bench.review("end", source_id=source_id, start=start, end=time.time(), known=True)
    await bench.settled()
    await until(lambda: films(growing) == [])


async def test_a_film_of_which_nothing_is_heard_ends(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Its end may have been missed."""
    bench.timing = replace(QUICK, live_news=0.3)
    await begin_film(bench, camera, growing, pictures=5)
    await until(lambda: not camera.is_watched)


@pytest.mark.parametrize("padding", [0, 1])
async def test_a_film_ends_though_its_footage_is_not_known(
    bench: Bench, camera: Camera, growing: FakeDestination, padding: float
) -> None:
    """A manual event that is cut short has no end that can be: it is looked for."""
    bench.timing = replace(QUICK, settle=600)
    bench.options = replace(bench.options, padding_after=padding)
    await bench.start(setup(growing, selection=LIVE))
    start = time.time() - 1
    source_id = bench.review("new", start=start, known=True)
    await camera.show(5)
    await arrived(growing, camera)
    ended = time.time()
    bench.review("end", source_id=source_id, start=start, end=sys.maxsize, known=True)
    await until(lambda: not camera.is_watched, seconds=5)
    assert time.time() >= ended + padding
    counts = (await bench.engine.diagnostics())["counts"]
    assert not counts.get("files")


async def test_a_film_goes_on_while_frigate_shows_its_review(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """An answer of its API is news, too: over MQTT nothing may come for hours."""
    bench.timing = replace(QUICK, live_news=1.5)
    await bench.start(setup(growing, selection=LIVE))
    source_id = bench.review("new", known=True)
    begun = time.monotonic()
    while time.monotonic() - begun < 2.5:
        await camera.show(1)
        bench.engine._services.signals.review_unsure(source_id)  # noqa: SLF001
        await asyncio.sleep(0.05)
    assert bench.frigate.live_opened == ["front_door"]


@pytest.mark.parametrize("is_live", [True, False])
async def test_parts_are_not_asked_for_of_what_has_left_live(
    bench: Bench, camera: Camera, growing: FakeDestination, is_live: bool
) -> None:
    """But the first one, which has what was before.

    A destination that is closed gets none: it need not have it live.
    """
    bench.options = replace(bench.options, upload_during_review=True, part_length=1)
    await bench.start(
        setup(growing, selection=LIVE), setup(FakeDestination(), name="cloud")
    )
    await bench.engine.set_closed(["cloud"], since=time.time() - 60)
    start = time.time() - 13
    source_id = bench.review("new", start=start)
    await until(lambda: len(bench.frigate.clips) >= 2)
    await bench.at_rest()
    if is_live:
        progress = bench.engine._services.live_progress  # noqa: SLF001
        progress.note(source_id, "nas", ((start - 5, start + 1000),))
    before = len(bench.frigate.clips)
    await asyncio.sleep(3)
    assert (len(bench.frigate.clips) > before) == (not is_live)


async def test_a_part_is_not_sent_to_who_has_it_live(
    bench: Bench, camera: Camera, growing: FakeDestination
) -> None:
    """Another destination has no film, and gets all parts."""
    bench.options = replace(bench.options, upload_during_review=True, part_length=1)
    cloud = FakeDestination()
    await bench.start(
        setup(growing, selection=LIVE),
        setup(cloud, name="cloud", selection=replace(LIVE, live_footage=False)),
    )
    start = time.time() - 13
    source_id = bench.review("new", start=start)
    progress = bench.engine._services.live_progress  # noqa: SLF001
    await until(lambda: len(parts(cloud)) >= 2)
    await bench.at_rest()
    progress.note(source_id, "nas", ((start - 5, start + 1000),))
    before = len(parts(growing))
    known = len(parts(cloud))
    await until(lambda: len(parts(cloud)) >= known + 2)
    await bench.at_rest()
    assert len(parts(growing)) <= before + 1


def parts(destination: FakeDestination) -> list[str]:
    """Return the parts that lie there."""
    return [path for path in destination.files if "-part" in path]
