"""Backups of Home Assistant, and what is restored from them."""

import asyncio
import json
from pathlib import Path
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync import backup
from custom_components.frigate_snap_sync.coordinator import ledger_path
from custom_components.frigate_snap_sync.sync.engine import LedgerError
from homeassistant.backup_restore import RESTORE_BACKUP_FILE, restore_backup
from homeassistant.components.backup import async_get_manager
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .component import StandInEngine, async_set_up, frigate_entry, local_subentry
from .harness.frigate import FrigateServer
from .test_init import async_wait, connect, files, shows


@pytest.mark.usefixtures("mqtt_client")
async def test_a_backup(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Every entry that runs is asked, before and after; one that does not is left."""
    await backup.async_pre_backup(hass)
    entry = frigate_entry()
    await async_set_up(hass, entry)
    await backup.async_pre_backup(hass)
    assert engine.calls[-1] == ("back_up",)
    await backup.async_post_backup(hass)
    assert engine.calls[-1] == ("end_backup",)


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("failure", [LedgerError("no disk"), RuntimeError("a bug")])
async def test_a_backup_never_fails_for_us(
    hass: HomeAssistant,
    engine: StandInEngine,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
) -> None:
    """It holds far more than our ledger."""
    await async_set_up(hass, frigate_entry())
    engine.failure = failure
    await backup.async_pre_backup(hass)
    await backup.async_post_backup(hass)
    assert caplog.text.count("is not ready for a backup") == 2


@pytest.mark.usefixtures("mqtt_client")
async def test_a_backup_waits_for_a_dead_disk_no_longer_than_ten_seconds(
    hass: HomeAssistant,
    engine: StandInEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What still hangs then is ended."""
    assert backup.TIMEOUT <= 10
    await async_set_up(hass, frigate_entry())
    engine.gate.clear()
    began = time.monotonic()
    await backup.async_pre_backup(hass, seconds=0.1)
    assert time.monotonic() - began < 9
    assert "does not wait any longer" in caplog.text
    await hass.async_block_till_done()


async def backed_up(hass: HomeAssistant) -> Path:
    """Let Home Assistant make a backup; return its file."""
    folder = Path(hass.config.path("backups"))
    await async_get_manager(hass).async_create_backup(
        agent_ids=["backup.local"],
        include_addons=None,
        include_all_addons=False,
        include_database=False,
        include_folders=None,
        include_homeassistant=True,
        name="test",
        password=None,
    )
    await async_wait(lambda: list(folder.glob("*.tar")), "the backup")
    (file,) = folder.glob("*.tar")
    return file


def restore(hass: HomeAssistant, file: Path) -> None:
    """Let Home Assistant bring its files back, as it does at its next start."""
    instruction: dict[str, Any] = {
        "path": str(file),
        "password": None,
        "remove_after_restore": False,
        "restore_database": False,
        "restore_homeassistant": True,
    }
    Path(hass.config.path(RESTORE_BACKUP_FILE)).write_text(json.dumps(instruction))
    assert restore_backup(hass.config.config_dir)


@pytest.mark.usefixtures("mqtt_client")
async def test_a_real_backup_and_restore_in_the_middle_of_uploads(
    hass: HomeAssistant,
    frigate_server: FrigateServer,
    folders: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is sent again under another name, though a template makes the names."""
    nas = folders / "media" / "nas"
    template = "{{ camera }}/{{ kind }}-{{ start.strftime('%H-%M-%S') }}"
    subentry = local_subentry(nas)
    subentry["data"] = {
        **subentry["data"],
        "storing": {"path_template": template, "verify_checksum": False},
    }
    entry = frigate_entry(frigate_server.url, subentries=[subentry])
    assert await async_setup_component(hass, "backup", {})
    await async_set_up(hass, entry)
    frigate = frigate_server.frigate
    connect(hass, frigate)
    await async_wait(
        shows(hass, "binary_sensor.front_door_snapshots_enabled", "on"),
        "the cameras of Frigate's configuration",
    )
    visitor = frigate.begin_object("front_door")
    await async_wait(
        shows(hass, "sensor.garage_nas_live_snapshots_uploaded", "1"),
        "the live snapshot",
    )
    making = asyncio.create_task(backed_up(hass))
    frigate.confirm_object(visitor)
    frigate.end_object(visitor)
    file = await making
    await async_wait(
        shows(hass, "sensor.garage_nas_snapshots_uploaded", "1"), "the snapshot"
    )
    before = {path: path.stat().st_mtime_ns for path in files(nas)}
    assert len(before) == 2
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_add_executor_job(restore, hass, file)
    ledger = ledger_path(hass, entry.entry_id)
    assert ledger.with_name(f"{ledger.name}.backup").exists()
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert "the copy that was made for a backup takes its place" in caplog.text
    await hass.services.async_call(
        "frigate_snap_sync",
        "catch_up",
        {"config_entry_id": entry.entry_id, "look_back": 1},
        blocking=True,
        return_response=True,
    )
    await async_wait(
        shows(hass, "sensor.garage_nas_snapshots_uploaded", "1"), "the snapshot again"
    )
    assert {path: path.stat().st_mtime_ns for path in files(nas)} == before
    await hass.config_entries.async_unload(entry.entry_id)
