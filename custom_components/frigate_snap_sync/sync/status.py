"""What the engine shows to the outside, as frozen values; times are aware UTC datetimes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """One camera. `…_enabled` is None while unknown; counters never go down."""

    name: str
    snapshots_enabled: bool | None = None
    recordings_enabled: bool | None = None
    snapshots_uploaded: int = 0
    recordings_uploaded: int = 0
    last_upload: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationStatus:
    """One destination. `connected` and `free_space` (bytes) are None while unknown."""

    connected: bool | None = None
    uploads: bool = True
    snapshots_uploaded: int = 0
    recordings_uploaded: int = 0
    data_uploaded: int = 0
    pending_uploads: int = 0
    last_upload: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    free_space: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """Everything the entities show.

    `frigate_connected` is None until Frigate was asked once; `mqtt_connected`
    is the broker's link. `destinations` is keyed by the destination's id.
    """

    frigate_connected: bool | None = None
    frigate_version: str | None = None
    mqtt_connected: bool = False
    uploads: bool = True
    pending_uploads: int = 0
    cameras: Mapping[str, CameraStatus] = field(default_factory=dict)
    destinations: Mapping[str, DestinationStatus] = field(default_factory=dict)
