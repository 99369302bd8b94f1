"""What was said of an outage: each of its causes once, and its end once."""


class SaidOnce[Cause]:
    """Remembers which causes of an outage were logged."""

    def __init__(self) -> None:
        """Begin without an outage."""
        self._causes: set[Cause] = set()
        self._is_open = False

    def begin(self) -> None:
        """Note that a new outage begins: all of its causes are news."""
        self._causes.clear()

    def is_news(self, cause: Cause) -> bool:
        """Note a cause; return whether it is to be logged."""
        is_news = cause not in self._causes
        self._causes.add(cause)
        self._is_open = self._is_open or is_news
        return is_news

    def end(self) -> bool:
        """Note that all works; return whether that is to be logged.

        Causes that come back after a short while are still of the same outage.
        """
        was_open, self._is_open = self._is_open, False
        return was_open
