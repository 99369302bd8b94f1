"""Single words and sentences that are shown outside of forms and entities."""

from typing import Final

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_load_integrations,
)

from .cause import Cause, CausedError
from .const import DOMAIN
from .storage.errors import CONNECTING, LOGGING_IN
from .sync.model.status import EngineStatus

_PREFIX: Final = f"component.{DOMAIN}"
_CAUSES: Final = f"entity.{Platform.SENSOR}.last_drill.state_attributes.cause.state"
"""Where the short names of causes are, which the sensors show as well."""

_NO_SPACE: Final = Cause(code="no_space")

SILENT_STEPS: Final = frozenset({CONNECTING, LOGGING_IN})
"""Steps that are not named: what fails in them says so itself."""


async def async_load_words(hass: HomeAssistant) -> None:
    """Load the texts, for a flow: the integration itself need not be set up yet."""
    await async_load_integrations(hass, {DOMAIN})


@callback
def async_word(hass: HomeAssistant, key: str, **placeholders: str) -> str:
    """Return a text of the category `common` in Home Assistant's language."""
    return (_text(hass, f"common.{key}") or key).format_map(placeholders)


@callback
def async_kind_name(hass: HomeAssistant, kind: str) -> str | None:
    """Return what a kind of destination is called, None for one without texts."""
    return _text(hass, f"config_subentries.{kind}.entry_type")


@callback
def async_why(hass: HomeAssistant, cause: Cause | CausedError) -> str:
    """Return what failed and why, in Home Assistant's language, without a full stop.

    Of the error's own text, which is English, nothing is in it. The raw words of a
    server are quoted behind the sentence; whoever shows them escapes all of it.
    """
    found = (
        _text(hass, path)
        for key in (cause.hint, cause.code)
        for path in (f"common.cause_{key}", f"{_CAUSES}.{key}")
    )
    text = next(filter(None, found), cause.code).format_map({"about": cause.about})
    if cause.step and cause.step not in SILENT_STEPS:
        step = async_word(hass, step_key(cause.step))
        text = async_word(hass, "step_of_cause", step=step, cause=text)
    if cause.said:
        text = async_word(hass, "message_of_cause", cause=text, said=cause.said)
    return text


@callback
def async_disk_cause(hass: HomeAssistant, status: EngineStatus) -> str:
    """Return why Home Assistant's own disk is full: it may just have been seen."""
    return async_why(hass, status.disk_cause or _NO_SPACE)


@callback
def async_ledger_cause(hass: HomeAssistant, status: EngineStatus) -> str:
    """Return why ledger or spool can't be used, empty if they can."""
    return "" if status.ledger_cause is None else async_why(hass, status.ledger_cause)


def step_key(step: str) -> str:
    """Return the key of the word for a step of an operation."""
    return f"step_{step.lower().replace(' ', '_')}"


def _text(hass: HomeAssistant, path: str) -> str | None:
    category = path.partition(".")[0]
    language = hass.config.language
    texts = async_get_cached_translations(hass, language, category, DOMAIN)
    return texts.get(f"{_PREFIX}.{path}")


def duration_text(seconds: float) -> str:
    """Return a length of time: `32 s`, `12:05 min` or `1:02:05 h`."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}:{rest:02} min"
    return f"{hours}:{minutes:02}:{rest:02} h"
