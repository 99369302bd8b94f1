"""The demo's story, dashboard and configuration."""

from pathlib import Path
import socket
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.frigate_snap_sync.frigate.messages import display_name
from custom_components.frigate_snap_sync.sync.model.status import Protection
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml

from ..component import StandInEngine, async_set_up, frigate_entry, local_subentry
from .demo.app import main
from .demo.story import story_of
from .demo.window import CONFIGURATION, PROTECTION, dashboard


def test_a_long_story_begins_calmly() -> None:
    """All faults come behind its first minute; a short one has the server die at once."""
    calm = [step.title for step in story_of(None)]
    assert story_of(120) == story_of(None)
    first_fault = next(n for n, title in enumerate(calm) if "last for a while" in title)
    assert sum(step.pause for step in story_of(None)[:first_fault]) >= 50
    assert "last for a while" in story_of(60)[1].title
    assert {step.title for step in story_of(60)} == set(calm)


@pytest.mark.parametrize("port", ["in use", "99999", "eighty"])
@pytest.mark.usefixtures("socket_enabled")
def test_a_port_that_can_not_be_used(
    capsys: pytest.CaptureFixture[str], port: str
) -> None:
    """That is said at once, not when Home Assistant has not answered for long."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        if port == "in use":
            port = str(other.getsockname()[1])
        with pytest.raises(SystemExit):
            main(["--port", port])
    assert port in capsys.readouterr().err


def test_the_dashboard_shows_every_device() -> None:
    """By the entities that there are."""
    keys = [
        *(("Frigate", *key) for key in (("sensor", "protection"), ("button", "drill"))),
        ("door", "image", "last_snapshot"),
        ("NAS", "binary_sensor", "connection"),
        *(
            ("NAS", "sensor", key)
            for key in (
                *("snapshots_uploaded", "recordings_uploaded"),
                *("pending_uploads", "last_error"),
            )
        ),
    ]
    states = {
        (device, platform, key): {
            "entity_id": f"{platform}.{device}_{key}".lower(),
            "attributes": {"friendly_name": f"{device} {key}"},
        }
        for device, platform, key in keys
    }
    made = dashboard(states, frigate="Frigate", cameras=["door"], destinations=["NAS"])
    text = str(made)
    for state in states.values():
        assert f"'{state['entity_id']}'" in text
    assert "{'entity': 'sensor.nas_last_error', 'name': 'last_error'}" in text
    # Where the lines in words are: the card can't show them.
    assert "'navigation_path': '/logbook'" in text


def _configured(domain: str) -> dict[str, Any]:
    """Return what the demo configures of one of Home Assistant's integrations."""
    configuration = parse_yaml(CONFIGURATION)
    assert isinstance(configuration, dict)
    return {domain: configuration[domain]}


async def test_its_automation_notifies(
    hass: HomeAssistant,
    mqtt_client: object,
    engine: StandInEngine,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Home Assistant takes it before there is an entry, and it runs when at risk."""
    assert await async_setup_component(hass, "automation", _configured("automation"))
    (automation,) = hass.states.async_all("automation")
    assert automation.state == "on"
    assert not issue_registry.issues
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    assert entry.title == display_name("frigate")
    await async_set_up(hass, entry)
    assert hass.states.get(PROTECTION) is not None
    engine.show(protection=Protection.AT_RISK)
    await hass.async_block_till_done()
    (automation,) = hass.states.async_all("automation")
    assert automation.attributes["last_triggered"] is not None


async def test_its_activity_says_each_upload_once(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    mqtt_client: object,
    engine: StandInEngine,
    folders: Path,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """In a sentence, without the line of the event entity."""
    began = dt_util.utcnow()
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    assert await async_setup_component(hass, "logbook", _configured("logbook"))
    engine.upload(labels=("person",), start=1000.0, end=1032.0)
    await hass.async_block_till_done()
    await recorder_mock.async_block_till_done()
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": began.isoformat(),
            "end_time": dt_util.utcnow().isoformat(),
        }
    )
    answer = await client.receive_json()
    assert [line.get("message") for line in answer["result"]] == [
        "Recording of front_door (person, 32 s) verified at Garage NAS"
    ]
