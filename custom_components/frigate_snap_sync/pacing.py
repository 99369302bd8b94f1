"""Uploads that ended, and pictures, shown at a rate that the recorder can bear."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .sync.model.status import UploadEvent

INTERVAL: Final = 1.0
"""Seconds between two events, lest a thousand flood the recorder."""

MAX_WAITING: Final = 60
"""Events that wait for their second; failures are kept before successes."""


class Pace:
    """Tells of one upload a second; where more come for long, some are left out."""

    def __init__(
        self, hass: HomeAssistant, tell: Callable[[UploadEvent, int], None]
    ) -> None:
        """Call `tell` with each upload, and how many before it were left out."""
        self._hass = hass
        self._tell = tell
        self._waiting: deque[UploadEvent] = deque()
        self._omitted = 0
        self._cancel_timer: CALLBACK_TYPE | None = None

    @callback
    def async_add(self, event: UploadEvent) -> None:
        """Tell of an upload now, or when its second has come."""
        self._waiting.append(event)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.remove(
                next((each for each in self._waiting if each.verified), event)
            )
            self._omitted += 1
        if self._cancel_timer is None:
            self._async_tell_next()

    @callback
    def async_stop(self) -> None:
        """Tell of nothing any more."""
        self._waiting.clear()
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def _async_tell_next(self, now: datetime | None = None) -> None:
        """Tell of one upload, and of the next one a second later."""
        self._cancel_timer = None
        if not self._waiting:
            return
        event, omitted = self._waiting.popleft(), self._omitted
        self._omitted = 0
        self._cancel_timer = async_call_later(
            self._hass, INTERVAL, self._async_tell_next
        )
        self._tell(event, omitted)


class NewestPace:
    """Reports what is newest: at once, or a second after its last report."""

    def __init__(self, hass: HomeAssistant, tell: Callable[[], None]) -> None:
        """Call `tell`, which looks itself what is newest."""
        self._hass = hass
        self._tell = tell
        self._is_due = False
        self._cancel_timer: CALLBACK_TYPE | None = None

    @callback
    def async_changed(self) -> None:
        """Tell now, or when a second is over."""
        self._is_due = True
        if self._cancel_timer is None:
            self._async_tell()

    @callback
    def async_stop(self) -> None:
        """Tell of nothing any more."""
        self._is_due = False
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def _async_tell(self, now: datetime | None = None) -> None:
        self._cancel_timer = None
        if not self._is_due:
            return
        self._is_due = False
        self._cancel_timer = async_call_later(self._hass, INTERVAL, self._async_tell)
        self._tell()
