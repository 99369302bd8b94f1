"""The flow of a folder of this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
import errno
import os
from pathlib import Path
from typing import Any, override
from unittest.mock import patch

import pytest

from custom_components.frigate_snap_sync.engine_setup import destination_setup
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.flows.local import LocalFlow
from custom_components.frigate_snap_sync.kinds import KINDS
from custom_components.frigate_snap_sync.storage.errors import (
    ConnectTimeout,
    NoSpace,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.local.mounts import Disk, Mounts
from custom_components.frigate_snap_sync.storage.names import TemporaryForm
from custom_components.frigate_snap_sync.storage.wrappers.verified import Verified
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

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

DISK = Disk(
    mount_point="/media", device="/dev/sda8", free=31 * 10**9, total=118 * 10**9
)


class StandInMounts(Mounts):
    """Finds the disk of the test's choice wherever it is asked."""

    def __init__(self) -> None:
        """Find that all is well."""
        self.disk: Disk | None = None
        self.failure: StorageError | None = None
        self.asked = 0

    @override
    def disk_without_share(self, path: Path, mount_point: str) -> Disk | None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self.disk


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> StandInMounts:
    """Let the flow ask a stand-in what is mounted."""
    stand_in = StandInMounts()

    class Flow(LocalFlow):
        """Adds a folder of another machine."""

        mounts = stand_in

    monkeypatch.setitem(FLOWS, "local", Flow)
    return stand_in


@contextmanager
def mounted(path: Path) -> Iterator[None]:
    """Mount a share onto a folder, as far as this process can see."""
    path.mkdir(exist_ok=True)
    with patch.object(Path, "is_mount", lambda folder: folder == path):
        yield


@contextmanager
def refusing_to_create(is_refused: Callable[[Path], bool]) -> Iterator[None]:
    """Let the system refuse to create some files."""
    create = os.open

    def refuse(path: Any, flags: int, *others: Any, **named: Any) -> int:
        if flags & os.O_CREAT and is_refused(Path(path)):
            raise PermissionError(errno.EACCES, "Permission denied")
        return create(path, flags, *others, **named)

    with patch.object(os, "open", refuse):
        yield


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
            "volume_budget": 40,
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
        "retention_size": 0,
        "verify_checksum": True,
        "append_only": False,
    }
    await hass.async_block_till_done()
    (setup,) = engine.setups
    assert setup.selection.cameras == {"front_door", "typed"}
    assert setup.render is not None
    assert isinstance(setup.destination, Verified)
    assert setup.volume_budget == 40 << 30


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


async def test_reconfigure_share_is_away(hass: HomeAssistant, folders: Path) -> None:
    """The same folder, whose share is not mounted, is not taken for another disk."""
    path = folders / "media" / "nas"
    subentry = local_subentry(path)
    subentry["data"] = {**subentry["data"], "mount_point": str(path)}
    entry = frigate_entry(subentries=[subentry])
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    result = await async_submit(hass, result, path=str(path))
    assert result["errors"] == {"path": "not_mounted"}
    assert not path.exists()

    with mounted(path):
        result = await async_submit(hass, result, path=str(path))
    assert result["reason"] == "reconfigure_successful"


async def test_reconfigure_share_is_mounted_now(
    hass: HomeAssistant, folders: Path
) -> None:
    """A share that was mounted onto the folder since is remembered instead."""
    path = folders / "media" / "nas"
    entry = frigate_entry(subentries=[local_subentry(path)])
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, LOCAL_ID)
    with mounted(path):
        result = await async_submit(hass, result, path=str(path))
    assert result["reason"] == "reconfigure_successful"
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.data["mount_point"] == str(path)


