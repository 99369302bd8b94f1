"""Binary sensors: connections, and the cameras' switches in Frigate."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import (
    AttributesDescription,
    SnapSyncEntity,
    async_setup_entities,
    one_each,
)
from .sync.model.status import CameraStatus, DestinationStatus, EngineStatus

PARALLEL_UPDATES = 0


def _frigate_is_heard(status: EngineStatus) -> bool | None:
    """Tell whether Frigate answers and can be heard over MQTT; None if unknown."""
    return (
        status.mqtt_connected
        and not status.topic_prefix_changed
        and not status.frigate_mqtt_disabled
        and not status.frigate_safe_mode  # It uses no MQTT then.
        and status.frigate_connected
    )


@dataclass(frozen=True, kw_only=True)
class SnapSyncBinarySensorDescription[StatusT](
    AttributesDescription[StatusT], BinarySensorEntityDescription
):
    """A binary sensor and where its state is found."""

    is_on_fn: Callable[[StatusT], bool | None]
    needs_frigate: bool = False


FRIGATE_BINARY_SENSORS = (
    SnapSyncBinarySensorDescription[EngineStatus](
        key="connection",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=_frigate_is_heard,
    ),
)

CAMERA_BINARY_SENSORS = (
    SnapSyncBinarySensorDescription[CameraStatus](
        key="snapshots_enabled",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda status: status.snapshots_enabled,
        needs_frigate=True,
    ),
    SnapSyncBinarySensorDescription[CameraStatus](
        key="recordings_enabled",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda status: status.recordings_enabled,
        needs_frigate=True,
    ),
)

DESTINATION_BINARY_SENSORS = (
    SnapSyncBinarySensorDescription[DestinationStatus](
        key="connection",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda status: status.connected,
        attributes_fn=lambda status: {"tested": status.tested},
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors."""
    async_setup_entities(
        hass,
        entry,
        async_add_entities,
        frigate=one_each(SnapSyncBinarySensor, FRIGATE_BINARY_SENSORS),
        camera=one_each(SnapSyncBinarySensor, CAMERA_BINARY_SENSORS),
        destination=one_each(SnapSyncBinarySensor, DESTINATION_BINARY_SENSORS),
    )


class SnapSyncBinarySensor[StatusT](SnapSyncEntity[StatusT], BinarySensorEntity):
    """A yes or no of the engine's status."""

    entity_description: SnapSyncBinarySensorDescription[StatusT]
    _unrecorded_attributes = frozenset({"tested"})

    @property
    @override
    def available(self) -> bool:
        """Return whether the state can be known: some only with Frigate's help."""
        if self.entity_description.needs_frigate and not _frigate_is_heard(
            self.coordinator.data
        ):
            return False
        return super().available

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the state."""
        status = self.status
        return None if status is None else self.entity_description.is_on_fn(status)
