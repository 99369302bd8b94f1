"""Changes that several wait for at the same time."""

import asyncio

from custom_components.frigate_snap_sync.changes import Changes

from .waiting import promptly


async def test_a_change_wakes_all_who_wait() -> None:
    """Each of them once, however late it gets its turn."""
    changes, woken = Changes(), list[int]()

    async def wait(number: int) -> None:
        await changes.wait()
        woken.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert not woken
    changes.notify()
    async with promptly():
        await asyncio.gather(*waiting)
    assert woken == [0, 1, 2]


async def test_an_earlier_change_wakes_nothing() -> None:
    """What is over was looked at before."""
    changes = Changes()
    changes.notify()
    waiting = asyncio.create_task(changes.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    changes.notify()
    async with promptly():
        await waiting


async def test_a_change_while_looking_is_not_missed() -> None:
    """It comes between a look that finds nothing and the wait."""
    changes = Changes()
    seen = changes.next()
    assert not seen.is_set()
    changes.notify()
    async with promptly():
        await seen.wait()
    assert not changes.next().is_set()
