"""The devices of an entry: how they are identified and found again."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN


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


@callback
def known_cameras(hass: HomeAssistant, entry_id: str) -> list[str]:
    """Return the cameras that have a device, sorted; the entry need not be loaded."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
    cameras = (camera_of_device(entry_id, device) for device in devices)
    return sorted(camera for camera in cameras if camera is not None)
