"""Who listens to what the engine has just done, by what it is about."""

from collections import deque
from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback


class Listeners[EventT]:
    """Tells those who listen to a key; keeps what came before the first of them.

    Entities are added only when the engine is at work.
    """

    def __init__(self, *, keep: int) -> None:
        """Begin without listeners; `keep` is how many events of a key wait for one."""
        self._listeners: dict[str, list[Callable[[EventT], None]]] = {}
        self._unheard: dict[str, deque[EventT]] = {}
        self._keep = keep

    @callback
    def async_add(self, key: str, listener: Callable[[EventT], None]) -> CALLBACK_TYPE:
        """Call the listener from now on, the first one at once with what waits.

        Returns what ends that.
        """
        listeners = self._listeners.setdefault(key, [])
        listeners.append(listener)
        for event in self._unheard.pop(key, ()):
            listener(event)

        @callback
        def remove() -> None:
            listeners.remove(listener)

        return remove

    @callback
    def async_tell(self, key: str, event: EventT) -> None:
        """Tell those who listen to the key, or keep it for the first who will."""
        if (listeners := self._listeners.get(key)) is None:
            self._unheard.setdefault(key, deque(maxlen=self._keep)).append(event)
            return
        for listener in tuple(listeners):
            listener(event)
