"""Objects and reviews as JSON, in the shapes that real Frigates were seen to send."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .footage import Segment
from .model import Review, TrackedObject
from .versions import Version

WIDTH, HEIGHT = 640, 360
"""The detect resolution of every camera."""

# Logos that Frigate's models see on cars; the real list is longer.
_ATTRIBUTES = frozenset({"amazon", "dhl", "fedex", "ups", "usps"})


def _box(tracked: TrackedObject) -> list[int]:
    """Return the corners of the object's box: it walks and grows as it is seen."""
    step = min(len(tracked.path), 8)
    left = 57 + 30 * step
    return [left, 90, left + 61 + 5 * step, 212 + 11 * step]


def _snapshot_info(version: Version, tracked: TrackedObject) -> dict[str, Any]:
    left, top, right, bottom = box = _box(tracked)
    info: dict[str, Any] = {
        "frame_time": tracked.best_frame,
        "box": box,
        "area": (right - left) * (bottom - top),
        "region": [max(0, left - 60), 0, max(0, left - 60) + HEIGHT, HEIGHT],
        "score": tracked.score,
        "attributes": [],
    }
    if version.minor >= 16:
        info |= {
            "current_estimated_speed": 0,
            "velocity_angle": 0,
            "path_data": [],
            "recognized_license_plate": None,
            "recognized_license_plate_score": None,
        }
    return info


def event_state(version: Version, tracked: TrackedObject) -> dict[str, Any]:
    """Return `before` or `after` of an `events` message: the object as it is now."""
    left, top, right, bottom = box = _box(tracked)
    state: dict[str, Any] = {
        "id": tracked.id,
        "camera": tracked.camera,
        "frame_time": tracked.frame,
        "snapshot": _snapshot_info(version, tracked) if tracked.confirmed else None,
        "label": tracked.label,
        # Text and score here, text alone in the HTTP API.
        "sub_label": [tracked.sub_label, 0.9] if tracked.sub_label else None,
        "top_score": tracked.score if tracked.confirmed else 0.0,
        "false_positive": not tracked.confirmed,
        "start_time": tracked.start,
        "end_time": tracked.end,
        "score": tracked.score,
        "box": box,
        "area": (right - left) * (bottom - top),
        "ratio": round((right - left) / (bottom - top), 2),
        "region": [max(0, left - 60), 0, max(0, left - 60) + HEIGHT, HEIGHT],
        "stationary": False,
        "motionless_count": 0,
        "position_changes": 1 + len(tracked.path) // 3,
        "current_zones": list(tracked.zones),
        "entered_zones": list(tracked.zones),
        "has_clip": tracked.has_clip and tracked.confirmed,
        "has_snapshot": tracked.has_snapshot and tracked.confirmed,
        "attributes": {},
        "current_attributes": [],
    }
    if version.minor >= 15:
        state |= {"pending_loitering": False, "max_severity": tracked.severity}
    if version.minor >= 16:
        state |= {
            "active": True,
            "current_estimated_speed": 0,
            "average_estimated_speed": 0,
            "velocity_angle": 0,
            "path_data": _path(tracked),
            "recognized_license_plate": None,
        }
    if version.minor >= 17 and tracked.confirmed:
        state["score_history"] = [tracked.score]
    if version.minor >= 18:
        state |= {"snapshot_clean": True, "computed_score": tracked.score}
    return state


def _path(tracked: TrackedObject) -> list[list[Any]]:
    return [
        [[round(0.18 + 0.06 * step, 4), round(0.62 + 0.03 * step, 4)], moment]
        for step, moment in enumerate(tracked.path[-12:])
    ]


