"""Devices, destinations and entries that are removed."""

from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.frigate_snap_sync import async_remove_config_entry_device
from custom_components.frigate_snap_sync.coordinator import ledger_path, spool_path
from custom_components.frigate_snap_sync.storage.leftovers import Leftovers
from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    destinations,
    items,
    probes,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .component import (
    CAMERA,
    DESTINATION,
    ENTRY_ID,
    LOCAL_ID,
    STATUS,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)
from .harness.frigate import FrigateServer
from .sync.ledgers import wanted
from .sync.samples import ITEM
from .test_init import async_reload, files


@pytest.mark.usefixtures("mqtt_client")
async def test_camera_gone_while_away(
    hass: HomeAssistant, engine: StandInEngine, device_registry: dr.DeviceRegistry
) -> None:
    """What the ledger no longer has goes at start; an empty ledger tells nothing."""
    gate = replace(CAMERA, name="gate", display_name=None)
    both = {"front_door": CAMERA, "gate": gate}
    engine.first_status = replace(STATUS, cameras=both)
    entry = frigate_entry()
    await async_set_up(hass, entry)

    def cameras() -> set[str | None]:
        devices = dr.async_entries_for_config_entry(device_registry, ENTRY_ID)
        return {device.name for device in devices} - {"Frigate"}

    assert cameras() == {"front_door", "gate"}
    engine.first_status = replace(STATUS, cameras={})
    engine.status = replace(STATUS, cameras={})
    await async_reload(hass, entry)
    assert cameras() == {"front_door", "gate"}

    engine.first_status = STATUS
    await async_reload(hass, entry)
    assert cameras() == {"front_door"}


@pytest.mark.usefixtures("mqtt_client")
async def test_delete_devices(
    hass: HomeAssistant,
    engine: StandInEngine,
    frigate_server: FrigateServer,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Only a camera that Frigate does not have, and only if it can tell."""
    frigate = frigate_server.frigate
    entry = frigate_entry(frigate_server.url, subentries=[local_subentry("/media/nas")])
    await async_set_up(hass, entry)

    def device(value: str) -> dr.DeviceEntry:
        found = device_registry.async_get_device_by_identifier(
            ("frigate_snap_sync", value), ENTRY_ID
        )
        assert found is not None
        return found

    async def may_go(value: str) -> bool:
        return await async_remove_config_entry_device(hass, entry, device(value))

    camera = f"{ENTRY_ID}_front_door"
    assert not await may_go(ENTRY_ID)
    assert not await may_go(LOCAL_ID)
    assert not await may_go(camera)

    frigate.remove_camera("front_door")
    await frigate_server.stop()
    assert not await may_go(camera)
    await frigate_server.start()
    # It may list no cameras, or not all of them.
    frigate.is_in_safe_mode = True
    assert not await may_go(camera)
    frigate.is_in_safe_mode = False
    others = dict(frigate.cameras)
    frigate.cameras.clear()
    assert not await may_go(camera)
    assert not [call for call in engine.calls if call[0] == "forget"]
    frigate.cameras.update(others)
    assert await may_go(camera)
    assert engine.calls[-1] == ("forget", "front_door")
    device_registry.async_remove_device(device(camera).id)
    engine.show(cameras={})

    # One that the engine has no word of.
    device_registry.async_get_or_create(
        config_entry_id=ENTRY_ID,
        identifiers={("frigate_snap_sync", f"{ENTRY_ID}_long_gone")},
    )
    assert await may_go(f"{ENTRY_ID}_long_gone")

    # Without the engine that is not known.
    await hass.config_entries.async_unload(ENTRY_ID)
    with pytest.raises(HomeAssistantError, match="not set up, or not running"):
        await may_go(f"{ENTRY_ID}_long_gone")


@pytest.mark.usefixtures("mqtt_client")
async def test_remove_destination(
    hass: HomeAssistant,
    engine: StandInEngine,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Its device and entities go with it."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    engine.first_status = replace(STATUS, destinations={LOCAL_ID: DESTINATION})
    await async_set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, LOCAL_ID)
    await hass.async_block_till_done()
    assert not device_registry.async_get_device_by_identifier(
        ("frigate_snap_sync", LOCAL_ID), ENTRY_ID
    )
    assert not [
        item
        for item in er.async_entries_for_config_entry(entity_registry, ENTRY_ID)
        if item.config_subentry_id == LOCAL_ID
    ]


async def test_remove_entry_that_never_ran(hass: HomeAssistant, folders: Path) -> None:
    """There are no files to delete."""
    entry = frigate_entry()
    entry.add_to_hass(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not ledger_path(hass, ENTRY_ID).parent.exists()


async def test_remove_entry_with_an_unfinished_file(
    hass: HomeAssistant, folders: Path
) -> None:
    """Nothing would know of it any more; what is whole stays."""
    nas = folders / "media" / "nas"
    (nas / "a").mkdir(parents=True)
    (nas / "a/.x.tmp").write_bytes(b"half of it")
    (nas / "check").mkdir()
    (nas / "check/test.jpg").write_bytes(b"of a test that was killed")
    (nas / "a/f.jpg").write_bytes(b"whole")
    entry = frigate_entry(subentries=[local_subentry(str(nas))])
    entry.add_to_hass(hass)
    ledger = Ledger(ledger_path(hass, ENTRY_ID))
    await ledger.open()
    await ledger.run(destinations.keep_destinations, [LOCAL_ID], now=0)
    await ledger.run(items.plan, ITEM, (wanted(LOCAL_ID, path="a/f.mp4"),))
    await ledger.run(
        lambda connection: connection.execute(
            "UPDATE uploads SET temporary = 'a/.x.tmp'"
        )
    )
    made = Leftovers(files=("check/test.jpg",), folders=("check",))
    await ledger.run(probes.begin, LOCAL_ID, made=made)
    await ledger.close()
    await hass.config_entries.async_remove(entry.entry_id)
    assert not ledger_path(hass, ENTRY_ID).exists()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert sorted(path.name for path in nas.rglob("*")) == ["a", "f.jpg"]


async def test_remove_one_of_two(hass: HomeAssistant, folders: Path) -> None:
    """The other one's ledger and spool stay; all that belongs to this one goes."""
    entry = frigate_entry()
    entry.add_to_hass(hass)
    for entry_id in (ENTRY_ID, "other"):
        ledger, spool = ledger_path(hass, entry_id), spool_path(hass, entry_id)
        ledger.parent.mkdir(parents=True, exist_ok=True)
        for ending in ("", "-wal", ".corrupt-20261122-101112", ".backup"):
            Path(f"{ledger}{ending}").touch()
        for folder in (spool, Path(f"{spool}.unknown-20261122-101112")):
            folder.mkdir(parents=True)
            (folder / "image").touch()
        Path(f"{spool}.generation").touch()
    await hass.config_entries.async_remove(entry.entry_id)
    for left, count in (
        (ledger_path(hass, "other").parent, 4),
        (spool_path(hass, "other").parent, 3),
    ):
        assert len(files(left)) == count
        assert {path.name for path in left.iterdir()} == {
            path.name for path in left.glob("other*")
        }
