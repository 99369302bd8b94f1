"""The flows that set up a Frigate; those of destinations are in `flows`."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
)
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import callback

from .const import DOMAIN, SECTION_ADVANCED
from .flows.entry import (
    Verdict,
    async_check_entry,
    entry_data,
    entry_schema,
    entry_suggestions,
    log_in_data,
    log_in_errors,
    log_in_schema,
    password_missing,
)
from .flows.kinds import FLOWS
from .flows.options import FrigateSnapSyncOptionsFlow
from .frigate.messages import display_name

_FRIGATE_DOMAIN = "frigate"
_EXAMPLE_URL = "http://192.168.1.10:5000"


class FrigateSnapSyncConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up one Frigate, or change how it is reached."""

    VERSION = 1
    MINOR_VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the kinds of destinations."""
        return dict(FLOWS)

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> FrigateSnapSyncOptionsFlow:
        """Return the flow that asks for the options."""
        return FrigateSnapSyncOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how Frigate is reached, and check it."""
        if user_input is None:
            return self._show("user", self._found_frigate(), Verdict())
        data = entry_data(user_input)
        verdict = await async_check_entry(self.hass, data)
        if verdict.errors:
            return self._show("user", user_input, verdict)
        await self.async_set_unique_id(verdict.topic_prefix, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(
            title=display_name(verdict.topic_prefix), data=data
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change how the same Frigate is reached; the ledger stays."""
        entry = self._get_reconfigure_entry()
        if user_input is None:
            return self._show("reconfigure", entry_suggestions(entry.data), Verdict())
        data = entry_data(user_input, entry.data)
        if password_missing(data, entry.data):
            verdict = Verdict(errors={CONF_PASSWORD: "password_missing"})
        else:
            verdict = await async_check_entry(self.hass, data)
        if verdict.errors:
            return self._show("reconfigure", user_input, verdict)
        await self.async_set_unique_id(verdict.topic_prefix, raise_on_progress=False)
        self._abort_if_unique_id_mismatch()
        return self._update(entry, data)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for the log-in anew, for Frigate refuses the stored one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Try the new log-in, and store it."""
        entry = self._get_reauth_entry()
        verdict = Verdict()
        values: dict[str, Any] = {CONF_USERNAME: entry.data.get(CONF_USERNAME, "")}
        if user_input is not None:
            values = user_input
            data = log_in_data(user_input, entry.data)
            verdict = await async_check_entry(self.hass, data)
            if not verdict.errors:
                await self.async_set_unique_id(
                    verdict.topic_prefix, raise_on_progress=False
                )
                self._abort_if_unique_id_mismatch()
                return self._update(entry, data)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(log_in_schema(), values),
            errors=log_in_errors(verdict),
            description_placeholders={
                "url": entry.data[CONF_URL],
                "example_url": _EXAMPLE_URL,
                "reason": verdict.reason,
            },
        )

    def _update(self, entry: ConfigEntry, data: dict[str, Any]) -> ConfigFlowResult:
        """Store the entry's new data and let it start anew with them."""
        if entry.update_listeners:
            # The listener reloads the entry.
            return self.async_update_and_abort(entry, data=data)
        return self.async_update_reload_and_abort(entry, data=data)

    def _show(
        self, step_id: str, values: dict[str, Any], verdict: Verdict
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                entry_schema(expand_advanced=SECTION_ADVANCED in verdict.errors),
                values,
            ),
            errors=verdict.errors,
            description_placeholders={
                "example_url": _EXAMPLE_URL,
                "reason": verdict.reason,
            },
        )

    def _found_frigate(self) -> dict[str, Any]:
        """Return the URL that Frigate's own integration uses, if it is not ours yet."""
        ours = {entry.data[CONF_URL] for entry in self._async_current_entries(False)}
        for entry in self.hass.config_entries.async_entries(
            _FRIGATE_DOMAIN, include_ignore=False
        ):
            url = str(entry.data.get(CONF_URL, "")).rstrip("/")
            if url and url not in ours:
                return {CONF_URL: url}
        return {}
