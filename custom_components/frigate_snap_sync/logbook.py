"""Activity: uploads in words."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback

from .activity import EVENT_UPLOAD
from .const import DOMAIN
from .words import async_word, duration_text


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[
        [str, str, Callable[[Event], dict[str, str | None]]], None
    ],
) -> None:
    """Let Activity describe the events of uploads."""

    @callback
    def describe(event: Event) -> dict[str, str | None]:
        """Return a line such as `Recording of front_door (person, 32 s) verified …`."""
        data = event.data
        entry = hass.config_entries.async_get_entry(str(data.get("config_entry_id")))
        is_verified = bool(data.get("verified"))
        return {
            LOGBOOK_ENTRY_NAME: "Frigate Snap Sync" if entry is None else entry.title,
            LOGBOOK_ENTRY_MESSAGE: async_word(
                hass,
                "activity_verified" if is_verified else "activity_failed",
                what=_what(hass, data),
                # It may have been removed between the upload and its event.
                destination=data.get("destination")
                or async_word(hass, "activity_removed"),
                reason=async_word(hass, f"loss_{data.get('cause')}"),
            ),
            LOGBOOK_ENTRY_ICON: (
                "mdi:cloud-check-outline" if is_verified else "mdi:cloud-alert-outline"
            ),
        }

    async_describe_event(DOMAIN, EVENT_UPLOAD, describe)


def _what(hass: HomeAssistant, data: Any) -> str:
    """Return what was uploaded: its kind and camera, what it shows, how long it is."""
    details = ", ".join(data.get("labels") or ())
    duration = data.get("duration")
    if duration is not None and data.get("media") == "recording":
        details += f"{details and ', '}{duration_text(duration)}"
    what = async_word(
        hass,
        "activity_what",
        media=async_word(hass, str(data.get("media"))),
        camera=str(data.get("camera")),
    )
    return f"{what} ({details})" if details else what
