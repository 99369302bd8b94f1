"""Sensors: what was uploaded, what waits, what went wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    DOMAIN as SENSOR_DOMAIN,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfInformation
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .const import CONF_VOLUME_BUDGET, SECTION_STORING
from .coordinator import FrigateSnapSyncConfigEntry
from .drill_report import drill_attributes
from .entity import (
    AttributesDescription,
    SnapSyncEntity,
    async_setup_chosen_entities,
    async_setup_entities,
    one_each,
)
from .storage.errors import CAUSES
from .sync.model.status import (
    CameraStatus,
    DestinationStatus,
    DrillState,
    EngineStatus,
    Protection,
)

PARALLEL_UPDATES = 0

NO_ERROR = "none"
"""The state of a last error when the destination has worked since."""


@dataclass(frozen=True, kw_only=True)
class SnapSyncSensorDescription[StatusT](
    AttributesDescription[StatusT], SensorEntityDescription
):
    """A sensor and where its value is found."""

    value_fn: Callable[[StatusT], StateType | datetime]
    available_fn: Callable[[StatusT], bool] = lambda _: True


FRIGATE_SENSORS = (
    SnapSyncSensorDescription[EngineStatus](
        key="protection",
        device_class=SensorDeviceClass.ENUM,
        options=[protection.value for protection in Protection],
        value_fn=lambda status: status.protection,
        attributes_fn=lambda status: {
            "reasons": [reason.value for reason in status.reasons],
            "since": status.since,
        },
    ),
    SnapSyncSensorDescription[EngineStatus](
        key="pending_uploads",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda status: status.pending_uploads,
    ),
    SnapSyncSensorDescription[EngineStatus](
        key="oldest_pending",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda status: status.oldest_pending,
    ),
)

LAST_DRILL = SnapSyncSensorDescription[EngineStatus](
    key="last_drill",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[state.value for state in DrillState],
    value_fn=lambda status: status.drill.state,
)

CAMERA_SENSORS = (
    SnapSyncSensorDescription[CameraStatus](
        key="snapshots_uploaded",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda status: status.snapshots_uploaded,
    ),
    SnapSyncSensorDescription[CameraStatus](
        key="recordings_uploaded",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda status: status.recordings_uploaded,
    ),
    SnapSyncSensorDescription[CameraStatus](
        key="last_upload",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda status: status.last_upload,
    ),
)

DESTINATION_SENSORS = (
    SnapSyncSensorDescription[DestinationStatus](
        key="live_snapshots_uploaded",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda status: status.live_snapshots_uploaded,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="snapshots_uploaded",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda status: status.snapshots_uploaded,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="recordings_uploaded",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda status: status.recordings_uploaded,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="data_uploaded",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        # With two, as others have it, the first five megabytes would be 0.00.
        suggested_display_precision=3,
        value_fn=lambda status: status.data_uploaded,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="pending_uploads",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda status: status.pending_uploads,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="failed_uploads",
        # It goes down again when failed uploads are retried.
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda status: status.failed_uploads,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="last_upload",
        device_class=SensorDeviceClass.TIMESTAMP,
        # Each upload would be a line in Activity.
        entity_registry_enabled_default=False,
        value_fn=lambda status: status.last_upload,
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="last_error",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        options=[NO_ERROR, *sorted(cause.code for cause in CAUSES)],
        value_fn=lambda status: (
            NO_ERROR if status.last_error is None else status.last_error.code
        ),
        attributes_fn=lambda status: {
            key: getattr(status.last_error, key, None)
            for key in ("text", "file", "time")
        },
    ),
    SnapSyncSensorDescription[DestinationStatus](
        key="free_space",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        suggested_display_precision=1,
        value_fn=lambda status: status.free_space,
        # What the server alone knows goes with it.
        available_fn=lambda status: status.connected is not False,
    ),
)

BUDGET_USED = SnapSyncSensorDescription[DestinationStatus](
    key="budget_used",
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=EntityCategory.DIAGNOSTIC,
    native_unit_of_measurement=PERCENTAGE,
    suggested_display_precision=1,
    value_fn=lambda status: (
        None if status.budget is None else round(status.budget.percent, 2)
    ),
    attributes_fn=lambda status: {
        "bytes": None if status.budget is None else status.budget.used,
        "budget": None if status.budget is None else status.budget.budget,
        "month": None if status.budget is None else status.budget.month,
    },
)
"""Only of destinations that have a budget."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors."""
    async_setup_entities(
        hass,
        entry,
        async_add_entities,
        frigate=lambda coordinator, subject: (
            [
                SnapSyncSensor(coordinator, subject, description)
                for description in FRIGATE_SENSORS
            ]
            + [LastDrillSensor(coordinator, subject, LAST_DRILL)]
        ),
        camera=one_each(SnapSyncSensor, CAMERA_SENSORS),
        destination=one_each(SnapSyncSensor, DESTINATION_SENSORS),
    )
    async_setup_chosen_entities(
        hass,
        entry,
        async_add_entities,
        SENSOR_DOMAIN,
        BUDGET_USED.key,
        is_chosen=_has_budget,
        make=lambda coordinator, subject: SnapSyncSensor(
            coordinator, subject, BUDGET_USED
        ),
    )


def _has_budget(subentry: ConfigSubentry) -> bool:
    """Tell whether a destination has a budget; not one whose settings can't be read."""
    section = subentry.data.get(SECTION_STORING)
    return isinstance(section, Mapping) and bool(section.get(CONF_VOLUME_BUDGET))


class SnapSyncSensor[StatusT](SnapSyncEntity[StatusT], SensorEntity):
    """A value of the engine's status."""

    entity_description: SnapSyncSensorDescription[StatusT]
    _unrecorded_attributes = frozenset({"text", "file", "time", "bytes", "budget"})

    @property
    @override
    def available(self) -> bool:
        """Return whether the value can be known."""
        status = self.status
        return status is not None and self.entity_description.available_fn(status)

    @property
    @override
    def native_value(self) -> StateType | datetime:
        """Return the value."""
        status = self.status
        return None if status is None else self.entity_description.value_fn(status)


class LastDrillSensor(SnapSyncSensor[EngineStatus]):
    """What came of the last fire drill, and how long each step of it took."""

    _unrecorded_attributes = frozenset({"drills"})

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return when it was, what failed, and a row for each camera."""
        return drill_attributes(
            self.coordinator.config_entry, self.coordinator.data.drill
        )
