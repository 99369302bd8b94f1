"""Gates: destinations are open or closed by what an entity's state is."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime
import time
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later, async_track_state_change_event

from .const import LOGGER
from .only_while import OnlyWhile

_PAUSE: Final = 1.0
"""Seconds until the engine gets once more what its ledger could not keep."""

_MOST_PENDING: Final = 1000
"""Changes that wait for that."""


class Gates:
    """Tells the engine which destinations are closed, as the entities change."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        tell: Callable[[Collection[str], float], Awaitable[None]],
    ) -> None:
        """Keep whose destinations they are.

        `tell` is called with the ids of those that are closed, and since when. It
        raises HomeAssistantError when that can't be kept.
        """
        self._hass = hass
        self._entry = entry
        self._tell = tell
        # What the engine does not know yet: which were closed from when on.
        self._pending: deque[tuple[set[str], float]] = deque(maxlen=_MOST_PENDING)
        self._telling = asyncio.Lock()
        self._stop_tracking: CALLBACK_TYPE | None = None
        self._stop_waiting: CALLBACK_TYPE | None = None
        self._is_stopped = False

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
        self._untrack()
        entities = {condition.entity_id for condition in self._conditions().values()}
        if entities:
            self._stop_tracking = async_track_state_change_event(
                self._hass, entities, self._async_changed
            )

    @callback
    def async_stop(self) -> None:
        """Follow nothing any more, and tell nothing."""
        self._is_stopped = True
        self._untrack()
        self._stop_retrying()

    async def async_tell(self) -> None:
        """Tell the engine what holds now.

        When its ledger can't keep that, this is repeated until it does: else a
        destination would stay closed until the next change, for days.
        """
        closed = self.async_closed()
        if not self._pending or self._pending[-1][0] != closed:
            self._pending.append((closed, time.time()))
        await self._tell_all()

    async def _tell_all(self, _: datetime | None = None) -> None:
        # In the order of the changes.
        async with self._telling:
            is_retry = self._stop_waiting is not None
            self._stop_retrying()
            while self._pending and not self._is_stopped:
                closed, since = self._pending[0]
                try:
                    await self._tell(closed, since)
                except HomeAssistantError as err:
                    if not is_retry:
                        LOGGER.error(
                            "When destinations were closed can't be kept: %s", err
                        )
                    self._retry()
                    return
                self._pending.popleft()

    @callback
    def _retry(self) -> None:
        if not self._is_stopped:
            self._stop_waiting = async_call_later(self._hass, _PAUSE, self._tell_all)

    @callback
    def _stop_retrying(self) -> None:
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None

    @callback
    def _untrack(self) -> None:
        if self._stop_tracking is not None:
            self._stop_tracking()
            self._stop_tracking = None

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
