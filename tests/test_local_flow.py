"""The flow of a folder of this machine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_components.frigate_snap_sync.kinds import KINDS
from custom_components.frigate_snap_sync.storage.errors import (
    ConnectTimeout,
    NoSpace,
    Rejected,
    StorageError,
)
from custom_components.frigate_snap_sync.storage.wrappers.verified import Verified
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr

from .component import (
    CAMERA,
    GROWING_SELECTION,
    LOCAL_ID,
    SELECTION,
    STORING,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)
from .sync.fakes import FakeDestination
from .test_config_flow import section_values, suggested

pytestmark = pytest.mark.usefixtures("mqtt_client", "engine")


async def async_start(hass: HomeAssistant, entry_id: str) -> Any:
    """Open the form."""
    return await hass.config_entries.subentries.async_init(
        (entry_id, "local"), context={"source": SOURCE_USER}
    )


async def async_submit(hass: HomeAssistant, result: Any, **fields: Any) -> Any:
    """Fill in a form."""
    return await hass.config_entries.subentries.async_configure(
        result["flow_id"], {"name": "Garage NAS", **fields}
    )


def only_subentry(hass: HomeAssistant, entry_id: str) -> ConfigSubentry:
    """Return the entry's one destination."""
    entry = hass.config_entries.async_get_known_entry(entry_id)
    (subentry,) = entry.subentries.values()
    return subentry


