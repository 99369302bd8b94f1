"""Recorded sessions of real Frigate versions give what a person would expect.

Each session was read through and its expectation written down by hand; it holds
for all three versions. Times are those since the session began.
"""

import asyncio
import base64
from collections import Counter
from dataclasses import replace
import json
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.models import Review, Severity

from .conftest import FAST, Bench, setup, until
from .fakes import RECORDED, FakeDestination, camera, kind_of

VERSIONS = ("0.16.4", "0.17.2", "0.18.0")

NOTHING: dict[str, int] = {}

EXPECTED: dict[str, dict[str, int]] = {
    # One person for 8 s: the image at first sight, the object's snapshot when it
    # left, the review's recording after its end.
    "startup-and-alert": {
        "live-snapshot front_door person": 1,
        "snapshot front_door person": 1,
        "recording front_door": 1,
    },
    # A dog, then a person: two objects, but one review, and so one recording.
    "detection-upgraded-to-alert": {
        "live-snapshot front_door dog": 1,
        "live-snapshot front_door person": 1,
        "snapshot front_door dog": 1,
        "snapshot front_door person": 1,
        "recording front_door": 1,
    },
    # Recordings off in mid-visit: Frigate ends the review and begins another one
    # later; both have footage. Snapshots stay on all the time.
    "recordings-switched-off-mid-review": {
        "live-snapshot front_door person": 1,
        "snapshot front_door person": 1,
        "recording front_door": 2,
    },
    # Manual events: no image over MQTT and no `events` message. The review begins
    # with an `update`, and ends as usual, or with an end that can't be.
    "manual-event-update-first": {"recording front_door": 1},
    "manual-event-indefinite-forced-end": {"recording back-yard_2": 1},
    # What never became an object is an image all the same.
    "snapshot-of-false-positive": {"live-snapshot back-yard_2 person": 1},
    # Retained images are of unknown age: nothing.
    "retained-replay-for-new-subscriber": NOTHING,
    "frigate-clean-stop": NOTHING,
    # One visit on the side of it; its review begins after the subscriber left.
    "camera-activity-reply": {
        "live-snapshot front_door person": 1,
        "snapshot front_door person": 1,
    },
    # The broker goes away for some seconds; the review ends normally after it.
    "broker-reconnect": {
        "live-snapshot front_door person": 1,
        "snapshot front_door person": 1,
        "recording front_door": 1,
    },
    # Here its end falls into the time without a broker: Frigate's API has it.
    "broker-reconnect-persistent": {
        "live-snapshot front_door person": 1,
        "snapshot front_door person": 1,
        "recording front_door": 1,
    },
    # Frigate is killed: no object's end, no review's end, but the API has the
    # review, which is closed when Frigate starts again.
    "frigate-killed-mid-review": {
        "live-snapshot back-yard_2 person": 1,
        "recording back-yard_2": 1,
    },
    # Two cameras at once, under a prefix with a slash; the car carries a logo.
    "two-cameras-overlapping": {
        "live-snapshot front_door person": 1,
        "live-snapshot back-yard_2 car": 1,
        "snapshot front_door person": 1,
        "snapshot back-yard_2 car": 1,
        "recording front_door": 1,
        "recording back-yard_2": 1,
    },
}

# The whole names of one session, worked out by hand from its messages:
# 1795336634.76 is 08:37:14 UTC, the object came a second before its review.
NAMES_OF_STARTUP_AND_ALERT = {
    "2026-11-22_09-37-13+0100-front_door-snapshot-person-vd4rxm.jpg",
    "2026-11-22_09-37-14+0100-front_door-recording-person-867vc4.mp4",
}


def session(bench: Bench, version: str, name: str) -> list[dict[str, Any]]:
    """Return a session's messages, and set Frigate's clock to the end of it."""
    folder = RECORDED / version
    file = f"mqtt-{name}.jsonl"
    scenario = json.loads((folder / "scenarios.json").read_text())[file]
    lines = (folder / file).read_text().splitlines()
    messages = [json.loads(line) for line in lines]
    bench.prefix = scenario["topic_prefix"]
    bench.frigate.clock_offset = time.time() - scenario["t0_epoch"] - messages[-1]["t"]
    return messages


