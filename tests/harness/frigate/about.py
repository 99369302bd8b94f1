"""What the simulated Frigate tells of itself: configuration, switches, statistics."""

from collections.abc import Iterable
from typing import Any

from .model import Camera, TrackedObject
from .payloads import HEIGHT, WIDTH
from .versions import Version


def config_document(
    version: Version,
    cameras: Iterable[Camera],
    *,
    topic_prefix: str,
    client_id: str,
    mqtt_enabled: bool,
    live: bool,
) -> dict[str, Any]:
    """Return `/api/config`, as much of it as says something of this house.

    With `live` go2rtc has a stream of each camera, from which Frigate records.
    """
    cameras = tuple(cameras)
    streams = {camera.name: [f"rtsp://{camera.name}.local/1"] for camera in cameras}
    return {
        "version": version.config_version,
        "safe_mode": False,
        "environment_vars": {},
        "logger": {"default": "info", "logs": {}},
        "auth": {"enabled": True, "cookie_name": "frigate_token"},
        "mqtt": {
            "enabled": mqtt_enabled,
            "host": "127.0.0.1",
            "port": 1883,
            "topic_prefix": topic_prefix,
            "client_id": client_id,
            "stats_interval": 60,
            "user": "frigate",
        },
        "go2rtc": {"streams": streams} if live else {},
        "cameras": {camera.name: _camera_config(version, camera) for camera in cameras},
    }


def safe_mode_document(version: Version) -> dict[str, Any]:
    """Return `/api/config` where the configuration can't be read: the defaults."""
    document = config_document(
        version,
        (),
        topic_prefix="frigate",
        client_id="frigate",
        mqtt_enabled=False,
        live=False,
    )
    return document | {"safe_mode": True}


def _camera_config(version: Version, camera: Camera) -> dict[str, Any]:
    keep = {"pre_capture": 5, "post_capture": 5, "retain": {"days": 10.0}}
    return {
        "name": camera.name,
        "enabled": True,
        "ffmpeg": {
            "inputs": [
                {
                    "path": f"rtsp://127.0.0.1:8554/{camera.name}",
                    "roles": ["record", "detect"],
                }
            ]
        },
        "detect": {"enabled": True, "height": HEIGHT, "width": WIDTH, "fps": 5},
        "record": {
            "enabled": camera.recordings,
            "enabled_in_config": camera.recordings_in_config,
            **_retention(version, days=1.0 if camera.keeps_everything else 0.0),
            "alerts": keep,
            "detections": keep,
        },
        "snapshots": {"enabled": camera.snapshots, "timestamp": False, "quality": 70},
        "mqtt": {
            "enabled": camera.mqtt,
            "timestamp": True,
            "bounding_box": True,
            "crop": True,
            "height": 270,
            "required_zones": [],
            "quality": 70,
        },
        "objects": {"track": ["person", "car", "dog", "traffic light"]},
        "review": {"alerts": {"labels": ["person", "car"], "required_zones": []}},
        "zones": {zone: {"coordinates": "0.5,0,1,0,1,1"} for zone in camera.zones},
    }


def _retention(version: Version, *, days: float) -> dict[str, Any]:
    """Return how long footage is kept in which nothing happens."""
    if version.minor >= 17:
        return {"continuous": {"days": days}, "motion": {"days": 0.0}}
    return {"retain": {"days": days, "mode": "all"}}


def camera_activity(
    version: Version, cameras: Iterable[tuple[Camera, list[TrackedObject]]]
) -> dict[str, Any]:
    """Return the answer to `onConnect`."""
    return {
        camera.name: {
            "motion": bool(objects),
            "objects": [
                {
                    "id": tracked.id,
                    "label": tracked.label,
                    "stationary": False,
                    "area": 11096,
                    "ratio": 0.48,
                    "score": tracked.score,
                    "sub_label": tracked.sub_label,
                    "current_zones": list(tracked.zones),
                }
                for tracked in objects
            ],
            "config": _live_config(version, camera),
        }
        for camera, objects in cameras
    }


def _live_config(version: Version, camera: Camera) -> dict[str, Any]:
    config: dict[str, Any] = {
        "detect": True,
        "enabled": True,
        "snapshots": camera.snapshots,
        "record": camera.recordings,
        "audio": False,
        "notifications": False,
        "notifications_suspended": 0,
        "autotracking": False,
    }
    if version.minor >= 16:
        config |= {"alerts": True, "detections": True}
    if version.minor >= 17:
        config |= {
            "audio_transcription": False,
            "object_descriptions": False,
            "review_descriptions": False,
        }
    return config


def camera_states(version: Version, camera: Camera) -> dict[str, str]:
    """Return what is published of a camera at each connect, by topic below it."""
    states = {
        # Not the live value: known to be wrong after a reconnect.
        "recordings/state": _on_off(camera.recordings_in_config),
        "snapshots/state": _on_off(camera.snapshots),
        "audio/state": "OFF",
        "detect/state": "ON",
        "motion/state": "ON",
        "improve_contrast/state": "ON",
        "ptz_autotracker/state": "OFF",
        "motion_threshold/state": "30",
        "motion_contour_area/state": "10",
        "birdseye/state": "ON",
        "birdseye_mode/state": "OBJECTS",
    }
    if version.minor >= 16:
        states |= {
            "enabled/state": "ON",
            "review_alerts/state": "ON",
            "review_detections/state": "ON",
        }
    if version.minor >= 17:
        states |= {
            "object_descriptions/state": "OFF",
            "review_descriptions/state": "OFF",
        }
    if version.minor >= 18:
        states |= {f"zone/{zone}/state": "ON" for zone in camera.zones}
    return states


def _on_off(on: bool) -> str:
    return "ON" if on else "OFF"


def stats_document(
    version: Version, cameras: Iterable[Camera], *, uptime: float, now: float
) -> dict[str, Any]:
    """Return `/api/stats`, which is also what goes to the topic `stats`."""
    return {
        "cameras": {
            camera.name: {
                "camera_fps": 5.0 if camera.sends else 0.0,
                "process_fps": 5.0 if camera.sends else 0.0,
                "skipped_fps": 0.0,
                "detection_fps": 1.2,
                "detection_enabled": True,
                "pid": None,
                "capture_pid": None,
                "ffmpeg_pid": 0,
            }
            for camera in cameras
        },
        "detectors": {},
        "detection_fps": 2.4,
        "cpu_usages": {},
        "service": {
            "uptime": int(uptime),
            "version": version.full,
            "latest_version": "disabled",
            "storage": {"/media/frigate/recordings": {}},
            "last_updated": int(now),
        },
    }
