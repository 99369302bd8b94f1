"""What Frigate says over MQTT: topics to subscribe to, messages to frozen values.

Anybody on the broker can write anything there. `parse` therefore believes
nothing, is bounded in what it keeps, and raises `MalformedMessage` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
import hashlib
from typing import Final, Literal

from .errors import ImageTooLarge, MalformedMessage
from .fields import (
    MAX_CAMERA_LENGTH,
    MAX_LABELS,
    as_mapping,
    decode_json,
    label_of,
    require_text,
)
from .models import CameraConfig, Review, TrackedObject
from .parsers import parse_camera_activity, parse_object, parse_review

__all__ = [
    "Availability",
    "CameraActivity",
    "CameraSwitch",
    "LiveSnapshotMessage",
    "MalformedMessage",
    "Message",
    "MessageKind",
    "ObjectMessage",
    "ReviewMessage",
    "display_name",
    "parse",
    "subscriptions",
]

DEFAULT_TOPIC_PREFIX: Final = "frigate"
MAX_IMAGE_BYTES: Final = 16 * 1024 * 1024
MAX_JSON_BYTES: Final = 1024 * 1024


class MessageKind(StrEnum):
    """Where in the life of a review or tracked object a message stands.

    The first one seen may be any of them: manual reviews begin with an update,
    and messages get lost.
    """

    NEW = "new"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewMessage:
    """A review began, changed or ended.

    With `END` it is over even if `review.end_time` is None.
    """

    kind: MessageKind
    review: Review


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMessage:
    """A tracked object appeared, changed or left."""

    kind: MessageKind
    object: TrackedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSnapshotMessage:
    """An image that Frigate published; whether it is a whole JPEG is not checked.

    `retained` means that the broker kept it for new subscribers: its age is
    unknown then. `mark` tells labels apart that look the same once they are
    cleaned; it is empty where the label came as it is.
    """

    camera: str
    label: str
    image: bytes
    retained: bool
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSwitch:
    """The state of a camera's switch; `on` is None when it can't be read."""

    camera: str
    switch: Literal["snapshots", "recordings"]
    on: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Frigate is, or is no longer, connected to the broker.

    Frigate up to 0.17 says nothing at a clean stop: `online` stays.
    """

    online: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraActivity:
    """The answer to `onConnect` (Frigate 0.15+): the true values of the switches."""

    cameras: Mapping[str, CameraConfig]


type Message = (
    ReviewMessage
    | ObjectMessage
    | LiveSnapshotMessage
    | CameraSwitch
    | Availability
    | CameraActivity
)

_KINDS: Final = {kind.value: kind for kind in MessageKind}
_AVAILABILITY: Final = {b"online": True, b"offline": False, b"stopped": False}
_SWITCH_VALUES: Final = {b"ON": True, b"OFF": False}


def display_name(topic_prefix: str) -> str:
    """Return what a Frigate is called, whose topics begin so."""
    if topic_prefix == DEFAULT_TOPIC_PREFIX:
        return "Frigate"
    return f"Frigate ({topic_prefix})"


def subscriptions(topic_prefix: str) -> tuple[str, ...]:
    """Return the topic filters that bring every message `parse` understands.

    And `stats`, which it doesn't: Frigate publishes it every minute, so it is a
    sign of life where nothing else happens.

    Raises ValueError if the prefix can't be part of a topic (empty, or with
    `+`, `#` or a NUL in it).
    """
    if not topic_prefix or any(char in topic_prefix for char in "+#\0"):
        raise ValueError("not a topic prefix")
    return tuple(
        f"{topic_prefix}/{topic}"
        for topic in (
            "reviews",
            "events",
            "available",
            "camera_activity",
            "stats",
            "+/snapshots/state",
            "+/recordings/state",
            "+/+/snapshot",
            # A label of the model may hold a slash
            "+/+/+/snapshot",
        )
    )


def parse(
    topic_prefix: str,
    topic: str,
    payload: bytes,
    *,
    retain: bool,
    most_labels: int = MAX_LABELS,
) -> Message | None:
    """Return what a message says, or None if it is not for us or says nothing.

    `retain` is the flag of the message as received: true only for what the
    broker replays to a new subscription. A review or tracked object has at most
    `most_labels` labels and as many zones.

    Raises:
        MalformedMessage: The message should say something, but can't be read.

    """
    prefix = f"{topic_prefix}/"
    if not topic.startswith(prefix):
        return None
    match topic.removeprefix(prefix).split("/"):
        case ["reviews"]:
            return _review(payload, most_labels)
        case ["events"]:
            return _object(payload, most_labels)
        case ["available"]:
            online = _AVAILABILITY.get(payload[:16].strip())
            return None if online is None else Availability(online=online)
        case ["camera_activity"]:
            return CameraActivity(
                cameras=parse_camera_activity(
                    decode_json(payload, limit=MAX_JSON_BYTES)
                )
            )
        case [camera, "snapshots" | "recordings" as switch, "state"]:
            return CameraSwitch(
                camera=_camera(camera),
                switch="snapshots" if switch == "snapshots" else "recordings",
                on=_SWITCH_VALUES.get(payload[:16].strip()),
            )
        case [camera, *label, "snapshot"] if 1 <= len(label) <= 2:
            return _live_snapshot(camera, "/".join(label), payload, retain=retain)
    return None


def _review(payload: bytes, most_labels: int) -> ReviewMessage | None:
    if (found := _kind_and_state(payload)) is None:
        return None
    kind, after = found
    return ReviewMessage(kind=kind, review=parse_review(after, most_labels=most_labels))


def _object(payload: bytes, most_labels: int) -> ObjectMessage | None:
    if (found := _kind_and_state(payload)) is None:
        return None
    kind, after = found
    return ObjectMessage(kind=kind, object=parse_object(after, most_labels=most_labels))


def _kind_and_state(payload: bytes) -> tuple[MessageKind, object] | None:
    """Return kind and newest state of a `{type, before, after}` message.

    None for kinds that tell of no change in the scene, such as `genai` (Frigate
    0.17+), whose times are widened copies and must not be believed.
    """
    document = as_mapping(decode_json(payload, limit=MAX_JSON_BYTES), "message")
    kind = document.get("type")
    if not isinstance(kind, str):
        raise MalformedMessage("type is missing or no text")
    if kind not in _KINDS:
        return None
    return _KINDS[kind], document.get("after")


def _live_snapshot(
    camera: str, label: str, payload: bytes, *, retain: bool
) -> LiveSnapshotMessage | None:
    if not payload:
        return None  # how a retained message is cleared
    if len(payload) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(
            f"image of {len(payload)} bytes, more than {MAX_IMAGE_BYTES}"
        )
    clean = label_of(label)
    return LiveSnapshotMessage(
        camera=_camera(camera),
        label=clean,
        image=payload,
        retained=retain,
        mark="" if clean == label else _digest(label),
    )


def _digest(label: str) -> str:
    data = label.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:16]


def _camera(name: str) -> str:
    return require_text(name, "camera", limit=MAX_CAMERA_LENGTH)
