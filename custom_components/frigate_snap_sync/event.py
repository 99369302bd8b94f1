"""Events: each upload to a destination that ended, well or not."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import SnapSyncEntity, async_setup_entities
from .pacing import Pace
from .sync.model.status import DestinationStatus, UploadEvent
from .upload_data import upload_data

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
    """Tells of every upload to a destination when it has ended.

    At most one a second. Where more come for long, some are left out; the next
    one says how many in `omitted`.
    """

    # They are another value each time, and the ledger keeps them.
    _unrecorded_attributes = frozenset(
        {
            "duration",
            "end",
            "id",
            "media_content_id",
            "object_ids",
            "path",
            "review_id",
            "size",
            "start",
            "url",
        }
    )

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to listen."""
        await super().async_added_to_hass()
        pace = Pace(self.hass, self._async_tell)
        self.async_on_remove(
            self.coordinator.uploads.async_add(
                str(self.subject.destination_id), pace.async_add
            )
        )
        self.async_on_remove(pace.async_stop)

    @callback
    def _async_tell(self, event: UploadEvent, omitted: int) -> None:
        data = upload_data(self.hass, self.coordinator.config_entry, event)
        data |= {"id": data.pop("item"), "omitted": omitted}
        self._trigger_event(EVENT_UPLOADED if event.verified else EVENT_FAILED, data)
        self.async_write_ha_state()
