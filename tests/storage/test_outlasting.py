"""Tasks that continue when whoever waits for them is cancelled."""

import asyncio
import gc
from typing import Any

import pytest

from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.storage.outlasting import outlast


async def _end(result: asyncio.Future[int]) -> int:
    return await result


async def test_what_it_gives_and_raises() -> None:
    """As if it were awaited."""
    result: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    result.set_result(1)
    assert await outlast(asyncio.create_task(_end(result))) == 1
    result = asyncio.get_running_loop().create_future()
    result.set_exception(Unreachable("closed"))
    with pytest.raises(Unreachable):
        await outlast(asyncio.create_task(_end(result)))


@pytest.mark.parametrize("fails", [False, True])
async def test_a_waiter_that_is_cancelled(fails: bool) -> None:
    """The task continues, and no error is logged of which it is late to do anything."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    result: asyncio.Future[int] = loop.create_future()
    task = asyncio.create_task(_end(result))
    waiter = asyncio.create_task(outlast(task))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.wait((waiter,))
    assert waiter.cancelled()
    assert not task.done()
    if fails:
        result.set_exception(Unreachable("closed"))
    else:
        result.set_result(1)
    await asyncio.wait((task,))
    assert not task.cancelled()
    await asyncio.sleep(0)
    del task, result
    gc.collect()
    assert complaints == []


async def test_a_task_that_is_cancelled() -> None:
    """Then so is its waiter."""
    result: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(_end(result))
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await outlast(task)
