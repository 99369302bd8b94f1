"""What is told of the protection while something real is wrong, and after it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
import sqlite3
import time
from typing import Any, NoReturn, cast

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateServerError,
    FrigateUnreachable,
    NotFrigate,
)
from custom_components.frigate_snap_sync.frigate.messages import MAX_IMAGE_BYTES
from custom_components.frigate_snap_sync.storage.errors import (
    Rejected,
    Unreachable,
    Unusable,
)
from custom_components.frigate_snap_sync.sync.engine import LedgerError, SpoolError
from custom_components.frigate_snap_sync.sync.ledger import milestones
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.status import (
    Problem,
    Protection,
    Reason,
)
from custom_components.frigate_snap_sync.sync.spool.spool import SpoolFile
from custom_components.frigate_snap_sync.sync.support import tasks

from ..harness.disk import SmallDisk, can_mount
from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, IMAGE, FakeDestination, camera
from .faults import Job, RunJob, Step


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
    await until(shows(bench, Protection.CATCHING_UP, Reason.STARTING))
    # What the broker merely repeats may be of last week.
    bench.publish("available", "online", retain=True)
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.CATCHING_UP, Reason.STARTING)()
    bench.publish("available", "online")
    await until(shows(bench, Protection.PROTECTED))


async def test_safe_mode_is_no_good_configuration(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate records nothing then."""
    patient(bench, 900)
    bench.frigate.safe_mode = True
    await bench.start(setup(nas))
    bench.publish("stats", "{}")
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.set_capture(True)
    assert shows(bench, Protection.CATCHING_UP, Reason.NO_CAMERA)()
    bench.frigate.safe_mode = False
    bench.publish("available", "online")
    await until(shows(bench, Protection.PROTECTED))
    # It was started again with a configuration that it can't read.
    bench.frigate.safe_mode = True
    bench.publish("available", "online")
    await until(shows(bench, Protection.CATCHING_UP, Reason.NO_CAMERA))


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
    await until(shows(bench, Protection.AT_RISK, Reason.FRIGATE_AWAY))
    assert not any(
        status.protection is Protection.PROTECTED for status in bench.statuses[seen:]
    )
    bench.frigate.reviews = ask  # type: ignore[method-assign]
    await until(shows(bench, Protection.PROTECTED))


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


async def test_mqtt_is_away(bench: Bench, nas: FakeDestination) -> None:
    """The broker is not Frigate."""
    patient(bench, 1)
    await start(bench, nas)
    bench.engine.handle_mqtt_connection(False)
    await until(shows(bench, Protection.CATCHING_UP, Reason.MQTT_AWAY))
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_AWAY))
    bench.engine.handle_mqtt_connection(True)
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
    """It says nothing then, and that is all there is to be told."""
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
    await until(lambda: needed() == 2 << 30)
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
    await until(lambda: needed() == (4 << 30) + len(IMAGE))


# What waits


async def test_what_is_late(bench: Bench, nas: FakeDestination) -> None:
    """It waits since it was to leave; what is on its way does not count."""
    patient(bench, 900)
    bench.timing = replace(bench.timing, late=0.3)
    await start(bench, nas)
    nas.gate.clear()
    before = time.time()
    seen = len(bench.statuses)
    bench.live_snapshot()
    await until(lambda: nas.files)
    await until(shows(bench, Protection.CATCHING_UP, Reason.ITEM_LATE))
    assert time.time() - before > 0.3
    assert {each.pending_uploads for each in bench.statuses[seen:-1]} <= {0}
    assert bench.status.pending_uploads == 1
    assert bench.status.destinations["nas"].pending_uploads == 1
    assert bench.status.oldest_pending is not None
    assert 0 <= bench.status.oldest_pending.timestamp() - before < 0.3
    nas.gate.set()
    await until(shows(bench, Protection.PROTECTED))
    assert bench.status.pending_uploads == 0
    assert bench.status.oldest_pending is None


