"""Items to begin with."""

from dataclasses import replace

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.model.item import Item, Media

ITEM = Item(
    media=Media.RECORDINGS,
    source_id="1000.5-abc123",
    camera="front_door",
    label="",
    labels=frozenset({"person", "traffic light"}),
    zones=frozenset({"porch"}),
    severity=Severity.ALERT,
    start=1000.5,
    end=1020.25,
    reported_at=1030.0,
)


RECORDING = Item(
    media=Media.RECORDINGS,
    source_id="1.5-abc",
    camera="front_door",
    label="",
    labels=frozenset({"person"}),
    zones=frozenset({"porch"}),
    severity=Severity.DETECTION,
    start=1000.4,
    end=1020.2,
    reported_at=1030.0,
)
SNAPSHOT = replace(RECORDING, media=Media.SNAPSHOTS, label="person")
LIVE = replace(SNAPSHOT, media=Media.LIVE_SNAPSHOTS, severity=None, zones=frozenset())
