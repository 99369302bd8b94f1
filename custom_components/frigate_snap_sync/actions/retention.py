"""Actions for retention: protect items, and delete now what is over, or only show it."""

from typing import Any, Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..sync.model.status import ProtectFilter
from .action import (
    ATTR_CAMERA,
    ATTR_DESTINATION,
    ATTR_END,
    ATTR_ITEM,
    ATTR_START,
    ENTRY_FIELD,
    Action,
    camera_of,
    destination_of,
    entry_of,
    local_text,
    moment_of,
    require_order,
)

ATTR_DRY_RUN: Final = "dry_run"

MAX_ROWS: Final = 1000
"""Rows of an answer for each destination; the counts are of all."""

_ITEMS: Final = vol.Schema(
    {
        **ENTRY_FIELD,
        vol.Optional(ATTR_ITEM): vol.All(cv.string, vol.Length(min=1)),
        vol.Optional(ATTR_CAMERA): cv.string,
        vol.Optional(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
    }
)


def _chosen(call: ServiceCall) -> ProtectFilter:
    """Return the items that are meant; raises ServiceValidationError if none are."""
    entry, item_id = entry_of(call), call.data.get(ATTR_ITEM)
    camera = call.data.get(ATTR_CAMERA)
    start, end = moment_of(call, ATTR_START), moment_of(call, ATTR_END)
    if item_id is not None and (camera, start, end) == (None, None, None):
        return ProtectFilter(item_id=item_id)
    if item_id is not None or camera is None or start is None or end is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="item_or_range"
        )
    require_order(start, end)
    if end > dt_util.utcnow():
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="range_in_future"
        )
    return ProtectFilter(
        camera=camera_of(call.hass, entry, camera),
        start=start.timestamp(),
        end=end.timestamp(),
    )


async def _async_protect(call: ServiceCall) -> ServiceResponse:
    """Protect items; return how many."""
    requests = entry_of(call).runtime_data.requests
    return {"items": await requests.async_protect(_chosen(call), is_protected=True)}


async def _async_unprotect(call: ServiceCall) -> ServiceResponse:
    """Protect items no longer; return how many."""
    requests = entry_of(call).runtime_data.requests
    return {"items": await requests.async_protect(_chosen(call), is_protected=False)}


async def _async_apply_retention(call: ServiceCall) -> ServiceResponse:
    """Return what is over, and delete it unless only that was asked for."""
    entry = entry_of(call)
    dry_run: bool = call.data[ATTR_DRY_RUN]
    found = await entry.runtime_data.requests.async_expired(
        destination_of(call.hass, entry, call.data.get(ATTR_DESTINATION)),
        limit=MAX_ROWS,
        apply=not dry_run,
    )
    each: list[Any] = [
        {
            "destination": entry.subentries[id_].title,
            "destination_id": id_,
            "count": copies.count,
            "bytes": copies.size,
            "rows": [
                {
                    "path": row.path,
                    "size": row.size,
                    "start": local_text(dt_util.utc_from_timestamp(row.start)),
                }
                for row in copies.rows
            ],
        }
        for id_, copies in found.items()
        if id_ in entry.subentries
    ]
    return {"dry_run": dry_run, "destinations": each}


ACTIONS: Final = (
    Action(name="protect", run=_async_protect, schema=_ITEMS),
    Action(name="unprotect", run=_async_unprotect, schema=_ITEMS),
    Action(
        name="apply_retention",
        run=_async_apply_retention,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Optional(ATTR_DESTINATION): cv.string,
                vol.Optional(ATTR_DRY_RUN, default=True): cv.boolean,
            }
        ),
    ),
)