def event_row(
    version: Version, tracked: TrackedObject, *, item: bool
) -> dict[str, Any]:
    """Return an object as `/api/events` (or, `item`, `/api/events/{id}`) shows it."""
    data: dict[str, Any]
    if tracked.manual:
        data = {"type": "api", "score": tracked.score, "top_score": tracked.score}
        if version.minor >= 18:
            data |= {"snapshot_clean": True, "draw": {}}
    else:
        left, top, right, bottom = _box(tracked)
        data = {
            "box": [
                left / WIDTH,
                top / HEIGHT,
                (right - left) / WIDTH,
                (bottom - top) / HEIGHT,
            ],
            "region": [max(0, left - 60) / WIDTH, 0.0, HEIGHT / WIDTH, 1.0],
            "score": tracked.score,
            "top_score": tracked.score,
            "attributes": [],
            "type": "object",
        }
        if version.minor >= 15:
            data["max_severity"] = tracked.severity
        if version.minor >= 16:
            data |= {
                "average_estimated_speed": 0,
                "velocity_angle": 0,
                "path_data": _path(tracked),
            }
        if version.minor >= 18:
            data |= {
                "snapshot_clean": True,
                "snapshot_frame_time": tracked.best_frame,
                "snapshot_area": (right - left) * (bottom - top),
                "snapshot_estimated_speed": 0,
            }
    row: dict[str, Any] = {
        "id": tracked.id,
        "label": tracked.label,
        "sub_label": tracked.sub_label,
        "camera": tracked.camera,
        "start_time": tracked.start,
        "end_time": tracked.end,
        "false_positive": False,
        "zones": list(tracked.zones),
        "thumbnail": None,
        "has_clip": tracked.has_clip,
        "has_snapshot": tracked.has_snapshot,
        "retain_indefinitely": False,
        "plus_id": None,
        "data": data,
    }
    if item:
        row |= {"model_hash": None, "detector_type": None, "model_type": None}
    else:
        row |= {"top_score": None, "box": []}
    return row


def _review_label(tracked: TrackedObject) -> str:
    if not tracked.sub_label:
        return tracked.label
    if tracked.manual:
        return f"{tracked.label}: {tracked.sub_label}"
    if tracked.sub_label in _ATTRIBUTES:
        return tracked.sub_label
    return f"{tracked.label}-verified"


def review_row(version: Version, review: Review) -> dict[str, Any]:
    """Return a review as MQTT shows it, and HTTP but for `has_been_reviewed`."""
    labels: list[str] = []
    zones: list[str] = []
    for tracked in review.objects:
        label = _review_label(tracked)
        if label not in labels:
            labels.append(label)
        zones += [zone for zone in tracked.zones if zone not in zones]
    data: dict[str, Any] = {
        "detections": [tracked.id for tracked in review.objects],
        "objects": labels,
        "sub_labels": [
            tracked.sub_label
            for tracked in review.objects
            if tracked.sub_label and not tracked.manual
        ],
        "zones": zones,
        "audio": list(review.audio),
    }
    if version.minor >= 17:
        data |= {
            "verified_objects": [],
            "thumb_time": review.thumb_time,
            "metadata": None,
        }
    return {
        "id": review.id,
        "camera": review.camera,
        "start_time": review.start,
        "end_time": review.end,
        "severity": review.severity,
        "thumb_path": "/media/frigate/clips/review/"
        f"thumb-{review.camera}-{review.id}.webp",
        "data": data,
    }


def recording_row(version: Version, segment: Segment) -> dict[str, Any]:
    """Return a row of `/api/{camera}/recordings`."""
    row: dict[str, Any] = {
        "id": segment.id,
        "start_time": segment.start,
        "end_time": segment.end,
        "segment_size": 0.16,
        "motion": 34,
        "objects": 30,
        "duration": float(segment.end - segment.start),
    }
    if version.minor >= 18:
        row["motion_heatmap"] = {}
    return row


def recordings_summary(
    segments: Iterable[Segment], events: Iterable[float]
) -> list[dict[str, Any]]:
    """Return the days of `/api/{camera}/recordings/summary`, newest first, in UTC.

    `events` are the starts of the camera's objects that have a clip.
    """
    by_hour: dict[int, list[Segment]] = {}
    for segment in segments:
        by_hour.setdefault(segment.start // 3600, []).append(segment)
    events_by_hour = Counter(int(start // 3600) for start in events)
    days: dict[str, dict[str, Any]] = {}
    for hour, found in sorted(by_hour.items(), reverse=True):
        moment = datetime.fromtimestamp(hour * 3600, UTC)
        name = f"{moment:%Y-%m-%d}"
        day = days.setdefault(name, {"events": 0, "hours": [], "day": name})
        day["events"] += events_by_hour[hour]
        day["hours"].append(
            {
                "hour": f"{moment:%H}",
                "events": events_by_hour[hour],
                "motion": 34 * len(found),
                "objects": 30 * len(found),
                "duration": sum(segment.end - segment.start for segment in found),
            }
        )
    return list(days.values())
