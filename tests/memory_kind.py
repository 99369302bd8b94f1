"""A kind of destination that keeps its files in memory: all that a new kind needs."""

from typing import Any, ClassVar, override

import voluptuous as vol

# Imported before the kind is in use, or its step would stay in the flow's class.
from custom_components.frigate_snap_sync import config_flow  # noqa: F401
from custom_components.frigate_snap_sync.flows.destination import DestinationFlow
from custom_components.frigate_snap_sync.kinds import Credentials, Kind
from custom_components.frigate_snap_sync.storage.errors import AuthFailed, StorageError
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import TextSelector

from .sync.fakes import FakeDestination

MEMORY: FakeDestination = FakeDestination()


class MemoryFlow(DestinationFlow):
    """Asks for an address and a login."""

    kind: ClassVar[str] = "memory"

    @override
    def _fields(self) -> dict[vol.Marker, Any]:
        return {
            vol.Required(name): TextSelector()
            for name in ("url", "username", "password")
        }

    @override
    async def _async_submitted(self) -> SubentryFlowResult:
        data = {name: self._typed[name] for name in ("url", "username", "password")}
        try:
            tested = await self._async_test(data)
        except StorageError as err:
            return self._show_failure(err)
        return self._save(tested, f"memory:{data['url']}")


KIND = Kind(
    key="memory",
    model="Memory",
    build=lambda hass, data: MEMORY,
    place=("url",),
    place_of_error={AuthFailed.code: "username"},
    credentials=Credentials(
        server="url", account="username", fields=lambda data: ("username", "password")
    ),
)
