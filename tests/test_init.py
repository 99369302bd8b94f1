"""An entry's life: set up, changed, unloaded, removed; with the real engine."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, override
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_mqtt_message,
)
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.coordinator import (
    ENGINE,
    ledger_path,
    spool_path,
)
from custom_components.frigate_snap_sync.storage.errors import Unusable
from custom_components.frigate_snap_sync.sync.engine import (
    Engine,
    LedgerError,
    SpoolError,
)
from custom_components.frigate_snap_sync.sync.model.item import Media
from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send

from .component import (
    CAMERA,
    ENTRY_ID,
    LOCAL_ID,
    SECRETS,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_data,
    local_subentry,
    sftp_subentry,
    subentry,
)
from .harness.frigate import Frigate, FrigateServer


async def async_wait(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so, at most 20 seconds."""
    try:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"Waited in vain: {what}")


def shows(hass: HomeAssistant, entity_id: str, state: str) -> Callable[[], bool]:
    """Return a condition: the entity has that state."""

    def check() -> bool:
        found = hass.states.get(entity_id)
        return found is not None and found.state == state

    return check


def files(folder: Path) -> list[Path]:
    """Return the files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def async_reload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Reload an entry."""
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


def connect(hass: HomeAssistant, frigate: Frigate) -> None:
    """Let what the simulated Frigate says come in over Home Assistant's MQTT."""

    def publish(topic: str, payload: bytes, retain: bool) -> None:
        # A broker shows the flag only to those who subscribe later.
        async_fire_mqtt_message(hass, topic, payload)

    frigate.publish = publish
    frigate.connect()


# With the real engine, a simulated Frigate over HTTP, and a folder


@pytest.mark.usefixtures("mqtt_client")
async def test_from_message_to_file(
    hass: HomeAssistant, frigate_server: FrigateServer, folders: Path
) -> None:
    """Images go to the folder and are counted; the counts outlive reloads."""
    nas = folders / "media" / "nas"
    entry = frigate_entry(frigate_server.url, subentries=[local_subentry(nas)])
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    frigate = frigate_server.frigate
    connect(hass, frigate)
    await async_wait(
        shows(hass, "binary_sensor.front_door_snapshots_enabled", "on"),
        "the cameras of Frigate's configuration",
    )
    visitor = frigate.begin_object("front_door")
    await async_wait(
        shows(hass, "sensor.garage_nas_live_snapshots_uploaded", "1"),
        "the live snapshot",
    )
    (live,) = files(nas)
    assert "-front_door-live-snapshot-" in live.name
    assert live.read_bytes() == frigate.retained["frigate/front_door/person/snapshot"]

    frigate.confirm_object(visitor)
    frigate.end_object(visitor)
    await async_wait(
        shows(hass, "sensor.garage_nas_snapshots_uploaded", "1"), "the snapshot"
    )
    stored = files(nas)
    (full,) = set(stored) - {live}
    assert "-front_door-snapshot-" in full.name
    assert full.read_bytes() in frigate_server.journal.bodies("/api/events/*")
    await async_wait(
        shows(hass, "sensor.front_door_snapshots_uploaded", "2"), "the camera's count"
    )

    for _ in range(3):
        await async_reload(hass, entry)
        assert entry.state is ConfigEntryState.LOADED
        assert shows(hass, "sensor.garage_nas_live_snapshots_uploaded", "1")()
        assert shows(hass, "sensor.garage_nas_snapshots_uploaded", "1")()
        assert shows(hass, "sensor.front_door_snapshots_uploaded", "2")()
        for topic, payload in frigate.retained.items():
            # As a broker does after every new subscription: no news.
            async_fire_mqtt_message(hass, topic, payload, retain=True)
        await hass.async_block_till_done()

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert files(nas) == stored
    assert ledger_path(hass, ENTRY_ID).is_file()

    await hass.config_entries.async_remove(entry.entry_id)
    assert not ledger_path(hass, ENTRY_ID).parent.exists()
    assert not spool_path(hass, ENTRY_ID).exists()
    assert files(nas) == stored


