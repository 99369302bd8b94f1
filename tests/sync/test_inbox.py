"""The inbox is bounded, and never makes Frigate's messages wait."""

import asyncio

import pytest

from custom_components.frigate_snap_sync.sync.intake.inbox import Inbox
from custom_components.frigate_snap_sync.sync.model.limits import Limits

from ..waiting import promptly
from .services import unopened


def add(inbox: Inbox, *topics: str) -> None:
    """Put messages in."""
    for topic in topics:
        inbox.add(topic, b"x", retain=False)


async def test_messages_come_in_order_and_stay_until_removed() -> None:
    """What could not be kept is tried again."""
    inbox = Inbox("frigate", services=unopened())
    add(inbox, "a", "b")
    assert (await inbox.first()).topic == "a"
    first = await inbox.first()
    assert first.topic == "a"
    inbox.remove(first)
    assert (await inbox.first()).topic == "b"
    assert len(inbox) == 1


async def test_what_was_pushed_out_while_it_was_worked_on_takes_no_other_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The oldest go first, with one word about it."""
    inbox = Inbox("frigate", services=unopened(limits=Limits(messages=2)))
    add(inbox, "a")
    working_on = await inbox.first()
    add(inbox, "b", "c", "d")
    inbox.remove(working_on)
    assert (await inbox.first()).topic == "c"
    assert len(inbox) == 2
    assert caplog.text.count("the oldest are dropped") == 1


async def test_a_flood_is_made_up_for_when_it_begins_and_when_it_is_over() -> None:
    """What is asked of Frigate's API at its beginning misses what is dropped later."""
    calls: list[None] = []
    services = unopened(limits=Limits(messages=2))
    services.signals.messages_missed.subscribe(lambda: calls.append(None))
    inbox = Inbox("frigate", services=services)
    for _ in range(2):
        calls.clear()
        add(inbox, *"abcdefg")
        assert len(calls) == 1
        for _ in range(2):
            inbox.remove(await inbox.first())
        assert len(calls) == 1
        waiting = asyncio.create_task(inbox.first())
        await asyncio.sleep(0)
        assert len(calls) == 2
        add(inbox, "z")
        inbox.remove(await waiting)
    assert len(calls) == 2


async def test_a_monster_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    """It would push out all that came before it."""
    inbox = Inbox("frigate", services=unopened())
    add(inbox, "a")
    inbox.add("monster", bytes(Limits().payload_bytes + 1), retain=False)
    assert len(inbox) == 1
    assert "monster" in caplog.text


@pytest.mark.parametrize(
    ("topic", "retain", "count"),
    [
        ("frigate/front_door/person/snapshot", False, 1),
        ("frigate/front_door/person/snapshot", True, 0),
        ("frigate/reviews", False, 0),
    ],
)
def test_an_image_that_is_too_large_is_lost(
    topic: str, retain: bool, count: int
) -> None:
    """What else a monster says is asked for in Frigate's API."""
    calls: list[None] = []
    services = unopened()
    services.signals.messages_missed.subscribe(lambda: calls.append(None))
    inbox = Inbox("frigate", services=services)
    inbox.add(topic, bytes(Limits().payload_bytes + 1), retain=retain)
    assert (inbox.large_images, inbox.lost_images) == (count, 0)
    assert len(calls) == 1
    inbox.add(topic, b"x", retain=retain)
    (raw,) = inbox._messages  # noqa: SLF001
    inbox.lose_large_image(raw)
    assert not len(inbox)
    assert (inbox.large_images, inbox.lost_images) == (2 * count, 0)
    assert len(calls) == 2
    inbox.forget_lost_images(0, large=2 * count)
    assert inbox.large_images == 0


async def test_drained() -> None:
    """Once the last message was removed, and somebody asks for the next."""
    inbox = Inbox("frigate", services=unopened())
    add(inbox, "a")
    draining = asyncio.create_task(inbox.drained())
    inbox.remove(await inbox.first())
    waiting = asyncio.create_task(inbox.first())
    async with promptly():
        await draining
    add(inbox, "b")
    assert (await waiting).topic == "b"


def test_what_is_lost() -> None:
    """Images, which exist nowhere else; whoever can ask for the others is called."""
    calls: list[None] = []
    services = unopened()
    services.signals.messages_missed.subscribe(lambda: calls.append(None))
    inbox = Inbox("frigate", services=services)
    for topic, retain in (
        ("frigate/front_door/person/snapshot", False),
        ("frigate/front_door/person/snapshot", True),
        ("frigate/reviews", False),
    ):
        inbox.add(topic, b"x", retain=retain)
        (raw,) = inbox._messages  # noqa: SLF001
        inbox.lose(raw)
        assert not len(inbox)
    assert inbox.lost_images == 1
    assert len(calls) == 3
    inbox.forget_lost_images(1)
    assert inbox.lost_images == 0


def test_what_is_heard() -> None:
    """A replay of an old message is no sign of life."""
    now = [100.0]
    box = Inbox("frigate", services=unopened(), steady=lambda: now[0])
    assert not box.has_received
    now[0] += 50
    box.add("frigate/available", b"online", retain=True)
    assert not box.has_received
    assert box.silence == 50
    assert box.oldest_for == 0
    box.add("frigate/stats", b"{}", retain=False)
    assert box.has_received
    now[0] += 20
    assert box.silence == 20
    assert box.oldest_for == 20


def test_the_silence_goes_through_many_links() -> None:
    """The time between two of them aside, for nothing could be heard then."""
    now = [100.0]
    box = Inbox("frigate", services=unopened(), steady=lambda: now[0])
    now[0] += 7
    box.listen()
    assert box.silence == 0
    box.add("frigate/stats", b"{}", retain=False)
    for _ in range(3):
        now[0] += 20
        box.lose_link()
        now[0] += 500
        box.listen()
        assert not box.has_received
    assert box.silence == 60
    box.add("frigate/stats", b"{}", retain=False)
    assert box.has_received
    assert box.silence == 0


def test_a_message_may_come_before_the_link_is_heard_of() -> None:
    """Whoever subscribes asks after that whether there is a connection."""
    box = Inbox("frigate", services=unopened())
    box.add("frigate/stats", b"{}", retain=False)
    box.listen()
    assert box.has_received
