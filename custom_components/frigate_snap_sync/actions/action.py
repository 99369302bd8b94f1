"""What actions are, and what they have in common: fields, and how those are understood."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
import re
from typing import Any, Final

import voluptuous as vol

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    service,
)
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..coordinator import FrigateSnapSyncConfigEntry
from ..devices import camera_of_device, destination_identifier

ATTR_CAMERA: Final = "camera"
ATTR_CONFIG_ENTRY_ID: Final = "config_entry_id"
ATTR_DESTINATION: Final = "destination"
ATTR_END: Final = "end"
ATTR_ITEM: Final = "item"
ATTR_START: Final = "start"
ATTR_STATE: Final = "state"

_DEVICE_ID: Final = re.compile(r"[0-9a-f]{32}")
"""What Home Assistant calls devices; also one that was deleted since."""

ENTRY_FIELD: Final = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
"""The field that every action begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action; `services.py` registers all of them."""

    name: str
    run: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema
    supports_response: SupportsResponse = SupportsResponse.OPTIONAL


def entry_of(call: ServiceCall) -> FrigateSnapSyncConfigEntry:
    """Return the entry of a call; raises ServiceValidationError if it can't work."""
    return service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )


def moment_of(call: ServiceCall, field: str) -> datetime | None:
    """Return a time of a call in UTC; without a zone it is in Home Assistant's."""
    value: Any = call.data.get(field)
    return None if value is None else dt_util.as_utc(value)


def require_order(start: datetime, end: datetime) -> None:
    """Raise ServiceValidationError unless a time ends after it starts."""
    if end <= start:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="end_not_after_start"
        )


def local_text(moment: datetime) -> str:
    """Return a time as answers have it: ISO 8601, in Home Assistant's zone."""
    return dt_util.as_local(moment).isoformat()


@callback
def destination_of(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, destination: str | None
) -> str | None:
    """Return the subentry that is meant by its device, its id or its name.

    Raises ServiceValidationError.
    """
    if destination is None or destination in entry.subentries:
        return destination
    device = _device(hass, entry, destination)
    found = [
        subentry_id
        for subentry_id, subentry in entry.subentries.items()
        if subentry.title == destination
        or (device and destination_identifier(subentry_id) in device.identifiers)
    ]
    if len(found) != 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="destination_not_found",
            translation_placeholders={"destination": destination},
        )
    return found[0]


@callback
def camera_of(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, camera: str
) -> str:
    """Return the camera that is meant by its device, or by Frigate's name of it.

    Raises ServiceValidationError.
    """
    device = _device(hass, entry, camera)
    named = camera_of_device(entry.entry_id, device) if device else None
    if (found := named or camera) not in entry.runtime_data.data.cameras:
        raise _camera_not_found(entry, camera)
    return found


@callback
def camera_named(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, camera: str | None
) -> str | None:
    """Return the camera that is meant by its device, else the name as it was given.

    Frigate need not have it any more: what was uploaded of it is still known. Raises
    ServiceValidationError for a device that is none of the entry's cameras.
    """
    if camera is None or camera in entry.runtime_data.data.cameras:
        return camera
    device = _device(hass, entry, camera)
    named = camera_of_device(entry.entry_id, device) if device else None
    is_device = _DEVICE_ID.fullmatch(camera) or dr.async_get(hass).async_get(camera)
    if named is None and is_device:
        raise _camera_not_found(entry, camera)
    return named or camera


def _camera_not_found(
    entry: FrigateSnapSyncConfigEntry, camera: str
) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="camera_not_found",
        translation_placeholders={
            "camera": camera,
            "cameras": ", ".join(sorted(entry.runtime_data.data.cameras)) or "-",
        },
    )


@callback
def _device(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, device_id: str
) -> dr.DeviceEntry | None:
    """Return the entry's device of this id, None if there is none."""
    device = dr.async_get(hass).async_get(device_id)
    if not isinstance(device, dr.DeviceEntry):
        return None
    return device if device.config_entry_id == entry.entry_id else None
