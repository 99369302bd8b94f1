"""Conditions: am I protected?"""

from typing import Final, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .sync.model.status import Protection
from .targets import PROTECTION_SPECS, protections


class IsProtectedCondition(EntityStateConditionBase):
    """The protection is as it should be, for as long as Home Assistant is asked for."""

    _domain_specs = PROTECTION_SPECS
    _states = {Protection.PROTECTED.value}

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return the protections among the entities: a device has other enums."""
        return protections(self._hass, super().entity_filter(entities))


CONDITIONS: Final[dict[str, type[Condition]]] = {"is_protected": IsProtectedCondition}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return all conditions."""
    return CONDITIONS
