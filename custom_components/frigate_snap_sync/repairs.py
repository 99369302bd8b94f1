"""The repairs that a person can do from Home Assistant."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow

from .const import CONF_HOST_KEY, LOGGER
from .flows.credentials import SELECTORS, SHOWN, key_fields, odd_login
from .flows.trial import async_try_destination
from .frigate_repairs import (
    DrillFailedFlow,
    EntryRepairFlow,
    ItemsLostFlow,
    LedgerFailingFlow,
    TopicPrefixFlow,
)
from .kinds import KINDS, Credentials, Kind
from .markdown import escape, one_line
from .storage.errors import AuthFailed, StorageError
from .storage.sftp.destination import HostKey, fetch_host_key
from .storage.sftp.host_keys import describe_host_key, load_public_key
from .sync.model.status import Problem
from .words import async_why

_BASE = "base"


async def async_create_fix_flow(
    hass: HomeAssistant,
    issue_id: str,
    data: Mapping[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the flow that repairs what an issue is about."""
    assert data is not None
    match str(data["problem"]):
        case Problem.HOST_KEY_CHANGED:
            return HostKeyFlow()
        case Problem.LOGIN_REFUSED:
            return LogInFlow()
        case "drill_failed":
            return DrillFailedFlow()
        case "items_lost":
            return ItemsLostFlow()
        case "ledger_failing":
            return LedgerFailingFlow()
        case "topic_prefix_changed":
            return TopicPrefixFlow()
        case _:
            return TestAgainFlow()


class DestinationRepairFlow(EntryRepairFlow):
    """Fixes something about one destination."""

    _reason = ""
    """What failed last, for the text of the form."""

    @property
    def _subentry_id(self) -> str:
        assert self.data is not None
        return str(self.data["subentry_id"])

    @property
    def _subentry(self) -> ConfigSubentry:
        return self._entry.subentries[self._subentry_id]

    @property
    def _kind(self) -> Kind:
        return KINDS[self._subentry.subentry_type]

    @override
    def _abort_if_gone(self) -> None:
        super()._abort_if_gone()
        if self._subentry_id not in self._entry.subentries:
            raise AbortFlow("already_settled")

    def _placeholders(self) -> dict[str, str]:
        """Return plain texts for titles and errors, escaped ones for Markdown."""
        return {
            "destination": self._subentry.title,
            "name": escape(self._subentry.title),
            "reason": one_line(self._reason),
            "cause": escape(self._reason),
        }

    def _note(self, err: StorageError) -> str:
        """Keep why something failed, in words; return that.

        Ends the flow if the destination was removed while it was tried.
        """
        self._abort_if_gone()
        LOGGER.info("A repair of %s failed: %s", self._subentry.title, err)
        self._reason = async_why(self.hass, err)
        return self._reason

    async def _async_test(self) -> None:
        """Test the destination as it is; when that works uploads continue at once.

        Raises StorageError.
        """
        await self._entry.runtime_data.async_probe_destination(self._subentry_id)

    def _store(self, data: Mapping[str, Any]) -> RepairsFlowResult:
        """Change the destination, which is taken over at once, and close the issue."""
        self.hass.config_entries.async_update_subentry(
            self._entry, self._subentry, data=data
        )
        return self.async_create_entry(data={})


class HostKeyFlow(DestinationRepairFlow):
    """Shows the confirmed host key and the new one; submitting confirms the new."""

    def __init__(self) -> None:
        """Begin without a key to confirm."""
        self._offered: HostKey | None = None

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Fetch the key that the server shows now."""
        self._abort_if_settled()
        try:
            self._offered = await self._async_fetch()
        except StorageError as err:
            return self.async_abort(
                reason="cannot_connect",
                description_placeholders={"cause": escape(self._note(err))},
            )
        self._abort_if_settled()
        if self._offered.line == self._subentry.data[CONF_HOST_KEY]:
            return self.async_abort(reason="host_key_back")
        return self._show(self._offered)

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Pin the key that was shown, if it is still the server's."""
        assert self._offered is not None
        if user_input is None:
            return self._show(self._offered)
        self._abort_if_settled()
        shown = self._offered
        try:
            self._offered = await self._async_fetch()
        except StorageError as err:
            self._note(err)
            return self._show(shown, "cannot_connect")
        self._abort_if_settled()
        if self._offered.line != shown.line:
            return self._show(self._offered, "host_key_mismatch")
        return self._store({**self._subentry.data, CONF_HOST_KEY: shown.line})

    async def _async_fetch(self) -> HostKey:
        data = self._subentry.data
        return await fetch_host_key(data[CONF_HOST], data[CONF_PORT])

    def _show(self, offered: HostKey, error: str | None = None) -> RepairsFlowResult:
        pinned = self._subentry.data[CONF_HOST_KEY]
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors={_BASE: error} if error else {},
            description_placeholders={
                **self._placeholders(),
                "host": escape(self._subentry.data[CONF_HOST]),
                "old_algorithm": pinned.partition(" ")[0],
                "old_fingerprint": describe_host_key(
                    load_public_key(pinned)
                ).fingerprint,
                "new_algorithm": offered.algorithm,
                "new_fingerprint": offered.fingerprint,
            },
        )


