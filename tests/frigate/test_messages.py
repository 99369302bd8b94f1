"""MQTT messages: the recorded sessions, and one by one what may come."""

from collections import Counter
import json
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.messages import (
    MAX_IMAGE_BYTES,
    Availability,
    CameraActivity,
    CameraSwitch,
    LiveSnapshotMessage,
    MalformedMessage,
    Message,
    MessageKind,
    ObjectMessage,
    ReviewMessage,
    parse,
    subscriptions,
)
from custom_components.frigate_snap_sync.frigate.models import CameraConfig, Severity

from .recorded import VERSIONS, MqttMessage, media, messages, sessions, topic_prefix

REVIEW: dict[str, Any] = {
    "id": "1795336633.5-abc123",
    "camera": "front_door",
    "start_time": 1795336633.5,
    "end_time": None,
    "severity": "alert",
    "thumb_path": "/media/frigate/clips/review/thumb.webp",
    "data": {
        "detections": ["1795336632.0-xyz987"],
        "objects": ["person"],
        "sub_labels": [],
        "zones": ["porch"],
        "audio": [],
    },
}
OBJECT: dict[str, Any] = {
    "id": "1795336632.0-xyz987",
    "camera": "front_door",
    "label": "person",
    "sub_label": None,
    "start_time": 1795336632.0,
    "end_time": None,
    "has_clip": True,
    "has_snapshot": True,
    "false_positive": False,
    "entered_zones": ["porch"],
    "max_severity": "alert",
}


