"""What a budget held back, and ended: it is free when it is wanted again."""

from collections.abc import Callable
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    asked,
    backfill,
    budgets,
    destinations,
    fetch_queue,
    items,
    losses,
    outcomes,
    retries,
    spooled_files,
)
from custom_components.frigate_snap_sync.sync.ledger.fetch_queue import FetchJob
from custom_components.frigate_snap_sync.sync.model.budget import held_back
from custom_components.frigate_snap_sync.sync.model.item import Media, UploadState
from custom_components.frigate_snap_sync.sync.model.plans import UploadPlan
from custom_components.frigate_snap_sync.sync.model.rank import Rank
from custom_components.frigate_snap_sync.sync.model.status import CancelFilter

from .ledgers import fetch, wanted
from .samples import ITEM

type Step = Callable[[sqlite3.Connection], object]


def budget(connection: sqlite3.Connection, name: str = "nas", *, used: int) -> None:
    """Let so many percent of a destination's budget be used."""
    budgets.hold_back(connection, name, held_back(used, 100), now=40)


def due(connection: sqlite3.Connection, *, now: float = 100) -> list[FetchJob]:
    """Return what is to be fetched."""
    return fetch_queue.next_fetches(
        connection, now=now, ranks=list(Rank), exclude=(), limit=9
    )


def known(connection: sqlite3.Connection) -> backfill.Known:
    """Return what is known of the item."""
    found = backfill.known(connection, Media.RECORDINGS, ITEM.source_id)
    assert found is not None
    return found


def upload(name: str) -> UploadPlan:
    """Return what brings the item to a destination."""
    return UploadPlan(destination_id=name, path="a/b.mp4")


def cancel(connection: sqlite3.Connection) -> None:
    """Let the owner cancel it."""
    asked.cancel(connection, CancelFilter(item_id=ITEM.source_id), now=50)


def ask(connection: sqlite3.Connection, name: str = "nas") -> None:
    """Let the owner ask for it by name."""
    asked.give(
        connection,
        known(connection),
        files=(),
        uploads=(upload(name),),
        numbers=[1],
        now=60,
    )


def retry(connection: sqlite3.Connection) -> None:
    """Let it have failed, and be tried again."""
    outcomes.finish(connection, 1, UploadState.GONE, "lost", now=50)
    budget(connection, used=0)
    retries.retry_failed(connection, selections={}, now=60)


def skip(connection: sqlite3.Connection) -> None:
    """Let it be no longer selected, and asked for."""
    outcomes.skip(connection, [1], "No longer selected", 50)
    budget(connection, used=0)
    ask(connection)


def ask_again(connection: sqlite3.Connection) -> None:
    """Let it be cancelled, and asked for in the next month."""
    cancel(connection)
    budget(connection, used=0)
    ask(connection)


@pytest.mark.parametrize("again", [ask_again, retry, skip])
def test_it_is_wanted_again_in_the_next_month(
    connection: sqlite3.Connection, again: Step
) -> None:
    """At the same destination: it leaves, and what is lost then is a loss."""
    budget(connection, used=100)
    items.plan(connection, ITEM, (wanted("nas"),))
    again(connection)
    (job,) = due(connection)
    assert not job.is_held_back
    row = connection.execute("SELECT hold, was_held FROM uploads").fetchone()
    assert tuple(row) == (None, 0)
    assert connection.execute("SELECT error FROM files").fetchone()[0] is None
    assert fetch(connection, 1) == ["nas"]


@pytest.mark.parametrize("again", [ask, retry])
def test_it_is_held_back_again_while_the_budget_is_used_up(
    connection: sqlite3.Connection, again: Step
) -> None:
    """Whoever asks for it."""
    budget(connection, used=100)
    items.plan(connection, ITEM, (wanted("nas"),))
    if again is ask:
        cancel(connection)
        ask(connection)
    else:
        outcomes.finish(connection, 1, UploadState.GONE, "lost", now=50)
        retries.retry_failed(connection, selections={}, now=60)
    assert not due(connection)
    (job,) = due(connection, now=1e6)
    assert job.is_held_back


@pytest.mark.parametrize("is_removed", [True, False])
def test_another_one_gets_it(connection: sqlite3.Connection, is_removed: bool) -> None:
    """It has no budget, or none that is used up."""
    budget(connection, used=100)
    items.plan(connection, ITEM, (wanted("nas"),))
    if is_removed:
        destinations.keep_destinations(connection, ["cloud"], now=50)
    else:
        cancel(connection)
    assert backfill.join(connection, known(connection), (upload("cloud"),), now=60) == 1
    (job,) = due(connection)
    assert not job.is_held_back
    assert fetch(connection, 1) == ["cloud"]


def test_one_that_has_a_beginning_stays_held_back(
    connection: sqlite3.Connection,
) -> None:
    """Only the one that might have had the whole no longer waits for it."""
    items.plan(connection, ITEM, (wanted("nas", "cloud"),))
    connection.execute(
        "UPDATE uploads SET state = 'incomplete' WHERE destination_id = 'nas'"
    )
    budget(connection, used=100)
    asked.cancel(connection, CancelFilter(destination_id="cloud"), now=50)
    (job,) = due(connection, now=1e6)
    assert job.is_held_back


def test_only_one_of_two_was_held_back(connection: sqlite3.Connection) -> None:
    """It is fetched once, for the one that asks for it now."""
    budget(connection, used=100)
    items.plan(connection, ITEM, (wanted("nas", "cloud"),))
    ask_again(connection)
    (job,) = due(connection)
    assert not job.is_held_back
    assert fetch(connection, 1) == ["nas"]
    assert not due(connection, now=1e6)


def test_what_comes_for_no_one_is_not_asked_for_at_once(
    connection: sqlite3.Connection,
) -> None:
    """Whatever the ledger says holds them back."""
    items.plan(connection, ITEM, (wanted("nas"),))
    connection.execute("UPDATE uploads SET hold = 'budget'")
    assert not fetch(connection, 1)
    assert not due(connection)
    (job,) = due(connection, now=1e6)
    assert job.is_held_back


@pytest.mark.parametrize(("has_come", "state"), [(True, "gone"), (False, "skipped")])
def test_what_might_have_left_since_is_a_loss(
    connection: sqlite3.Connection, has_come: bool, state: str
) -> None:
    """It was released and came, its destination was away, and it gave way to others."""
    items.plan(connection, ITEM, (wanted("nas"),))
    budget(connection, used=100)
    budget(connection, used=0)
    if has_come:
        assert fetch(connection, 1) == ["nas"]
        spooled_files.want_again(connection, 1, due=70)
    ended = outcomes.finish_without_footage(connection, 1, "lost", now=99)
    (found,) = connection.execute("SELECT state FROM uploads").fetchone()
    assert found == state
    assert len(ended.events) == losses.losses(connection).count == has_come
