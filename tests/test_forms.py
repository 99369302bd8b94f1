"""The forms as the frontend gets them: over HTTP, as JSON."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.frigate_snap_sync.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .component import ENTRY_ID, async_set_up, frigate_entry

pytestmark = pytest.mark.usefixtures("mqtt_client", "engine")

API = "/api/config/config_entries"


async def async_open(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, path: str, handler: Any
) -> dict[str, Any]:
    """Open a flow as the frontend does; return its fields by name."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    response = await client.post(f"{API}/{path}", json={"handler": handler})
    assert response.status == 200, await response.text()
    fields = {}
    for field in (await response.json())["data_schema"]:
        fields[field["name"]] = field
        for inner in field.get("schema", ()):
            fields[f"{field['name']}.{inner['name']}"] = inner
    return fields


async def test_entry(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    """A hidden password, a checked box, and a closed section."""
    fields = await async_open(hass, hass_client, "flow", DOMAIN)
    assert list(fields) == [
        "url",
        "username",
        "password",
        "verify_ssl",
        "advanced",
        "advanced.proxy",
        "advanced.topic_prefix",
        "advanced.import_config",
    ]
    assert fields["password"]["selector"]["text"]["type"] == "password"
    assert fields["verify_ssl"]["default"] is True
    assert fields["advanced"]["expanded"] is False
    assert [name for name, field in fields.items() if field.get("required")] == [
        "url",
        "verify_ssl",
    ]


async def test_options(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """Only what does something."""
    await async_set_up(hass, frigate_entry())
    fields = await async_open(hass, hass_client, "options/flow", ENTRY_ID)
    assert {name: field["default"] for name, field in fields.items()} == {
        "delay_after_startup": 0,
        "upload_during_review": True,
        "part_length": 30,
        "padding_before": 5,
        "padding_after": 5,
        "look_back": 24,
        "spool_limit": 2048,
        "at_risk_after": 15,
        "live_footage": "alerts",
        "live_taps": 4,
    }
    bounds = {
        name: (number["min"], number["max"], number.get("unit_of_measurement"))
        for name, field in fields.items()
        if (number := field["selector"].get("number"))
    }
    assert bounds == {
        "delay_after_startup": (0, 3600, "s"),
        "part_length": (10, 300, "s"),
        "padding_before": (0, 60, "s"),
        "padding_after": (0, 60, "s"),
        "look_back": (1, 720, "h"),
        "spool_limit": (64, 1048576, "MiB"),
        "at_risk_after": (1, 120, "min"),
        "live_taps": (1, 16, None),
    }


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("local", ["path"]),
        (
            "sftp",
            [
                "host",
                "port",
                "username",
                "path",
                "password",
                "private_key",
                "passphrase",
            ],
        ),
    ],
)
async def test_destination(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    kind: str,
    own: list[str],
) -> None:
    """The fields of a kind, then those that all have."""
    await async_set_up(hass, frigate_entry())
    fields = await async_open(hass, hass_client, "subentries/flow", [ENTRY_ID, kind])
    assert list(fields) == [
        "name",
        *own,
        "selection",
        "selection.media",
        "selection.cameras",
        "selection.severity",
        "selection.labels",
        "selection.zones",
        "selection.only_while_entity",
        "selection.only_while_states",
        "storing",
        "storing.path_template",
        "storing.bandwidth_limit",
        "storing.volume_budget",
        "storing.retention_days",
        "storing.retention_size",
        "storing.verify_checksum",
        "storing.append_only",
    ]
    media = ["live_snapshots", "snapshots", "recordings"]
    options = fields["selection.media"]["selector"]["select"]["options"]
    assert options == [*media, "live_footage"]
    # Where no file can grow, it takes a request every two seconds.
    grows = kind in ("local", "sftp")
    assert fields["selection.media"]["default"] == (options if grows else media)
    assert fields["selection.cameras"]["default"] == []
    assert fields["selection.cameras"]["selector"]["select"]["options"] == [
        "front_door"
    ]
    assert fields["selection.severity"]["default"] == "all"
    assert fields["storing.path_template"]["selector"] == {"template": {}}
    assert fields["storing.verify_checksum"]["selector"] == {"boolean": {}}
    assert fields["storing.verify_checksum"]["default"] is False
    assert fields["storing.append_only"]["selector"] == {"boolean": {}}
    assert fields["storing.append_only"]["default"] is False