def known_reviews(messages: list[dict[str, Any]]) -> dict[str, Review]:
    """Return the reviews as Frigate's API shows them once the session is over."""
    found = {}
    for message in messages:
        if not message["topic"].endswith("/reviews"):
            continue
        after = json.loads(message["payload"])["after"]
        found[after["id"]] = Review(
            id=after["id"],
            camera=after["camera"],
            start_time=after["start_time"],
            end_time=after["start_time"] + 10,
            ended=True,
            severity=Severity(after["severity"]),
            labels=frozenset(after["data"]["objects"]),
            zones=frozenset(after["data"]["zones"]),
        )
    return found


def kinds(destination: FakeDestination) -> Counter[str]:
    """Return how many files of which kind, camera and label lie there."""
    found: Counter[str] = Counter()
    for path in destination.media:
        kind = kind_of(path)
        name = next(name for name in ("front_door", "back-yard_2") if name in path)
        label = "" if kind == "recording" else f" {path.split('-')[-2]}"
        found[f"{kind} {name}{label}"] += 1
    return found


async def play(bench: Bench, messages: list[dict[str, Any]]) -> None:
    """Let the engine hear a session, as fast as it takes it."""
    for message in messages:
        if (text := message.get("payload")) is not None:
            payload = text.encode()
        else:
            payload = base64.b64decode(message["payload_b64"])
        bench.engine.handle_message(message["topic"], payload, retain=message["retain"])
        await asyncio.sleep(0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", EXPECTED)
async def test_a_session_gives_what_a_person_expects(
    bench: Bench, version: str, name: str
) -> None:
    """Exactly those uploads, at both destinations; and none again after a restart."""
    messages = session(bench, version, name)
    bench.timing = replace(FAST, missing_after=0)
    bench.frigate.known_reviews = known_reviews(messages)
    one, other = FakeDestination(), FakeDestination()
    await bench.start(setup(one), setup(other, name="other"))
    await play(bench, messages)
    await bench.settled()
    # Frigate is asked about reviews without an end when its API is back.
    bench.publish("available", "online")
    expected = Counter(EXPECTED[name])
    await until(lambda: kinds(one) == expected and kinds(other) == expected)
    await bench.settled()
    assert len(bench.frigate.clips) == sum(
        count for kind, count in expected.items() if kind.startswith("recording")
    )
    await bench.stop()
    await bench.start(setup(one), setup(other, name="other"))
    await play(bench, messages)
    await bench.settled()
    assert kinds(one) == kinds(other) == expected
    assert len(one.history) == sum(expected.values())


async def test_names_of_a_session(bench: Bench) -> None:
    """Frigate's times in Home Assistant's zone, Frigate's ids."""
    messages = session(bench, "0.17.2", "startup-and-alert")
    nas = FakeDestination()
    await bench.start(setup(nas))
    await play(bench, messages)
    await until(lambda: len(nas.media) == 3)
    names = {path.rpartition("/")[2] for path in nas.media}
    assert names >= NAMES_OF_STARTUP_AND_ALERT


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_camera_with_snapshots_off_in_a_session(
    bench: Bench, version: str
) -> None:
    """No live snapshots of it then; all else as before."""
    messages = session(bench, version, "startup-and-alert")
    for message in messages:
        if message["topic"] == "frigate/front_door/snapshots/state":
            message["payload"] = "OFF"
    bench.frigate.cameras["front_door"] = camera("front_door", snapshots=False)
    nas = FakeDestination()
    await bench.start(setup(nas))
    await play(bench, messages)
    await until(lambda: len(nas.media) == 2)
    await bench.settled()
    assert kinds(nas) == Counter(
        {"snapshot front_door person": 1, "recording front_door": 1}
    )
