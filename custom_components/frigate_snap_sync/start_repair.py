"""The repair of an entry that can't start, because its ledger or spool can't be used.

It has the id of the running entry's repair about the same, which takes its place as
soon as the entry has started.
"""

from typing import Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .const import DOMAIN
from .issues import AT_START, FRIGATE_ISSUES, async_open, frigate_issue_id, manual
from .markdown import escape
from .sync.model.status import EngineStatus

LEDGER_NOT_OPENED: Final = "ledger_not_opened"
"""The texts without a form: Home Assistant tries to start the entry by itself."""


@callback
def async_open_start_repair(
    hass: HomeAssistant, entry: ConfigEntry, status: EngineStatus
) -> None:
    """Say why the entry can't start, and no more why it could not before."""
    for key in AT_START:
        issue, issue_id = FRIGATE_ISSUES[key], frigate_issue_id(key, entry.entry_id)
        if not issue.applies(status):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
            continue
        values = {"frigate": entry.title, **issue.values(hass, status)}
        async_open(
            hass,
            entry,
            issue_id,
            is_fixable=False,
            severity=issue.severity,
            learn_more_url=manual(issue.page),
            translation_key=LEDGER_NOT_OPENED if issue.is_fixable else key,
            translation_placeholders={
                name: escape(value) for name, value in values.items()
            },
        )


@callback
def async_close_start_repairs(hass: HomeAssistant) -> None:
    """Take the repairs of entries away that are not to start any more, from now on."""

    @callback
    def changed(change: ConfigEntryChange, entry: ConfigEntry) -> None:
        # What never started is unloaded without a word to the integration.
        if entry.domain == DOMAIN and entry.state is ConfigEntryState.NOT_LOADED:
            for key in AT_START:
                issue_id = frigate_issue_id(key, entry.entry_id)
                ir.async_delete_issue(hass, DOMAIN, issue_id)

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed)