@pytest.mark.usefixtures("mqtt_client")
async def test_destination_added_while_running(
    hass: HomeAssistant,
    mqtt_client: MqttMockHAClient,
    frigate_server: FrigateServer,
    folders: Path,
) -> None:
    """A new destination works at once; nothing is unsubscribed or set up anew."""
    entry = frigate_entry(frigate_server.url)
    await async_set_up(hass, entry)
    connect(hass, frigate_server.frigate)
    await async_wait(
        shows(hass, "binary_sensor.front_door_snapshots_enabled", "on"),
        "the cameras of Frigate's configuration",
    )
    coordinator = entry.runtime_data
    unsubscribe = mqtt_client._mqttc.unsubscribe  # noqa: SLF001
    unsubscribe.reset_mock()

    nas = folders / "media" / "nas"
    stored = local_subentry(nas)
    hass.config_entries.async_add_subentry(entry, subentry(stored))
    await async_wait(
        shows(hass, "sensor.garage_nas_live_snapshots_uploaded", "0"), "the entities"
    )
    frigate_server.frigate.begin_object("front_door")
    await async_wait(
        shows(hass, "sensor.garage_nas_live_snapshots_uploaded", "1"), "the upload"
    )
    await hass.services.async_call(
        "button", "press", {"entity_id": "button.garage_nas_test"}, blocking=True
    )
    assert len(files(nas)) == 1

    hass.config_entries.async_remove_subentry(entry, LOCAL_ID)
    await hass.async_block_till_done()
    assert hass.states.get("sensor.garage_nas_snapshots_uploaded") is None
    assert entry.runtime_data is coordinator
    assert entry.state is ConfigEntryState.LOADED
    unsubscribe.assert_not_called()
    assert len(files(nas)) == 1


@pytest.mark.usefixtures("mqtt_client", "socket_enabled")
async def test_frigate_is_away_at_start(hass: HomeAssistant, folders: Path) -> None:
    """The entry runs without Frigate, which may come later."""
    entry = frigate_entry(
        "http://127.0.0.1:1", subentries=[local_subentry(folders / "media")]
    )
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    await async_wait(
        shows(hass, "binary_sensor.frigate_connection", "off"), "the bad news"
    )
    assert shows(hass, "sensor.garage_nas_pending_uploads", "0")()


@pytest.mark.usefixtures("mqtt_client", "socket_enabled")
async def test_home_assistant_stops(hass: HomeAssistant, folders: Path) -> None:
    """The engine stops before Home Assistant is gone, without an unload."""
    stops: list[Engine] = []

    class CountingEngine(Engine):
        """Notes when it is stopped."""

        @override
        async def stop(self) -> None:
            stops.append(self)
            await super().stop()

    hass.data[ENGINE] = CountingEngine
    entry = frigate_entry(
        "http://127.0.0.1:1", subentries=[local_subentry(folders / "media")]
    )
    await async_set_up(hass, entry)
    await hass.async_stop()
    assert stops == [entry.runtime_data.engine]
    assert not [
        task for task in asyncio.all_tasks() if "frigate_snap_sync" in task.get_name()
    ]