def say(topic: str, payload: object, *, retain: bool = False) -> Message | None:
    """Parse a message below the prefix `frigate`; JSON unless it is bytes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return parse("frigate", f"frigate/{topic}", data, retain=retain)


def say_object(kind: object = "new", **changes: object) -> ObjectMessage:
    """Parse a tracked object with some fields changed; `...` leaves one out."""
    after = {key: value for key, value in (OBJECT | changes).items() if value != ...}
    message = say("events", {"type": kind, "before": OBJECT, "after": after})
    assert isinstance(message, ObjectMessage)
    return message


def heard(version: str, session: str) -> list[tuple[MqttMessage, Message]]:
    """Return the messages of a session that say something, and what."""
    prefix = topic_prefix(version, session)
    return [
        (raw, message)
        for raw in messages(version, session)
        if (message := parse(prefix, raw.topic, raw.payload, retain=raw.retain))
        is not None
    ]


def reviews_of(version: str, session: str) -> list[ReviewMessage]:
    """Return the review messages of a session."""
    return [
        message
        for _, message in heard(version, session)
        if isinstance(message, ReviewMessage)
    ]


# Recorded sessions


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_message_is_understood(version: str) -> None:
    """Nothing in hours of real sessions is malformed, and nothing is missed."""
    count: Counter[type] = Counter()
    topics: Counter[str] = Counter()
    for session in sessions(version):
        prefix = topic_prefix(version, session)
        for raw, message in heard(version, session):
            count[type(message)] += 1
            assert message is not None
            match message:
                case ReviewMessage():
                    sent = json.loads(raw.payload)
                    assert message.kind == sent["type"]
                    assert message.review.id == sent["after"]["id"]
                    assert message.review.start_time == sent["after"]["start_time"]
                    assert message.review.severity == sent["after"]["severity"]
                    assert message.review.zones == set(sent["after"]["data"]["zones"])
                case ObjectMessage():
                    sent = json.loads(raw.payload)["after"]
                    assert message.object.id == sent["id"]
                    assert message.object.end_time == sent["end_time"]
                    assert message.object.has_snapshot == sent["has_snapshot"]
                    assert message.object.severity == sent["max_severity"]
                    assert message.object.zones == set(sent["entered_zones"])
                case LiveSnapshotMessage():
                    assert message.image == raw.payload
                    assert message.retained == raw.retain
        for raw in messages(version, session):
            name = raw.topic.removeprefix(f"{prefix}/")
            last = name.rpartition("/")[2]
            if name in {"reviews", "events", "available", "camera_activity"}:
                topics[name] += 1
            elif last == "snapshot" or name.endswith(
                ("/snapshots/state", "/recordings/state")
            ):
                topics[last] += 1
    assert count == {
        ReviewMessage: topics["reviews"],
        ObjectMessage: topics["events"],
        Availability: topics["available"],
        CameraActivity: topics["camera_activity"],
        LiveSnapshotMessage: topics["snapshot"],
        CameraSwitch: topics["state"],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_review_from_new_to_end(version: str) -> None:
    """One visit gives one review, which ends with a time."""
    told = reviews_of(version, "mqtt-startup-and-alert")

    assert told[0].kind is MessageKind.NEW
    assert told[-1].kind is MessageKind.END
    assert {message.kind for message in told[1:-1]} <= {MessageKind.UPDATE}
    assert len({message.review.id for message in told}) == 1
    assert told[0].review.end_time is None
    assert not told[0].review.ended
    last = told[-1].review
    assert last.ended
    assert last.end_time is not None
    assert last.end_time > last.start_time
    assert last.severity is Severity.ALERT
    assert last.labels == {"person"}
    assert last.zones == {"porch"}


@pytest.mark.parametrize("version", VERSIONS)
def test_review_upgraded_to_alert(version: str) -> None:
    """A detection may become an alert by an update."""
    told = reviews_of(version, "mqtt-detection-upgraded-to-alert")

    severities = [message.review.severity for message in told]
    assert severities[0] is Severity.DETECTION
    assert severities[-1] is Severity.ALERT
    assert told[-1].review.labels == {"dog", "person"}


@pytest.mark.parametrize("version", VERSIONS)
def test_review_that_starts_with_an_update(version: str) -> None:
    """A manual event has no `new`, and its sub label is no part of the label."""
    told = reviews_of(version, "mqtt-manual-event-update-first")

    assert [message.kind for message in told] == [MessageKind.UPDATE, MessageKind.END]
    assert told[0].review.labels == {"doorbell"}
    # Nothing else on MQTT names the object.
    assert len(told[0].review.detections) == 1
    assert told[0].review.detections == told[1].review.detections
    kinds = {
        type(message)
        for raw, message in heard(version, "mqtt-manual-event-update-first")
        if not raw.retain
    }
    assert kinds == {ReviewMessage}


@pytest.mark.parametrize("version", VERSIONS)
def test_end_time_that_can_not_be(version: str) -> None:
    """The end of an endless manual event is 9223372036854775807 seconds."""
    told = reviews_of(version, "mqtt-manual-event-indefinite-forced-end")

    assert told[-1].kind is MessageKind.END
    assert told[-1].review.end_time is None
    assert told[-1].review.ended


@pytest.mark.parametrize("version", VERSIONS)
def test_two_cameras_and_a_prefix_with_a_slash(version: str) -> None:
    """The prefix is taken as a whole; an attribute stands for the car."""
    session = "mqtt-two-cameras-overlapping"
    assert topic_prefix(version, session) == "home/nvr"

    told = reviews_of(version, session)

    assert {message.review.camera for message in told} == {"front_door", "back-yard_2"}
    cars = {
        message.object.sub_label
        for _, message in heard(version, session)
        if isinstance(message, ObjectMessage) and message.object.label == "car"
    }
    assert "amazon" in cars


@pytest.mark.parametrize("version", VERSIONS)
def test_retained_snapshots_of_a_new_subscription(version: str) -> None:
    """The broker replays old images; a label may have a space."""
    images = [
        message
        for _, message in heard(version, "mqtt-retained-replay-for-new-subscriber")
        if isinstance(message, LiveSnapshotMessage)
    ]

    assert images
    assert all(message.retained for message in images)
    assert ("back-yard_2", "traffic light") in {
        (message.camera, message.label) for message in images
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_recordings_state_and_the_truth(version: str) -> None:
    """After a reconnect the state says ON, while `camera_activity` knows better."""
    told = [
        message
        for _, message in heard(version, "mqtt-broker-reconnect")
        if isinstance(message, CameraSwitch | CameraActivity)
    ]

    position, activity = next(
        (position, message)
        for position, message in enumerate(told)
        if isinstance(message, CameraActivity)
    )
    assert activity.cameras["back-yard_2"].recordings_enabled is False
    assert activity.cameras["front_door"].recordings_enabled is True
    states = [
        message.on
        for message in told[:position]
        if isinstance(message, CameraSwitch)
        and (message.camera, message.switch) == ("back-yard_2", "recordings")
    ]
    assert states[-1] is True


def test_clean_stop_of_0_18() -> None:
    """Frigate 0.18 says that it stopped."""
    told = [
        message
        for _, message in heard("0.18.0", "mqtt-frigate-clean-stop")
        if isinstance(message, Availability)
    ]

    assert [message.online for message in told] == [True, False]


# Topics


def test_subscriptions() -> None:
    """The topics of a prefix with slashes."""
    assert subscriptions("home/nvr") == (
        "home/nvr/reviews",
        "home/nvr/events",
        "home/nvr/available",
        "home/nvr/camera_activity",
        "home/nvr/stats",
        "home/nvr/+/snapshots/state",
        "home/nvr/+/recordings/state",
        "home/nvr/+/+/snapshot",
        "home/nvr/+/+/+/snapshot",
    )


@pytest.mark.parametrize("prefix", ["", "a+", "#", "a/+/b", "a\0b"])
def test_subscriptions_of_no_prefix(prefix: str) -> None:
    """Such a prefix would subscribe to what is not Frigate's."""
    with pytest.raises(ValueError, match="not a topic prefix"):
        subscriptions(prefix)


