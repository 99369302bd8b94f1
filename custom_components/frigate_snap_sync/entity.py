"""What the entities of all platforms share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry, FrigateSnapSyncCoordinator
from .devices import (
    CAMERA_MODEL_ID,
    camera_identifier,
    camera_name,
    destination_identifier,
    frigate_identifier,
)
from .kinds import KINDS
from .sync.model.status import CameraStatus, DestinationStatus, EngineStatus
from .words import async_kind_name, async_word


@dataclass(frozen=True, kw_only=True)
class AttributesDescription[StatusT]:
    """The part of a description that finds what does not fit into a state."""

    attributes_fn: Callable[[StatusT], dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject[StatusT]:
    """What an entity is about: the Frigate, a camera or a destination.

    `id` is the start of the unique ids; `camera` and `destination_id` are None for the
    others; `status` finds the subject's part of the engine's status, None if it has none.
    """

    id: str
    device_info: DeviceInfo
    status: Callable[[EngineStatus], StatusT | None]
    camera: str | None = None
    destination_id: str | None = None


type EntityFactory[StatusT] = Callable[
    [FrigateSnapSyncCoordinator, Subject[StatusT]], Iterable[Entity]
]


def one_each[DescriptionT: EntityDescription, StatusT](
    entity: Callable[
        [FrigateSnapSyncCoordinator, Subject[StatusT], DescriptionT], Entity
    ],
    descriptions: Iterable[DescriptionT],
) -> EntityFactory[StatusT]:
    """Return what makes an entity of each description."""
    return lambda coordinator, subject: [
        entity(coordinator, subject, description) for description in descriptions
    ]


class SnapSyncEntity[StatusT](CoordinatorEntity[FrigateSnapSyncCoordinator]):
    """An entity that shows or does something about its subject."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: FrigateSnapSyncCoordinator,
        subject: Subject[StatusT],
        description: EntityDescription,
    ) -> None:
        """Tie the entity to its subject; the description's key names it."""
        super().__init__(coordinator)
        self.subject = subject
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{subject.id}_{description.key}"
        self._attr_device_info = subject.device_info

    @property
    def status(self) -> StatusT | None:
        """Return the newest status of the subject."""
        return self.subject.status(self.coordinator.data)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return what does not fit into the state, if the description has some."""
        description, status = self.entity_description, self.status
        if (
            status is None
            or not isinstance(description, AttributesDescription)
            or description.attributes_fn is None
        ):
            return None
        return description.attributes_fn(status)

    @property
    @override
    def available(self) -> bool:
        """Stay available while a server is away: that is when it matters."""
        return self.status is not None


def _is_set_up(entry: FrigateSnapSyncConfigEntry) -> bool:
    """Tell whether entities may come: during an unload the platform is going away."""
    return entry.state in (ConfigEntryState.SETUP_IN_PROGRESS, ConfigEntryState.LOADED)


@callback
def async_setup_entities(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    *,
    destination: EntityFactory[DestinationStatus] | None = None,
    frigate: EntityFactory[EngineStatus] | None = None,
    camera: EntityFactory[CameraStatus] | None = None,
) -> None:
    """Add a platform's entities, now and when a camera or destination comes later."""
    coordinator = entry.runtime_data
    cameras: set[str] = set()
    destinations: set[str] = set()

    @callback
    def add_new() -> None:
        if not _is_set_up(entry):
            return
        if camera is not None:
            current = set(coordinator.data.cameras)
            for name in sorted(current - cameras):
                async_add_entities(
                    camera(coordinator, _camera_subject(hass, coordinator, name))
                )
            cameras.clear()
            cameras.update(current)
        if destination is None:
            return
        for subentry_id, subentry in entry.subentries.items():
            if subentry_id not in destinations:
                async_add_entities(
                    destination(
                        coordinator, _destination_subject(hass, entry, subentry)
                    ),
                    config_subentry_id=subentry_id,
                )
        destinations.clear()
        destinations.update(entry.subentries)

    if frigate is not None:
        async_add_entities(frigate(coordinator, _frigate_subject(coordinator)))
    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))


@callback
def async_setup_chosen_entities(
    hass: HomeAssistant,
    entry: FrigateSnapSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    domain: str,
    key: str,
    *,
    is_chosen: Callable[[ConfigSubentry], bool],
    make: Callable[[FrigateSnapSyncCoordinator, Subject[DestinationStatus]], Entity],
) -> None:
    """Add an entity of those destinations alone whose owner chose what it shows.

    It comes and goes with that, without a reload.
    """
    coordinator = entry.runtime_data
    registry = er.async_get(hass)
    added: set[str] = set()

    @callback
    def update() -> None:
        if not _is_set_up(entry):
            return
        for subentry_id, subentry in entry.subentries.items():
            subject = _destination_subject(hass, entry, subentry)
            if is_chosen(subentry):
                if subentry_id not in added:
                    added.add(subentry_id)
                    async_add_entities(
                        [make(coordinator, subject)], config_subentry_id=subentry_id
                    )
                continue
            added.discard(subentry_id)
            if entity_id := registry.async_get_entity_id(
                domain, DOMAIN, f"{subject.id}_{key}"
            ):
                registry.async_remove(entity_id)
        added.intersection_update(entry.subentries)

    update()
    entry.async_on_unload(coordinator.async_add_listener(update))


def _frigate_subject(
    coordinator: FrigateSnapSyncCoordinator,
) -> Subject[EngineStatus]:
    entry_id = coordinator.config_entry.entry_id
    return Subject(
        id=entry_id,
        # The coordinator has described it.
        device_info=DeviceInfo(identifiers={frigate_identifier(entry_id)}),
        status=lambda status: status,
    )


def _frigate_device_id(hass: HomeAssistant, entry_id: str) -> str:
    return dr.async_get_device_id_by_identifier(
        hass, frigate_identifier(entry_id), config_entry_id=entry_id
    )


def _camera_subject(
    hass: HomeAssistant, coordinator: FrigateSnapSyncCoordinator, camera: str
) -> Subject[CameraStatus]:
    entry_id = coordinator.config_entry.entry_id
    display_name = coordinator.data.cameras[camera].display_name
    return Subject(
        id=f"{entry_id}_{camera}",
        device_info=DeviceInfo(
            identifiers={camera_identifier(entry_id, camera)},
            name=camera_name(hass, entry_id, camera, display_name),
            manufacturer="Frigate",
            model=async_word(hass, "camera"),
            model_id=CAMERA_MODEL_ID,
            via_device_id=_frigate_device_id(hass, entry_id),
        ),
        status=lambda status: status.cameras.get(camera),
        camera=camera,
    )


def _model(hass: HomeAssistant, kind: str) -> str | None:
    """Return what a device of a kind of destination is called; None: it is unknown."""
    known = KINDS.get(kind)
    return None if known is None else async_kind_name(hass, kind) or known.model


def _destination_subject(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, subentry: ConfigSubentry
) -> Subject[DestinationStatus]:
    subentry_id = subentry.subentry_id
    return Subject(
        id=f"{entry.entry_id}_{subentry_id}",
        device_info=DeviceInfo(
            identifiers={destination_identifier(subentry_id)},
            name=subentry.title,
            manufacturer="Frigate Snap Sync",
            model=_model(hass, subentry.subentry_type),
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=_frigate_device_id(hass, entry.entry_id),
        ),
        status=lambda status: status.destinations.get(subentry_id),
        destination_id=subentry_id,
    )
