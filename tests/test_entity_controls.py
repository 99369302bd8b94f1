"""Switches, buttons and events of the entities."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.frigate_snap_sync.cause import CausedError
from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.sync.engine import LedgerError, SpoolError
from custom_components.frigate_snap_sync.words import async_why
from homeassistant.const import ATTR_ENTITY_ID, STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .component import (
    DESTINATION,
    LOCAL_ID,
    SFTP_ID,
    Refused,
    StandInEngine,
    sftp_subentry,
    subentry,
)
from .test_entities import state

pytestmark = pytest.mark.usefixtures("mqtt_client")


@pytest.mark.parametrize(
    "entity_id", ["switch.frigate_capture", "switch.garage_nas_sending"]
)
async def test_switch(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, entity_id: str
) -> None:
    """The new state is shown at once, and only that switch changes."""
    switches = {"switch.frigate_capture", "switch.garage_nas_sending"}
    for service, shown in (("turn_off", STATE_OFF), ("turn_on", STATE_ON)):
        await hass.services.async_call(
            "switch", service, {ATTR_ENTITY_ID: entity_id}, blocking=True
        )
        assert state(hass, entity_id) == shown
        (other,) = switches - {entity_id}
        assert state(hass, other) == STATE_ON


@pytest.mark.parametrize(
    "entity_id", ["switch.frigate_capture", "switch.garage_nas_sending"]
)
async def test_switch_fails(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, entity_id: str
) -> None:
    """What can't be remembered is not shown as done."""
    engine.failure = LedgerError("disk I/O error")
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            "switch", "turn_off", {ATTR_ENTITY_ID: entity_id}, blocking=True
        )
    assert caught.value.translation_key == "ledger_not_usable"
    assert state(hass, entity_id) == STATE_ON


async def test_upload_event(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Every upload that ends is an event of its destination, and of no other."""
    entity_id = "event.garage_nas_upload"
    assert state(hass, entity_id) == STATE_UNKNOWN
    engine.upload(destination_id=SFTP_ID)
    assert state(hass, entity_id) == STATE_UNKNOWN

    engine.upload()
    found = hass.states.get(entity_id)
    assert found is not None
    expected = {
        "media": "recording",
        "camera": "front_door",
        "id": "1795336200.123456-l0g9kw",
        "path": "2026-11-22/2026-11-22_18-04-31+0100-front_door-recording-person-l0g9kw.mp4",
        "size": 8_500_000,
        "reason": None,
        "cause": None,
    }
    assert found.attributes.items() >= {"event_type": "uploaded", **expected}.items()

    reason = "Frigate has no footage of it"
    engine.upload(verified=False, size=None, reason=reason, cause="gone")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=2))
    failed = hass.states.get(entity_id)
    assert failed is not None
    assert failed.state > found.state
    assert failed.attributes["event_type"] == "failed"
    assert failed.attributes["reason"] == reason
    assert failed.attributes["cause"] == "gone"

    engine.show(destinations={LOCAL_ID: replace(DESTINATION, connected=False)})
    assert state(hass, entity_id) == failed.state


async def test_upload_event_of_new_and_gone_destination(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """A new destination reports at once; one that was removed no longer does."""
    hass.config_entries.async_add_subentry(entry, subentry(sftp_subentry()))
    await hass.async_block_till_done()
    engine.upload(destination_id=SFTP_ID)
    assert state(hass, "event.off_site_server_upload") != STATE_UNKNOWN

    hass.config_entries.async_remove_subentry(entry, SFTP_ID)
    await hass.async_block_till_done()
    engine.upload(destination_id=SFTP_ID)
    assert hass.states.get("event.off_site_server_upload") is None


@pytest.mark.parametrize(
    ("key", "call", "failure", "error"),
    [
        (
            "catch_up",
            ("catch_up", None),
            FrigateUnreachable("no route"),
            "catch_up_failed",
        ),
        ("catch_up", ("catch_up", None), LedgerError("locked"), "ledger_not_usable"),
        ("catch_up", ("catch_up", None), SpoolError("full"), "ledger_not_usable"),
        ("retry_failed", ("retry_failed",), LedgerError("locked"), "ledger_not_usable"),
    ],
)
async def test_buttons_of_frigate(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    key: str,
    call: tuple[Any, ...],
    failure: CausedError,
    error: str,
) -> None:
    """The engine does it; who pressed sees what fails."""
    press = ("button", "press", {ATTR_ENTITY_ID: f"button.frigate_{key}"})
    await hass.services.async_call(*press, blocking=True)
    assert engine.calls[-1] == call

    engine.failure = failure
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(*press, blocking=True)
    assert caught.value.translation_key == error
    why = async_why(hass, failure)
    assert caught.value.translation_placeholders == {"error": why}


async def test_button(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """The test is the engine's; who pressed sees its failure."""
    press = ("button", "press", {ATTR_ENTITY_ID: "button.garage_nas_test"})
    await hass.services.async_call(*press, blocking=True)
    assert engine.calls[-1] == ("test", LOCAL_ID)

    engine.failure = Refused("Writing: denied", said="Permission denied")
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(*press, blocking=True)
    assert caught.value.translation_key == "test_failed"
    assert caught.value.translation_placeholders == {
        "error": 'Not writable. Original message: "Permission denied"'
    }
