"""What is told of the protection while something real is wrong, and after it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
import sqlite3
import time
from typing import Any, NoReturn

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateServerError,
    FrigateTimeout,
    FrigateUnreachable,
    NotFrigate,
)
from custom_components.frigate_snap_sync.storage.errors import (
    Rejected,
    Unreachable,
    Unusable,
)
from custom_components.frigate_snap_sync.sync.ledger import milestones
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import (
    Problem,
    Protection,
    Reason,
)

from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination, camera
from .faults import Held


@pytest.fixture(autouse=True)
def quick(bench: Bench) -> None:
    """Let pauses be short, and an outage soon a long one."""
    bench.timing = replace(FAST, home=0.05, poll=0.05, restart=0.02)
    patient(bench, 0.3)


def patient(bench: Bench, seconds: float) -> None:
    """Let outages be short ones for so long."""
    bench.options = replace(bench.options, at_risk_after=seconds)


def shows(bench: Bench, state: Protection, *reasons: Reason) -> Callable[[], bool]:
    """Return a condition: exactly this is told."""
    return lambda: (bench.status.protection, bench.status.reasons) == (state, reasons)


async def start(bench: Bench, *destinations: FakeDestination) -> None:
    """Start with these destinations, until the owner is protected."""
    names = ("nas", "cloud")
    await bench.start(
        *(
            setup(destination, name=name)
            for name, destination in zip(names, destinations, strict=False)
        )
    )
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.PROTECTED), reason="protected")


# What the owner wants


async def test_no_destination(bench: Bench, nas: FakeDestination) -> None:
    """Nothing can be copied anywhere: at once, and again when the last one goes."""
    await bench.start()
    await until(shows(bench, Protection.NOT_SET_UP, Reason.NO_DESTINATION))
    bench.publish("stats", "{}")
    await bench.engine.apply_destinations([setup(nas)])
    await until(shows(bench, Protection.PROTECTED))
    await bench.engine.apply_destinations([])
    assert shows(bench, Protection.NOT_SET_UP, Reason.NO_DESTINATION)()


async def test_capture_is_off(bench: Bench, nas: FakeDestination) -> None:
    """As the owner wants it."""
    await start(bench, nas)
    await bench.engine.set_capture(False)
    assert shows(bench, Protection.PAUSED, Reason.CAPTURE_OFF)()
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.PROTECTED)()


async def test_sending_is_off(bench: Bench, nas: FakeDestination) -> None:
    """One of two does not count; both do."""
    await start(bench, nas, FakeDestination())
    await bench.engine.set_sending("cloud", False)
    assert shows(bench, Protection.PROTECTED)()
    await bench.engine.set_sending("nas", False)
    assert shows(bench, Protection.PAUSED, Reason.SENDING_OFF)()
    await bench.engine.set_sending("cloud", True)
    assert shows(bench, Protection.PROTECTED)()


# Frigate and the broker


async def test_after_a_start_nothing_is_known(
    bench: Bench, nas: FakeDestination
) -> None:
    """Until Frigate gave its configuration, and something came over MQTT."""
    patient(bench, 900)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.destinations["nas"].connected)
    await until(shows(bench, Protection.CATCHING_UP))
    # What the broker merely repeats may be of last week.
    bench.publish("available", "online", retain=True)
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.CATCHING_UP)()
    bench.publish("available", "online")
    await until(shows(bench, Protection.PROTECTED))


async def test_what_was_missed_is_not_known_before_a_comparison(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate may have recorded for days while we were not there."""
    patient(bench, 900)
    ask, answer = bench.frigate.reviews, asyncio.Event()

    async def answer_late(**window: Any) -> Any:
        await answer.wait()
        return await ask(**window)

    bench.frigate.reviews = answer_late  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.destinations["nas"].connected)
    await bench.at_rest()
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.CATCHING_UP)()
    answer.set()
    await until(shows(bench, Protection.PROTECTED))