async def test_what_happened_long_ago_waits_only_since_it_is_known(
    bench: Bench, nas: FakeDestination
) -> None:
    """A catch-up over two days is not two days late."""
    patient(bench, 900)
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    before = time.time()
    bench.review("end", start=before - 172_800, end=before - 172_700)
    await until(lambda: bench.status.pending_uploads == 1)
    assert bench.status.oldest_pending is not None
    assert bench.status.oldest_pending.timestamp() >= before


async def test_what_waits_for_a_known_reason_counts_at_once(
    bench: Bench, nas: FakeDestination
) -> None:
    """A pause, a failing destination, a Frigate that is away."""
    patient(bench, 900)
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await until(lambda: bench.status.pending_uploads == 1)
    await bench.engine.set_sending("nas", True)
    await until(lambda: bench.status.pending_uploads == 0)
    bench.frigate.error = FrigateUnreachable("no route")
    await until(lambda: bench.status.frigate_connected is False)
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.pending_uploads == 1)
    bench.frigate.error = None
    await until(lambda: len(nas.media) == 2)
    await until(lambda: bench.status.pending_uploads == 0)
    nas.error = Unreachable("no route")
    bench.live_snapshot(image=FULL_IMAGE)
    await until(lambda: bench.status.pending_uploads == 1)


async def test_a_review_with_parts_changes_nothing_of_it(
    bench: Bench, nas: FakeDestination
) -> None:
    """What leaves as planned is no news: for automations, nor for the recorder."""
    bench.options = replace(bench.options, upload_during_review=True, part_length=10)
    await start(bench, nas)
    seen = len(bench.statuses)
    start_time = time.time() - 45
    review = bench.review("new", start=start_time)
    bench.live_snapshot()
    await until(lambda: len(nas.media) >= 3)
    bench.review("end", source_id=review, start=start_time, end=time.time() - 1)
    await until(lambda: any(name.endswith("abc123.mp4") for name in nas.media))
    await bench.settled()
    await bench.engine.set_capture(True)
    later = bench.statuses[seen:]
    assert len(later) > 1
    assert {
        (
            each.protection,
            each.reasons,
            each.since,
            each.pending_uploads,
            each.oldest_pending,
            *(one.pending_uploads for one in each.destinations.values()),
        )
        for each in later
    } == {(Protection.PROTECTED, (), bench.statuses[seen - 1].since, 0, None, 0)}


async def test_a_clock_that_was_set_back(bench: Bench, nas: FakeDestination) -> None:
    """What was planned by the old time waits all the same."""
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await until(lambda: bench.status.pending_uploads == 1)
    nas.gate.clear()
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE uploads SET expected_at = expected_at + 7200"
        )
    )
    await bench.engine.set_sending("nas", True)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    nas.gate.set()
    await until(shows(bench, Protection.PROTECTED))


async def test_a_message_that_can_not_be_taken(
    bench: Bench, nas: FakeDestination
) -> None:
    """A disk that hangs says nothing; the message waits, and all others behind it."""
    bench.timing = replace(bench.timing, late=0.2)
    await start(bench, nas)
    gate = asyncio.Event()

    async def hang(store: Step) -> SpoolFile:
        await gate.wait()
        return cast(SpoolFile, await store())

    bench.faults.store = hang
    bench.live_snapshot()
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    gate.set()
    await until(shows(bench, Protection.PROTECTED))


@pytest.mark.parametrize("part", ["watch", "intake", "fetcher", "catching up", "nas"])
async def test_a_part_of_the_engine_crashes(
    bench: Bench, nas: FakeDestination, part: str
) -> None:
    """Nobody knows then what does not happen."""
    await start(bench, nas)
    health = bench.engine._parts.health  # noqa: SLF001

    async def crash() -> None:
        raise RuntimeError("a bug")

    task = tasks.supervise(part, crash, health=health, pause=0.02)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))
    await tasks.cancel([task])


