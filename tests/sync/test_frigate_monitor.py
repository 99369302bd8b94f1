"""What Frigate is believed about its cameras, its switches and its start."""

import asyncio
from dataclasses import replace
import logging
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateServerError,
    FrigateTimeout,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.version import FrigateVersion
from custom_components.frigate_snap_sync.sync.engine import EngineOptions

from .conftest import FAST, Bench, setup, until
from .fakes import IMAGE, FakeDestination


async def test_a_frigate_that_does_not_tell_its_uptime(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is no reason to keep anything back, nor to think it away."""

    async def refuse() -> float:
        raise FrigateServerError("/api/stats tells no uptime")

    bench.frigate.uptime = refuse  # type: ignore[method-assign]
    bench.options = EngineOptions(delay_after_startup=100)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)


async def stop_with_image_waiting(bench: Bench, nas: FakeDestination) -> None:
    """Stop an engine whose spool holds a live snapshot that could not be sent."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    nas.gate.clear()
    bench.live_snapshot()
    await bench.spooled_in_ledger(1)
    await bench.stop()
    nas.gate.set()


async def test_the_delay_holds_from_the_very_start(
    bench: Bench, nas: FakeDestination
) -> None:
    """Also for what waits in the spool, and before Frigate has answered."""
    await stop_with_image_waiting(bench, nas)
    bench.options = EngineOptions(delay_after_startup=100)
    bench.frigate.started = 1.0
    answer, version = asyncio.Event(), bench.frigate.version

    async def slowly() -> FrigateVersion:
        await answer.wait()
        return await version()

    bench.frigate.version = slowly  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await bench.at_rest()
    assert not nas.media
    answer.set()
    await until(lambda: bench.status.frigate_connected)
    await bench.at_rest()
    assert not nas.media
    bench.frigate.started = 101.0
    bench.publish("available", "online")
    await until(lambda: list(nas.media.values()) == [IMAGE])


async def test_nothing_is_asked_for_while_frigate_starts(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nor when it was away before, and what it has was being waited for."""
    bench.options = EngineOptions(delay_after_startup=100)
    bench.frigate.started = 101.0
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.frigate.error = FrigateUnreachable("no route")
    bench.engine._monitor.failed(bench.frigate.error)  # noqa: SLF001
    await until(lambda: bench.status.frigate_connected is False)
    bench.tracked_object()
    await bench.at_rest()
    bench.frigate.error, bench.frigate.started = None, 1.0
    bench.publish("available", "online")
    await until(lambda: bench.status.frigate_connected)
    await bench.at_rest()
    assert not bench.frigate.snapshots
    bench.frigate.started = 101.0
    bench.publish("available", "online")
    await until(lambda: bench.frigate.snapshots)


@pytest.mark.parametrize("is_lost", [True, False])
async def test_what_was_missed_while_frigate_answered(
    bench: Bench, nas: FakeDestination, is_lost: bool
) -> None:
    """It was lost for another request, or the broker came back: all is compared."""
    bench.timing = replace(FAST, poll=0.02, config=0 if not is_lost else 300)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.catch_up()
    version, asked, answer = bench.frigate.version, asyncio.Event(), asyncio.Event()

    async def slowly() -> FrigateVersion:
        asked.set()
        await answer.wait()
        return await version()

    bench.frigate.version = slowly  # type: ignore[method-assign]
    await asked.wait()
    await bench.at_rest()
    compared = len(bench.frigate.windows)
    monitor = bench.engine._monitor  # noqa: SLF001
    if is_lost:
        monitor.failed(FrigateTimeout("No answer in time"))
    else:
        monitor.refresh()
    answer.set()
    await until(lambda: len(bench.frigate.windows) > compared)


async def test_a_frigate_that_is_away_delays_nothing(
    bench: Bench, nas: FakeDestination
) -> None:
    """What the spool holds may be all that is left of it."""
    await stop_with_image_waiting(bench, nas)
    bench.options = EngineOptions(delay_after_startup=100)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    await until(lambda: list(nas.media.values()) == [IMAGE])


async def test_one_request_that_always_fails_is_one_outage(
    bench: Bench,
    nas: FakeDestination,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not one a minute; only after a long time of peace it is another."""
    caplog.set_level(logging.INFO)
    bench.timing = replace(FAST, poll=0.02)
    asked = []

    async def refuse(review_id: str) -> None:
        asked.append(review_id)
        bench.publish("available", "online")  # It is asked again.
        raise FrigateTimeout("No answer in time")

    bench.frigate.review = refuse  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.review("new")
    await bench.settled()
    bench.publish("available", "online")
    await until(lambda: len(asked) > 3)
    assert caplog.text.count("Frigate is away") == 1
    assert caplog.text.count("Frigate is back") == 1
    await bench.stop()
    bench.timing = replace(bench.timing, stable=0.0)
    caplog.clear()
    await bench.start(setup(nas))
    await until(lambda: caplog.text.count("Frigate is away") > 1)


@pytest.mark.parametrize("sign", ["online", "review", "stats"])
async def test_a_sign_of_life_lets_frigate_be_asked_again_and_again(
    bench: Bench, nas: FakeDestination, sign: str
) -> None:
    """Frigate says that it is online before its API listens: 1, 2, 4 … s later."""
    bench.timing = replace(FAST, first_poll_retry=100, poll=100)
    bench.options = EngineOptions()
    asked: list[float] = []
    version = bench.frigate.version

    async def count() -> FrigateVersion:
        asked.append(time.monotonic())
        return await version()

    bench.frigate.version = count  # type: ignore[method-assign]
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected is False)
    assert len(asked) == 1
    bench.frigate.error = FrigateServerError("HTTP status 500", status=500)
    match sign:
        case "online":
            bench.publish("available", "online")
        case "review":
            bench.review("new", start=time.time() - 60)
        case _:
            bench.publish("stats", "{}")
    await until(lambda: len(asked) == 5)
    if sign != "review":
        bench.review("new", start=time.time() - 60)
    bench.frigate.error = None
    await until(lambda: nas.media)
    assert bench.status.frigate_connected


async def test_online_of_a_frigate_that_was_not_missed(
    bench: Bench, nas: FakeDestination
) -> None:
    """It has started again between two polls: it is asked again and again, too."""
    bench.timing = replace(FAST, first_poll_retry=100, poll=100)
    asked: list[float] = []
    version = bench.frigate.version

    async def count() -> FrigateVersion:
        asked.append(time.monotonic())
        return await version()

    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await bench.at_rest()
    bench.frigate.version = count  # type: ignore[method-assign]
    bench.frigate.error = FrigateServerError("HTTP status 500", status=500)
    bench.publish("available", "online")
    await until(lambda: len(asked) == 5)
    assert bench.status.frigate_connected is False
    bench.frigate.error = None
    await until(lambda: bench.status.frigate_connected)


async def test_retained_messages_are_no_sign_of_life(
    bench: Bench, nas: FakeDestination
) -> None:
    """The broker replays them for a Frigate that is long gone."""
    bench.timing = replace(FAST, first_poll_retry=100, poll=100)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected is False)
    bench.frigate.error = None
    bench.publish("front_door/snapshots/state", "ON", retain=True)
    retry = bench.engine._monitor._retry  # noqa: SLF001
    assert retry.remaining(time.monotonic()) > 50
    bench.publish("front_door/snapshots/state", "ON")
    await until(lambda: bench.status.frigate_connected)


