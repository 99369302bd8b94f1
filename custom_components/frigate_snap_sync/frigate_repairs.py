"""Repairs of what is wrong with a Frigate, or at home: one flow each."""

from collections.abc import Awaitable, Callable, Collection

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigEntryState
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN, LOGGER
from .coordinator import FrigateSnapSyncConfigEntry
from .drill_report import destination_name
from .flows.entry import is_topic_prefix
from .markdown import escape
from .sync.model.status import (
    CameraDrill,
    DrillOutcome,
    EngineStatus,
    Losses,
    StandingFailure,
)
from .words import async_ledger_cause, async_word


class EntryRepairFlow(RepairsFlow):
    """Repairs something of one entry."""

    @property
    def _entry(self) -> FrigateSnapSyncConfigEntry:
        assert self.data is not None
        return self.hass.config_entries.async_get_known_entry(
            str(self.data["entry_id"])
        )

    def _abort_if_settled(self) -> ir.IssueEntry:
        """Return the issue; end the flow if there is nothing to repair any more."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if issue is None:
            raise AbortFlow("already_settled")
        self._abort_if_gone()
        return issue

    def _abort_if_gone(self) -> None:
        """End the flow if what it is about is no longer there, or not running."""
        assert self.data is not None
        entry = self.hass.config_entries.async_get_entry(str(self.data["entry_id"]))
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("already_settled")


class FrigateRepairFlow(EntryRepairFlow):
    """Repairs something about the entry itself; a step says what, submitting does it."""

    @property
    def _status(self) -> EngineStatus:
        return self._entry.runtime_data.data

    def _show(self, step: str, **placeholders: str) -> RepairsFlowResult:
        """Show a step without fields; its placeholders are escaped already."""
        return self.async_show_form(
            step_id=step,
            data_schema=vol.Schema({}),
            description_placeholders={
                "frigate": escape(self._entry.title),
                **placeholders,
            },
        )


class ItemsLostFlow(FrigateRepairFlow):
    """Names what was lost and why; submitting acknowledges just that."""

    def __init__(self) -> None:
        """Begin before anything was shown."""
        self._shown = Losses()

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin with the files, if any."""
        self._abort_if_settled()
        self._shown = self._status.losses
        if self._shown.count:
            return await self.async_step_confirm()
        if self._shown.messages:
            return await self.async_step_messages()
        return await self.async_step_large_images()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Show the files that were lost."""
        if user_input is None:
            lines = [
                f"- **{escape(destination_name(self._entry, loss.destination_id) or '')}**:"
                f" {escape(loss.path)} ({escape(self._why(loss.cause))})"
                for loss in self._shown.newest
            ]
            return self._show(
                "confirm", count=str(self._shown.count), losses="\n".join(lines)
            )
        if self._shown.messages:
            return await self.async_step_messages()
        if self._shown.large_images:
            return await self.async_step_large_images()
        return await self._async_acknowledge(self.async_step_confirm)

    async def async_step_messages(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say that messages were lost, of which nothing more is known."""
        if user_input is None:
            return self._show("messages")
        if self._shown.large_images:
            return await self.async_step_large_images()
        return await self._async_acknowledge(self.async_step_messages)

    async def async_step_large_images(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say that images were too large, of which nothing more is known."""
        if user_input is None:
            return self._show("large_images")
        return await self._async_acknowledge(self.async_step_large_images)

    def _why(self, cause: str) -> str:
        return async_word(self.hass, f"loss_{cause}")

    async def _async_acknowledge(
        self, step: Callable[[], Awaitable[RepairsFlowResult]]
    ) -> RepairsFlowResult:
        """Acknowledge what was shown; show the last step again if that can't be stored."""
        self._abort_if_settled()
        try:
            await self._entry.runtime_data.async_acknowledge_losses(self._shown.until)
        except HomeAssistantError as err:
            LOGGER.info("The acknowledged loss can't be stored: %s", err)
            result = await step()
            result["errors"] = {"base": "not_acknowledged"}
            return result
        return self.async_create_entry(data={})


class DrillFailedFlow(FrigateRepairFlow):
    """Says which drills failed where; submitting drills those cameras again."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what failed, and what submitting does."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Drill each camera again whose last drill failed."""
        self._abort_if_settled()
        errors = {}
        if user_input is not None:
            failures = self._status.drill.failures
            cameras = {each.camera for each in failures}
            requests = self._entry.runtime_data.requests
            drills: list[CameraDrill] = []
            for camera in sorted(cameras):
                try:
                    drills += await requests.async_drill(camera)
                except HomeAssistantError as err:
                    LOGGER.info("A repair's drill of %s was refused: %s", camera, err)
                    errors = {"base": "drill_refused"}
            if not errors:
                if _are_proven(failures, by=drills):
                    return self.async_create_entry(data={})
                errors = {"base": "drill_failed"}
            self._abort_if_gone()
        lines = [
            f"- **{escape(each.camera)}**: {escape(self._name(each.destination_id))}"
            for each in self._status.drill.failures
        ]
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders={
                "frigate": escape(self._entry.title),
                "failures": "\n".join(dict.fromkeys(lines)),
            },
        )

    def _name(self, destination_id: str | None) -> str:
        """Return where a drill failed: at a destination, or at Frigate already."""
        return destination_name(self._entry, destination_id) or self._entry.title


