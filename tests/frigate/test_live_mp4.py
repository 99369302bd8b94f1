"""Live film in memory and in files that were cut off anywhere."""

from pathlib import Path
import random

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.frigate.live_mp4 import (
    LiveFragment,
    look_at_bytes,
    parse_fragment,
    parse_init,
)
from custom_components.frigate_snap_sync.frigate.media import check_mp4

from ..films import box
from ..harness.frigate import live
from .live_sessions import film

FILMS = ("h264_aac", "h264_pcma", "h265")


def fragments(name: str) -> list[LiveFragment]:
    """Return the fragments of a recorded film."""
    data = film(name)
    init = parse_init(data[0])
    return [parse_fragment(each, init) for each in data[1:]]


@pytest.mark.parametrize("name", FILMS)
def test_pictures_follow_each_other(name: str) -> None:
    """Pictures follow each other."""

    pictures = [each.pictures for each in fragments(name) if each.pictures is not None]

    assert [each.start for each in pictures[1:]] == pytest.approx(
        [each.end for each in pictures[:-1]]
    )
    assert [each.start for each in pictures if each.is_keyframe] == pytest.approx(
        [0, 1.93], abs=0.01
    )


@pytest.mark.parametrize(("name", "has_sound"), zip(FILMS, (1, 1, 0), strict=True))
def test_sound_has_no_pictures(name: str, has_sound: int) -> None:
    """Sound has no pictures."""

    sound = [each for each in fragments(name) if each.pictures is None]

    assert bool(sound) == has_sound


@pytest.mark.parametrize("name", FILMS)
def test_a_file_cut_at_any_byte_holds_its_whole_fragments(name: str) -> None:
    """A file cut at any byte holds its whole fragments."""

    data = b"".join(film(name))
    ends = [len(film(name)[0])]
    for each in film(name)[1:]:
        ends.append(ends[-1] + len(each))
    rand = random.Random(1)
    first = ends[1]
    for cut in [first, len(data), *rand.sample(range(first, len(data)), 60)]:
        found = look_at_bytes(data[:cut])
        assert found.size == max(end for end in ends if end <= cut)
        assert 0 < found.duration <= 2.5


@pytest.mark.parametrize("cut", [0, 4, 100, 700, 1200])
def test_a_file_without_a_picture_holds_nothing(cut: int) -> None:
    """A file without a picture holds nothing."""

    with pytest.raises(MediaBroken):
        look_at_bytes(b"".join(film("h265"))[:cut])


def test_what_does_not_belong_into_a_live_file_ends_it() -> None:
    """What does not belong into a live file ends it."""

    data = b"".join(film("h265")[:4])

    assert look_at_bytes(data + box(b"junk", bytes(100))).size == len(data)
    assert look_at_bytes(data + film("h265")[0]).size == len(data)
    assert look_at_bytes(data + b"\0\0\0\x01moof").size == len(data)


def test_the_check_of_whole_films_refuses_a_live_one(tmp_path: Path) -> None:
    """That is why this one is needed."""
    path = tmp_path / "live.mp4"
    path.write_bytes(b"".join(film("h265")))

    with pytest.raises(MediaBroken, match="mfra"):
        check_mp4(path)


def test_the_simulated_film_plays_and_tells_its_moments() -> None:
    """The simulated film plays and tells its moments."""

    init = parse_init(live.beginning())
    units = live.pictures_of("front_door", 1_764_000_000)
    parts = [
        live.fragment(
            unit, number=number + 1, ticks=9000 * number, is_key=not number, size=9000
        )
        for number, unit in enumerate(units)
    ]
    data = b"".join([init.data, *parts])

    assert {len(part) for part in parts} == {9108}
    assert live.moments(data) == [1_764_000_000 + n / 10 for n in range(10)]
    assert look_at_bytes(data).duration == pytest.approx(1)
    assert live.moments(data[:-5000])[-1] == 1_764_000_000.8
