"""A destination for certain states of an entity: its form, and how it is followed."""

from pathlib import Path
import time
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.frigate_snap_sync.engine_setup import destination_setup
from custom_components.frigate_snap_sync.only_while import OnlyWhile, likely_states
from custom_components.frigate_snap_sync.sync.engine import LedgerError
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import (
    LOCAL_ID,
    SELECTION,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)

pytestmark = pytest.mark.usefixtures("mqtt_client")

PANEL = "alarm_control_panel.home"


def entry_with(entity_id: str | None, *states: str) -> MockConfigEntry:
    """Return an entry with a destination for these states."""
    stored = local_subentry("/media/nas")
    selection: dict[str, Any] = {**SELECTION, "only_while_states": list(states)}
    if entity_id is not None:
        selection["only_while_entity"] = entity_id
    data = {**stored["data"], "selection": selection}
    return frigate_entry(subentries=[{**stored, "data": data}])


@pytest.mark.parametrize(
    ("state", "is_closed"),
    [
        ("armed_away", False),
        ("disarmed", True),
        ("armed_home", True),
        (STATE_UNKNOWN, False),
        (STATE_UNAVAILABLE, False),
        (None, False),
        # A break-in: it was armed.
        ("pending", False),
        ("triggered", False),
        ("arming", True),
    ],
)
def test_when_it_is_closed(
    hass: HomeAssistant, state: str | None, is_closed: bool
) -> None:
    """Only a state that is known, and another one than chosen, keeps anything at home."""
    if state is not None:
        hass.states.async_set(PANEL, state)
    condition = OnlyWhile(entity_id=PANEL, states=frozenset({"armed_away"}))
    assert condition.is_closed(hass) is is_closed


def test_only_an_alarm_panel_is_triggered(hass: HomeAssistant) -> None:
    """Another entity's state of that name is one like any other."""
    hass.states.async_set("sensor.home", "triggered")
    condition = OnlyWhile(entity_id="sensor.home", states=frozenset({"armed_away"}))
    assert condition.is_closed(hass)
    hass.states.async_set(PANEL, "triggered")
    condition = OnlyWhile(entity_id=PANEL, states=frozenset({"disarmed"}))
    assert condition.is_closed(hass)


def test_upper_and_lower_case_are_the_same(hass: HomeAssistant) -> None:
    """What is typed by hand need not be exact."""
    hass.states.async_set("input_select.mode", "Away")
    data = {
        "selection": {
            "only_while_entity": "input_select.mode",
            "only_while_states": ["away"],
        }
    }
    condition = OnlyWhile.of(data)
    assert condition is not None
    assert not condition.is_closed(hass)