class LedgerFailingFlow(FrigateRepairFlow):
    """Starts the entry again, which looks through a ledger that was found damaged."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what fails, and what submitting does."""
        self._abort_if_settled()
        cause = async_ledger_cause(self.hass, self._status)
        return self._show("confirm", cause=escape(cause))

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start the entry again."""
        self._abort_if_settled()
        if user_input is None:
            return await self.async_step_init()
        self.hass.config_entries.async_schedule_reload(self._entry.entry_id)
        return self.async_create_entry(data={})


class TopicPrefixFlow(FrigateRepairFlow):
    """Listens to Frigate's new topic prefix; ledger and destinations stay."""

    def __init__(self) -> None:
        """Begin before a prefix was shown."""
        self._shown = ""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Show both prefixes, unless the new one can't be used."""
        self._abort_if_settled()
        self._shown = self._status.frigate_topic_prefix or ""
        if _listens(self._other):
            return self.async_abort(reason="already_configured")
        if not is_topic_prefix(self._shown):
            return self.async_abort(reason="invalid_topic_prefix")
        return self._show(
            "confirm",
            old_prefix=escape(self._entry.runtime_data.topic_prefix),
            new_prefix=escape(self._shown),
        )

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Take the prefix over that was shown."""
        self._abort_if_settled()
        if (
            user_input is None
            or self._status.frigate_topic_prefix != self._shown
            or _listens(self._other)
        ):
            return await self.async_step_init()
        entries = self.hass.config_entries
        if (ignored := self._other) is not None:
            # It is discovered again once it is removed: this entry must have the
            # prefix by then.
            entries.async_update_entry(ignored, unique_id=None)
        entries.async_update_entry(self._entry, unique_id=self._shown)
        entries.async_schedule_reload(self._entry.entry_id)
        if ignored is not None:
            await entries.async_remove(ignored.entry_id)
        return self.async_create_entry(data={})

    @property
    def _other(self) -> ConfigEntry | None:
        """Return the other entry of the prefix shown."""
        found = self.hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, self._shown
        )
        return None if found is self._entry else found


def _listens(entry: ConfigEntry | None) -> bool:
    """Tell whether an entry listens to a Frigate: an ignored discovery does not."""
    return entry is not None and entry.source != SOURCE_IGNORE


def _are_proven(
    failures: Collection[StandingFailure], *, by: Collection[CameraDrill]
) -> bool:
    """Tell whether all passed that failed: what was skipped is not proven."""
    passed = {
        (drill.camera, each.destination_id)
        for drill in by
        for each in drill.destinations
        if each.outcome is DrillOutcome.PASSED
    }
    return all(each.outcome is not DrillOutcome.FAILED for each in by) and all(
        (each.camera, each.destination_id) in passed
        for each in failures
        if each.destination_id is not None
    )
