"""The devices of an entry: how they are identified, found again and kept."""

from collections.abc import Iterable, Mapping
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType

from .const import DOMAIN

CAMERA_MODEL_ID: Final = "CAM"
"""By what the forms of actions find cameras: the model itself is translated."""


def frigate_identifier(entry_id: str) -> tuple[str, str]:
    """Return the identifier of the device that stands for the Frigate."""
    return (DOMAIN, entry_id)


def camera_identifier(entry_id: str, camera: str) -> tuple[str, str]:
    """Return the identifier of a camera's device."""
    return (DOMAIN, f"{entry_id}_{camera}")


def destination_identifier(subentry_id: str) -> tuple[str, str]:
    """Return the identifier of a destination's device."""
    return (DOMAIN, subentry_id)


def camera_of_device(entry_id: str, device: dr.DeviceEntry) -> str | None:
    """Return the camera that a device of the entry stands for, or None."""
    prefix = f"{entry_id}_"
    for domain, value in device.identifiers:
        if domain == DOMAIN and value.startswith(prefix):
            return value.removeprefix(prefix)
    return None


def destination_of_device(
    entry: ConfigEntry, device: dr.DeviceEntry
) -> ConfigSubentry | None:
    """Return the destination that a device of the entry stands for, or None."""
    for subentry_id, subentry in entry.subentries.items():
        if destination_identifier(subentry_id) in device.identifiers:
            return subentry
    return None


@callback
def known_cameras(hass: HomeAssistant, entry_id: str) -> list[str]:
    """Return the cameras that have a device, sorted; the entry need not be loaded."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
    cameras = (camera_of_device(entry_id, device) for device in devices)
    return sorted(camera for camera in cameras if camera is not None)


@callback
def async_remove_cameras(
    hass: HomeAssistant, entry_id: str, cameras: Iterable[str]
) -> None:
    """Remove the devices, and so the entities, of cameras that are gone."""
    registry = dr.async_get(hass)
    for camera in cameras:
        if device := registry.async_get_device_by_identifier(
            camera_identifier(entry_id, camera), entry_id
        ):
            registry.async_remove_device(device.id)


@callback
def camera_name(
    hass: HomeAssistant, entry_id: str, camera: str, display_name: str | None
) -> str:
    """Return the name of a camera's device.

    While Frigate's is not known it stays what it was.
    """
    if display_name is not None:
        return display_name
    device = dr.async_get(hass).async_get_device_by_identifier(
        camera_identifier(entry_id, camera), entry_id
    )
    return camera if device is None else device.name or camera


@callback
def async_name_cameras(
    hass: HomeAssistant, entry_id: str, cameras: Mapping[str, str | None]
) -> None:
    """Call the cameras' devices as Frigate calls the cameras, by their names."""
    registry = dr.async_get(hass)
    for camera, display_name in cameras.items():
        device = registry.async_get_device_by_identifier(
            camera_identifier(entry_id, camera), entry_id
        )
        if device is not None and display_name not in (None, device.name):
            registry.async_update_device(device.id, name=display_name)


@callback
def async_name_destinations(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Call the destinations' devices as the destinations are called."""
    registry = dr.async_get(hass)
    for subentry_id, subentry in entry.subentries.items():
        if device := registry.async_get_device_by_identifier(
            destination_identifier(subentry_id), entry.entry_id
        ):
            registry.async_update_device(device.id, name=subentry.title)


@callback
def async_register_frigate(
    hass: HomeAssistant, entry: ConfigEntry, *, version: str | None
) -> None:
    """Make or update the device that stands for the Frigate."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={frigate_identifier(entry.entry_id)},
        name=entry.title,
        manufacturer="Frigate",
        model="NVR",
        entry_type=DeviceEntryType.SERVICE,
        configuration_url=entry.data[CONF_URL],
        sw_version=version,
    )
