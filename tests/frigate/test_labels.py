"""A label is cleaned and cut; it is never a reason to drop what it stands for."""

import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.frigate_snap_sync.frigate.fields import clean_text
from custom_components.frigate_snap_sync.frigate.messages import (
    LiveSnapshotMessage,
    ObjectMessage,
    ReviewMessage,
    parse,
)
from custom_components.frigate_snap_sync.frigate.models import Review, TrackedObject
from custom_components.frigate_snap_sync.frigate.parsers import (
    parse_object,
    parse_review,
)

from .test_messages import OBJECT, REVIEW

ODD = [
    ("per\nson", "per son"),
    ("per\r\n", "per"),
    ("per\u2028son", "per son"),
    ("traffic\u00a0light", "traffic light"),
    ("\tperson ", "person"),
    ("per\x00son", "person"),
    ("per\x1b[31mson", "per[31mson"),
    ("\u202eperson\u202c", "person"),
    ("per\u200bson\ufeff", "person"),
    ("per\ud800son", "person"),
    ("x" * 129, "x" * 128),
    ("ü" * 5000, "ü" * 128),
    (f"{'x' * 127} y", "x" * 127),
    ("", "unknown"),
    (" ", "unknown"),
    ("\u200b\u202e\ud800", "unknown"),
]
NO_TEXT = [None, 7, 1.5, True, [], ["person"], {"a": 1}]


def live(label: str) -> LiveSnapshotMessage:
    """Parse an image of this label."""
    message = parse("frigate", f"frigate/cam/{label}/snapshot", b"x", retain=False)
    assert isinstance(message, LiveSnapshotMessage)
    return message


def review(**data: object) -> Review:
    """Parse a review with this data over MQTT; the API's row says the same."""
    row = REVIEW | {"data": data}
    payload = json.dumps({"type": "end", "before": row, "after": row}).encode()
    message = parse("frigate", "frigate/reviews", payload, retain=False)
    assert isinstance(message, ReviewMessage)
    assert message.review == parse_review(row)
    return message.review


def tracked(**changes: Any) -> TrackedObject:
    """Parse a tracked object over MQTT; the API's row says the same."""
    row = OBJECT | changes
    payload = json.dumps({"type": "end", "before": row, "after": row}).encode()
    message = parse("frigate", "frigate/events", payload, retain=False)
    assert isinstance(message, ObjectMessage)
    assert message.object == parse_object(row)
    return message.object


@pytest.mark.parametrize(("label", "clean"), ODD)
def test_topic_and_api_agree_on_an_odd_label(label: str, clean: str) -> None:
    """Whoever filters for it finds the live snapshot, the picture and the footage."""
    assert live(label).label == clean
    assert tracked(label=label).label == clean
    if clean != "unknown":
        assert review(objects=[label]).labels == {clean}
        assert review(audio=[label]).labels == {clean}
        assert review(sub_labels=[label]).labels == {clean}
        assert review(zones=[label]).zones == {clean}
        assert tracked(sub_label=[label, 0.9]).sub_label == clean
        assert tracked(entered_zones=[label]).zones == {clean}


@pytest.mark.parametrize("label", NO_TEXT)
def test_a_label_that_is_no_text(label: object) -> None:
    """It costs neither the picture nor the footage."""
    assert tracked(label=label).label == "unknown"
    assert review(objects=[label, "person"]).labels == {"person"}
    assert review(zones=[label, "porch"]).zones == {"porch"}


@pytest.mark.parametrize("lists", NO_TEXT)
def test_lists_that_are_none(lists: object) -> None:
    """There are no labels then, but there is a review."""
    if lists == ["person"]:
        return
    assert review(objects=lists, zones=lists, audio=lists).labels == frozenset()


def test_labels_that_look_the_same_are_told_apart() -> None:
    """The same image of two labels is two items; a clean label needs no mark."""
    assert live("person").mark == ""
    marks = [live(label).mark for label in ("per\nson", "per son ", "\tper son", " ")]
    assert len(set(marks)) == 4
    assert all(len(mark) == 16 for mark in marks)
    long = [live("x" * 128 + end) for end in "ab"]
    assert long[0].label == long[1].label
    assert long[0].mark != long[1].mark
    assert live("per\nson").mark == marks[0]


@given(st.text(max_size=300))
def test_any_text_becomes_one_plain_line(text: str) -> None:
    """It can be stored and shown, and cleaning it again changes nothing."""
    clean = clean_text(text)
    assert len(clean) <= 128
    assert not clean or clean.isprintable()
    assert clean.encode().decode() == clean
    assert clean_text(clean) == clean == clean.strip()


def test_names_in_one_text() -> None:
    """Each is found by itself; of a long list all that are looked at."""
    assert review(sub_labels=["Anna, Bob", "Cleo,,  "]).labels == {
        "Anna",
        "Bob",
        "Cleo",
    }
    both = tracked(sub_label=["Anna, Bob", 0.9])
    assert both.sub_label == "Anna, Bob"
    assert both.sub_labels == {"Anna", "Bob"}
    many = ", ".join(f"name {number:02}" for number in range(40))
    assert "name 39" in tracked(sub_label=many).sub_labels
    assert len(tracked(sub_label=many).sub_label or "") <= 128


def test_repeated_labels_take_no_place() -> None:
    """A hundred persons hide no car."""
    assert review(objects=[*["person"] * 100, "car"]).labels == {"person", "car"}


def test_more_labels_on_demand() -> None:
    """Whoever knows what is asked for may look at more before it is bounded."""
    row = REVIEW | {"data": {"objects": [f"label {n}" for n in range(5000)]}}
    assert len(parse_review(row).labels) == 64
    assert len(parse_review(row, most_labels=1000).labels) == 1000
    zones = OBJECT | {"entered_zones": [f"zone {n}" for n in range(5000)]}
    assert len(parse_object(zones).zones) == 64
    assert len(parse_object(zones, most_labels=1000).zones) == 1000
