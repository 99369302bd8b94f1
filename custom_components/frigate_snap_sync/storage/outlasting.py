"""Tasks that continue when whoever waits for them is cancelled."""

import asyncio
import logging
from typing import Any

_LOGGER = logging.getLogger(__name__)


async def outlast[T](task: asyncio.Task[T]) -> T:
    """Return the result of a task that is not cancelled with its waiter.

    Raises what it raises.
    """
    await wait_for_end(task)
    return task.result()


async def wait_for_end(task: asyncio.Task[Any]) -> None:
    """Wait for a task that is not cancelled with its waiter, whatever comes of it.

    `asyncio.shield` would log as an error what a task raises whose waiter is gone, and a
    server that dies is none.
    """
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        task.add_done_callback(_note)
        raise


def _note(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOGGER.debug("It was cancelled, and failed after that: %s", error)
