"""Objects that a review names: as many as one message may name, whatever more do."""

from dataclasses import replace
import sqlite3
import time

from custom_components.frigate_snap_sync.frigate.parsers import MAX_DETECTIONS
from custom_components.frigate_snap_sync.sync.model.review_rules import (
    merge,
    new_objects,
)

from .conftest import Bench, setup, until
from .fakes import FakeDestination
from .samples import ITEM


def named(message: int, count: int = MAX_DETECTIONS) -> list[str]:
    """Return the ids that a message names, of a hundred bytes each."""
    return [f"{message:05}-{number:03}-{'x' * 90}" for number in range(count)]


async def test_every_message_names_others(bench: Bench, nas: FakeDestination) -> None:
    """The ledger and what automations hear stay small; what was first stays."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    start = time.time() - 30
    for message in range(12):
        bench.review(
            "update",
            source_id="1.5-abc123",
            start=start,
            detections=named(message, count=100),
        )
    await bench.at_rest()
    bench.review(
        "end",
        source_id="1.5-abc123",
        start=start,
        end=start + 20,
        detections=named(99),
    )
    assert await bench.settled() == {"verified": 1}

    def rows(connection: sqlite3.Connection) -> int:
        return int(
            connection.execute("SELECT COUNT(*) FROM review_objects").fetchone()[0]
        )

    assert await bench.engine._ledger.run(rows) == MAX_DETECTIONS  # noqa: SLF001
    (event,) = bench.uploaded
    assert len(event.object_ids) == MAX_DETECTIONS
    assert set(named(0, 100) + named(1, 100)) <= set(event.object_ids)


def test_what_is_known_comes_first() -> None:
    """What a message names again takes no second place."""
    known = frozenset(named(1, MAX_DETECTIONS - 1))
    news = known | {"b", "c"}
    assert new_objects(known, frozenset(news)) == {"b"}
    assert new_objects(known | {"a"}, frozenset(news)) == frozenset()
    assert new_objects((), frozenset()) == frozenset()


def test_merged_messages() -> None:
    """In memory as in the ledger."""
    item = ITEM
    for message in range(4):
        item = merge(item, replace(ITEM, object_ids=frozenset(named(message, 100))))
    assert len(item.object_ids) == MAX_DETECTIONS
