"""What Frigate's messages say of tracked objects."""

import pytest

from custom_components.frigate_snap_sync.frigate.messages import MalformedMessage
from custom_components.frigate_snap_sync.frigate.models import Severity

from .test_messages import OBJECT, say_object

# Tracked objects


def test_object() -> None:
    """All that is used of a tracked object."""
    tracked = say_object("end", end_time=1795336650, sub_label=["amazon", 0.8]).object

    assert tracked.id == OBJECT["id"]
    assert tracked.camera == "front_door"
    assert tracked.label == "person"
    assert tracked.sub_label == "amazon"
    assert tracked.start_time == 1795336632.0
    assert tracked.end_time == 1795336650.0
    assert tracked.severity is Severity.ALERT
    assert tracked.zones == {"porch"}
    assert tracked.has_snapshot
    assert not tracked.false_positive


@pytest.mark.parametrize(
    ("sent", "sub_label"),
    [
        (None, None),
        ("amazon", "amazon"),
        (["amazon", 0.9], "amazon"),
        ([], None),
        ([None], None),
        ({"a": 1}, None),
        (..., None),
    ],
)
def test_object_sub_label(sent: object, sub_label: str | None) -> None:
    """Over MQTT a sub label comes with its score."""
    assert say_object(sub_label=sent).object.sub_label == sub_label


def test_object_with_little() -> None:
    """What a message lacks is not assumed."""
    tracked = say_object(
        entered_zones=..., max_severity=..., has_snapshot=..., false_positive=...
    ).object

    assert tracked.zones == frozenset()
    assert tracked.severity is None
    assert not tracked.has_snapshot
    assert not tracked.false_positive


@pytest.mark.parametrize(
    ("sent", "severity"),
    [
        ("alert", Severity.ALERT),
        ("detection", Severity.DETECTION),
        # Frigate 0.15+: neither; it belongs to no review.
        (None, Severity.DETECTION),
        ("significant_motion", Severity.DETECTION),
        # Frigate 0.14
        (..., None),
    ],
)
def test_object_severity(sent: object, severity: Severity | None) -> None:
    """No alert is the lesser of the two; what a message lacks is not known."""
    assert say_object(max_severity=sent).object.severity is severity


@pytest.mark.parametrize("value", [1, "true", None, []])
def test_object_flags_of_wrong_types(value: object) -> None:
    """Only true is true."""
    assert not say_object(has_snapshot=value).object.has_snapshot


@pytest.mark.parametrize("field", ["id", "camera", "start_time", "label"])
def test_object_without_what_it_needs(field: str) -> None:
    """Without these there is no tracked object."""
    with pytest.raises(MalformedMessage, match=field.partition("_")[0]):
        say_object(**{field: ...})
