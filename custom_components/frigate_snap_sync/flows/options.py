"""The options of an entry."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import UnitOfInformation, UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    SelectSelector,
    SelectSelectorConfig,
)

from ..const import (
    CONF_AT_RISK_AFTER,
    CONF_DELAY_AFTER_STARTUP,
    CONF_LIVE_FOOTAGE,
    CONF_LIVE_TAPS,
    CONF_LOOK_BACK,
    CONF_PADDING_AFTER,
    CONF_PADDING_BEFORE,
    CONF_PART_LENGTH,
    CONF_SPOOL_LIMIT,
    CONF_UPLOAD_DURING_REVIEW,
    DEFAULT_AT_RISK_AFTER,
    DEFAULT_DELAY_AFTER_STARTUP,
    DEFAULT_LIVE_FOOTAGE,
    DEFAULT_LIVE_TAPS,
    DEFAULT_LOOK_BACK,
    DEFAULT_PADDING,
    DEFAULT_PART_LENGTH,
    DEFAULT_SPOOL_LIMIT,
    DEFAULT_UPLOAD_DURING_REVIEW,
    LIVE_FOOTAGE,
    MAX_LIVE_TAPS,
    MAX_LOOK_BACK,
)
from .selectors import fractions, whole_number


def _seconds(lowest: int, highest: int) -> NumberSelector:
    return whole_number(lowest, highest, UnitOfTime.SECONDS)


OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Required(
            CONF_DELAY_AFTER_STARTUP, default=DEFAULT_DELAY_AFTER_STARTUP
        ): _seconds(0, 3600),
        vol.Required(
            CONF_UPLOAD_DURING_REVIEW, default=DEFAULT_UPLOAD_DURING_REVIEW
        ): BooleanSelector(),
        vol.Required(CONF_PART_LENGTH, default=DEFAULT_PART_LENGTH): _seconds(10, 300),
        vol.Required(CONF_PADDING_BEFORE, default=DEFAULT_PADDING): _seconds(0, 60),
        vol.Required(CONF_PADDING_AFTER, default=DEFAULT_PADDING): _seconds(0, 60),
        vol.Required(CONF_LOOK_BACK, default=DEFAULT_LOOK_BACK): whole_number(
            1, MAX_LOOK_BACK, UnitOfTime.HOURS
        ),
        vol.Required(CONF_SPOOL_LIMIT, default=DEFAULT_SPOOL_LIMIT): whole_number(
            64, 1024 * 1024, UnitOfInformation.MEBIBYTES
        ),
        vol.Required(CONF_AT_RISK_AFTER, default=DEFAULT_AT_RISK_AFTER): whole_number(
            1, 120, UnitOfTime.MINUTES
        ),
        vol.Required(CONF_LIVE_FOOTAGE, default=DEFAULT_LIVE_FOOTAGE): SelectSelector(
            SelectSelectorConfig(
                options=list(LIVE_FOOTAGE), translation_key=CONF_LIVE_FOOTAGE
            )
        ),
        vol.Required(CONF_LIVE_TAPS, default=DEFAULT_LIVE_TAPS): whole_number(
            1, MAX_LIVE_TAPS
        ),
    }
)


class FrigateSnapSyncOptionsFlow(OptionsFlow):
    """Ask for the options."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the form, then store what it says."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = dict.fromkeys(fractions(user_input, user_input), "whole_number")
            if not errors:
                return self.async_create_entry(data=user_input)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                OPTIONS_SCHEMA, user_input or self.config_entry.options
            ),
            errors=errors,
        )
