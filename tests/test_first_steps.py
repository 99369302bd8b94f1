"""From a Frigate that is found to the form of its first destination."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_mqtt_message,
)

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.flows.found_frigate import async_find_frigate
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from homeassistant.config_entries import SOURCE_IGNORE, SOURCE_MQTT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import StandInEngine, frigate_entry
from .conftest import ServeFrigate
from .harness.frigate import FrigateServer
from .test_config_flow import async_later, async_start, async_submit, suggested

pytestmark = pytest.mark.usefixtures("mqtt_client")


@pytest.fixture(autouse=True)
def no_work(engine: StandInEngine) -> None:
    """Let the flows alone do something."""


def discovered(hass: HomeAssistant) -> list[Any]:
    """Return the flows that discovery began."""
    return [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_MQTT
    ]


async def test_discovered(hass: HomeAssistant, frigate_server: FrigateServer) -> None:
    """Frigate says that it is there; its URL is all that is asked."""
    async_fire_mqtt_message(hass, "frigate/available", "online")
    await hass.async_block_till_done(wait_background_tasks=True)
    (flow,) = discovered(hass)
    assert flow["context"]["title_placeholders"] == {"name": "Frigate"}
    assert flow["context"]["unique_id"] == "frigate"
    assert flow["step_id"] == "user"
    # Once, however often it says so.
    async_fire_mqtt_message(hass, "frigate/available", "offline")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert discovered(hass) == [flow]

    result = await async_submit(hass, flow, url=frigate_server.url)
    result = await async_later(hass, result)
    assert result["result"].unique_id == "frigate"
    async_fire_mqtt_message(hass, "frigate/available", "online")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not discovered(hass)


@pytest.mark.parametrize("source", ["user", SOURCE_IGNORE])
async def test_not_discovered_again(hass: HomeAssistant, source: str) -> None:
    """What is set up, or ignored by its owner, is not offered."""
    MockConfigEntry(
        domain=DOMAIN,
        unique_id="frigate",
        source=source,
        data={"url": "http://192.0.2.5:5000", "verify_ssl": True},
    ).add_to_hass(hass)
    async_fire_mqtt_message(hass, "frigate/available", "online")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not discovered(hass)


async def test_url_of_the_frigate_integration(hass: HomeAssistant) -> None:
    """It is suggested, unless it is set up here."""
    MockConfigEntry(
        domain="frigate", data={"url": "http://192.0.2.4:5000"}, source=SOURCE_IGNORE
    ).add_to_hass(hass)
    for url in ("http://192.0.2.5:5000", "", "http://192.0.2.6:5000/"):
        MockConfigEntry(domain="frigate", data={"url": url}).add_to_hass(hass)
    result = await async_start(hass)
    assert suggested(result) == {"url": "http://192.0.2.5:5000"}

    frigate_entry("http://192.0.2.5:5000").add_to_hass(hass)
    assert suggested(await async_start(hass)) == {"url": "http://192.0.2.6:5000"}


async def test_url_of_the_add_on(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """The add-on that answers is suggested, where Home Assistant has add-ons."""
    server = await serve_frigate()
    urls = ("http://127.0.0.1:1", server.url)
    assert await async_find_frigate(hass, (), urls) is None
    assert server.journal.count() == 0
    hass.config.components.add("hassio")
    assert await async_find_frigate(hass, (), urls) == server.url
    assert await async_find_frigate(hass, {server.url}, urls) is None


@pytest.mark.parametrize("kind", FLOWS)
async def test_first_destination(
    hass: HomeAssistant, frigate_server: FrigateServer, kind: str
) -> None:
    """The form of the chosen kind opens by itself, for the new entry."""
    result = await async_submit(hass, await async_start(hass), url=frigate_server.url)
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == [*FLOWS, "later"]
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": kind}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    flow_type, flow_id = result["next_flow"]
    assert flow_type == "config_subentries_flow"
    (flow,) = hass.config_entries.subentries.async_progress()
    assert flow["flow_id"] == flow_id
    assert flow["handler"] == (result["result"].entry_id, kind)
    assert flow["step_id"] == "user"


@pytest.mark.parametrize("page", ["/review?id=1", "/api/version", "/#front_door"])
async def test_url_from_the_browser(
    hass: HomeAssistant, frigate_server: FrigateServer, page: str
) -> None:
    """What stands in the address bar is understood."""
    result = await async_submit(
        hass, await async_start(hass), url=f"{frigate_server.url}{page}"
    )
    result = await async_later(hass, result)
    assert result["data"]["url"] == frigate_server.url
