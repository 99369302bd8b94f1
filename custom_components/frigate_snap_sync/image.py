"""Images: the newest picture of each camera."""

from datetime import datetime
from pathlib import Path
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import FrigateSnapSyncConfigEntry, FrigateSnapSyncCoordinator
from .entity import SnapSyncEntity, Subject, async_setup_entities
from .pacing import NewestPace
from .picture_files import PictureFile, picture_path
from .sync.model.status import CameraStatus, Picture

PARALLEL_UPDATES = 0

LAST_SNAPSHOT = ImageEntityDescription(key="last_snapshot")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the images."""
    async_setup_entities(
        hass,
        entry,
        async_add_entities,
        camera=lambda coordinator, subject: [
            LastSnapshot(hass, coordinator, subject, LAST_SNAPSHOT)
        ],
    )


class LastSnapshot(SnapSyncEntity[CameraStatus], ImageEntity):
    """The newest live snapshot, or snapshot, of a camera that was to be kept.

    Its bytes are in memory, and in a file for the next start. Its state changes at most
    once a second, however many pictures come.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        coordinator: FrigateSnapSyncCoordinator,
        subject: Subject[CameraStatus],
        description: ImageEntityDescription,
    ) -> None:
        """Show nothing yet."""
        SnapSyncEntity.__init__(self, coordinator, subject, description)
        ImageEntity.__init__(self, hass)
        self._pace = NewestPace(hass, self.async_write_ha_state)
        self._image: bytes | None = None
        self._file = PictureFile(
            hass,
            picture_path(
                Path(hass.config.cache_path()),
                coordinator.config_entry.entry_id,
                self.camera,
            ),
        )

    @property
    def camera(self) -> str:
        """Return the camera's name."""
        assert self.subject.camera is not None
        return self.subject.camera

    @override
    async def async_added_to_hass(self) -> None:
        """Show what was shown last, and begin to listen."""
        await super().async_added_to_hass()
        if (kept := await self._file.async_load()) is not None:
            self._show(*kept)
        self.async_on_remove(
            self.coordinator.pictures.async_add(self.camera, self._async_pictured)
        )
        self.async_on_remove(self._pace.async_stop)

    @override
    async def async_removed_from_registry(self) -> None:
        """Forget the picture of a camera that is gone."""
        await super().async_removed_from_registry()
        await self._file.async_remove()

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture."""
        return self._image

    @callback
    def _async_pictured(self, picture: Picture) -> None:
        last = self.image_last_updated
        # One from the future was taken while a clock was wrong.
        if last is not None and picture.moment < last <= dt_util.utcnow():
            return  # It was asked for late, or fetched again.
        self._show(picture.image, picture.moment)
        self._file.async_save(picture.image, picture.moment)
        self._pace.async_changed()

    def _show(self, image: bytes, moment: datetime) -> None:
        self._image = image
        self._attr_image_last_updated = moment
