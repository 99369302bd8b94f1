"""What Frigate tells us, as frozen values; times are epoch seconds (UTC) of Frigate's clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """Frigate's two severities of a review."""

    ALERT = "alert"
    DETECTION = "detection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review, as MQTT and `/api/review` describe it.

    `end_time` is None while it is active and also when Frigate sends a value that
    can't be a time (endless manual events that were cut: 9223372036854775807).
    `ended` is true as soon as Frigate names any end, such a one too.
    `labels` holds `data.objects` without Frigate's `-verified` ending and
    without `: sub label`, together with `data.sub_labels` and `data.audio`.
    `detections` are the ids of its tracked objects, the first ones of very many.
    """

    id: str
    camera: str
    start_time: float
    end_time: float | None
    severity: Severity
    labels: frozenset[str]
    zones: frozenset[str]
    ended: bool = False
    detections: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedObject:
    """A tracked object (Frigate's "event"), as MQTT and `/api/events` describe it.

    `severity` is Frigate's `max_severity`, None where it is unknown. `sub_labels`
    are the names in `sub_label`, which may hold several with commas between.
    `end_time` is never before `start_time`, whatever became of Frigate's clock. It is
    None while the object is tracked, and also when Frigate names an end that can't
    be a time (`has_odd_end`).
    `pictured` is when the frame was taken that its snapshot shows, None where that
    is unknown: over MQTT it always is, in rows of the API from Frigate 0.18 on.
    """

    id: str
    camera: str
    label: str
    sub_label: str | None
    start_time: float
    end_time: float | None
    severity: Severity | None
    zones: frozenset[str]
    has_snapshot: bool
    false_positive: bool
    has_odd_end: bool = False
    sub_labels: frozenset[str] = frozenset()
    pictured: float | None = None

    @property
    def ended(self) -> bool:
        """Tell whether Frigate names any end, such an odd one too."""
        return self.has_odd_end or self.end_time is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tracked objects of an answer, and the start of the oldest row in it.

    `oldest` counts rows that can't be understood, too. It is None if the answer
    had fewer rows than were asked for: there are no older ones.
    """

    objects: list[TrackedObject]
    oldest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraConfig:
    """A camera in Frigate's configuration, with the live values of its switches.

    `enabled` is false for a camera that is switched off as a whole. `friendly_name`
    is what people call it (Frigate 0.17+), None if it has no such name.
    `keeps_everything` tells whether its footage is kept though nothing happens, if it
    is recorded at all.
    """

    name: str
    friendly_name: str | None = None
    snapshots_enabled: bool
    recordings_enabled: bool
    keeps_everything: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """How go2rtc shows a camera: `stream` is the name of its stream.

    `is_recorded` tells whether Frigate surely records that one: a camera may have
    another of few pixels. `detect_stream` is the one that Frigate detects on, None if
    it is the same, or go2rtc does not have it. `others` show the camera, too: Frigate
    may keep one from its user and give another.
    """

    stream: str
    others: tuple[str, ...] = ()
    is_recorded: bool = False
    detect_stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrigateConfig:
    """The part of `/api/config` that matters here.

    In `safe_mode` (Frigate 0.17+: it could not read its configuration) cameras
    may be missing that still exist. `live` has the cameras that go2rtc shows.
    """

    mqtt_enabled: bool
    topic_prefix: str
    cameras: Mapping[str, CameraConfig]
    safe_mode: bool = False
    live: Mapping[str, LiveSource] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Tell whether all cameras are listed; a list without any says nothing."""
        return bool(self.cameras) and not self.safe_mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of footage that Frigate has on disk (`/api/{camera}/recordings`)."""

    start_time: float
    end_time: float
    size: int | None = None
    """In bytes, about; None where Frigate does not tell."""


class Segments(list[Segment]):
    """The footage that Frigate has on disk for some time."""

    def __init__(self, segments: Iterable[Segment] = (), *, left_out: int = 0) -> None:
        """Keep the segments; `left_out` are the rows that can't be understood."""
        super().__init__(segments)
        self.left_out = left_out
