"""Places that several Frigates send to, where one may replace files of the other."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant

from ..const import CONF_CAN_READ, DOMAIN
from ..kinds import KINDS


def is_place_of_another(
    hass: HomeAssistant, entry_id: str, kind: str, data: Mapping[str, Any]
) -> bool:
    """Tell whether another Frigate sends to this place, and one of them looks at none.

    Where a login can only write, it can't be seen that a name is taken, and whoever has
    it loses the file. `data` are those of a destination that was tested.
    """
    place = KINDS[kind].place_in(data)
    return any(
        subentry.subentry_type == kind
        and KINDS[kind].place_in(subentry.data) == place
        and not (_can_read(data) and _can_read(subentry.data))
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.entry_id != entry_id
        for subentry in entry.subentries.values()
    )


def _can_read(data: Mapping[str, Any]) -> bool:
    return data.get(CONF_CAN_READ) is not False