@pytest.mark.usefixtures("mqtt_client", "socket_enabled")
@pytest.mark.parametrize("path", [ledger_path, spool_path])
async def test_files_can_not_be_used(
    hass: HomeAssistant, folders: Path, path: Callable[[HomeAssistant, str], Path]
) -> None:
    """Something else lies where the ledger or the spool should; until it doesn't."""
    in_the_way = path(hass, ENTRY_ID)
    in_the_way.parent.mkdir(parents=True)
    if path is ledger_path:
        in_the_way.mkdir()
    else:
        in_the_way.touch()
    entry = frigate_entry("http://127.0.0.1:1")
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "ledger_not_usable"
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, f"ledger_failing_{ENTRY_ID}")

    in_the_way.rename(in_the_way.with_name("elsewhere"))
    await async_reload(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert not issues.async_get_issue(DOMAIN, f"ledger_failing_{ENTRY_ID}")


# With a stand-in for the engine


@pytest.mark.usefixtures("mqtt_client")
async def test_after_the_stop(hass: HomeAssistant, engine: StandInEngine) -> None:
    """What still comes while Home Assistant goes down is left alone."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    await entry.runtime_data.async_stop()
    said = len(engine.calls)
    async_fire_mqtt_message(hass, "frigate/available", "online")
    hass.config_entries.async_add_subentry(
        entry, subentry(local_subentry("/media/nas"))
    )
    await hass.async_block_till_done()
    await entry.runtime_data.async_stop()
    assert len(engine.calls) == said
    assert not engine.setups


@pytest.mark.usefixtures("mqtt_client")
async def test_camera_comes_while_unloading(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """Nobody adds entities to a platform that is going."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    unload_platforms = hass.config_entries.async_unload_platforms

    async def unload_slowly(*arguments: Any) -> bool:
        engine.show(
            cameras={"front_door": CAMERA, "gate": replace(CAMERA, name="gate")}
        )
        await hass.async_block_till_done()
        return await unload_platforms(*arguments)

    with patch.object(hass.config_entries, "async_unload_platforms", unload_slowly):
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert hass.states.get("sensor.gate_snapshots_uploaded") is None

    await async_reload(hass, entry)
    assert shows(hass, "sensor.front_door_snapshots_uploaded", "12")()


@pytest.mark.usefixtures("mqtt_client")
async def test_what_the_engine_is_given(
    hass: HomeAssistant,
    mqtt_client: MqttMockHAClient,
    engine: StandInEngine,
    folders: Path,
) -> None:
    """The prefix is the unique id; messages come as bytes, with their flag."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    await async_set_up(hass, frigate_entry())
    arguments = engine.arguments
    assert arguments["topic_prefix"] == "frigate"
    assert str(arguments["time_zone"]) == "Europe/Berlin"
    services = arguments["services"]
    assert services.ledger.path.is_relative_to(folders / "config" / ".storage")
    assert services.spool.path("a").is_relative_to(folders / "config" / ".cache")
    assert engine.calls == [("mqtt", True)]
    subscribed = [call.args[0] for call in mqtt_client.async_subscribe.mock_calls]
    assert "frigate/reviews" in subscribed

    async_fire_mqtt_message(hass, "frigate/front_door/person/snapshot", b"\xff\xd8")
    async_fire_mqtt_message(hass, "frigate/available", "online", retain=True)
    async_dispatcher_send(hass, mqtt.MQTT_CONNECTION_STATE, False)
    assert engine.calls[1:] == [
        ("message", "frigate/front_door/person/snapshot", b"\xff\xd8", False),
        ("message", "frigate/available", b"online", True),
        ("mqtt", False),
    ]


@pytest.mark.usefixtures("mqtt_client")
async def test_topics_that_another_integration_reads_as_text(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """Home Assistant decodes a message once for all who share a topic."""
    # Which of them comes first is chance.
    for _ in range(30):
        await mqtt.async_subscribe(hass, "frigate/reviews", lambda message: None)
    await async_set_up(hass, frigate_entry())
    async_fire_mqtt_message(hass, "frigate/reviews", '{"label": "Tür"}')
    assert engine.calls[1:] == [
        ("message", "frigate/reviews", '{"label": "Tür"}'.encode(), False)
    ]


@pytest.mark.usefixtures("mqtt_client")
async def test_unload_and_load(
    hass: HomeAssistant, mqtt_client: MqttMockHAClient, engine: StandInEngine
) -> None:
    """Nothing is left behind, three times."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    await async_set_up(hass, entry)
    for number in range(1, 4):
        assert await hass.config_entries.async_unload(entry.entry_id)
        assert entry.state is ConfigEntryState.NOT_LOADED
        assert engine.calls.count(("stop",)) == number
        # Nobody listens any more.
        said = len(engine.calls)
        async_fire_mqtt_message(hass, "frigate/available", "online")
        engine.show(pending_uploads=number)
        await hass.async_block_till_done()
        assert len(engine.calls) == said
        assert shows(hass, "sensor.frigate_pending_uploads", "unavailable")()
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert shows(hass, "sensor.frigate_pending_uploads", "2")()


async def test_no_mqtt(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Without Home Assistant's MQTT integration it is tried again later."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "mqtt_not_set_up"


@pytest.mark.usefixtures("mqtt_client")
async def test_bad_url(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Stored data that nobody could have typed."""
    entry = frigate_entry("frigate")
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "invalid_url"


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("failure", [LedgerError("no disk"), SpoolError("no disk")])
async def test_no_ledger(
    hass: HomeAssistant, engine: StandInEngine, failure: Exception
) -> None:
    """Without a ledger nothing is done; it is tried again, and stopped cleanly."""
    engine.failure = failure
    entry = frigate_entry()
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "ledger_not_usable"
    assert engine.calls == [("stop",)]

    engine.failure = None
    await async_reload(hass, entry)
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("mqtt_client")
async def test_destinations_change(
    hass: HomeAssistant, engine: StandInEngine, device_registry: dr.DeviceRegistry
) -> None:
    """Changes of destinations reach the engine without a reload."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    assert [setup.id for setup in engine.setups] == [LOCAL_ID, SFTP_ID]
    subentry = entry.subentries[LOCAL_ID]

    data = local_data("/media/nas")
    data["selection"] = {**data["selection"], "media": ["recordings"]}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    await hass.async_block_till_done()
    assert engine.setups[0].selection.media == {Media.RECORDINGS}

    hass.config_entries.async_update_subentry(entry, subentry, title="Attic")
    await hass.async_block_till_done()
    assert engine.setups[0].name == "Attic"
    device = device_registry.async_get_device_by_identifier(
        ("frigate_snap_sync", LOCAL_ID), ENTRY_ID
    )
    assert device is not None
    assert device.name == "Attic"

    hass.config_entries.async_remove_subentry(entry, SFTP_ID)
    await hass.async_block_till_done()
    assert [setup.id for setup in engine.setups] == [LOCAL_ID]
    assert ("stop",) not in engine.calls


@pytest.mark.usefixtures("mqtt_client")
async def test_title_changes(
    hass: HomeAssistant, engine: StandInEngine, device_registry: dr.DeviceRegistry
) -> None:
    """The Frigate's device is called as the entry."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, title="Barn")
    await hass.async_block_till_done()
    device = device_registry.async_get_device_by_identifier(
        ("frigate_snap_sync", ENTRY_ID), ENTRY_ID
    )
    assert device is not None
    assert device.name == "Barn"
    assert ("stop",) not in engine.calls


@pytest.mark.usefixtures("mqtt_client")
async def test_frigate_is_updated(
    hass: HomeAssistant, engine: StandInEngine, device_registry: dr.DeviceRegistry
) -> None:
    """The device shows the version that Frigate told last."""
    await async_set_up(hass, frigate_entry())
    engine.show(frigate_version="0.18.0-e3fa701")
    device = device_registry.async_get_device_by_identifier(
        ("frigate_snap_sync", ENTRY_ID), ENTRY_ID
    )
    assert device is not None
    assert device.sw_version == "0.18.0-e3fa701"


@pytest.mark.usefixtures("mqtt_client")
async def test_change_while_setting_up(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """A destination that is added before there is a listener is not forgotten."""
    entry = frigate_entry()
    entry.add_to_hass(hass)
    engine.on_start = lambda: hass.config_entries.async_add_subentry(
        entry, subentry(local_subentry("/media/nas"))
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert [setup.id for setup in engine.setups] == [LOCAL_ID]
    assert hass.states.get("button.garage_nas_test") is not None


@pytest.mark.usefixtures("mqtt_client")
async def test_destinations_can_not_be_taken_over(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """When the ledger fails at it, the entry starts anew with all that is stored."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    engine.apply_failure = LedgerError("locked")
    hass.config_entries.async_add_subentry(
        entry, subentry(local_subentry("/media/nas"))
    )
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert engine.calls.count(("stop",)) == 1
    assert [setup.id for setup in engine.setups] == [LOCAL_ID]


@pytest.mark.usefixtures("mqtt_client")
async def test_time_zone_changes(hass: HomeAssistant, engine: StandInEngine) -> None:
    """File names are in local time, so the engine starts anew."""
    await async_set_up(hass, frigate_entry())
    await hass.config.async_update(location_name="Elsewhere")
    await hass.async_block_till_done()
    assert ("stop",) not in engine.calls

    # The page of the general settings sends all of them.
    await hass.config.async_update(
        location_name="At home", time_zone=hass.config.time_zone
    )
    await hass.async_block_till_done()
    assert ("stop",) not in engine.calls

    await hass.config.async_update(time_zone="Asia/Tokyo")
    await hass.async_block_till_done()
    assert engine.calls.count(("stop",)) == 1
    assert str(engine.arguments["time_zone"]) == "Asia/Tokyo"


@pytest.mark.usefixtures("mqtt_client")
async def test_bad_destination(
    hass: HomeAssistant, engine: StandInEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """One that can't be read harms nobody and leaves nothing unsaid."""
    broken = sftp_subentry()
    broken["data"] = {"host": "192.0.2.7", "password": SECRETS["sftp_password"]}
    entry = frigate_entry(subentries=[broken, local_subentry("/media/nas")])
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    bad, good = engine.setups
    assert bad.selection is None
    with pytest.raises(Unusable, match="can't be read"):
        await bad.destination.connect()
    assert good.selection.media == set(Media)
    assert "Off-site server can't be read" in caplog.text
    assert SECRETS["sftp_password"] not in caplog.text