@pytest.mark.parametrize(
    "topic",
    [
        "frigate",
        "frigate/",
        "frigate/stats",
        "frigate/review",
        "frigate/reviews/more",
        "frigate2/reviews",
        "other/reviews",
        "reviews",
        "frigate/front_door/person",
        "frigate/front_door/snapshot",
        "frigate/front_door/a/b/c/snapshot",
        "frigate/front_door/snapshots/set",
        "frigate/front_door/detect/state",
        "frigate/front_door/motion",
        "Frigate/reviews",
    ],
)
def test_topics_of_others(topic: str) -> None:
    """What is not for us is left alone, whatever it says."""
    assert parse("frigate", topic, b"\xff{", retain=False) is None


# Live snapshots


def test_live_snapshot() -> None:
    """The image is handed on as it came."""
    image = media("0.17.2", "snapshot-mqtt.jpg").read_bytes()

    assert say("front_door/traffic light/snapshot", image) == LiveSnapshotMessage(
        camera="front_door", label="traffic light", image=image, retained=False
    )
    assert say("front_door/person/snapshot", b"no JPEG", retain=True) == (
        LiveSnapshotMessage(
            camera="front_door", label="person", image=b"no JPEG", retained=True
        )
    )


def test_live_snapshot_of_a_label_with_a_slash() -> None:
    """A user may name a label of his model as he likes."""
    message = say("front_door/cat/dog/snapshot", b"x")

    assert isinstance(message, LiveSnapshotMessage)
    assert (message.camera, message.label) == ("front_door", "cat/dog")


def test_live_snapshot_that_is_cleared() -> None:
    """An empty payload is how a retained message is removed."""
    assert say("front_door/person/snapshot", b"") is None


def test_live_snapshot_of_any_size() -> None:
    """16 MiB are let through, a byte more is not."""
    assert say("front_door/person/snapshot", bytes(MAX_IMAGE_BYTES)) is not None
    with pytest.raises(MalformedMessage, match="16777217 bytes"):
        say("front_door/person/snapshot", bytes(MAX_IMAGE_BYTES + 1))


@pytest.mark.parametrize(
    "topic",
    [
        "/person/snapshot",
        f"{'c' * 129}/person/snapshot",
        "front\u202edoor/person/snapshot",
    ],
)
def test_live_snapshot_of_nobody(topic: str) -> None:
    """A camera's name must be one that Frigate's configuration allows."""
    with pytest.raises(MalformedMessage):
        say(topic, b"x")


# Switches, availability, activity


@pytest.mark.parametrize("switch", ["snapshots", "recordings"])
@pytest.mark.parametrize(
    ("payload", "on"),
    [
        (b"ON", True),
        (b"OFF", False),
        (b" ON\n", True),
        (b"on", None),
        (b"Off", None),
        (b"", None),
        (b"\xff", None),
        (b"ON" * 8, None),
        (b"ON" + b" " * 100, True),
        (b"1", None),
    ],
)
def test_switch(switch: str, payload: bytes, on: bool | None) -> None:
    """Frigate echoes commands as they came, so others than ON and OFF occur."""
    message = say(f"front_door/{switch}/state", payload)

    assert isinstance(message, CameraSwitch)
    assert (message.camera, message.switch, message.on) == ("front_door", switch, on)


def test_switch_of_nobody() -> None:
    """A camera has a name."""
    with pytest.raises(MalformedMessage, match="camera"):
        say("/snapshots/state", b"ON")


@pytest.mark.parametrize(
    ("payload", "online"),
    [(b"online", True), (b"offline", False), (b"stopped", False), (b"online\n", True)],
)
def test_availability(payload: bytes, online: bool) -> None:
    """0.18 has a third word."""
    assert say("available", payload) == Availability(online=online)


@pytest.mark.parametrize("payload", [b"", b"ONLINE", b"\xff\xff", b"x" * 1000])
def test_availability_that_says_nothing(payload: bytes) -> None:
    """What can't be read changes nothing."""
    assert say("available", payload) is None


def test_camera_activity() -> None:
    """Cameras that don't tell both switches are left out."""
    message = say(
        "camera_activity",
        {
            "front_door": {"config": {"record": True, "snapshots": False, "audio": 1}},
            "old": {"config": {"record": True}},
            "odd": {"config": {"record": "ON", "snapshots": True}},
            "none": None,
            "empty": {},
            "a\nb": {"config": {"record": True, "snapshots": True}},
        },
    )

    assert message == CameraActivity(
        cameras={
            "front_door": CameraConfig(
                name="front_door", snapshots_enabled=False, recordings_enabled=True
            )
        }
    )


def test_camera_activity_of_very_many() -> None:
    """Anybody may tell of any number of cameras."""
    activity = {
        f"c{number}": {"config": {"snapshots": True, "record": True}}
        for number in range(5000)
    }
    message = say("camera_activity", activity)
    assert isinstance(message, CameraActivity)
    assert list(message.cameras) == [f"c{number}" for number in range(1000)]


def test_camera_activity_that_is_none() -> None:
    """It must be an object."""
    with pytest.raises(MalformedMessage, match="camera_activity is no object"):
        say("camera_activity", [])
