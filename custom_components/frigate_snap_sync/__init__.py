"""Frigate Snap Sync: put what Frigate sees somewhere else, at once and proven."""

from functools import partial
from pathlib import Path
import shutil

from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady, HomeAssistantError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from . import activity, issues
from .const import DOMAIN
from .coordinator import (
    FrigateSnapSyncConfigEntry,
    FrigateSnapSyncCoordinator,
    ledger_path,
    spool_path,
)
from .devices import camera_of_device, destination_identifier, frigate_identifier
from .engine_setup import async_discard_unfinished
from .media_view import FileView
from .services import async_setup_services
from .start_repair import async_close_start_repairs, async_open_start_repair

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what is there without an entry: the actions, the files' URLs."""
    async_setup_services(hass)
    hass.http.register_view(FileView(hass))
    async_close_start_repairs(hass)
    return True


async def async_setup_entry(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> bool:
    """Start an entry. Frigate itself may be away: what it has is fetched later."""
    if not await mqtt.async_wait_for_mqtt_client(hass):
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN, translation_key="mqtt_not_set_up"
        )
    coordinator = FrigateSnapSyncCoordinator(hass, entry)
    # Called after an unload, and after a set-up that fails from here on.
    entry.async_on_unload(coordinator.async_stop)
    try:
        await coordinator.async_start()
    except ConfigEntryNotReady:
        async_open_start_repair(hass, entry, coordinator.data)
        raise
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_on_unload(issues.async_watch(hass, entry))
    entry.async_on_unload(activity.async_watch(hass, entry))
    entry.async_on_unload(entry.add_update_listener(_async_entry_updated))
    # What was changed since the coordinator was made had no listener yet.
    await coordinator.async_apply_changes()
    return True


async def async_unload_entry(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> bool:
    """Take the entities away; the coordinator is stopped right after."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> None:
    """Delete the ledger and the spool. What lies whole at the destinations stays."""
    # An entry that could not be unloaded still has them.
    issues.async_delete(hass, entry)
    ledger = ledger_path(hass, entry.entry_id)
    await async_discard_unfinished(hass, entry, ledger)
    await hass.async_add_executor_job(
        partial(
            _remove_files,
            ledger,
            spool_path(hass, entry.entry_id),
        )
    )


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Let the owner delete the device of a camera that Frigate no longer has."""
    if (camera := camera_of_device(entry.entry_id, device)) is not None:
        if entry.state is not ConfigEntryState.LOADED:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="frigate_not_loaded"
            )
        return await entry.runtime_data.requests.async_remove_camera(camera)
    # A destination goes with its subentry; the Frigate with the entry.
    needed = {destination_identifier(subentry_id) for subentry_id in entry.subentries}
    needed.add(frigate_identifier(entry.entry_id))
    return needed.isdisjoint(device.identifiers)


async def _async_entry_updated(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> None:
    await entry.runtime_data.async_apply_changes()


def _remove_files(ledger: Path, spool: Path) -> None:
    """Remove an entry's files, and the folders above when they are empty then.

    What was set aside and what belongs to them has a name that begins like theirs.
    """
    for file in ledger.parent.glob(f"{ledger.name}*"):
        file.unlink(missing_ok=True)
    for path in (spool, *spool.parent.glob(f"{spool.name}.*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for folder in (ledger.parent, spool.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
