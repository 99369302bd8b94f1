"""Destinations that are sent to only while an entity has one of the chosen states."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from homeassistant.components.alarm_control_panel import (
    DOMAIN as ALARM_DOMAIN,
    AlarmControlPanelState,
)
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, callback

from .const import CONF_ONLY_WHILE_ENTITY, CONF_ONLY_WHILE_STATES, SECTION_SELECTION

_NOT_KNOWN: Final = {STATE_UNAVAILABLE, STATE_UNKNOWN}
_ARMED: Final = "armed_"
_BREAK_IN: Final = {AlarmControlPanelState.PENDING, AlarmControlPanelState.TRIGGERED}
"""What an armed alarm panel turns to in a break-in."""

_LIKELY: Final[dict[str, tuple[str, ...]]] = {
    ALARM_DOMAIN: (
        AlarmControlPanelState.ARMED_AWAY,
        AlarmControlPanelState.ARMED_HOME,
        AlarmControlPanelState.ARMED_NIGHT,
        AlarmControlPanelState.ARMED_VACATION,
    ),
    "person": ("not_home", "home"),
    "device_tracker": ("not_home", "home"),
    "group": ("not_home", "home", "on", "off"),
}
_SWITCHED: Final = ("on", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyWhile:
    """An entity, and the states in which it lets items be sent."""

    entity_id: str
    states: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self | None:
        """Return what a destination's data say, None for always.

        Raises TypeError for data that the flows don't store.
        """
        section = data[SECTION_SELECTION]
        if not isinstance(section, Mapping):
            raise TypeError(f"{SECTION_SELECTION} is no section")
        entity_id = section.get(CONF_ONLY_WHILE_ENTITY)
        states = section.get(CONF_ONLY_WHILE_STATES, [])
        if not isinstance(states, list) or not all(isinstance(s, str) for s in states):
            raise TypeError(f"{CONF_ONLY_WHILE_STATES} is no list of states")
        if not entity_id:
            return None
        if not isinstance(entity_id, str):
            raise TypeError(f"{CONF_ONLY_WHILE_ENTITY} is no entity")
        if not states:
            raise ValueError(f"{CONF_ONLY_WHILE_STATES} is empty")
        return cls(entity_id=entity_id, states=frozenset(s.casefold() for s in states))

    @callback
    def is_closed(self, hass: HomeAssistant) -> bool:
        """Tell whether the entity is known to have another state.

        An alarm panel that is triggered was armed: that is when it matters most.
        """
        found = hass.states.get(self.entity_id)
        if found is None or found.state in _NOT_KNOWN:
            return False
        if found.state.casefold() in self.states:
            return False
        return not (
            found.domain == ALARM_DOMAIN
            and found.state in _BREAK_IN
            and any(state.startswith(_ARMED) for state in self.states)
        )


@callback
def likely_states(hass: HomeAssistant, entity_id: str | None) -> list[str]:
    """Return the states to offer for an entity; None: it is not chosen yet."""
    if entity_id is None:
        return [*_LIKELY[ALARM_DOMAIN], *_SWITCHED, *_LIKELY["person"]]
    domain = entity_id.partition(".")[0]
    found = hass.states.get(entity_id)
    offered = list(_LIKELY.get(domain, ()))
    if found is not None:
        offered += found.attributes.get("options") or ()
        if found.state not in _NOT_KNOWN:
            offered.append(found.state)
    if domain not in _LIKELY and not (found and found.attributes.get("options")):
        offered += _SWITCHED
    return list(dict.fromkeys(str(state) for state in offered))
