"""A fire drill: a picture and some footage, now, the whole way and back."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    NoSpace,
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.names import DRILL_PREFIX
from custom_components.frigate_snap_sync.sync.engine import LedgerError
from custom_components.frigate_snap_sync.sync.ledger import drills
from custom_components.frigate_snap_sync.sync.model.drill import (
    CameraDrill,
    DestinationDrill,
    DrillCause,
    DrillState,
    Outcome,
)
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason

from .conftest import Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, FakeDestination
from .faults import Job, RunJob

STEPS = {"connect", "send_picture", "send_footage", "read_back", "delete"}


class Place(FakeDestination):
    """Notes what passes, and can do wrong with it."""

    def __init__(self) -> None:
        """Begin honest."""
        super().__init__()
        self.sent: dict[str, bytes] = {}
        self.damage = False
        self.keeps = False
        self.most: int | None = None
        self.discarded: list[str] = []
        self.undeletable: set[str] = set()
        self.refusals = 0
        self.closes_after: int | None = None
        """So many files are deleted, then the gate is closed."""

    @override
    def _check(self) -> None:
        if self.error is not None:
            self.refusals += 1
        super()._check()

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if self.most is not None and source.size > self.most:
            raise NoSpace("The disk is full")
        stored = await super().put(path, source, temporary=temporary)
        self.sent[path] = self.files[path]
        return stored

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        async for piece in super().open_read(path, start=start, length=length):
            yield piece[::-1] if self.damage else piece

    @override
    async def delete(self, path: str) -> None:
        if path in self.undeletable:
            raise PermissionDenied("no")
        if not self.keeps:
            await super().delete(path)
        if self.closes_after is not None:
            self.closes_after -= 1
            if not self.closes_after:
                self.gate.clear()

    @override
    async def discard(self, temporary: str) -> None:
        self.discarded.append(temporary)
        await super().discard(temporary)

    def drilled(self) -> list[str]:
        """Return what lies there of drills, unfinished files too."""
        return [
            name
            for name in self.files
            if name.startswith(DRILL_PREFIX) or name.endswith(".tmp")
        ]


@pytest.fixture
def nas() -> Place:
    """Return a destination."""
    return Place()


@pytest.fixture
def cloud() -> Place:
    """Return another one."""
    return Place()


async def ready(bench: Bench, *places: tuple[str, Place]) -> None:
    """Start an engine that knows Frigate's cameras, and is well."""
    await bench.start(*(setup(place, name=name) for name, place in places))
    await until(lambda: len(bench.status.cameras) == 2)
    await bench.heard()


async def drill(bench: Bench, camera: str = "front_door") -> CameraDrill:
    """Drill one camera."""
    (done,) = await bench.engine.drills.run(camera)
    return done


def at(done: CameraDrill, destination_id: str) -> DestinationDrill:
    """Return what came of it at a destination."""
    return next(x for x in done.destinations if x.destination_id == destination_id)


async def shown(bench: Bench, state: DrillState) -> None:
    """Wait until the last drill is shown so."""
    await until(lambda: bench.status.drill.state is state)


async def test_the_whole_way(bench: Bench, nas: Place, cloud: Place) -> None:
    """Picture and footage arrive, are read back, and are gone again."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    assert bench.status.drill.state is DrillState.NEVER
    done = await drill(bench)
    assert done.outcome is Outcome.PASSED
    assert set(done.seconds) == {"picture", "footage"}
    assert done.bytes == len(FULL_IMAGE) + len(CLIP)
    for name, place in (("nas", nas), ("cloud", cloud)):
        result = at(done, name)
        assert (result.outcome, result.proof) == (Outcome.PASSED, "read_back")
        assert set(result.seconds) == STEPS
        assert sorted(place.sent.values(), key=len) == sorted(
            (FULL_IMAGE, CLIP), key=len
        )
        assert all(path.startswith(DRILL_PREFIX) for path in place.sent)
        assert not place.drilled()
        assert not result.picture_only
    assert not set(nas.sent) & set(cloud.sent)
    assert not bench.spooled()
    ((camera, start, end),) = bench.frigate.clips
    assert (camera, end - start) == ("front_door", 10)
    await shown(bench, DrillState.PASSED)
    assert bench.status.protection is Protection.PROTECTED
    assert bench.status.drill.drills == (done,)
    assert not bench.uploaded


async def test_it_survives_a_restart(bench: Bench, nas: Place) -> None:
    """The ledger has it, a failure too."""
    await ready(bench, ("nas", nas))
    nas.most = len(FULL_IMAGE)
    done = await drill(bench)
    await bench.stop()
    await ready_at_risk(bench, nas)
    assert bench.status.drill.state is DrillState.FAILED
    assert bench.status.drill.drills == (done,)


async def ready_at_risk(bench: Bench, nas: Place) -> None:
    """Start an engine whose last drill has failed."""
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    assert bench.status.protection is Protection.AT_RISK


async def test_a_failure_stands_until_a_later_drill_passes(
    bench: Bench, nas: Place, cloud: Place
) -> None:
    """It is at risk at once; the other destination has it all the same."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    nas.most = len(FULL_IMAGE)
    done = await drill(bench)
    assert at(done, "cloud").outcome is Outcome.PASSED
    failed = at(done, "nas")
    assert (failed.outcome, failed.cause, failed.step) == (
        Outcome.FAILED,
        "no_space",
        "send_footage",
    )
    assert not nas.drilled()
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    assert bench.status.protection is Protection.AT_RISK
    # Another camera's says nothing of this one.
    nas.most = None
    await drill(bench, "back-yard_2")
    await shown(bench, DrillState.PASSED)
    assert bench.status.reasons == (Reason.DRILL_FAILED,)
    await drill(bench)
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    assert not bench.status.drill.failures