async def test_user(hass: HomeAssistant, folders: Path, engine: StandInEngine) -> None:
    """A name and a path are enough; the folder is made and left empty."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    path = folders / "media" / "nas" / "frigate"

    result = await async_start(hass, entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    result = await async_submit(hass, result, name=" Garage NAS ", path=f" {path}/ ")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Garage NAS"
    assert result["unique_id"] == f"local:{path}"
    subentry = only_subentry(hass, entry.entry_id)
    mount_point = subentry.data["mount_point"]
    assert path.is_relative_to(mount_point)
    assert Path(mount_point).is_mount()
    assert subentry.data == {
        "path": str(path),
        "mount_point": mount_point,
        "selection": GROWING_SELECTION,
        "storing": STORING,
    }
    assert path.is_dir()
    assert not list(path.iterdir())

    await hass.async_block_till_done()
    assert [setup.name for setup in engine.setups] == ["Garage NAS"]


async def test_user_selection(
    hass: HomeAssistant, folders: Path, engine: StandInEngine
) -> None:
    """What is chosen is stored; known cameras are offered, others may be typed."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    schema = result["data_schema"].schema["selection"].schema.schema
    assert schema["cameras"].config["options"] == ["front_door"]

    template = "{{ kind }}/{{ start.year }}/{{ camera }}-{{ id }}.{{ extension }}"
    selection = {
        "media": ["recordings"],
        "cameras": ["front_door", "typed"],
        "severity": "alert",
        "labels": ["person"],
        "zones": ["porch"],
        "only_while_entity": "alarm_control_panel.home",
        "only_while_states": ["armed_away"],
    }
    result = await async_submit(
        hass,
        result,
        path=str(folders / "media"),
        selection={**selection, "cameras": ["front_door", " typed ", "typed", " "]},
        storing={
            "path_template": f" {template}\n",
            "bandwidth_limit": 500,
            "volume_budget": 40.0,
            "retention_size": 1.9,
            "verify_checksum": True,
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.data["selection"] == selection
    assert subentry.data["storing"] == {
        "path_template": template,
        "bandwidth_limit": 500,
        "volume_budget": 40,
        "retention_days": 0,
        "retention_size": 1.9,
        "verify_checksum": True,
        "append_only": False,
    }
    await hass.async_block_till_done()
    (setup,) = engine.setups
    assert setup.selection.cameras == {"front_door", "typed"}
    assert setup.render is not None
    assert isinstance(setup.destination, Verified)
    assert setup.volume_budget == 40 << 30
    assert setup.retention_size == round(1.9 * (1 << 30))


@pytest.mark.parametrize(
    ("fields", "field", "error"),
    [
        ({"path": "media/nas"}, "path", "path_not_absolute"),
        ({"path": ""}, "path", "path_not_absolute"),
        ({"path": "/etc"}, "path", "path_not_allowed"),
        ({"path": "{folders}/media/../config"}, "path", "path_not_allowed"),
        ({"path": "{folders}/media/way-out"}, "path", "path_not_allowed"),
        ({"path": "{folders}/config/www/frigate"}, "path", "path_not_allowed"),
        ({"path": "{folders}/media/public"}, "path", "path_not_allowed"),
        ({"path": "{folders}/media/file"}, "path", "not_writable"),
        ({"path": "{folders}/media/" + "n" * 300}, "path", "path_not_found"),
        ({"name": "  "}, "name", "name_missing"),
        ({"selection": {"media": []}}, "selection", "media_missing"),
        ({"storing": {"path_template": "{{ oops"}}, "storing", "invalid_template"),
        (
            {"storing": {"path_template": "{{ camra }}/x"}},
            "storing",
            "invalid_template",
        ),
        ({"storing": {"path_template": "/{{ id }}"}}, "storing", "invalid_template"),
        (
            {"storing": {"path_template": "../{{ id }}.{{ extension }}"}},
            "storing",
            "invalid_template",
        ),
        (
            {"storing": {"path_template": "{{ zones | first }}/{{ id }}"}},
            "storing",
            "invalid_template",
        ),
        ({"storing": {"bandwidth_limit": 0.5}}, "storing", "whole_numbers"),
        ({"storing": {"retention_days": 0.9}}, "storing", "whole_numbers"),
    ],
)
async def test_user_mistakes(
    hass: HomeAssistant, folders: Path, fields: dict[str, Any], field: str, error: str
) -> None:
    """Each mistake has its name and place; the form keeps what was typed."""
    (folders / "media" / "way-out").symlink_to(folders / "config")
    (folders / "media" / "file").touch()
    public = folders / "config" / "www"
    public.mkdir()
    (folders / "media" / "public").symlink_to(public)
    hass.config.allowlist_external_dirs |= {str(public)}
    entry = frigate_entry()
    await async_set_up(hass, entry)

    path = fields.get("path", "{folders}/media").format(folders=folders)
    typed = {"name": "Garage NAS", **fields, "path": path}
    result = await async_submit(hass, await async_start(hass, entry.entry_id), **typed)

    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert result["errors"] == {field: error}
    assert suggested(result) == {"name": typed["name"].strip(), "path": path}
    for section in ("selection", "storing"):
        shown = section_values(result, section)
        assert shown.items() >= typed.get(section, {}).items()
        collapsed = result["data_schema"].schema[section].options["collapsed"]
        assert collapsed is (field != section)

    result = await async_submit(hass, result, path=str(folders / "media"))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("failure", "error", "reason"),
    [
        (
            NoSpace("Writing: no space left", said="No space left on device"),
            "no_space",
            'No space left. Original message: "No space left on device"',
        ),
        (
            Rejected("Reading back: others came", hint="other_bytes"),
            "rejected",
            "Other bytes came back",
        ),
        (
            ConnectTimeout("Connecting: It hangs"),
            "timeout_connect",
            "No answer in time",
        ),
    ],
)
async def test_user_test_fails(
    hass: HomeAssistant,
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: StorageError,
    error: str,
    reason: str,
) -> None:
    """What a test on a good disk can't show."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    path = str(folders / "media")
    start = await async_start(hass, entry.entry_id)
    failing = FakeDestination()
    failing.error = failure
    with monkeypatch.context() as broken:
        kind = replace(KINDS["local"], build=lambda hass, data: failing)
        broken.setitem(KINDS, "local", kind)
        result = await async_submit(hass, start, path=path)
    assert result["errors"] == {"path": error}
    assert result["description_placeholders"]["reason"] == reason

    result = await async_submit(hass, result, path=path)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_template_too_slow(hass: HomeAssistant, folders: Path) -> None:
    """A template that would hold up Home Assistant is refused."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    nested = "{% for i in range(99999) %}" * 3 + "x" + "{% endfor %}" * 3
    start = await async_start(hass, entry.entry_id)
    result = await async_submit(
        hass,
        start,
        path=str(folders / "media"),
        storing={"path_template": "{{ id }}" + nested},
    )
    assert result["errors"] == {"storing": "invalid_template"}
    assert "too long" in result["description_placeholders"]["reason"]


async def test_user_twice(hass: HomeAssistant, folders: Path) -> None:
    """One destination per folder."""
    path = folders / "media"
    entry = frigate_entry(subentries=[local_subentry(path)])
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, path=f"{path}/x/..")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_user_entry_not_loaded(hass: HomeAssistant, folders: Path) -> None:
    """A destination can be added while the entry does not run; cameras are known."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    assert dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    result = await async_start(hass, entry.entry_id)
    schema = result["data_schema"].schema["selection"].schema.schema
    assert schema["cameras"].config["options"] == [CAMERA.name]
    result = await async_submit(hass, result, path=str(folders / "media"))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_reconfigure(
    hass: HomeAssistant, folders: Path, engine: StandInEngine
) -> None:
    """Name, folder and selection change; the destination stays the same one."""
    old, new = folders / "media" / "old", folders / "media" / "new"
    entry = frigate_entry(subentries=[local_subentry(old)])
    await async_set_up(hass, entry)

    result = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    assert result["step_id"] == "reconfigure"
    assert suggested(result) == {"name": "Garage NAS", "path": str(old)}
    assert section_values(result, "selection") == SELECTION

    result = await async_submit(hass, result, name="Attic", path="/etc")
    assert result["step_id"] == "reconfigure"
    assert result["errors"] == {"path": "path_not_allowed"}

    selection = {**SELECTION, "cameras": ["front_door"]}
    result = await async_submit(
        hass, result, name="Attic", path=str(new), selection=selection
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.subentry_id == LOCAL_ID
    assert subentry.title == "Attic"
    assert subentry.unique_id == f"local:{new}"
    assert subentry.data["path"] == str(new)
    assert subentry.data["selection"] == selection
    assert new.is_dir()

    await hass.async_block_till_done()
    (setup,) = engine.setups
    assert setup.id == LOCAL_ID
    assert setup.name == "Attic"
    assert setup.selection.cameras == {"front_door"}
    # Taken over without a reload.
    assert ("stop",) not in engine.calls


@pytest.mark.parametrize(
    ("typed", "limit"), [(0.5, 1 << 29), (0.25, 1 << 28), (1e-12, 1), (0, 0)]
)
async def test_a_small_limit_is_a_limit(
    hass: HomeAssistant,
    folders: Path,
    engine: StandInEngine,
    typed: float,
    limit: int,
) -> None:
    """However small it is, it is not taken for none."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    storing = {"volume_budget": typed, "retention_size": typed}
    await async_submit(hass, result, path=str(folders / "media"), storing=storing)
    await hass.async_block_till_done()
    assert engine.setups[-1].volume_budget == limit
    assert engine.setups[-1].retention_size == limit


@pytest.mark.parametrize("number", ["nan", "inf", -0.1])
async def test_numbers_that_are_none(
    hass: HomeAssistant, folders: Path, number: object
) -> None:
    """Such as no field of a browser lets through."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    start = await async_start(hass, entry.entry_id)
    with pytest.raises(InvalidData):
        await async_submit(
            hass,
            start,
            path=str(folders / "media"),
            storing={"volume_budget": number},
        )


async def test_user_not_even_text(hass: HomeAssistant, folders: Path) -> None:
    """The template editor still wants text."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    start = await async_start(hass, entry.entry_id)
    with pytest.raises(InvalidData):
        await async_submit(
            hass, start, path=str(folders / "media"), storing={"path_template": 5}
        )
