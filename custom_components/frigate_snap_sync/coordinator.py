"""The one door between Home Assistant and the engine of an entry."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp

from homeassistant.components import mqtt
from homeassistant.components.mqtt import ReceiveMessage
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    EVENT_CORE_CONFIG_UPDATE,
)
from homeassistant.core import Event, HassJob, HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryError,
    ConfigEntryNotReady,
    HomeAssistantError,
)
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.device_registry import DeviceEntryType
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import (
    CONF_DELAY_AFTER_STARTUP,
    CONF_PADDING_AFTER,
    CONF_PADDING_BEFORE,
    CONF_PROXY,
    DEFAULT_DELAY_AFTER_STARTUP,
    DEFAULT_PADDING,
    DOMAIN,
    LOGGER,
)
from .devices import (
    camera_identifier,
    destination_identifier,
    frigate_identifier,
    known_cameras,
)
from .frigate.client import FrigateClient
from .frigate.errors import FrigateError, InvalidUrl
from .frigate.messages import subscriptions
from .setups import destination_setup
from .storage.base import StorageError
from .sync.engine import (
    DestinationSetup,
    Engine,
    EngineOptions,
    LedgerError,
    SpoolError,
)
from .sync.status import EngineStatus

type FrigateSnapSyncConfigEntry = ConfigEntry[FrigateSnapSyncCoordinator]

_MQTT_QOS = 1
"""Frigate publishes with 0, or from 0.16 on as its owner says, up to this."""


def ledger_path(hass: HomeAssistant, entry_id: str) -> Path:
    """Return where an entry's ledger lies."""
    return Path(hass.config.path(".storage", DOMAIN, f"{entry_id}.db"))


def spool_path(hass: HomeAssistant, entry_id: str) -> Path:
    """Return the folder in which an entry's media wait to be sent."""
    return Path(hass.config.cache_path(DOMAIN, entry_id))


