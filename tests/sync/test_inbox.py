"""The inbox is bounded, and never makes Frigate's messages wait."""

import asyncio

import pytest

from custom_components.frigate_snap_sync.sync import inbox as inbox_module
from custom_components.frigate_snap_sync.sync.inbox import MAX_PAYLOAD, Inbox

from ..waiting import promptly


def add(inbox: Inbox, *topics: str) -> None:
    """Put messages in."""
    for topic in topics:
        inbox.add(topic, b"x", retain=False)


async def test_messages_come_in_order_and_stay_until_removed() -> None:
    """What could not be kept is tried again."""
    inbox = Inbox("frigate")
    add(inbox, "a", "b")
    assert (await inbox.first()).topic == "a"
    first = await inbox.first()
    assert first.topic == "a"
    inbox.remove(first)
    assert (await inbox.first()).topic == "b"
    assert len(inbox) == 1


async def test_what_was_pushed_out_while_it_was_worked_on_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest go first, with one word about it."""
    monkeypatch.setattr(inbox_module, "MAX_MESSAGES", 2)
    inbox = Inbox("frigate")
    add(inbox, "a")
    working_on = await inbox.first()
    add(inbox, "b", "c", "d")
    inbox.remove(working_on)
    assert (await inbox.first()).topic == "c"
    assert len(inbox) == 2
    assert caplog.text.count("the oldest are dropped") == 1


async def test_a_monster_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    """It would push out all that came before it."""
    inbox = Inbox("frigate")
    add(inbox, "a")
    inbox.add("monster", bytes(MAX_PAYLOAD + 1), retain=False)
    assert len(inbox) == 1
    assert "monster" in caplog.text


async def test_drained() -> None:
    """Once the last message was removed, and somebody asks for the next."""
    inbox = Inbox("frigate")
    add(inbox, "a")
    draining = asyncio.create_task(inbox.drained())
    inbox.remove(await inbox.first())
    waiting = asyncio.create_task(inbox.first())
    async with promptly():
        await draining
    add(inbox, "b")
    assert (await waiting).topic == "b"