async def spare(bench: Bench, nas: Place, how: str) -> None:
    """Let the next drill not reach a destination."""
    match how:
        case "only_while":
            await bench.engine.set_closed(["nas"], since=0)
        case "sending_off":
            await bench.engine.set_sending("nas", False)
        case "frigate_away":
            bench.frigate.latest_faults = [FrigateUnreachable("no answer")]


@pytest.mark.parametrize("how", ["only_while", "sending_off", "frigate_away"])
async def test_a_skip_ends_no_failure(
    bench: Bench, nas: Place, cloud: Place, how: str
) -> None:
    """What was not tried again is not proven, whatever else passes, and a restart."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    nas.most = 0
    await drill(bench)
    nas.most = None
    for _ in range(2):
        await spare(bench, nas, how)
        await drill(bench)
    await bench.stop()
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await bench.engine.set_closed([], since=0)
    await bench.engine.set_sending("nas", True)
    bench.publish("stats", "{}")
    await until(lambda: bench.status.protection is Protection.AT_RISK)
    assert Reason.DRILL_FAILED in bench.status.reasons
    assert "nas" in {each.destination_id for each in bench.status.drill.failures}
    # Nor does it go with the destination that passed.
    await bench.engine.apply_destinations([setup(nas)])
    assert "nas" in {each.destination_id for each in bench.status.drill.failures}
    assert at(await drill(bench), "nas").outcome is Outcome.PASSED
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    assert not bench.status.drill.failures


async def test_a_failure_ends_with_the_selection(
    bench: Bench, nas: Place, cloud: Place
) -> None:
    """A destination that no longer takes the camera has nothing to prove."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    nas.most = 0
    await drill(bench)
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    other = Selection(cameras=frozenset({"other"}))
    await bench.engine.apply_destinations(
        [setup(nas, selection=other), setup(cloud, name="cloud")]
    )
    await drill(bench)
    await until(lambda: bench.status.protection is Protection.PROTECTED)


@pytest.mark.parametrize("fails_at", ["nas", None])
async def test_a_failure_of_a_camera_that_is_left_out(
    bench: Bench, nas: Place, fails_at: str | None
) -> None:
    """No drill of it is possible any more; none is needed, at the next start neither."""
    await ready(bench, ("nas", nas))
    if fails_at is None:
        bench.frigate.latest_faults = [FrigateUnreachable("no answer")]
    else:
        nas.most = 0
    await drill(bench)
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    (failure,) = bench.status.drill.failures
    assert failure.destination_id == fails_at
    other = setup(nas, selection=Selection(cameras=frozenset({"back-yard_2"})))
    await bench.engine.apply_destinations([other])
    assert not bench.status.drill.failures
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    with pytest.raises(Refused):
        await drill(bench)
    await bench.stop()
    await bench.start(other)
    await bench.heard()
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    assert not bench.status.drill.failures
    # Selected again, it is still to be proven.
    await bench.engine.apply_destinations([setup(nas)])
    assert bench.status.drill.failures == (failure,)
    nas.most = None
    await drill(bench)
    await until(lambda: bench.status.protection is Protection.PROTECTED)


