"""Fields that several forms have."""

import voluptuous as vol

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)


def whole_number(lowest: int, highest: int, unit: str | None = None) -> vol.All[int]:
    """Return a field for a whole number, of a unit if it has one."""
    return vol.All(
        NumberSelector(
            NumberSelectorConfig(
                min=lowest,
                max=highest,
                step=1,
                mode=NumberSelectorMode.BOX,
                **({"unit_of_measurement": unit} if unit else {}),
            )
        ),
        vol.Coerce(int),
    )