class LogInFlow(DestinationRepairFlow):
    """Asks for what logs in; it is tried before it is stored."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Choose the form that fits the destination's way to log in."""
        self._abort_if_settled()
        if self._our_key is not None:
            return self._show_public_key()
        return self._show_credentials({})

    async def async_step_public_key(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Log in with our own key, which the owner has pasted by now."""
        if user_input is None:
            return self._show_public_key()
        self._abort_if_settled()
        try:
            await self._async_test()
        except StorageError as err:
            self._note(err)
            return self._show_public_key(err.code)
        return self.async_create_entry(data={})

    async def async_step_credentials(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Log in with what was typed; what is empty stays as it is."""
        if user_input is None:
            return self._show_credentials({})
        self._abort_if_settled()
        stored = dict(self._subentry.data)
        data = self._credentials.with_typed(stored, user_input)
        fields = self._credentials.fields(stored)
        if odd := {k: v for k, v in odd_login(data).items() if k in fields}:
            return self._show_credentials(odd)
        try:
            if data == stored:
                await self._async_test()
                return self.async_create_entry(data={})
            data = await async_try_destination(
                self.hass, self._entry.entry_id, self._subentry.subentry_type, data
            )
        except StorageError as err:
            self._note(err)
            return self._show_credentials(self._errors(err))
        self._abort_if_settled()
        return self._store(data)

    @property
    def _credentials(self) -> Credentials:
        # A kind without a login has none that could be refused.
        assert self._kind.credentials is not None
        return self._kind.credentials

    @property
    def _our_key(self) -> str | None:
        return self._credentials.our_key(self._subentry.data)

    def _fields(self) -> dict[vol.Marker, Any]:
        """Return the kind's own fields; those that are no secret show what is stored."""
        data = self._subentry.data
        return {
            vol.Optional(
                name,
                description=(
                    {"suggested_value": data.get(name)} if name in SHOWN else None
                ),
            ): SELECTORS[name]
            for name in self._credentials.fields(data)
        }

    def _errors(self, err: StorageError) -> dict[str, str]:
        """Return the error at the field that it belongs to, if the form has it."""
        place, error = self._kind.place_of(err)
        fields = [str(field) for field in self._fields()]
        if isinstance(err, AuthFailed) and place not in fields:
            place = fields[0]
        return {place if place in fields else _BASE: error}

    def _show_credentials(self, errors: dict[str, str]) -> RepairsFlowResult:
        return self.async_show_form(
            step_id="credentials",
            data_schema=vol.Schema(self._fields()),
            errors=errors,
            description_placeholders=self._log_in_placeholders(),
        )

    def _show_public_key(self, error: str | None = None) -> RepairsFlowResult:
        key = self._our_key or ""
        account = self._subentry.data[self._credentials.account]
        return self.async_show_form(
            step_id="public_key",
            data_schema=vol.Schema(key_fields(key, account)),
            errors={_BASE: error} if error else {},
            description_placeholders={
                **self._log_in_placeholders(),
                "public_key": key,
            },
        )

    def _log_in_placeholders(self) -> dict[str, str]:
        data = self._subentry.data
        return {
            **self._placeholders(),
            "host": escape(data[self._credentials.server]),
            "username": escape(data[self._credentials.account]),
        }


class TestAgainFlow(DestinationRepairFlow):
    """Tests the destination once its owner has fixed it elsewhere."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what to do."""
        issue = self._abort_if_settled()
        self._reason = (issue.translation_placeholders or {}).get("reason", "")
        return self._show()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Test whether it was done."""
        if user_input is None:
            return self._show()
        self._abort_if_settled()
        try:
            await self._async_test()
        except StorageError as err:
            self._note(err)
            return self._show("test_failed")
        return self.async_create_entry(data={})

    def _show(self, error: str | None = None) -> RepairsFlowResult:
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors={_BASE: error} if error else {},
            description_placeholders=self._placeholders(),
        )
