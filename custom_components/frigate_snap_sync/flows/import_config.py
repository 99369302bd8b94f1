"""The import of the stand-alone program's settings: what its forms show."""

from collections.abc import Iterable, Mapping
import posixpath
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    CONF_HOST,
    CONF_PATH,
    CONF_PORT,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig

from ..const import (
    CONF_IMPORTED,
    CONF_ORIGINAL_CONFIG,
    CONF_PROXY,
    CONF_TOPIC_PREFIX,
    SECTION_ADVANCED,
)
from .original_config import ImportedConfig, ImportedDestination

IMPORT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_ORIGINAL_CONFIG): TextSelector(
            TextSelectorConfig(multiline=True)
        )
    }
)
_KIND: Final = "kind"
_LOGIN: Final = (CONF_HOST, CONF_PORT, CONF_USERNAME)


def imported_suggestions(config: ImportedConfig) -> dict[str, Any]:
    """Return what the form of the Frigate is to suggest."""
    return {
        CONF_URL: config.url,
        CONF_VERIFY_SSL: True,
        SECTION_ADVANCED: {
            CONF_PROXY: config.proxy,
            CONF_TOPIC_PREFIX: config.topic_prefix,
        },
    }


def destinations_of(config: ImportedConfig) -> str:
    """Return the destinations in words, each with its key file."""
    return "; ".join(_in_words(each) for each in config.destinations) or "-"


def _in_words(destination: ImportedDestination) -> str:
    values = destination.values
    host = f"{values[CONF_HOST]}:" if CONF_HOST in values else ""
    key = f" ({destination.identity})" if destination.identity else ""
    return f"{destination.kind} {host}{values[CONF_PATH]}{key}"


def destination_suggestions(config: ImportedConfig) -> list[dict[str, Any]]:
    """Return the destinations as an entry keeps them, to be suggested by their forms."""
    return [{_KIND: each.kind, **each.values} for each in config.destinations]


def next_suggestion(entry: ConfigEntry, kind: str) -> dict[str, Any]:
    """Return the first imported destination of a kind that is none yet, or nothing."""
    taken = [
        _place(subentry.data)
        for subentry in entry.subentries.values()
        if subentry.subentry_type == kind
    ]
    imported: Iterable[Mapping[str, Any]] = entry.data.get(CONF_IMPORTED, ())
    for values in imported:
        if values[_KIND] == kind and _place(values) not in taken:
            return {key: value for key, value in values.items() if key != _KIND}
    return {}


def forget_suggestion(
    hass: HomeAssistant, entry: ConfigEntry, kind: str, suggested: Mapping[str, Any]
) -> None:
    """Suggest an imported destination no more, whatever its owner made of it."""
    imported = list(entry.data.get(CONF_IMPORTED, ()))
    if (values := {_KIND: kind, **suggested}) in imported:
        imported.remove(values)
        data = {**entry.data, CONF_IMPORTED: imported}
        hass.config_entries.async_update_entry(entry, data=data)


def _place(data: Mapping[str, Any]) -> tuple[object, ...]:
    path = posixpath.normpath(str(data.get(CONF_PATH, "")))
    return (*(data.get(key) for key in _LOGIN), path)
