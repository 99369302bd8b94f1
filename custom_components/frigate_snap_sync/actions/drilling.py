"""The action that drills: would a burglary now be saved?"""

from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv

from ..drill_report import drill_rows
from ..sync.model.status import DrillOutcome
from .action import ATTR_CAMERA, ENTRY_FIELD, Action, camera_of, entry_of


async def _async_drill(call: ServiceCall) -> ServiceResponse:
    """Drill a camera, or all; return what came of it, be it a failure."""
    entry = entry_of(call)
    camera: str | None = call.data.get(ATTR_CAMERA)
    if camera is not None:
        camera = camera_of(call.hass, entry, camera)
    drills = await entry.runtime_data.requests.async_drill(camera)
    has_failed = any(drill.outcome is DrillOutcome.FAILED for drill in drills)
    return {
        "outcome": (DrillOutcome.FAILED if has_failed else DrillOutcome.PASSED).value,
        "drills": list(drill_rows(entry, drills)),
    }


ACTIONS: Final = (
    Action(
        name="drill",
        run=_async_drill,
        schema=vol.Schema({**ENTRY_FIELD, vol.Optional(ATTR_CAMERA): cv.string}),
    ),
)
