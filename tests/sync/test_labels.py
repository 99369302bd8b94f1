"""Odd, many and joined labels: nothing is lost for them, nothing grows by them."""

from dataclasses import replace
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.sync.model.item import Item
from custom_components.frigate_snap_sync.sync.model.selection import (
    Selection,
    bounded,
    wants,
)

from .conftest import Bench, setup, until
from .fakes import FakeDestination
from .samples import RECORDING, SNAPSHOT

ODD = ["x" * 300, "per\nson", "per\x00son", "\u202eperson", "\u200b", " "]


async def row_of(bench: Bench) -> tuple[str, str]:
    """Return the labels and zones of the one item, as the ledger holds them."""

    def read(connection: sqlite3.Connection) -> tuple[str, str]:
        row = connection.execute("SELECT labels, zones FROM items").fetchone()
        return row["labels"], row["zones"]

    return await bench.engine._ledger.run(read)  # noqa: SLF001


async def heard(bench: Bench) -> None:
    """Wait until all messages are kept."""
    await until(lambda: not len(bench.engine._inbox))  # noqa: SLF001


@pytest.mark.parametrize("label", ODD)
async def test_an_odd_label_costs_nothing(
    bench: Bench, nas: FakeDestination, label: str
) -> None:
    """Neither the live snapshot, nor the picture, nor the footage."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot(label=label)
    bench.tracked_object(label=label, entered_zones=[label], sub_label=[label, 0.9])
    bench.review("end", end=time.time() - 30, objects=[label], zones=[label])
    await until(lambda: len(nas.media) == 3)
    assert await bench.settled() == {"verified": 3}


async def test_one_image_of_two_odd_labels_is_two_items(
    bench: Bench, nas: FakeDestination
) -> None:
    """Although both look the same once they are cleaned; each comes once."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    for label in ("x" * 300, "x" * 301, "x" * 128, "x" * 300):
        bench.live_snapshot(label=label)
    await heard(bench)
    assert await bench.settled() == {"verified": 3}
    assert len(nas.media) == 3


async def test_labels_of_a_running_review_are_bounded(
    bench: Bench, nas: FakeDestination
) -> None:
    """Ever new ones don't let its row grow; the first ones stay."""
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    start = time.time() - 30
    review = bench.review("new", start=start, objects=["person"], zones=["porch"])
    for number in range(100):
        many = [f"{number:05}-{other:02}" + "ü" * 110 for other in range(64)]
        bench.review("update", source_id=review, start=start, objects=many, zones=many)
    await heard(bench)
    labels, zones = await row_of(bench)
    assert len(labels) + len(zones) < 100_000
    assert '"person"' in labels
    assert '"porch"' in zones


