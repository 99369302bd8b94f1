"""One message per outage, not one per failure."""

import logging


class Trouble:
    """Tells once that something fails, and once that it works again."""

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

    def over(self) -> None:
        """Note a success."""
        if self._is_on:
            self._logger.info("%s goes on", self._what)
        self._is_on = False
