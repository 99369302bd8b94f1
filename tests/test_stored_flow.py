"""Forms of destinations and entries whose stored data can't be read, or lack a key."""

from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol

from custom_components.frigate_snap_sync.flows.destination import DestinationFlow
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.flows.sections import sections_of
from custom_components.frigate_snap_sync.flows.stored import readable, stored_server
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section

from .component import (
    LOCAL_ID,
    SELECTION,
    STORING,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_data,
    local_subentry,
)
from .conftest import ServeFrigate
from .harness.frigate import FrigateServer
from .test_config_flow import async_start, async_submit, section_values, suggested
from .test_init import connect, files, shows
from .test_local_flow import async_submit as async_submit_folder, only_subentry
from .waiting import until

pytestmark = pytest.mark.usefixtures("mqtt_client")

ODD: list[Any] = [None, True, 5, -1.5, "", "x", [], [1], ["x"], {}, {"x": 1}]
"""What JSON can hold in the place of anything else."""


async def test_what_waits_is_sent(
    hass: HomeAssistant, frigate_server: FrigateServer, folders: Path
) -> None:
    """A folder without its mount point waits, and is sent to when it is stored again."""
    nas = folders / "media" / "nas"
    stored = local_subentry(nas)
    stored["data"] = {k: v for k, v in stored["data"].items() if k != "mount_point"}
    entry = frigate_entry(frigate_server.url, subentries=[stored])
    await async_set_up(hass, entry)
    frigate = frigate_server.frigate
    connect(hass, frigate)
    await until(shows(hass, "binary_sensor.front_door_snapshots_enabled", "on"))
    frigate.begin_object("front_door")
    await until(shows(hass, "sensor.garage_nas_last_error", "unusable"))
    await until(shows(hass, "sensor.garage_nas_pending_uploads", "1"))
    assert not files(nas)

    form = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    result = await async_submit_folder(hass, form, path=str(nas))
    assert result["reason"] == "reconfigure_successful"
    mount_point = only_subentry(hass, entry.entry_id).data["mount_point"]
    assert Path(mount_point).is_mount()
    await until(lambda: files(nas), reason="the live snapshot")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("name", "stored", "shown"),
    [
        ("selection", None, {}),
        ("selection", "all", {}),
        (
            "selection",
            {**SELECTION, "only_while_entity": 5, "only_while_states": ["home"]},
            {**SELECTION, "only_while_states": ["home"]},
        ),
        (
            "selection",
            {**SELECTION, "media": ["snapshots", "films"], "cameras": ["yard", 1]},
            {**SELECTION, "media": ["snapshots"], "cameras": ["yard"]},
        ),
        ("selection", {"media": ["snapshots"]}, {"media": ["snapshots"]}),
        ("storing", None, {}),
        ("storing", {**STORING, "path_template": 5}, {**STORING, "path_template": ...}),
        ("storing", {**STORING, "speed": 7}, STORING),
    ],
)
async def test_odd_sections(
    hass: HomeAssistant, folders: Path, name: str, stored: Any, shown: dict[str, Any]
) -> None:
    """The form shows what can be read of them, and is open: a limit may be gone."""
    path = folders / "media"
    subentry = local_subentry(path)
    subentry["data"] = {**local_data(path), name: stored}
    entry = frigate_entry(subentries=[subentry])
    await async_set_up(hass, entry)
    form = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    assert section_values(form, name) == {
        key: value for key, value in shown.items() if value is not ...
    }
    for each in ("selection", "storing"):
        options = form["data_schema"].schema[each].options
        assert options["collapsed"] is (each != name)

    right = {"selection": SELECTION, "storing": STORING}
    result = await async_submit_folder(hass, form, path=str(path), **right)
    assert result["reason"] == "reconfigure_successful"
    assert only_subentry(hass, entry.entry_id).data[name] == right[name]
    form = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    assert form["data_schema"].schema[name].options["collapsed"]


@pytest.mark.usefixtures("engine", "folders")
@pytest.mark.parametrize("mount_point", ODD, ids=repr)
async def test_odd_mount_points(
    hass: HomeAssistant, folders: Path, mount_point: Any
) -> None:
    """Whatever it is, the one that is found counts."""
    path = folders / "media"
    subentry = local_subentry(path)
    subentry["data"] = {**subentry["data"], "mount_point": mount_point}
    entry = frigate_entry(subentries=[subentry])
    await async_set_up(hass, entry)
    form = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    result = await async_submit_folder(hass, form, path=str(path))
    assert result["reason"] == "reconfigure_successful"
    assert Path(only_subentry(hass, entry.entry_id).data["mount_point"]).is_mount()


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_anything_in_the_place_of_anything(kind: str, value: Any) -> None:
    """What is left of it is what the form takes."""
    sections = sections_of(kind, [], [])
    flow = FLOWS[kind]()
    assert isinstance(flow, DestinationFlow)
    fields: dict[Any, Any] = {
        **flow._fields(),
        **{name: section(schema) for name, schema in sections.items()},
    }
    everywhere: dict[str, Any] = {str(name): value for name in fields}
    assert not set(readable(value, fields)) - {"x"}
    inner = {
        name: {str(each): value for each in schema.schema}
        for name, schema in sections.items()
    }
    for stored in (everywhere, everywhere | inner):
        found = readable(stored, fields)
        for name, schema in sections.items():
            schema(found.pop(name))
        vol.Schema({vol.Optional(str(k)): check for k, check in fields.items()})(found)


@pytest.mark.parametrize("address", [*ODD, "ftp://nas/", "http://[", "http://a:b@c"])
def test_server_that_is_not_known(address: Any) -> None:
    """A secret has none then, so that it goes nowhere."""
    assert stored_server(address) is None


@pytest.mark.parametrize(
    ("lost", "is_asked"), [("url", True), ("verify_ssl", False), ("proxy", True)]
)
async def test_an_entry(
    hass: HomeAssistant,
    serve_frigate: ServeFrigate,
    engine: StandInEngine,
    lost: str,
    is_asked: bool,
) -> None:
    """It is stored again; its password goes to no server that may be another."""
    server = await serve_frigate()
    stored = {"url": server.url, "username": "viewer", "password": "secret"}
    data: dict[str, Any] = {**stored, "verify_ssl": True}
    if lost == "proxy":
        data["proxy"] = "ftp://nas"
    else:
        del data[lost]
    entry = frigate_entry(data=data)
    # The helper sets all that is missing.
    object.__setattr__(entry, "data", data)
    await async_set_up(hass, entry)
    assert entry.state is not ConfigEntryState.LOADED
    another = await async_start(hass)
    assert another["type"] is FlowResultType.FORM

    form = await entry.start_reconfigure_flow(hass)
    expected = {"url": server.url, "username": "viewer", "verify_ssl": True}
    if lost == "url":
        expected["url"] = ""
    assert suggested(form) == expected
    typed = {"url": server.url, "username": "viewer"}
    result = await async_submit(hass, form, **typed)
    if is_asked:
        assert result["errors"] == {"password": "password_missing"}
        result = await async_submit(hass, result, **typed, password="secret")
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data == {**stored, "verify_ssl": True}
