"""Triggers: an upload arrived or failed, the protection changed."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, cast, override

import probatio as vol

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    ATTR_ENTITY_ID,
    CONF_FOR,
    CONF_OPTIONS,
    CONF_TARGET,
    STATE_UNKNOWN,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    Context,
    CoreState,
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later, async_track_state_change_event
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.helpers.trigger import (
    EntityTriggerBase,
    NotTriggeredReasonReporter,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from .const import CONF_MEDIA, DOMAIN
from .sync.model.status import Protection, UploadEvent
from .targets import PROTECTION_SPECS, TargetDevices, protections, reasons_in_words
from .upload_data import UPLOAD_ENDED, upload_data

CONF_TO: Final = "to"

KINDS: Final = ("live_snapshot", "snapshot", "recording")
"""The media of single uploads."""

_UPLOAD_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_TARGET): cv.TARGET_FIELDS,
        vol.Required(CONF_OPTIONS, default={}): {
            vol.Optional(CONF_MEDIA, default=[]): vol.All(
                cv.ensure_list, [vol.In(KINDS)]
            ),
        },
    }
)
_PROTECTION_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_TARGET): cv.TARGET_FIELDS,
        vol.Required(CONF_OPTIONS, default={}): {
            vol.Optional(CONF_TO, default=[]): vol.All(
                cv.ensure_list, [vol.In([state.value for state in Protection])]
            ),
            vol.Optional(CONF_FOR): cv.positive_time_period,
        },
    }
)


class UploadTrigger(Trigger):
    """Fires for each upload that ended in one way; parts of recordings tell nothing.

    It hears of every one: the event entity leaves some out when many come at once.
    """

    _verified: ClassVar[bool]

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Keep what is aimed at, and which media; none means all."""
        super().__init__(hass, config)
        self._target = config.target or {}
        self._media = (config.options or {}).get(CONF_MEDIA, [])

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Check target and options."""
        return cast(ConfigType, _UPLOAD_SCHEMA(config))

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Begin to listen, whether the entries are loaded or not."""
        if not TargetSelection(self._target).has_any_target:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="no_target"
            )
        devices = TargetDevices(self._hass, self._target)
        stop_tracking = await devices.async_setup()

        @callback
        def ended(entry: ConfigEntry, event: UploadEvent) -> None:
            if (
                event.verified is self._verified
                and (not self._media or event.media in self._media)
                and devices.has(entry.entry_id, event)
            ):
                what = "verified" if event.verified else "failed"
                run_action(
                    {"upload": upload_data(self._hass, entry, event)},
                    f"upload of {event.path} {what}",
                )

        stop_listening = async_dispatcher_connect(self._hass, UPLOAD_ENDED, ended)

        @callback
        def stop() -> None:
            stop_listening()
            stop_tracking()

        return stop


class UploadVerifiedTrigger(UploadTrigger):
    """A file has arrived at a destination, proven."""

    _verified = True


class UploadFailedTrigger(UploadTrigger):
    """A destination will not get a file, or not all of it."""

    _verified = False


class ProtectionChangedTrigger(EntityTriggerBase):
    """The protection has changed, or become one of some states."""

    _domain_specs = PROTECTION_SPECS
    _schema = _PROTECTION_SCHEMA
    _excluded_from_states = frozenset()

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return the protections among the entities: a device has other enums."""
        return protections(self._hass, super().entity_filter(entities))

    @override
    def is_valid_state(
        self, state: State, report_not_triggered: NotTriggeredReasonReporter
    ) -> bool:
        """Tell whether this is a state that was asked for."""
        return not self._to or state.state in self._to

    @override
    def is_valid_transition(self, from_state: State, to_state: State) -> bool:
        """Tell whether something has changed: between states asked for, nothing has.

        After a start, and a reload, nothing is known of before: one that was asked for
        is reported then: an outage may have begun meanwhile.
        """
        if from_state.state in self._excluded_states:
            return bool(self._to)
        return from_state.state != to_state.state and from_state.state not in self._to

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Begin to listen; tell the reasons in words, too."""

        @callback
        def run(
            extra_trigger_payload: dict[str, Any],
            description: str,
            context: Context | None = None,
        ) -> asyncio.Task[Any]:
            why = reasons_in_words(
                self._hass,
                extra_trigger_payload["to_state"].attributes.get("reasons", ()),
            )
            payload = {**extra_trigger_payload, "why": why}
            return run_action(payload, description, context)

        stop_listening = await super().async_attach_runner(run, did_not_trigger)
        if not self._to or self._hass.state is CoreState.running:
            return stop_listening

        @callback
        def report(state: State) -> None:
            run(
                {
                    ATTR_ENTITY_ID: state.entity_id,
                    "from_state": State(state.entity_id, STATE_UNKNOWN),
                    "to_state": state,
                    "for": self._duration,
                },
                f"state of {state.entity_id}",
            )

        before = _BeforeTheStart(
            self._hass,
            self._entities(),
            states=self._to,
            after=self._duration or timedelta(),
            report=report,
        )

        @callback
        def stop() -> None:
            stop_listening()
            before.async_stop()

        return stop

    def _entities(self) -> set[str]:
        """Return the protections that are aimed at now."""
        selected = async_extract_referenced_entity_ids(
            self._hass,
            TargetSelection(self._target or {}),
            expand_group=False,
            primary_entities_only=self._primary_entities_only,
        )
        return self.entity_filter(selected.referenced | selected.indirectly_referenced)

    @property
    def _to(self) -> list[str]:
        return cast(list[str], self._options[CONF_TO])


class _BeforeTheStart:
    """Reports entities that had a state already when automations began to listen.

    That is only when Home Assistant has nearly started, and of how long they had waited
    for something before a restart nothing is kept: the time begins with the start.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entities: Collection[str],
        *,
        states: Collection[str],
        after: timedelta,
        report: Callable[[State], None],
    ) -> None:
        """Note which of the entities have one of the states, and wait for the start."""
        self._hass = hass
        self._states = states
        self._after = after
        self._report = report
        self._entities = {
            entity_id
            for entity_id in entities
            if (state := hass.states.get(entity_id)) and state.state in states
        }
        self._stops = [
            async_track_state_change_event(hass, self._entities, self._async_changed),
            async_at_started(hass, self._async_started),
        ]

    @callback
    def async_stop(self) -> None:
        """Report nothing any more."""
        while self._stops:
            self._stops.pop()()

    @callback
    def _async_changed(self, event: Event[EventStateChangedData]) -> None:
        """Leave a state that ends to who listens to changes."""
        state = event.data["new_state"]
        if state is None or state.state not in self._states:
            self._entities.discard(event.data["entity_id"])

    @callback
    def _async_started(self, hass: HomeAssistant) -> None:
        self._stops.append(async_call_later(hass, self._after, self._async_report))

    @callback
    def _async_report(self, now: datetime) -> None:
        self.async_stop()
        for entity_id in sorted(self._entities):
            state = self._hass.states.get(entity_id)
            # The event of a change may still be under way.
            if state is not None and state.state in self._states:
                self._report(state)


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "upload_verified": UploadVerifiedTrigger,
    "upload_failed": UploadFailedTrigger,
    "protection_changed": ProtectionChangedTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return all triggers."""
    return TRIGGERS
