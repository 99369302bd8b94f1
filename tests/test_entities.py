"""The entities of all platforms, against statuses of every kind."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.frigate_snap_sync.devices import camera_name
from custom_components.frigate_snap_sync.storage.errors import CAUSES
from custom_components.frigate_snap_sync.sync.model.status import (
    CameraStatus,
    DestinationStatus,
    LastError,
    Protection,
    Reason,
)
from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.const import (
    ATTR_ENTITY_ID,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    EntityCategory,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, slugify

from .component import (
    CAMERA,
    DESTINATION,
    ENTRY_ID,
    LOCAL_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)

pytestmark = pytest.mark.usefixtures("mqtt_client")


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state."""
    found = hass.states.get(entity_id)
    assert found is not None, entity_id
    return found.state


@pytest.mark.parametrize(
    "platform",
    [
        Platform.BINARY_SENSOR,
        Platform.BUTTON,
        Platform.EVENT,
        Platform.SENSOR,
        Platform.SWITCH,
    ],
)
async def test_platform(
    hass: HomeAssistant,
    engine: StandInEngine,
    folders: Path,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    platform: Platform,
) -> None:
    """Every entity and its state."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    with patch.object(Entity, "entity_registry_enabled_default", new=True):
        await async_set_up(hass, entry)
    entities = [
        entity
        for entity in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if entity.domain == platform
    ]
    assert entities
    for entity in entities:
        assert entity == snapshot(name=f"{entity.entity_id}-entry")
        assert entity.disabled_by is None
        state = hass.states.get(entity.entity_id)
        assert state is not None
        assert state == snapshot(name=f"{entity.entity_id}-state")


async def test_names(
    hass: HomeAssistant, entry: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """Unique ids end in the key, names are the key in words."""
    entries = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    assert len(entries) == 9 + 7 + 13
    for item in entries:
        assert item.unique_id.startswith(f"{ENTRY_ID}_")
        assert item.unique_id.endswith(f"_{item.translation_key}")
        assert slugify(item.original_name) == item.translation_key


async def test_devices(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """The Frigate, its camera and the destination, named as designed."""
    devices = {
        device.name: device
        for device in dr.async_entries_for_config_entry(device_registry, ENTRY_ID)
    }
    assert devices.keys() == {"Frigate", "front_door", "Garage NAS"}
    assert devices["front_door"].via_device_id == devices["Frigate"].id
    assert devices["Garage NAS"].config_subentry_id == LOCAL_ID
    assert devices["Frigate"].sw_version == "0.17.2-3d4dd3a"
    assert sorted(devices.values(), key=lambda device: str(device.name)) == snapshot


@pytest.mark.parametrize(
    ("language", "camera", "folder", "server"),
    [
        ("en", "Camera", "Local folder", "SFTP server"),
        ("de", "Kamera", "Lokaler Ordner", "SFTP-Server"),
    ],
)
async def test_no_device_is_of_an_unknown_make(
    hass: HomeAssistant,
    engine: StandInEngine,
    folders: Path,
    device_registry: dr.DeviceRegistry,
    language: str,
    camera: str,
    folder: str,
    server: str,
) -> None:
    """Home Assistant lists a device without maker or model as <unknown>."""
    hass.config.language = language
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    makes = {
        device.name: (device.manufacturer, device.model)
        for device in dr.async_entries_for_config_entry(device_registry, ENTRY_ID)
    }
    assert makes == {
        "Frigate": ("Frigate", "NVR"),
        "front_door": ("Frigate", camera),
        "Garage NAS": ("Frigate Snap Sync", folder),
        "Off-site server": ("Frigate Snap Sync", server),
    }


async def test_counts_have_no_unit(
    hass: HomeAssistant, entry: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """They have a unit, which is translated."""
    counts = [
        item
        for item in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if item.capabilities
        and "state_class" in item.capabilities
        and item.original_device_class is None
    ]
    assert {item.translation_key for item in counts} == {
        "failed_uploads",
        "live_snapshots_uploaded",
        "pending_uploads",
        "recordings_uploaded",
        "snapshots_uploaded",
    }
    assert {item.unit_of_measurement for item in counts} == {
        "recordings",
        "snapshots",
        "uploads",
    }


@pytest.mark.parametrize(
    ("uploaded", "shown"),
    [
        (1_000_000, "0.001 GB"),
        (3_456_789, "0.003 GB"),
        (300_123_456_789, "300.123 GB"),
    ],
)
async def test_data_from_the_first_megabyte_on(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    uploaded: int,
    shown: str,
) -> None:
    """As a person sees it, rounded; the state itself is exact."""
    grown = replace(DESTINATION, data_uploaded=uploaded)
    engine.show(destinations={LOCAL_ID: grown})
    entity = "sensor.garage_nas_data_uploaded"
    rounded = Template(
        f"{{{{ states('{entity}', rounded=True, with_unit=True) }}}}", hass
    )
    assert rounded.async_render() == shown
    assert float(state(hass, entity)) == pytest.approx(uploaded / 10**9)


async def test_disabled_by_default(
    hass: HomeAssistant, entry: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """A time stamp of each upload, which fills Activity, is for those who ask for it."""
    disabled = [
        item.unique_id
        for item in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if item.disabled_by is not None
    ]
    assert disabled == [f"{ENTRY_ID}_{LOCAL_ID}_last_upload"]


@pytest.mark.parametrize(
    ("changes", "connection", "enabled"),
    [
        ({}, STATE_ON, STATE_ON),
        ({"frigate_connected": None}, STATE_UNKNOWN, STATE_UNAVAILABLE),
        ({"frigate_connected": False}, STATE_OFF, STATE_UNAVAILABLE),
        ({"mqtt_connected": False}, STATE_OFF, STATE_UNAVAILABLE),
        ({"topic_prefix_changed": True}, STATE_OFF, STATE_UNAVAILABLE),
        ({"frigate_mqtt_disabled": True}, STATE_OFF, STATE_UNAVAILABLE),
        ({"frigate_safe_mode": True}, STATE_OFF, STATE_UNAVAILABLE),
    ],
)
async def test_frigate_away(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    changes: dict[str, Any],
    connection: str,
    enabled: str,
) -> None:
    """What Frigate alone knows goes with it, what the ledger knows stays."""
    engine.show(**changes)
    await hass.async_block_till_done()
    assert state(hass, "binary_sensor.frigate_connection") == connection
    assert state(hass, "binary_sensor.front_door_snapshots_enabled") == enabled
    assert state(hass, "sensor.front_door_snapshots_uploaded") == "12"
    assert state(hass, "sensor.frigate_pending_uploads") == "2"
    assert state(hass, "sensor.frigate_protection") == "catching_up"
    assert state(hass, "sensor.frigate_oldest_pending") == "2026-11-22T08:20:00+00:00"
    assert state(hass, "sensor.garage_nas_recordings_uploaded") == "3"
    assert state(hass, "switch.frigate_capture") == STATE_ON


async def test_an_owner_asks_for_an_update(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There is nothing to ask anybody: what is shown is the newest."""
    await async_setup_component(hass, "homeassistant", {})
    entity = "sensor.frigate_pending_uploads"
    await hass.services.async_call(
        "homeassistant", "update_entity", {ATTR_ENTITY_ID: entity}, blocking=True
    )
    assert state(hass, entity) == "2"
    assert "Traceback" not in caplog.text