async def test_a_bug_in_the_status_itself(bench: Bench, nas: FakeDestination) -> None:
    """The sensor must not go on showing what was."""
    await start(bench, nas)
    outages = bench.engine._outages  # noqa: SLF001
    note = outages.note
    outages.note = lambda **_: 1 / 0  # type: ignore[assignment, method-assign]
    bench.engine.handle_mqtt_connection(True)
    await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    outages.note = note  # type: ignore[method-assign]
    await until(shows(bench, Protection.AT_RISK, Reason.ITEM_LATE))


# Ledger and disk


class Trouble:
    """Lets the jobs of a ledger fail that a test names; all of them for `*`."""

    def __init__(self, bench: Bench) -> None:
        """Come between the engine and its ledger."""
        self.names: set[str] = set()
        self.text = "disk I/O error"

        async def faulty(job: Job, run: RunJob) -> Any:
            if self.names & {job.__name__, "*"}:
                raise LedgerError(f"Ledger one.db: {self.text}")
            return await run(job)

        bench.faults.run = faulty


@pytest.fixture
def trouble(bench: Bench) -> Trouble:
    """Return the switch for trouble."""
    return Trouble(bench)


@pytest.mark.parametrize(
    "job",
    [
        *("plan", "remember_open", "is_known"),
        *("next_fetches", "next_due", "fetched"),
        *("next_uploads", "next_retry", "started", "verified"),
        *("next_leftover", "left", "sample"),
        *("open_reviews", "summary", "waiting", "of_three_days", "keep_moment"),
        "*",
    ],
)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("disk I/O error", Reason.LEDGER_FAILING),
        ("database or disk is full", Reason.DISK_FULL),
    ],
)
async def test_the_ledger_fails_in_any_part(
    bench: Bench,
    nas: FakeDestination,
    trouble: Trouble,
    job: str,
    text: str,
    reason: Reason,
) -> None:
    """At once, whoever meets it first; and it is over when it works again."""
    bench.timing = replace(bench.timing, probe=0.05, audit=0)
    await start(bench, nas)
    trouble.text = text
    trouble.names = {job}
    bench.live_snapshot()
    review = bench.review("new")
    bench.review("end", source_id=review, end=time.time() - 50)
    await until(
        lambda: (
            bench.status.protection is Protection.AT_RISK
            and reason in bench.status.reasons
        )
    )
    assert text in bench.status.home_error
    trouble.names = set()
    await until(lambda: len(nas.media) == 2)
    await until(shows(bench, Protection.PROTECTED))
    assert not bench.status.home_error


async def test_a_ledger_that_does_not_answer(
    bench: Bench, nas: FakeDestination
) -> None:
    """On a disk that hangs: no error ever comes."""
    bench.timing = replace(bench.timing, ledger_patience=0.2)
    await start(bench, nas)
    gate = asyncio.Event()

    async def hang(job: Job, run: RunJob) -> Any:
        await gate.wait()
        return await run(job)

    bench.faults.run = hang
    await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    gate.set()
    await until(shows(bench, Protection.PROTECTED))


