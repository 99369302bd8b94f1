"""What several messages about one review come to."""

from dataclasses import replace

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.model.review_rules import ended, merge

from .samples import RECORDING


def test_what_is_known_of_a_review_only_grows() -> None:
    """Labels come and go in Frigate's messages; what was there once stays."""
    first = replace(RECORDING, end=None)
    assert merge(None, first) == first
    later = replace(
        first,
        labels=frozenset({"car"}),
        zones=frozenset(),
        severity=Severity.ALERT,
        start=5.0,
        end=1020.2,
        reported_at=2000.0,
    )
    merged = merge(first, later)
    assert merged == replace(
        first,
        labels=frozenset({"person", "car"}),
        severity=Severity.ALERT,
        end=1020.2,
    )
    again = merge(merged, replace(first, severity=Severity.DETECTION))
    assert again == merged


def test_an_end_that_can_not_be_is_clamped() -> None:
    """No end, an end in a far future, an end before the start."""
    assert ended(replace(RECORDING, end=None), by=1050.0).end == 1050.0
    assert ended(replace(RECORDING, end=9e18), by=1050.0).end == 1050.0
    assert ended(replace(RECORDING, end=1100.0), by=1050.0).end == 1100.0
    assert ended(replace(RECORDING, end=3.0), by=1050.0).end == RECORDING.start
    assert ended(RECORDING, by=1050.0) == RECORDING
