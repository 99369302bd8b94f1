"""One message per outage, not one per failure."""

import logging
import time
from typing import Final

from .home_health import note_failure, note_success

MAX_COMPLAINTS: Final = 100
"""Different ones that are logged as warnings in a day; more only help to fill a log."""

_DAY: Final = 86400.0


class OutageLog:
    """Tells once that something fails, and once that it works again.

    Of ledger and disk the engine's `HomeHealth` learns as well.
    """

    def __init__(self, logger: logging.Logger, what: str) -> None:
        """Tell it to the logger; `what` begins the sentences."""
        self._logger = logger
        self._what = what
        self._is_on = False

    def report(self, error: Exception) -> None:
        """Note a failure."""
        level = logging.DEBUG if self._is_on else logging.ERROR
        self._logger.log(level, "%s has to wait: %s", self._what, error)
        self._is_on = True
        note_failure(self, error)

    def over(self) -> None:
        """Note a success."""
        if self._is_on:
            self._logger.info("%s works again", self._what)
        self._is_on = False
        note_success(self)


class ComplaintLog:
    """Tells of each thing that is wrong again and again once a day."""

    def __init__(self, logger: logging.Logger) -> None:
        """Log to that logger."""
        self._logger = logger
        self._logged: set[tuple[str, str]] = set()
        self._since = time.monotonic()

    def report(self, what: str, complaint: str) -> None:
        """Log it as a warning, or for debugging alone if it was logged before."""
        if time.monotonic() - self._since > _DAY:
            self._logged.clear()
            self._since = time.monotonic()
        said = what, complaint
        is_news = said not in self._logged and len(self._logged) < MAX_COMPLAINTS
        if is_news:
            self._logged.add(said)
        self._logger.log(
            logging.WARNING if is_news else logging.DEBUG, "%s: %s", what, complaint
        )
