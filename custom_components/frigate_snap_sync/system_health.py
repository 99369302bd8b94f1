"""System health: what the repairs page of Home Assistant shows of all Frigates at once."""

from collections.abc import Callable
from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_translate_state

from .const import DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry
from .sync.model.status import EngineStatus
from .targets import reasons_in_words


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what is shown."""
    register.async_register_info(
        system_health_info, f"/config/integrations/integration/{DOMAIN}"
    )


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is shown; with several Frigates each value names its own."""
    entries: list[FrigateSnapSyncConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    running = [
        (entry.title, entry.runtime_data.data)
        for entry in entries
        if entry.state is ConfigEntryState.LOADED
    ]

    def each(value: Callable[[EngineStatus], str]) -> str:
        values = [(title, value(status)) for title, status in running]
        if len(values) == 1:
            return values[0][1]
        return "; ".join(f"{title}: {value}" for title, value in values) or "-"

    def check(is_fine: Callable[[EngineStatus], object], error: str) -> Any:
        """Return a result in the form that Home Assistant shows as a check."""
        if not running:
            return "-"
        fine = all(is_fine(status) for _, status in running)
        return "ok" if fine else {"type": "failed", "error": error}

    oldest = min(
        (status.oldest_pending for _, status in running if status.oldest_pending),
        default=None,
    )
    return {
        "running": f"{len(running)}/{len(entries)}",
        "protection": each(lambda status: _protection(hass, status)),
        "frigate_version": each(lambda status: status.frigate_version or "-"),
        "can_reach_frigate": check(
            lambda status: status.frigate_connected, "unreachable"
        ),
        "mqtt_connected": check(lambda status: status.mqtt_connected, "disconnected"),
        "destinations_connected": each(_connected),
        "pending_uploads": sum(status.pending_uploads for _, status in running),
        "oldest_pending": oldest or "-",
    }


def _protection(hass: HomeAssistant, status: EngineStatus) -> str:
    """Return the state and its reasons in words, as the sensor shows them."""
    state = async_translate_state(
        hass, status.protection, Platform.SENSOR, DOMAIN, "protection", None
    )
    reasons = reasons_in_words(hass, status.reasons)
    return f"{state} ({reasons})" if reasons else state


def _connected(status: EngineStatus) -> str:
    connected = sum(one.connected is True for one in status.destinations.values())
    return f"{connected}/{len(status.destinations)}"