async def test_safe_mode_is_no_good_configuration(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate records nothing then, and what it says of MQTT is not what was set up."""
    patient(bench, 900)
    bench.prefix = bench.frigate.topic_prefix = "garage"
    bench.frigate.safe_mode = True
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    bench.publish("available", "stopped", retain=True)

    def is_shown() -> bool:
        """Tell whether no other reason and no repair is shown."""
        status = bench.status
        return (
            shows(bench, Protection.CATCHING_UP, Reason.NO_CAMERA)()
            and status.frigate_safe_mode
            and status.frigate_connected is True
            and not status.frigate_mqtt_disabled
            and not status.topic_prefix_changed
        )

    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.destinations["nas"].connected)
    await bench.engine.set_capture(True)
    assert is_shown()
    bench.frigate.safe_mode = False
    bench.publish("available", "online")
    await until(shows(bench, Protection.PROTECTED))
    # It was started again with a configuration that it can't read.
    bench.frigate.safe_mode = True
    bench.publish("available", "stopped")
    await until(is_shown)


async def test_nothing_is_heard_in_safe_mode(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate uses no MQTT then: its silence is another matter once that is over."""
    bench.timing = replace(bench.timing, config=0, mqtt_silence=0.1)
    bench.frigate.safe_mode = True
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.engine._inbox.silence > 0.2)  # noqa: SLF001
    await bench.engine.set_capture(True)
    assert not bench.status.no_mqtt_messages
    bench.frigate.safe_mode = False
    await until(lambda: bench.status.no_mqtt_messages)


@pytest.mark.parametrize("cameras", [[], [False], [False, False]])
async def test_frigate_has_no_camera_in_use(
    bench: Bench, nas: FakeDestination, cameras: list[bool]
) -> None:
    """There is nothing to be copied then, from the start or later."""
    bench.timing = replace(bench.timing, config=0)
    good = dict(bench.frigate.cameras)
    bench.frigate.cameras = {
        f"c{number}": replace(camera(f"c{number}"), enabled=enabled)
        for number, enabled in enumerate(cameras)
    }
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.destinations["nas"].connected)
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.CATCHING_UP, Reason.NO_CAMERA)()
    unused, bench.frigate.cameras = bench.frigate.cameras, good
    await until(shows(bench, Protection.PROTECTED))
    bench.frigate.cameras = unused
    await until(shows(bench, Protection.CATCHING_UP, Reason.NO_CAMERA))


async def test_the_only_camera_that_is_selected_is_renamed(
    bench: Bench, nas: FakeDestination
) -> None:
    """No destination in use takes one that Frigate has by now."""
    bench.timing = replace(bench.timing, config=0)
    cloud = setup(FakeDestination(), name="cloud")
    selected = Selection(cameras=frozenset({"front_door"}), labels=frozenset({"cat"}))
    await bench.start(setup(nas, selection=selected), cloud)
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.PROTECTED))
    good, bench.frigate.cameras = bench.frigate.cameras, {"entry": camera("entry")}
    cameras = bench.engine._monitor.cameras  # noqa: SLF001
    await until(lambda: cameras.enabled == {"entry"})
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.PROTECTED)()
    await bench.engine.set_sending("cloud", False)
    assert shows(bench, Protection.CATCHING_UP, Reason.NO_CAMERA)()
    bench.frigate.cameras = good
    await until(shows(bench, Protection.PROTECTED))


@pytest.mark.parametrize("listing", ["reviews", "events"])
async def test_frigate_does_not_list_what_it_has(
    bench: Bench, nas: FakeDestination, listing: str
) -> None:
    """One request fails for ever, and all others work: what was missed stays missed."""
    patient(bench, 1)
    bench.timing = replace(bench.timing, catch_up=0.1)
    await start(bench, nas)
    ask, asked = getattr(bench.frigate, listing), 0

    async def fail(*_: Any, **__: Any) -> NoReturn:
        nonlocal asked
        asked += 1
        raise FrigateServerError("HTTP status 500")

    setattr(bench.frigate, listing, fail)
    await until(shows(bench, Protection.CATCHING_UP, Reason.CATCH_UP_FAILING))
    seen, asked = len(bench.statuses), 0
    await until(shows(bench, Protection.AT_RISK, Reason.CATCH_UP_FAILING))
    await until(lambda: asked > 2)
    assert bench.status.frigate_connected
    assert {status.protection for status in bench.statuses[seen:]} == {
        Protection.AT_RISK
    }
    # What messages report is copied all the same.
    bench.live_snapshot()
    await until(lambda: nas.media)
    setattr(bench.frigate, listing, ask)
    await until(shows(bench, Protection.PROTECTED))