class FrigateSnapSyncCoordinator(DataUpdateCoordinator[EngineStatus]):
    """Runs an entry's engine and shows the engine's status to the entities.

    Nothing is polled: the engine pushes.
    """

    config_entry: FrigateSnapSyncConfigEntry

    def __init__(self, hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry) -> None:
        """Put client and engine together; raises ConfigEntryError for bad data."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name=entry.title, always_update=False
        )
        data, options = entry.data, entry.options
        try:
            self.client = FrigateClient(
                # Without cookies: the session that all share may hold another
                # integration's log-in. Home Assistant closes it after an unload.
                async_create_clientsession(
                    hass,
                    data[CONF_VERIFY_SSL],
                    cookie_jar=aiohttp.DummyCookieJar(),
                ),
                data[CONF_URL],
                username=data.get(CONF_USERNAME),
                password=data.get(CONF_PASSWORD),
                verify_ssl=data[CONF_VERIFY_SSL],
                proxy=data.get(CONF_PROXY),
            )
        except InvalidUrl as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key="invalid_url"
            ) from err
        self.topic_prefix = str(entry.unique_id)
        self.engine = Engine(
            client=self.client,
            topic_prefix=self.topic_prefix,
            ledger_path=ledger_path(hass, entry.entry_id),
            spool_path=spool_path(hass, entry.entry_id),
            options=EngineOptions(
                delay_after_startup=options.get(
                    CONF_DELAY_AFTER_STARTUP, DEFAULT_DELAY_AFTER_STARTUP
                ),
                padding_before=options.get(CONF_PADDING_BEFORE, DEFAULT_PADDING),
                padding_after=options.get(CONF_PADDING_AFTER, DEFAULT_PADDING),
            ),
            time_zone=dt_util.get_default_time_zone(),
            on_status=self.async_show,
        )
        self.data = self.engine.status
        # What was taken over, to tell later what was changed: a subentry is changed
        # in place, so the entry itself can't tell.
        self._settings = _settings(entry)
        self._applied: list[DestinationSetup] = []
        self._made: dict[str, tuple[tuple[str, dict[str, Any]], DestinationSetup]] = {}
        self._applying = asyncio.Lock()
        self._stopped = False

    async def async_start(self) -> None:
        """Start the engine, then listen to Frigate.

        Raises ConfigEntryNotReady when the ledger can't be opened.
        """
        hass, entry = self.hass, self.config_entry
        # Cameras link to this device, whatever platform comes first.
        self._async_register_frigate()
        try:
            self._applied = self._setups()
            await self.engine.start(self._applied)
        except (LedgerError, SpoolError) as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="ledger_not_usable",
                translation_placeholders={"error": str(err)},
            ) from err
        self.async_show(self.engine.status)
        if self.data.cameras:
            self._async_remove_camera_devices(
                set(known_cameras(hass, entry.entry_id)) - self.data.cameras.keys()
            )
        entry.async_on_unload(hass.async_add_shutdown_job(HassJob(self.async_stop)))
        entry.async_on_unload(
            hass.bus.async_listen(
                EVENT_CORE_CONFIG_UPDATE, self._async_core_config_updated
            )
        )
        entry.async_on_unload(
            mqtt.async_subscribe_connection_status(hass, self._async_mqtt_connection)
        )
        for topic in subscriptions(self.topic_prefix):
            entry.async_on_unload(
                await mqtt.async_subscribe(
                    hass, topic, self._async_received, _MQTT_QOS, encoding=None
                )
            )
        self._async_mqtt_connection(mqtt.is_connected(hass))

    async def async_stop(self) -> None:
        """Stop the engine, in at most 5 seconds; what is pending waits in the ledger.

        Home Assistant's own stop may come before an unload, or without one.
        """
        if not self._stopped:
            self._stopped = True
            await self.engine.stop()

    async def async_set_uploads(self, enabled: bool) -> None:
        """Let everything be uploaded, or nothing; raises HomeAssistantError."""
        with _ledger_errors():
            await self.engine.set_uploads(enabled)
        self.async_show(self.engine.status)

    async def async_set_destination_uploads(
        self, destination_id: str, enabled: bool
    ) -> None:
        """Let one destination go on, or wait; raises HomeAssistantError."""
        with _ledger_errors():
            await self.engine.set_destination_uploads(destination_id, enabled)
        self.async_show(self.engine.status)

    async def async_test_destination(self, destination_id: str) -> None:
        """Test a destination truthfully; raises HomeAssistantError."""
        try:
            await self.engine.test_destination(destination_id)
        except StorageError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="test_failed",
                translation_placeholders={"error": str(err)},
            ) from err

    async def async_remove_camera(self, camera: str) -> bool:
        """Forget a camera that Frigate no longer has; tell whether that was done."""
        if camera in self.data.cameras:
            try:
                config = await self.client.config()
            except FrigateError as err:
                LOGGER.info("Frigate can't tell whether it has %s: %s", camera, err)
                return False
            if camera in config.cameras:
                return False
            with _ledger_errors():
                await self.engine.forget_camera(camera)
        return True

    @callback
    def async_show(self, status: EngineStatus) -> None:
        """Hand the engine's status on to entities and devices."""
        if status == self.data:
            return
        gone = self.data.cameras.keys() - status.cameras.keys()
        version_changed = status.frigate_version != self.data.frigate_version
        self.async_set_updated_data(status)
        self._async_remove_camera_devices(gone)
        if version_changed:
            self._async_update_devices()

    async def async_apply_changes(self) -> None:
        """Take over what changed in the entry.

        Destinations are added, changed and removed while everything goes on;
        the entry's own settings need a reload.
        """
        async with self._applying:
            if self._stopped:
                return
            entry = self.config_entry
            if (settings := _settings(entry)) != self._settings:
                self._settings = settings
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
                return
            if (setups := self._setups()) != self._applied:
                self._applied = setups
                try:
                    await self.engine.apply_destinations(setups)
                except (LedgerError, SpoolError) as err:
                    LOGGER.error("The destinations can't be taken over: %s", err)
                    self.hass.config_entries.async_schedule_reload(entry.entry_id)
                    return
            self._async_update_devices()
            self.data = self.engine.status
            self.async_update_listeners()

    def _setups(self) -> list[DestinationSetup]:
        """Return all destinations; one that did not change is the very same.

        So the engine lets its uploads go on.
        """
        known, self._made = self._made, {}
        for subentry_id, subentry in self.config_entry.subentries.items():
            settings = (subentry.title, dict(subentry.data))
            made = known.get(subentry_id)
            if made is None or made[0] != settings:
                made = (settings, destination_setup(self.hass, subentry))
            self._made[subentry_id] = made
        return [setup for _, setup in self._made.values()]

    @callback
    def _async_received(self, message: ReceiveMessage) -> None:
        # Without an encoding Home Assistant hands on the bytes that came.
        payload = cast(bytes, message.payload)
        if not self._stopped:
            self.engine.handle_message(message.topic, payload, retain=message.retain)

    @callback
    def _async_mqtt_connection(self, connected: bool) -> None:
        self.engine.handle_mqtt_connection(connected)

    @callback
    def _async_core_config_updated(self, event: Event) -> None:
        """Restart with the new time zone: file names are in local time."""
        if "time_zone" in event.data:
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)

    @callback
    def _async_remove_camera_devices(self, cameras: Iterable[str]) -> None:
        """Remove the devices, and so the entities, of cameras that are gone."""
        registry = dr.async_get(self.hass)
        entry_id = self.config_entry.entry_id
        for camera in cameras:
            if device := registry.async_get_device_by_identifier(
                camera_identifier(entry_id, camera), entry_id
            ):
                registry.async_remove_device(device.id)

    @callback
    def _async_update_devices(self) -> None:
        """Bring names and Frigate's version up to date."""
        entry = self.config_entry
        registry = dr.async_get(self.hass)
        names = {
            destination_identifier(subentry.subentry_id): subentry.title
            for subentry in entry.subentries.values()
        }
        for identifier, name in names.items():
            if device := registry.async_get_device_by_identifier(
                identifier, entry.entry_id
            ):
                registry.async_update_device(device.id, name=name)
        self._async_register_frigate()

    @callback
    def _async_register_frigate(self) -> None:
        """Make or update the device that stands for the Frigate."""
        entry = self.config_entry
        dr.async_get(self.hass).async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={frigate_identifier(entry.entry_id)},
            name=entry.title,
            manufacturer="Frigate",
            entry_type=DeviceEntryType.SERVICE,
            configuration_url=entry.data[CONF_URL],
            sw_version=self.data.frigate_version,
        )


@contextmanager
def _ledger_errors() -> Iterator[None]:
    """Turn the ledger's failure into one that the frontend shows."""
    try:
        yield
    except LedgerError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="ledger_not_usable",
            translation_placeholders={"error": str(err)},
        ) from err


def _settings(entry: ConfigEntry) -> tuple[dict[str, Any], dict[str, Any]]:
    return dict(entry.data), dict(entry.options)
