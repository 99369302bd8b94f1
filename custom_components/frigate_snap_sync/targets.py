"""What an automation aims at: which devices, and which entities of which kind."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.target import TargetEntityChangeTracker, TargetSelection
from homeassistant.helpers.translation import async_translate_state_attr
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .devices import camera_identifier, destination_identifier, frigate_identifier
from .sync.model.status import UploadEvent

PROTECTION_SPECS: Final = {
    Platform.SENSOR.value: DomainSpec(device_class=SensorDeviceClass.ENUM)
}


@callback
def protections(hass: HomeAssistant, entities: set[str]) -> set[str]:
    """Return those of the entities that show how protected the owner is."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entities
        if (entry := registry.async_get(entity_id)) is not None
        and entry.platform == DOMAIN
        and entry.translation_key == "protection"
    }


@callback
def reasons_in_words(hass: HomeAssistant, reasons: Iterable[str]) -> str:
    """Return why the owner is not protected, in Home Assistant's language."""
    return ", ".join(
        async_translate_state_attr(
            hass, reason, Platform.SENSOR, DOMAIN, "protection", None, "reasons"
        )
        for reason in reasons
    )


class TargetDevices(TargetEntityChangeTracker):
    """The devices of a target, however it names them, kept up to date.

    An entity of ours stands for its device, an area for those in it.
    """

    def __init__(self, hass: HomeAssistant, target: ConfigType) -> None:
        """Know none yet; `async_setup` finds them."""
        super().__init__(
            hass, TargetSelection(target), self._ours, primary_entities_only=False
        )
        self._devices: set[str | None] = set()

    @callback
    def has(self, entry_id: str, event: UploadEvent) -> bool:
        """Tell whether an upload concerns one: its Frigate, camera or destination."""
        registry = dr.async_get(self._hass)
        return any(
            device.id in self._devices
            for identifier in (
                frigate_identifier(entry_id),
                camera_identifier(entry_id, event.camera),
                destination_identifier(event.destination_id),
            )
            if (device := registry.async_get_device_by_identifier(identifier, entry_id))
        )

    @override
    @callback
    def _handle_entities_update(self, tracked_entities: set[str]) -> None:
        registry = er.async_get(self._hass)
        self._devices = {
            entry.device_id
            for entity_id in tracked_entities
            if (entry := registry.async_get(entity_id)) is not None
        }

    def _ours(self, entities: set[str]) -> set[str]:
        registry = er.async_get(self._hass)
        return {
            entity_id
            for entity_id in entities
            if (entry := registry.async_get(entity_id)) is not None
            and entry.platform == DOMAIN
        }
