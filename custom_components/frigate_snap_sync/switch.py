"""Switches: whether anything is uploaded, at all or to one destination."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import SnapSyncEntity, async_setup_entities
from .sync.status import DestinationStatus, EngineStatus

PARALLEL_UPDATES = 1

UPLOADS = SwitchEntityDescription(key="uploads")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches."""
    async_setup_entities(
        hass,
        entry,
        async_add_entities,
        frigate=lambda coordinator, subject: [
            UploadsSwitch(coordinator, subject, UPLOADS)
        ],
        destination=lambda coordinator, subject: [
            UploadsSwitch(coordinator, subject, UPLOADS)
        ],
    )


class UploadsSwitch[StatusT: (EngineStatus, DestinationStatus)](
    SnapSyncEntity[StatusT], SwitchEntity
):
    """Lets items be uploaded.

    The Frigate's, when off, leaves out for ever what happens in that time; a
    destination's makes its queue wait.
    """

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether uploads are let through."""
        status = self.status
        return None if status is None else status.uploads

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let uploads through."""
        await self._async_set(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Hold uploads back."""
        await self._async_set(False)

    async def _async_set(self, enabled: bool) -> None:
        destination_id = self.subject.destination_id
        if destination_id is None:
            await self.coordinator.async_set_uploads(enabled)
        else:
            await self.coordinator.async_set_destination_uploads(
                destination_id, enabled
            )