async def test_a_failure_at_frigate_while_a_destination_takes_the_camera(
    bench: Bench, nas: Place, cloud: Place
) -> None:
    """It ends with the last of them that is in use; a pause does for one."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    bench.frigate.latest_faults = [FrigateUnreachable("no answer")]
    await drill(bench)
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    other = Selection(cameras=frozenset({"back-yard_2"}))
    await bench.engine.apply_destinations(
        [setup(nas, selection=other), setup(cloud, name="cloud")]
    )
    assert bench.status.reasons == (Reason.DRILL_FAILED,)
    await bench.engine.set_sending("cloud", False)
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    await bench.engine.set_sending("cloud", True)
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))


async def test_a_failure_ends_with_its_destination(
    bench: Bench, nas: Place, cloud: Place
) -> None:
    """What is no more can't be drilled again."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    nas.most = 0
    await drill(bench)
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    await bench.engine.apply_destinations([setup(cloud, name="cloud")])
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    assert bench.status.drill.state is DrillState.PASSED


async def test_a_failure_at_what_is_switched_off(
    bench: Bench, nas: Place, cloud: Place
) -> None:
    """One paused destination of several does not count, nor does a camera not in use."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    nas.most = 0
    await bench.engine.drills.run("front_door")
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    await bench.engine.set_sending("nas", False)
    await until(lambda: bench.status.protection is Protection.PROTECTED)
    assert bench.status.drill.state is DrillState.FAILED
    await bench.engine.set_sending("nas", True)
    await until(lambda: bench.status.reasons == (Reason.DRILL_FAILED,))
    await disable(bench, "front_door")
    await until(lambda: bench.status.protection is Protection.PROTECTED)


async def disable(bench: Bench, *names: str) -> None:
    """Switch cameras off in Frigate, and let it say so."""
    for name in names:
        bench.frigate.cameras[name] = replace(
            bench.frigate.cameras[name], enabled=False
        )
    bench.publish("available", "online")
    await until(
        lambda: bench.status.cameras[names[0]].recordings_enabled is None,
    )


async def test_a_camera_that_is_not_in_use(bench: Bench, nas: Place) -> None:
    """Frigate has no picture of it, and that is no failure."""
    await ready(bench, ("nas", nas))
    await disable(bench, "back-yard_2")
    (done,) = await bench.engine.drills.run()
    assert done.camera == "front_door"
    with pytest.raises(Refused) as caught:
        await bench.engine.drills.run("back-yard_2")
    assert caught.value.code is Refusal.CAMERA_DISABLED


async def test_one_at_a_time(bench: Bench, nas: Place) -> None:
    """A second one is refused, whatever its camera."""
    await ready(bench, ("nas", nas))
    nas.gate.clear()
    running = asyncio.create_task(bench.engine.drills.run("front_door"))
    await until(lambda: bool(nas.drilled()))
    with pytest.raises(Refused) as caught:
        await bench.engine.drills.run("back-yard_2")
    assert caught.value.code is Refusal.DRILL_RUNNING
    nas.gate.set()
    await running
    await drill(bench)


async def test_its_caller_gives_up(bench: Bench, nas: Place) -> None:
    """It is finished, and nothing stays."""
    await ready(bench, ("nas", nas))
    nas.gate.clear()
    running = asyncio.create_task(bench.engine.drills.run("front_door"))
    await until(lambda: bool(nas.drilled()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    nas.gate.set()
    await shown(bench, DrillState.PASSED)
    assert not nas.drilled()


async def test_a_destination_is_changed_meanwhile(
    bench: Bench, nas: Place, cloud: Place
) -> None:
    """What it met then is no failure, nor has it passed; the other one has."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    for others in ([setup(cloud, name="cloud")], []):
        nas.gate.clear()
        running = asyncio.create_task(bench.engine.drills.run("front_door"))
        await until(lambda: bool(nas.drilled()))
        changed = replace(setup(nas), name=f"attic {len(others)}")
        await bench.engine.apply_destinations([changed, *others])
        nas.error = Unreachable("closed")
        nas.gate.set()
        if others:
            (done,) = await running
            assert [each.destination_id for each in done.destinations] == ["cloud"]
            await shown(bench, DrillState.PASSED)
            nas.error = None
            await until(lambda: not nas.drilled())
    with pytest.raises(Refused) as caught:
        await running
    assert caught.value.code is Refusal.DRILL_INTERRUPTED
    assert Reason.DRILL_FAILED not in bench.status.reasons


async def test_a_destination_that_hangs(bench: Bench, nas: Place) -> None:
    """Its time is bounded."""
    bench.timing = replace(bench.timing, drill_step=3, drill_rate=1 << 30)
    await ready(bench, ("nas", nas))
    nas.gate.clear()
    result = at(await drill(bench), "nas")
    assert (result.cause, result.step) == (DrillCause.TOO_SLOW, "send_picture")
    nas.gate.set()


