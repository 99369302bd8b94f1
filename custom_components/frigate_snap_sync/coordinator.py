"""The one door between Home Assistant and the engine of an entry."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, override

from homeassistant.components import mqtt
from homeassistant.components.mqtt import ReceiveMessage
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HassJob, HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryError,
    ConfigEntryNotReady,
    HomeAssistantError,
)
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .clients import async_create_session, build_client
from .const import CONF_IMPORTED, CONF_TOPIC_PREFIX, DOMAIN, LOGGER, SECONDS_PER_HOUR
from .devices import (
    async_name_cameras,
    async_name_destinations,
    async_register_frigate,
    async_remove_cameras,
    known_cameras,
)
from .engine_setup import destination_setup, engine_options
from .frigate.errors import FrigateError, InvalidUrl
from .frigate.messages import subscriptions
from .gates import Gates
from .held_uploads import HeldUploads
from .listeners import Listeners
from .owner_requests import OwnerRequests, ledger_errors
from .storage.errors import StorageError
from .sync.engine import (
    DestinationSetup,
    Engine,
    EnginePaths,
    LedgerError,
    Services,
    SpoolError,
)
from .sync.model.status import (
    EngineStatus,
    Picture,
    UploadEvent,
    UploadFilter,
    UploadRow,
)
from .sync.playback.playback import Playback
from .sync.support.home_health import could_not_start
from .words import async_why

type FrigateSnapSyncConfigEntry = ConfigEntry[FrigateSnapSyncCoordinator]

ENGINE: HassKey[type[Engine]] = HassKey(f"{DOMAIN}_engine")
"""The class of engines; nothing is there unless a test has put it there."""

_MOST_UNHEARD: Final = 1000
"""Events of a destination that are kept until an entity listens to them."""

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
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        try:
            self.client = build_client(
                hass, async_create_session(hass, entry.data), entry.data
            )
        except InvalidUrl as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key="invalid_url"
            ) from err
        self.topic_prefix = str(entry.unique_id)
        options = engine_options(
            entry.options, follows_topic_prefix=CONF_TOPIC_PREFIX not in entry.data
        )
        services = Services.at(
            EnginePaths(
                ledger=ledger_path(hass, entry.entry_id),
                spool=spool_path(hass, entry.entry_id),
            ),
            spool_limit=options.spool_limit,
        )
        self._time_zone = dt_util.get_default_time_zone()
        self.engine = hass.data.get(ENGINE, Engine)(
            client=self.client,
            topic_prefix=self.topic_prefix,
            services=services,
            options=options,
            time_zone=self._time_zone,
            on_status=self._async_show,
            on_upload=self._async_uploaded,
        )
        self.requests = OwnerRequests(hass, self.engine, self.client)
        self.data = self.engine.status
        # What was taken over, to tell later what was changed: a subentry is changed
        # in place, so the entry itself can't tell.
        self._settings = _settings(entry)
        self._applied: list[DestinationSetup] = []
        self._made: dict[str, tuple[tuple[str, dict[str, Any]], DestinationSetup]] = {}
        self._applying = asyncio.Lock()
        self._gates = Gates(hass, entry, self._async_set_closed)
        self._held = HeldUploads(hass, entry)
        self.uploads = Listeners[UploadEvent](keep=_MOST_UNHEARD)
        """By the destination's id."""
        self.pictures = Listeners[Picture](keep=1)
        """By the camera's name."""
        services.signals.pictured.subscribe(
            lambda picture: self.pictures.async_tell(picture.camera, picture)
        )
        self._stopped = False

    @property
    def playback(self) -> Playback:
        """Return what lists and reads the files at the destinations."""
        return self.engine.playback

    async def async_start(self) -> None:
        """Start the engine, then listen to Frigate.

        Raises ConfigEntryNotReady when the ledger can't be opened; `data` says why.
        """
        hass, entry = self.hass, self.config_entry
        # Cameras link to this device, whatever platform comes first.
        async_register_frigate(hass, entry, version=self.data.frigate_version)
        try:
            self._applied = self._setups()
            closed = self._gates.async_closed()
            await self.engine.start(self._applied, closed=closed)
        except (LedgerError, SpoolError) as err:
            self.data = could_not_start(err)
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="ledger_not_usable",
                translation_placeholders={"error": async_why(hass, err)},
            ) from err
        self._gates.async_track()
        entry.async_on_unload(self._gates.async_stop)
        if self._gates.async_closed() != closed:
            # The entity changed while the ledger was opened.
            await self._gates.async_tell()
        if self.data.cameras:
            gone = set(known_cameras(hass, entry.entry_id)) - self.data.cameras.keys()
            async_remove_cameras(hass, entry.entry_id, gone)
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

    @override
    async def _async_update_data(self) -> EngineStatus:
        """Return the newest status; only `homeassistant.update_entity` asks for it."""
        return self.engine.status

    async def async_back_up(self) -> None:
        """Copy the ledger for a backup; raises HomeAssistantError."""
        with ledger_errors(self.hass):
            await self.engine.back_up()

    async def async_end_backup(self) -> None:
        """Note that the backup is over; raises HomeAssistantError."""
        with ledger_errors(self.hass):
            await self.engine.end_backup()

    async def async_stop(self) -> None:
        """Stop the engine, in at most 5 seconds; what is pending waits in the ledger.

        Home Assistant's own stop may come before an unload, or without one.
        """
        if not self._stopped:
            self._stopped = True
            self._gates.async_stop()
            self._held.async_stop()
            await self.engine.stop()

    async def async_set_capture(self, enabled: bool) -> None:
        """Keep what happens from now on, or leave it at home; raises HomeAssistantError."""
        with ledger_errors(self.hass):
            await self.engine.set_capture(enabled)

    async def async_set_sending(self, destination_id: str, enabled: bool) -> None:
        """Send a destination's queue, or let it wait; raises HomeAssistantError."""
        with ledger_errors(self.hass):
            await self.engine.set_sending(destination_id, enabled)

    async def async_test_destination(self, destination_id: str) -> None:
        """Test a destination end to end; raises HomeAssistantError."""
        try:
            await self.async_probe_destination(destination_id)
        except StorageError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="test_failed",
                translation_placeholders={"error": async_why(self.hass, err)},
            ) from err

    async def async_probe_destination(self, destination_id: str) -> None:
        """Test a destination end to end; raises StorageError."""
        await self.engine.test_destination(destination_id)

    async def async_catch_up(self, look_back: float | None = None) -> int:
        """Look now for what was missed; return how many items were found.

        `look_back` (hours) asks for exactly that time, None for what is due.
        Raises HomeAssistantError.
        """
        try:
            with ledger_errors(self.hass):
                return await self.engine.catch_up(
                    None if look_back is None else look_back * SECONDS_PER_HOUR
                )
        except FrigateError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="catch_up_failed",
                translation_placeholders={"error": async_why(self.hass, err)},
            ) from err

    async def async_retry_failed(self) -> int:
        """Retry failed uploads; return how many.

        Raises HomeAssistantError.
        """
        with ledger_errors(self.hass):
            return await self.engine.retry_failed()

    async def async_acknowledge_losses(self, until: float) -> None:
        """Note that the owner knows what was lost up to then (epoch seconds).

        Raises HomeAssistantError.
        """
        with ledger_errors(self.hass):
            await self.engine.acknowledge_losses(until)

    async def async_list_uploads(self, wanted: UploadFilter) -> list[UploadRow]:
        """Return the newest uploads that fit; raises HomeAssistantError."""
        with ledger_errors(self.hass):
            return await self.engine.list_uploads(wanted)

    async def async_apply_changes(self) -> None:
        """Take over what changed in the entry.

        Destinations are added, changed and removed while the others keep running;
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
                self._gates.async_track()
                await self._gates.async_tell()
                try:
                    await self.engine.apply_destinations(setups)
                except (LedgerError, SpoolError) as err:
                    LOGGER.error("The destinations can't be taken over: %s", err)
                    self.hass.config_entries.async_schedule_reload(entry.entry_id)
                    return
            self._async_update_devices()
            self.async_update_listeners()

    def _setups(self) -> list[DestinationSetup]:
        """Return all destinations; one that did not change is the very same.

        So the engine lets its uploads continue.
        """
        known, self._made = self._made, {}
        for subentry_id, subentry in self.config_entry.subentries.items():
            settings = (subentry.title, dict(subentry.data))
            made = known.get(subentry_id)
            if made is None or made[0] != settings:
                made = (
                    settings,
                    destination_setup(
                        self.hass, subentry, entry_id=self.config_entry.entry_id
                    ),
                )
            self._made[subentry_id] = made
        return [setup for _, setup in self._made.values()]

    async def _async_set_closed(self, closed: Collection[str], since: float) -> None:
        """Let these destinations get nothing that begins from then on."""
        with ledger_errors(self.hass):
            await self.engine.set_closed(closed, since=since)

    @callback
    def _async_received(self, message: ReceiveMessage) -> None:
        # Bytes were subscribed to. But Home Assistant decodes once for all that share a
        # topic: it is text where its own discovery, or another integration, came first.
        raw = message.payload
        payload = raw.encode() if isinstance(raw, str) else bytes(raw)
        if not self._stopped:
            self.engine.handle_message(message.topic, payload, retain=message.retain)

    @callback
    def _async_show(self, status: EngineStatus) -> None:
        """Hand a new status of the engine on to entities and devices."""
        gone = self.data.cameras.keys() - status.cameras.keys()
        version_changed = status.frigate_version != self.data.frigate_version
        names = _camera_names(status)
        names_changed = names != _camera_names(self.data)
        self.async_set_updated_data(status)
        async_remove_cameras(self.hass, self.config_entry.entry_id, gone)
        if names_changed:
            async_name_cameras(self.hass, self.config_entry.entry_id, names)
        if version_changed:
            self._async_update_devices()

    @callback
    def _async_uploaded(self, event: UploadEvent) -> None:
        self._held.async_tell(event)
        self.uploads.async_tell(event.destination_id, event)

    @callback
    def _async_mqtt_connection(self, connected: bool) -> None:
        self.engine.handle_mqtt_connection(connected)

    @callback
    def _async_core_config_updated(self, event: Event) -> None:
        """Restart with a new time zone: file names are in local time.

        Who saves the general settings sends the time zone too, changed or not.
        """
        if str(dt_util.get_default_time_zone()) != str(self._time_zone):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)

    @callback
    def _async_update_devices(self) -> None:
        """Bring names and Frigate's version up to date."""
        async_name_destinations(self.hass, self.config_entry)
        async_register_frigate(
            self.hass, self.config_entry, version=self.data.frigate_version
        )


def _camera_names(status: EngineStatus) -> dict[str, str | None]:
    return {name: camera.display_name for name, camera in status.cameras.items()}


def _settings(entry: ConfigEntry) -> tuple[dict[str, Any], dict[str, Any]]:
    # What is suggested is none.
    data = {key: value for key, value in entry.data.items() if key != CONF_IMPORTED}
    return data, dict(entry.options)
