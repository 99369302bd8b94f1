"""The fire drill as its owner sees it: action, buttons, sensor."""

import json
from pathlib import Path

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.devices import camera_identifier
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr

from .component import (
    ENTRY_ID,
    FAILED_DRILL,
    LOCAL_ID,
    PASSED_DRILL,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)
from .flow_texts import english
from .harness.frigate import FrigateServer
from .test_init import async_wait, connect, files, shows

pytestmark = pytest.mark.usefixtures("mqtt_client")

SENSOR = "sensor.frigate_last_drill"


@pytest.fixture
async def entry(hass: HomeAssistant, engine: StandInEngine) -> MockConfigEntry:
    """Set up an entry with one destination."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    await async_set_up(hass, entry)
    return entry


async def async_drill(hass: HomeAssistant, **data: str) -> object:
    """Drill, return what the action answers."""
    return await hass.services.async_call(
        DOMAIN,
        "drill",
        {"config_entry_id": ENTRY_ID, **data},
        blocking=True,
        return_response=True,
    )


def sensor(hass: HomeAssistant) -> State:
    """Return the last drill."""
    state = hass.states.get(SENSOR)
    assert state is not None
    return state


async def test_action(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """It answers with the seconds of each step at each destination."""
    answer = await async_drill(hass)
    assert engine.calls[-1] == ("drill", None)
    row = {
        "camera": "front_door",
        "outcome": "passed",
        "cause": None,
        "step": None,
        "bytes": 2_500_000,
        "seconds": {"picture": 0.2, "footage": 1.4},
        "destinations": [
            {
                "destination": "Garage NAS",
                "destination_id": LOCAL_ID,
                "outcome": "passed",
                "cause": None,
                "step": None,
                "proof": "read_back",
                "picture_only": False,
                "seconds": {"connect": 0.1, "send_picture": 0.3, "send_footage": 2.1},
            }
        ],
    }
    assert answer == {"outcome": "passed", "drills": [row]}
    assert json.loads(json.dumps(answer)) == answer


async def test_a_failure_is_an_answer(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """An automation continues, and reads it; the camera may be given by its device."""
    engine.drill = FAILED_DRILL
    device = dr.async_get(hass).async_get_device_by_identifier(
        camera_identifier(ENTRY_ID, "front_door"), ENTRY_ID
    )
    assert device is not None
    answer = await async_drill(hass, camera=device.id)
    assert engine.calls[-1] == ("drill", "front_door")
    assert isinstance(answer, dict)
    assert answer["outcome"] == "failed"
    assert answer["drills"][0]["destinations"][0]["cause"] == "no_space"


@pytest.mark.parametrize(
    "code",
    [
        Refusal.CAMERA_DISABLED,
        Refusal.CAPTURE_OFF,
        Refusal.DRILL_INTERRUPTED,
        Refusal.DRILL_RUNNING,
        Refusal.NO_CAMERA,
        Refusal.NO_DESTINATION,
        Refusal.NOTHING_TO_DRILL,
    ],
)
async def test_refused(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, code: Refusal
) -> None:
    """What keeps it from being done is said."""
    engine.failure = Refused(code)
    with pytest.raises(ServiceValidationError) as caught:
        await async_drill(hass)
    assert caught.value.translation_key == code
    assert code in english()["exceptions"]


@pytest.mark.parametrize(
    ("button", "camera"),
    [("frigate", None), ("front_door", "front_door")],
)
async def test_buttons(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    button: str,
    camera: str | None,
) -> None:
    """Of the Frigate, and of each camera; whoever pressed hears of a failure."""
    press = ("button", "press", {ATTR_ENTITY_ID: f"button.{button}_drill"})
    await hass.services.async_call(*press, blocking=True)
    assert engine.calls[-1] == ("drill", camera)
    engine.drill = FAILED_DRILL
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(*press, blocking=True)
    assert caught.value.translation_key == "drill_failed"
    assert caught.value.translation_placeholders == {"cameras": "front_door"}


async def test_sensor(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """What came of it, when, and of a failure where and why."""
    assert sensor(hass).state == "never"
    assert sensor(hass).attributes["drills"] == []
    engine.show(drill=PASSED_DRILL)
    passed = sensor(hass)
    assert passed.state == "passed"
    assert passed.attributes["time"].isoformat() == "2026-11-22T09:30:00+01:00"
    assert passed.attributes["camera"] == "front_door"
    assert passed.attributes["cause"] is None
    (row,) = passed.attributes["drills"]
    assert row["destinations"][0]["seconds"]["send_footage"] == 2.1
    engine.show(drill=FAILED_DRILL)
    failed = sensor(hass)
    assert failed.state == "failed"
    assert {
        key: failed.attributes[key]
        for key in ("camera", "destination", "step", "cause")
    } == {
        "camera": "front_door",
        "destination": "Garage NAS",
        "step": "send_footage",
        "cause": "no_space",
    }


async def test_really(
    hass: HomeAssistant, frigate_server: FrigateServer, folders: Path
) -> None:
    """A real engine, a simulated Frigate, a folder: and nothing stays."""
    nas = folders / "media" / "nas"
    nas.mkdir()
    entry = frigate_entry(frigate_server.url, subentries=[local_subentry(nas)])
    await async_set_up(hass, entry)
    connect(hass, frigate_server.frigate)
    await async_wait(lambda: hass.states.get("button.front_door_drill"), "the camera")
    answer = await async_drill(hass, camera="front_door")
    assert isinstance(answer, dict)
    assert answer["outcome"] == "passed"
    (row,) = answer["drills"]
    assert row["bytes"] > 1000
    (result,) = row["destinations"]
    assert result["proof"] == "read_back"
    assert not files(nas)
    await async_wait(shows(hass, SENSOR, "passed"), "the sensor")


async def test_a_dead_camera_really(
    hass: HomeAssistant, frigate_server: FrigateServer, folders: Path
) -> None:
    """Frigate answers with a picture and no hint: its count of pictures tells."""
    nas = folders / "media" / "nas"
    nas.mkdir()
    entry = frigate_entry(frigate_server.url, subentries=[local_subentry(nas)])
    await async_set_up(hass, entry)
    connect(hass, frigate_server.frigate)
    await async_wait(lambda: hass.states.get("button.front_door_drill"), "the camera")
    frigate_server.frigate.cameras["front_door"].sends = False
    answer = await async_drill(hass, camera="front_door")
    assert isinstance(answer, dict)
    (row,) = answer["drills"]
    assert (row["outcome"], row["cause"]) == ("failed", "camera_silent")
    await async_wait(shows(hass, SENSOR, "failed"), "the sensor")
    assert not files(nas)
