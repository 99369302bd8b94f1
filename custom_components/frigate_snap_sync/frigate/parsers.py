"""Frigate's JSON objects to frozen values; the same for MQTT and for HTTP.

Every function raises `MalformedMessage` when a part is missing that nothing can
replace (id, camera, start, label), and treats any other odd part as missing. Odd
labels and zones are cleaned: they are no reason to drop anything.
Unknown parts are ignored: each release of Frigate adds some.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from .errors import MalformedMessage
from .fields import (
    MAX_CAMERA_LENGTH,
    MAX_ID_LENGTH,
    MAX_LABELS,
    as_mapping,
    clean_text,
    label_of,
    mapping_or_empty,
    names,
    number_or_none,
    require_text,
    require_time,
    text_or_none,
    texts,
    time_or_none,
)
from .live_config import live_sources
from .models import (
    CameraConfig,
    FrigateConfig,
    Review,
    Segment,
    Severity,
    TrackedObject,
)

MAX_PREFIX_LENGTH: Final = 256
MAX_CAMERAS: Final = 1000
"""More than any Frigate has; anybody may write a message that tells of more."""

MAX_DETECTIONS: Final = 256
"""Tracked objects of a review that are looked after; MQTT tells of others itself."""

_VERIFIED: Final = "-verified"
_SEVERITIES: Final = {severity.value: severity for severity in Severity}


def parse_review(value: object, *, most_labels: int = MAX_LABELS) -> Review:
    """Read a review: `before`/`after` of the topic `reviews`, or a row of `/api/review`.

    It has at most `most_labels` labels, and as many zones.
    A severity that is neither of the two known ones counts as detection: the
    lesser claim, and the footage is kept all the same.
    """
    row = as_mapping(value, "review")
    start = require_time(row.get("start_time"), "start_time of a review")
    data = mapping_or_empty(row.get("data"))
    labels = [
        _plain_label(label) for label in texts(data.get("objects"), most=most_labels)
    ]
    labels.extend(names(data.get("sub_labels")))
    labels.extend(texts(data.get("audio"), most=most_labels))
    return Review(
        id=_id(row, "review"),
        camera=_camera(row.get("camera")),
        start_time=start,
        end_time=_end_time(row.get("end_time"), start),
        severity=_severity(row.get("severity")) or Severity.DETECTION,
        labels=frozenset(list(dict.fromkeys(labels))[:most_labels]),
        zones=frozenset(texts(data.get("zones"), most=most_labels)),
        ended=row.get("end_time") is not None,
        detections=frozenset(islice(_ids(data.get("detections")), MAX_DETECTIONS)),
    )


def parse_object(value: object, *, most_labels: int = MAX_LABELS) -> TrackedObject:
    """Read a tracked object: `after` of the topic `events`, or a row of `/api/events`.

    It has at most `most_labels` zones.
    The two differ: `sub_label` is `[text, score]` or text, the zones are
    `entered_zones` or `zones`, and `max_severity` lies on top or in `data`: Frigate
    0.15+; null there says that it is no alert, and counts as detection. The moment
    of the picture is `snapshot.frame_time`, or `data.snapshot_frame_time` (0.18+).
    """
    row = as_mapping(value, "tracked object")
    start = require_time(row.get("start_time"), "start_time of a tracked object")
    end = _end_time(row.get("end_time"), start)
    data = mapping_or_empty(row.get("data"))
    if "label" not in row:
        raise MalformedMessage("label of a tracked object is missing")
    sub_label = row.get("sub_label")
    if isinstance(sub_label, list):
        sub_label = sub_label[0] if sub_label else None
    if not isinstance(sub_label, str):
        sub_label = None
    zones = row.get("entered_zones", row.get("zones"))
    severity = _severity(row.get("max_severity")) or _severity(data.get("max_severity"))
    if severity is None and ("max_severity" in row or "max_severity" in data):
        severity = Severity.DETECTION
    pictured = time_or_none(mapping_or_empty(row.get("snapshot")).get("frame_time"))
    if pictured is None:
        pictured = time_or_none(data.get("snapshot_frame_time"))
    return TrackedObject(
        id=_id(row, "tracked object"),
        camera=_camera(row.get("camera")),
        label=label_of(row["label"]),
        sub_label=clean_text(sub_label) or None if sub_label else None,
        sub_labels=frozenset(names(sub_label)),
        start_time=start,
        end_time=end,
        severity=severity,
        zones=frozenset(texts(zones, most=most_labels)),
        has_snapshot=row.get("has_snapshot") is True,
        false_positive=row.get("false_positive") is True,
        has_odd_end=end is None and row.get("end_time") is not None,
        pictured=pictured,
    )


def parse_segment(value: object) -> Segment:
    """Read a row of `/api/{camera}/recordings`."""
    row = as_mapping(value, "recording")
    start = require_time(row.get("start_time"), "start_time of a recording")
    end = require_time(row.get("end_time"), "end_time of a recording")
    if end < start:
        raise MalformedMessage("recording ends before it starts")
    size = number_or_none(row.get("segment_size"))  # MiB, with two digits
    return Segment(
        start_time=start,
        end_time=end,
        size=None if size is None or size < 0 else round(size * 1024 * 1024),
    )


def parse_day(value: object) -> list[int]:
    """Read a row of `/api/{camera}/recordings/summary?timezone=utc`: a day.

    Returns the hours in which footage begins, by their first second (epoch).
    """
    row = as_mapping(value, "day of recordings")
    hours = row.get("hours")
    if not isinstance(hours, list):
        raise MalformedMessage("day of recordings has no hours")
    return [
        _hour(row.get("day"), as_mapping(hour, "hour").get("hour")) for hour in hours
    ]


def _hour(day: object, hour: object) -> int:
    try:
        moment = datetime.strptime(f"{day} {hour}", "%Y-%m-%d %H")
    except ValueError as err:
        raise MalformedMessage("hour of recordings is none") from err
    return int(moment.replace(tzinfo=UTC).timestamp())


def parse_config(value: object) -> FrigateConfig:
    """Read the document of `/api/config`.

    Cameras with unusable names are left out, and those after the first 1,000.
    """
    document = as_mapping(value, "config")
    mqtt = as_mapping(document.get("mqtt"), "mqtt of the config")
    cameras = as_mapping(document.get("cameras"), "cameras of the config")
    return FrigateConfig(
        mqtt_enabled=mqtt.get("enabled") is not False,
        topic_prefix=require_text(
            mqtt.get("topic_prefix"), "mqtt.topic_prefix", limit=MAX_PREFIX_LENGTH
        ),
        cameras=_cameras(
            (
                name,
                {
                    "enabled": mapping_or_empty(camera).get("enabled"),
                    "friendly_name": mapping_or_empty(camera).get("friendly_name"),
                    "snapshots": mapping_or_empty(
                        mapping_or_empty(camera).get("snapshots")
                    ).get("enabled"),
                    "record": mapping_or_empty(
                        mapping_or_empty(camera).get("record")
                    ).get("enabled"),
                    "keeps_everything": _keeps_everything(
                        mapping_or_empty(mapping_or_empty(camera).get("record"))
                    ),
                },
            )
            for name, camera in cameras.items()
        ),
        safe_mode=document.get("safe_mode") is True,
        live=live_sources(document),
    )


def parse_camera_activity(value: object) -> Mapping[str, CameraConfig]:
    """Read the message `camera_activity` (Frigate 0.15+): live values of switches.

    Cameras that don't tell both switches are left out, and those after the
    first 1,000.
    """
    return _cameras(
        (name, mapping_or_empty(mapping_or_empty(camera).get("config")))
        for name, camera in as_mapping(value, "camera_activity").items()
    )


def _cameras(
    switches: Iterable[tuple[str, Mapping[str, object]]],
) -> Mapping[str, CameraConfig]:
    """Build the cameras whose name is usable and whose two switches are booleans.

    At most the first `MAX_CAMERAS` of them.
    """
    cameras: dict[str, CameraConfig] = {}
    for name, values in switches:
        if len(cameras) >= MAX_CAMERAS:
            break
        snapshots, record = values.get("snapshots"), values.get("record")
        if (
            text_or_none(name, limit=MAX_CAMERA_LENGTH) is not None
            and isinstance(snapshots, bool)
            and isinstance(record, bool)
        ):
            cameras[name] = CameraConfig(
                name=name,
                friendly_name=text_or_none(
                    values.get("friendly_name"), limit=MAX_CAMERA_LENGTH
                ),
                snapshots_enabled=snapshots,
                recordings_enabled=record,
                keeps_everything=values.get("keeps_everything") is True,
                # Frigate 0.14 and 0.15 tell it in the configuration alone.
                enabled=values.get("enabled") is not False,
            )
    return cameras


def _keeps_everything(record: Mapping[str, object]) -> bool:
    """Tell whether footage in which nothing happens is kept, if only for a day."""
    if "continuous" in record:  # Frigate 0.17+
        days = mapping_or_empty(record["continuous"]).get("days")
    else:
        retain = mapping_or_empty(record.get("retain"))
        days = retain.get("days") if retain.get("mode") == "all" else None
    return (number_or_none(days) or 0.0) > 0


def _id(row: Mapping[str, object], what: str) -> str:
    return require_text(row.get("id"), f"id of a {what}", limit=MAX_ID_LENGTH)


def _ids(value: object) -> Iterator[str]:
    """Yield the usable ids of a JSON list."""
    for item in value if isinstance(value, list) else ():
        if (text := text_or_none(item, limit=MAX_ID_LENGTH)) is not None:
            yield text


def _camera(value: object) -> str:
    return require_text(value, "camera", limit=MAX_CAMERA_LENGTH)


def _severity(value: object) -> Severity | None:
    return _SEVERITIES.get(value) if isinstance(value, str) else None


def _end_time(value: object, start: float) -> float | None:
    """Return an end that can be one: not before the start.

    Frigate's clock may have been set back meanwhile. Then it ended all the same.
    """
    end = time_or_none(value)
    return None if end is None else max(end, start)


def _plain_label(label: str) -> str:
    """Cut what Frigate adds to a label: `person-verified`, `doorbell: bell`."""
    plain, _, _ = label.partition(": ")
    return plain.removesuffix(_VERIFIED) or label
