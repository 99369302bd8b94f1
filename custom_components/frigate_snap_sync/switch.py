"""Switches: whether what happens is copied at all, and whether a destination gets it now."""

from abc import abstractmethod
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import SnapSyncEntity, async_setup_entities
from .sync.model.status import DestinationStatus, EngineStatus

PARALLEL_UPDATES = 1

# Of a category: no voice assistant is offered them, and no action on an
# area or a device switches the evidence off.
CAPTURE = SwitchEntityDescription(key="capture", entity_category=EntityCategory.CONFIG)
SENDING = SwitchEntityDescription(key="sending", entity_category=EntityCategory.CONFIG)


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
            CaptureSwitch(coordinator, subject, CAPTURE)
        ],
        destination=lambda coordinator, subject: [
            SendingSwitch(coordinator, subject, SENDING)
        ],
    )


class SnapSyncSwitch[StatusT](SnapSyncEntity[StatusT], SwitchEntity):
    """A switch of the engine; switching raises HomeAssistantError when it fails."""

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch it on."""
        await self._async_set(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch it off."""
        await self._async_set(False)

    @abstractmethod
    async def _async_set(self, enabled: bool) -> None:
        """Pass it to the engine."""


class CaptureSwitch(SnapSyncSwitch[EngineStatus]):
    """The Frigate's: what happens while it is off stays at home for good."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether what happens now is copied."""
        return None if self.status is None else self.status.capture

    @override
    async def _async_set(self, enabled: bool) -> None:
        await self.coordinator.async_set_capture(enabled)


class SendingSwitch(SnapSyncSwitch[DestinationStatus]):
    """A destination's: while it is off its queue waits."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the destination's queue is sent."""
        return None if self.status is None else self.status.sending

    @override
    async def _async_set(self, enabled: bool) -> None:
        await self.coordinator.async_set_sending(
            str(self.subject.destination_id), enabled
        )
