"""An outage that was long before a restart is no short one after it."""

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path
import sqlite3
import time
from typing import NoReturn

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateServerError,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.model.status import (
    Problem,
    Protection,
    Reason,
)

from .conftest import FAST, Bench, setup, until
from .fakes import FakeDestination
from .test_protection_shown import patient, shows, start

_HOUR = 3600.0
_PATIENCE = 900.0


@pytest.fixture(autouse=True)
def quick(bench: Bench) -> None:
    """Let pauses be short, and an outage soon a long one."""
    bench.timing = replace(FAST, home=0.05, poll=0.05, restart=0.02)
    patient(bench, 0.3)


async def _fail(bench: Bench, nas: FakeDestination, reason: Reason) -> None:
    match reason:
        case Reason.DESTINATION_FAILING:
            nas.error = Unreachable("no route")
            with pytest.raises(Unreachable):
                await bench.engine.test_destination("nas")
        case Reason.FRIGATE_AWAY:
            bench.frigate.error = FrigateUnreachable("no route")
        case Reason.FRIGATE_LOGIN_REFUSED:
            bench.frigate.error = FrigateAuthFailed("refused")
        case Reason.FRIGATE_MQTT_DISABLED:
            bench.frigate.mqtt_enabled = False
        case Reason.NO_CAMERA:
            bench.frigate.safe_mode = True
        case Reason.CATCH_UP_FAILING:
            bench.frigate.reviews = _refuse  # type: ignore[method-assign]
        case Reason.MQTT_AWAY:
            bench.engine.handle_mqtt_connection(False)


async def _refuse(**_: object) -> NoReturn:
    raise FrigateServerError("HTTP status 500")


def _return(bench: Bench, nas: FakeDestination) -> None:
    nas.error = bench.frigate.error = None
    bench.frigate.mqtt_enabled = True
    bench.frigate.safe_mode = False
    vars(bench.frigate).pop("reviews", None)


async def _long_outage(bench: Bench, nas: FakeDestination, reason: Reason) -> None:
    """Let something fail for long, and end while it does."""
    bench.timing = replace(bench.timing, config=0, catch_up=0.1)
    await start(bench, nas)
    await _fail(bench, nas, reason)
    await until(shows(bench, Protection.AT_RISK, reason))
    await until(lambda: _kept(bench))
    await bench.stop()


def _kept(bench: Bench) -> list[tuple[str]]:
    """Return the outages that the ledger knows to be long."""
    with closing(sqlite3.connect(_ledger(bench))) as connection:
        return connection.execute(
            "SELECT name FROM milestones WHERE name LIKE 'outage%'"
        ).fetchall()


def _ledger(bench: Bench) -> Path:
    return bench.folder / "ledger" / "one.db"


async def _restart(
    bench: Bench, nas: FakeDestination, *, long_for: float = _HOUR, heard: bool = True
) -> None:
    """Start after that, as if what was long had lasted for so many seconds."""
    patient(bench, _PATIENCE)
    with closing(sqlite3.connect(_ledger(bench))) as connection:
        connection.execute(
            "UPDATE milestones SET moment = ? WHERE name LIKE 'outage%'",
            (time.time() - long_for,),
        )
        connection.commit()
    seen = len(bench.statuses)
    await bench.start(setup(nas))
    if heard:
        bench.publish("stats", "{}")
    del bench.statuses[:seen]


ANY = pytest.mark.parametrize(
    "reason",
    [
        Reason.DESTINATION_FAILING,
        Reason.FRIGATE_AWAY,
        Reason.FRIGATE_LOGIN_REFUSED,
        Reason.FRIGATE_MQTT_DISABLED,
        Reason.NO_CAMERA,
        Reason.CATCH_UP_FAILING,
        Reason.MQTT_AWAY,
    ],
)


