"""Gates: destinations are open or closed by what an entity's state is."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
import time

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers.event import async_track_state_change_event

from .only_while import OnlyWhile


class Gates:
    """Tells the engine which destinations are closed, as the entities change."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        tell: Callable[[Collection[str], float], Awaitable[None]],
    ) -> None:
        """Keep whose destinations they are.

        `tell` is called with the ids of those that are closed, and since when.
        """
        self._hass = hass
        self._entry = entry
        self._tell = tell
        self._telling = asyncio.Lock()
        self._stop_tracking: CALLBACK_TYPE | None = None

    @callback
    def async_closed(self) -> set[str]:
        """Return the ids of the destinations that are closed now."""
        return {
            id_
            for id_, condition in self._conditions().items()
            if condition.is_closed(self._hass)
        }

    @callback
    def async_track(self) -> None:
        """Follow the entities of all destinations, as they are set up now."""
        self.async_stop()
        entities = {condition.entity_id for condition in self._conditions().values()}
        if entities:
            self._stop_tracking = async_track_state_change_event(
                self._hass, entities, self._async_changed
            )

    @callback
    def async_stop(self) -> None:
        """Follow nothing any more."""
        if self._stop_tracking is not None:
            self._stop_tracking()
            self._stop_tracking = None

    async def async_tell(self) -> None:
        """Tell the engine what holds now."""
        now, closed = time.time(), self.async_closed()
        # In the order of the changes.
        async with self._telling:
            await self._tell(closed, now)

    @callback
    def _async_changed(self, _: Event[EventStateChangedData]) -> None:
        self._hass.async_create_task(self.async_tell())

    def _conditions(self) -> dict[str, OnlyWhile]:
        """Return those of the destinations that have one which can be read."""
        found: dict[str, OnlyWhile] = {}
        for subentry_id, subentry in self._entry.subentries.items():
            # Of what can't be read nothing is sent anyway.
            with suppress(KeyError, TypeError, ValueError):
                if (condition := OnlyWhile.of(subentry.data)) is not None:
                    found[subentry_id] = condition
        return found
