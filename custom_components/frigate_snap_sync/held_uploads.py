"""Uploads that ended, for triggers: held until automations can hear of them."""

from collections import deque
from datetime import datetime
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started

from .sync.model.status import UploadEvent
from .upload_data import UPLOAD_ENDED

MOST_HELD: Final = 1000
"""Uploads that are held at a start; of more the oldest are left out."""

ATTACHING: Final = 10.0
"""Seconds after the start: only with it automations begin to attach their triggers."""


class HeldUploads:
    """Sends the signal of each upload, and keeps those of a start until it is over.

    The engine sends from the set-up of the entry on.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Hold nothing, unless Home Assistant is starting."""
        self._hass = hass
        self._entry = entry
        self._held: deque[UploadEvent] | None = None
        self._cancel: CALLBACK_TYPE | None = None
        if hass.state is not CoreState.running:
            self._held = deque(maxlen=MOST_HELD)
            self._cancel = async_at_started(hass, self._async_started)

    @callback
    def async_tell(self, event: UploadEvent) -> None:
        """Send the signal of an upload, or hold it."""
        if self._held is not None:
            self._held.append(event)
        else:
            async_dispatcher_send(self._hass, UPLOAD_ENDED, self._entry, event)

    @callback
    def async_stop(self) -> None:
        """Send nothing that is held any more."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _async_started(self, hass: HomeAssistant) -> None:
        self._cancel = async_call_later(hass, ATTACHING, self._async_release)

    @callback
    def _async_release(self, now: datetime) -> None:
        self._cancel = None
        held, self._held = self._held or (), None
        for event in held:
            self.async_tell(event)
