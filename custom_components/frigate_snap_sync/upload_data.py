"""An upload that ended, as automations see it, and the signal that tells of it."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.signal_type import SignalType

from .const import DOMAIN
from .media_ids import async_signed_path, media_content_id
from .stored_files import FileKey, Media
from .sync.model.status import UploadEvent

UPLOAD_ENDED: Final[SignalType[ConfigEntry, UploadEvent]] = SignalType(
    f"{DOMAIN}_upload_ended"
)
"""Sent for each upload of any entry, however many come at once."""


@callback
def upload_data(
    hass: HomeAssistant, entry: ConfigEntry, event: UploadEvent
) -> dict[str, Any]:
    """Return what is known of an upload, fit for JSON; times are local, in ISO 8601.

    The URL of what has arrived is relative, and may be opened without a login for a
    day, so that a notification can show it.
    """
    key = _key_of(event)
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
        "cause": event.cause,
        "config_entry_id": entry.entry_id,
        "media_content_id": None
        if key is None
        else media_content_id(entry.entry_id, key),
        "url": None if key is None else async_signed_path(hass, entry.entry_id, key),
    }


def _key_of(event: UploadEvent) -> FileKey | None:
    """Return how the file is found again, None if it has not arrived."""
    if not event.verified or event.file is None:
        return None
    item = FileKey(media=Media(f"{event.media}s"), source_id=event.item_id)
    return FileKey.parse(event.media, item.token, event.file)


def _local(moment: float) -> str:
    return dt_util.as_local(dt_util.utc_from_timestamp(moment)).isoformat()
