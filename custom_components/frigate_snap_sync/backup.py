"""Backups of Home Assistant: the ledger is copied whole before, whatever it does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .const import DOMAIN, LOGGER
from .coordinator import FrigateSnapSyncCoordinator

TIMEOUT: Final = 10.0
"""Seconds that all entries together may hold up a backup."""


async def async_pre_backup(hass: HomeAssistant, *, seconds: float = TIMEOUT) -> None:
    """Copy the ledgers that are in use. Never raises: the backup would fail."""
    await _for_each_entry(hass, FrigateSnapSyncCoordinator.async_back_up, seconds)


async def async_post_backup(hass: HomeAssistant) -> None:
    """Note in each ledger that the backup is over. Never raises."""
    await _for_each_entry(hass, FrigateSnapSyncCoordinator.async_end_backup, TIMEOUT)


async def _for_each_entry(
    hass: HomeAssistant,
    act: Callable[[FrigateSnapSyncCoordinator], Coroutine[Any, Any, None]],
    seconds: float,
) -> None:
    tasks = {
        hass.async_create_task(act(entry.runtime_data), eager_start=False): entry.title
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
    }
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
    for task, title in tasks.items():
        if not task.done():
            LOGGER.warning(
                "The backup does not wait any longer for the ledger of %s", title
            )
        elif not task.cancelled() and (err := task.exception()):
            LOGGER.warning("The ledger of %s is not ready for a backup: %s", title, err)