async def test_a_ledger_that_can_only_be_read(
    bench: Bench, nas: FakeDestination
) -> None:
    """Found out although nothing happens: the next image could not be kept."""
    await start(bench, nas)

    async def only_reading(value: str) -> None:
        ledger = bench.engine._ledger  # noqa: SLF001
        await asyncio.wrap_future(
            ledger._thread.submit(  # noqa: SLF001
                lambda: ledger._connection.execute(  # type: ignore[union-attr] # noqa: SLF001
                    f"PRAGMA query_only = {value}"
                )
            )
        )

    await only_reading("ON")
    await until(shows(bench, Protection.AT_RISK, Reason.LEDGER_FAILING))
    assert "readonly" in bench.status.home_error
    await only_reading("OFF")
    await until(shows(bench, Protection.PROTECTED))


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a file system")
async def test_home_assistant_s_disk_is_full(
    bench: Bench, nas: FakeDestination
) -> None:
    """A real one: told at once, though nothing may happen, and over with the space."""
    async with SmallDisk(bench.folder / "disk", size=16) as disk:
        if not disk.is_real:
            pytest.skip("not allowed to mount a file system")
        bench.folder = disk.folder
        await start(bench, nas)
        bench.live_snapshot()
        await until(lambda: len(nas.media) == 1)
        await bench.settled()
        disk.fill()
        await until(shows(bench, Protection.AT_RISK, Reason.DISK_FULL))
        for number in range(20):
            bench.live_snapshot(image=IMAGE + b"\0" * number, label=f"l{number}")
        bench.review("end", end=time.time() - 30)
        seen = len(bench.statuses)
        await until(lambda: len(bench.engine._inbox) >= 20)  # noqa: SLF001
        await until(lambda: bench.status.disk_full)
        assert {each.protection for each in bench.statuses[seen:]} <= {
            Protection.AT_RISK
        }
        disk.free()
        await until(lambda: len(nas.media) == 22)
        await until(shows(bench, Protection.PROTECTED))
        await bench.stop()


# Losses


def lose(bench: Bench, source_id: str = "1000.5-abc123") -> None:
    """Let a review have ended of which Frigate has no footage."""
    bench.frigate.footage = lambda camera, after, before: []
    bench.review("end", source_id=source_id, start=1000.0, end=1010.0, known=True)


async def acknowledge(bench: Bench) -> None:
    """Let the owner acknowledge what is shown."""
    await bench.engine.acknowledge_losses(bench.status.losses.until)


async def test_something_is_gone(bench: Bench, nas: FakeDestination) -> None:
    """A risk at once, until the owner knows of it; a running outage is told too."""
    await start(bench, nas)
    lose(bench)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    losses = bench.status.losses
    assert losses.count == 1
    assert losses.newest[0].destination_id == "nas"
    assert losses.newest[0].path.endswith("abc123.mp4")
    assert losses.newest[0].reason
    since = bench.status.since
    bench.engine.handle_mqtt_connection(False)
    await until(shows(bench, Protection.AT_RISK, Reason.MQTT_AWAY, Reason.ITEMS_LOST))
    assert bench.status.since == since
    bench.engine.handle_mqtt_connection(True)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await acknowledge(bench)
    assert shows(bench, Protection.PROTECTED)()
    assert bench.status.destinations["nas"].failed_uploads == 1
    # The next one is another loss.
    lose(bench, "1.5-other")
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    assert bench.status.losses.count == 1
    assert "other" in bench.status.losses.newest[0].path


async def test_what_was_acknowledged_is_lost_once_more(
    bench: Bench, nas: FakeDestination
) -> None:
    """Tried again in vain: the owner is told again."""
    await start(bench, nas)
    lose(bench)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await acknowledge(bench)
    assert await bench.engine.retry_failed() == 1
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))


async def test_what_is_lost_later_is_not_acknowledged(
    bench: Bench, nas: FakeDestination
) -> None:
    """Only what was shown is."""
    await start(bench, nas)
    lose(bench)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    shown = bench.status.losses.until
    lose(bench, "1.5-other")
    await until(lambda: bench.status.losses.count == 2)
    await bench.engine.acknowledge_losses(shown)
    assert bench.status.losses.count == 1
    assert "other" in bench.status.losses.newest[0].path


async def test_something_was_dropped(bench: Bench, nas: FakeDestination) -> None:
    """For want of space in the spool."""
    bench.limits = Limits(spool_reserve=0)
    bench.options = replace(bench.options, spool_limit=2 * len(IMAGE) + 100)
    await start(bench, nas)
    await bench.engine.set_sending("nas", False)
    for number in range(3):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: Reason.ITEMS_LOST in bench.status.reasons)
    assert bench.status.protection is Protection.PAUSED
    await bench.engine.set_sending("nas", True)
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))


