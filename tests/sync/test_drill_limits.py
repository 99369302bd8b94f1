"""A fire drill keeps to what its destination takes: logins, names, budget, bandwidth."""

import asyncio
from dataclasses import replace
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    HostKeyChanged,
    InvalidKey,
    PermissionDenied,
    Rejected,
    StorageError,
)
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.sync.model.drill import Outcome
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused

from .conftest import Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, camera
from .test_drill import Place, at, cloud, drill, nas, ready

__all__ = ["cloud", "nas"]


@pytest.mark.parametrize("error", [AuthFailed, HostKeyChanged, InvalidKey])
async def test_no_drill_storms_a_login(
    bench: Bench, nas: Place, cloud: Place, error: type[StorageError]
) -> None:
    """The first refusal stands for all until the breaker's time has come."""
    bench.frigate.cameras = {f"camera_{n}": camera(f"camera_{n}") for n in range(10)}
    await bench.start(setup(nas), setup(cloud, name="cloud"))
    await until(lambda: len(bench.status.cameras) == 10)
    await bench.heard()
    # Something of an earlier drill is to be removed: that is no reason to knock.
    nas.keeps = True
    await drill(bench, "camera_0")
    nas.keeps = False
    nas.error = error("no")
    tries = nas.refusals
    for name in bench.frigate.cameras:
        result = at(await drill(bench, name), "nas")
        assert (result.outcome, result.cause, result.step) == (
            Outcome.FAILED,
            error.code,
            "connect",
        )
    assert nas.refusals == tries + 1
    await until(lambda: bench.status.destinations["nas"].last_error is not None)
    await bench.engine.drills.run()
    assert nas.refusals == tries + 1
    # A test that passes, on request, lifts it.
    nas.error = None
    await bench.engine.test_destination("nas")
    assert at(await drill(bench, "camera_0"), "nas").outcome is Outcome.PASSED


async def test_a_worker_that_is_refused(bench: Bench, nas: Place) -> None:
    """What the uploads have met is the drill's failure, without another login."""
    await ready(bench, ("nas", nas))
    nas.error = AuthFailed("no")
    with pytest.raises(AuthFailed):
        await bench.engine.test_destination("nas")
    tries = nas.refusals
    result = at(await drill(bench), "nas")
    assert (result.cause, result.step) == (AuthFailed.code, "connect")
    assert nas.refusals == tries


@pytest.mark.parametrize("can_read", [True, False])
@pytest.mark.parametrize("checksum", [True, False])
async def test_append_only(
    bench: Bench, nas: Place, can_read: bool, checksum: bool
) -> None:
    """Nothing is read back or deleted; what stays is replaced, never doubled."""
    nas.can = Capabilities(server_checksum=checksum)
    nas.damage = True  # It would be seen.
    vault = wrapped(nas, append_only=True, can_read=can_read)
    await bench.start(setup(vault))
    await bench.heard()
    for _ in range(2):
        result = at(await drill(bench), "nas")
        assert result.outcome is Outcome.PASSED
        assert result.proof == ("checksum" if checksum else "size")
        assert set(result.seconds) == {"connect", "send_picture", "send_footage"}
    assert sorted(nas.drilled()) == sorted(nas.sent)
    assert len(nas.sent) == 2
    assert not nas.deleted


async def test_where_the_server_itself_replaces_nothing(
    bench: Bench, nas: Place
) -> None:
    """The drill passes as uploads do: under a new name."""

    class Sealed(Place):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if path in self.files:
                raise PermissionDenied("no")
            return await super().put(path, source, temporary=temporary)

    sealed = Sealed()
    await bench.start(setup(wrapped(sealed, append_only=True)))
    await bench.heard()
    assert (await drill(bench)).outcome is Outcome.PASSED
    assert (await drill(bench)).outcome is Outcome.PASSED
    assert len(sealed.sent) == 4


async def test_a_refusal_is_no_name_that_is_taken(bench: Bench, nas: Place) -> None:
    """Where files can be replaced, a refusal is one."""
    await ready(bench, ("nas", nas))
    nas.refused_with = Rejected("no")
    result = at(await drill(bench), "nas")
    assert (result.cause, result.step) == ("rejected", "send_picture")


async def test_it_counts_for_the_budget(bench: Bench, nas: Place) -> None:
    """What a drill sends is paid for, too; a spent budget takes none."""
    size = len(FULL_IMAGE) + len(CLIP)
    await bench.start(replace(setup(nas), volume_budget=size))
    await bench.heard()
    await drill(bench)
    await until(lambda: bench.status.destinations["nas"].budget is not None)
    budget = bench.status.destinations["nas"].budget
    assert budget is not None
    with pytest.raises(Refused) as caught:
        await bench.engine.drills.run("front_door")
    assert caught.value.code is Refusal.NOTHING_TO_DRILL


async def test_it_counts_before_there_is_a_budget(bench: Bench, nas: Place) -> None:
    """A destination may get one later in the month."""
    bench.timing = replace(bench.timing, budget_flush=0.01)
    size = len(FULL_IMAGE) + len(CLIP)
    await ready(bench, ("nas", nas))
    await drill(bench)
    await asyncio.sleep(0.1)
    await bench.engine.apply_destinations([replace(setup(nas), volume_budget=1 << 40)])
    await until(lambda: bench.status.destinations["nas"].budget is not None)
    budget = bench.status.destinations["nas"].budget
    assert budget is not None
    assert budget.used == size


async def test_it_respects_the_bandwidth_limit(bench: Bench, nas: Place) -> None:
    """A drill goes no faster than uploads."""
    rate = len(FULL_IMAGE) + len(CLIP)
    await bench.start(setup(wrapped(nas, rate=rate)))
    await bench.heard()
    seconds = at(await drill(bench), "nas").seconds
    assert seconds["send_picture"] + seconds["send_footage"] > 0.5
