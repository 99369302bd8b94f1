"""Cameras whose media Frigate refuses to the user that we are."""

import logging

from ...frigate.errors import FrigateForbidden
from ..model.timing import Timing
from ..support.backoff import doubled

_LOGGER = logging.getLogger(__name__)

_LONGEST = 86400.0

_REFUSED = "Frigate's user may not have this camera's media"


class ForbiddenCameras:
    """Lets refused cameras be asked again after 15 minutes, doubling to a day.

    Frigate 0.17+: a role may know some cameras only; MQTT tells of all. Times
    are seconds of a clock that is never set.
    """

    def __init__(self, timing: Timing) -> None:
        """Start with no camera refused."""
        self._timing = timing
        self._delays: dict[str, float] = {}
        self._waiting: dict[str, tuple[float, str]] = {}

    def waiting(self, camera: str, now: float) -> tuple[float, str] | None:
        """Return until when not to ask for a camera's media, and why; None to ask."""
        known = self._waiting.get(camera)
        return None if known is None or known[0] <= now else known

    def refused(
        self, camera: str, error: FrigateForbidden, now: float
    ) -> tuple[float, str]:
        """Note a refusal, tell of the first; return until when to wait, and why."""
        if known := self.waiting(camera, now):
            return known  # Another request was under way at the first one.
        delay = self._delays.get(camera)
        if delay is None:
            _LOGGER.warning(
                "Frigate refuses its user the media of camera %s, which wait until"
                " the user may have them: %s",
                camera,
                error,
            )
            delay = self._timing.forbidden_retry
        self._delays[camera] = doubled(delay, longest=_LONGEST)
        self._waiting[camera] = (now + delay, f"{_REFUSED}: {error}")
        return self._waiting[camera]

    def over(self, camera: str) -> None:
        """Note that Frigate answered a request for a camera's media."""
        self._waiting.pop(camera, None)
        if self._delays.pop(camera, None) is not None:
            _LOGGER.info("Frigate gives its user the media of camera %s again", camera)
