"""What Activity shows: a bus event for each upload that a person cares about."""

from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .const import DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry
from .devices import camera_identifier
from .pacing import Pace
from .sync.model.status import UploadEvent
from .upload_data import UPLOAD_ENDED, upload_data

EVENT_UPLOAD: Final = f"{DOMAIN}_upload"
"""The type of the event, which `logbook.py` describes."""

_QUIET: Final = "live_snapshot"
"""Each review begins with some of these: shown only if they fail."""


@callback
def async_watch(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> CALLBACK_TYPE:
    """Fire the events of an entry, at most one a second; return what ends that."""

    @callback
    def tell(event: UploadEvent, omitted: int) -> None:
        data = upload_data(hass, entry, event)
        # It is recorded, and a signature is not for ever.
        del data["url"]
        hass.bus.async_fire(
            EVENT_UPLOAD,
            {
                **data,
                "verified": event.verified,
                "omitted": omitted,
                ATTR_DEVICE_ID: _camera_device(hass, entry, event),
            },
        )

    pace = Pace(hass, tell)

    @callback
    def ended(other: ConfigEntry, event: UploadEvent) -> None:
        if other is entry and not (event.verified and event.media == _QUIET):
            pace.async_add(event)

    stop_listening = async_dispatcher_connect(hass, UPLOAD_ENDED, ended)

    @callback
    def stop() -> None:
        stop_listening()
        pace.async_stop()

    return stop


def _camera_device(
    hass: HomeAssistant, entry: ConfigEntry, event: UploadEvent
) -> str | None:
    """Return the id of the camera's device: Activity finds an event by one alone.

    On the page of the destination its event entity has a line of its own.
    """
    device = dr.async_get(hass).async_get_device_by_identifier(
        camera_identifier(entry.entry_id, event.camera), entry.entry_id
    )
    return None if device is None else device.id
