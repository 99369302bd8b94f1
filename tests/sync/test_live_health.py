"""What live film that fails says of its destination."""

import asyncio
from dataclasses import replace
from itertools import pairwise
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.live_mp4 import LiveFragment
from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    HostKeyChanged,
    InvalidKey,
    NoSpace,
    Rejected,
    StorageError,
    Throttled,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.growing import GrowingFile
from custom_components.frigate_snap_sync.storage.names import TemporaryForm
from custom_components.frigate_snap_sync.sync.model.engine_options import (
    EngineOptions,
    LiveFootage,
)
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import Protection

from ..harness.frigate import live
from ..waiting import until
from .conftest import Bench, setup
from .fakes import FakeDestination
from .live_film import Camera, messages
from .test_live import LIVE, QUICK, camera, films

__all__ = ["camera"]

LIVE_ALONE = Selection(media=frozenset(), live_footage=True)


class Growing(FakeDestination):
    """A destination whose files grow, and whose tries are counted."""

    def __init__(self) -> None:
        """Begin sound."""
        super().__init__()
        self.can = Capabilities(append=True)
        self.fault: StorageError | None = None
        self.tries = 0

    @override
    async def grow(self, path: str) -> GrowingFile:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        return await super().grow(path)


async def _shown(camera: Camera, seconds: float) -> None:
    """Let the camera show something for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await camera.show(2)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("cause", [AuthFailed, HostKeyChanged, InvalidKey, NoSpace])
async def test_what_is_refused_is_not_tried_again(
    bench: Bench, camera: Camera, cause: type[StorageError]
) -> None:
    """A server bans who knocks too often; the destination is said to fail."""
    destination = Growing()
    await bench.start(setup(destination, selection=LIVE_ALONE))
    await bench.heard()
    destination.fault = cause("no")
    bench.review("new", start=time.time() - 1)
    await camera.opened()
    await _shown(camera, 1)
    await bench.at_rest()
    assert destination.tries == 1
    shown = bench.status.destinations["nas"]
    assert shown.last_error is not None
    assert shown.last_error.code == cause.code
    assert bench.status.protection is not Protection.PROTECTED


async def test_a_refusal_after_film_is_not_tried_again_either(
    bench: Bench, camera: Camera
) -> None:
    """The connection broke, and the next login is refused."""
    destination = Growing()
    await bench.start(setup(destination, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.show(5)
    await until(lambda: films(destination))
    await _shown(camera, 0.2)
    destination.fault = AuthFailed("no")
    destination.error = Unreachable("connection lost")
    await _shown(camera, 0.2)
    destination.error = None
    before = destination.tries
    await _shown(camera, 1)
    assert destination.tries - before <= 1


async def test_one_connection_that_broke_is_made_again(
    bench: Bench, camera: Camera
) -> None:
    """Film is late soon, and a server that restarts is back at once."""
    destination = Growing()
    await bench.start(setup(destination, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await _shown(camera, 0.2)
    for number in (2, 3):
        destination.hold_writes = True
        await camera.show(12)
        await until(lambda: destination.held_writes)
        destination.hold_writes = False
        while destination.held_writes:
            destination.held_writes.pop().set_exception(Unreachable("lost"))
        await _shown(camera, 0.5)
        assert len(films(destination)) == number
    assert bench.status.destinations["nas"].last_error is None


async def test_a_destination_that_stays_away_is_left_to_its_worker(
    bench: Bench, camera: Camera
) -> None:
    """It is tried once more, and then only as the worker does."""
    bench.timing = replace(QUICK, live_longest_retry=0.02)
    destination = Growing()
    await bench.start(setup(destination, selection=LIVE_ALONE))
    await bench.heard()
    destination.fault = Unreachable("away")
    bench.review("new", start=time.time() - 1)
    await camera.opened()
    await _shown(camera, 1)
    assert destination.tries == 2
    await until(lambda: bench.status.destinations["nas"].connected is False)


async def test_what_one_file_is_refused_for_says_nothing_of_the_destination(
    bench: Bench, camera: Camera
) -> None:
    """It is tried again with the next keyframe."""
    destination = Growing()
    await bench.start(setup(destination, selection=LIVE_ALONE))
    await bench.heard()
    destination.fault = Rejected("this name is not allowed")
    bench.review("new", start=time.time() - 1)
    await camera.opened()
    await _shown(camera, 0.5)
    assert destination.tries > 2
    assert bench.status.destinations["nas"].last_error is None
    destination.fault = None
    await _shown(camera, 0.5)
    await until(lambda: films(destination))


@pytest.mark.parametrize("cause", [AuthFailed, NoSpace, Throttled])
async def test_a_piece_that_is_refused_is_not_sent_again(
    bench: Bench, camera: Camera, nas: FakeDestination, cause: type[StorageError]
) -> None:
    """Neither by itself, nor with the rest of its film."""
    tries: list[str] = []

    async def refuse(path: str, source: Source, *, temporary: str) -> StoredFile:
        tries.append(path)
        raise cause("no")

    nas.put_at_once = refuse  # type: ignore[method-assign]
    await bench.start(setup(nas, selection=LIVE_ALONE))
    await bench.heard()
    bench.review("new", start=time.time() - 1)
    await camera.show(35)
    await until(lambda: tries)
    await _shown(camera, 1)
    assert len(tries) == 1


@pytest.mark.parametrize("is_recorded", [True, False])
async def test_only_film_of_what_is_recorded_makes_parts_needless(
    bench: Bench, camera: Camera, is_recorded: bool
) -> None:
    """Another stream may have few pixels: then parts are asked for as usual."""
    bench.frigate.live = {
        "front_door": LiveSource(stream="front_door", is_recorded=is_recorded)
    }
    await bench.start(setup(Growing(), selection=LIVE))
    source_id = bench.review("new", start=time.time() - 1)
    await _shown(camera, 0.5)
    progress = bench.engine._services.live_progress  # noqa: SLF001
    assert progress.knows(source_id) is is_recorded


async def test_a_film_without_keyframes_leaves_all_the_same(
    bench: Bench, camera: Camera, nas: FakeDestination
) -> None:
    """In pieces, of which no more than about twelve seconds are kept in memory."""
    nas.can = Capabilities(can_delete=False)
    await bench.start(setup(nas, selection=LIVE))
    bench.review("new", start=time.time() - 1)
    await camera.opened()
    film = messages()
    for number, message in zip(range(200), film, strict=False):
        if isinstance(message, LiveFragment) and number > 1:
            assert message.pictures is not None
            pictures = replace(message.pictures, is_keyframe=False)
            message = replace(message, pictures=pictures)
        camera.feed(message)
        await asyncio.sleep(0.005)
    await until(lambda: len(films(nas)) >= 6)
    pieces = [nas.files[name].removeprefix(live.beginning()) for name in films(nas)]
    # Each plays, until its keyframe is too long ago.
    assert all(last in next_ for last, next_ in pairwise(pieces[:4]))
    joined = b"".join(pieces[3:])
    assert camera.sent.removeprefix(live.beginning()).startswith(joined)
    assert len(pieces[4]) < len(pieces[3]) / 2
    assert len(set(nas.pieces)) == len(films(nas))


@pytest.mark.parametrize("form", list(TemporaryForm))
async def test_stills_have_temporary_names_that_are_known(
    bench: Bench, nas: FakeDestination, form: TemporaryForm
) -> None:
    """In the form that the server takes; what a kill left of one goes with it."""
    used: list[str] = []
    put = nas.put_at_once

    async def noted(path: str, source: Source, *, temporary: str) -> StoredFile:
        used.append(temporary)
        return await put(path, source, temporary=temporary)

    nas.put_at_once = noted  # type: ignore[method-assign]
    nas.can = Capabilities(append=True)
    bench.timing = replace(QUICK, live_still=0.02)
    bench.options = EngineOptions(
        live_footage=LiveFootage.ALERTS, padding_after=0, upload_during_review=False
    )
    await bench.start(replace(setup(nas, selection=LIVE), temporary_form=form))
    start = time.time() - 1
    source_id = bench.review("new", camera="back-yard_2", start=start)
    await until(lambda: len(films(nas)) >= 3)
    name = films(nas)[1]
    folder, _, last = name.rpartition("/")
    dot = "." if form is TemporaryForm.HIDDEN else ""
    assert used[1] == f"{folder}/{dot}{last}.tmp"
    nas.files[used[1]] = b"half of it"
    bench.review(
        "end", source_id=source_id, camera="back-yard_2", start=start, end=time.time()
    )
    await bench.settled()
    await until(lambda: films(nas) == [])
    assert used[1] not in nas.files
