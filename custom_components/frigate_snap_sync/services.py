"""Registers the actions, all of them from one table."""

from typing import Final

from homeassistant.core import HomeAssistant, callback

from .actions import backfill, catching_up, drilling, listing, retention, summing
from .actions.action import Action
from .const import DOMAIN

ACTIONS: Final[tuple[Action, ...]] = (
    *catching_up.ACTIONS,
    *listing.ACTIONS,
    *backfill.ACTIONS,
    *retention.ACTIONS,
    *drilling.ACTIONS,
    *summing.ACTIONS,
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; they are there whether an entry is loaded or not."""
    for action in ACTIONS:
        hass.services.async_register(
            DOMAIN,
            action.name,
            action.run,
            action.schema,
            supports_response=action.supports_response,
        )
