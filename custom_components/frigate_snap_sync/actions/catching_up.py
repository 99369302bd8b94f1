"""Actions that look for what is missing: catch up, retry failed uploads."""

from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse

from ..const import CONF_LOOK_BACK, MAX_LOOK_BACK
from .action import ENTRY_FIELD, Action, entry_of


async def _async_catch_up(call: ServiceCall) -> ServiceResponse:
    """Look now for what was missed; return how many items were found."""
    coordinator = entry_of(call).runtime_data
    return {"items": await coordinator.async_catch_up(call.data.get(CONF_LOOK_BACK))}


async def _async_retry_failed(call: ServiceCall) -> ServiceResponse:
    """Let failed uploads be tried again; return how many."""
    return {"uploads": await entry_of(call).runtime_data.async_retry_failed()}


ACTIONS: Final = (
    Action(
        name="catch_up",
        run=_async_catch_up,
        schema=vol.Schema(
            {
                **ENTRY_FIELD,
                vol.Optional(CONF_LOOK_BACK): vol.All(
                    vol.Coerce(int), vol.Range(min=1, max=MAX_LOOK_BACK)
                ),
            }
        ),
    ),
    Action(
        name="retry_failed", run=_async_retry_failed, schema=vol.Schema(ENTRY_FIELD)
    ),
)
