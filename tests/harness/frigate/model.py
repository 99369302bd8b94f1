"""What the simulated Frigate knows of: cameras, tracked objects, reviews."""

from dataclasses import dataclass, field

from .footage import Footage

ENDLESS = 9223372036854775807
"""The end time of a manual event without a duration, as Frigate publishes it."""


@dataclass(slots=True, kw_only=True)
class Camera:
    """A camera of the configuration with the live values of its switches.

    `recordings_in_config` is what Frigate says of the recordings at each
    connect to the broker, whatever the live value is.
    """

    name: str
    footage: Footage
    recordings: bool = True
    recordings_in_config: bool = True
    snapshots: bool = True
    mqtt: bool = True
    """Whether snapshots go to MQTT (`cameras.<name>.mqtt.enabled`)."""
    zones: tuple[str, ...] = ()
    sends: bool = True
    """Whether it sends Frigate pictures; if not, Frigate shows one that says so."""
    keeps_everything: bool = False
    """Whether footage is kept though nothing happens."""


@dataclass(slots=True, kw_only=True)
class TrackedObject:
    """A tracked object; Frigate's "event"."""

    id: str
    camera: str
    label: str
    sub_label: str | None
    start: float
    end: float | None = None
    severity: str | None
    zones: list[str] = field(default_factory=list)
    score: float = 0.6
    best_frame: float
    """The moment whose picture is kept."""
    confirmed: bool = False
    """Whether it is past the false positive threshold, and so in the database."""
    has_snapshot: bool = True
    has_clip: bool = True
    manual: bool = False
    frame: float
    """The last frame it was seen in."""
    path: list[float] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Review:
    """A review, as it stands in the database."""

    id: str
    camera: str
    start: float
    end: float | None = None
    severity: str
    objects: list[TrackedObject]
    audio: list[str] = field(default_factory=list)
    thumb_time: float | None
    reviewed: bool = False
    last_alert: float
    last_activity: float
