"""The options of an entry."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)

from ..const import (
    CONF_DELAY_AFTER_STARTUP,
    CONF_PADDING_AFTER,
    CONF_PADDING_BEFORE,
    DEFAULT_DELAY_AFTER_STARTUP,
    DEFAULT_PADDING,
)


def _seconds(highest: int) -> vol.All[int]:
    return vol.All(
        NumberSelector(
            NumberSelectorConfig(
                min=0,
                max=highest,
                step=1,
                mode=NumberSelectorMode.BOX,
                unit_of_measurement=UnitOfTime.SECONDS,
            )
        ),
        vol.Coerce(int),
    )


OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Required(
            CONF_DELAY_AFTER_STARTUP, default=DEFAULT_DELAY_AFTER_STARTUP
        ): _seconds(3600),
        vol.Required(CONF_PADDING_BEFORE, default=DEFAULT_PADDING): _seconds(60),
        vol.Required(CONF_PADDING_AFTER, default=DEFAULT_PADDING): _seconds(60),
    }
)


class FrigateSnapSyncOptionsFlow(OptionsFlow):
    """Ask for the options."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the form, then store what it says."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                OPTIONS_SCHEMA, self.config_entry.options
            ),
        )
