"""The action that lists uploads."""

from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType

from ..const import CONF_MEDIA, DOMAIN, MEDIA, UPLOAD_STATES
from ..drill_report import destination_name
from ..sync.model.status import UploadFilter, UploadRow
from .action import (
    ATTR_CAMERA,
    ATTR_DESTINATION,
    ATTR_ITEM,
    ATTR_STATE,
    ENTRY_FIELD,
    Action,
    camera_named,
    destination_of,
    entry_of,
    local_text,
    moment_of,
)

ATTR_AFTER = "after"
ATTR_BEFORE = "before"
ATTR_LIMIT = "limit"

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def _media(value: object) -> str:
    """Take the singular, which rows and events have, for the plural."""
    return f"{cv.string(value).removesuffix('s')}s"


async def _async_list_uploads(call: ServiceCall) -> ServiceResponse:
    """Return uploads that fit, newest first."""
    entry = entry_of(call)
    after, before = moment_of(call, ATTR_AFTER), moment_of(call, ATTR_BEFORE)
    if after is not None and before is not None and after >= before:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="after_not_before"
        )
    wanted = UploadFilter(
        camera=camera_named(call.hass, entry, call.data.get(ATTR_CAMERA)),
        destination_id=destination_of(
            call.hass, entry, call.data.get(ATTR_DESTINATION)
        ),
        item_id=call.data.get(ATTR_ITEM),
        media=call.data.get(CONF_MEDIA),
        state=call.data.get(ATTR_STATE),
        after=after,
        before=before,
        limit=call.data[ATTR_LIMIT],
    )
    rows = await entry.runtime_data.async_list_uploads(wanted)
    return {
        "uploads": [
            _row(row, destination_name(entry, row.destination_id)) for row in rows
        ]
    }


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
        "role": row.role,
        "path": row.path,
        "size": row.size,
        "attempts": row.attempts,
        "start": local_text(row.start),
        "finished": None if row.finished is None else local_text(row.finished),
        "reason": row.reason,
    }


ACTIONS: Final = (
    Action(
        name="list_uploads",
        run=_async_list_uploads,
        supports_response=SupportsResponse.ONLY,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Optional(ATTR_ITEM): cv.string,
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
        ),
    ),
)