async def test_an_endpoint_of_a_file_fails_for_ever(
    bench: Bench, nas: FakeDestination
) -> None:
    """What it should give is late, and stays wanted."""
    bench.timing = replace(bench.timing, late=0.1)
    await start(bench, nas)
    fail = FrigateServerError("HTTP status 500")
    bench.frigate.snapshot_faults = [fail] * 999
    bench.tracked_object()
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    assert bench.status.pending_uploads == 1
    bench.frigate.snapshot_faults = []
    await until(shows(bench, Protection.PROTECTED))
    assert len(nas.media) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FrigateUnreachable("no route"), Reason.FRIGATE_AWAY),
        (FrigateAuthFailed("refused"), Reason.FRIGATE_LOGIN_REFUSED),
    ],
)
async def test_frigate_is_away(
    bench: Bench, nas: FakeDestination, error: FrigateError, reason: Reason
) -> None:
    """First it may be back soon, then it is a risk; why is told."""
    patient(bench, 1)
    await start(bench, nas)
    bench.frigate.error = error
    await until(shows(bench, Protection.CATCHING_UP, reason))
    await until(shows(bench, Protection.AT_RISK, reason))
    if reason is Reason.FRIGATE_AWAY:  # A login is tried again much later.
        bench.frigate.error = None
        await until(shows(bench, Protection.PROTECTED))


async def test_frigate_answers_some_requests_with_a_page(
    bench: Bench, nas: FakeDestination
) -> None:
    """A proxy does so: it comes back and is lost again, and nothing can be compared."""
    patient(bench, 1)
    bench.timing = replace(bench.timing, catch_up=0.1, shaky=0.5)
    await start(bench, nas)
    ask, pages = bench.frigate.reviews, 0

    async def page(**_: Any) -> NoReturn:
        nonlocal pages
        pages += 1
        raise NotFrigate("A text/html came")

    bench.frigate.reviews = page  # type: ignore[method-assign]
    await until(shows(bench, Protection.CATCHING_UP, Reason.FRIGATE_AWAY))
    await until(lambda: pages > 1)
    seen = len(bench.statuses)
    both = Reason.FRIGATE_AWAY, Reason.CATCH_UP_FAILING
    await until(shows(bench, Protection.AT_RISK, *both))
    assert not any(
        status.protection is Protection.PROTECTED for status in bench.statuses[seen:]
    )
    bench.frigate.reviews = ask  # type: ignore[method-assign]
    await until(shows(bench, Protection.PROTECTED))


async def test_frigate_is_lost_whenever_it_lists_what_it_has(
    bench: Bench, nas: FakeDestination
) -> None:
    """So late that it is believed to be there meanwhile: nothing is ever compared."""
    patient(bench, 1)
    bench.timing = replace(bench.timing, catch_up=0.1, shaky=0.05)
    await start(bench, nas)
    ask, asked = bench.frigate.reviews, 0

    async def answer_too_late(**_: Any) -> NoReturn:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.1)
        raise FrigateTimeout("no answer")

    bench.frigate.reviews = answer_too_late  # type: ignore[method-assign]
    # The first time it may have been away for a moment.
    await until(lambda: Reason.CATCH_UP_FAILING in bench.status.reasons)
    assert asked > 1
    seen = len(bench.statuses)
    await until(shows(bench, Protection.AT_RISK, Reason.CATCH_UP_FAILING))
    await until(lambda: asked > 4)
    assert not any(
        status.protection is Protection.PROTECTED for status in bench.statuses[seen:]
    )
    bench.frigate.reviews = ask  # type: ignore[method-assign]
    await until(shows(bench, Protection.PROTECTED))


