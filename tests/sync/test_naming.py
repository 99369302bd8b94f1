"""Names are computed once from the item, and every destination takes them."""

from datetime import UTC, datetime
from itertools import islice
import re
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.storage.names import (
    MAX_SEGMENT_BYTES,
    clean_path,
)
from custom_components.frigate_snap_sync.sync.model.item import (
    Item,
    Media,
    live_snapshot_item,
)
from custom_components.frigate_snap_sync.sync.model.naming import (
    alternatives,
    default_name,
    name_values,
    numbered,
)

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 22, 23, 30, 5, 900000, tzinfo=UTC).timestamp()


def item(media: Media = Media.RECORDINGS, **changes: object) -> Item:
    """Return an item to be named."""
    values: dict[str, object] = {
        "media": media,
        "source_id": f"{START}-l0g9kw",
        "camera": "front_door",
        "label": "" if media is Media.RECORDINGS else "person",
        "labels": frozenset({"person", "car"}),
        "zones": frozenset({"porch"}),
        "severity": Severity.ALERT,
        "start": START,
        "end": START + 20.7,
        "reported_at": START,
    }
    return Item(**(values | changes))  # type: ignore[arg-type]


def name(item: Item) -> str:
    """Return an item's default name in Berlin."""
    return default_name(item, name_values(item, BERLIN))


def test_default_names_are_those_of_the_item_in_local_time() -> None:
    """The date folder is the local one: half an hour past midnight in Berlin."""
    assert name(item()) == (
        "2026-11-23/2026-11-23_00-30-05+0100-front_door-recording-car+person-l0g9kw.mp4"
    )
    assert name(item(Media.SNAPSHOTS)) == (
        "2026-11-23/2026-11-23_00-30-05+0100-front_door-snapshot-person-l0g9kw.jpg"
    )
    live = live_snapshot_item("front_door", "person", "ab12cd34" * 8, received=START)
    assert name(live) == (
        "2026-11-23/2026-11-23_00-30-05+0100-front_door-live-snapshot-person-ab12cd34.jpg"
    )
    assert name(item(labels=frozenset())) == (
        "2026-11-23/2026-11-23_00-30-05+0100-front_door-recording-l0g9kw.mp4"
    )


def test_template_variables() -> None:
    """A template gets all that Frigate told, with aware local times."""
    values = name_values(item(), BERLIN)
    assert values.kind == "recording"
    assert values.label == "car, person"
    assert values.labels == ("car", "person")
    assert values.severity == "alert"
    assert values.zones == ("porch",)
    assert values.start.isoformat() == "2026-11-23T00:30:05+01:00"
    assert values.end is not None
    assert values.end.isoformat() == "2026-11-23T00:30:26+01:00"
    assert name_values(item(end=None), BERLIN).end is None
    assert name_values(item(severity=None), BERLIN).severity == ""


def test_a_folder_sorts_by_time() -> None:
    """All of one moment lies together, whatever its kind and camera."""
    names = [
        name(item(media, start=START + 60 * minute, camera=camera))
        for minute, camera in enumerate(("yard", "attic", "garage"))
        for media in Media
    ]
    assert [path[:35] for path in sorted(names)] == [path[:35] for path in names]


@pytest.mark.parametrize(
    ("media", "changes"),
    [
        (Media.SNAPSHOTS, {"label": "ü" * 300}),
        (Media.RECORDINGS, {"labels": frozenset(f"label {n}" for n in range(90))}),
        (Media.SNAPSHOTS, {"camera": "ü" * 300}),
        (Media.RECORDINGS, {"camera": "c" * 300, "labels": frozenset({"l" * 300})}),
    ],
)
def test_the_id_is_never_cut(media: Media, changes: dict[str, object]) -> None:
    """It makes the name unique, whatever is put behind it; the label is cut first."""
    long = name(item(media, **changes))
    ending = f"-l0g9kw.{media.extension}"
    last = long.rpartition("/")[2]
    assert last.endswith(ending)
    assert f"-{media.kind}-" in last
    assert len(last.encode()) <= MAX_SEGMENT_BYTES
    for suffix in ("part001", "01-part001", "incomplete-l0g9kw-19"):
        assert f"-l0g9kw-{suffix}." in numbered(long, suffix)


@given(
    camera=st.text(max_size=300),
    label=st.text(max_size=300),
    source_id=st.text(min_size=1, max_size=300),
    media=st.sampled_from(Media),
)
def test_any_item_gets_a_safe_name(
    camera: str, label: str, source_id: str, media: Media
) -> None:
    """Whatever comes over MQTT, the name has two segments that every server takes."""
    hostile = item(media, camera=camera, label=label, source_id=source_id)
    path = name(hostile)
    folder, slash, last = path.partition("/")
    assert (folder, slash) == ("2026-11-23", "/")
    assert last.endswith(f".{media.extension}")
    assert "/" not in last
    assert "\\" not in last
    assert not last.startswith(".")
    assert len(last.encode()) <= MAX_SEGMENT_BYTES
    assert clean_path(path, media.extension) == path


def test_numbers_and_alternatives_keep_the_extension() -> None:
    """Pieces are numbered; a name that is taken gets the id, then numbers."""
    assert numbered("a/b.mp4", "02") == "a/b-02.mp4"
    assert list(islice(alternatives("a/b.mp4", "l0g9kw"), 4)) == [
        "a/b.mp4",
        "a/b-l0g9kw.mp4",
        "a/b-l0g9kw-2.mp4",
        "a/b-l0g9kw-3.mp4",
    ]
    # Of thousands that are taken not each is looked up.
    names = list(islice(alternatives("a/b.mp4", "l0g9kw"), 22))
    assert names[-3] == "a/b-l0g9kw-19.mp4"
    assert re.fullmatch("a/b-l0g9kw-[0-9a-f]{8}.mp4", names[-1])
    assert names[-1] != names[-2]
    assert list(islice(alternatives("a/b-l0g9kw.mp4", "l0g9kw"), 2)) == [
        "a/b-l0g9kw.mp4",
        "a/b-l0g9kw-2.mp4",
    ]
    long = numbered(f"a/{'x' * 196}.mp4", "02")
    assert long == f"a/{'x' * 193}-02.mp4"
