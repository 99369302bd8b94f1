"""Buttons: look for what was missed, retry failed uploads, test a destination."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry, FrigateSnapSyncCoordinator
from .entity import SnapSyncEntity, Subject, async_setup_entities
from .sync.model.status import DestinationStatus, EngineStatus

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class SnapSyncButtonDescription[StatusT](ButtonEntityDescription):
    """A button and what it does; that raises HomeAssistantError when it fails."""

    press_fn: Callable[
        [FrigateSnapSyncCoordinator, Subject[StatusT]], Awaitable[object]
    ]


FRIGATE_BUTTONS = (
    SnapSyncButtonDescription[EngineStatus](
        key="catch_up",
        entity_category=EntityCategory.CONFIG,
        press_fn=lambda coordinator, _: coordinator.async_catch_up(),
    ),
    SnapSyncButtonDescription[EngineStatus](
        key="retry_failed",
        entity_category=EntityCategory.CONFIG,
        press_fn=lambda coordinator, _: coordinator.async_retry_failed(),
    ),
)

DESTINATION_BUTTONS = (
    SnapSyncButtonDescription[DestinationStatus](
        key="test",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=lambda coordinator, subject: coordinator.async_test_destination(
            str(subject.destination_id)
        ),
    ),
)


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
        frigate=lambda coordinator, subject: [
            SnapSyncButton(coordinator, subject, description)
            for description in FRIGATE_BUTTONS
        ],
        destination=lambda coordinator, subject: [
            SnapSyncButton(coordinator, subject, description)
            for description in DESTINATION_BUTTONS
        ],
    )


class SnapSyncButton[StatusT](SnapSyncEntity[StatusT], ButtonEntity):
    """Does something at once, and says when it fails."""

    entity_description: SnapSyncButtonDescription[StatusT]

    @override
    async def async_press(self) -> None:
        """Do it; raises HomeAssistantError when that fails."""
        await self.entity_description.press_fn(self.coordinator, self.subject)
