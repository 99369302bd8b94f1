"""Changes that several wait for at the same time."""

import asyncio


class Changes:
    """Wakes all who wait, at each change.

    Who looks whether there is something to do calls `next` before that: what changes
    while they look is not missed.
    """

    def __init__(self) -> None:
        """Begin before the first change."""
        self._next = asyncio.Event()

    def notify(self) -> None:
        """Wake all who wait: there is a change."""
        self._next.set()
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Return an event that is set at the next change from now on."""
        return self._next

    async def wait(self) -> None:
        """Wait for the next change from now on."""
        await self._next.wait()
