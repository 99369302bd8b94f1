"""Events: each upload to a destination that ended, well or not."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import SnapSyncEntity, async_setup_entities
from .sync.status import DestinationStatus, UploadEvent

PARALLEL_UPDATES = 0

EVENT_UPLOADED = "uploaded"
EVENT_FAILED = "failed"

UPLOAD = EventEntityDescription(
    key="upload", event_types=[EVENT_UPLOADED, EVENT_FAILED]
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events."""
    async_setup_entities(
        hass,
        entry,
        async_add_entities,
        destination=lambda coordinator, subject: [
            UploadEventEntity(coordinator, subject, UPLOAD)
        ],
    )


class UploadEventEntity(SnapSyncEntity[DestinationStatus], EventEntity):
    """Tells of every upload to a destination when it has ended."""

    # They are another value each time, and the ledger keeps them.
    _unrecorded_attributes = frozenset({"id", "path", "size"})

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to listen."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.async_add_upload_listener(
                str(self.subject.destination_id), self._async_uploaded
            )
        )

    @callback
    def _async_uploaded(self, event: UploadEvent) -> None:
        self._trigger_event(
            EVENT_UPLOADED if event.verified else EVENT_FAILED,
            {
                "media": event.media,
                "camera": event.camera,
                "id": event.item_id,
                "path": event.path,
                "size": event.size,
                "reason": event.reason,
            },
        )
        self.async_write_ha_state()