async def test_user_not_even_text(hass: HomeAssistant, folders: Path) -> None:
    """The template editor still wants text."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    start = await async_start(hass, entry.entry_id)
    with pytest.raises(InvalidData):
        await async_submit(
            hass, start, path=str(folders / "media"), storing={"path_template": 5}
        )


async def test_user_where_a_share_should_be(
    hass: HomeAssistant, folders: Path, engine: StandInEngine, mounts: StandInMounts
) -> None:
    """The disk is shown, and nothing is written before it is agreed to."""
    mounts.disk = DISK
    path = folders / "media" / "nas" / "frigate"
    entry = frigate_entry()
    await async_set_up(hass, entry)
    start = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, start, path=str(path))
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "disk"
    assert result["description_placeholders"] == {
        "path": str(path),
        "mount_point": "/media",
        "device": "/dev/sda8",
        "free": "31.0 GB",
        "total": "118.0 GB",
    }
    assert not path.exists()
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], None
    )
    assert result["step_id"] == "disk"
    result = await hass.config_entries.subentries.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_subentry(hass, entry.entry_id).data["path"] == str(path)
    assert path.is_dir()

    # It is known now: who changes something else is not asked again.
    asked = mounts.asked
    (subentry_id,) = entry.subentries
    result = await entry.start_subentry_reconfigure_flow(hass, subentry_id)
    result = await async_submit(hass, result, name="Attic", path=str(path))
    assert result["reason"] == "reconfigure_successful"
    assert mounts.asked == asked

    result = await entry.start_subentry_reconfigure_flow(hass, subentry_id)
    other = folders / "media" / "other"
    result = await async_submit(hass, result, path=str(other))
    assert result["step_id"] == "disk"


async def test_user_a_share_that_was_mounted_meanwhile(
    hass: HomeAssistant, folders: Path, mounts: StandInMounts
) -> None:
    """It is looked for again when the question is answered."""
    mounts.disk = DISK
    path = folders / "media" / "nas"
    entry = frigate_entry()
    await async_set_up(hass, entry)
    start = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, start, path=str(path))
    assert result["step_id"] == "disk"
    mounts.disk = None
    with mounted(path):
        result = await hass.config_entries.subentries.async_configure(
            result["flow_id"], {}
        )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_subentry(hass, entry.entry_id).data["mount_point"] == str(path)


async def test_user_a_disk_that_does_not_answer(
    hass: HomeAssistant, folders: Path, mounts: StandInMounts
) -> None:
    """That is told at the path."""
    mounts.failure = Unreachable("It hangs")
    entry = frigate_entry()
    await async_set_up(hass, entry)
    start = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, start, path=str(folders / "media"))
    assert result["errors"] == {"path": "cannot_connect"}


async def test_user_dot_files_are_refused(hass: HomeAssistant, folders: Path) -> None:
    """The form of temporary names that works is stored, and used by the engine."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    with refusing_to_create(lambda path: path.name.startswith(".")):
        result = await async_submit(
            hass,
            await async_start(hass, entry.entry_id),
            path=str(folders / "media" / "nas"),
        )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.data["temporary_form"] == "plain"
    assert destination_setup(hass, subentry).temporary_form is TemporaryForm.PLAIN

    # Tested again it is found again, one way or the other.
    result = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    result = await async_submit(hass, result, path=str(folders / "media" / "nas"))
    assert result["reason"] == "reconfigure_successful"
    subentry = only_subentry(hass, entry.entry_id)
    assert "temporary_form" not in subentry.data
    assert destination_setup(hass, subentry).temporary_form is TemporaryForm.HIDDEN


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("", "{today}"),
        ("all/{{ start.year }}/{{ id }}.{{ extension }}", "all/{year}"),
        ("{{ camera }}/{{ start.date() }}/{{ id }}.{{ extension }}", "typed/{today}"),
    ],
)
async def test_user_a_foreign_folder_of_today(
    hass: HomeAssistant, folders: Path, template: str, folder: str
) -> None:
    """It is tested where files will go, and told by the step; nothing is saved."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    now = dt_util.now()
    root = folders / "media" / "nas"
    foreign = root / folder.format(today=f"{now:%Y-%m-%d}", year=now.year)
    foreign.mkdir(parents=True)
    typed = {
        "path": str(root),
        "selection": {"cameras": ["typed"]},
        "storing": {"path_template": template},
    }
    with refusing_to_create(lambda path: path.parent == foreign):
        result = await async_submit(
            hass, await async_start(hass, entry.entry_id), **typed
        )
    assert result["errors"] == {"path": "not_writable"}
    assert result["description_placeholders"]["reason"].startswith("Writing: ")
    assert not entry.subentries
    assert not list(foreign.iterdir())
    result = await async_submit(hass, result, **typed)
    assert result["type"] is FlowResultType.CREATE_ENTRY
