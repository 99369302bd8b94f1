"""The regular look at a destination: what an odd answer to it means."""

from dataclasses import replace
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.model.status import Problem, Protection

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination


class Odd(FakeDestination):
    """Answers some questions as nothing does that this integration knows."""

    look: StorageError | None = None
    """What a look at the destination as a whole is answered with."""
    quota: StorageError | None = None
    """What the question of the free space is answered with."""

    @override
    async def connect(self) -> None:
        await super().connect()
        if self.look is not None:
            raise self.look

    @override
    async def free_space(self) -> int | None:
        if self.quota is not None:
            raise self.quota
        return await super().free_space()


async def test_a_look_that_is_refused_is_about_the_destination(bench: Bench) -> None:
    """Whatever the answer: one that worked before is not shown as sound."""
    bench.timing = replace(FAST, probe=0.05)
    nas = Odd()
    await bench.start(setup(nas))
    await bench.heard()
    nas.look = Rejected("The account is on hold (HTTP status 402)")
    await until(lambda: bench.status.destinations["nas"].problem)
    status = bench.status.destinations["nas"]
    assert status.problem is Problem.NOT_WRITABLE
    assert status.reason == "The account is on hold (HTTP status 402)"
    assert bench.status.protection is not Protection.PROTECTED


@pytest.mark.parametrize("cause", [Rejected, PermissionDenied])
async def test_a_server_that_does_not_say_how_much_is_free(
    bench: Bench, cause: type[StorageError]
) -> None:
    """It is connected, and its copies are looked at, all the same."""
    bench.timing = replace(FAST, probe=0.05, audit=0, first_contact=0)
    nas = Odd()
    nas.quota = cause("HTTP status 500")
    await bench.start(setup(nas))
    await bench.heard()
    assert bench.status.destinations["nas"].connected is True
    assert bench.status.destinations["nas"].free_space is None
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    nas.files.clear()
    await until(lambda: bench.status.losses.count)


async def test_a_server_that_is_away_when_asked_how_much_is_free(bench: Bench) -> None:
    """That is no answer: it is failing."""
    bench.timing = replace(FAST, probe=0.05)
    nas = Odd()
    nas.quota = Unreachable("connection lost")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected is False)
