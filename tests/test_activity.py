"""Activity says in words what arrived, and is not flooded."""

from datetime import timedelta
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.frigate_snap_sync.activity import EVENT_UPLOAD
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.logbook import async_describe_events
from custom_components.frigate_snap_sync.pacing import MAX_WAITING
from homeassistant.components.recorder import Recorder
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .component import (
    ENTRY_ID,
    LOCAL_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)


def lines(hass: HomeAssistant, events: list[Event]) -> list[str]:
    """Return what Activity makes of events."""
    found: list[str] = []

    def register(domain: str, event_type: str, describe: object) -> None:
        assert (domain, event_type) == (DOMAIN, EVENT_UPLOAD)
        assert callable(describe)
        for event in events:
            line = describe(event)
            found.append(f"{line['name']} {line['message']}")

    async_describe_events(hass, register)
    return found


async def pass_second(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a second pass."""
    freezer.tick(timedelta(seconds=1.1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.mark.usefixtures("mqtt_client", "entry")
async def test_uploads_in_words(
    hass: HomeAssistant,
    engine: StandInEngine,
    freezer: FrozenDateTimeFactory,
    device_registry: dr.DeviceRegistry,
) -> None:
    """What, of which camera, what it shows, how long it is, and where it is now."""
    events = async_capture_events(hass, EVENT_UPLOAD)
    engine.upload(labels=("person",), start=1000.0, end=1032.2, file="1.mp4")
    engine.upload(labels=("dog", "person"), start=1000.0, end=1725.0)
    engine.upload(media="snapshot", labels=("person",), start=1000.0, end=1010.0)
    engine.upload(start=1000.0)
    engine.upload(verified=False, cause="gone", labels=("cat",), size=None)
    engine.upload(media="live_snapshot", verified=False, cause="dropped")
    for _ in range(8):
        await pass_second(hass, freezer)
    assert lines(hass, events) == [
        "Frigate Recording of front_door (person, 32 s) verified at Garage NAS",
        "Frigate Recording of front_door (dog, person, 12:05 min) verified at Garage NAS",
        "Frigate Snapshot of front_door (person) verified at Garage NAS",
        "Frigate Recording of front_door verified at Garage NAS",
        "Frigate Recording of front_door (cat) not uploaded to Garage NAS:"
        " Frigate no longer has it",
        "Frigate Live snapshot of front_door not uploaded to Garage NAS:"
        " There was no space for it, or its bytes were lost, before it could be sent",
    ]
    data = events[0].data
    assert "url" not in data
    assert data["media_content_id"].endswith("/1.mp4")
    device = device_registry.async_get(data["device_id"])
    assert device is not None
    assert device.name == "front_door"


@pytest.mark.usefixtures("mqtt_client", "entry")
async def test_not_flooded(
    hass: HomeAssistant, engine: StandInEngine, freezer: FrozenDateTimeFactory
) -> None:
    """No live snapshots that arrive; and of a flood one a second, failures first."""
    events = async_capture_events(hass, EVENT_UPLOAD)
    engine.upload(media="live_snapshot")
    await hass.async_block_till_done()
    assert not events
    for number in range(200):
        engine.upload(path=f"{number}.mp4")
    engine.upload(path="bad.mp4", verified=False, cause="gone")
    await hass.async_block_till_done()
    assert len(events) == 1
    for _ in range(MAX_WAITING + 5):
        await pass_second(hass, freezer)
    assert len(events) == MAX_WAITING + 1
    assert events[-1].data["path"] == "bad.mp4"
    assert sum(event.data["omitted"] for event in events) == 200 - MAX_WAITING


@pytest.mark.usefixtures("mqtt_client", "entry")
async def test_a_destination_that_was_removed(
    hass: HomeAssistant, engine: StandInEngine, freezer: FrozenDateTimeFactory
) -> None:
    """Has no name any more; that is said in words."""
    events = async_capture_events(hass, EVENT_UPLOAD)
    engine.upload(destination_id="gone")
    engine.upload(destination_id="gone", verified=False, cause="incomplete")
    await hass.async_block_till_done()
    await pass_second(hass, freezer)
    assert lines(hass, events) == [
        "Frigate Recording of front_door verified at a removed destination",
        "Frigate Recording of front_door not uploaded to a removed destination:"
        " Frigate gives only some of it",
    ]


@pytest.mark.usefixtures("mqtt_client")
async def test_nothing_after_the_end(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An unloaded entry shows nothing; what a removed one left is readable."""
    events = async_capture_events(hass, EVENT_UPLOAD)
    engine.upload(path="0.mp4")
    engine.upload(path="1.mp4")
    assert await hass.config_entries.async_unload(ENTRY_ID)
    await pass_second(hass, freezer)
    assert [event.data["path"] for event in events] == ["0.mp4"]
    assert await hass.config_entries.async_remove(ENTRY_ID)
    assert lines(hass, events) == [
        "Frigate Snap Sync Recording of front_door verified at Garage NAS"
    ]


@pytest.mark.parametrize("excluded", [False, True])
async def test_in_activity(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    mqtt_client: object,
    engine: StandInEngine,
    folders: Path,
    hass_ws_client: WebSocketGenerator,
    device_registry: dr.DeviceRegistry,
    excluded: bool,
) -> None:
    """For all to see, and on the camera's page; without the event entity's if excluded.

    Home Assistant has no other way to keep a line of an event entity away.
    """
    began = dt_util.utcnow()
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    config = {"exclude": {"entity_globs": ["event.*_upload"]}} if excluded else {}
    assert await async_setup_component(hass, "logbook", {"logbook": config})
    engine.upload(labels=("person",), start=1000.0, end=1032.0)
    await hass.async_block_till_done()
    await recorder_mock.async_block_till_done()
    client = await hass_ws_client(hass)
    line = "Recording of front_door (person, 32 s) verified at Garage NAS"
    entity = "event.garage_nas_upload"

    async def shown(**what: object) -> list[str]:
        await client.send_json_auto_id(
            {
                "type": "logbook/get_events",
                "start_time": began.isoformat(),
                "end_time": dt_util.utcnow().isoformat(),
                **what,
            }
        )
        answer = await client.receive_json()
        return [each.get("message") or each["entity_id"] for each in answer["result"]]

    def device(identifier: str) -> str:
        found = device_registry.async_get_device_by_identifier(
            (DOMAIN, identifier), ENTRY_ID
        )
        assert found is not None
        return found.id

    assert await shown() == ([line] if excluded else [line, entity])
    assert await shown(device_ids=[device(f"{ENTRY_ID}_front_door")]) == [line]
    assert await shown(device_ids=[device(LOCAL_ID)], entity_ids=[entity]) == [entity]