async def test_switches_of_frigate(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """A camera's own switches in Frigate, followed live; unknown until told."""
    recordings = "binary_sensor.front_door_recordings_enabled"
    assert state(hass, recordings) == STATE_OFF
    for enabled, shown in ((True, STATE_ON), (None, STATE_UNKNOWN)):
        camera = replace(CAMERA, recordings_enabled=enabled)
        engine.show(cameras={"front_door": camera})
        assert state(hass, recordings) == shown


async def test_destination_away(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Free space goes with the server; counters and the last error stay."""
    engine.show(destinations={LOCAL_ID: replace(DESTINATION, connected=False)})
    assert state(hass, "binary_sensor.garage_nas_connection") == STATE_OFF
    assert state(hass, "sensor.garage_nas_free_space") == STATE_UNAVAILABLE
    assert state(hass, "sensor.garage_nas_pending_uploads") == "2"
    assert state(hass, "sensor.garage_nas_failed_uploads") == "1"
    assert state(hass, "sensor.garage_nas_last_error") == "cannot_connect"
    assert state(hass, "switch.garage_nas_sending") == STATE_ON

    engine.show(destinations={LOCAL_ID: DestinationStatus()})
    assert state(hass, "binary_sensor.garage_nas_connection") == STATE_UNKNOWN
    assert state(hass, "sensor.garage_nas_free_space") == STATE_UNKNOWN
    assert state(hass, "sensor.garage_nas_last_error") == "none"

    engine.show(destinations={})
    assert state(hass, "binary_sensor.garage_nas_connection") == STATE_UNAVAILABLE
    assert state(hass, "sensor.garage_nas_snapshots_uploaded") == STATE_UNAVAILABLE


async def test_last_error(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """The state is its cause; the text, the file and the time are attributes."""
    moment = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    for cause in CAUSES:
        error = LastError(code=cause.code, text="x" * 300, file="a/b.jpg", time=moment)
        failed = replace(DESTINATION, last_error=error)
        engine.show(destinations={LOCAL_ID: failed})
        found = hass.states.get("sensor.garage_nas_last_error")
        assert found is not None
        assert found.state == cause.code
        attributes = {key: found.attributes[key] for key in ("text", "file", "time")}
        assert attributes == {"text": "x" * 300, "file": "a/b.jpg", "time": moment}

    engine.show(destinations={LOCAL_ID: replace(DESTINATION, last_error=None)})
    found = hass.states.get("sensor.garage_nas_last_error")
    assert found is not None
    assert found.state == "none"
    assert found.state in found.attributes["options"]
    assert not found.attributes["text"]


async def test_camera_comes_and_goes(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """A new camera has its entities at once; one that is gone takes them along."""
    counter = "sensor.back_yard_2_snapshots_uploaded"
    identifier = ("frigate_snap_sync", f"{ENTRY_ID}_back-yard_2")
    for uploaded in (0, 5):  # it may come back
        camera = CameraStatus(name="back-yard_2", snapshots_uploaded=uploaded)
        engine.show(cameras={"front_door": CAMERA, "back-yard_2": camera})
        await hass.async_block_till_done()
        assert state(hass, counter) == str(uploaded)
        device = device_registry.async_get_device_by_identifier(identifier, ENTRY_ID)
        assert device is not None
        assert device.name == "back-yard_2"

        engine.show(cameras={"front_door": CAMERA})
        await hass.async_block_till_done()
        assert hass.states.get(counter) is None
        assert entity_registry.async_get(counter) is None
        assert not device_registry.async_get_device_by_identifier(identifier, ENTRY_ID)
    assert state(hass, "sensor.front_door_snapshots_uploaded") == "12"


@pytest.mark.parametrize("display_name", ["Haustür", "front_door", None])
async def test_cameras_are_called_as_in_frigate(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    display_name: str | None,
) -> None:
    """Also after the name has changed there; while it is not known it stays."""

    def name() -> str | None:
        device = device_registry.async_get_device_by_identifier(
            ("frigate_snap_sync", f"{ENTRY_ID}_front_door"), ENTRY_ID
        )
        return None if device is None else device.name

    assert name() == "front_door"
    for shown, expected in (
        ("Front", "Front"),
        (display_name, display_name or "Front"),
    ):
        engine.show(cameras={"front_door": replace(CAMERA, display_name=shown)})
        await hass.async_block_till_done()
        assert name() == expected
    # So does it when the entities are made before it is known.
    assert camera_name(hass, ENTRY_ID, "front_door", None) == name()
    assert camera_name(hass, ENTRY_ID, "new", None) == "new"


async def test_devices_hang_below_the_frigate(
    hass: HomeAssistant, entry: MockConfigEntry, device_registry: dr.DeviceRegistry
) -> None:
    """Cameras and destinations."""
    devices = dr.async_entries_for_config_entry(device_registry, ENTRY_ID)
    frigate = device_registry.async_get_device_by_identifier(
        ("frigate_snap_sync", ENTRY_ID), ENTRY_ID
    )
    assert frigate is not None
    assert {device.via_device_id for device in devices} == {None, frigate.id}
    assert frigate.via_device_id is None
    assert len(devices) == 3


async def test_the_last_successful_test_is_shown(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """As an attribute of the connection."""
    connection = "binary_sensor.garage_nas_connection"
    found = hass.states.get(connection)
    assert found is not None
    assert found.attributes["tested"] is None
    moment = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    engine.show(destinations={LOCAL_ID: replace(DESTINATION, tested=moment)})
    found = hass.states.get(connection)
    assert found is not None
    assert found.attributes["tested"] == moment


async def test_nothing_switches_the_evidence_off_by_the_way(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """An action on a whole area leaves our switches alone, as do voice assistants."""
    area = area_registry.async_create("Hall")
    for device in dr.async_entries_for_config_entry(device_registry, ENTRY_ID):
        device_registry.async_update_device(device.id, area_id=area.id)
    switches = [
        item.entity_id
        for item in er.async_entries_for_config_entry(entity_registry, ENTRY_ID)
        if item.domain in (Platform.SWITCH, Platform.BUTTON)
    ]
    assert len(switches) == 7
    assert await async_setup_component(hass, "homeassistant", {})
    for service in ("turn_off", "toggle"):
        await hass.services.async_call(
            "switch", service, {"area_id": area.id}, blocking=True
        )
    for entity_id in switches:
        item = entity_registry.async_get(entity_id)
        assert item is not None
        assert item.entity_category in (
            EntityCategory.CONFIG,
            EntityCategory.DIAGNOSTIC,
        )
        assert not async_should_expose(hass, "conversation", entity_id)
    assert state(hass, "switch.frigate_capture") == STATE_ON
    assert state(hass, "switch.garage_nas_sending") == STATE_ON


async def test_protection(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """How protected the owner is, and since when something waits."""
    engine.show(protection=Protection.AT_RISK)
    assert state(hass, "sensor.frigate_protection") == "at_risk"
    engine.show(protection=Protection.PROTECTED, oldest_pending=None)
    assert state(hass, "sensor.frigate_protection") == "protected"
    assert state(hass, "sensor.frigate_oldest_pending") == STATE_UNKNOWN
    found = hass.states.get("sensor.frigate_protection")
    assert found is not None
    assert found.attributes["options"] == [
        "protected",
        "catching_up",
        "at_risk",
        "paused",
        "not_set_up",
    ]


async def test_reasons_of_the_protection(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """All of them, and since when; another reason is another attribute at once."""
    entity_id = "sensor.frigate_protection"
    since = dt_util.utcnow()
    engine.show(
        protection=Protection.AT_RISK, reasons=(Reason.ITEMS_LOST,), since=since
    )
    found = hass.states.get(entity_id)
    assert found is not None
    assert found.attributes["reasons"] == ["items_lost"]
    assert found.attributes["since"] == since
    engine.show(reasons=(Reason.MQTT_AWAY, Reason.ITEMS_LOST))
    found = hass.states.get(entity_id)
    assert found is not None
    assert found.attributes["reasons"] == ["mqtt_away", "items_lost"]
    engine.show(protection=Protection.PROTECTED, reasons=())
    found = hass.states.get(entity_id)
    assert found is not None
    assert found.attributes["reasons"] == []