async def test_messages_were_lost(bench: Bench, nas: FakeDestination) -> None:
    """Images that nobody could keep exist nowhere else: told through a restart too."""
    bench.limits = Limits(message_bytes=3 * len(IMAGE))
    await start(bench, nas)
    for number in range(5):
        bench.live_snapshot(label=f"l{number}")
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await until(lambda: not bench.engine._inbox.lost_images)  # noqa: SLF001
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.protection is Protection.AT_RISK
    assert bench.status.losses.messages
    assert not bench.status.losses.count
    bench.publish("stats", "{}")
    await acknowledge(bench)
    await until(shows(bench, Protection.PROTECTED))


async def test_images_that_wait_at_the_end_are_lost(
    bench: Bench, nas: FakeDestination
) -> None:
    """The spool took none: after a stop of Home Assistant it shows as a loss."""
    await start(bench, nas)

    async def refuse(_: Step) -> SpoolFile:
        raise SpoolError("read-only")

    bench.faults.store = refuse
    bench.live_snapshot()
    bench.review("new")
    await until(lambda: Reason.LEDGER_FAILING in bench.status.reasons)
    assert not bench.status.losses
    await bench.stop()
    bench.faults.store = None
    await bench.start(setup(nas))
    assert bench.status.protection is Protection.AT_RISK
    assert bench.status.losses.messages
    await bench.stop()
    await bench.start(setup(nas))
    await acknowledge(bench)
    assert not bench.status.losses


@pytest.mark.parametrize("size", [Limits().payload_bytes + 1, MAX_IMAGE_BYTES + 1])
async def test_an_image_was_too_large(
    bench: Bench, nas: FakeDestination, size: int
) -> None:
    """Whoever refuses it, the inbox or its reader: reported after a restart too."""
    await start(bench, nas)
    bench.live_snapshot(image=bytes(size))
    await until(shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST))
    await until(lambda: not bench.engine._inbox.large_images)  # noqa: SLF001
    await bench.stop()
    await bench.start(setup(nas))
    assert bench.status.protection is Protection.AT_RISK
    assert bench.status.losses.large_images
    assert not bench.status.losses.messages
    bench.publish("stats", "{}")
    await acknowledge(bench)
    await until(shows(bench, Protection.PROTECTED))
    assert not bench.status.losses


async def test_other_messages_that_were_lost_are_caught_up(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate is asked what was missed, at once."""
    bench.limits = Limits(messages=2)
    await start(bench, nas)
    await until(lambda: bench.frigate.windows)
    asked = len(bench.frigate.windows)
    for number in range(5):
        bench.review("end", source_id=f"{number}.5-abc", end=time.time() - 50)
    await until(lambda: len(bench.frigate.windows) > asked)
    assert not bench.status.losses


@pytest.mark.parametrize(
    ("age", "is_loss"), [(0.0, True), (2 * 86400.0, True), (4 * 86400.0, False)]
)
async def test_a_copy_vanished(
    bench: Bench, nas: FakeDestination, age: float, is_loss: bool
) -> None:
    """What arrived only lately nobody has cleared away."""
    bench.timing = replace(bench.timing, audit=0, probe=0.05)
    await start(bench, nas)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    await bench.settled()
    await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "UPDATE uploads SET finished = finished - ?", (age,)
        )
    )
    nas.files.clear()

    async def missed() -> bool:
        rows = await bench.engine._ledger.run(  # noqa: SLF001
            lambda connection: connection.execute(
                "SELECT is_missed FROM uploads"
            ).fetchall()
        )
        return bool(rows[0]["is_missed"])

    async with asyncio.timeout(10):
        while not await missed():
            await asyncio.sleep(0.01)
    await bench.engine.set_capture(True)
    if not is_loss:
        assert shows(bench, Protection.PROTECTED)()
        return
    assert shows(bench, Protection.AT_RISK, Reason.ITEMS_LOST)()
    await acknowledge(bench)
    assert shows(bench, Protection.PROTECTED)()


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
