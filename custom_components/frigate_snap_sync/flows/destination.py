"""What the flows of all kinds of destinations share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import voluptuous as vol

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, CONF_PATH
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import TextSelector

from ..cause import CausedError
from ..const import (
    CONF_APPEND_ONLY,
    CONF_BANDWIDTH_LIMIT,
    CONF_MEDIA,
    CONF_ONLY_WHILE_ENTITY,
    CONF_ONLY_WHILE_STATES,
    CONF_PATH_TEMPLATE,
    CONF_RETENTION_DAYS,
    CONF_RETENTION_SIZE,
    LOGGER,
    SECTION_SELECTION,
    SECTION_STORING,
)
from ..devices import known_cameras
from ..kinds import KINDS
from ..markdown import one_line
from ..only_while import likely_states
from ..path_template import InvalidPathTemplate, PathTemplate
from ..storage.errors import (
    DELETING,
    LOOKING,
    READING,
    REPLACING,
    PermissionDenied,
    StorageError,
)
from ..words import async_load_words, async_why
from .import_config import forget_suggestion, next_suggestion
from .sections import sections_of
from .selectors import fractions
from .shared_place import is_place_of_another
from .stored import is_whole, readable
from .trial import async_test_in_use, async_try_destination

_WHOLE_NUMBERS = (CONF_BANDWIDTH_LIMIT, CONF_RETENTION_DAYS)
_NOT_ADDING = (DELETING, LOOKING, READING, REPLACING)
"""Steps of a test that a login may not take which can only add files."""


class DestinationFlow(ConfigSubentryFlow):
    """Add a destination, or change one.

    A kind adds its own fields, checks and steps. Nothing is saved before the
    destination has passed the end-to-end test.
    """

    kind: ClassVar[str]
    _place_field: ClassVar[str] = CONF_PATH
    """The field that tells places at one server apart."""
    examples: ClassVar[Mapping[str, str]] = {}
    """What texts of the form show as examples, by placeholders."""

    def __init__(self) -> None:
        """Begin with an empty form."""
        self._typed: dict[str, Any] = {}
        self._suggested: dict[str, Any] = {}

    @abstractmethod
    def _fields(self) -> dict[vol.Marker, Any]:
        """Return the kind's own fields of the form."""

    @abstractmethod
    async def _async_submitted(self) -> SubentryFlowResult:
        """Continue after the form was filled in (`_typed`) without a plain mistake."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a new destination; what was imported and is none yet is suggested."""
        if user_input is None:
            self._suggested = next_suggestion(self._get_entry(), self.kind)
        return await self._async_form(user_input, self._suggested)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a destination."""
        subentry = self._get_reconfigure_subentry()
        stored = {CONF_NAME: subentry.title, **self._suggestions(self._stored)}
        return await self._async_form(user_input, stored)

    async def _async_form(
        self, user_input: dict[str, Any] | None, suggestions: dict[str, Any]
    ) -> SubentryFlowResult:
        if user_input is None:
            return self._show_form(suggestions, {})
        await async_load_words(self.hass)
        self._typed = {
            **user_input,
            CONF_NAME: user_input[CONF_NAME].strip(),
            **{k: v(user_input.get(k, {})) for k, v in self._sections([]).items()},
        }
        errors = await self._async_plain_mistakes()
        if errors:
            return self._show_form(self._typed, errors)
        return await self._async_submitted()

    async def _async_plain_mistakes(self) -> dict[str, str]:
        """Return errors that are seen without asking anybody."""
        errors = {}
        if not self._typed[CONF_NAME]:
            errors[CONF_NAME] = "name_missing"
        if not self._typed[SECTION_SELECTION][CONF_MEDIA]:
            errors[SECTION_SELECTION] = "media_missing"
        elif error := self._mistake_in_only_while():
            errors[SECTION_SELECTION] = error
        storing = self._typed[SECTION_STORING]
        if storing[CONF_APPEND_ONLY] and (
            storing[CONF_RETENTION_DAYS] or storing[CONF_RETENTION_SIZE]
        ):
            errors[SECTION_STORING] = "retention_not_possible"
        if fractions(storing, _WHOLE_NUMBERS):
            errors[SECTION_STORING] = "whole_numbers"
        if text := storing[CONF_PATH_TEMPLATE]:
            try:
                await PathTemplate(self.hass, text).async_validate()
            except InvalidPathTemplate as err:
                self._note(err)
                errors[SECTION_STORING] = "invalid_template"
        return errors

    def _mistake_in_only_while(self) -> str | None:
        """Return what is wrong with the entity and its states, if anything is."""
        selection = self._typed[SECTION_SELECTION]
        entity_id = selection.get(CONF_ONLY_WHILE_ENTITY)
        states = selection[CONF_ONLY_WHILE_STATES]
        if entity_id and not states:
            return "states_missing"
        return "entity_missing" if states and not entity_id else None

    def _suggestions(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the form's values for stored data; a kind leaves secrets out."""
        return dict(stored)

    @property
    def _stored(self) -> Mapping[str, Any]:
        """Return what can be read of the destination that is changed, or nothing."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        sections = {name: section(each) for name, each in self._sections([]).items()}
        return readable(
            self._get_reconfigure_subentry().data, {**self._fields(), **sections}
        )

    def _sections(self, states: list[str]) -> dict[str, vol.Schema]:
        """Return the sections of the form, with states to offer."""
        cameras = known_cameras(self.hass, self._get_entry().entry_id)
        return sections_of(self.kind, cameras, states)

    _reason: str = ""

    def _note(self, err: CausedError) -> str:
        """Keep why something failed, in words; return the code of the cause."""
        LOGGER.info("A %s destination was not accepted: %s", self.kind, err)
        self._reason = async_why(self.hass, err)
        return err.code

    def _show_form(
        self, values: dict[str, Any], errors: dict[str, str]
    ) -> SubentryFlowResult:
        chosen = values.get(SECTION_SELECTION, {}).get(CONF_ONLY_WHILE_ENTITY)
        sections = self._sections(likely_states(self.hass, chosen))
        # What can't be read was a limit, perhaps: its owner is to see that it is gone.
        is_open = {
            name
            for name, each in sections.items()
            if name in errors or self._is_odd(name, each)
        }
        schema = vol.Schema(
            {
                vol.Required(CONF_NAME): TextSelector(),
                **self._fields(),
                **{
                    vol.Optional(name): section(
                        each, {"collapsed": name not in is_open}
                    )
                    for name, each in sections.items()
                },
            }
        )
        return self.async_show_form(
            step_id=self.source,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={
                "reason": one_line(self._reason),
                **self.examples,
            },
        )

    def _is_odd(self, name: str, schema: vol.Schema) -> bool:
        """Tell whether the form could not have stored a section as it is."""
        if self.source != SOURCE_RECONFIGURE:
            return False
        stored = self._get_reconfigure_subentry().data.get(name)
        return not is_whole(stored, schema)

    def _show_failure(self, err: StorageError) -> SubentryFlowResult:
        """Show the form again, with the error at the field it belongs to."""
        self._note(err)
        place, error = self._error(err)
        if (refusal := self._refused_choice(err)) is not None:
            place, error = SECTION_STORING, refusal
        return self._show_form(self._typed, {place: error})

    def _refused_choice(self, err: StorageError) -> str | None:
        """Return the error of a choice that the server's permissions don't allow.

        A login that may only add files is none: such a destination is append-only.
        """
        if type(err) is not PermissionDenied or err.step not in _NOT_ADDING:
            return None
        if self._typed[SECTION_STORING][CONF_APPEND_ONLY]:
            return "verify_not_possible" if err.step == READING else None
        return "append_only_needed"

    def _error(self, err: StorageError) -> tuple[str, str]:
        """Return the field and the error for a failure."""
        return KINDS[self.kind].place_of(err)

    def _abort_if_known(self, unique_id: str) -> SubentryFlowResult | None:
        """End the flow when another destination is the same place."""
        own = None
        if self.source == SOURCE_RECONFIGURE:
            own = self._get_reconfigure_subentry().subentry_id
        for subentry in self._get_entry().subentries.values():
            if subentry.unique_id == unique_id and subentry.subentry_id != own:
                return self.async_abort(reason="already_configured")
        return None

    async def _async_test(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Test the destination end to end; return what is to be stored of it.

        `data` are those of its kind. Raises StorageError.
        """
        return await async_try_destination(
            self.hass,
            self._get_entry().entry_id,
            self.kind,
            {
                **data,
                SECTION_SELECTION: self._typed[SECTION_SELECTION],
                SECTION_STORING: self._typed[SECTION_STORING],
            },
        )

    async def _async_test_and_save(
        self, data: Mapping[str, Any], unique_id: str
    ) -> SubentryFlowResult:
        """End the flow of a kind whose form asks for all; or show what is wrong."""
        if (abort := self._abort_if_known(unique_id)) is not None:
            return abort
        try:
            tested = await self._async_test(data)
        except StorageError as err:
            return self._show_failure(err)
        return self._save(tested, unique_id)

    def _save(self, data: dict[str, Any], unique_id: str) -> SubentryFlowResult:
        """Store the tested destination. A loaded entry takes over what has changed.

        Or show that one that can only be written to is another Frigate's as well.
        """
        entry_id, title = self._get_entry().entry_id, self._typed[CONF_NAME]
        if is_place_of_another(self.hass, entry_id, self.kind, data):
            return self._show_form(self._typed, {self._place_field: "shared_place"})
        if self.source == SOURCE_RECONFIGURE:
            entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
            if subentry.title == title and dict(subentry.data) == data:
                async_test_in_use(self.hass, entry, subentry.subentry_id)
            return self.async_update_and_abort(
                entry,
                subentry,
                title=title,
                data=data,
                unique_id=unique_id,
            )
        forget_suggestion(self.hass, self._get_entry(), self.kind, self._suggested)
        return self.async_create_entry(title=title, data=data, unique_id=unique_id)
