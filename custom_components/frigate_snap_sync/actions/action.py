"""What actions are, and what they have in common: fields, and how those are understood."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..coordinator import FrigateSnapSyncConfigEntry

ATTR_CAMERA: Final = "camera"
ATTR_CONFIG_ENTRY_ID: Final = "config_entry_id"
ATTR_DESTINATION: Final = "destination"
ATTR_STATE: Final = "state"

ENTRY_FIELD: Final = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
"""The field that every action begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action; `services.py` registers all of them."""

    name: str
    run: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema
    supports_response: SupportsResponse = SupportsResponse.OPTIONAL


def entry_of(call: ServiceCall) -> FrigateSnapSyncConfigEntry:
    """Return the entry of a call; raises ServiceValidationError if it can't work."""
    return service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )


def moment_of(call: ServiceCall, field: str) -> datetime | None:
    """Return a time of a call in UTC; without a zone it is in Home Assistant's."""
    value: Any = call.data.get(field)
    return None if value is None else dt_util.as_utc(value)


def destination_of(
    entry: FrigateSnapSyncConfigEntry, destination: str | None
) -> str | None:
    """Return the subentry that is meant by its id or its name."""
    if destination is None or destination in entry.subentries:
        return destination
    found = [
        subentry_id
        for subentry_id, subentry in entry.subentries.items()
        if subentry.title == destination
    ]
    if len(found) != 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="destination_not_found",
            translation_placeholders={"destination": destination},
        )
    return found[0]