async def test_frigate_is_lost_during_one_comparison(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is away then, and there is no more to say."""
    bench.timing = replace(bench.timing, catch_up=0.1)
    await start(bench, nas)
    ask, faults, answered = bench.frigate.reviews, 0, 0

    async def answer(**window: Any) -> Any:
        nonlocal faults, answered
        if faults:
            faults -= 1
            raise FrigateTimeout("no answer")
        answered += 1
        return await ask(**window)

    bench.frigate.reviews = answer  # type: ignore[method-assign]

    def has_failed() -> bool:
        return not faults

    def was_compared() -> bool:
        return answered > 1

    for _ in range(2):
        faults = 1
        await until(has_failed)
        answered = 0
        await until(was_compared)
    await until(shows(bench, Protection.PROTECTED))
    assert not any(
        Reason.CATCH_UP_FAILING in status.reasons for status in bench.statuses
    )


async def test_another_cause_does_not_make_frigate_be_away_for_less(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is away all the while."""
    await start(bench, nas)
    bench.frigate.error = FrigateUnreachable("no route")
    await until(shows(bench, Protection.AT_RISK, Reason.FRIGATE_AWAY))
    seen = len(bench.statuses)
    bench.frigate.error = FrigateAuthFailed("refused")
    await until(shows(bench, Protection.AT_RISK, Reason.FRIGATE_LOGIN_REFUSED))
    assert {status.protection for status in bench.statuses[seen:]} == {
        Protection.AT_RISK
    }


async def test_a_frigate_that_refused_the_login_is_switched_off(
    bench: Bench, nas: FakeDestination
) -> None:
    """It refuses nothing any more, though whoever changed the login still must say so."""
    bench.timing = replace(bench.timing, login_retry=0.05)
    await start(bench, nas)
    bench.frigate.error = FrigateAuthFailed("refused")
    await until(shows(bench, Protection.AT_RISK, Reason.FRIGATE_LOGIN_REFUSED))
    seen = len(bench.statuses)
    bench.frigate.error = FrigateUnreachable("no route")
    await until(shows(bench, Protection.AT_RISK, Reason.FRIGATE_AWAY))
    assert bench.status.frigate_login_refused
    assert {status.protection for status in bench.statuses[seen:]} == {
        Protection.AT_RISK
    }


async def test_mqtt_is_away(bench: Bench, nas: FakeDestination) -> None:
    """The broker is not Frigate."""
    patient(bench, 1)
    await start(bench, nas)
    bench.engine.handle_mqtt_connection(False)
    await until(shows(bench, Protection.CATCHING_UP, Reason.MQTT_AWAY))
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_AWAY))
    bench.engine.handle_mqtt_connection(True)
    # Whether Frigate is heard over the new link is not known yet.
    await until(shows(bench, Protection.CATCHING_UP))
    bench.publish("available", "online", retain=True)
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.CATCHING_UP)()
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.PROTECTED))


async def test_mqtt_is_silent(bench: Bench, nas: FakeDestination) -> None:
    """Frigate lives, and so does the broker, yet nothing comes: another broker, say."""
    bench.timing = replace(bench.timing, mqtt_silence=0.5)
    await start(bench, nas)
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_SILENT))
    assert bench.status.no_mqtt_messages
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.PROTECTED))
    assert not bench.status.no_mqtt_messages


@pytest.mark.parametrize("reason", [Reason.MQTT_AWAY, Reason.FRIGATE_AWAY])
async def test_a_silence_is_over_when_something_is_heard(
    bench: Bench, nas: FakeDestination, reason: Reason
) -> None:
    """And not before: that the broker or Frigate was away for a moment says nothing."""
    bench.timing = replace(bench.timing, mqtt_silence=0.5)
    await start(bench, nas)
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_SILENT))
    seen = len(bench.statuses)
    if reason is Reason.MQTT_AWAY:
        bench.engine.handle_mqtt_connection(False)
    else:
        bench.frigate.error = FrigateUnreachable("no route")
    await until(shows(bench, Protection.AT_RISK, reason, Reason.MQTT_SILENT))
    if reason is Reason.MQTT_AWAY:
        bench.engine.handle_mqtt_connection(True)
    else:
        bench.frigate.error = None
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_SILENT))
    assert all(status.no_mqtt_messages for status in bench.statuses[seen:])
    assert {status.protection for status in bench.statuses[seen:]} == {
        Protection.AT_RISK
    }
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.PROTECTED))