async def test_it_is_followed(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """From the start on, with each change, and no longer after an unload."""
    hass.states.async_set(PANEL, "disarmed")
    entry = entry_with(PANEL, "armed_away", "armed_night")
    await async_set_up(hass, entry)
    assert engine.closed == [{LOCAL_ID}]
    for state, closed in (
        ("armed_away", set()),
        ("disarmed", {LOCAL_ID}),
        (STATE_UNAVAILABLE, set()),
        ("armed_night", set()),
    ):
        hass.states.async_set(PANEL, state)
        await hass.async_block_till_done()
        assert engine.closed[-1] == closed
    hass.states.async_remove(PANEL)
    await hass.async_block_till_done()
    assert engine.closed[-1] == set()
    count = len(engine.closed)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.states.async_set(PANEL, "disarmed")
    await hass.async_block_till_done()
    assert len(engine.closed) == count


async def test_a_ledger_that_fails_when_it_opens(
    hass: HomeAssistant,
    engine: StandInEngine,
    folders: Path,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Each change gets there, in order and with its own moment, as soon as it can."""

    async def pass_seconds(seconds: int) -> None:
        for _ in range(seconds):
            freezer.tick(1)
            async_fire_time_changed(hass)
            await hass.async_block_till_done()

    hass.states.async_set(PANEL, "disarmed")
    entry = entry_with(PANEL, "armed_away")
    await async_set_up(hass, entry)
    engine.failure = LedgerError("the disk is full")
    begin = time.time()
    hass.states.async_set(PANEL, "armed_away")
    await hass.async_block_till_done()
    await pass_seconds(5)
    hass.states.async_set(PANEL, "disarmed")
    await hass.async_block_till_done()
    await pass_seconds(5)
    hass.states.async_set(PANEL, "armed_away")
    await hass.async_block_till_done()
    assert engine.closed == [{LOCAL_ID}]
    engine.failure = None
    await pass_seconds(2)
    assert engine.closed[1:] == [set(), {LOCAL_ID}, set()]
    since = [moment - begin for moment in engine.closed_since]
    assert since == pytest.approx([0, 5, 10], abs=0.9)
    # What is unloaded tells nothing any more.
    engine.failure = LedgerError("the disk is full")
    hass.states.async_set(PANEL, "disarmed")
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(entry.entry_id)
    engine.failure = None
    await pass_seconds(5)
    assert len(engine.closed) == 4


async def test_before_its_integration_is_up(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """After a restart of Home Assistant it is open until the state is known."""
    await async_set_up(hass, entry_with(PANEL, "armed_away"))
    assert engine.closed == [set()]
    hass.states.async_set(PANEL, "disarmed")
    await hass.async_block_till_done()
    assert engine.closed[-1] == {LOCAL_ID}


@pytest.mark.parametrize("state", ["disarmed", "armed_away"])
async def test_a_change_while_the_engine_starts(
    hass: HomeAssistant, engine: StandInEngine, folders: Path, state: str
) -> None:
    """That may take minutes after a power cut, and the panel comes up meanwhile."""
    before = {"disarmed": "armed_away", "armed_away": "disarmed"}[state]
    hass.states.async_set(PANEL, before)
    engine.on_start = lambda: hass.states.async_set(PANEL, state)
    await async_set_up(hass, entry_with(PANEL, "armed_away"))
    assert engine.closed[-1] == ({LOCAL_ID} if state == "disarmed" else set())


async def test_a_change_of_the_destination(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """Another entity, other states or none count at once, without a reload."""
    hass.states.async_set(PANEL, "disarmed")
    hass.states.async_set("input_boolean.away", "off")
    entry = entry_with(None)
    await async_set_up(hass, entry)
    subentry = entry.subentries[LOCAL_ID]

    async def change(**selection: Any) -> set[str]:
        hass.config_entries.async_update_subentry(
            entry,
            subentry,
            data={**subentry.data, "selection": {**SELECTION, **selection}},
        )
        await hass.async_block_till_done()
        return engine.closed[-1]

    chosen = {"only_while_entity": PANEL, "only_while_states": ["armed_away"]}
    assert await change(**chosen) == {LOCAL_ID}
    assert await change(**chosen | {"only_while_states": ["disarmed"]}) == set()
    assert await change(
        only_while_entity="input_boolean.away", only_while_states=["on"]
    ) == {LOCAL_ID}
    hass.states.async_set("input_boolean.away", "on")
    await hass.async_block_till_done()
    assert engine.closed[-1] == set()
    assert await change() == set()


@pytest.mark.parametrize(
    ("selection", "error"),
    [
        ({"only_while_entity": PANEL}, "states_missing"),
        ({"only_while_states": ["armed_away"]}, "entity_missing"),
        (
            {"only_while_entity": PANEL, "only_while_states": ["", " "]},
            "states_missing",
        ),
    ],
)
async def test_half_of_it_is_a_mistake(
    hass: HomeAssistant,
    engine: StandInEngine,
    folders: Path,
    selection: dict[str, Any],
    error: str,
) -> None:
    """An entity without states would close the destination for good."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    subentries = hass.config_entries.subentries
    result = await subentries.async_init(
        (entry.entry_id, "local"), context={"source": SOURCE_USER}
    )
    result = await subentries.async_configure(
        result["flow_id"],
        {
            "name": "NAS",
            "path": str(folders / "media"),
            "selection": selection,
        },
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"selection": error}
    result = await subentries.async_configure(
        result["flow_id"],
        {
            "name": "NAS",
            "path": str(folders / "media"),
            "selection": {
                "only_while_entity": PANEL,
                "only_while_states": ["armed_away", " armed_night "],
            },
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = entry.subentries.values()
    condition = OnlyWhile.of(subentry.data)
    assert condition is not None
    assert condition.states == {"armed_away", "armed_night"}


def test_likely_states(hass: HomeAssistant) -> None:
    """Those that such an entity has; any other can be typed."""
    hass.states.async_set(PANEL, "disarmed")
    assert likely_states(hass, PANEL)[:1] == ["armed_away"]
    assert "disarmed" in likely_states(hass, PANEL)
    hass.states.async_set("input_select.mode", "Away", {"options": ["Away", "Home"]})
    assert likely_states(hass, "input_select.mode") == ["Away", "Home"]
    assert likely_states(hass, "input_boolean.away") == ["on", "off"]
    assert "armed_away" in likely_states(hass, None)


@pytest.mark.parametrize(
    "selection",
    [
        {"only_while_entity": 5, "only_while_states": ["on"]},
        {"only_while_entity": PANEL, "only_while_states": "on"},
        {"only_while_entity": PANEL, "only_while_states": []},
    ],
)
def test_what_can_not_be_read_waits(
    hass: HomeAssistant, folders: Path, selection: dict[str, Any]
) -> None:
    """A limit that can't be kept lets nothing leave."""
    stored = local_subentry("/media/nas")
    subentry = ConfigSubentry(
        data=MappingProxyType(
            {**stored["data"], "selection": {**SELECTION, **selection}}
        ),
        subentry_type="local",
        title="NAS",
        unique_id=None,
    )
    setup = destination_setup(hass, subentry)
    assert setup.selection is None
