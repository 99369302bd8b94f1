"""The flows that set up a Frigate; those of destinations are in `flows`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    SubentryFlowContext,
)
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import callback
from homeassistant.helpers.service_info.mqtt import MqttServiceInfo

from .const import (
    CONF_DELAY_AFTER_STARTUP,
    CONF_IMPORT_CONFIG,
    CONF_IMPORTED,
    CONF_ORIGINAL_CONFIG,
    DOMAIN,
    SECTION_ADVANCED,
)
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
    readable_entry,
)
from .flows.found_frigate import async_find_frigate
from .flows.import_config import (
    IMPORT_SCHEMA,
    destination_suggestions,
    destinations_of,
    imported_suggestions,
)
from .flows.kinds import FLOWS
from .flows.options import FrigateSnapSyncOptionsFlow
from .flows.original_config import ImportedConfig, InvalidConfig, read_config
from .frigate.messages import display_name
from .markdown import escape

_EXAMPLE_URL = "http://192.168.1.10:5000"
_LATER = "later"


class FrigateSnapSyncConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up one Frigate, or change how it is reached."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin without an entry."""
        self._data: dict[str, Any] = {}
        self._title = ""
        self._first_kind: str | None = None
        self._imported: ImportedConfig | None = None

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
    async def async_step_mqtt(
        self, discovery_info: MqttServiceInfo
    ) -> ConfigFlowResult:
        """Offer to set up a Frigate that has said on MQTT that it is there."""
        prefix, _, _ = discovery_info.topic.rpartition("/")
        await self.async_set_unique_id(prefix)
        self._abort_if_unique_id_configured()
        self.context["title_placeholders"] = {"name": display_name(prefix)}
        return await self.async_step_user()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how Frigate is reached, and check it."""
        if user_input is None:
            url = await async_find_frigate(self.hass, self._used_urls())
            return self._show("user", {CONF_URL: url} if url else {}, Verdict())
        if user_input.get(SECTION_ADVANCED, {}).get(CONF_IMPORT_CONFIG):
            return await self.async_step_import_config()
        data = entry_data(user_input)
        verdict = await async_check_entry(self.hass, data)
        if verdict.errors:
            return self._show("user", user_input, verdict)
        await self.async_set_unique_id(verdict.topic_prefix, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        self._data, self._title = data, display_name(verdict.topic_prefix)
        if self._imported is not None and self._imported.destinations:
            return self._create(self._imported.destinations[0].kind)
        return await self.async_step_first_destination()

    async def async_step_import_config(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Read the `config.yaml` of the stand-alone program."""
        if user_input is None:
            return self._show_import({})
        try:
            self._imported = read_config(user_input[CONF_ORIGINAL_CONFIG])
        except InvalidConfig as err:
            return self._show_import(
                user_input, errors={CONF_ORIGINAL_CONFIG: err.code}, reason=err.detail
            )
        return self.async_show_form(
            step_id="import_summary",
            data_schema=vol.Schema({}),
            description_placeholders={
                "destinations": escape(destinations_of(self._imported)),
                "left_out": escape(", ".join(self._imported.left_out) or "-"),
            },
        )

    async def async_step_import_summary(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the first form again, filled in; it is checked as if it were typed."""
        assert self._imported is not None
        return self._show("user", imported_suggestions(self._imported), Verdict())

    def _show_import(
        self,
        values: dict[str, Any],
        *,
        errors: dict[str, str] | None = None,
        reason: str = "",
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id="import_config",
            data_schema=self.add_suggested_values_to_schema(IMPORT_SCHEMA, values),
            errors=errors or {},
            description_placeholders={"reason": escape(reason)},
        )

    async def async_step_first_destination(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which kind of destination comes first; its own flow follows."""
        return self.async_show_menu(
            step_id="first_destination", menu_options=[*FLOWS, _LATER]
        )

    async def async_step_later(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Create the entry without a destination."""
        return self._create(None)

    def _create(self, first_kind: str | None) -> ConfigFlowResult:
        # An entry that took the prefix since the form was filled in would be replaced.
        self._abort_if_unique_id_configured()
        self._first_kind = first_kind
        data, options = self._data, {}
        if self._imported is not None:
            data = {**data, CONF_IMPORTED: destination_suggestions(self._imported)}
            options = {CONF_DELAY_AFTER_STARTUP: self._imported.delay_after_startup}
        return self.async_create_entry(title=self._title, data=data, options=options)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Open the flow of the first destination."""
        if self._first_kind is not None:
            flow = await self.hass.config_entries.subentries.async_init(
                (result["result"].entry_id, self._first_kind),
                context=SubentryFlowContext(source=SOURCE_USER),
            )
            result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change how the same Frigate is reached; the ledger stays."""
        entry = self._get_reconfigure_entry()
        stored = readable_entry(entry.data)
        if user_input is None:
            return self._show("reconfigure", entry_suggestions(stored), Verdict())
        data = entry_data(user_input, stored)
        if password_missing(data, stored):
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
        """Ask for the login again, for Frigate refuses the stored one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Try the new login, and store it."""
        entry = self._get_reauth_entry()
        verdict = Verdict()
        values: dict[str, Any] = {CONF_USERNAME: entry.data.get(CONF_USERNAME, "")}
        if user_input is not None:
            values = user_input
            data = log_in_data(user_input, entry.data)
            verdict = await async_check_entry(
                self.hass, data, known_prefix=entry.unique_id or ""
            )
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
                "name": entry.title,
                "url": entry.data[CONF_URL],
                "example_url": _EXAMPLE_URL,
                "reason": verdict.reason,
            },
        )

    def _update(self, entry: ConfigEntry, data: dict[str, Any]) -> ConfigFlowResult:
        """Store the entry's new data and let it start again with them.

        The forms don't show what was imported: it stays to be suggested.
        """
        if CONF_IMPORTED in entry.data:
            data = {**data, CONF_IMPORTED: entry.data[CONF_IMPORTED]}
        if entry.update_listeners:
            # The listener reloads the entry, but hears of no data that are the same:
            # Frigate may have begun to take them, and is not to wait for its turn.
            is_used = entry.runtime_data.data.frigate_connected
            if data == entry.data and not is_used:
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
            return self.async_update_and_abort(entry, data=data)
        return self.async_update_reload_and_abort(entry, data=data)

    def _show(
        self, step_id: str, values: dict[str, Any], verdict: Verdict
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                entry_schema(
                    expand_advanced=SECTION_ADVANCED in verdict.errors,
                    can_import=step_id == "user" and self._imported is None,
                ),
                values,
            ),
            errors=verdict.errors,
            description_placeholders={
                "example_url": _EXAMPLE_URL,
                "reason": verdict.reason,
            },
        )

    def _used_urls(self) -> set[str]:
        entries = self._async_current_entries(False)
        return {readable_entry(entry.data).get(CONF_URL, "") for entry in entries}


type _Step = Callable[
    [FrigateSnapSyncConfigFlow, dict[str, Any] | None], Awaitable[ConfigFlowResult]
]


def _first_destination_step(kind: str) -> _Step:
    """Return the step behind a kind's line of the menu `first_destination`."""

    async def step(
        self: FrigateSnapSyncConfigFlow, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        return self._create(kind)

    return step


for _kind in FLOWS:
    setattr(
        FrigateSnapSyncConfigFlow, f"async_step_{_kind}", _first_destination_step(_kind)
    )
