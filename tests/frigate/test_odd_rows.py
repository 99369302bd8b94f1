"""Rows in a form that nobody knows yet are not "nothing there"."""

from collections.abc import Awaitable, Callable
import json
import logging
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    UnreadableRows,
)
from custom_components.frigate_snap_sync.frigate.models import Page

from .recorded import reply
from .server import FakeServer, as_bytes, as_json

type Ask = Callable[[FrigateClient], Awaitable[Any]]


def recorded_rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a recorded list."""
    rows: list[dict[str, Any]] = json.loads(reply("0.17.2", name).body)
    return rows


def later(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows as a future Frigate may write them, with text times."""
    return [
        row | {"start_time": "2026-11-28T10:00:00Z", "end_time": "2026-11-28T10:00:10Z"}
        for row in rows
    ]


LISTS: list[tuple[str, str, Ask]] = [
    ("/api/review", "review-list", lambda each: each.reviews(after=0, before=3e9)),
    (
        "/api/events",
        "events",
        lambda each: each.events(after=0, before=3e9, limit=100),
    ),
    (
        "/api/front_door/recordings",
        "recordings",
        lambda each: each.recordings("front_door", after=0, before=3e9),
    ),
]
ITEMS: list[tuple[str, str, Ask]] = [
    ("/api/review/id", "review-by-id", lambda each: each.review("id")),
    ("/api/events/id", "event-by-id", lambda each: each.event("id")),
]


@pytest.fixture
def future(server: FakeServer) -> FakeServer:
    """Return the server of a Frigate that is newer than any known."""
    server.answer("/api/version", as_bytes(b"0.19.0-abc", "text/plain"))
    return server


@pytest.mark.parametrize(("path", "name", "ask"), LISTS)
async def test_lists_of_another_form(
    future: FakeServer, client: FrigateClient, path: str, name: str, ask: Ask
) -> None:
    """Nothing readable is an error; nothing at all is nothing."""
    future.answer(path, as_json(later(recorded_rows(name))))
    with pytest.raises(UnreadableRows, match="nothing readable"):
        await ask(client)
    future.answer(path, as_json([7, None, "text"]))
    with pytest.raises(UnreadableRows, match="nothing readable"):
        await ask(client)
    future.answer(path, as_json([]))
    await ask(client)


@pytest.mark.parametrize(("path", "name", "ask"), LISTS)
async def test_lists_of_which_some_rows_are_of_another_form(
    future: FakeServer,
    client: FrigateClient,
    path: str,
    name: str,
    ask: Ask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others are given; that some are left out is said once."""
    rows = recorded_rows(name)
    future.answer(path, as_json([*later(rows), *rows]))
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        found = await ask(client)
        found = found.objects if isinstance(found, Page) else found
        assert len(found) == len(rows)
    (record,) = caplog.records
    assert "can't be understood" in record.getMessage()


@pytest.mark.parametrize(("path", "name", "ask"), ITEMS)
async def test_an_item_of_another_form(
    future: FakeServer, client: FrigateClient, path: str, name: str, ask: Ask
) -> None:
    """It is there, so it is not missing."""
    row = json.loads(reply("0.17.2", name).body)
    future.answer(path, as_json(later([row])[0]))
    with pytest.raises(FrigateServerError, match="start_time"):
        await ask(client)


async def test_footage_that_can_not_be_read_is_not_gone(
    future: FakeServer, client: FrigateClient
) -> None:
    """What can be read has to lie in the time that was asked for."""
    good = {"start_time": 10, "end_time": 20}
    odd = {"start_time": "soon", "end_time": "later"}
    future.answer("/api/front_door/recordings", as_json([good, odd]))
    found = await client.recordings("front_door", after=15, before=30)
    assert found
    assert found.left_out == 1
    with pytest.raises(UnreadableRows):
        await client.recordings("front_door", after=20, before=30)
    future.answer("/api/front_door/recordings", as_json([good]))
    found = await client.recordings("front_door", after=20, before=30)
    assert found
    assert not found.left_out


async def test_a_full_page_of_odd_objects_hides_no_older_ones(
    future: FakeServer, client: FrigateClient
) -> None:
    """As long as their starts say where to look on."""
    row = json.loads(reply("0.17.2", "event-by-id").body)
    odd = [row | {"camera": 7, "start_time": start} for start in (30, 20)]
    future.answer("/api/events", as_json(odd))
    page = await client.events(after=1, before=40, limit=2)
    assert page.objects == []
    assert page.oldest == 20
    with pytest.raises(UnreadableRows):
        await client.events(after=1, before=40, limit=3)


async def test_objects_are_asked_for_by_length_and_by_progress(
    future: FakeServer, client: FrigateClient
) -> None:
    """As Frigate 0.14 to 0.18 name it; not at all where it does not matter."""
    future.answer("/api/events", as_json([]))
    await client.events(after=1, before=2, limit=3)
    await client.events(after=1, before=2, limit=3, min_length=7200.5)
    await client.events(after=1, before=2, limit=3, in_progress=True)
    plain, long, running = (asked.query for asked in future.asked_for("/api/events"))
    assert long == {**plain, "min_length": "7200.500000"}
    assert running == {**plain, "in_progress": "1"}
