"""Who wants an item, and which one goes first."""

from dataclasses import replace

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.model.item import (
    Item,
    Media,
    Role,
    range_item,
)
from custom_components.frigate_snap_sync.sync.model.rank import Rank
from custom_components.frigate_snap_sync.sync.model.selection import Selection, wants

from .samples import LIVE, RECORDING, SNAPSHOT


@pytest.mark.parametrize(
    ("selection", "item", "wanted"),
    [
        (Selection(), RECORDING, True),
        (Selection(media=frozenset({Media.SNAPSHOTS})), RECORDING, False),
        (Selection(media=frozenset({Media.SNAPSHOTS})), SNAPSHOT, True),
        (Selection(cameras=frozenset({"back"})), RECORDING, False),
        (Selection(cameras=frozenset({"back"})), SNAPSHOT, False),
        (Selection(cameras=frozenset({"back"})), LIVE, False),
        (Selection(cameras=frozenset({"Front_door"})), LIVE, False),
        (Selection(cameras=frozenset({"front_door"})), LIVE, True),
        (Selection(labels=frozenset({"car"})), RECORDING, False),
        (Selection(labels=frozenset({"car"})), LIVE, False),
        (Selection(labels=frozenset({"car", "Person"})), RECORDING, True),
        (Selection(zones=frozenset({"street"})), RECORDING, False),
        (Selection(zones=frozenset({"street"})), SNAPSHOT, False),
        (Selection(zones=frozenset({"street"})), LIVE, True),
        (Selection(zones=frozenset({"street", "porch"})), RECORDING, True),
        (Selection(severity=Severity.ALERT), RECORDING, False),
        (Selection(severity=Severity.ALERT), SNAPSHOT, False),
        (Selection(severity=Severity.ALERT), LIVE, True),
        (Selection(severity=Severity.ALERT), replace(SNAPSHOT, severity=None), True),
        (
            Selection(severity=Severity.ALERT),
            replace(RECORDING, severity=Severity.ALERT),
            True,
        ),
    ],
)
def test_wants(selection: Selection, item: Item, wanted: bool) -> None:
    """Every filter applies; severity and zones don't apply to live snapshots."""
    assert wants(selection, item) is wanted


def test_order_of_work() -> None:
    """Stills, then parts, then wholes; alerts before detections; ranges come last."""
    alert = replace(RECORDING, severity=Severity.ALERT)
    chosen = range_item(
        "front_door", 1000.0, 1060.0, clock_offset=0.0, reported_at=2000.0
    )
    assert [
        LIVE.rank(),
        SNAPSHOT.rank(),
        alert.rank(Role.PART),
        RECORDING.rank(Role.PART),
        alert.rank(),
        RECORDING.rank(),
        chosen.rank(),
    ] == list(Rank)
