"""A monthly budget in Home Assistant: its sensor, its repair, its reason."""

from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.frigate_snap_sync.sync.model.budget import BudgetStatus
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from .component import (
    LOCAL_ID,
    STORING,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)

pytestmark = pytest.mark.usefixtures("mqtt_client")

ENTITY = "sensor.garage_nas_budget_used"
GIB = 1 << 30
ISSUE = f"budget_spent_{LOCAL_ID}"


def entry_with(budget: int) -> MockConfigEntry:
    """Return an entry with a destination of so many GiB a month."""
    stored = local_subentry("/media/nas")
    data = {**stored["data"], "storing": {**STORING, "volume_budget": budget}}
    return frigate_entry(subentries=[{**stored, "data": data}])


def change_budget(hass: HomeAssistant, entry: MockConfigEntry, budget: int) -> None:
    """Let the owner reconfigure the destination."""
    subentry = entry.subentries[LOCAL_ID]
    data: dict[str, Any] = {
        **subentry.data,
        "storing": {**STORING, "volume_budget": budget},
    }
    hass.config_entries.async_update_subentry(entry, subentry, data=data)


async def test_the_sensor(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """Percent, and in which month how many bytes of how many."""
    await async_set_up(hass, entry_with(100))
    found = hass.states.get(ENTITY)
    assert found is not None
    assert found.state == STATE_UNKNOWN
    engine.show_destination(
        LOCAL_ID, budget=BudgetStatus(used=25 * GIB, budget=100 * GIB, month="2026-11")
    )
    await hass.async_block_till_done()
    found = hass.states.get(ENTITY)
    assert found is not None
    assert float(found.state) == 25
    assert found.attributes["unit_of_measurement"] == "%"
    assert found.attributes["bytes"] == 25 * GIB
    assert found.attributes["budget"] == 100 * GIB
    assert found.attributes["month"] == "2026-11"


async def test_it_comes_and_goes_with_the_budget(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """Without a reload; a destination without a budget has none."""
    entry = entry_with(0)
    await async_set_up(hass, entry)
    assert hass.states.get(ENTITY) is None
    change_budget(hass, entry, 5)
    await hass.async_block_till_done()
    assert hass.states.get(ENTITY) is not None
    change_budget(hass, entry, 6)
    await hass.async_block_till_done()
    assert hass.states.get(ENTITY) is not None
    change_budget(hass, entry, 0)
    await hass.async_block_till_done()
    assert hass.states.get(ENTITY) is None
    assert er.async_get(hass).async_get(ENTITY) is None
    change_budget(hass, entry, 7)
    await hass.async_block_till_done()
    assert hass.states.get(ENTITY) is not None
    assert engine.setups[-1].volume_budget == 7 * GIB


@pytest.mark.parametrize(
    ("used", "severity"),
    [
        (79.99, None),
        (80, ir.IssueSeverity.WARNING),
        (99.9, ir.IssueSeverity.WARNING),
        (100, ir.IssueSeverity.ERROR),
    ],
)
async def test_the_repair(
    hass: HomeAssistant,
    engine: StandInEngine,
    folders: Path,
    used: float,
    severity: ir.IssueSeverity | None,
) -> None:
    """It opens when something is held back, with numbers, and closes by itself."""
    await async_set_up(hass, entry_with(100))
    registry = ir.async_get(hass)
    engine.show_destination(
        LOCAL_ID,
        budget=BudgetStatus(used=int(used * GIB), budget=100 * GIB, month="2026-11"),
    )
    found = registry.async_get_issue("frigate_snap_sync", ISSUE)
    assert (None if found is None else found.severity) == severity
    if found is not None:
        assert found.translation_key == "budget_spent"
        assert found.translation_placeholders == {
            "destination": "Garage NAS",
            "name": "Garage NAS",
            "percent": f"{int(used)}",
            "used": f"{used:.1f}",
            "budget": "100",
            "month": "2026-11",
        }
    engine.show_destination(
        LOCAL_ID, budget=BudgetStatus(used=0, budget=100 * GIB, month="2026-12")
    )
    assert registry.async_get_issue("frigate_snap_sync", ISSUE) is None


async def test_the_repair_of_half_a_gibibyte(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """It names the budget as it was typed, which is not 0."""
    await async_set_up(hass, entry_with(100))
    half = BudgetStatus(used=GIB // 2, budget=GIB // 2, month="2026-11")
    engine.show_destination(LOCAL_ID, budget=half)
    found = ir.async_get(hass).async_get_issue("frigate_snap_sync", ISSUE)
    assert found is not None
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["budget"] == "0.5"
