"""Actions for what the owner chooses: upload a review or a time, cancel uploads."""

from datetime import timedelta
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..const import CANCELLABLE_STATES, DOMAIN
from ..coordinator import FrigateSnapSyncConfigEntry
from ..sync.model.status import CancelFilter, Queued
from .action import (
    ATTR_CAMERA,
    ATTR_DESTINATION,
    ATTR_END,
    ATTR_ITEM,
    ATTR_START,
    ATTR_STATE,
    ENTRY_FIELD,
    Action,
    camera_of,
    destination_of,
    entry_of,
    moment_of,
    require_order,
)

ATTR_REVIEW_ID: Final = "review_id"

LONGEST: Final = timedelta(hours=24)
"""Of a call; a day of footage may be a hundred gigabytes."""


async def _async_upload_review(call: ServiceCall) -> ServiceResponse:
    """Queue a review that the owner chose."""
    entry = entry_of(call)
    destination_id = destination_of(call.hass, entry, call.data.get(ATTR_DESTINATION))
    queued = await entry.runtime_data.requests.async_upload_review(
        call.data[ATTR_REVIEW_ID], destination_id
    )
    return _answer(entry, queued, destination_id)


async def _async_upload_range(call: ServiceCall) -> ServiceResponse:
    """Queue a camera's footage of a time that the owner chose."""
    entry = entry_of(call)
    camera = camera_of(call.hass, entry, call.data[ATTR_CAMERA])
    destination_id = destination_of(call.hass, entry, call.data.get(ATTR_DESTINATION))
    start, end = moment_of(call, ATTR_START), moment_of(call, ATTR_END)
    assert start is not None  # The schema requires both.
    assert end is not None
    require_order(start, end)
    if end - start > LONGEST:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="range_too_long"
        )
    if end > dt_util.utcnow():
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="range_in_future"
        )
    queued = await entry.runtime_data.requests.async_upload_range(
        camera, start, end, destination_id
    )
    return _answer(entry, queued, destination_id)


async def _async_cancel_uploads(call: ServiceCall) -> ServiceResponse:
    """Cancel uploads; return how many."""
    entry = entry_of(call)
    wanted = CancelFilter(
        item_id=call.data.get(ATTR_ITEM),
        destination_id=destination_of(
            call.hass, entry, call.data.get(ATTR_DESTINATION)
        ),
        state=call.data.get(ATTR_STATE),
    )
    if wanted == CancelFilter():
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="nothing_chosen"
        )
    return {"uploads": await entry.runtime_data.requests.async_cancel_uploads(wanted)}


def _answer(
    entry: FrigateSnapSyncConfigEntry, queued: Queued, destination_id: str | None
) -> ServiceResponse:
    return {
        "item": queued.item_id,
        "items": 1 if queued.files else 0,
        "files": queued.files,
        "seconds": queued.seconds,
        "bytes": queued.size,
        "destinations": [
            subentry.title
            for subentry_id, subentry in entry.subentries.items()
            if destination_id in (None, subentry_id)
        ],
    }


ACTIONS: Final = (
    Action(
        name="upload_review",
        run=_async_upload_review,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Required(ATTR_REVIEW_ID): vol.All(cv.string, vol.Length(min=1)),
                vol.Optional(ATTR_DESTINATION): cv.string,
            }
        ),
    ),
    Action(
        name="upload_range",
        run=_async_upload_range,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Required(ATTR_CAMERA): cv.string,
                vol.Required(ATTR_START): cv.datetime,
                vol.Required(ATTR_END): cv.datetime,
                vol.Optional(ATTR_DESTINATION): cv.string,
            }
        ),
    ),
    Action(
        name="cancel_uploads",
        run=_async_cancel_uploads,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Optional(ATTR_ITEM): cv.string,
                vol.Optional(ATTR_DESTINATION): cv.string,
                vol.Optional(ATTR_STATE): vol.In(CANCELLABLE_STATES),
            }
        ),
    ),
)