@ANY
async def test_it_is_still_there(
    bench: Bench, nas: FakeDestination, reason: Reason
) -> None:
    """It is a risk as soon as it is seen again, however often we are restarted."""
    await _long_outage(bench, nas, reason)
    for _ in range(2):
        await _restart(bench, nas)
        if reason is Reason.MQTT_AWAY:
            await _fail(bench, nas, reason)
        await until(shows(bench, Protection.AT_RISK, reason))
        if reason is Reason.DESTINATION_FAILING:
            assert bench.status.destinations["nas"].problem is Problem.UNREACHABLE
        await bench.stop()


@ANY
async def test_it_is_over(bench: Bench, nas: FakeDestination, reason: Reason) -> None:
    """Then the next one begins as a short one."""
    await _long_outage(bench, nas, reason)
    _return(bench, nas)
    await _restart(bench, nas)
    await until(shows(bench, Protection.PROTECTED))
    assert Protection.AT_RISK not in {each.protection for each in bench.statuses}
    await _fail(bench, nas, reason)
    await until(shows(bench, Protection.CATCHING_UP, reason))
    await bench.stop()
    # Nor does it become a long one by a restart.
    await _restart(bench, nas)
    if reason is Reason.MQTT_AWAY:
        await _fail(bench, nas, reason)
    await until(shows(bench, Protection.CATCHING_UP, reason))


async def test_it_is_not_known_before_the_next_restart(
    bench: Bench, nas: FakeDestination
) -> None:
    """Whoever is restarted in a row must not forget it either."""
    await _long_outage(bench, nas, Reason.DESTINATION_FAILING)
    connect = nas.connect

    async def hang() -> None:
        await asyncio.Event().wait()

    nas.connect = hang  # type: ignore[method-assign]
    await _restart(bench, nas)
    await until(lambda: bench.status.frigate_connected)
    assert bench.status.destinations["nas"].connected is None
    await bench.stop()
    nas.connect = connect  # type: ignore[method-assign]
    await _restart(bench, nas)
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))


async def test_the_owner_has_more_patience_now(
    bench: Bench, nas: FakeDestination
) -> None:
    """What was long by the old option is short by the new one."""
    await _long_outage(bench, nas, Reason.DESTINATION_FAILING)
    await _restart(bench, nas, long_for=_PATIENCE / 2)
    await until(shows(bench, Protection.CATCHING_UP, Reason.DESTINATION_FAILING))


async def test_the_clock_shows_a_time_before_it(
    bench: Bench, nas: FakeDestination
) -> None:
    """A machine without one boots years behind: it was long all the same."""
    await _long_outage(bench, nas, Reason.DESTINATION_FAILING)
    await _restart(bench, nas, long_for=-_HOUR)
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))


async def test_mqtt_is_silent_still(bench: Bench, nas: FakeDestination) -> None:
    """Nothing came before, and nothing comes now."""
    bench.timing = replace(bench.timing, mqtt_silence=0.5)
    await _long_outage(bench, nas, Reason.MQTT_SILENT)
    await _restart(bench, nas, heard=False)
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_SILENT))


async def test_its_destination_is_renamed(bench: Bench, nas: FakeDestination) -> None:
    """That puts another worker in place of the one that fails, in a while."""
    await _long_outage(bench, nas, Reason.DESTINATION_FAILING)
    await _restart(bench, nas)
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))
    closing_, closed, known = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def close_slowly() -> None:
        closing_.set()
        await closed.wait()

    async def fail_later() -> None:
        await known.wait()
        raise Unreachable("no route")

    nas.close = close_slowly  # type: ignore[method-assign]
    nas.connect = fail_later  # type: ignore[method-assign]
    change = asyncio.create_task(
        bench.engine.apply_destinations([replace(setup(nas), name="attic")])
    )
    await closing_.wait()
    seen = len(bench.statuses)
    await bench.engine.set_capture(False)
    await bench.engine.set_capture(True)
    assert len(bench.statuses) > seen
    closed.set()
    await change
    assert bench.status.destinations["nas"].connected is None
    assert shows(bench, Protection.CATCHING_UP)()
    known.set()
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))
