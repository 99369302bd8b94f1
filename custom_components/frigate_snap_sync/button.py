"""Buttons: the truthful test of a destination."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import SnapSyncEntity, async_setup_entities
from .sync.status import DestinationStatus

PARALLEL_UPDATES = 1

TEST = ButtonEntityDescription(key="test", entity_category=EntityCategory.DIAGNOSTIC)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons."""
    async_setup_entities(
        hass,
        entry,
        async_add_entities,
        destination=lambda coordinator, subject: [
            TestButton(coordinator, subject, TEST)
        ],
    )


class TestButton(SnapSyncEntity[DestinationStatus], ButtonEntity):
    """Writes, reads back, renames and deletes a file at the destination."""

    @override
    async def async_press(self) -> None:
        """Test the destination; raises HomeAssistantError when that fails."""
        await self.coordinator.async_test_destination(str(self.subject.destination_id))