async def test_skipped(bench: Bench, nas: Place, cloud: Place) -> None:
    """A pause is no failure, and no proof."""
    attic = Place()
    await bench.start(
        setup(nas),
        setup(cloud, name="cloud"),
        setup(attic, name="attic", selection=Selection(cameras=frozenset({"other"}))),
    )
    await bench.heard()
    await bench.engine.set_sending("nas", False)
    done = await drill(bench)
    assert done.outcome is Outcome.PASSED
    assert (at(done, "nas").outcome, at(done, "nas").cause) == (
        Outcome.SKIPPED,
        DrillCause.SENDING_OFF,
    )
    assert at(done, "attic").cause is DrillCause.NOT_SELECTED
    assert not nas.sent
    assert not attic.sent
    await bench.engine.set_closed(["cloud"], since=0)
    before = bench.status.drill
    with pytest.raises(Refused) as caught:
        await bench.engine.drills.run("front_door")
    assert caught.value.code is Refusal.NOTHING_TO_DRILL
    assert bench.status.drill == before


async def test_live_footage_alone(bench: Bench, nas: Place) -> None:
    """That is film as well."""
    selection = Selection(media=frozenset(), live_footage=True)
    await bench.start(setup(nas, selection=selection))
    await bench.heard()
    assert (await drill(bench)).outcome is Outcome.PASSED
    assert list(nas.sent.values()) == [CLIP]


@pytest.mark.parametrize(
    ("media", "sent"),
    [
        (Media.LIVE_SNAPSHOTS, FULL_IMAGE),
        (Media.SNAPSHOTS, FULL_IMAGE),
        (Media.RECORDINGS, CLIP),
    ],
)
async def test_only_what_is_selected(
    bench: Bench, nas: Place, media: Media, sent: bytes
) -> None:
    """A destination for pictures gets no footage, and the other way round."""
    await bench.start(setup(nas, selection=Selection(media=frozenset({media}))))
    await bench.heard()
    assert (await drill(bench)).outcome is Outcome.PASSED
    assert list(nas.sent.values()) == [sent]


async def test_nothing_to_send_to(bench: Bench) -> None:
    """That is said, and no failure."""
    await bench.start()
    with pytest.raises(Refused) as caught:
        await bench.engine.drills.run()
    assert caught.value.code is Refusal.NO_DESTINATION
    assert not bench.frigate.pictures


async def test_all_cameras(bench: Bench, nas: Place, cloud: Place) -> None:
    """One after the other; what is dead for one is not tried for the next."""
    await ready(bench, ("nas", nas), ("cloud", cloud))
    nas.error = Unreachable("no answer")
    connects = nas.connects
    done = await bench.engine.drills.run()
    assert [each.camera for each in done] == ["back-yard_2", "front_door"]
    assert [at(each, "nas").cause for each in done] == ["cannot_connect"] * 2
    assert nas.connects <= connects + 1
    assert len(cloud.sent) == 4
    await until(lambda: len(bench.status.drill.failures) == 2)
    assert bench.status.drill.drills == done


async def test_not_passed_while_a_camera_is_to_come(bench: Bench, nas: Place) -> None:
    """What came of one camera is not shown as what came of the drill."""
    await ready(bench, ("nas", nas))
    nas.closes_after = 2
    running = asyncio.create_task(bench.engine.drills.run())
    await until(lambda: not nas.gate.is_set() and bool(nas.drilled()))
    ledger = bench.engine._ledger  # noqa: SLF001
    assert await ledger.run(drills.last) == []
    assert bench.status.drill.state is DrillState.NEVER
    nas.gate.set()
    done = await running
    await shown(bench, DrillState.PASSED)
    assert bench.status.drill.drills == done


async def test_frigate_is_away(bench: Bench, nas: Place) -> None:
    """Asked once, not once a camera."""
    await ready(bench, ("nas", nas))
    bench.frigate.latest_faults = [FrigateUnreachable("no answer")]
    done = await bench.engine.drills.run()
    assert [each.cause for each in done] == [DrillCause.FRIGATE_AWAY] * 2
    assert bench.frigate.pictures == ["back-yard_2"]


async def test_a_bug_in_a_destination(
    bench: Bench, nas: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a failure, and the others are drilled."""
    await ready(bench, ("nas", nas))
    nas.faults = [ZeroDivisionError()]
    assert at(await drill(bench), "nas").cause is DrillCause.UNEXPECTED
    assert "failed unexpectedly" in caplog.text


async def test_the_ledger_fails(bench: Bench, nas: Place) -> None:
    """What can't be remembered is not sent."""
    await ready(bench, ("nas", nas))

    async def fail(job: Job, run: RunJob) -> object:
        if job is drills.remember:
            raise LedgerError("disk I/O error")
        return await run(job)

    bench.faults.run = fail
    with pytest.raises(LedgerError):
        await bench.engine.drills.run("front_door")
    assert not nas.sent
    assert not bench.spooled()
