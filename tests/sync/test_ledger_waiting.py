"""What the ledger says of what waits, and of what was sent of late."""

from collections.abc import Iterator
import sqlite3

import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    exposure,
    items,
    milestones,
    schema,
    traffic,
    waiting,
)
from custom_components.frigate_snap_sync.sync.ledger.waiting import Waiting
from custom_components.frigate_snap_sync.sync.model.item import Item, live_snapshot_item
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)

NOW = 10_000.0
HOUR = 3600.0


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return a ledger in memory with two destinations."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    yield connection
    connection.close()


def plan(
    connection: sqlite3.Connection,
    *destinations: str,
    reported_at: float,
    due: float | None = None,
) -> None:
    """Plan one image; with `due` it is to be fetched from Frigate then."""
    item: Item = live_snapshot_item(
        "front_door",
        "person",
        f"{reported_at}-{destinations}-{due}",
        received=reported_at,
    )
    items.plan(
        connection,
        item,
        (
            FilePlan(
                state=FileState.SPOOLED if due is None else FileState.WANTED,
                uploads=tuple(
                    UploadPlan(destination_id=one, path=f"{reported_at}-{due}.jpg")
                    for one in destinations
                ),
                due=due or 0,
                spool_name=f"{reported_at}" if due is None else None,
                size=1,
                sha256="",
            ),
        ),
    )


def look(
    connection: sqlite3.Connection,
    *failing: str,
    now: float = NOW,
    frigate_is_away: bool = False,
) -> Waiting:
    """Return what waits, where a minute late is late."""
    return waiting.waiting(
        connection,
        now=now,
        late=60,
        failing=failing,
        frigate_is_away=frigate_is_away,
    )


def test_nothing(connection: sqlite3.Connection) -> None:
    """Nothing waits, and nothing will."""
    assert look(connection) == Waiting(counts={"nas": 0, "cloud": 0})


def test_late(connection: sqlite3.Connection) -> None:
    """A minute after it was to leave: that of an image is when it came."""
    plan(connection, "nas", reported_at=NOW - 59)
    assert look(connection) == Waiting(counts={"nas": 0, "cloud": 0}, next=NOW + 1)
    assert look(connection, now=NOW + 1) == Waiting(
        counts={"nas": 1, "cloud": 0}, since=NOW - 59
    )


def test_what_is_fetched_waits_since_it_was_to_be(
    connection: sqlite3.Connection,
) -> None:
    """Not since it happened, nor since it was heard of."""
    plan(connection, "nas", reported_at=NOW - 90, due=NOW - 20)
    assert look(connection).counts == {"nas": 0, "cloud": 0}
    assert look(connection, now=NOW + 40).since == NOW - 20


def test_of_a_failing_destination(connection: sqlite3.Connection) -> None:
    """All that was to leave waits, and of the others nothing."""
    plan(connection, "nas", "cloud", reported_at=NOW)
    plan(connection, "nas", "cloud", reported_at=NOW, due=NOW + 20)
    assert look(connection, "cloud") == Waiting(
        counts={"nas": 0, "cloud": 1}, since=NOW, next=NOW + 20
    )
    assert look(connection, "cloud", now=NOW + 20).counts == {"nas": 0, "cloud": 2}


def test_of_a_paused_destination(connection: sqlite3.Connection) -> None:
    """The same."""
    plan(connection, "nas", "cloud", reported_at=NOW)
    destinations.set_sending(connection, "nas", False)
    assert look(connection).counts == {"nas": 1, "cloud": 0}


def test_of_a_frigate_that_is_away(connection: sqlite3.Connection) -> None:
    """What is not in the spool yet waits for it."""
    plan(connection, "nas", reported_at=NOW)
    plan(connection, "nas", reported_at=NOW - 5, due=NOW - 1)
    assert look(connection).counts["nas"] == 0
    found = look(connection, frigate_is_away=True)
    assert (found.counts["nas"], found.since) == (1, NOW - 1)


def test_a_clock_that_was_set_back(connection: sqlite3.Connection) -> None:
    """Nothing is planned to leave hours ahead."""
    plan(connection, "nas", reported_at=NOW + 299)
    assert not look(connection).is_ahead
    plan(connection, "nas", reported_at=NOW + 301)
    assert look(connection).is_ahead


def test_exposure(connection: sqlite3.Connection) -> None:
    """What waits longest, by the same moment."""
    assert exposure.unprotected_since(connection) is None
    plan(connection, "nas", reported_at=NOW - 90, due=NOW - 20)
    assert exposure.unprotected_since(connection) == NOW - 20


def test_traffic(connection: sqlite3.Connection) -> None:
    """Three days of it, by destination; what is older is forgotten."""
    now = 100 * 24 * HOUR
    assert traffic.of_three_days(connection, now=now) == {}
    traffic.note(connection, "nas", 7, now=now - 73 * HOUR)
    traffic.note(connection, "nas", 10, now=now - 71 * HOUR)
    traffic.note(connection, "nas", 20, now=now)
    traffic.note(connection, "nas", 20, now=now + 1)
    traffic.note(connection, "cloud", 5, now=now)
    assert traffic.of_three_days(connection, now=now) == {"nas": 50, "cloud": 5}
    assert connection.execute("SELECT COUNT(*) FROM traffic").fetchone()[0] == 3
    assert traffic.of_three_days(connection, now=now + 2 * HOUR)["nas"] == 40
    destinations.keep_destinations(connection, ["cloud"], now=now)
    assert traffic.of_three_days(connection, now=now) == {"cloud": 5}


def test_only_moments_of_a_kind(connection: sqlite3.Connection) -> None:
    """Each stays as it was first kept, and goes when others take its place."""
    keep = milestones.only_moments
    assert keep(connection, "state_", {"well": 1}) == {"well": 1}
    assert keep(connection, "state_", {"well": 2}) == {"well": 1}
    assert keep(connection, "state_", {"ill": 3, "well": 2}) == {"ill": 3, "well": 1}
    assert keep(connection, "state_", {"ill": 4}) == {"ill": 3}
    milestones.keep_moment(connection, "statement", 5)
    assert keep(connection, "state_", {"well": 6}) == {"well": 6}
    assert milestones.moments(connection, "state_") == {"well": 6}
    assert keep(connection, "state_", {}) == {}
    assert milestones.moment(connection, "statement", default=0) == 5
