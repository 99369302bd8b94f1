"""A login that may only add files: what the form asks for, and what is stored."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, override

import pytest

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

pytestmark = pytest.mark.usefixtures("mqtt_client")


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
    kind = Kind(key="memory", model="Memory", build=lambda *_: box, private=frozenset())
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
    assert FIXED_PROBE in box.files

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


async def test_what_can_not_be_read_can_not_be_compared(
    hass: HomeAssistant, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that may delete, but not read back, takes no *Verify checksum*."""
    box = DropBox()
    box.may_delete = box.may_be_limited = True
    kind = Kind(key="memory", model="Memory", build=lambda *_: box, private=frozenset())
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
