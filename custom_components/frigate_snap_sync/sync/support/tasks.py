"""Tasks that run for ever, and how they are ended."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
import logging
from typing import Any

from .home_health import HomeHealth

_LOGGER = logging.getLogger(__name__)

_STOP_TIMEOUT = 2.25


def supervise(
    name: str,
    run: Callable[[], Coroutine[Any, Any, None]],
    *,
    health: HomeHealth,
    pause: float,
) -> asyncio.Task[None]:
    """Run a part for ever: a bug in it is logged and must not end it for good.

    It is started again after `pause` seconds. `health` learns of its failures with
    ledger and disk, and of its crashes.
    """

    async def forever() -> None:
        health.enter()
        while True:
            try:
                await run()
            except Exception:
                _LOGGER.exception("%s failed and is started again", name)
                health.crashed(name)
            await asyncio.sleep(pause)

    return asyncio.get_running_loop().create_task(
        forever(), name=f"frigate_snap_sync {name}"
    )


async def cancel(
    tasks: Iterable[asyncio.Task[Any]], *, begun: Iterable[asyncio.Task[Any]] = ()
) -> None:
    """Cancel tasks and wait a few seconds for their end, and for what they had begun."""
    tasks = tuple(tasks)
    for task in tasks:
        task.cancel()
    await finish((*tasks, *begun))


async def finish(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Wait a few seconds for tasks that were cancelled, and may need a moment to end.

    To cancel them again would break off what they do at their end.
    """
    if tasks := tuple(tasks):
        await asyncio.wait(tasks, timeout=_STOP_TIMEOUT)


async def wait_for(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, at most the given time; None: until it comes."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