async def test_another_frigate_is_heard(bench: Bench, nas: FakeDestination) -> None:
    """Its topics begin as ours do: `frigate/garage` has cameras below it."""
    bench.timing = replace(bench.timing, mqtt_silence=0.5)
    await bench.start(setup(nas))
    bench.publish("garage/cam/person/snapshot", IMAGE)
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: bench.status.destinations["nas"].connected)
    await until(lambda: bench.status.no_mqtt_messages)
    assert all(each.protection is not Protection.PROTECTED for each in bench.statuses)
    bench.publish("front_door/person/snapshot", FULL_IMAGE)
    await until(shows(bench, Protection.PROTECTED))
    for _ in range(8):
        bench.publish("garage/cam/person/snapshot", IMAGE)
        await asyncio.sleep(0.1)
    await until(lambda: bench.status.no_mqtt_messages)


async def test_mqtt_is_disabled_in_frigate(bench: Bench, nas: FakeDestination) -> None:
    """It says nothing then, and there is no more to say."""
    bench.timing = replace(bench.timing, config=0)
    await start(bench, nas)
    bench.frigate.mqtt_enabled = False
    await until(shows(bench, Protection.AT_RISK, Reason.FRIGATE_MQTT_DISABLED))
    bench.frigate.mqtt_enabled = True
    await until(shows(bench, Protection.PROTECTED))


async def test_frigate_has_another_topic_prefix(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing that it says is heard from now on: told before ten minutes are over."""
    bench.timing = replace(bench.timing, config=0)
    await start(bench, nas)
    bench.frigate.topic_prefix = "cams"
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_SILENT))
    assert bench.status.topic_prefix_changed
    bench.frigate.topic_prefix = "frigate"
    await until(shows(bench, Protection.PROTECTED))
    assert not bench.status.topic_prefix_changed


async def test_a_topic_prefix_that_the_owner_chose(
    bench: Bench, nas: FakeDestination
) -> None:
    """A bridge may rename topics: then Frigate's own is another one."""
    bench.options = replace(bench.options, follows_topic_prefix=False)
    bench.frigate.topic_prefix = "cams"
    await start(bench, nas)
    assert not bench.status.topic_prefix_changed


# Destinations


async def test_a_destination_fails(bench: Bench, nas: FakeDestination) -> None:
    """First it may be back soon, then it is a risk, and a person should look."""
    patient(bench, 1)
    await start(bench, nas, FakeDestination())
    nas.error = Unreachable("no route")
    with pytest.raises(Unreachable):
        await bench.engine.test_destination("nas")
    await until(shows(bench, Protection.CATCHING_UP, Reason.DESTINATION_FAILING))
    assert bench.status.destinations["nas"].problem is None
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))
    assert bench.status.destinations["nas"].problem is Problem.UNREACHABLE
    assert bench.status.destinations["cloud"].problem is None
    # Paused it is the owner's wish.
    await bench.engine.set_sending("nas", False)
    assert shows(bench, Protection.PROTECTED)()
    await bench.engine.set_sending("nas", True)
    nas.error = None
    await bench.engine.test_destination("nas")
    await until(shows(bench, Protection.PROTECTED))
    assert bench.status.destinations["nas"].problem is None


