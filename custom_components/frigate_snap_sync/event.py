"""Events: each upload to a destination that ended, well or not."""

from collections import deque
from datetime import datetime
from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later

from .coordinator import FrigateSnapSyncConfigEntry
from .entity import SnapSyncEntity, async_setup_entities
from .sync.model.status import DestinationStatus, UploadEvent

PARALLEL_UPDATES = 0

EVENT_UPLOADED = "uploaded"
EVENT_FAILED = "failed"

INTERVAL: Final = 1.0
"""Seconds between two events of a destination, lest a thousand flood the recorder."""

MAX_WAITING: Final = 60
"""Events that wait for their second; failures are kept before successes."""

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
    _unrecorded_attributes = frozenset({"id", "path", "size"})

    _omitted = 0
    _cancel_timer: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to listen."""
        await super().async_added_to_hass()
        self._waiting: deque[UploadEvent] = deque()
        self.async_on_remove(
            self.coordinator.uploads.async_add(
                str(self.subject.destination_id), self._async_uploaded
            )
        )
        self.async_on_remove(self._async_stop)

    @callback
    def _async_uploaded(self, event: UploadEvent) -> None:
        self._waiting.append(event)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.remove(
                next((each for each in self._waiting if each.verified), event)
            )
            self._omitted += 1
        if self._cancel_timer is None:
            self._async_tell_next()

    @callback
    def _async_tell_next(self, now: datetime | None = None) -> None:
        """Tell of one upload, and of the next one a second later."""
        self._cancel_timer = None
        if not self._waiting:
            return
        event = self._waiting.popleft()
        self._trigger_event(
            EVENT_UPLOADED if event.verified else EVENT_FAILED,
            {
                "media": event.media,
                "camera": event.camera,
                "id": event.item_id,
                "path": event.path,
                "size": event.size,
                "reason": event.reason,
                "omitted": self._omitted,
            },
        )
        self._omitted = 0
        self._cancel_timer = async_call_later(
            self.hass, INTERVAL, self._async_tell_next
        )
        self.async_write_ha_state()

    @callback
    def _async_stop(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