@pytest.mark.parametrize(
    "selection",
    [
        Selection(labels=frozenset({"Rare Bird"})),
        Selection(zones=frozenset({"Rare Bird"})),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_filter_finds_what_comes_beyond_the_bound(
    bench: Bench, nas: FakeDestination, selection: Selection, at_once: bool
) -> None:
    """However many others came before, in one message or in many."""
    await bench.start(setup(nas, selection=selection))
    await until(lambda: bench.status.frigate_connected)
    start = time.time() - 60
    many = [f"label {number:04}" for number in range(300)]
    review = bench.review("new", start=start, objects=many, zones=many)
    rare = [*many, "rare bird"] if at_once else ["rare bird"]
    bench.review("update", source_id=review, start=start, objects=rare, zones=rare)
    bench.review(
        "end", source_id=review, start=start, end=time.time() - 30, objects=[], zones=[]
    )
    await until(lambda: nas.media)
    labels, zones = await row_of(bench)
    assert "rare bird" in (labels if selection.labels else zones)
    assert len(labels) + len(zones) < 3000


def test_what_is_kept_of_too_many_labels() -> None:
    """What was known, what is asked for, once each, and others up to the limit."""
    known = replace(RECORDING, labels=frozenset({"zebra", "person"}))
    many = frozenset(f"a{number:03}" for number in range(200))
    told = replace(known, labels=known.labels | many | {"Żubr", "żubr", "yak"})
    asked = [Selection(), Selection(labels=frozenset({"ŻUBR"}))]
    kept = bounded(told, known=known, selections=asked).labels
    assert len(kept) == 64
    assert known.labels <= kept
    assert len(kept & {"Żubr", "żubr"}) == 1
    assert "yak" not in kept
    assert bounded(known, selections=asked) == known
    # Again and again the same: a known one never goes for another.
    again = bounded(
        replace(told, labels=told.labels | {"a", "b"}),
        known=replace(told, labels=kept),
        selections=[Selection(labels=frozenset({"b"}))],
    ).labels
    assert again == kept | {"b"}


def test_long_labels_are_bounded_by_their_bytes() -> None:
    """64 of them could be 32 KiB."""
    long = frozenset(f"{number:02}" + "😀" * 126 for number in range(64))
    kept = bounded(replace(RECORDING, labels=long, zones=long), selections=[])
    assert sum(len(label.encode()) for label in kept.labels) <= 8192
    assert len(kept.labels) == len(kept.zones) == 16


@pytest.mark.parametrize(
    ("labels", "zones", "item", "wanted"),
    [
        (["bob"], [], {"labels": {"person", "Anna, Bob"}}, True),
        (["ANNA"], [], {"labels": {"person", "Anna,Bob"}}, True),
        (["Anna, Bob"], [], {"labels": {"person", "Bob"}}, True),
        (["Anna, Bob"], [], {"labels": {"person", "Anna, Bob"}}, True),
        (["Ann"], [], {"labels": {"person", "Anna, Bob"}}, False),
        (["cafe\u0301"], [], {"labels": {"CAF\u00c9"}}, True),
        (["x" * 300], [], {"labels": {"x" * 128}}, True),
        ([","], [], {"labels": {"person", ","}}, True),
        ([","], [], {"labels": {"Anna, Bob"}}, False),
        ([], ["PORCH"], {"zones": {"porch"}}, True),
        ([], ["Straße"], {"zones": {"STRASSE"}}, True),
        ([], ["porch"], {"zones": {"porches"}}, False),
    ],
)
@pytest.mark.parametrize("like", [RECORDING, SNAPSHOT])
def test_how_labels_and_zones_are_compared(
    labels: list[str],
    zones: list[str],
    item: dict[str, set[str]],
    wanted: bool,
    like: Item,
) -> None:
    """Without regard to case; of names in one text each counts."""
    changes = {name: frozenset(texts) for name, texts in item.items()}
    selection = Selection(labels=frozenset(labels), zones=frozenset(zones))
    assert wants(selection, replace(like, **changes)) is wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("joined", ["Anna, Bob", "Anna,Bob"])
async def test_joined_names_match_a_filter_for_either(
    bench: Bench, joined: str
) -> None:
    """In the picture of the object and in the footage of its review."""
    anna, bob, cleo = (FakeDestination() for _ in range(3))
    await bench.start(
        *(
            setup(place, name=name, selection=Selection(labels=frozenset({name})))
            for name, place in (("anna", anna), ("BOB", bob), ("cleo", cleo))
        )
    )
    await until(lambda: bench.status.frigate_connected)
    bench.tracked_object(sub_label=[joined, 0.9])
    bench.review("end", end=time.time() - 30, sub_labels=[joined])
    await until(lambda: len(anna.media) == len(bob.media) == 2)
    assert await bench.settled() == {"verified": 4}
    assert not cleo.media


async def test_names_that_differ_in_the_case_of_any_letter(
    bench: Bench, nas: FakeDestination
) -> None:
    """On a share that folds case they are one name, in folders too."""
    names = ["Äpfel/Żubr", "äpfel/żubr", "A\u0308PFEL/z\u0307ubr", "Äpfel/Kelvin\u212a"]
    names.append("äpfel/kelvinK")
    labels = iter(names)
    taken: dict[str, str] = {}

    def render(values: object) -> str:
        return taken.setdefault(values.id, next(labels))  # type: ignore[attr-defined]

    await bench.start(setup(nas, render=render))
    await until(lambda: bench.status.frigate_connected)
    for number, _ in enumerate(names):
        bench.tracked_object(source_id=f"1.5-abc{number}")
    await until(lambda: len(nas.media) == len(names))
    assert len({path.upper().casefold() for path in nas.media}) == len(names)
