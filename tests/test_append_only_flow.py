"""A login that may only add files: what the form asks for, and what is stored."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, override

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.kinds import KINDS, Kind
from custom_components.frigate_snap_sync.storage.base import Capabilities, StoredFile
from custom_components.frigate_snap_sync.storage.check import FIXED_PROBE
from custom_components.frigate_snap_sync.storage.errors import PermissionDenied
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.core import HomeAssistant

from .component import StandInEngine, async_set_up, frigate_entry
from .memory_kind import MemoryFlow
from .sync.fakes import FakeDestination

pytestmark = pytest.mark.usefixtures("mqtt_client", "folders")


class DropBox(FakeDestination):
    """Takes new files, and maybe shows them."""

    may_read = False
    may_delete = False
    may_be_limited = False

    @property
    @override
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, may_be_limited=self.may_be_limited)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        if not self.may_read:
            raise PermissionDenied("No", said="Access denied")
        return await super().stat(path)

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        if not self.may_read:
            raise PermissionDenied("No", said="Access denied")
        async for piece in super().open_read(path):
            yield piece

    @override
    async def delete(self, path: str) -> None:
        if not self.may_delete:
            raise PermissionDenied("No", said="Access denied")
        await super().delete(path)


@pytest.mark.parametrize("may_be_limited", [False, True])
@pytest.mark.parametrize("may_read", [False, True])
async def test_only_new_files_are_taken(
    hass: HomeAssistant,
    engine: StandInEngine,
    monkeypatch: pytest.MonkeyPatch,
    may_read: bool,
    may_be_limited: bool,
) -> None:
    """The form says so, and what the test has found is kept.

    Whether or not the test has to look first at what the login may do.
    """
    box = DropBox()
    box.may_read, box.may_be_limited = may_read, may_be_limited
    kind = Kind(key="memory", model="Memory", build=lambda *_: box)
    monkeypatch.setitem(KINDS, kind.key, kind)
    monkeypatch.setitem(FLOWS, kind.key, MemoryFlow)
    entry = frigate_entry()
    await async_set_up(hass, entry)
    flows = hass.config_entries.subentries
    typed = {"name": "Box", "url": "http://box", "username": "a", "password": "p"}

    async def submit(flow_id: str, **storing: bool) -> Any:
        return await flows.async_configure(flow_id, {**typed, "storing": storing})

    result: Any = await flows.async_init(
        (entry.entry_id, "memory"), context={"source": SOURCE_USER}
    )
    flow_id = result["flow_id"]
    result = await submit(flow_id)
    assert result["errors"] == {"storing": "append_only_needed"}
    reason = "Can't be deleted" if may_be_limited else "Access denied"
    assert reason in result["description_placeholders"]["reason"]
    if not may_read:
        result = await submit(flow_id, append_only=True, verify_checksum=True)
        assert result["errors"] == {"storing": "verify_not_possible"}
    result = await flows.async_configure(
        flow_id, {**typed, "storing": {"append_only": True, "retention_days": 30}}
    )
    assert result["errors"] == {"storing": "retention_not_possible"}
    result = await submit(flow_id, append_only=True, verify_checksum=may_read)
    assert result["type"] == "create_entry"
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.data["storing"]["append_only"] is True
    assert subentry.data["can_read"] is may_read
    (setup,) = engine.setups
    assert not setup.destination.capabilities.can_delete
    assert setup.destination.capabilities.can_read is may_read
    assert any(path.endswith(FIXED_PROBE) for path in box.files)
    # The tests that follow are made in the same folder.
    assert may_be_limited or f"{setup.probe}/{FIXED_PROBE}" in box.files

    # The server's owner allows all: the next test finds it out.
    box.may_read = box.may_delete = True
    result = await flows.async_init(
        (entry.entry_id, "memory"),
        context={
            "source": SOURCE_RECONFIGURE,
            "subentry_id": subentry.subentry_id,
        },
    )
    result = await submit(result["flow_id"], append_only=True)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert subentry.data["can_read"] is True


@pytest.mark.parametrize("first_reads", [False, True])
@pytest.mark.parametrize("second_reads", [False, True])
async def test_two_frigates_at_one_place(
    hass: HomeAssistant,
    engine: StandInEngine,
    monkeypatch: pytest.MonkeyPatch,
    first_reads: bool,
    second_reads: bool,
) -> None:
    """One can't see what the other has put there, and may replace it: refused."""
    box = DropBox()
    kind = Kind(
        key="memory",
        model="Memory",
        build=lambda *_: box,
        place=("url",),
    )
    monkeypatch.setitem(KINDS, kind.key, kind)
    monkeypatch.setitem(FLOWS, kind.key, MemoryFlow)
    barn = MockConfigEntry(domain=DOMAIN, title="Barn", unique_id="barn")
    barn.add_to_hass(hass)
    entries = [frigate_entry(), barn]
    await async_set_up(hass, entries[0])
    flows = hass.config_entries.subentries

    async def add(number: int, url: str, *, may_read: bool) -> Any:
        box.may_read = may_read
        result: Any = await flows.async_init(
            (entries[number].entry_id, "memory"), context={"source": SOURCE_USER}
        )
        return await flows.async_configure(
            result["flow_id"],
            {
                "name": "Box",
                "url": url,
                "username": "a",
                "password": "p",
                "storing": {"append_only": True},
            },
        )

    result = await add(0, "http://box/a", may_read=first_reads)
    assert result["type"] == "create_entry"
    result = await add(1, "http://box/a/", may_read=second_reads)
    if first_reads and second_reads:
        assert result["type"] == "create_entry"
    else:
        assert result["errors"] == {"path": "shared_place"}
        assert not entries[1].subentries
    result = await add(1, "http://box/b", may_read=False)
    assert result["type"] == "create_entry"

    # Nor may it become that place later.
    (subentry, *_) = (
        each for each in entries[1].subentries.values() if each.data["url"][-1] == "b"
    )
    result = await flows.async_init(
        (entries[1].entry_id, "memory"),
        context={
            "source": SOURCE_RECONFIGURE,
            "subentry_id": subentry.subentry_id,
        },
    )
    result = await flows.async_configure(
        result["flow_id"],
        {
            "name": "Box",
            "url": "http://box/a",
            "username": "a",
            "password": "p",
            "storing": {"append_only": True},
        },
    )
    assert result["errors"] == {"path": "shared_place"}


async def test_what_can_not_be_read_can_not_be_compared(
    hass: HomeAssistant, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that may delete, but not read back, takes no *Verify checksum*."""
    box = DropBox()
    box.may_delete = box.may_be_limited = True
    kind = Kind(key="memory", model="Memory", build=lambda *_: box)
    monkeypatch.setitem(KINDS, kind.key, kind)
    monkeypatch.setitem(FLOWS, kind.key, MemoryFlow)
    entry = frigate_entry()
    await async_set_up(hass, entry)
    flows = hass.config_entries.subentries
    result: Any = await flows.async_init(
        (entry.entry_id, "memory"), context={"source": SOURCE_USER}
    )
    typed = {"name": "Box", "url": "http://box", "username": "a", "password": "p"}
    result = await flows.async_configure(
        result["flow_id"], {**typed, "storing": {"verify_checksum": True}}
    )
    assert result["errors"]
    assert "Reading back" in result["description_placeholders"]["reason"]
    assert not entry.subentries
