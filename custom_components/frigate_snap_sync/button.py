"""Buttons: look for what was missed, retry failed uploads, test, drill."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry, FrigateSnapSyncCoordinator
from .entity import SnapSyncEntity, Subject, async_setup_entities, one_each
from .sync.model.status import (
    CameraStatus,
    DestinationStatus,
    DrillOutcome,
    EngineStatus,
)

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class SnapSyncButtonDescription[StatusT](ButtonEntityDescription):
    """A button and what it does; that raises HomeAssistantError when it fails."""

    press_fn: Callable[
        [FrigateSnapSyncCoordinator, Subject[StatusT]], Awaitable[object]
    ]


async def _async_drill(
    coordinator: FrigateSnapSyncCoordinator, camera: str | None
) -> None:
    """Drill a camera, or all; raises HomeAssistantError when that fails."""
    drills = await coordinator.requests.async_drill(camera)
    failed = [each.camera for each in drills if each.outcome is DrillOutcome.FAILED]
    if failed:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="drill_failed",
            translation_placeholders={"cameras": ", ".join(failed)},
        )


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
    SnapSyncButtonDescription[EngineStatus](
        key="drill",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=lambda coordinator, _: _async_drill(coordinator, None),
    ),
)

CAMERA_BUTTONS = (
    SnapSyncButtonDescription[CameraStatus](
        key="drill",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=lambda coordinator, subject: _async_drill(coordinator, subject.camera),
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
        frigate=one_each(SnapSyncButton, FRIGATE_BUTTONS),
        camera=one_each(SnapSyncButton, CAMERA_BUTTONS),
        destination=one_each(SnapSyncButton, DESTINATION_BUTTONS),
    )


class SnapSyncButton[StatusT](SnapSyncEntity[StatusT], ButtonEntity):
    """Does something at once, and says when it fails."""

    entity_description: SnapSyncButtonDescription[StatusT]

    @override
    async def async_press(self) -> None:
        """Do it; raises HomeAssistantError when that fails."""
        await self.entity_description.press_fn(self.coordinator, self.subject)
