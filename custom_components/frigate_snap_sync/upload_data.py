"""An upload that ended, as automations see it, and the signal that tells of it."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.util import dt as dt_util
from homeassistant.util.signal_type import SignalType

from .const import DOMAIN
from .sync.model.status import UploadEvent

UPLOAD_ENDED: Final[SignalType[ConfigEntry, UploadEvent]] = SignalType(
    f"{DOMAIN}_upload_ended"
)
"""Sent for each upload of any entry, however many come at once."""


@callback
def upload_data(entry: ConfigEntry, event: UploadEvent) -> dict[str, Any]:
    """Return what is known of an upload, fit for JSON; times are local, in ISO 8601."""
    subentry = entry.subentries.get(event.destination_id)
    return {
        "camera": event.camera,
        "media": event.media,
        "labels": list(event.labels),
        "severity": event.severity,
        "zones": list(event.zones),
        "start": _local(event.start),
        "end": None if event.end is None else _local(event.end),
        "duration": None if event.end is None else round(event.end - event.start, 1),
        "size": event.size,
        "destination": None if subentry is None else subentry.title,
        "destination_id": event.destination_id,
        "path": event.path,
        "item": event.item_id,
        "review_id": event.review_id,
        "object_ids": list(event.object_ids),
        "reason": event.reason,
        "config_entry_id": entry.entry_id,
    }


def _local(moment: float) -> str:
    return dt_util.as_local(dt_util.utc_from_timestamp(moment)).isoformat()
