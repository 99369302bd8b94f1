"""A new kind of destination is one file and a row in each table."""

import json
from typing import Any

import pytest

from custom_components.frigate_snap_sync.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.kinds import KINDS
from custom_components.frigate_snap_sync.markdown import escape
from custom_components.frigate_snap_sync.storage.errors import AuthFailed
from custom_components.frigate_snap_sync.storage.wrappers.film_first import FilmFirst
from custom_components.frigate_snap_sync.sync.model.status import Problem
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .component import StandInEngine, async_set_up, frigate_entry
from .memory_kind import KIND, MEMORY, MemoryFlow
from .test_repairs import Post, fix, open_issues

__all__ = ["fix"]

pytestmark = pytest.mark.usefixtures("mqtt_client")


async def test_a_new_kind(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Set up, shown, repaired, diagnosed and removed like any other."""
    monkeypatch.setitem(KINDS, KIND.key, KIND)
    monkeypatch.setitem(FLOWS, KIND.key, MemoryFlow)
    entry = frigate_entry()
    await async_set_up(hass, entry)
    flows = hass.config_entries.subentries
    typed = {
        "name": "Cloud",
        "url": "http://cloud.example",
        "username": "secret-account",
        "password": "secret-token",
    }

    result: Any = await flows.async_init(
        (entry.entry_id, "memory"), context={"source": SOURCE_USER}
    )
    MEMORY.error = AuthFailed("no")
    result = await flows.async_configure(result["flow_id"], typed)
    assert result["errors"] == {"username": "invalid_auth"}
    MEMORY.error = None
    result = await flows.async_configure(result["flow_id"], typed)
    assert result["type"] == "create_entry"
    assert MEMORY.history
    assert not MEMORY.files
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert "Memory" in {device.model for device in devices}
    (setup,) = engine.setups
    assert isinstance(setup.destination, FilmFirst)
    assert setup.destination.inner is MEMORY

    engine.show_destination(
        subentry.subentry_id, connected=False, problem=Problem.LOGIN_REFUSED
    )
    await hass.async_block_till_done()
    issue_id = f"login_refused_{subentry.subentry_id}"
    assert issue_id in open_issues(hass)
    form = await fix(issue_id)
    assert form["step_id"] == "credentials"
    assert form["description_placeholders"]["host"] == escape("http://cloud.example")
    shown_values = {
        field["name"]: field.get("description", {}).get("suggested_value")
        for field in form["data_schema"]
    }
    assert shown_values == {"username": "secret-account", "password": None}
    MEMORY.error = AuthFailed("no")
    form = await fix(form, username="other", password="another-token")
    assert form["errors"] == {"username": "invalid_auth"}
    MEMORY.error = None
    done = await fix(form, username="other", password="another-token")
    assert done["type"] == "create_entry"
    assert dict(entry.subentries[subentry.subentry_id].data) == {
        **subentry.data,
        "username": "other",
        "password": "another-token",
    }

    shown = await async_get_config_entry_diagnostics(hass, entry)
    assert shown["destinations"][subentry.subentry_id]["type"] == "memory"
    assert not [
        text
        for text in ("secret-account", "another-token", "cloud.example")
        if text in json.dumps(shown, default=str)
    ]

    hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    await hass.async_block_till_done()
    assert engine.setups == []
