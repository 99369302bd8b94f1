"""Names that one upload at a time may use."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager


class Reservations[NameT: Hashable]:
    """Temporary names in use. Who wants one that is taken waits.

    Two uploads of one name would mix their bytes, and the clean-up of the first, which
    may continue in the background, would remove the second.
    """

    def __init__(self) -> None:
        """Have none."""
        self._users: dict[NameT, asyncio.Future[None]] = {}

    def in_use(self) -> set[asyncio.Future[None]]:
        """Return what ends when each name of now is free."""
        return set(self._users.values())

    @asynccontextmanager
    async def reserved(self, name: NameT) -> AsyncGenerator[list[asyncio.Task[None]]]:
        """Keep a name for oneself, until the task in the list ends too, if there is one."""
        while (user := self._users.get(name)) is not None:
            await asyncio.wait({user})
        released = self._users[name] = asyncio.get_running_loop().create_future()
        cleaning: list[asyncio.Task[None]] = []

        def release(_: object = None) -> None:
            del self._users[name]
            released.set_result(None)

        try:
            yield cleaning
        finally:
            if cleaning and not cleaning[0].done():
                cleaning[0].add_done_callback(release)
            else:
                release()
