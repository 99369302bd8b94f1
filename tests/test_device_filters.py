"""The devices that forms of actions and blueprints offer, in each language."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util.yaml import load_yaml_dict

from .component import (
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .source import INTEGRATION, ROOT

pytestmark = pytest.mark.usefixtures("mqtt_client")

LANGUAGES = sorted(path.stem for path in INTEGRATION.glob("translations/*.json"))
BLUEPRINTS = sorted(ROOT.glob("blueprints/automation/*/*.yaml"))
CAMERAS = {"front_door"}
DESTINATIONS = {"Garage NAS", "Off-site server"}


@pytest.fixture(params=LANGUAGES)
async def devices(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    engine: StandInEngine,
    device_registry: dr.DeviceRegistry,
) -> list[dr.DeviceEntry]:
    """Return the devices of an entry with two destinations, of one language."""
    hass.config.language = request.param
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    # What no form of ours may offer: devices of another integration.
    other = MockConfigEntry(domain="mobile_app")
    other.add_to_hass(hass)
    device_registry.async_get_or_create(
        config_entry_id=other.entry_id,
        identifiers={("mobile_app", "phone")},
        name="Phone",
    )
    await async_set_up(hass, entry)
    return list(device_registry.devices)


def _offered(
    hass: HomeAssistant, devices: list[dr.DeviceEntry], filters: Any
) -> set[str | None]:
    """Return the names of the devices that the frontend offers for some filters."""

    def matches(device: dr.DeviceEntry, wanted: Mapping[str, str]) -> bool:
        # Of a form, all must be equal to the letter.
        rest = {key: value for key, value in wanted.items() if key != "integration"}
        entry = hass.config_entries.async_get_entry(device.config_entry_id)
        assert entry is not None
        return entry.domain == wanted["integration"] and all(
            getattr(device, key) == value for key, value in rest.items()
        )

    wanted = filters if isinstance(filters, list) else [filters]
    return {
        device.name for device in devices if any(matches(device, one) for one in wanted)
    }


def _device_filters(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name of each field that has a device selector, and its filters."""
    if isinstance(node, dict):
        if isinstance(selector := node.get("selector"), dict) and "device" in selector:
            yield name, selector["device"]["filter"]
        for key, value in node.items():
            yield from _device_filters(value, key)


async def test_actions_offer_the_cameras_and_destinations(
    hass: HomeAssistant, devices: list[dr.DeviceEntry]
) -> None:
    """Each of its kind and nothing else, whatever language the devices speak."""
    fields = [
        (name, _offered(hass, devices, filters))
        for name, filters in _device_filters(
            load_yaml_dict(str(INTEGRATION / "services.yaml"))
        )
    ]
    offered = {"camera": CAMERAS, "destination": DESTINATIONS}
    assert {name for name, _ in fields} == set(offered)
    assert [names for _, names in fields] == [offered[name] for name, _ in fields]


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
async def test_blueprints_offer_the_frigate_and_phones(
    hass: HomeAssistant, devices: list[dr.DeviceEntry], path: Path
) -> None:
    """The Frigate's device alone, of ours: cameras and destinations have no states."""
    offered = {"frigate": {"Frigate"}, "phone": {"Phone"}}
    fields = dict(_device_filters(load_yaml_dict(str(path))))
    assert fields, path
    for name, filters in fields.items():
        assert _offered(hass, devices, filters) == offered[name], name
