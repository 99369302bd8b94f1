"""The action that adds up what was uploaded in some time."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..drill_report import destination_name
from ..sync.model.status import Summary, SummaryRow
from .action import (
    ATTR_CAMERA,
    ATTR_DESTINATION,
    ATTR_END,
    ATTR_START,
    ENTRY_FIELD,
    Action,
    camera_named,
    destination_of,
    entry_of,
    local_text,
    moment_of,
    require_order,
)

USUAL: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=366)
MAX_ROWS: Final = 1000
"""Of an answer; the sums are of all."""

_GROUPS: Final[dict[str, tuple[str, Callable[[SummaryRow], Iterable[str]]]]] = {
    "days": ("day", lambda row: (row.day,)),
    "cameras": ("camera", lambda row: (row.camera,)),
    "media": ("media", lambda row: (row.media,)),
    "labels": ("label", lambda row: row.labels),
}


async def _async_summary(call: ServiceCall) -> ServiceResponse:
    """Return what was uploaded, by day, camera, media, label and destination."""
    entry = entry_of(call)
    end = moment_of(call, ATTR_END) or dt_util.utcnow()
    start = moment_of(call, ATTR_START) or end - USUAL
    require_order(start, end)
    if end - start > LONGEST:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="summary_too_long"
        )
    summary = await entry.runtime_data.requests.async_summary(
        start,
        end,
        camera=camera_named(call.hass, entry, call.data.get(ATTR_CAMERA)),
        destination_id=destination_of(
            call.hass, entry, call.data.get(ATTR_DESTINATION)
        ),
    )
    by_destination: Any = [
        {
            "destination": destination_name(entry, id_),
            "destination_id": id_,
            **asdict(counts),
        }
        for id_, counts in summary.by(lambda row: (row.destination_id,)).items()
    ]
    return {
        "start": local_text(start),
        "end": local_text(end),
        "total": asdict(summary.total),
        **_groups(summary),
        "destinations": by_destination,
        "rows": [_row(row, entry) for row in summary.rows[:MAX_ROWS]],
        "rows_left_off": max(0, len(summary.rows) - MAX_ROWS),
    }


def _groups(summary: Summary) -> dict[str, Any]:
    return {
        group: [
            {name: key, **asdict(counts)} for key, counts in summary.by(keys).items()
        ]
        for group, (name, keys) in _GROUPS.items()
    }


def _row(row: SummaryRow, entry: ConfigEntry) -> dict[str, Any]:
    return {
        "day": row.day,
        "camera": row.camera,
        "media": row.media,
        "label": ", ".join(row.labels),
        "destination": destination_name(entry, row.destination_id),
        "destination_id": row.destination_id,
        **asdict(row.counts),
    }


ACTIONS: Final = (
    Action(
        name="summary",
        run=_async_summary,
        supports_response=SupportsResponse.ONLY,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Optional(ATTR_START): cv.datetime,
                vol.Optional(ATTR_END): cv.datetime,
                vol.Optional(ATTR_CAMERA): cv.string,
                vol.Optional(ATTR_DESTINATION): cv.string,
            }
        ),
    ),
)
