"""System health: what is shown of all Frigates at once."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .component import (
    DESTINATION,
    LOCAL_ID,
    SFTP_ID,
    STATUS,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .flow_texts import english

pytestmark = pytest.mark.usefixtures("mqtt_client")

UNREACHABLE = {"type": "failed", "error": "unreachable"}
DISCONNECTED = {"type": "failed", "error": "disconnected"}


async def test_one_frigate(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Plain values; each has a name."""
    assert await async_setup_component(hass, "system_health", {})
    moment = datetime(2026, 11, 22, 8, 20, tzinfo=UTC)
    engine.first_status = replace(
        STATUS,
        frigate_connected=True,
        frigate_version="0.17.2",
        mqtt_connected=True,
        protection=Protection.AT_RISK,
        reasons=(Reason.ITEM_LATE, Reason.SPOOL_FULL),
        pending_uploads=4,
        oldest_pending=moment,
        destinations={
            LOCAL_ID: DESTINATION,
            SFTP_ID: replace(DESTINATION, connected=None),
        },
    )
    subentries = [local_subentry("/media/nas"), sftp_subentry()]
    await async_set_up(hass, frigate_entry(subentries=subentries))
    info = await get_system_health_info(hass, DOMAIN)
    assert info == {
        "running": "1/1",
        "protection": "At risk (Something is late, The spool is full)",
        "frigate_version": "0.17.2",
        "can_reach_frigate": "ok",
        "mqtt_connected": "ok",
        "destinations_connected": "1/2",
        "pending_uploads": 4,
        "oldest_pending": moment,
    }
    assert info.keys() == english()["system_health"]["info"].keys()


async def test_in_the_language_of_the_house(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """No raw key, whatever language Home Assistant has."""
    hass.config.language = "de"
    assert await async_setup_component(hass, "system_health", {})
    engine.first_status = replace(
        STATUS, protection=Protection.AT_RISK, reasons=(Reason.SPOOL_FULL,)
    )
    await async_set_up(hass, frigate_entry())
    info = await get_system_health_info(hass, DOMAIN)
    assert info["protection"] == "Gefährdet (Der Zwischenspeicher ist voll)"


async def test_several_frigates(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Each value names whose it is; one that is away is enough for a failed check."""
    assert await async_setup_component(hass, "system_health", {})
    engine.first_status = replace(
        STATUS,
        frigate_connected=False,
        mqtt_connected=False,
        protection=Protection.CATCHING_UP,
        reasons=(),
        oldest_pending=None,
        pending_uploads=2,
        destinations={},
    )
    await async_set_up(hass, frigate_entry())
    data = {"url": "http://192.0.2.6:5000", "verify_ssl": True}
    barn = MockConfigEntry(domain=DOMAIN, title="Barn", unique_id="barn", data=data)
    await async_set_up(hass, barn)
    stopped = MockConfigEntry(domain=DOMAIN, title="Shed", unique_id="shed", data=data)
    stopped.add_to_hass(hass)
    info = await get_system_health_info(hass, DOMAIN)
    assert info["running"] == "2/3"
    assert info["protection"] == "Frigate: Catching up; Barn: Catching up"
    assert info["destinations_connected"] == "Frigate: 0/0; Barn: 0/0"
    assert info["can_reach_frigate"] == UNREACHABLE
    assert info["mqtt_connected"] == DISCONNECTED
    assert info["pending_uploads"] == 4
    assert info["oldest_pending"] == "-"


async def test_none_is_running(hass: HomeAssistant) -> None:
    """Nothing is said of what can't be known."""
    assert await async_setup_component(hass, "system_health", {})
    assert await async_setup_component(hass, DOMAIN, {})
    info = await get_system_health_info(hass, DOMAIN)
    assert (info["running"], info["protection"]) == ("0/0", "-")
    assert (info["can_reach_frigate"], info["mqtt_connected"]) == ("-", "-")