async def test_a_refused_login_is_left_alone(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """No message, no failed request, no button brings the next try forward."""
    bench.timing = replace(FAST, login_retry=100)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    asked = []
    bench.frigate.error = FrigateAuthFailed("The user name or the password is wrong")
    version = bench.frigate.version

    async def count() -> FrigateVersion:
        asked.append(time.monotonic())
        return await version()

    bench.frigate.version = count  # type: ignore[method-assign]
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.frigate_login_refused)
    assert not asked  # The clip's request was the one that was refused.
    for _ in range(10):
        bench.publish("available", "online")
        bench.publish("stats", "{}")
        bench.live_snapshot(camera="elsewhere")
        bench.engine.handle_mqtt_connection(False)
        bench.engine.handle_mqtt_connection(True)
        with pytest.raises(FrigateAuthFailed):
            await bench.engine.catch_up()
        await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
        await asyncio.sleep(0.05)
    assert not asked
    assert bench.status.frigate_login_refusals == 1
    assert caplog.text.count("Frigate refuses the login") == 1


async def test_each_refusal_is_counted(bench: Bench, nas: FakeDestination) -> None:
    """Each is a reason to ask for the login again; an answer ends it."""
    bench.timing = replace(FAST, login_retry=0.05)
    bench.frigate.error = FrigateAuthFailed("Frigate wants a user name")
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_login_refusals >= 3)
    bench.frigate.error = None
    await until(lambda: bench.status.frigate_connected)
    assert bench.status.frigate_login_refusals == 0
    assert not bench.status.frigate_login_refused


async def test_a_new_cause_is_one_more_line(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Each cause once in an outage, not each time that it takes turns."""
    bench.timing = replace(FAST, first_poll_retry=0.02, poll=0.02, login_retry=0.02)
    bench.prefix = "home/nvr"
    causes = [
        FrigateUnreachable("No connection: Connection refused"),
        FrigateTimeout("No answer in time"),
        FrigateServerError("/api/version: HTTP status 500", status=500),
        FrigateAuthFailed("The user name or the password is wrong"),
    ]
    asked = 0

    async def refuse() -> FrigateVersion:
        nonlocal asked
        asked += 1
        raise causes[asked % len(causes)]

    version, bench.frigate.version = bench.frigate.version, refuse  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: asked > 3 * len(causes))
    bench.frigate.version = version  # type: ignore[method-assign]
    await until(lambda: bench.status.frigate_connected)
    lines = [
        record.getMessage()
        for record in caplog.records
        if record.name.endswith("frigate_monitor") and record.levelno == logging.WARNING
    ]
    away = "Frigate (home/nvr) is away and is asked until it is back: "
    assert sorted(lines) == [
        f"{away}/api/version: HTTP status 500",
        f"{away}No answer in time",
        "Frigate (home/nvr) refuses the login, which is tried again every 0 minutes: "
        "The user name or the password is wrong",
    ]


async def test_the_prefix_in_frigate_s_configuration(
    bench: Bench, nas: FakeDestination
) -> None:
    """It may be another than the entry's, which then hears nothing."""
    bench.prefix = "porch"
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    assert bench.status.frigate_topic_prefix == "frigate"
