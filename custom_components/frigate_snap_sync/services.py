"""Actions: catch up, try failed uploads anew, list uploads."""

from datetime import datetime
from typing import Any

import voluptuous as vol

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .const import (
    CONF_LOOK_BACK,
    CONF_MEDIA,
    DOMAIN,
    MAX_LOOK_BACK,
    MEDIA,
    UPLOAD_STATES,
)
from .coordinator import FrigateSnapSyncConfigEntry
from .sync.model.status import UploadFilter, UploadRow

SERVICE_CATCH_UP = "catch_up"
SERVICE_RETRY_FAILED = "retry_failed"
SERVICE_LIST_UPLOADS = "list_uploads"

ATTR_AFTER = "after"
ATTR_BEFORE = "before"
ATTR_CAMERA = "camera"
ATTR_CONFIG_ENTRY_ID = "config_entry_id"
ATTR_DESTINATION = "destination"
ATTR_LIMIT = "limit"
ATTR_STATE = "state"

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def _media(value: object) -> str:
    """Take the singular, which rows and events have, for the plural."""
    return f"{cv.string(value).removesuffix('s')}s"


_ENTRY_FIELD = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}

CATCH_UP_SCHEMA = vol.Schema(
    {
        **_ENTRY_FIELD,
        vol.Optional(CONF_LOOK_BACK): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_LOOK_BACK)
        ),
    }
)
RETRY_FAILED_SCHEMA = vol.Schema(_ENTRY_FIELD)
LIST_UPLOADS_SCHEMA = vol.Schema(
    {
        **_ENTRY_FIELD,
        vol.Optional(ATTR_CAMERA): cv.string,
        vol.Optional(ATTR_DESTINATION): cv.string,
        vol.Optional(CONF_MEDIA): vol.All(_media, vol.In(MEDIA)),
        vol.Optional(ATTR_STATE): vol.In(UPLOAD_STATES),
        vol.Optional(ATTR_AFTER): cv.datetime,
        vol.Optional(ATTR_BEFORE): cv.datetime,
        vol.Optional(ATTR_LIMIT, default=DEFAULT_LIMIT): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_LIMIT)
        ),
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; they are there whether an entry is loaded or not."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_CATCH_UP,
        _async_catch_up,
        CATCH_UP_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_RETRY_FAILED,
        _async_retry_failed,
        RETRY_FAILED_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_LIST_UPLOADS,
        _async_list_uploads,
        LIST_UPLOADS_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _async_catch_up(call: ServiceCall) -> ServiceResponse:
    """Look now for what was missed; tell how many items were found."""
    coordinator = _entry(call).runtime_data
    return {"items": await coordinator.async_catch_up(call.data.get(CONF_LOOK_BACK))}


async def _async_retry_failed(call: ServiceCall) -> ServiceResponse:
    """Let failed uploads be tried anew; tell how many."""
    return {"uploads": await _entry(call).runtime_data.async_retry_failed()}


async def _async_list_uploads(call: ServiceCall) -> ServiceResponse:
    """Return uploads that fit, newest first."""
    entry = _entry(call)
    after, before = _moment(call, ATTR_AFTER), _moment(call, ATTR_BEFORE)
    if after is not None and before is not None and after >= before:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="after_not_before"
        )
    wanted = UploadFilter(
        camera=call.data.get(ATTR_CAMERA),
        destination_id=_destination_id(entry, call.data.get(ATTR_DESTINATION)),
        media=call.data.get(CONF_MEDIA),
        state=call.data.get(ATTR_STATE),
        after=after,
        before=before,
        limit=call.data[ATTR_LIMIT],
    )
    rows = await entry.runtime_data.async_list_uploads(wanted)
    names = {
        subentry_id: subentry.title
        for subentry_id, subentry in entry.subentries.items()
    }
    return {"uploads": [_row(row, names.get(row.destination_id)) for row in rows]}


def _entry(call: ServiceCall) -> FrigateSnapSyncConfigEntry:
    """Return the entry of a call; raises ServiceValidationError if it can't work."""
    return service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )


def _moment(call: ServiceCall, field: str) -> datetime | None:
    """Return a time of a call in UTC; without a zone it is in Home Assistant's."""
    value: Any = call.data.get(field)
    return None if value is None else dt_util.as_utc(value)


def _destination_id(
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


def _row(row: UploadRow, destination: str | None) -> JsonObjectType:
    """Return a row as JSON has it; times are ISO 8601 in Home Assistant's zone."""
    return {
        "item": row.item_id,
        "media": row.media,
        "camera": row.camera,
        "label": row.label,
        "destination": destination,
        "destination_id": row.destination_id,
        "state": row.state,
        "path": row.path,
        "size": row.size,
        "attempts": row.attempts,
        "start": _text(row.start),
        "finished": None if row.finished is None else _text(row.finished),
        "reason": row.reason,
    }


def _text(moment: datetime) -> str:
    return dt_util.as_local(moment).isoformat()