async def test_settings_that_can_not_be_read(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing can be sent there, though nothing waits."""
    nas.error = Unusable("of a newer version")
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))
    assert bench.status.destinations["nas"].problem is Problem.UNREACHABLE


async def test_a_destination_that_hangs_from_the_start(
    bench: Bench, nas: FakeDestination
) -> None:
    """Neither does it work nor does it fail."""
    bench.timing = replace(bench.timing, first_contact=0.3)

    async def hang() -> None:
        await asyncio.Event().wait()

    nas.connect = hang  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    await until(shows(bench, Protection.AT_RISK, Reason.DESTINATION_FAILING))
    assert Protection.PROTECTED not in {each.protection for each in bench.statuses}


async def test_one_file_is_refused_again_and_again(
    bench: Bench, nas: FakeDestination
) -> None:
    """The destination works, yet this does not get there."""
    bench.timing = replace(bench.timing, late=0.2)
    await start(bench, nas)
    nas.refused_with = Rejected("no such name")
    bench.live_snapshot()
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    assert bench.status.pending_uploads == 1
    nas.refused_with = None
    await until(shows(bench, Protection.PROTECTED))


async def test_space_is_running_out(bench: Bench, nas: FakeDestination) -> None:
    """Below 2 GiB, or below what was sent in three days; until there is more again."""
    bench.timing = replace(bench.timing, probe=0.05)
    nas.space = 3 << 30
    await start(bench, nas)

    def needed() -> int | None:
        return bench.status.destinations["nas"].space_needed

    assert needed() is None
    nas.space = 1 << 30
    await until(lambda: needed() == int(1.1 * (2 << 30)))
    nas.space = 3 << 30
    await until(lambda: needed() is None)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await bench.settled()
    # As if it had been four GiB.
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE traffic SET bytes = bytes + ?", (4 << 30,)
        )
    )
    await until(lambda: needed() == int(1.1 * ((4 << 30) + len(IMAGE))))


# Since when


async def test_a_destination_that_was_added_late(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing could be uploaded before: that is no two days without an upload."""
    long_ago = time.time() - 3 * 86400
    await bench.start()
    ledger = bench.engine._ledger  # noqa: SLF001
    now = time.time()
    await ledger.run(milestones.keep_moment, milestones.SINCE, long_ago)
    await ledger.run(milestones.keep_moment, milestones.LAST_REVIEW, now)
    bench.publish("stats", "{}")
    await bench.engine.apply_destinations([setup(nas)])
    await until(shows(bench, Protection.PROTECTED))
    assert not any(status.nothing_uploaded for status in bench.statuses)

    def age(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE destinations SET since = ?", (long_ago,))

    await ledger.run(age)
    await until(shows(bench, Protection.AT_RISK, Reason.NOTHING_UPLOADED))


async def test_a_look_that_is_slow_shows_nothing_older(
    bench: Bench, nas: FakeDestination
) -> None:
    """A switch is not shown as it was before, because that took longer to keep."""
    await start(bench, nas)
    held = bench.faults.run = Held(milestones.only_moments)
    bench.engine.handle_mqtt_connection(False)
    await held.reached.wait()
    await bench.engine.set_sending("nas", False)
    assert shows(bench, Protection.PAUSED, Reason.SENDING_OFF, Reason.MQTT_AWAY)()
    seen = len(bench.statuses)
    held.may.set()
    await bench.at_rest()
    await bench.engine.set_capture(True)
    assert {each.protection for each in bench.statuses[seen:]} <= {Protection.PAUSED}


async def test_since_when(bench: Bench, nas: FakeDestination) -> None:
    """When the state began, through a restart too."""
    patient(bench, 900)
    before = datetime.now().astimezone()
    await start(bench, nas)
    protected = bench.status.since
    assert protected is not None
    assert protected >= before
    await bench.engine.set_capture(False)
    paused = bench.status.since
    assert paused is not None
    assert paused >= protected
    bench.engine.handle_mqtt_connection(False)
    await until(shows(bench, Protection.PAUSED, Reason.CAPTURE_OFF, Reason.MQTT_AWAY))
    assert bench.status.since == paused
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.since == paused
    await bench.engine.set_capture(True)
    assert bench.status.protection is Protection.CATCHING_UP
    assert bench.status.since is not None
    assert bench.status.since > paused
