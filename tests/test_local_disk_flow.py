"""The flow of a folder: shares that are not mounted, and disks that refuse."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import errno
import os
from pathlib import Path
from typing import Any, override
from unittest.mock import patch

import pytest

from custom_components.frigate_snap_sync.engine_setup import destination_setup
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.flows.local import LocalFlow
from custom_components.frigate_snap_sync.storage.errors import StorageError, Unreachable
from custom_components.frigate_snap_sync.storage.local.mounts import Disk, Mounts
from custom_components.frigate_snap_sync.storage.names import TemporaryForm
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util

from .component import (
    LOCAL_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)
from .test_local_flow import async_start, async_submit, only_subentry

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
    """The path has the error."""
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
    """It is tested where files will go, the step is named; nothing is saved."""
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
